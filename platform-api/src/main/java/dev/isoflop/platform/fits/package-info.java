/** Fits of a sweep: the points gathered, the maths of {@code scaling} called, the result stored under its inputs' hash. */
@NullMarked
package dev.isoflop.platform.fits;

import org.jspecify.annotations.NullMarked;
