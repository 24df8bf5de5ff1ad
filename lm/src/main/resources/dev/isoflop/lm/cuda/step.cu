// What a training step reads from the host and tells it, without the host waiting: two rings in page-locked host memory that the device
// reads and writes itself. A captured step has fixed arguments, so the place in the rings comes from a counter in device memory.
#include "common.cuh"

struct State { // as in adamw.cu
  float norm, scale;
  int skipped, unused;
};

struct Metrics { // of one lane and step
  double loss; // sum over the step's targets, nats
  float norm;  // global gradient norm before clipping
  int skipped; // updates skipped so far
};

// current[bytes] = the slot of the ring that the counter points to; bytes is a multiple of 16. One block. What it takes is the
// latency of host memory, so several reads of a thread are under way at once.
extern "C" __global__ void step_begin(char* current, const char* ring, const long long* counter, int slots, int bytes) {
  constexpr int READS = 4;
  const char* slot = ring + (*counter % slots) * bytes;
  for (int from = threadIdx.x * 16; from < bytes; from += READS * blockDim.x * 16) {
    int4 word[READS];
#pragma unroll
    for (int j = 0; j < READS; j++) {
      int i = from + j * blockDim.x * 16;
      // volatile: the host writes the ring while the device runs
      if (i < bytes) {
        asm volatile("ld.volatile.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                     : "=r"(word[j].x), "=r"(word[j].y), "=r"(word[j].z), "=r"(word[j].w)
                     : "l"(slot + i));
      }
    }
#pragma unroll
    for (int j = 0; j < READS; j++) {
      int i = from + j * blockDim.x * 16;
      if (i < bytes) *reinterpret_cast<int4*>(current + i) = word[j];
    }
  }
}

// sum[lanes] = (sum +) of the first `rows` of loss[lanes][stride], in an order that depends on rows alone; grid (1, lanes), 1024 threads
extern "C" __global__ void __launch_bounds__(1024) loss_sum(double* sum, const float* loss, int rows, int stride, int accumulate) {
  __shared__ double warps[32];
  loss += (long long)blockIdx.y * stride;
  double own = 0.0;
  for (int i = threadIdx.x; i < rows; i += 1024) own += loss[i];
  own = warp_sum_double(own);
  if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = own;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  own = warp_sum_double(warps[threadIdx.x]);
  if (threadIdx.x == 0) sum[blockIdx.y] = accumulate ? sum[blockIdx.y] + own : own;
}

// The lanes' metrics into their slot of ring[slots][lanes], then the counter goes up, for the device and for the host. One block.
extern "C" __global__ void step_end(
    Metrics* ring, volatile long long* done, long long* counter, int slots, const double* loss, const State* state, int lanes) {
  long long step = *counter;
  for (int lane = threadIdx.x; lane < lanes; lane += blockDim.x) {
    volatile Metrics* m = ring + (step % slots) * lanes + lane;
    m->loss = loss[lane];
    m->norm = state[lane].norm;
    m->skipped = state[lane].skipped;
    __threadfence_system(); // before the host can see the count
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    *counter = step + 1;
    *done = step + 1;
    __threadfence_system();
  }
}

// out[n] = x[n] to the nearest bf16; any grid
extern "C" __global__ void to_bf16(bf16* out, const float* x, long long n) {
  long long threads = (long long)gridDim.x * blockDim.x;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += threads) out[i] = from_float<bf16>(x[i]);
}

// Where an evaluation is: windows evenly spread over a source, of which a pass takes the next `batch`.
struct Windows {
  long long next;
  long long count;      // windows to score
  long long available;  // windows in the source
};

// starts[lanes][batch]: the next windows, the same for all lanes; past the last one, a start outside any source, which has neither inputs
// nor loss. One block of at least `batch` threads or one that loops.
extern "C" __global__ void evaluation_windows(long long* starts, Windows* windows, int lanes, int batch, int context) {
  Windows w = *windows;
  for (int i = threadIdx.x; i < lanes * batch; i += blockDim.x) {
    long long window = w.next + i % batch;
    starts[i] = window < w.count ? window * w.available / w.count * context : -(long long)context - 2;
  }
  __syncthreads();
  if (threadIdx.x == 0) windows->next = w.next + batch;
}
