/** The accelerators of the machine: which a runner offers, and what they are doing. */
@NullMarked
package dev.isoflop.runner.device;

import org.jspecify.annotations.NullMarked;
