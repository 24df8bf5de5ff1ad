/** Sweep files: YAML in, located and explained errors or a valid document out. */
@NullMarked
package dev.isoflop.cli.sweepfile;

import org.jspecify.annotations.NullMarked;
