/** What a run is asked to do: one sealed record per kind of work. */
@NullMarked
package dev.isoflop.protocol.job;

import org.jspecify.annotations.NullMarked;
