/** Token streams on disk and the deterministic order in which training reads them. */
@NullMarked
package dev.isoflop.lm.tokens;

import org.jspecify.annotations.NullMarked;
