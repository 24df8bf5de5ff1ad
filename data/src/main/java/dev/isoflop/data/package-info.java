/** Documents in, token bins out. */
@NullMarked
package dev.isoflop.data;

import org.jspecify.annotations.NullMarked;
