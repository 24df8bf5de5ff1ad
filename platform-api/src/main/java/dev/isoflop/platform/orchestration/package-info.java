/** The life of a run between the queue and its end: registration, claims, heartbeats, reports, lost leases, cancellation. */
@NullMarked
package dev.isoflop.platform.orchestration;

import org.jspecify.annotations.NullMarked;
