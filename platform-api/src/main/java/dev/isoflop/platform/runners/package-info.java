/** What is known about runners: what they offer, what they hold, and what their accelerators do. */
@NullMarked
package dev.isoflop.platform.runners;

import org.jspecify.annotations.NullMarked;
