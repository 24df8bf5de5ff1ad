/** API tokens and dashboard sessions, both known by their hashes alone. */
@NullMarked
package dev.isoflop.db.token;

import org.jspecify.annotations.NullMarked;
