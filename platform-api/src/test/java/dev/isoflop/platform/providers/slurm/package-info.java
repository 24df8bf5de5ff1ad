@NullMarked
package dev.isoflop.platform.providers.slurm;

import org.jspecify.annotations.NullMarked;
