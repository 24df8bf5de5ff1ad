/** Learning rate and batch: laws of the best, a surface of the loss around it, and the regret of any other choice. */
@NullMarked
package dev.isoflop.scaling.hyper;

import org.jspecify.annotations.NullMarked;
