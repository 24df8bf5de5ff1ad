/** Training: the order of the data, the schedule, the optimizer step, evaluation, save and resume. */
@NullMarked
package dev.isoflop.lm.train;

import org.jspecify.annotations.NullMarked;
