/** The treaty between platform and runners: job specifications, the runner API, ids and error codes. */
@NullMarked
package dev.isoflop.protocol;

import org.jspecify.annotations.NullMarked;
