/** Any program as a run: a process group of its own, its output read for metrics, its directory kept as checkpoints. */
@NullMarked
package dev.isoflop.runner.work.command;

import org.jspecify.annotations.NullMarked;
