/** The CPU backend: fp32 kernels on the Vector API, a worker pool, and the forward and backward passes on planned buffers. */
@NullMarked
package dev.isoflop.lm.cpu;

import org.jspecify.annotations.NullMarked;
