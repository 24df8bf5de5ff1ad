/** What a runner executes: one executor per kind of work, over small ports to training engine and platform. */
@NullMarked
package dev.isoflop.runner.work;

import org.jspecify.annotations.NullMarked;
