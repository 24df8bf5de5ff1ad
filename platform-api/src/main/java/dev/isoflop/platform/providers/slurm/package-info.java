/** Runners as jobs of a Slurm cluster. */
@NullMarked
package dev.isoflop.platform.providers.slurm;

import org.jspecify.annotations.NullMarked;
