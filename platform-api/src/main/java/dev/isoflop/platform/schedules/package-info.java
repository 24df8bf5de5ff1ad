/** Schedules: sweeps submitted by the clock, each fire once, whatever happens to the platforms that keep it. */
@NullMarked
package dev.isoflop.platform.schedules;

import org.jspecify.annotations.NullMarked;
