@NullMarked
package dev.isoflop.platform.providers.local;

import org.jspecify.annotations.NullMarked;
