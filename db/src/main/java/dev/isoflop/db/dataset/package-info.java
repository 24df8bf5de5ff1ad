/** Datasets: the options they are built from, the run that prepares them, what came out. */
@NullMarked
package dev.isoflop.db.dataset;

import org.jspecify.annotations.NullMarked;
