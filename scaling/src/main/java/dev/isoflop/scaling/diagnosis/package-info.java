/** What is wrong, or only odd, about points and fits, in sentences that a person can act on. */
@NullMarked
package dev.isoflop.scaling.diagnosis;

import org.jspecify.annotations.NullMarked;
