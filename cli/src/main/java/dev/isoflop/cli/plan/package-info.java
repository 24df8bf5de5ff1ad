/** From what may be spent to a sweep file. */
@NullMarked
package dev.isoflop.cli.plan;

import org.jspecify.annotations.NullMarked;
