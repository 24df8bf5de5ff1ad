// The head's cross-entropy and the gradient of its logits, which are made twice and written once. Included by panel.cu, whose panels, rings and
// products it uses; two passes over a panel, so its warpgroups have a loop of their own.

// A tile is 128 ids.
struct HeadLoss {
  static constexpr int NB = 16, SPLIT = 1, STAGE = 2 * 8192, BUFFER = 2 * 8192 + PANEL * 16;
  static constexpr bool TRANSPOSED = false;
  const TensorMap* weight;    // boxes of 128 rows of [vocab][d]
  const TensorMap* gradients; // boxes of 64 rows of [rows][ld]
  const int* targets;         // [lanes], tokenStride apart, [rows]
  float* losses;              // likewise
  const float* scales;        // [lanes]
  long long tokenStride;
  int rows, vocab;
  bool gradient;

  __device__ __forceinline__ void fetch(u32 to, int tile, int step, int lane, u32 full) const {
    load_box(to, weight, 64 * step, 128 * tile, lane, full);
  }

  // Columns from the vocabulary's end on become `value`.
  __device__ __forceinline__ void fill_padding(float (&acc)[2][16][4], int tile, float value) const {
    if (128 * tile + 128 <= vocab) return;
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
      for (int j = 0; j < 16; j++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
          if (128 * tile + 8 * j + 2 * (int)(threadIdx.x & 3) + (i & 1) >= vocab) acc[half][j][i] = value;
        }
      }
    }
  }
};

// A row's largest logit so far, times log2(e); the sum of powers of 2 relative to it; and the target's logit once it was seen.
struct Seen {
  float top, sum, atTarget;
};

HOPPER Seen join(const Seen& a, const Seen& b) {
  float top = fmaxf(a.top, b.top), shift = top == minus_infinity() ? 0.0f : top;
  return {top, a.sum * exp2_fast(a.top - shift) + b.sum * exp2_fast(b.top - shift), a.atTarget + b.atTarget};
}

HOPPER void see(Seen& seen, const float (&acc)[16][4], int r, int tile, int target) {
  float best = acc[0][2 * r];
#pragma unroll
  for (int j = 0; j < 16; j++) best = fmaxf(best, fmaxf(acc[j][2 * r], acc[j][2 * r + 1]));
  float top = fmaxf(seen.top, best * LOG2E), shift = top == minus_infinity() ? 0.0f : top;
  float even = seen.sum * exp2_fast(seen.top - shift), odd = 0.0f;
#pragma unroll
  for (int j = 0; j < 16; j++) {
    even += exp2_fast(fmaf(acc[j][2 * r], LOG2E, -shift));
    odd += exp2_fast(fmaf(acc[j][2 * r + 1], LOG2E, -shift));
  }
  seen.top = top;
  seen.sum = even + odd;
  int column = target - 128 * tile - 2 * (int)(threadIdx.x & 3); // 8 j or 8 j + 1, if it is this thread's
#pragma unroll
  for (int j = 0; j < 16; j++) { // a branch around it would make the compiler index the accumulator, in memory
    seen.atTarget += column == 8 * j ? acc[j][2 * r] : 0.0f;
    seen.atTarget += column == 8 * j + 1 ? acc[j][2 * r + 1] : 0.0f;
  }
}

HOPPER void consume(const HeadLoss& e, const Plan& p, const Layout& s, int number) {
  Group group = {number, s.buffers + number * HeadLoss::BUFFER, 0, 0};
  u32 statistics = s.buffers + 2 * 8192;
  Ring panel = {0, 0}, ring = {0, 0};
  int turn = 0, row = group.row(), pair = threadIdx.x & 3;
  u32 turnPhase = number ^ 1;
  float acc[2][16][4] = {};
  for (int index = blockIdx.x; index < p.items; index += gridDim.x, panel.skip(p.steps, p.slots)) {
    Item item = item_of(p, index);
    int target[2][2];
    Seen seen[2][2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        int at = item.row + 64 * half + row + 8 * r;
        target[half][r] = at < e.rows ? e.targets[item.lane * e.tokenStride + at] : -1;
        seen[half][r] = {minus_infinity(), 0.0f, 0.0f};
      }
    }
    for (int tile = 0; tile < p.tiles; tile++, turn ^= 1) {
      if (turn != number) {
        ring.skip(p.steps, p.stages);
        continue;
      }
      barrier_wait(s.turns + 8 * number, turnPhase);
      turnPhase ^= 1;
      multiply<HeadLoss>(acc, p, s, panel, ring, !e.gradient && tile + GROUPS >= p.tiles, s.turns + 8 * (number ^ 1));
      e.fill_padding(acc, tile, minus_infinity());
#pragma unroll
      for (int half = 0; half < 2; half++) {
        see(seen[half][0], acc[half], 0, tile, target[half][0]);
        see(seen[half][1], acc[half], 1, tile, target[half][1]);
      }
    }

    // all that a row has seen: four threads of either group
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        Seen& own = seen[half][r];
#pragma unroll
        for (int offset = 1; offset < 4; offset *= 2) {
          own = join(own, {__shfl_xor_sync(ALL_LANES, own.top, offset), __shfl_xor_sync(ALL_LANES, own.sum, offset),
                           __shfl_xor_sync(ALL_LANES, own.atTarget, offset)});
        }
        u32 to = statistics + number * HeadLoss::BUFFER + (64 * half + row + 8 * r) * 16;
        if (pair == 0) {
          asm volatile("st.shared.v4.f32 [%0], {%1, %2, %3, %3};" ::"r"(to), "f"(own.top), "f"(own.sum), "f"(own.atTarget) : "memory");
        }
      }
    }
    warps_sync(1 + GROUPS, GROUPS * 128);
    float logSum2[2][2]; // of powers of 2
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        int at = 64 * half + row + 8 * r;
        Seen both[2];
#pragma unroll
        for (int g = 0; g < 2; g++) { // in the same order for either group
          u32 from = statistics + g * HeadLoss::BUFFER + at * 16;
          asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];" : "=f"(both[g].top), "=f"(both[g].sum) : "r"(from) : "memory");
          asm volatile("ld.shared.f32 %0, [%1];" : "=f"(both[g].atTarget) : "r"(from + 8) : "memory");
        }
        Seen all = join(both[0], both[1]);
        float sum = all.top + log2f(all.sum), loss = sum * LN2 - all.atTarget;
        if (target[half][r] < 0) sum = 0.0f, loss = 0.0f;                            // no token
        if (target[half][r] >= e.vocab) sum = loss = not_a_number();                 // poisons the gradient too
        logSum2[half][r] = sum;
        if (number == 0 && pair == 0 && item.row + at < e.rows) e.losses[item.lane * e.tokenStride + item.row + at] = loss;
      }
    }
    warps_sync(1 + GROUPS, GROUPS * 128);
    if (!e.gradient) continue;

    float scale = e.scales[item.lane];
    for (int tile = 0; tile < p.tiles; tile++, turn ^= 1) {
      if (turn != number) {
        ring.skip(p.steps, p.stages);
        continue;
      }
      barrier_wait(s.turns + 8 * number, turnPhase);
      turnPhase ^= 1;
      multiply<HeadLoss>(acc, p, s, panel, ring, tile + GROUPS >= p.tiles, s.turns + 8 * (number ^ 1));
      e.fill_padding(acc, tile, minus_infinity());
#pragma unroll
      for (int half = 0; half < 2; half++) {
        if (group.leads()) stores_read();
        group.sync();
#pragma unroll
        for (int r = 0; r < 2; r++) {
          float weight = target[half][r] < 0 ? 0.0f : scale, sum = logSum2[half][r];
          int column = target[half][r] - 128 * tile - 2 * pair; // 8 j or 8 j + 1, if it is this thread's
#pragma unroll
          for (int j = 0; j < 16; j++) {
            float x = exp2_fast(fmaf(acc[half][j][2 * r], LOG2E, -sum)) * weight;
            float y = exp2_fast(fmaf(acc[half][j][2 * r + 1], LOG2E, -sum)) * weight;
            if (column == 8 * j) x -= scale;
            if (column == 8 * j + 1) y -= scale;
            shared_store(box_address(group.buffer + j / 8 * 8192, row + 8 * r, j % 8, pair), to_bf16x2(x, y));
          }
        }
        shared_publish();
        group.sync();
        if (group.leads()) {
          store_box(e.gradients, group.buffer, 128 * tile, item.row + 64 * half, item.lane);
          store_box(e.gradients, group.buffer + 8192, 128 * tile + 64, item.row + 64 * half, item.lane);
          stores_commit();
        }
      }
    }
  }
  if (group.leads()) asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}

// Losses of rows whose targets are ids, 0 where the target is negative; with `gradient`, that of their sum times the lane's scale.
extern "C" __global__ void __launch_bounds__(THREADS, 1) panel_loss(const __grid_constant__ TensorMap x,
    const __grid_constant__ TensorMap weight, const __grid_constant__ TensorMap gradients, const int* targets, float* losses,
    const float* scales, long long tokenStride, int rows, int vocab, int gradient, const Plan plan) {
  HeadLoss e = {&weight, &gradients, targets, losses, scales, tokenStride, rows, vocab, gradient != 0};
  run(e, &x, plan, gradient ? 2 : 1);
}
