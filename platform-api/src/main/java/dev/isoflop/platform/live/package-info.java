/** The live stream: transitions, progress and fits as server-sent events. */
@NullMarked
package dev.isoflop.platform.live;

import org.jspecify.annotations.NullMarked;
