/** What scheduling is decided from: the queue by experiment, device time and FLOPs spent, budgets, reservations. */
@NullMarked
package dev.isoflop.db.scheduling;

import org.jspecify.annotations.NullMarked;
