// Kernels for the tests of the driver layer.
#include "driver_tests.cuh"
// @variant
// @variant FACTOR=3

#ifndef FACTOR
#define FACTOR 1
#endif

// out[n] = x[n] + FACTOR * scale * y[n]
extern "C" __global__ void add(float* out, const float* x, const float* y, float scale, int n) {
  int i = thread_index();
  if (i < n) out[i] = fmaf(FACTOR * scale, y[i], x[i]);
}

// x[n] = x[n] * a + 1: its result depends on how often and in which order it ran
extern "C" __global__ void step(float* x, float a, long long n) {
  int i = thread_index();
  if (i < n) x[i] = x[i] * a + 1.0f;
}

extern "C" __global__ void empty(int unused) {}

// out[0] = the sum of `words` numbers that the block keeps in dynamic shared memory
extern "C" __global__ void shared_sum(int* out, int words) {
  extern __shared__ int numbers[];
  for (int i = threadIdx.x; i < words; i += blockDim.x) numbers[i] = i;
  __syncthreads();
  if (threadIdx.x == 0) {
    int sum = 0;
    for (int i = 0; i < words; i++) sum += numbers[i];
    out[0] = sum;
  }
}

extern "C" __global__ void bad_address(float* unused) { *(volatile float*)8 = 1.0f; }
