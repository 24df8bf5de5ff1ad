/** The ledger of predictions: losses that fits predicted of runs before they began, and how they came out. */
@NullMarked
package dev.isoflop.platform.predictions;

import org.jspecify.annotations.NullMarked;
