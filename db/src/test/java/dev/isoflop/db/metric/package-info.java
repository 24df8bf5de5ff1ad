@NullMarked
package dev.isoflop.db.metric;

import org.jspecify.annotations.NullMarked;
