/** Metrics and logs on their way to the platform, off the training thread, in order, neither lost nor doubled. */
@NullMarked
package dev.isoflop.runner.report;

import org.jspecify.annotations.NullMarked;
