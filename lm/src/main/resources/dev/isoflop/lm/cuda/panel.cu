// Products whose result is worked on before it leaves the chip, on Hopper: gate and up projections with SwiGLU, the down projection's input
// gradient with SwiGLU's gradient, queries and keys with rotary positions, the head with its cross-entropy. bf16 in and out, fp32 sums.
//
// C[rows][n] = A[rows][k] · B for a short k: a block keeps a panel of 128 rows of A, all of its columns, in shared memory and lets B stream
// past in steps of 64 of k; where there is room, the next panel comes in meanwhile. Two warpgroups take B's tiles in turns, so that one
// works on its results while the other multiplies; a warp beside them fetches. Blocks take panels, or parts of a panel's tiles where there
// are few, in turns until none is left. Nothing is split over k and nothing added by atomics: the same launch gives the same bits.
//
// Every kernel takes tensor maps of three dimensions (columns, rows, lanes) and, last, a Plan. Launch 288 threads with dynamic shared memory
//   1024 + slots * 16384 + stages * STAGE + 2 * BUFFER + 1024 bytes
// for STAGE and BUFFER of the kernel, as panel_sizes has them. Boxes have 64 columns and the rows given below, 128-byte swizzle.
#include "common.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#include "hopper.cuh"

#define PANEL 128                 // rows of A in a block
#define PANEL_BOX (PANEL * 128)   // bytes of 64 of its columns
#define GROUPS 2                  // warpgroups that multiply
#define THREADS (GROUPS * 128 + 32)

struct Plan {
  int panels; // of a lane: rows / 128 rounded up
  int parts;  // into which the tiles of a panel are cut
  int tiles;  // of B
  int steps;  // of 64 in k, rounded up
  int slots;  // steps of A there is room for, at least a panel's
  int stages; // boxes of B there is room for: SPLIT to a step
  int items;  // lanes * panels * parts
};

// What a block takes at a time.
struct Item {
  int lane, row, first, end; // row: the panel's first; tiles first..end-1
};

HOPPER Item item_of(const Plan& p, int index) {
  int part = index % p.parts, rest = index / p.parts;
  return {rest / p.panels, rest % p.panels * PANEL, part * p.tiles / p.parts, (part + 1) * p.tiles / p.parts};
}

// Where steps of A or of B go, again and again; both sides walk it in the same order.
struct Ring {
  int place;
  u32 phase;

  __device__ __forceinline__ void skip(int steps, int places) {
    place += steps;
    while (place >= places) place -= places, phase ^= 1;
  }
};

// Shared memory of a block.
struct Layout {
  u32 a, b, buffers, aFull, aEmpty, full, empty, inputs, turns;
};

template <class E> HOPPER Layout lay_out(const Plan& p) {
  extern __shared__ unsigned char panelShared[];
  Layout s;
  s.a = (shared_address(panelShared) + 1023) & ~1023u;
  s.b = s.a + p.slots * PANEL_BOX;
  s.buffers = s.b + p.stages * E::STAGE;
  s.aFull = s.buffers + GROUPS * E::BUFFER;
  s.aEmpty = s.aFull + 8 * p.slots;
  s.full = s.aEmpty + 8 * p.slots;
  s.empty = s.full + 8 * p.stages;
  s.inputs = s.empty + 8 * p.stages;
  s.turns = s.inputs + 8 * GROUPS;
  if (threadIdx.x == 0) {
    for (int i = 0; i < p.slots; i++) {
      barrier_init(s.aFull + 8 * i, 1);
      barrier_init(s.aEmpty + 8 * i, 4 * GROUPS);
    }
    for (int i = 0; i < p.stages; i++) {
      barrier_init(s.full + 8 * i, 1);
      barrier_init(s.empty + 8 * i, 4);
    }
    for (int g = 0; g < GROUPS; g++) {
      barrier_init(s.inputs + 8 * g, 1);
      barrier_init(s.turns + 8 * g, 4);
    }
    barrier_init_done();
  }
  __syncthreads();
  return s;
}

// ---- the warp that fetches; one thread of it. B streams past a panel `passes` times.

template <class E> HOPPER void fetch(const E& e, const TensorMap* a, const Plan& p, const Layout& s, int passes) {
  Ring panel = {0, 0}, ring = {0, 0};
  for (int index = blockIdx.x; index < p.items; index += gridDim.x) {
    Item item = item_of(p, index);
    int count = item.end - item.first;
    for (int i = 0; i < passes * count; i++) {
      int tile = item.first + i % count;
      for (int k = 0; k < p.steps; k++) {
        if (i == 0) {
          barrier_wait(s.aEmpty + 8 * panel.place, panel.phase ^ 1);
          barrier_expect(s.aFull + 8 * panel.place, PANEL_BOX);
          load_box(s.a + panel.place * PANEL_BOX, a, 64 * k, item.row, item.lane, s.aFull + 8 * panel.place);
          panel.skip(1, p.slots);
        }
        for (int part = 0; part < E::SPLIT; part++) {
          u32 full = s.full + 8 * ring.place;
          barrier_wait(s.empty + 8 * ring.place, ring.phase ^ 1);
          barrier_expect(full, E::STAGE);
          e.fetch(s.b + ring.place * E::STAGE, tile, k * E::SPLIT + part, item.lane, full);
          ring.skip(1, p.stages);
        }
      }
    }
  }
}

// ---- the warpgroups that multiply

// One of them: its number, its buffer for results, and how many boxes of input it has waited for.
struct Group {
  int number;
  u32 buffer;
  u32 input;
  u32 inputPhase;

  __device__ __forceinline__ int thread() const { return threadIdx.x & 127; }
  // Row in 64 of this thread's accumulators' first two columns; the others' is 8 more.
  __device__ __forceinline__ int row() const { return (threadIdx.x >> 5 & 3) * 16 + (threadIdx.x & 31) / 4; }
  __device__ __forceinline__ bool leads() const { return thread() == 0; }
  __device__ __forceinline__ void sync() const { warps_sync(1 + number, 128); }
};

HOPPER void arrive_as_warp(u32 barrier) {
  if ((threadIdx.x & 31) == 0) barrier_arrive(barrier);
}

// acc[half][..] = the panel's rows 64 half.. times one tile of B. `last` says that this group needs the panel no more. `next` is the turn of the
// warpgroup that has the next tile: a barrier tells phases apart by one bit, so nobody may wait for a step that is more than one round of a
// ring away.
template <class E>
HOPPER void multiply(float (&acc)[2][E::NB][4], const Plan& p, const Layout& s, Ring panel, Ring& ring, bool last, u32 next) {
  constexpr int PRODUCTS = 4 / E::SPLIT;
  product_fence();
  u32 before = 0, panelBefore = 0;
  for (int k = 0; k < p.steps; k++) {
    barrier_wait(s.aFull + 8 * panel.place, panel.phase);
#pragma unroll
    for (int part = 0; part < E::SPLIT; part++) {
      barrier_wait(s.full + 8 * ring.place, ring.phase);
      if (k == p.steps - 1 && part == E::SPLIT - 1) arrive_as_warp(next);
      u32 a = s.a + panel.place * PANEL_BOX + part * PRODUCTS * 32, b = s.b + ring.place * E::STAGE;
#pragma unroll
      for (int i = 0; i < PRODUCTS; i++) {
        u64 right = box_descriptor(b + i * (E::TRANSPOSED ? 16 * 128 : 32));
        product_step<E::TRANSPOSED>(acc[0], box_descriptor(a + i * 32), right, k + part + i);
        product_step<E::TRANSPOSED>(acc[1], box_descriptor(a + 64 * 128 + i * 32), right, k + part + i);
      }
      product_commit();
      if (k + part > 0) {
        product_wait<1>();
        arrive_as_warp(before);
        if (last && part == 0) arrive_as_warp(panelBefore);
      }
      before = s.empty + 8 * ring.place;
      ring.skip(1, p.stages);
    }
    panelBefore = s.aEmpty + 8 * panel.place;
    panel.skip(1, p.slots);
  }
  product_wait<0>();
  arrive_as_warp(before);
  if (last) arrive_as_warp(panelBefore);
  pin_accumulator(acc[0]);
  pin_accumulator(acc[1]);
}

template <class E> HOPPER void consume(const E& e, const Plan& p, const Layout& s, int number) {
  Group group = {number, s.buffers + number * E::BUFFER, s.inputs + 8 * number, 0};
  Ring panel = {0, 0}, ring = {0, 0};
  int turn = 0;
  u32 turnPhase = number ^ 1; // the first turn is there from the beginning
  float acc[2][E::NB][4] = {};
  for (int index = blockIdx.x; index < p.items; index += gridDim.x, panel.skip(p.steps, p.slots)) {
    Item item = item_of(p, index);
    bool any = false;
    for (int tile = item.first; tile < item.end; tile++, turn ^= 1) {
      if (turn != number) {
        ring.skip(p.steps * E::SPLIT, p.stages);
        continue;
      }
      any = true;
      e.begin(group, tile, item);
      barrier_wait(s.turns + 8 * number, turnPhase);
      turnPhase ^= 1;
      multiply<E>(acc, p, s, panel, ring, tile + GROUPS >= item.end, s.turns + 8 * (number ^ 1));
      e.finish(acc, group, tile, item);
    }
    if (!any) { // no tile of its own here, but a panel may not be given up before it came
      Ring unused = panel;
      for (int k = 0; k < p.steps; k++, unused.skip(1, p.slots)) {
        barrier_wait(s.aFull + 8 * unused.place, unused.phase);
        arrive_as_warp(s.aEmpty + 8 * unused.place);
      }
    }
  }
  if (group.leads()) asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}

template <class E> HOPPER void run(const E& e, const TensorMap* a, const Plan& p, int passes = 1) {
  Layout s = lay_out<E>(p);
  int warp = __shfl_sync(ALL_LANES, (int)(threadIdx.x >> 5), 0);
  if (warp >= 4 * GROUPS) {
    if ((threadIdx.x & 31) == 0) fetch(e, a, p, s, passes);
  } else {
    consume(e, p, s, warp / 4);
  }
}

HOPPER float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

HOPPER float sigmoid(float x) {
  float e = exp2_fast(-x * LOG2E), s;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(s) : "f"(1.0f + e));
  return s;
}

// ---- gate and up with SwiGLU: a tile is 64 columns of each

struct Gated {
  static constexpr int NB = 16, SPLIT = 1, STAGE = 2 * 8192, BUFFER = 2 * 8192;
  static constexpr bool TRANSPOSED = false;
  const TensorMap *gateWeight, *upWeight; // boxes of 64 rows of [f][d]
  const TensorMap *gate, *up, *act;       // boxes of 64 rows of [rows][f]

  __device__ __forceinline__ void fetch(u32 to, int tile, int step, int lane, u32 full) const {
    load_box(to, gateWeight, 64 * step, 64 * tile, lane, full);
    load_box(to + 8192, upWeight, 64 * step, 64 * tile, lane, full);
  }
  __device__ __forceinline__ void begin(Group&, int, const Item&) const {}
  __device__ __forceinline__ void finish(float (&acc)[2][16][4], Group& group, int tile, const Item& item) const {
    int row = group.row(), pair = threadIdx.x & 3;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      u32 joined[8][2];
      if (group.leads()) stores_read();
      group.sync();
#pragma unroll
      for (int j = 0; j < 8; j++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
          // from the numbers as they are stored, which is what the gradient will see
          u32 g = to_bf16x2(acc[half][j][2 * r], acc[half][j][2 * r + 1]);
          u32 u = to_bf16x2(acc[half][j + 8][2 * r], acc[half][j + 8][2 * r + 1]);
          float g0, g1, u0, u1;
          split(g, g0, g1);
          split(u, u0, u1);
          u32 at = box_address(group.buffer, row + 8 * r, j, pair);
          shared_store(at, g);
          shared_store(at + 8192, u);
          joined[j][r] = to_bf16x2(g0 * sigmoid(g0) * u0, g1 * sigmoid(g1) * u1);
        }
      }
      int to = item.row + 64 * half;
      shared_publish();
      group.sync();
      if (group.leads()) {
        store_box(gate, group.buffer, 64 * tile, to, item.lane);
        stores_commit();
        store_box(up, group.buffer + 8192, 64 * tile, to, item.lane);
        stores_commit();
        asm volatile("cp.async.bulk.wait_group.read 1;" ::: "memory");
      }
      group.sync();
#pragma unroll
      for (int j = 0; j < 8; j++) {
#pragma unroll
        for (int r = 0; r < 2; r++) shared_store(box_address(group.buffer, row + 8 * r, j, pair), joined[j][r]);
      }
      shared_publish();
      group.sync();
      if (group.leads()) {
        store_box(act, group.buffer, 64 * tile, to, item.lane);
        stores_commit();
      }
    }
  }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1) panel_swiglu(const __grid_constant__ TensorMap x,
    const __grid_constant__ TensorMap gateWeight, const __grid_constant__ TensorMap upWeight, const __grid_constant__ TensorMap gate,
    const __grid_constant__ TensorMap up, const __grid_constant__ TensorMap act, const Plan plan) {
  run(Gated{&gateWeight, &upWeight, &gate, &up, &act}, &x, plan);
}

// ---- the gradient of gate and up, in their place, from that of the sublayer's output: a tile is 64 columns of each

struct GatedGradient {
  static constexpr int NB = 8, SPLIT = 2, STAGE = 4096, BUFFER = 2 * 16384;
  static constexpr bool TRANSPOSED = true;
  const TensorMap* weight;    // boxes of 32 rows of [d][f]
  const TensorMap *gate, *up; // boxes of 128 rows of [rows][f]

  __device__ __forceinline__ void fetch(u32 to, int tile, int step, int lane, u32 full) const {
    load_box(to, weight, 64 * tile, 32 * step, lane, full);
  }
  __device__ __forceinline__ void begin(Group& group, int tile, const Item& item) const {
    if (!group.leads()) return;
    stores_read();
    barrier_expect(group.input, BUFFER);
    load_box(group.buffer, gate, 64 * tile, item.row, item.lane, group.input);
    load_box(group.buffer + 16384, up, 64 * tile, item.row, item.lane, group.input);
  }
  __device__ __forceinline__ void finish(float (&acc)[2][8][4], Group& group, int tile, const Item& item) const {
    int row = group.row(), pair = threadIdx.x & 3;
    barrier_wait(group.input, group.inputPhase);
    group.inputPhase ^= 1;
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
      for (int j = 0; j < 8; j++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
          u32 at = box_address(group.buffer, 64 * half + row + 8 * r, j, pair);
          float g[2], u[2];
          split(shared_load(at), g[0], g[1]);
          split(shared_load(at + 16384), u[0], u[1]);
#pragma unroll
          for (int i = 0; i < 2; i++) {
            float d = acc[half][j][2 * r + i], s = sigmoid(g[i]), silu = g[i] * s;
            g[i] = d * u[i] * (s + silu * (1.0f - s));
            u[i] = d * silu;
          }
          shared_store(at, to_bf16x2(g[0], g[1]));
          shared_store(at + 16384, to_bf16x2(u[0], u[1]));
        }
      }
    }
    shared_publish();
    group.sync();
    if (group.leads()) {
      store_box(gate, group.buffer, 64 * tile, item.row, item.lane);
      store_box(up, group.buffer + 16384, 64 * tile, item.row, item.lane);
      stores_commit();
    }
  }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1) panel_swiglu_backward(const __grid_constant__ TensorMap dy,
    const __grid_constant__ TensorMap weight, const __grid_constant__ TensorMap gate, const __grid_constant__ TensorMap up, const Plan plan) {
  run(GatedGradient{&weight, &gate, &up}, &dy, plan);
}

// ---- queries, keys and values, the first two turned by their positions: a tile is 128 columns, of whole heads

template <int HEAD> struct Rotated {
  static constexpr int NB = 16, SPLIT = 1, STAGE = 2 * 8192, BUFFER = 2 * 8192;
  static constexpr bool TRANSPOSED = false;
  const TensorMap* weight; // boxes of 128 rows of [width][d]
  const TensorMap* qkv;    // boxes of 64 rows of [rows][width]
  const float* table;      // [context][2][HEAD / 2]
  int context;
  int turned; // columns of queries and keys

  __device__ __forceinline__ void fetch(u32 to, int tile, int step, int lane, u32 full) const {
    load_box(to, weight, 64 * step, 128 * tile, lane, full);
  }
  __device__ __forceinline__ void begin(Group&, int, const Item&) const {}
  __device__ __forceinline__ void finish(float (&acc)[2][16][4], Group& group, int tile, const Item& item) const {
    constexpr int PAIRS = HEAD / 16; // blocks of 8 columns in half a head
    int row = group.row(), pair = threadIdx.x & 3;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      if (128 * tile < turned) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
          const float* angles = table + (long long)((item.row + 64 * half + row + 8 * r) % context) * HEAD + 2 * pair;
#pragma unroll
          for (int j = 0; j < PAIRS; j++) {
            float2 c = *(const float2*)(angles + 8 * j), s = *(const float2*)(angles + HEAD / 2 + 8 * j);
#pragma unroll
            for (int head = 0; head < 128 / HEAD; head++) {
              if (128 * tile + head * HEAD >= turned) continue;
              float(&a)[4] = acc[half][2 * PAIRS * head + j];
              float(&b)[4] = acc[half][2 * PAIRS * head + PAIRS + j];
              float a0 = a[2 * r], a1 = a[2 * r + 1], b0 = b[2 * r], b1 = b[2 * r + 1];
              a[2 * r] = a0 * c.x - b0 * s.x, a[2 * r + 1] = a1 * c.y - b1 * s.y;
              b[2 * r] = b0 * c.x + a0 * s.x, b[2 * r + 1] = b1 * c.y + a1 * s.y;
            }
          }
        }
      }
      if (group.leads()) stores_read();
      group.sync();
#pragma unroll
      for (int j = 0; j < 16; j++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
          u32 at = box_address(group.buffer + j / 8 * 8192, row + 8 * r, j % 8, pair);
          shared_store(at, to_bf16x2(acc[half][j][2 * r], acc[half][j][2 * r + 1]));
        }
      }
      shared_publish();
      group.sync();
      if (group.leads()) {
        store_box(qkv, group.buffer, 128 * tile, item.row + 64 * half, item.lane);
        store_box(qkv, group.buffer + 8192, 128 * tile + 64, item.row + 64 * half, item.lane);
        stores_commit();
      }
    }
  }
};

#define ROTATED(HEAD)                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS, 1) panel_rope_##HEAD(const __grid_constant__ TensorMap x,                      \
      const __grid_constant__ TensorMap weight, const __grid_constant__ TensorMap qkv, const float* table, int context, int turned,    \
      const Plan plan) {                                                                                                               \
    run(Rotated<HEAD>{&weight, &qkv, table, context, turned}, &x, plan);                                                               \
  }
ROTATED(32)
ROTATED(64)
ROTATED(128)

#include "panel_loss.cuh"

// STAGE and BUFFER of panel_swiglu, panel_swiglu_backward, panel_rope and panel_loss
extern "C" __device__ int panel_sizes[] = {Gated::STAGE, Gated::BUFFER, GatedGradient::STAGE, GatedGradient::BUFFER, Rotated<64>::STAGE,
    Rotated<64>::BUFFER, HeadLoss::STAGE, HeadLoss::BUFFER};
#endif
