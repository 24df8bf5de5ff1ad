/** The chaos suite: real processes, hurt by a seeded script, and what must be true of them afterwards. */
@NullMarked
package dev.isoflop.cli.chaos;

import org.jspecify.annotations.NullMarked;
