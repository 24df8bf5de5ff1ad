/** Accuracy on a task before the model is trained, in two steps: bits per byte of its answers from N and D, then accuracy from bits per byte. */
@NullMarked
package dev.isoflop.scaling.downstream;

import org.jspecify.annotations.NullMarked;
