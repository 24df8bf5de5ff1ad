/** Predictions as stored: frozen when they are made, tied to a run before it begins, scored once in the transaction in which it ends. */
@NullMarked
package dev.isoflop.db.prediction;

import org.jspecify.annotations.NullMarked;
