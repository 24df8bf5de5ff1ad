/** The launcher for people and scripts. */
@NullMarked
package dev.isoflop.cli;

import org.jspecify.annotations.NullMarked;
