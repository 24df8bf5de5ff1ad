/** Trials of the whole chain on real text, from training to law. */
@NullMarked
package dev.isoflop.runner.bench;

import org.jspecify.annotations.NullMarked;
