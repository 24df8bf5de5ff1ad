// Softmax cross-entropy of rows of logits, with the gradient in their place: one pass for maximum and sum together (Milakov and
// Gimelshein 2018), one that writes. A block per row.
#include "common.cuh"

// A running maximum, and the sum of exp(x - maximum).
struct Softmax {
  float max, sum;
};

__device__ __forceinline__ Softmax join(Softmax a, Softmax b) {
  float max = fmaxf(a.max, b.max);
  // nothing seen yet on both sides would be inf - inf
  if (max == minus_infinity()) return {max, a.sum + b.sum};
  return {max, a.sum * exp2f((a.max - max) * LOG2E) + b.sum * exp2f((b.max - max) * LOG2E)};
}

struct Loss {
  int vocab;
  float scale, zLoss, cap; // cap 0: none
};

// cap * tanh(x / cap)
__device__ __forceinline__ float capped(float x, const Loss& p) { return p.cap > 0.0f ? p.cap * tanhf(x / p.cap) : x; }

template <class T, int V> __device__ __forceinline__ void see(Softmax& s, const T* logits, const Loss& p) {
  float x[V];
  load<V>(logits, x);
  float max = s.max;
#pragma unroll
  for (int i = 0; i < V; i++) {
    x[i] = capped(x[i], p);
    max = fmaxf(max, x[i]);
  }
  if (max != s.max) {
    s.sum *= exp2f((s.max - max) * LOG2E);
    s.max = max;
  }
#pragma unroll
  for (int i = 0; i < V; i++) s.sum += exp2f((x[i] - max) * LOG2E);
}

// x becomes its gradient: scale * (p * (1 + 2 zLoss lse) - [target]) and what the cap leaves of it
template <class T, int V>
__device__ __forceinline__ void derive(T* logits, int c, int target, float lse, float factor, const Loss& p) {
  float x[V];
  load<V>(logits + c, x);
#pragma unroll
  for (int i = 0; i < V; i++) {
    float y = capped(x[i], p);
    float slope = 1.0f;
    if (p.cap > 0.0f) { // 1 - tanh^2, without taking nearly 1 from 1
      float e = expf(-2.0f * fabsf(x[i] / p.cap));
      slope = 4.0f * e / ((1.0f + e) * (1.0f + e));
    }
    float g = expf(y - lse) * factor;
    if (c + i == target) g -= 1.0f;
    x[i] = p.scale * slope * g;
  }
  store<V>(logits + c, x);
}

template <class T, int V>
__device__ void crossentropy_row(T* logits, int target, float* loss, float* lse, const Loss& p, int ld, bool gradient) {
  __shared__ Softmax warps[32];
  __shared__ float atTarget;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int body = p.vocab / V * V;
  if (target < 0) { // not a token: no loss and no gradient
    if (threadIdx.x == 0) {
      *loss = 0.0f;
      if (lse) *lse = 0.0f;
    }
    if (gradient) {
      for (int c = threadIdx.x; c < ld; c += blockDim.x) logits[c] = from_float<T>(0.0f);
    }
    return;
  }
  Softmax s = {minus_infinity(), 0.0f};
  for (int c = threadIdx.x * V; c < body; c += blockDim.x * V) see<T, V>(s, logits + c, p);
  for (int c = body + threadIdx.x; c < p.vocab; c += blockDim.x) see<T, 1>(s, logits + c, p);
  for (int offset = 16; offset > 0; offset >>= 1) {
    Softmax other = {__shfl_xor_sync(ALL_LANES, s.max, offset), __shfl_xor_sync(ALL_LANES, s.sum, offset)};
    s = join(s, other);
  }
  if (lane == 0) warps[warp] = s;
  if (threadIdx.x == 0) atTarget = target < p.vocab ? capped(to_float(logits[target]), p) : not_a_number();
  __syncthreads(); // also: no logit is overwritten before the target's was read
  s = warps[0];
  for (int w = 1; w < blockDim.x >> 5; w++) s = join(s, warps[w]);
  float logSum = s.max + logf(s.sum);
  if (target >= p.vocab) logSum = not_a_number(); // poisons the gradient too, so the lane's update is skipped
  if (threadIdx.x == 0) {
    *loss = logSum - atTarget;
    if (lse) *lse = logSum;
  }
  if (!gradient) return;
  float factor = 1.0f + 2.0f * p.zLoss * logSum;
  for (int c = threadIdx.x * V; c < body; c += blockDim.x * V) derive<T, V>(logits, c, target, logSum, factor, p);
  for (int c = body + threadIdx.x; c < p.vocab; c += blockDim.x) derive<T, 1>(logits, c, target, logSum, factor, p);
  // the columns that pad the vocabulary take part in products
  for (int c = p.vocab + threadIdx.x; c < ld; c += blockDim.x) logits[c] = from_float<T>(0.0f);
}

// logits[lanes][rows][ld] (lanes logitStride apart), columns from vocab on are padding; targets, loss and lse (or null) [lanes][rows],
// tokenStride apart, so that a chunk of a lane's rows can be given. loss is the cross-entropy alone, in nats; with lse^2 * zLoss it is
// what the gradient is of. scale[lanes]. Grid (rows, lanes); threads a multiple of 32.
#define ENTRY(T, SUFFIX)                                                                                               \
  extern "C" __global__ void crossentropy_##SUFFIX(T* logits, const int* targets, float* loss, float* lse,             \
      const float* scale, long long logitStride, long long tokenStride, int ld, int vocab, float zLoss, float cap,     \
      int gradient) {                                                                                                  \
    T* row = logits + blockIdx.y * logitStride + (long long)blockIdx.x * ld;                                           \
    long long token = blockIdx.y * tokenStride + blockIdx.x;                                                           \
    Loss p = {vocab, scale[blockIdx.y], zLoss, cap};                                                                   \
    float* ownLse = lse ? lse + token : nullptr;                                                                       \
    if (aligned(row)) {                                                                                                \
      crossentropy_row<T, Pack<T>::N>(row, targets[token], loss + token, ownLse, p, ld, gradient);                     \
    } else {                                                                                                           \
      crossentropy_row<T, 1>(row, targets[token], loss + token, ownLse, p, ld, gradient);                              \
    }                                                                                                                  \
  }
ENTRY(float, f32)
ENTRY(bf16, bf16)
