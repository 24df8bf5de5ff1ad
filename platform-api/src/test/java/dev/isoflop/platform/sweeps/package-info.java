/** Sweeps as files and as plans. */
@NullMarked
package dev.isoflop.platform.sweeps;

import org.jspecify.annotations.NullMarked;
