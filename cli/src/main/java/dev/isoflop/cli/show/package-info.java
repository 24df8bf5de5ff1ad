/** What the command line prints: progress, tables, numbers. */
@NullMarked
package dev.isoflop.cli.show;

import org.jspecify.annotations.NullMarked;
