/** Means, standard errors and intervals for evaluation results. */
@NullMarked
package dev.isoflop.evals.stats;

import org.jspecify.annotations.NullMarked;
