/** Sweeps: checked, planned, stored with their runs, looked at and cancelled. */
@NullMarked
package dev.isoflop.platform.sweeps;

import org.jspecify.annotations.NullMarked;
