// RMSNorm (Zhang and Sennrich 2019): y = x * rstd * w with rstd = 1 / sqrt(mean(x^2) + eps), a warp per row.
#include "common.cuh"

// A row of up to 128 vectors of 16 bytes is held in registers between what reads it and what writes it: K vectors to a lane of the warp,
// those of a warp side by side, and R rows at once where they are short, so that enough loads are under way. Longer rows, and those that
// are not aligned, are read twice.

// Vectors of R rows that begin at row `row` of rows[rows][d]; what is past a row's or the rows' end is zero.
template <class T, int K, int R> __device__ __forceinline__ void load_rows(uint4 (&q)[R][K], const T* from, int row, int rows, int d) {
  constexpr int V = Pack<T>::N;
#pragma unroll
  for (int i = 0; i < R; i++) {
#pragma unroll
    for (int j = 0; j < K; j++) {
      int c = (32 * j + (threadIdx.x & 31)) * V;
      q[i][j] = c < d && row + i < rows ? load_packed(from + (long long)(row + i) * d + c) : make_uint4(0, 0, 0, 0);
    }
  }
}

template <class T, int K, int R>
__device__ __forceinline__ void store_rows(T* to, const uint4 (&q)[R][K], int row, int rows, int d) {
  constexpr int V = Pack<T>::N;
#pragma unroll
  for (int i = 0; i < R; i++) {
#pragma unroll
    for (int j = 0; j < K; j++) {
      int c = (32 * j + (threadIdx.x & 31)) * V;
      if (c < d && row + i < rows) store_packed(to + (long long)(row + i) * d + c, q[i][j]);
    }
  }
}

// y[rows][d]; with ADD out = x + delta first, rounded as stored, and y from that. out may be x.
template <class T, bool ADD, int K, int R>
__device__ __forceinline__ void norm_rows(
    T* y, float* rstd, T* out, const T* x, const T* delta, const T* w, int rows, int d, float eps) {
  constexpr int V = Pack<T>::N;
  int warps = blockDim.x >> 5;
  for (int row = (blockIdx.x * warps + (threadIdx.x >> 5)) * R; row < rows; row += gridDim.x * warps * R) {
    uint4 gains[1][K], a[R][K];
    load_rows<T, K, R>(a, x, row, rows, d);
    if constexpr (ADD) {
      uint4 b[R][K];
      load_rows<T, K, R>(b, delta, row, rows, d);
#pragma unroll
      for (int i = 0; i < R; i++) {
#pragma unroll
        for (int j = 0; j < K; j++) {
          float u[V], v[V];
          unpack(a[i][j], u);
          unpack(b[i][j], v);
#pragma unroll
          for (int k = 0; k < V; k++) u[k] += v[k];
          a[i][j] = packed(u);
        }
      }
      store_rows<T, K, R>(out, a, row, rows, d);
    }
    load_rows<T, K, 1>(gains, w, 0, 1, d);
    float scale[R];
#pragma unroll
    for (int i = 0; i < R; i++) {
      scale[i] = 0.0f;
#pragma unroll
      for (int j = 0; j < K; j++) {
        float u[V];
        unpack(a[i][j], u);
#pragma unroll
        for (int k = 0; k < V; k++) scale[i] = fmaf(u[k], u[k], scale[i]);
        pin(a[i][j]);
      }
    }
#pragma unroll
    for (int i = 0; i < R; i++) {
      scale[i] = 1.0f / sqrtf(warp_sum(scale[i]) / d + eps);
      if ((threadIdx.x & 31) == 0 && row + i < rows) rstd[row + i] = scale[i];
#pragma unroll
      for (int j = 0; j < K; j++) {
        float u[V], g[V];
        unpack(a[i][j], u);
        unpack(gains[0][j], g);
#pragma unroll
        for (int k = 0; k < V; k++) u[k] = u[k] * scale[i] * g[k];
        a[i][j] = packed(u);
      }
    }
    store_rows<T, K, R>(y, a, row, rows, d);
  }
}

// Rows of any length, each read twice.
template <class T, int V, bool ADD>
__device__ void norm_row(T* y, float* rstd, T* out, const T* x, const T* delta, const T* w, int d, float eps) {
  int lane = threadIdx.x & 31;
  float sum = 0.0f;
  for (int c = lane * V; c < d; c += 32 * V) {
    float a[V];
    load<V>(x + c, a);
    if constexpr (ADD) {
      float b[V];
      load<V>(delta + c, b);
#pragma unroll
      for (int i = 0; i < V; i++) a[i] = rounded<T>(a[i] + b[i]);
      store<V>(out + c, a);
    }
#pragma unroll
    for (int i = 0; i < V; i++) sum = fmaf(a[i], a[i], sum);
  }
  float scale = 1.0f / sqrtf(warp_sum(sum) / d + eps);
  if (lane == 0) *rstd = scale;
  const T* from = ADD ? out : x; // a thread reads what it wrote itself
  for (int c = lane * V; c < d; c += 32 * V) {
    float a[V], g[V];
    load<V>(from + c, a);
    load<V>(w + c, g);
#pragma unroll
    for (int i = 0; i < V; i++) a[i] = a[i] * scale * g[i];
    store<V>(y + c, a);
  }
}

template <class T, int V, bool ADD>
__device__ void norm_long_rows(T* y, float* rstd, T* out, const T* x, const T* delta, const T* w, int rows, int d, float eps) {
  int warps = blockDim.x >> 5;
  for (int row = blockIdx.x * warps + (threadIdx.x >> 5); row < rows; row += gridDim.x * warps) {
    long long at = (long long)row * d;
    norm_row<T, V, ADD>(y + at, rstd + row, out + at, x + at, delta + at, w, d, eps);
  }
}

// y, out, x, delta [lanes][rows][d], rstd [lanes][rows], w [lanes][d]; grid (any, lanes), with a row a warp best, or two
// where a row is no more than 32 vectors
template <class T, bool ADD>
__device__ __forceinline__ void rmsnorm_forward(
    T* y, float* rstd, T* out, const T* x, const T* delta, const T* w, long long wStride, int rows, int d, float eps) {
  long long lane = (long long)blockIdx.y * rows;
  w += blockIdx.y * wStride;
  y += lane * d, x += lane * d, rstd += lane;
  if constexpr (ADD) out += lane * d, delta += lane * d;
  bool wide = d % Pack<T>::N == 0 && aligned(y) && aligned(x) && aligned(w) && (!ADD || (aligned(out) && aligned(delta)));
  int vectors = wide ? d / Pack<T>::N : 0;
  if (!wide) {
    norm_long_rows<T, 1, ADD>(y, rstd, out, x, delta, w, rows, d, eps);
  } else if (vectors <= 32) {
    norm_rows<T, ADD, 1, 2>(y, rstd, out, x, delta, w, rows, d, eps);
  } else if (vectors <= 64) {
    norm_rows<T, ADD, 2, 1>(y, rstd, out, x, delta, w, rows, d, eps);
  } else if (vectors <= 96) {
    norm_rows<T, ADD, 3, 1>(y, rstd, out, x, delta, w, rows, d, eps);
  } else if (vectors <= 128) {
    norm_rows<T, ADD, 4, 1>(y, rstd, out, x, delta, w, rows, d, eps);
  } else {
    norm_long_rows<T, Pack<T>::N, ADD>(y, rstd, out, x, delta, w, rows, d, eps);
  }
}

// dx[rows][d] = rstd * (w * dy - xhat * mean(w * dy * xhat)) + residual, and sums[d], the warp's own, dy * xhat of its rows. dx may be dy
// or residual.
template <class T, int K, int R>
__device__ __forceinline__ void norm_rows_backward(
    T* dx, float* sums, const T* dy, const T* x, const T* w, const float* rstd, const T* residual, int rows, int d) {
  constexpr int V = Pack<T>::N;
  int warps = blockDim.x >> 5;
  uint4 gains[1][K];
  load_rows<T, K, 1>(gains, w, 0, 1, d);
  float sum[K][V] = {};
  for (int row = (blockIdx.x * warps + (threadIdx.x >> 5)) * R; row < rows; row += gridDim.x * warps * R) {
    uint4 a[R][K], b[R][K], r[R][K];
    float scale[R], mean[R];
    load_rows<T, K, R>(a, x, row, rows, d);
    load_rows<T, K, R>(b, dy, row, rows, d);
    if (residual) load_rows<T, K, R>(r, residual, row, rows, d);
#pragma unroll
    for (int i = 0; i < R; i++) scale[i] = row + i < rows ? rstd[row + i] : 0.0f;
#pragma unroll
    for (int i = 0; i < R; i++) {
      float dot = 0.0f;
#pragma unroll
      for (int j = 0; j < K; j++) {
        float u[V], v[V], g[V];
        unpack(a[i][j], u);
        unpack(b[i][j], v);
        unpack(gains[0][j], g);
#pragma unroll
        for (int k = 0; k < V; k++) dot = fmaf(v[k] * g[k], u[k] * scale[i], dot);
        pin(a[i][j]);
        pin(b[i][j]);
        pin(gains[0][j]);
      }
      mean[i] = dot;
    }
#pragma unroll
    for (int i = 0; i < R; i++) mean[i] = warp_sum(mean[i]) / d;
#pragma unroll
    for (int i = 0; i < R; i++) {
#pragma unroll
      for (int j = 0; j < K; j++) {
        float u[V], v[V], g[V], z[V] = {};
        unpack(a[i][j], u);
        unpack(b[i][j], v);
        unpack(gains[0][j], g);
        if (residual) unpack(r[i][j], z);
#pragma unroll
        for (int k = 0; k < V; k++) {
          float normal = u[k] * scale[i];
          sum[j][k] = fmaf(v[k], normal, sum[j][k]);
          z[k] += scale[i] * (g[k] * v[k] - normal * mean[i]);
        }
        pin(gains[0][j]);
        a[i][j] = packed(z);
      }
    }
    store_rows<T, K, R>(dx, a, row, rows, d);
  }
#pragma unroll
  for (int j = 0; j < K; j++) {
    int c = (32 * j + (threadIdx.x & 31)) * V;
    if (c < d) store<V>(sums + c, sum[j]);
  }
}

// Rows of any length, each read twice.
template <class T, int V>
__device__ void norm_row_backward(
    T* dx, float* sums, const T* dy, const T* x, const T* w, const T* residual, float rstd, int d) {
  int lane = threadIdx.x & 31;
  float dot = 0.0f;
  for (int c = lane * V; c < d; c += 32 * V) {
    float a[V], g[V], gain[V];
    load<V>(x + c, a);
    load<V>(dy + c, g);
    load<V>(w + c, gain);
#pragma unroll
    for (int i = 0; i < V; i++) dot = fmaf(g[i] * gain[i], a[i] * rstd, dot);
  }
  float mean = warp_sum(dot) / d;
  for (int c = lane * V; c < d; c += 32 * V) {
    float a[V], g[V], gain[V], sum[V], r[V];
    load<V>(x + c, a);
    load<V>(dy + c, g);
    load<V>(w + c, gain);
    load<V>(sums + c, sum);
    if (residual) {
      load<V>(residual + c, r);
    } else {
#pragma unroll
      for (int i = 0; i < V; i++) r[i] = 0.0f;
    }
#pragma unroll
    for (int i = 0; i < V; i++) {
      float normal = a[i] * rstd;
      sum[i] = fmaf(g[i], normal, sum[i]);
      r[i] += rstd * (gain[i] * g[i] - normal * mean);
    }
    store<V>(sums + c, sum);
    store<V>(dx + c, r);
  }
}

template <class T, int V>
__device__ void norm_long_rows_backward(
    T* dx, float* sums, const T* dy, const T* x, const T* w, const float* rstd, const T* residual, int rows, int d) {
  int warps = blockDim.x >> 5;
  for (int c = threadIdx.x & 31; c < d; c += 32) sums[c] = 0.0f;
  __syncwarp();
  for (int row = blockIdx.x * warps + (threadIdx.x >> 5); row < rows; row += gridDim.x * warps) {
    long long at = (long long)row * d;
    norm_row_backward<T, V>(dx + at, sums, dy + at, x + at, w, residual ? residual + at : nullptr, rstd[row], d);
  }
}

// dx, dy, x, residual (or null) [lanes][rows][d]; partial [lanes][gridDim.x][d] receives each block's part of dw. Grid (any, lanes): which
// rows are summed together depends on it. Up to 256 threads; dynamic shared memory: a row of floats per warp.
template <class T>
__device__ __forceinline__ void rmsnorm_backward(
    T* dx, float* partial, const T* dy, const T* x, const T* w, long long wStride, const float* rstd, const T* residual, int rows, int d) {
  extern __shared__ float4 shared[];
  float* all = reinterpret_cast<float*>(shared); // [warps][d]
  int warps = blockDim.x >> 5;
  float* sums = all + (threadIdx.x >> 5) * d;
  long long lane = (long long)blockIdx.y * rows;
  w += blockIdx.y * wStride;
  dx += lane * d, dy += lane * d, x += lane * d, rstd += lane;
  if (residual) residual += lane * d;
  bool wide = d % Pack<T>::N == 0 && aligned(dx) && aligned(dy) && aligned(x) && aligned(w) && aligned(residual);
  int vectors = wide ? d / Pack<T>::N : 0;
  if (!wide) {
    norm_long_rows_backward<T, 1>(dx, sums, dy, x, w, rstd, residual, rows, d);
  } else if (vectors <= 32) {
    norm_rows_backward<T, 1, 4>(dx, sums, dy, x, w, rstd, residual, rows, d);
  } else if (vectors <= 64) {
    norm_rows_backward<T, 2, 2>(dx, sums, dy, x, w, rstd, residual, rows, d);
  } else if (vectors <= 96) {
    norm_rows_backward<T, 3, 1>(dx, sums, dy, x, w, rstd, residual, rows, d);
  } else if (vectors <= 128) {
    norm_rows_backward<T, 4, 1>(dx, sums, dy, x, w, rstd, residual, rows, d);
  } else {
    norm_long_rows_backward<T, Pack<T>::N>(dx, sums, dy, x, w, rstd, residual, rows, d);
  }
  __syncthreads();
  partial += ((long long)blockIdx.y * gridDim.x + blockIdx.x) * d;
  for (int c = threadIdx.x; c < d; c += blockDim.x) {
    float sum = 0.0f;
    for (int i = 0; i < warps; i++) sum += all[i * d + c];
    partial[c] = sum;
  }
}

// dw[lanes][d] (+)= the sum of partial[lanes][parts][d]; grid (d / 32 rounded up, lanes), 256 threads
#define REDUCE(G, SUFFIX)                                                                                              \
  extern "C" __global__ void rmsnorm_reduce_##SUFFIX(                                                                  \
      G* dw, const float* partial, long long dwStride, int parts, int d, int accumulate) {                             \
    reduce_columns<G>(dw + blockIdx.y * dwStride, partial + (long long)blockIdx.y * parts * d, parts, d, d, accumulate); \
  }
REDUCE(float, f32)
REDUCE(bf16, g16)

// The same for all norms of a model at once: partial[norms][lanes][parts][d], whose gains begin at offsets[norms] of a lane's gradients;
// grid (d / 32 rounded up, lanes, norms), 256 threads
extern "C" __global__ void rmsnorm_reduce_all_f32(
    float* grads, const float* partial, const long long* offsets, long long stride, int parts, int d, int accumulate) {
  const float* own = partial + ((long long)blockIdx.z * gridDim.y + blockIdx.y) * parts * d;
  reduce_columns<float>(grads + blockIdx.y * stride + offsets[blockIdx.z], own, parts, d, d, accumulate);
}

#define ENTRIES(T, SUFFIX)                                                                                             \
  extern "C" __global__ void rmsnorm_forward_##SUFFIX(                                                                 \
      T* y, float* rstd, const T* x, const T* w, long long wStride, int rows, int d, float eps) {                      \
    rmsnorm_forward<T, false>(y, rstd, nullptr, x, nullptr, w, wStride, rows, d, eps);                                 \
  }                                                                                                                    \
  extern "C" __global__ void rmsnorm_add_forward_##SUFFIX(T* y, float* rstd, T* out, const T* x, const T* delta,       \
      const T* w, long long wStride, int rows, int d, float eps) {                                                     \
    rmsnorm_forward<T, true>(y, rstd, out, x, delta, w, wStride, rows, d, eps);                                        \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(256, 2) rmsnorm_backward_##SUFFIX(T* dx, float* partial, const T* dy,   \
      const T* x, const T* w, long long wStride, const float* rstd, const T* residual, int rows, int d) {              \
    rmsnorm_backward<T>(dx, partial, dy, x, w, wStride, rstd, residual, rows, d);                                      \
  }
ENTRIES(float, f32)
ENTRIES(bf16, bf16)
