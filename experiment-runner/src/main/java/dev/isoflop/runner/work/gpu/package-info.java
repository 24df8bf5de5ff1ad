/** Pretraining on GPUs: runs of one shape that were claimed one by one train together as the lanes of an array. */
@NullMarked
package dev.isoflop.runner.work.gpu;

import org.jspecify.annotations.NullMarked;
