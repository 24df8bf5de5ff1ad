/** Stored answers to requests that may be repeated. */
@NullMarked
package dev.isoflop.db.idempotency;

import org.jspecify.annotations.NullMarked;
