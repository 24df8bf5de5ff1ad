/** Tests of what no request shows. */
@NullMarked
package dev.isoflop.platform.tokens;

import org.jspecify.annotations.NullMarked;
