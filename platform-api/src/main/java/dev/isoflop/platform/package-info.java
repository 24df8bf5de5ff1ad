/** The platform service: every controller, scheduling, security and live streams. */
@NullMarked
package dev.isoflop.platform;

import org.jspecify.annotations.NullMarked;
