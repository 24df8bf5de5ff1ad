/** Checkpoints and datasets as content-addressed files on disk. */
@NullMarked
package dev.isoflop.platform.artifacts;

import org.jspecify.annotations.NullMarked;
