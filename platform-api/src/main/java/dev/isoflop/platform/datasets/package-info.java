/** Datasets: asked for by their options, prepared by a data run. */
@NullMarked
package dev.isoflop.platform.datasets;

import org.jspecify.annotations.NullMarked;
