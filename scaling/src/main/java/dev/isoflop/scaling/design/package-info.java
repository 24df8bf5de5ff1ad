/** Which run to train next: the one that says most, per FLOP, of what is asked. */
@NullMarked
package dev.isoflop.scaling.design;

import org.jspecify.annotations.NullMarked;
