/** A fit with all that is to be said of it, as records that every front end shows alike. */
@NullMarked
package dev.isoflop.scaling.report;

import org.jspecify.annotations.NullMarked;
