/** The engine's kernels against float64 references, on a GPU. */
@NullMarked
package dev.isoflop.lm.cuda.kernels;

import org.jspecify.annotations.NullMarked;
