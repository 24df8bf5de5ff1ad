// Embedding: rows of a table by token, and the table's gradient as sums in token order.
#include "common.cuh"

// out[d] = table[id][d]. An id that is not in the vocabulary gives NaN, so the lane's update is skipped rather than wrong.
template <class T, int V> __device__ void gather(T* out, const T* row, int d) {
  for (int c = (threadIdx.x & 31) * V; c < d; c += 32 * V) {
    float a[V];
    if (row) {
      load<V>(row + c, a);
    } else {
      for (int i = 0; i < V; i++) a[i] = not_a_number();
    }
    store<V>(out + c, a);
  }
}

// out[lanes][rows][d] from table[lanes][vocab][d] and ids[lanes][rows]; a warp per row, grid (rows / warps rounded up, lanes).
template <class T>
__device__ void embedding_forward(T* out, const T* table, const int* ids, int rows, int d, int vocab, long long tableStride) {
  int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
  if (row >= rows) return;
  long long at = (long long)blockIdx.y * rows + row;
  int id = ids[at];
  table += blockIdx.y * tableStride;
  const T* from = (unsigned)id < (unsigned)vocab ? table + (long long)id * d : nullptr;
  if (d % Pack<T>::N == 0 && aligned(out) && aligned(table)) {
    gather<T, Pack<T>::N>(out + at * d, from, d);
  } else {
    gather<T, 1>(out + at * d, from, d);
  }
}

// ---- Order of tokens by id: a stable radix sort, 8 bits a pass, a warp per chunk of 1024 tokens. Ids outside the vocabulary count as
// `vocab`, so there are as many passes as `vocab` has bytes. Grid (chunks, lanes), 32 threads.

#define CHUNK 1024

__device__ __forceinline__ unsigned digit(const int* keys, int i, int vocab, int shift) {
  unsigned key = (unsigned)keys[i];
  return ((key < (unsigned)vocab ? key : (unsigned)vocab) >> shift) & 255;
}

// counts[lanes][256][chunks]: how often a chunk has a digit
extern "C" __global__ void embedding_sort_count(int* counts, const int* keys, int rows, int vocab, int shift) {
  __shared__ int count[256];
  int chunk = blockIdx.x, chunks = gridDim.x;
  keys += (long long)blockIdx.y * rows;
  for (int i = threadIdx.x; i < 256; i += 32) count[i] = 0;
  __syncwarp();
  int end = min(rows, (chunk + 1) * CHUNK);
  // integer atomics: the result does not depend on their order
  for (int i = chunk * CHUNK + threadIdx.x; i < end; i += 32) atomicAdd(&count[digit(keys, i, vocab, shift)], 1);
  __syncwarp();
  for (int i = threadIdx.x; i < 256; i += 32) counts[((long long)blockIdx.y * 256 + i) * chunks + chunk] = count[i];
}

// counts[lanes][256 * chunks] becomes the sum of what is before each; grid (1, lanes), 1024 threads
extern "C" __global__ void embedding_sort_scan(int* counts, int chunks) {
  __shared__ int warps[32];
  int n = 256 * chunks, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  counts += (long long)blockIdx.y * n;
  int before = 0;
  for (int from = 0; from < n; from += 1024) {
    int i = from + threadIdx.x;
    int own = i < n ? counts[i] : 0;
    int sum = own;
    for (int offset = 1; offset < 32; offset <<= 1) {
      int other = __shfl_up_sync(ALL_LANES, sum, offset);
      if (lane >= offset) sum += other;
    }
    if (lane == 31) warps[warp] = sum;
    __syncthreads();
    int all = 0, previous = 0;
    for (int w = 0; w < 32; w++) {
      if (w < warp) previous += warps[w];
      all += warps[w];
    }
    if (i < n) counts[i] = before + previous + sum - own;
    before += all;
    __syncthreads();
  }
}

// keysOut, orderOut[lanes][rows]: sorted by the digit, equal ones in their order. order is null in the first pass: 0, 1, 2, ...
extern "C" __global__ void embedding_sort_scatter(
    int* keysOut, int* orderOut, const int* keys, const int* order, const int* counts, int rows, int vocab, int shift) {
  __shared__ int next[256];
  int chunk = blockIdx.x, chunks = gridDim.x, lane = threadIdx.x;
  long long lane0 = (long long)blockIdx.y * rows;
  for (int i = lane; i < 256; i += 32) next[i] = counts[((long long)blockIdx.y * 256 + i) * chunks + chunk];
  __syncwarp();
  int end = min(rows, (chunk + 1) * CHUNK);
  for (int from = chunk * CHUNK; from < end; from += 32) {
    int i = from + lane;
    unsigned own = i < end ? digit(keys + lane0, i, vocab, shift) : 256 + lane;
    unsigned same = __match_any_sync(ALL_LANES, own);
    int rank = __popc(same & ((1u << lane) - 1));
    int at = i < end ? next[own] + rank : 0;
    __syncwarp();
    if (i < end) {
      if (rank == 0) next[own] += __popc(same);
      int key = keys[lane0 + i];
      keysOut[lane0 + at] = (unsigned)key < (unsigned)vocab ? key : vocab;
      orderOut[lane0 + at] = order ? order[lane0 + i] : i;
    }
    __syncwarp();
  }
}

// starts[lanes][vocab + 1]: where an id's tokens begin among keys[lanes][rows], which are sorted; grid ((rows + 1) / block, lanes)
extern "C" __global__ void embedding_starts(int* starts, const int* keys, int rows, int vocab) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i > rows) return;
  keys += (long long)blockIdx.y * rows;
  starts += (long long)blockIdx.y * (vocab + 1);
  int from = i == 0 ? 0 : keys[i - 1] + 1;
  int to = i == rows ? vocab : keys[i];
  for (int v = from; v <= to; v++) starts[v] = i;
}

// dTable[d] = (dTable[d] +) the sum of dy[order[k]][d], k from `from` to `to`
template <class T, class G, int V>
__device__ void sum_rows(G* out, const T* dy, const int* order, int from, int to, int d, int accumulate) {
  for (int c = threadIdx.x * V; c < d; c += blockDim.x * V) {
    float sum[V];
    if (accumulate) {
      load<V>(out + c, sum);
    } else {
      for (int i = 0; i < V; i++) sum[i] = 0.0f;
    }
    // loads of several rows are under way at once; the sums stay in order
    int k = from;
    for (; k + 4 <= to; k += 4) {
      float a[4][V];
#pragma unroll
      for (int j = 0; j < 4; j++) load<V>(dy + (long long)order[k + j] * d + c, a[j]);
#pragma unroll
      for (int j = 0; j < 4; j++) {
#pragma unroll
        for (int i = 0; i < V; i++) sum[i] += a[j][i];
      }
    }
    for (; k < to; k++) {
      float a[V];
      load<V>(dy + (long long)order[k] * d + c, a);
      for (int i = 0; i < V; i++) sum[i] += a[i];
    }
    store<V>(out + c, sum);
  }
}

// dTable[lanes][vocab][d] from dy[lanes][rows][d]; grid (vocab, lanes), a block per row of the table. Overwrites rows without tokens by
// zero, or leaves them when it accumulates.
template <class T, class G>
__device__ void embedding_backward(
    G* dTable, const T* dy, const int* order, const int* starts, int rows, int d, int vocab, long long stride, int accumulate) {
  int id = blockIdx.x;
  const int* own = starts + (long long)blockIdx.y * (vocab + 1) + id;
  int from = own[0], to = own[1];
  if (accumulate && from == to) return;
  order += (long long)blockIdx.y * rows;
  dy += (long long)blockIdx.y * rows * d;
  dTable += blockIdx.y * stride;
  G* out = dTable + (long long)id * d;
  if (d % Pack<T>::N == 0 && aligned(dTable) && aligned(dy)) {
    sum_rows<T, G, Pack<T>::N>(out, dy, order, from, to, d, accumulate);
  } else {
    sum_rows<T, G, 1>(out, dy, order, from, to, d, accumulate);
  }
}

#define FORWARD(T, SUFFIX)                                                                                             \
  extern "C" __global__ void embedding_forward_##SUFFIX(                                                               \
      T* out, const T* table, const int* ids, int rows, int d, int vocab, long long tableStride) {                     \
    embedding_forward<T>(out, table, ids, rows, d, vocab, tableStride);                                                \
  }
FORWARD(float, f32)
FORWARD(bf16, bf16)

#define BACKWARD(T, G, SUFFIX)                                                                                         \
  extern "C" __global__ void embedding_backward_##SUFFIX(G* dTable, const T* dy, const int* order, const int* starts,  \
      int rows, int d, int vocab, long long stride, int accumulate) {                                                  \
    embedding_backward<T, G>(dTable, dy, order, starts, rows, d, vocab, stride, accumulate);                           \
  }
BACKWARD(float, float, f32)
BACKWARD(bf16, float, bf16)
BACKWARD(bf16, bf16, bf16_g16)
