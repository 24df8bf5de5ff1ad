/** From compute budgets and shapes to cells to train, and from fits to what a target budget should reach. */
@NullMarked
package dev.isoflop.scaling.plan;

import org.jspecify.annotations.NullMarked;
