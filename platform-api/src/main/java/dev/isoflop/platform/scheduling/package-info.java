/** Whose run is next: fair share, budgets, and room made for runs that do not fit beside what runs now. */
@NullMarked
package dev.isoflop.platform.scheduling;

import org.jspecify.annotations.NullMarked;
