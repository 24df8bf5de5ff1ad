/** The demo: everything once, end to end, and its report. */
@NullMarked
package dev.isoflop.cli.demo;

import org.jspecify.annotations.NullMarked;
