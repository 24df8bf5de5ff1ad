/** Errors as RFC 9457 problems. */
@NullMarked
package dev.isoflop.platform.shared.problem;

import org.jspecify.annotations.NullMarked;
