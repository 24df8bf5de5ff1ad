/** What is known about runs: lists, details, events, attempts, logs, checkpoints, and their cancellation. */
@NullMarked
package dev.isoflop.platform.runs;

import org.jspecify.annotations.NullMarked;
