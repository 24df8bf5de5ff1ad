/** The platform as a whole: over HTTP against a real PostgreSQL, and the shape of its code. */
@NullMarked
package dev.isoflop.platform;

import org.jspecify.annotations.NullMarked;
