/** The HTTP conversation between the platform and a runner process. */
@NullMarked
package dev.isoflop.protocol.runner;

import org.jspecify.annotations.NullMarked;
