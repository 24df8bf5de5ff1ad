/** What a run beyond the points will reach, with intervals that were calibrated on larger runs held out. */
@NullMarked
package dev.isoflop.scaling.forecast;

import org.jspecify.annotations.NullMarked;
