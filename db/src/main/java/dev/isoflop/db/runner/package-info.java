/** Runners and the claims they make. */
@NullMarked
package dev.isoflop.db.runner;

import org.jspecify.annotations.NullMarked;
