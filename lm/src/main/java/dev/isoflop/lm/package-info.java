/** The language model from scratch. Usable as a library. */
@NullMarked
package dev.isoflop.lm;

import org.jspecify.annotations.NullMarked;
