/** Matrix products on the GPU: cuBLASLt, planned once per shape, tuned on the device, called without allocation. */
@NullMarked
package dev.isoflop.lm.cuda.blas;

import org.jspecify.annotations.NullMarked;
