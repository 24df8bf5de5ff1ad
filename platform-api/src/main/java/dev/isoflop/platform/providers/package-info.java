/** Runners that come and go with the queue: the port to whoever starts them, and the scaling of pools. */
@NullMarked
package dev.isoflop.platform.providers;

import org.jspecify.annotations.NullMarked;
