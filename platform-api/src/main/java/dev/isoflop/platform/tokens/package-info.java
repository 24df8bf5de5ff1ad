/** Who may do what: API tokens, dashboard sessions and the security chain. */
@NullMarked
package dev.isoflop.platform.tokens;

import org.jspecify.annotations.NullMarked;
