/** Experiments, the folders sweeps are filed under. */
@NullMarked
package dev.isoflop.platform.experiments;

import org.jspecify.annotations.NullMarked;
