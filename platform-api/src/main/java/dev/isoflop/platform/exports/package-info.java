/** A sweep as a table, one row per run, as CSV and as Parquet. */
@NullMarked
package dev.isoflop.platform.exports;

import org.jspecify.annotations.NullMarked;
