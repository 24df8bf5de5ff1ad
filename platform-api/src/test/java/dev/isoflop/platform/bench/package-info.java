@NullMarked
package dev.isoflop.platform.bench;

import org.jspecify.annotations.NullMarked;
