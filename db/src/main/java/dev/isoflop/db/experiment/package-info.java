/** Experiments: the folders that sweeps are filed under, with their budgets and weights. */
@NullMarked
package dev.isoflop.db.experiment;

import org.jspecify.annotations.NullMarked;
