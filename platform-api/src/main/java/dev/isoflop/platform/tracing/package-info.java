/** The platform's part of traces that go from a submission to the steps of its runs. */
@NullMarked
package dev.isoflop.platform.tracing;

import org.jspecify.annotations.NullMarked;
