#pragma once
// The thread's number in the grid.
__device__ inline int thread_index() { return blockIdx.x * blockDim.x + threadIdx.x; }
