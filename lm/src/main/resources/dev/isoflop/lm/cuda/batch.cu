// Windows of a token bin on the device as a step's inputs and targets.
#include "common.cuh"

// inputs, targets[lanes][sequences][context] = the tokens from starts[lanes][sequences] on, and from one further; grid (context / block
// rounded up, sequences, lanes). What is outside bin[length] becomes -1: no embedding (NaN) as an input, no loss as a target.
template <class U>
__device__ void gather(int* inputs, int* targets, const U* bin, const long long* starts, long long length, int context) {
  int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= context) return;
  long long sequence = (long long)blockIdx.z * gridDim.y + blockIdx.y;
  long long from = starts[sequence] + t;
  inputs[sequence * context + t] = from >= 0 && from < length ? (int)bin[from] : -1;
  targets[sequence * context + t] = from >= -1 && from + 1 < length ? (int)bin[from + 1] : -1;
}

extern "C" __global__ void batch_gather_u16(
    int* inputs, int* targets, const unsigned short* bin, const long long* starts, long long length, int context) {
  gather<unsigned short>(inputs, targets, bin, starts, length, context);
}

extern "C" __global__ void batch_gather_u32(
    int* inputs, int* targets, const unsigned* bin, const long long* starts, long long length, int context) {
  gather<unsigned>(inputs, targets, bin, starts, length, context);
}
