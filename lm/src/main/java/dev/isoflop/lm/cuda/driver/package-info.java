/**
 * One NVIDIA GPU from Java: devices, memory, streams, events, graphs, modules and kernels over JCuda's driver API, and the libraries
 * JCuda cannot load (cuBLASLt, NVRTC, NVML, NCCL) found and bound through the Foreign Function API. Nothing native is loaded until one of
 * these classes is asked for something.
 */
@NullMarked
package dev.isoflop.lm.cuda.driver;

import org.jspecify.annotations.NullMarked;
