// Embedding: rows of a table by token, and the table's gradient as sums in an order that depends on the tokens alone.
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

// ---- Order of tokens by id: a stable radix sort, 8 bits a pass, each pass a count and a scatter. Ids outside the vocabulary count as
// `vocab`, so there are as many passes as `vocab` has bytes. A block of 1024 threads has as many tokens; grid (chunks, lanes).

#define CHUNK 1024

__device__ __forceinline__ unsigned sort_key(int id, int vocab) { return min((unsigned)id, (unsigned)vocab); }

// counts[lanes][chunks][256]: how often a chunk has a digit
extern "C" __global__ void __launch_bounds__(CHUNK) embedding_sort_count(int* counts, const int* keys, int rows, int vocab, int shift) {
  __shared__ int count[256];
  if (threadIdx.x < 256) count[threadIdx.x] = 0;
  __syncthreads();
  int i = blockIdx.x * CHUNK + threadIdx.x;
  // integer atomics: the result does not depend on their order
  if (i < rows) atomicAdd(&count[sort_key(keys[(long long)blockIdx.y * rows + i], vocab) >> shift & 255], 1);
  __syncthreads();
  if (threadIdx.x < 256) counts[((long long)blockIdx.y * gridDim.x + blockIdx.x) * 256 + threadIdx.x] = count[threadIdx.x];
}

// keysOut, orderOut[lanes][rows]: sorted by the digit, equal ones in their order. order is null in the first pass: 0, 1, 2, ...
extern "C" __global__ void __launch_bounds__(CHUNK) embedding_sort_scatter(
    int* keysOut, int* orderOut, const int* keys, const int* order, const int* counts, int rows, int vocab, int shift) {
  __shared__ int next[CHUNK / 32][256]; // how often a warp has a digit, then where its first one goes
  __shared__ int sums[8];
  int chunk = blockIdx.x, chunks = gridDim.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  long long own = (long long)blockIdx.y * rows;
  int i = chunk * CHUNK + threadIdx.x;
  unsigned key = i < rows ? sort_key(keys[own + i], vocab) : 0;
  int token = i < rows && order ? order[own + i] : i;
  for (int d = lane; d < 256; d += 32) next[warp][d] = 0;
  __syncwarp();
  unsigned digit = i < rows ? key >> shift & 255 : 256;
  unsigned same = __match_any_sync(ALL_LANES, digit);
  int rank = __popc(same & ((1u << lane) - 1));
  if (digit < 256 && rank == 0) next[warp][digit] = __popc(same);
  // a thread per digit: all of smaller digits come first, then those of earlier chunks, then those of earlier warps
  int before = 0, all = 0, upTo = 0;
  if (threadIdx.x < 256) {
    counts += (long long)blockIdx.y * chunks * 256 + threadIdx.x;
#pragma unroll 8
    for (int c = 0; c < chunks; c++) {
      int n = counts[c * 256];
      if (c < chunk) before += n;
      all += n;
    }
    upTo = all;
    for (int offset = 1; offset < 32; offset <<= 1) {
      int other = __shfl_up_sync(ALL_LANES, upTo, offset);
      if (lane >= offset) upTo += other;
    }
    if (lane == 31) sums[warp] = upTo;
  }
  __syncthreads();
  if (threadIdx.x < 256) {
    int at = upTo - all + before;
    for (int w = 0; w < warp; w++) at += sums[w];
#pragma unroll 8
    for (int w = 0; w < CHUNK / 32; w++) {
      int n = next[w][threadIdx.x];
      next[w][threadIdx.x] = at;
      at += n;
    }
  }
  __syncthreads();
  if (i < rows) {
    int at = next[warp][digit] + rank;
    keysOut[own + at] = key;
    orderOut[own + at] = token;
  }
}

// ---- Gradient of the table. Blocks have spans of sorted tokens, not ids, since of an id there may be one token or a twentieth of all. An
// id whose tokens are all in a span is finished there; else each span leaves its sum, and one block adds them up, span after span.

#define SPAN 32 // sorted tokens of a block; the host knows it too
#define BATCH 8 // tokens whose loads are under way at once

// keys[0] and keys[count + 1] are those before and after the span's; partial[2][d] receives the sum of an id with tokens in an earlier span
// and of one that goes on in the next
template <class T, class G, int V>
__device__ void sum_span(G* dTable, float* partial, const T* dy, const int* keys, const int* tokens, int count, int d, int accumulate) {
  for (int c = threadIdx.x * V; c < d; c += blockDim.x * V) {
    float sum[V] = {};
    for (int k0 = 0; k0 < count; k0 += BATCH) {
      float a[BATCH][V], old[BATCH][V];
#pragma unroll
      for (int j = 0; j < BATCH; j++) {
        int k = k0 + j + 1;
        if (k > count) continue;
        load<V>(dy + (long long)tokens[k] * d + c, a[j]);
        if (accumulate && keys[k + 1] != keys[k] && keys[k] != keys[0]) {
          load<V>(dTable + (long long)keys[k] * d + c, old[j]);
        } else {
          for (int i = 0; i < V; i++) old[j][i] = 0.0f;
        }
      }
#pragma unroll
      for (int j = 0; j < BATCH; j++) {
        int k = k0 + j + 1;
        if (k > count) continue;
#pragma unroll
        for (int i = 0; i < V; i++) sum[i] += a[j][i];
        bool ends = keys[k + 1] != keys[k], began = keys[k] != keys[0];
        if (ends && began) {
#pragma unroll
          for (int i = 0; i < V; i++) sum[i] += old[j][i];
          store<V>(dTable + (long long)keys[k] * d + c, sum);
        } else if (ends || k == count) {
          store<V>(partial + (began ? d : 0) + c, sum);
        }
        if (ends) {
          for (int i = 0; i < V; i++) sum[i] = 0.0f;
        }
      }
    }
  }
}

// Rows of the table from `id` on that have no token become zero, up to 32 of them.
template <class G, int V> __device__ void clear_unused(G* dTable, const int* keys, int id, int rows, int d, int vocab) {
  __shared__ bool used[32];
  if (threadIdx.x < 32) {
    int own = id + threadIdx.x, from = 0, to = rows;
    while (from < to) { // the first key that is not smaller
      int middle = (from + to) >> 1;
      if (keys[middle] < own) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    used[threadIdx.x] = from < rows && keys[from] == own;
  }
  __syncthreads();
  float zero[V] = {};
  for (int i = 0; i < 32 && id + i < vocab; i++) {
    if (used[i]) continue;
    for (int c = threadIdx.x * V; c < d; c += blockDim.x * V) store<V>(dTable + (long long)(id + i) * d + c, zero);
  }
}

template <class T, class G, int V>
__device__ void span_or_unused(
    G* dTable, float* partial, const T* dy, const int* keys, const int* order, int rows, int d, int vocab, int accumulate) {
  __shared__ int spanKeys[SPAN + 2], tokens[SPAN + 2];
  int spans = (rows + SPAN - 1) / SPAN;
  if (blockIdx.x >= spans) return clear_unused<G, V>(dTable, keys, (blockIdx.x - spans) * 32, rows, d, vocab);
  int count = min(SPAN, rows - (int)blockIdx.x * SPAN);
  for (int k = threadIdx.x; k < SPAN + 2; k += blockDim.x) {
    int at = blockIdx.x * SPAN + k - 1;
    spanKeys[k] = at >= 0 && at < rows ? keys[at] : -1;
    tokens[k] = at >= 0 && at < rows ? order[at] : 0;
  }
  __syncthreads();
  while (count > 0 && spanKeys[count] >= vocab) count--; // ids outside the vocabulary come last
  sum_span<T, G, V>(dTable, partial + 2LL * blockIdx.x * d, dy, spanKeys, tokens, count, d, accumulate);
}

// dTable[lanes][vocab][d], `stride` apart, (+)= rows of dy[lanes][rows][d] by the sorted keys and order[lanes][rows]; what spans
// share goes to partial[lanes][spans][2][d]. Rows of ids without tokens stay as they are when it accumulates, else become zero. Grid
// (spans, lanes), with as many more blocks as vocab / 32 unless it accumulates.
template <class T, class G>
__device__ void embedding_backward(G* dTable, float* partial, const T* dy, const int* keys, const int* order, int rows, int d,
                                   int vocab, long long stride, int accumulate) {
  long long own = (long long)blockIdx.y * rows;
  keys += own, order += own, dy += own * d;
  dTable += blockIdx.y * stride;
  partial += blockIdx.y * 2LL * ((rows + SPAN - 1) / SPAN) * d;
  if (d % 4 == 0 && aligned(dTable) && aligned(dy) && aligned(partial)) {
    span_or_unused<T, G, 4>(dTable, partial, dy, keys, order, rows, d, vocab, accumulate);
  } else {
    span_or_unused<T, G, 1>(dTable, partial, dy, keys, order, rows, d, vocab, accumulate);
  }
}

// dTable[d] (+)= the sum of `count` rows, the first one and then those that are 2 d apart from `more` on
template <class G, int V>
__device__ void sum_partials(G* out, const float* first, const float* more, int count, int d, int accumulate) {
  for (int c = threadIdx.x * V; c < d; c += blockDim.x * V) {
    float sum[V], old[V] = {};
    load<V>(first + c, sum);
    if (accumulate) load<V>(out + c, old);
    int k = 0;
    for (; k + BATCH <= count; k += BATCH) {
      float a[BATCH][V];
#pragma unroll
      for (int j = 0; j < BATCH; j++) load<V>(more + 2LL * (k + j) * d + c, a[j]);
#pragma unroll
      for (int j = 0; j < BATCH; j++) {
#pragma unroll
        for (int i = 0; i < V; i++) sum[i] += a[j][i];
      }
    }
    for (; k < count; k++) {
      float a[V];
      load<V>(more + 2LL * k * d + c, a);
      for (int i = 0; i < V; i++) sum[i] += a[i];
    }
    for (int i = 0; i < V; i++) sum[i] += old[i];
    store<V>(out + c, sum);
  }
}

// The ids whose tokens are in several spans, after embedding_backward with the same arguments; grid (spans, lanes): the block of the span
// where an id begins adds it up.
template <class G>
__device__ void embedding_borders(
    G* dTable, const float* partial, const int* keys, int rows, int d, int vocab, long long stride, int accumulate) {
  int end = (blockIdx.x + 1) * SPAN, spans = (rows + SPAN - 1) / SPAN;
  if (end >= rows) return;
  keys += (long long)blockIdx.y * rows;
  int id = keys[end - 1], before = blockIdx.x == 0 ? -1 : keys[end - SPAN - 1];
  if (id >= vocab || keys[end] != id || before == id) return;
  int more = 0; // later spans that begin with it: neighbours, since keys are sorted
  for (int found = blockDim.x; found == blockDim.x; more += found) {
    long long at = end + (more + (long long)threadIdx.x) * SPAN;
    found = __syncthreads_count(at < rows && keys[at] == id);
  }
  const float* first = partial + (((long long)blockIdx.y * spans + blockIdx.x) * 2 + 1) * d;
  G* out = dTable + blockIdx.y * stride + (long long)id * d;
  if (d % 4 == 0 && aligned(out) && aligned(partial)) {
    sum_partials<G, 4>(out, first, first + d, more, d, accumulate);
  } else {
    sum_partials<G, 1>(out, first, first + d, more, d, accumulate);
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
  extern "C" __global__ void embedding_backward_##SUFFIX(G* dTable, float* partial, const T* dy, const int* keys,      \
      const int* order, int rows, int d, int vocab, long long stride, int accumulate) {                                \
    embedding_backward<T, G>(dTable, partial, dy, keys, order, rows, d, vocab, stride, accumulate);                    \
  }                                                                                                                    \
  extern "C" __global__ void embedding_borders_##SUFFIX(G* dTable, const float* partial, const int* keys, int rows,    \
      int d, int vocab, long long stride, int accumulate) {                                                            \
    embedding_borders<G>(dTable, partial, keys, rows, d, vocab, stride, accumulate);                                   \
  }
BACKWARD(float, float, f32)
BACKWARD(bf16, float, bf16)
BACKWARD(bf16, bf16, bf16_g16)
