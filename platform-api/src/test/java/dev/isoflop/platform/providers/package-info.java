@NullMarked
package dev.isoflop.platform.providers;

import org.jspecify.annotations.NullMarked;
