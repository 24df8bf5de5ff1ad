/** Metrics over REST: batches in from runners, heads and series out to people. */
@NullMarked
package dev.isoflop.platform.metrics;

import org.jspecify.annotations.NullMarked;
