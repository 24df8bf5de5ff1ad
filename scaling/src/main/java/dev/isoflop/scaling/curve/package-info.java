/** The end of a run told from its training curve so far and from a fitted law, and whether to stop it for that. */
@NullMarked
package dev.isoflop.scaling.curve;

import org.jspecify.annotations.NullMarked;
