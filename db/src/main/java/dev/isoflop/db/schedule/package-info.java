/** Schedules, their fires, and the watch that is kept over them. */
@NullMarked
package dev.isoflop.db.schedule;

import org.jspecify.annotations.NullMarked;
