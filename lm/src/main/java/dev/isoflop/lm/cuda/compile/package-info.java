/** From a {@code .cu} resource to machine code for the device at hand: prebuilt, from the cache on disk, or compiled by NVRTC. */
@NullMarked
package dev.isoflop.lm.cuda.compile;

import org.jspecify.annotations.NullMarked;
