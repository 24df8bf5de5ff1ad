/** The life of a run against a real PostgreSQL. */
@NullMarked
package dev.isoflop.platform.orchestration;

import org.jspecify.annotations.NullMarked;
