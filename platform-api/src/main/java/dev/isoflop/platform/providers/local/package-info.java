/** Runners as processes on the platform's own machine. */
@NullMarked
package dev.isoflop.platform.providers.local;

import org.jspecify.annotations.NullMarked;
