// Softmax cross-entropy of rows of logits, with the gradient in their place; a block per row. A row that fits is read once and held in
// registers until its gradient is written. Others are read twice, the first time for maximum and sum together (Milakov and Gimelshein
// 2018).
#include "common.cuh"

struct Loss {
  int vocab;
  float scale, zLoss, cap; // cap 0: none
};

// A running maximum, and the sum of exp(x - maximum).
struct Softmax {
  float max, sum;
};

__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// ---- A row in registers: vectors of 16 bytes, K to a thread, those of a warp side by side. No cap.

__device__ __forceinline__ unsigned larger(unsigned a, unsigned b) {
  unsigned both;
  asm("max.bf16x2 %0, %1, %2;" : "=r"(both) : "r"(a), "r"(b));
  return both;
}

template <class T, int K> __device__ __forceinline__ float largest(const uint4 (&q)[K]) {
  if constexpr (sizeof(T) == 2) {
    unsigned top = q[0].x;
#pragma unroll
    for (int j = 0; j < K; j++) top = larger(top, larger(larger(q[j].x, q[j].y), larger(q[j].z, q[j].w)));
    float low, high;
    split(top, low, high);
    return fmaxf(low, high);
  } else {
    float top = minus_infinity();
#pragma unroll
    for (int j = 0; j < K; j++) {
      float x[4];
      unpack(q[j], x);
      top = fmaxf(top, fmaxf(fmaxf(x[0], x[1]), fmaxf(x[2], x[3])));
    }
    return top;
  }
}

// What a vector has from column `count` on becomes `value`.
template <class T> __device__ __forceinline__ uint4 filled(const uint4& q, int count, float value) {
  float x[Pack<T>::N];
  unpack(q, x);
#pragma unroll
  for (int i = 0; i < Pack<T>::N; i++) x[i] = i < count ? x[i] : value;
  return packed(x);
}

// max is that of logits times log2(e), and sum of powers of 2
__device__ __forceinline__ Softmax warp_join(Softmax s) {
  float max = s.max;
#pragma unroll
  for (int offset = 16; offset > 0; offset >>= 1) max = fmaxf(max, __shfl_xor_sync(ALL_LANES, max, offset));
  // nothing seen yet on both sides would be inf - inf
  return {max, warp_sum(s.max == minus_infinity() ? 0.0f : s.sum * exp2_fast(s.max - max))};
}

// A row whose target is negative is not a token: no loss and no gradient. That is asked where it matters and not before, so that the logits
// do not wait for the target; asked once for all, it costs registers that are not there.
template <class T, int K>
__device__ __forceinline__ void row_in_registers(
    T* logits, int target, float* loss, float* lse, const Loss& p, int ld, bool gradient) {
  constexpr int V = Pack<T>::N;
  __shared__ Softmax joined[32];
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, threads = blockDim.x;
  int vectors = (p.vocab + V - 1) / V;
  int ragged = p.vocab % V ? vectors - 1 : -1; // the vector that has padding too
  unsigned nothing = sizeof(T) == 2 ? 0xff80ff80u : 0xff800000u;
  uint4 q[K];
#pragma unroll
  for (int j = 0; j < K; j++) {
    int v = threadIdx.x + j * threads;
    q[j] = v < vectors ? load_packed(logits + v * V) : make_uint4(nothing, nothing, nothing, nothing);
  }
  bool known = target >= 0 && target < p.vocab;
  bool owns = threadIdx.x == (known ? target / V % threads : 0);
  float atTarget = 0.0f, lse2 = 0.0f;
  if (target >= 0) {
    if (owns) atTarget = known ? to_float(logits[target]) : not_a_number();
    if (ragged >= 0) {
#pragma unroll
      for (int j = 0; j < K; j++) {
        if (threadIdx.x + j * threads == ragged) q[j] = filled<T>(q[j], p.vocab - ragged * V, minus_infinity());
      }
    }
    Softmax s = {largest<T, K>(q) * LOG2E, 0.0f};
    float shift = s.max == minus_infinity() ? 0.0f : s.max;
    float even = 0.0f, odd = 0.0f;
#pragma unroll
    for (int j = 0; j < K; j++) {
      float x[V];
      unpack(q[j], x);
#pragma unroll
      for (int i = 0; i < V; i += 2) {
        even += exp2_fast(fmaf(x[i], LOG2E, -shift));
        odd += exp2_fast(fmaf(x[i + 1], LOG2E, -shift));
      }
    }
    s.sum = even + odd;
    s = warp_join(s);
    if (lane == 0) joined[warp] = s;
    __syncthreads(); // also: no logit is overwritten before the target's was read
    s = warp_join(lane < threads >> 5 ? joined[lane] : Softmax{minus_infinity(), 0.0f});
    lse2 = s.max + log2f(s.sum);
    if (!known) lse2 = not_a_number(); // poisons the gradient too, so the lane's update is skipped
  }
  float logSum = lse2 * LN2;
  float weight = p.scale * (1.0f + 2.0f * p.zLoss * logSum);
  if (owns) {
    *loss = logSum - atTarget;
    if (lse) *lse = logSum;
  }
#pragma unroll
  for (int j = 0; j < K; j++) {
    int v = threadIdx.x + j * threads;
    if (gradient && v < vectors) {
      uint4 g = make_uint4(0, 0, 0, 0);
      if (target >= 0) {
        float x[V];
        unpack(q[j], x);
#pragma unroll
        for (int i = 0; i < V; i++) x[i] = exp2_fast(fmaf(x[i], LOG2E, -lse2)) * weight;
        g = packed(x);
        if (v == ragged) g = filled<T>(g, p.vocab - v * V, 0.0f);
      }
      store_packed(logits + v * V, g);
    }
  }
  if (!gradient) return;
  if (owns && known) { // after the vector it is in, by the same thread
    logits[target] = from_float<T>(fmaf(exp2_fast(fmaf(atTarget, LOG2E, -lse2)), weight, -p.scale));
  }
  // the columns that pad the vocabulary take part in products
  for (int v = vectors + threadIdx.x; v * V < ld; v += threads) store_packed(logits + v * V, make_uint4(0, 0, 0, 0));
}

// ---- A row of any length or alignment, read twice.

__device__ __forceinline__ Softmax join(Softmax a, Softmax b) {
  float max = fmaxf(a.max, b.max);
  // nothing seen yet on both sides would be inf - inf
  if (max == minus_infinity()) return {max, a.sum + b.sum};
  return {max, a.sum * exp2f((a.max - max) * LOG2E) + b.sum * exp2f((b.max - max) * LOG2E)};
}

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
__device__ __forceinline__ void row_read_twice(
    T* logits, int target, float* loss, float* lse, const Loss& p, int ld, bool gradient) {
  __shared__ Softmax warps[32];
  __shared__ float atTarget;
  if (target < 0) {
    if (threadIdx.x == 0) {
      *loss = 0.0f;
      if (lse) *lse = 0.0f;
    }
    for (int c = threadIdx.x; gradient && c < ld; c += blockDim.x) logits[c] = from_float<T>(0.0f);
    return;
  }
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int body = p.vocab / V * V;
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

template <class T>
__device__ __forceinline__ void crossentropy_row(
    T* logits, int target, float* loss, float* lse, const Loss& p, int ld, bool gradient) {
  constexpr int V = Pack<T>::N;
  bool wide = aligned(logits);
  int each = ((p.vocab + V - 1) / V + blockDim.x - 1) / blockDim.x; // vectors a thread has
  if (!wide) {
    row_read_twice<T, 1>(logits, target, loss, lse, p, ld, gradient);
  } else if (each > 8 || ld % V != 0 || p.cap > 0.0f) {
    row_read_twice<T, V>(logits, target, loss, lse, p, ld, gradient);
  } else if (each > 4) {
    row_in_registers<T, 8>(logits, target, loss, lse, p, ld, gradient);
  } else if (each > 2) {
    row_in_registers<T, 4>(logits, target, loss, lse, p, ld, gradient);
  } else if (each > 1) {
    row_in_registers<T, 2>(logits, target, loss, lse, p, ld, gradient);
  } else {
    row_in_registers<T, 1>(logits, target, loss, lse, p, ld, gradient);
  }
}

// logits[lanes][rows][ld] (lanes logitStride apart), columns from vocab on are padding; targets, loss and lse (or null) [lanes][rows],
// tokenStride apart, so that a chunk of a lane's rows can be given. loss is the cross-entropy alone, in nats; with lse^2 * zLoss it is
// what the gradient is of. scale[lanes]. Grid (rows, lanes). Threads a multiple of 32: as few as hold a row with eight vectors of 16
// bytes each do best, since rows of several blocks are then under way at once.
#define ENTRY(T, SUFFIX)                                                                                               \
  extern "C" __global__ void __launch_bounds__(1024) crossentropy_##SUFFIX(T* logits, const int* targets, float* loss, \
      float* lse, const float* scale, long long logitStride, long long tokenStride, int ld, int vocab, float zLoss,    \
      float cap, int gradient) {                                                                                       \
    T* row = logits + blockIdx.y * logitStride + (long long)blockIdx.x * ld;                                           \
    long long token = blockIdx.y * tokenStride + blockIdx.x;                                                           \
    Loss p = {vocab, scale[blockIdx.y], zLoss, cap};                                                                   \
    crossentropy_row<T>(row, targets[token], loss + token, lse ? lse + token : nullptr, p, ld, gradient);              \
  }
ENTRY(float, f32)
ENTRY(bf16, bf16)
