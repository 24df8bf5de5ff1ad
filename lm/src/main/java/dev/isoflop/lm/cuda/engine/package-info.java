/** The transformer on a GPU: memory plan, operations, and the order they run in. */
@NullMarked
package dev.isoflop.lm.cuda.engine;

import org.jspecify.annotations.NullMarked;
