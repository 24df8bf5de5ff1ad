// Muon (Jordan et al. 2024) for the matrices inside the blocks, around the products of its Newton-Schulz iteration, which are cuBLASLt's.
//
// Matrices of one shape, of all lanes, lie one after the other in a workspace, so that each product is one batched call. They are kept tall,
// [large][small] row major: one that is wide is stored transposed, and so shares a batch with those of the opposite shape.
// What changes from step to step is read from device memory; a lane whose `scale` is 0 is left as it is, whatever the products make of the
// old contents of its workspace.
#include "common.cuh"

struct Hyper { // as in adamw.cu
  float learningRate, beta1, beta2, epsilon;
  float weightDecay, correction1, correction2, maxNorm;
  float gradientScale;
  float unused[7];
};

struct State { // as in adamw.cu
  float norm, scale;
  int skipped, unused;
};

struct Matrix {
  long long parameter; // its first element in a lane's parameters
  long long x;         // its first element in the workspace before the iterations
  long long result;    // and after them
  long long lane;      // elements from one lane's to the next lane's, before and after
  int rows, columns;   // of the parameter, row major
  int transposed;      // whether the workspace has it [columns][rows]
  int firstTile, tiles;
  float rate;          // what the update is multiplied by beside the learning rate: 0.2 sqrt(max(rows, columns))
};

// A square of a matrix that a block takes, ragged at the edges.
constexpr int TILE = 64;
struct Tile {
  int matrix, row, column, unused;
};

constexpr int THREADS = 256, WARPS = THREADS / 32, ROUNDS = TILE / WARPS;

// The block's sum in its first thread, in an order of its own.
__device__ __forceinline__ double block_sum(double x) {
  __shared__ double warps[WARPS];
  x = warp_sum_double(x);
  if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = x;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int w = 1; w < WARPS; w++) x += warps[w];
  }
  return x;
}

// m <- mu m + g; the workspace gets u = mu m + g, and partial[lanes][tiles] the sums of its squares. Grid (tiles, lanes).
template <class T>
__device__ void momentum(T* work, double* partial, float* m, const float* g, const Matrix* matrices, const Tile* tiles,
    const State* state, long long stride, float mu) {
  float scale = state[blockIdx.y].scale;
  if (scale == 0.0f) return;
  __shared__ float turned[TILE][TILE + 1];
  Tile tile = tiles[blockIdx.x];
  Matrix a = matrices[tile.matrix];
  m += blockIdx.y * stride + a.parameter, g += blockIdx.y * stride + a.parameter;
  T* x = work + a.x + blockIdx.y * a.lane;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  float old[ROUNDS][2], grad[ROUNDS][2];
#pragma unroll
  for (int k = 0; k < ROUNDS; k++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      int row = tile.row + k * WARPS + warp, column = tile.column + h * 32 + lane;
      bool inside = row < a.rows && column < a.columns;
      long long i = (long long)row * a.columns + column;
      old[k][h] = inside ? m[i] : 0.0f;
      grad[k][h] = inside ? g[i] : 0.0f;
    }
  }
  float sum = 0.0f;
#pragma unroll
  for (int k = 0; k < ROUNDS; k++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      int row = tile.row + k * WARPS + warp, column = tile.column + h * 32 + lane;
      float gradient = grad[k][h] * scale;
      float fresh = mu * old[k][h] + gradient;
      float u = mu * fresh + gradient;
      sum = fmaf(u, u, sum);
      if (a.transposed) turned[k * WARPS + warp][h * 32 + lane] = u;
      if (row < a.rows && column < a.columns) {
        long long i = (long long)row * a.columns + column;
        m[i] = fresh;
        if (!a.transposed) x[i] = from_float<T>(u);
      }
    }
  }
  double all = block_sum(sum); // also waits for the tile
  if (threadIdx.x == 0) partial[(long long)blockIdx.y * gridDim.x + blockIdx.x] = all;
  if (!a.transposed) return;
#pragma unroll
  for (int k = 0; k < ROUNDS; k++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      int column = tile.column + k * WARPS + warp, row = tile.row + h * 32 + lane;
      if (row < a.rows && column < a.columns) {
        x[(long long)column * a.rows + row] = from_float<T>(turned[h * 32 + lane][k * WARPS + warp]);
      }
    }
  }
}

// inverse[lanes][matrices] = 1 / (the norm + epsilon) from partial[lanes][tiles]; grid (matrices, lanes)
extern "C" __global__ void __launch_bounds__(THREADS) muon_norm(
    float* inverse, const double* partial, const Matrix* matrices, const State* state, int tiles, float epsilon) {
  if (state[blockIdx.y].scale == 0.0f) return;
  Matrix a = matrices[blockIdx.x];
  partial += (long long)blockIdx.y * tiles + a.firstTile;
  double sum = 0.0;
  for (int i = threadIdx.x; i < a.tiles; i += THREADS) sum += partial[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) inverse[(long long)blockIdx.y * gridDim.x + blockIdx.x] = (float)(1.0 / (sqrt(sum) + (double)epsilon));
}

// The workspace divided by the norms, TILE * TILE elements a block; grid (tiles, lanes). A matrix begins at a multiple of 256 bytes.
template <class T>
__device__ void normalise(T* work, const float* inverse, const Matrix* matrices, const Tile* tiles, const State* state, int count) {
  if (state[blockIdx.y].scale == 0.0f) return;
  constexpr int V = Pack<T>::N;
  int index = tiles[blockIdx.x].matrix;
  Matrix a = matrices[index];
  float factor = inverse[(long long)blockIdx.y * count + index];
  T* x = work + a.x + blockIdx.y * a.lane;
  long long length = (long long)a.rows * a.columns;
  long long from = (long long)(blockIdx.x - a.firstTile) * TILE * TILE;
  long long to = from + TILE * TILE < length ? from + TILE * TILE : length;
  for (long long i = from + threadIdx.x * V; i < to; i += THREADS * V) {
    if (i + V <= to) {
      float values[V];
      load<V>(x + i, values);
#pragma unroll
      for (int j = 0; j < V; j++) values[j] *= factor;
      store<V>(x + i, values);
    } else {
      for (long long j = i; j < to; j++) x[j] = from_float<T>(to_float(x[j]) * factor);
    }
  }
}

// square <- a I + b gram + c square, for a batch of [n][n] matrices that lie `stride` elements, a multiple of 8, from each other; what is
// between them is computed too, and read by nobody. Grid (any, batch).
template <class T>
__device__ void polynomial(T* square, const T* gram, int n, int stride, float a, float b, float c) {
  constexpr int V = Pack<T>::N;
  square += (long long)blockIdx.y * stride, gram += (long long)blockIdx.y * stride;
  for (int i = (blockIdx.x * THREADS + threadIdx.x) * V; i < stride; i += gridDim.x * THREADS * V) {
    float g[V], s[V];
    load<V>(gram + i, g);
    load<V>(square + i, s);
    int past = i % (n + 1); // elements since the last one of the diagonal
#pragma unroll
    for (int j = 0; j < V; j++) {
      s[j] = fmaf(c, s[j], b * g[j]) + (past == 0 ? a : 0.0f);
      past = past == n ? 0 : past + 1;
    }
    store<V>(square + i, s);
  }
}

// w <- w (1 - lr decay) - lr rate x, and the working copy if there is one; grid (tiles, lanes)
template <class T>
__device__ void apply(float* w, bf16* copy, const T* work, const Matrix* matrices, const Tile* tiles, const Hyper* hyper,
    const State* state, long long stride) {
  if (state[blockIdx.y].scale == 0.0f) return;
  __shared__ float turned[TILE][TILE + 1];
  Tile tile = tiles[blockIdx.x];
  Matrix a = matrices[tile.matrix];
  float rate = hyper[blockIdx.y].learningRate;
  float keep = 1.0f - rate * hyper[blockIdx.y].weightDecay, step = rate * a.rate;
  long long offset = blockIdx.y * stride + a.parameter;
  w += offset;
  if (copy) copy += offset;
  const T* x = work + a.result + blockIdx.y * a.lane;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  if (a.transposed) {
#pragma unroll
    for (int k = 0; k < ROUNDS; k++) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        int column = tile.column + k * WARPS + warp, row = tile.row + h * 32 + lane;
        bool inside = row < a.rows && column < a.columns;
        turned[h * 32 + lane][k * WARPS + warp] = inside ? to_float(x[(long long)column * a.rows + row]) : 0.0f;
      }
    }
    __syncthreads();
  }
  float old[ROUNDS][2], update[ROUNDS][2];
#pragma unroll
  for (int k = 0; k < ROUNDS; k++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      int row = tile.row + k * WARPS + warp, column = tile.column + h * 32 + lane;
      bool inside = row < a.rows && column < a.columns;
      long long i = (long long)row * a.columns + column;
      old[k][h] = inside ? w[i] : 0.0f;
      update[k][h] = a.transposed ? turned[k * WARPS + warp][h * 32 + lane] : inside ? to_float(x[i]) : 0.0f;
    }
  }
#pragma unroll
  for (int k = 0; k < ROUNDS; k++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      int row = tile.row + k * WARPS + warp, column = tile.column + h * 32 + lane;
      if (row < a.rows && column < a.columns) {
        long long i = (long long)row * a.columns + column;
        float fresh = old[k][h] * keep - step * update[k][h];
        w[i] = fresh;
        if (copy) copy[i] = from_float<bf16>(fresh);
      }
    }
  }
}

#define ENTRY(T, SUFFIX)                                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS) muon_momentum_##SUFFIX(T* work, double* partial, float* m,     \
      const float* g, const Matrix* matrices, const Tile* tiles, const State* state, long long stride, float mu) {     \
    momentum<T>(work, partial, m, g, matrices, tiles, state, stride, mu);                                              \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS) muon_normalise_##SUFFIX(T* work, const float* inverse,         \
      const Matrix* matrices, const Tile* tiles, const State* state, int count) {                                      \
    normalise<T>(work, inverse, matrices, tiles, state, count);                                                        \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS) muon_polynomial_##SUFFIX(                                      \
      T* square, const T* gram, int n, int stride, float a, float b, float c) {                                        \
    polynomial<T>(square, gram, n, stride, a, b, c);                                                                   \
  }                                                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS) muon_apply_##SUFFIX(float* w, bf16* copy, const T* work,       \
      const Matrix* matrices, const Tile* tiles, const Hyper* hyper, const State* state, long long stride) {           \
    apply<T>(w, copy, work, matrices, tiles, hyper, state, stride);                                                    \
  }
ENTRY(float, f32)
ENTRY(bf16, bf16)
