/** Checkpoints, datasets and files of commands, content-addressed, on disk. */
@NullMarked
package dev.isoflop.platform.artifacts;

import org.jspecify.annotations.NullMarked;
