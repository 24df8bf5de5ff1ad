/** Evaluation: tasks, scoring and statistics over a small language-model port. */
@NullMarked
package dev.isoflop.evals;

import org.jspecify.annotations.NullMarked;
