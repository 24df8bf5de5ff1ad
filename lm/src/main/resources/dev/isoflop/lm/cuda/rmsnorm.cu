// RMSNorm (Zhang and Sennrich 2019): y = x * rstd * w with rstd = 1 / sqrt(mean(x^2) + eps), a warp per row.
#include "common.cuh"

// One row: y[d]; with ADD out[d] = x[d] + delta[d] first, rounded as stored, and y from that. out may be x.
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

// y, out, x, delta [lanes][rows][d], rstd [lanes][rows], w [lanes][d]; grid (rows / warps rounded up, lanes)
template <class T, bool ADD>
__device__ void rmsnorm_forward(
    T* y, float* rstd, T* out, const T* x, const T* delta, const T* w, long long wStride, int rows, int d, float eps) {
  int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
  if (row >= rows) return;
  long long at = (long long)blockIdx.y * rows + row;
  w += blockIdx.y * wStride;
  bool wide = d % Pack<T>::N == 0 && aligned(y) && aligned(x) && aligned(w) && (!ADD || (aligned(out) && aligned(delta)));
  if (wide) {
    norm_row<T, Pack<T>::N, ADD>(y + at * d, rstd + at, out + at * d, x + at * d, delta + at * d, w, d, eps);
  } else {
    norm_row<T, 1, ADD>(y + at * d, rstd + at, out + at * d, x + at * d, delta + at * d, w, d, eps);
  }
}

// One row: dx[d] = rstd * (w * dy - xhat * mean(w * dy * xhat)) + residual[d], and sums[d] += dy * xhat. dx may be dy or residual.
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
__device__ void norm_rows_backward(
    T* dx, float* sums, const T* dy, const T* x, const T* w, const float* rstd, const T* residual, int rows, int d) {
  int warps = blockDim.x >> 5;
  for (int row = blockIdx.x * warps + (threadIdx.x >> 5); row < rows; row += gridDim.x * warps) {
    long long at = (long long)row * d;
    norm_row_backward<T, V>(dx + at, sums, dy + at, x + at, w, residual ? residual + at : nullptr, rstd[row], d);
  }
}

// dx, dy, x, residual (or null) [lanes][rows][d]; partial [lanes][gridDim.x][d] receives each block's part of dw. Grid (any, lanes): which
// rows are summed together depends on it. Dynamic shared memory: a row of floats per warp.
template <class T>
__device__ void rmsnorm_backward(
    T* dx, float* partial, const T* dy, const T* x, const T* w, long long wStride, const float* rstd, const T* residual, int rows, int d) {
  extern __shared__ float4 shared[];
  float* all = reinterpret_cast<float*>(shared); // [warps][d]
  int warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  for (int i = threadIdx.x; i < warps * d; i += blockDim.x) all[i] = 0.0f;
  __syncthreads();
  long long lane = (long long)blockIdx.y * rows;
  w += blockIdx.y * wStride;
  dx += lane * d, dy += lane * d, x += lane * d, rstd += lane;
  if (residual) residual += lane * d;
  if (d % Pack<T>::N == 0 && aligned(dx) && aligned(dy) && aligned(x) && aligned(w) && aligned(residual)) {
    norm_rows_backward<T, Pack<T>::N>(dx, all + warp * d, dy, x, w, rstd, residual, rows, d);
  } else {
    norm_rows_backward<T, 1>(dx, all + warp * d, dy, x, w, rstd, residual, rows, d);
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
  extern "C" __global__ void rmsnorm_backward_##SUFFIX(T* dx, float* partial, const T* dy, const T* x, const T* w,     \
      long long wStride, const float* rstd, const T* residual, int rows, int d) {                                      \
    rmsnorm_backward<T>(dx, partial, dy, x, w, wStride, rstd, residual, rows, d);                                      \
  }
ENTRIES(float, f32)
ENTRIES(bf16, bf16)
