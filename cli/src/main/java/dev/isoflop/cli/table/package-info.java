/** Fits of tables, made by the command line itself. */
@NullMarked
package dev.isoflop.cli.table;

import org.jspecify.annotations.NullMarked;
