/** Approach 2 as others have published it: how an optimum is read off a budget's losses, how sure it is, and the line through the optima. */
@NullMarked
package dev.isoflop.scaling.isoflop;

import org.jspecify.annotations.NullMarked;
