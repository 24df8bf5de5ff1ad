/** Persistence: migrations, entities, repositories, the metric store. */
@NullMarked
package dev.isoflop.db;

import org.jspecify.annotations.NullMarked;
