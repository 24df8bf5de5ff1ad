#pragma once
// Hopper's copies of boxes between tensors and shared memory, barriers that count their bytes, and warpgroup products. No header of CUDA's
// is included. Everything here needs sm_90a.
//
// A box has 64 bf16 columns: rows of 128 bytes, whose 16-byte chunks lie permuted by the row's number (the 128-byte swizzle). Boxes begin
// at multiples of 1024 bytes.

typedef unsigned int u32;
typedef unsigned long long u64;

#define HOPPER static __device__ __forceinline__

// What the driver encodes for a tensor (cuTensorMapEncodeTiled); a kernel takes it as a __grid_constant__.
struct __align__(64) TensorMap {
  u64 words[16];
};

HOPPER u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// ---- barriers: each phase ends once all arrivals and all expected bytes are there; a wait names the parity of the phase it waits for

HOPPER void barrier_init(u32 barrier, u32 arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

HOPPER void barrier_init_done() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// Arrives, and lets the phase wait for so many bytes of boxes too.
HOPPER void barrier_expect(u32 barrier, u32 bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

HOPPER void barrier_arrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

HOPPER void barrier_wait(u32 barrier, u32 parity) {
  u32 done;
  do {
    asm volatile("{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
                 : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
  } while (!done);
}

// A barrier of some warps of the block, named by a number from 1 to 15.
HOPPER void warps_sync(int name, int threads) { asm volatile("bar.sync %0, %1;" ::"r"(name), "r"(threads) : "memory"); }

// ---- boxes of a tensor of three dimensions, x the one whose elements are neighbours; parts outside the tensor are read as zero and not written

HOPPER void load_box(u32 to, const TensorMap* from, int x, int y, int z, u32 barrier) {
  asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];"
               ::"r"(to), "l"(from), "r"(barrier), "r"(x), "r"(y), "r"(z) : "memory");
}

HOPPER void store_box(const TensorMap* to, u32 from, int x, int y, int z) {
  asm volatile("cp.async.bulk.tensor.3d.global.shared::cta.tile.bulk_group [%0, {%2, %3, %4}], [%1];"
               ::"l"(to), "r"(from), "r"(x), "r"(y), "r"(z) : "memory");
}

HOPPER void stores_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }

// The shared memory of this thread's stores may be written again.
HOPPER void stores_read() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }

// What this thread wrote to shared memory is seen by boxes and products that are started after a barrier.
HOPPER void shared_publish() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// The four bytes at bf16 columns 8 chunk + 2 pair and the next one, in row `row` of a box.
HOPPER u32 box_address(u32 box, int row, int chunk, int pair) { return box + row * 128 + ((chunk ^ (row & 7)) << 4) + pair * 4; }

HOPPER void shared_store(u32 to, u32 x) { asm volatile("st.shared.b32 [%0], %1;" ::"r"(to), "r"(x) : "memory"); }

HOPPER u32 shared_load(u32 from) {
  u32 x;
  asm volatile("ld.shared.b32 %0, [%1];" : "=r"(x) : "r"(from) : "memory");
  return x;
}

// ---- products of a warpgroup's 64 rows

// A matrix in shared memory as rows of 128 bytes with the 128-byte swizzle, groups of 8 rows 1024 bytes apart.
HOPPER u64 box_descriptor(u32 address) {
  return ((u64)1 << 62) | ((u64)(1024 >> 4) << 32) | ((u64)1 << 16) | (u64)((address & 0x3ffff) >> 4);
}

HOPPER void product_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
HOPPER void product_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int PENDING> HOPPER void product_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory"); }

// Keeps the compiler from moving reads and writes of an accumulator across this point.
template <int NB> HOPPER void pin_accumulator(float (&d)[NB][4]) {
#pragma unroll
  for (int j = 0; j < NB; j++) {
#pragma unroll
    for (int i = 0; i < 4; i++) asm volatile("" : "+f"(d[j][i])::"memory");
  }
}

#define HOPPER_ACC4(d, j) "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])
#define HOPPER_ACC32(d, j) \
  HOPPER_ACC4(d, j), HOPPER_ACC4(d, j + 1), HOPPER_ACC4(d, j + 2), HOPPER_ACC4(d, j + 3), HOPPER_ACC4(d, j + 4), \
      HOPPER_ACC4(d, j + 5), HOPPER_ACC4(d, j + 6), HOPPER_ACC4(d, j + 7)

// d[64][8 NB] (+)= A[64][16] · B, both in shared memory, A and B as descriptors. B is stored [n][k], or [k][n] if TRANSPOSED. In d[j] a thread
// holds rows lane / 4 (0, 1) and lane / 4 + 8 (2, 3) of its warp's 16, columns 8 j + 2 (lane % 4) and the next.
template <bool TRANSPOSED> HOPPER void product_step(float (&d)[16][4], u64 a, u64 b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %66, 0;\n"
               "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
               "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"
               "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,"
               "%62,%63}, %64, %65, p, 1, 1, 0, %67;}\n"
               : HOPPER_ACC32(d, 0), HOPPER_ACC32(d, 8) : "l"(a), "l"(b), "r"(add), "n"(TRANSPOSED ? 1 : 0));
}

template <bool TRANSPOSED> HOPPER void product_step(float (&d)[8][4], u64 a, u64 b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %34, 0;\n"
               "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
               "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31},"
               " %32, %33, p, 1, 1, 0, %35;}\n"
               : HOPPER_ACC32(d, 0) : "l"(a), "l"(b), "r"(add), "n"(TRANSPOSED ? 1 : 0));
}
