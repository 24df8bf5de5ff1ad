// SwiGLU (Shazeer 2020): act = silu(gate) * up, silu(x) = x / (1 + exp(-x)).
#include "common.cuh"

// act[f] of one row gateUp[2f] (gate, then up)
template <class T, int V> __device__ void swiglu_row(T* act, const T* gateUp, int f) {
  for (int c = threadIdx.x * V; c < f; c += blockDim.x * V) {
    float g[V], u[V];
    load<V>(gateUp + c, g);
    load<V>(gateUp + f + c, u);
#pragma unroll
    for (int i = 0; i < V; i++) g[i] = g[i] / (1.0f + expf(-g[i])) * u[i];
    store<V>(act + c, g);
  }
}

// gateUp[2f] of one row becomes its gradient; act, unless null, receives silu(gate) * up again
template <class T, int V> __device__ void swiglu_row_backward(T* gateUp, T* act, const T* dAct, int f) {
  for (int c = threadIdx.x * V; c < f; c += blockDim.x * V) {
    float g[V], u[V], d[V], a[V];
    load<V>(gateUp + c, g);
    load<V>(gateUp + f + c, u);
    load<V>(dAct + c, d);
#pragma unroll
    for (int i = 0; i < V; i++) {
      float s = 1.0f / (1.0f + expf(-g[i]));
      float silu = g[i] * s;
      a[i] = silu * u[i];
      // s * (1 + g * (1 - s)), with 1 - s as exp(-g) * s would overflow for very negative g
      g[i] = d[i] * u[i] * (s + silu * (1.0f - s));
      u[i] = d[i] * silu;
    }
    if (act) store<V>(act + c, a);
    store<V>(gateUp + c, g);
    store<V>(gateUp + f + c, u);
  }
}

// Blocks take rows in turns: any grid. Lanes are rows here.
#define ENTRIES(T, SUFFIX)                                                                                             \
  /* act[rows][f] from gateUp[rows][2f] */                                                                             \
  extern "C" __global__ void swiglu_forward_##SUFFIX(T* act, const T* gateUp, long long rows, int f) {                 \
    bool wide = f % Pack<T>::N == 0 && aligned(act) && aligned(gateUp);                                                \
    for (long long row = blockIdx.x; row < rows; row += gridDim.x) {                                                   \
      if (wide) {                                                                                                      \
        swiglu_row<T, Pack<T>::N>(act + row * f, gateUp + row * 2 * f, f);                                             \
      } else {                                                                                                         \
        swiglu_row<T, 1>(act + row * f, gateUp + row * 2 * f, f);                                                      \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  /* gateUp[rows][2f] in place from dAct[rows][f]; act[rows][f] or null; act may be dAct */                            \
  extern "C" __global__ void swiglu_backward_##SUFFIX(T* gateUp, T* act, const T* dAct, long long rows, int f) {       \
    bool wide = f % Pack<T>::N == 0 && aligned(act) && aligned(gateUp) && aligned(dAct);                               \
    for (long long row = blockIdx.x; row < rows; row += gridDim.x) {                                                   \
      T* own = act ? act + row * f : nullptr;                                                                          \
      if (wide) {                                                                                                      \
        swiglu_row_backward<T, Pack<T>::N>(gateUp + row * 2 * f, own, dAct + row * f, f);                              \
      } else {                                                                                                         \
        swiglu_row_backward<T, 1>(gateUp + row * 2 * f, own, dAct + row * f, f);                                       \
      }                                                                                                                \
    }                                                                                                                  \
  }
ENTRIES(float, f32)
ENTRIES(bf16, bf16)
