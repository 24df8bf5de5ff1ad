/** Fits with intervals: IsoFLOP parabolas (approach 2) and the parametric law (approach 3). A refusal is a value. */
@NullMarked
package dev.isoflop.scaling.fit;

import org.jspecify.annotations.NullMarked;
