/** Traces, as the platform and the runners begin, pass on and export them. */
@NullMarked
package dev.isoflop.telemetry;

import org.jspecify.annotations.NullMarked;
