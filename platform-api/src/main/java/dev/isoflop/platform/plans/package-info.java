/** From what may be spent to a sweep that could be submitted. Nothing is stored. */
@NullMarked
package dev.isoflop.platform.plans;

import org.jspecify.annotations.NullMarked;
