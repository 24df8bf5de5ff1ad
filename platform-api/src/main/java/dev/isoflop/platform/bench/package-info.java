/** Benchmarks of the platform: {@code ./isoflop bench metrics}. No part of the running service. */
@NullMarked
package dev.isoflop.platform.bench;

import org.jspecify.annotations.NullMarked;
