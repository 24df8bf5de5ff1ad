// AdamW (Loshchilov and Hutter 2019) over one flat arena of parameters, clipped by the global norm of the gradients. Everything that
// changes from step to step is in device memory, one structure per lane, so that a captured graph serves all steps.
#include "common.cuh"

// What an update of a lane is made with, written by the host; t is the number of the update, from 1.
struct Hyper {
  float learningRate, beta1, beta2, epsilon;
  float weightDecay;
  float correction1;     // 1 / (1 - beta1^t)
  float correction2;     // 1 / sqrt(1 - beta2^t)
  float maxNorm;         // 0: no clipping
  float gradientScale;   // gradients are multiplied by this first: 1 / number of micro-batches, say
  float unused[7];       // 64 bytes
};

// What the device finds out about it.
struct State {
  float norm;   // of the scaled gradients, before clipping
  float scale;  // what gradients are multiplied by, gradientScale included; 0: the update is skipped
  int skipped;  // how many updates were skipped so far because the norm was not finite
  int unused;
};

// A piece of the arena: all of a tensor or a part of it.
struct Segment {
  long long from;  // its first element
  int count;
  int decays;      // whether weight decay acts on it
};

// partial[lanes][gridDim.x] = sums of squares of grads[lanes][n], lanes `stride` apart; grid (any, lanes), 256 threads
template <class G> __device__ void gradient_squares(double* partial, const G* grads, long long stride, long long n) {
  constexpr int V = Pack<G>::N;
  __shared__ double warps[8];
  grads += blockIdx.y * stride;
  long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x, threads = (long long)gridDim.x * blockDim.x;
  long long body = aligned(grads) ? n / V : 0;
  float sum = 0.0f;
  for (long long i = thread; i < body; i += threads) {
    float g[V];
    load<V>(grads + i * V, g);
#pragma unroll
    for (int j = 0; j < V; j++) sum = fmaf(g[j], g[j], sum);
  }
  for (long long i = body * V + thread; i < n; i += threads) {
    float g = to_float(grads[i]);
    sum = fmaf(g, g, sum);
  }
  double all = warp_sum_double(sum);
  if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = all;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int w = 1; w < 8; w++) all += warps[w];
    partial[(long long)blockIdx.y * gridDim.x + blockIdx.x] = all;
  }
}

extern "C" __global__ void __launch_bounds__(256) gradient_squares_f32(double* partial, const float* grads, long long stride, long long n) {
  gradient_squares<float>(partial, grads, stride, n);
}

extern "C" __global__ void __launch_bounds__(256) gradient_squares_g16(double* partial, const bf16* grads, long long stride, long long n) {
  gradient_squares<bf16>(partial, grads, stride, n);
}

// state[lanes] from partial[lanes][parts] and hyper[lanes]; grid (1, lanes), 32 threads
extern "C" __global__ void gradient_norm(State* state, const double* partial, const Hyper* hyper, int parts) {
  partial += (long long)blockIdx.y * parts;
  double sum = 0.0;
  for (int i = threadIdx.x; i < parts; i += 32) sum += partial[i];
  sum = warp_sum_double(sum);
  if (threadIdx.x != 0) return;
  const Hyper& h = hyper[blockIdx.y];
  State& s = state[blockIdx.y];
  float norm = (float)sqrt(sum) * h.gradientScale;
  s.norm = norm;
  if (is_finite(norm)) {
    float clip = h.maxNorm > 0.0f && norm > h.maxNorm ? h.maxNorm / norm : 1.0f;
    s.scale = clip * h.gradientScale;
  } else {
    s.scale = 0.0f;
    s.skipped++;
  }
}

template <class G, int V>
__device__ __forceinline__ void update(
    float* w, float* m, float* v, const G* g, bf16* copy, long long i, const Hyper& h, float keep, float scale, float step) {
  float parameter[V], first[V], second[V], grad[V];
  load<V>(w + i, parameter);
  load<V>(m + i, first);
  load<V>(v + i, second);
  load<V>(g + i, grad);
#pragma unroll
  for (int j = 0; j < V; j++) {
    float x = grad[j] * scale;
    first[j] = h.beta1 * first[j] + (1.0f - h.beta1) * x;
    second[j] = h.beta2 * second[j] + (1.0f - h.beta2) * x * x;
    parameter[j] = parameter[j] * keep - step * first[j] / (sqrtf(second[j]) * h.correction2 + h.epsilon);
  }
  store<V>(w + i, parameter);
  store<V>(m + i, first);
  store<V>(v + i, second);
  if (copy) store<V>(copy + i, parameter);
}

// w, m, v [lanes][n] float, g[lanes][n] G, copy[lanes][n] bf16 or null, lanes `stride` elements apart; segments[gridDim.x], a block each:
// the host cuts tensors into pieces of some thousands of elements. Grid (pieces, lanes).
template <class G>
__device__ void adamw(float* w, float* m, float* v, const G* g, bf16* copy, const Segment* segments, const Hyper* hyper,
    const State* state, long long stride) {
  float scale = state[blockIdx.y].scale;
  if (scale == 0.0f) return;
  Hyper h = hyper[blockIdx.y];
  Segment s = segments[blockIdx.x];
  long long lane = blockIdx.y * stride;
  w += lane, m += lane, v += lane, g += lane;
  if (copy) copy += lane;
  float keep = s.decays ? 1.0f - h.learningRate * h.weightDecay : 1.0f;
  float step = h.learningRate * h.correction1;
  long long end = s.from + s.count;
  // the arrays have the same elements at the same places, so one of them says where 8 of all are aligned
  bool wide = aligned(w) && aligned(m) && aligned(v) && aligned(g) && aligned(copy);
  long long from = wide ? (s.from + 7) / 8 * 8 : end;
  from = from < end ? from : end;
  long long to = from + (end - from) / 8 * 8;
  for (long long i = s.from + threadIdx.x; i < from; i += blockDim.x) update<G, 1>(w, m, v, g, copy, i, h, keep, scale, step);
  for (long long i = from + threadIdx.x * 8; i < to; i += blockDim.x * 8) update<G, 8>(w, m, v, g, copy, i, h, keep, scale, step);
  for (long long i = to + threadIdx.x; i < end; i += blockDim.x) update<G, 1>(w, m, v, g, copy, i, h, keep, scale, step);
}

#define ENTRY(G, SUFFIX)                                                                                               \
  extern "C" __global__ void adamw_##SUFFIX(float* w, float* m, float* v, const G* g, bf16* copy,                      \
      const Segment* segments, const Hyper* hyper, const State* state, long long stride) {                             \
    adamw<G>(w, m, v, g, copy, segments, hyper, state, stride);                                                        \
  }
ENTRY(float, f32)
ENTRY(bf16, g16)
