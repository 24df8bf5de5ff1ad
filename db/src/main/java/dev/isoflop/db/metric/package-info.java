/** The metric store: batches in through COPY, heads and bucketed series out. */
@NullMarked
package dev.isoflop.db.metric;

import org.jspecify.annotations.NullMarked;
