/** Requests that may be repeated after a lost reply. */
@NullMarked
package dev.isoflop.platform.shared.idempotency;

import org.jspecify.annotations.NullMarked;
