/** Sweeps: the aggregate, and what lists read. */
@NullMarked
package dev.isoflop.db.sweep;

import org.jspecify.annotations.NullMarked;
