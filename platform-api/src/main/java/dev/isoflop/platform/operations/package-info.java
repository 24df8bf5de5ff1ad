/** What whoever keeps the platform running looks at: health and gauges. */
@NullMarked
package dev.isoflop.platform.operations;

import org.jspecify.annotations.NullMarked;
