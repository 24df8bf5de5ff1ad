/** Timings of the fits, run by hand. */
@NullMarked
package dev.isoflop.scaling.bench;

import org.jspecify.annotations.NullMarked;
