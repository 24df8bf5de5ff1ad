/** The worker process: claims runs, executes them and reports. */
@NullMarked
package dev.isoflop.runner;

import org.jspecify.annotations.NullMarked;
