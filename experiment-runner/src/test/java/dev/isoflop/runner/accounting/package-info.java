/** The accounting against the engine. */
@NullMarked
package dev.isoflop.runner.accounting;

import org.jspecify.annotations.NullMarked;
