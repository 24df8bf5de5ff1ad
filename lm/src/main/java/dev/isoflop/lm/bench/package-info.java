/** Benchmarks of the engine, runnable from the command line. */
@NullMarked
package dev.isoflop.lm.bench;

import org.jspecify.annotations.NullMarked;
