/** Counts for the front page. */
@NullMarked
package dev.isoflop.platform.overview;

import org.jspecify.annotations.NullMarked;
