/** A backup of the whole product in one file, and the way back: {@code isoflop backup} and {@code isoflop restore}. */
@NullMarked
package dev.isoflop.platform.backup;

import org.jspecify.annotations.NullMarked;
