/** Roles on experiments: who may see, use and rule them. */
@NullMarked
package dev.isoflop.platform.access;

import org.jspecify.annotations.NullMarked;
