// Rotary positions (Su et al. 2021) in the half-split convention, with RMSNorm of every query and key head before it where asked for
// (QK-norm), in place in the rows of the fused projection: [heads queries | kvHeads keys | kvHeads values], each headDim wide. Values are
// left alone. headDim is even and at most 256.
//
// A head is served by a group of neighbouring threads, a power of two of them: each has V elements of the first half and their partners of
// the second, or in the narrow case every 32nd pair.
#include "common.cuh"

#define THREADS 128
#define MAX_HEAD 256

// table[context][2][headDim / 2]: cosines, then sines, of position * theta^(-2i / headDim); any grid
extern "C" __global__ void rope_table(float* table, int context, int headDim, double theta) {
  int half = headDim / 2;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < (long long)context * half; i += (long long)gridDim.x * blockDim.x) {
    int position = (int)(i / half), pair = (int)(i % half);
    double angle = position * exp(-2.0 * pair / headDim * log(theta));
    double s, c;
    sincos(angle, &s, &c);
    table[(long long)position * headDim + pair] = (float)c;
    table[(long long)position * headDim + half + pair] = (float)s;
  }
}

template <class T> struct Heads {
  T* qkv;              // [rows][(heads + 2 kvHeads) * headDim] of this lane, values or gradients, in place
  const float* table;  // [context][2][headDim / 2]
  int rows, context, heads, kvHeads, headDim;
  // QK-norm only
  T* raw;              // [rows][heads + kvHeads][headDim]: heads before the norm; written forward unless null, read backward
  float* rstd;         // [rows][heads + kvHeads]; likewise
  const T* qGain;      // [headDim]
  const T* kGain;      // [headDim]
  float* partial;      // [2][headDim] of this block: gradients of the gains, queries' then keys'
  float eps;
};

// Pairs a[V], b[V] turned by their angles, forward or back.
template <int V> __device__ __forceinline__ void turn(float (&a)[V], float (&b)[V], const float* cosines, const float* sines, float direction) {
  float c[V], s[V];
  load<V>(cosines, c);
  load<V>(sines, s);
#pragma unroll
  for (int i = 0; i < V; i++) {
    float x = a[i], y = b[i], sine = s[i] * direction;
    a[i] = x * c[i] - y * sine;
    b[i] = y * c[i] + x * sine;
  }
}

// V elements a thread and half, K times
template <class T, int V, int K, bool NORM, bool BACKWARD> __device__ void rope_heads(Heads<T> h, float direction) {
  int half = h.headDim / 2, all = h.heads + h.kvHeads;
  int width = 32;
  if (V > 1) {
    while (width / 2 * V >= half && width > 1) width /= 2;
  }
  int groups = THREADS / width, group = threadIdx.x / width, sub = threadIdx.x % width;
  long long ld = (long long)(all + h.kvHeads) * h.headDim;
  float dGain[2][K][2][V]; // [queries, keys][][halves][V]: this thread's columns, over all its heads
  if constexpr (NORM && BACKWARD) {
    for (int i = 0; i < 2 * K * 2 * V; i++) (&dGain[0][0][0][0])[i] = 0.0f;
  }
  int items = h.rows * all;
  // all threads of a warp stay in the loop equally long, for the sums
  for (int base = blockIdx.x * groups; base < items; base += gridDim.x * groups) {
    int item = base + group;
    bool active = item < items;
    int row = active ? item / all : 0, head = active ? item - row * all : 0;
    T* own = h.qkv + row * ld + (long long)head * h.headDim;
    T* raw = h.raw ? h.raw + ((long long)row * all + head) * h.headDim : nullptr;
    const float* angles = h.table + (long long)(row % h.context) * h.headDim;
    const T* gain = NORM ? (head < h.heads ? h.qGain : h.kGain) : nullptr;
    float a[K][V], b[K][V];
    float sum = 0.0f;
    float rstd = NORM && BACKWARD ? h.rstd[(long long)row * all + head] : 0.0f;
#pragma unroll
    for (int k = 0; k < K; k++) {
      int p = (sub + k * width) * V;
      if (!active || p >= half) continue;
      load<V>(own + p, a[k]);
      load<V>(own + half + p, b[k]);
      if constexpr (NORM && !BACKWARD) {
        if (raw) {
          store<V>(raw + p, a[k]);
          store<V>(raw + half + p, b[k]);
        }
#pragma unroll
        for (int i = 0; i < V; i++) sum = fmaf(a[k][i], a[k][i], fmaf(b[k][i], b[k][i], sum));
      } else {
        turn<V>(a[k], b[k], angles + p, angles + half + p, direction);
        if constexpr (NORM) {
          float x[V], y[V], ga[V], gb[V];
          load<V>(raw + p, x);
          load<V>(raw + half + p, y);
          load<V>(gain + p, ga);
          load<V>(gain + half + p, gb);
          bool keys = head >= h.heads;
#pragma unroll
          for (int i = 0; i < V; i++) {
            x[i] *= rstd, y[i] *= rstd;
            float da = a[k][i] * x[i], db = b[k][i] * y[i];
            // both are written so that the array stays in registers
            dGain[0][k][0][i] += keys ? 0.0f : da, dGain[0][k][1][i] += keys ? 0.0f : db;
            dGain[1][k][0][i] += keys ? da : 0.0f, dGain[1][k][1][i] += keys ? db : 0.0f;
            sum = fmaf(da, ga[i], fmaf(db, gb[i], sum));
          }
        }
      }
    }
    if constexpr (NORM) {
      float mean = warp_sum(sum, width) / h.headDim;
      if constexpr (!BACKWARD) {
        rstd = 1.0f / sqrtf(mean + h.eps);
        if (active && sub == 0 && h.rstd) h.rstd[(long long)row * all + head] = rstd;
      }
#pragma unroll
      for (int k = 0; k < K; k++) {
        int p = (sub + k * width) * V;
        if (!active || p >= half) continue;
        float ga[V], gb[V];
        load<V>(gain + p, ga);
        load<V>(gain + half + p, gb);
        if constexpr (BACKWARD) {
          float x[V], y[V];
          load<V>(raw + p, x);
          load<V>(raw + half + p, y);
#pragma unroll
          for (int i = 0; i < V; i++) {
            a[k][i] = rstd * (ga[i] * a[k][i] - x[i] * rstd * mean);
            b[k][i] = rstd * (gb[i] * b[k][i] - y[i] * rstd * mean);
          }
        } else {
#pragma unroll
          for (int i = 0; i < V; i++) a[k][i] *= rstd * ga[i], b[k][i] *= rstd * gb[i];
          turn<V>(a[k], b[k], angles + p, angles + half + p, direction);
        }
      }
    }
#pragma unroll
    for (int k = 0; k < K; k++) {
      int p = (sub + k * width) * V;
      if (!active || p >= half) continue;
      store<V>(own + p, a[k]);
      store<V>(own + half + p, b[k]);
    }
  }
  if constexpr (NORM && BACKWARD) {
    __shared__ float sums[4 * 8 * THREADS]; // [groups][2][headDim], headDim at most 2 V threads of a group
#pragma unroll
    for (int k = 0; k < K; k++) {
      int p = (sub + k * width) * V;
      if (p >= half) continue;
#pragma unroll
      for (int which = 0; which < 2; which++) {
        float* to = sums + (group * 2 + which) * h.headDim;
#pragma unroll
        for (int i = 0; i < V; i++) to[p + i] = dGain[which][k][0][i], to[half + p + i] = dGain[which][k][1][i];
      }
    }
    __syncthreads();
    for (int c = threadIdx.x; c < 2 * h.headDim; c += THREADS) {
      float sum = 0.0f;
      for (int g = 0; g < groups; g++) sum += sums[g * 2 * h.headDim + c];
      h.partial[c] = sum;
    }
  }
}

template <class T, bool NORM, bool BACKWARD> __device__ void rope(Heads<T> h, long long gainStride, float direction) {
  long long lane = blockIdx.y, all = h.heads + h.kvHeads;
  h.qkv += lane * h.rows * (all + h.kvHeads) * h.headDim;
  if (NORM) {
    if (h.raw) h.raw += lane * h.rows * all * h.headDim;
    if (h.rstd) h.rstd += lane * h.rows * all;
    h.qGain += lane * gainStride, h.kGain += lane * gainStride;
    if (BACKWARD) h.partial += (lane * gridDim.x + blockIdx.x) * 2 * h.headDim;
  }
  bool wide = h.headDim / 2 % Pack<T>::N == 0 && aligned(h.qkv) && aligned(h.table);
  if (NORM) wide = wide && aligned(h.raw) && aligned(h.qGain) && aligned(h.kGain);
  if (wide) {
    rope_heads<T, Pack<T>::N, 1, NORM, BACKWARD>(h, direction);
  } else {
    rope_heads<T, 1, MAX_HEAD / 64, NORM, BACKWARD>(h, direction);
  }
}

// Grid (any, lanes), 128 threads. qkv[lanes][rows][(heads + 2 kvHeads) * headDim]; a row's position is row % context.
#define ENTRIES(T, SUFFIX)                                                                                             \
  /* direction 1 rotates, -1 back: the gradient's way */                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS) rope_##SUFFIX(                                                 \
      T* qkv, const float* table, int rows, int context, int heads, int kvHeads, int headDim, float direction) {       \
    Heads<T> h = {qkv, table, rows, context, heads, kvHeads, headDim, nullptr, nullptr, nullptr, nullptr, nullptr, 0.0f}; \
    rope<T, false, false>(h, 0, direction);                                                                            \
  }                                                                                                                    \
  /* norm, then rotation; raw[lanes][rows][heads + kvHeads][headDim] and rstd[lanes][rows][heads + kvHeads] are kept   \
     for the backward pass, or null */                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS) rope_norm_forward_##SUFFIX(T* qkv, T* raw, float* rstd,        \
      const float* table, const T* qGain, const T* kGain, long long gainStride, int rows, int context, int heads,      \
      int kvHeads, int headDim, float eps) {                                                                           \
    Heads<T> h = {qkv, table, rows, context, heads, kvHeads, headDim, raw, rstd, qGain, kGain, nullptr, eps};          \
    rope<T, true, false>(h, gainStride, 1.0f);                                                                         \
  }                                                                                                                    \
  /* gradients in place; partial[lanes][gridDim.x][2][headDim] */                                                      \
  extern "C" __global__ void __launch_bounds__(THREADS) rope_norm_backward_##SUFFIX(T* dQkv, float* partial,           \
      const T* raw, const float* rstd, const float* table, const T* qGain, const T* kGain, long long gainStride,       \
      int rows, int context, int heads, int kvHeads, int headDim) {                                                    \
    Heads<T> h = {dQkv, table, rows, context, heads, kvHeads, headDim,                                                 \
        const_cast<T*>(raw), const_cast<float*>(rstd), qGain, kGain, partial, 0.0f};                                   \
    rope<T, true, true>(h, gainStride, -1.0f);                                                                         \
  }
ENTRIES(float, f32)
ENTRIES(bf16, bf16)

// dQ, dK[lanes][headDim] (+)= the sums of partial[lanes][parts][2][headDim]; grid (headDim / 32 rounded up, lanes, 2), 256 threads
#define REDUCE(G, SUFFIX)                                                                                              \
  extern "C" __global__ void rope_gain_reduce_##SUFFIX(                                                                \
      G* dQ, G* dK, const float* partial, long long stride, int parts, int headDim, int accumulate) {                  \
    const float* own = partial + (long long)blockIdx.y * parts * 2 * headDim + blockIdx.z * headDim;                   \
    reduce_columns<G>((blockIdx.z ? dK : dQ) + blockIdx.y * stride, own, parts, 2 * headDim, headDim, accumulate);     \
  }
REDUCE(float, f32)
REDUCE(bf16, g16)
