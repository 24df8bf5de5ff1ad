/** Runs, their attempts, leases, events, logs and checkpoints, and the only way to move a run between states. */
@NullMarked
package dev.isoflop.db.run;

import org.jspecify.annotations.NullMarked;
