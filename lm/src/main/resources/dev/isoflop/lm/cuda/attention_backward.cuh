// The whole backward pass of a head in one block, on wgmma, for sequences whose dq fits into shared memory as fp32: five products where the
// two kernels of attention.cu take seven, each probability once, and every sum still in one fixed order. As many key heads as query heads
// and no window. Included by attention.cu.
//
// Only for small heads and short sequences: the two warpgroups go in step, and where no second block fits beside them nothing fills the
// pauses. Measured at head size 32, T = 256: 0.87 of the two kernels' time; T = 512: 1.09; head size 64, T = 512: 1.16.
//
// The outer loop takes 128 keys, 64 to each of two warpgroups, whose dk and dv stay in registers; the inner one walks query tiles of 64 from
// the diagonal on. dS' (keys are rows) goes through shared memory to become the A operand of dq += dS K, of which either warpgroup owns
// half of the columns: a thread always adds to the same numbers, so they lie in shared memory by thread.
//
//   attn_bwd_bf16_hd<hd>  qkv, out, dout, lse, dqkv, table, S, T, H      grid (1, H, S), Whole<hd>::threads threads; hd 32
// Dynamic shared memory: Whole<hd>::fixed + tiles * Whole<hd>::perTile bytes for tiles = ceil(T / 64), as attn_whole has them:
//   { hd, threads, fixed, perTile } ended by hd = 0

template <int HD> struct Whole {
    static const int threads = 256, keys = 128, step = 64;
    static const int columns = HD / 2;                 // of dq, to a warpgroup
    static const int tileBytes = step * HD * 2;
    static const int fixed = 1024 + 2 * keys * HD * 2 + 4 * tileBytes + keys * step * 2;
    static const int perTile = step * HD * 4 + 2 * step * 4;
};

#if ATTN_WGMMA

// acc[64][N] (+)= A'[.][16]' B[16][N], A stored [k][m], B stored [k][n].
ATTN_DEV void mm_tt_step(float (&d)[4][4], u64 a, u64 b, int add) {
    asm volatile("{.reg .pred p; setp.ne.b32 p, %18, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 " ATTN_D32 ", %16, %17, p, 1, 1, 1, 1;}\n"
                 : ATTN_ACC16(d, 0) : "l"(a), "l"(b), "r"(add));
}
ATTN_DEV void mm_tt_step(float (&d)[2][4], u64 a, u64 b, int add) {
    asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%0,%1,%2,%3,%4,%5,%6,%7}, %8, %9, p, 1, 1, 1, 1;}\n"
                 : ATTN_ACC4(d, 0), ATTN_ACC4(d, 1) : "l"(a), "l"(b), "r"(add));
}

ATTN_DEV void lds_float4(float4& x, u32 addr) {
    asm volatile("ld.shared.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(x.x), "=f"(x.y), "=f"(x.z), "=f"(x.w) : "r"(addr) : "memory");
}
ATTN_DEV void sts_float4(u32 addr, const float4& x) {
    asm volatile("st.shared.v4.f32 [%0], {%1,%2,%3,%4};" ::"r"(addr), "f"(x.x), "f"(x.y), "f"(x.z), "f"(x.w) : "memory");
}
ATTN_DEV void sts_u32(u32 addr, u32 x) { asm volatile("st.shared.b32 [%0], %1;" ::"r"(addr), "r"(x) : "memory"); }

// The dot products of rows of out and dout, eight threads or fewer to a row, and lse in units of log 2; zero from row T on.
template <int HD> ATTN_DEV void row_sums(u32 sL, u32 sD, const bf16* o, const bf16* g, const float* lse, int T, int tiles) {
    const size_t stride = (size_t)gridDim.y * HD;
    const int lanes = HD / 8;
    for (int row = threadIdx.x / lanes; row < tiles * 64; row += Whole<HD>::threads / lanes) {
        float dot = 0.f;
        if (row < T) {
            const size_t at = (size_t)row * stride + threadIdx.x % lanes * 8;
            const uint4 x = *(const uint4*)(o + at);
            const uint4 y = *(const uint4*)(g + at);
            dot += bf16_low(x.x) * bf16_low(y.x) + bf16_high(x.x) * bf16_high(y.x);
            dot += bf16_low(x.y) * bf16_low(y.y) + bf16_high(x.y) * bf16_high(y.y);
            dot += bf16_low(x.z) * bf16_low(y.z) + bf16_high(x.z) * bf16_high(y.z);
            dot += bf16_low(x.w) * bf16_low(y.w) + bf16_high(x.w) * bf16_high(y.w);
        }
#pragma unroll
        for (int i = 1; i < lanes; i *= 2) dot += __shfl_xor_sync(0xffffffffu, dot, i);
        if (threadIdx.x % lanes == 0) {
            sts_float(sD + 4 * row, dot);
            sts_float(sL + 4 * row, row < T ? lse[row] * ATTN_LOG2E : 0.f);
        }
    }
}

template <int HD> ATTN_DEV void backward_whole(const bf16* qkv, const bf16* out, const bf16* dout, const float* lse, bf16* dqkv,
                                              const float* table, int T) {
    typedef Whole<HD> C;
    const int N = C::step, KEYS = C::keys, NJ = C::columns / 8;
    const int warp = warp_number(), lane = threadIdx.x & 31, group = warp / 4, thread = threadIdx.x & 127;
    const int h = blockIdx.y, s = blockIdx.z, H = gridDim.y;
    const int tiles = (T + N - 1) / N;
    const size_t W = (size_t)3 * H * HD, WO = (size_t)H * HD;
    const bf16* q = qkv + (size_t)s * T * W + h * HD;        // [T][W]
    const bf16* k = q + (size_t)H * HD;                      // [T][W]
    const bf16* v = k + (size_t)H * HD;                      // [T][W]
    const bf16* g = dout + (size_t)s * T * WO + h * HD;      // [T][WO]
    bf16* dst = dqkv + (size_t)s * T * W + h * HD;           // [T][W]
    const u32 sK = shared_start();                           // [KEYS][HD]
    const u32 sV = sK + KEYS * HD * 2;                       // [KEYS][HD]
    const u32 sQ = sV + KEYS * HD * 2;                       // [2][N][HD]
    const u32 sG = sQ + 2 * C::tileBytes;                    // [2][N][HD], dO
    const u32 sS = sG + 2 * C::tileBytes;                    // [KEYS][N], dS'
    const u32 sdQ = sS + KEYS * N * 2;                       // [tiles][2][NJ][128] float4
    const u32 sL = sdQ + tiles * N * HD * 4;                 // [tiles * N] fp32, lse
    const u32 sD = sL + tiles * N * 4;                       // [tiles * N] fp32, delta
    const float scale = ATTN_LOG2E * rsqrtf((float)HD);

    const int row0 = warp * 16;                              // this warp's first key of the 128
    auto load_queries = [&](int tile, int buffer) {
        load_tile<HD, HD, N, C::threads>(sQ + buffer * C::tileBytes, q, W, tile * N, T);
        load_tile<HD, HD, N, C::threads>(sG + buffer * C::tileBytes, g, WO, tile * N, T);
        copy_commit();
    };

    load_tile<HD, HD, KEYS, C::threads>(sK, k, W, 0, T);
    load_tile<HD, HD, KEYS, C::threads>(sV, v, W, 0, T);
    load_queries(0, 0);
    row_sums<HD>(sL, sD, out + (size_t)s * T * WO + h * HD, g, lse + ((size_t)s * H + h) * T, T, tiles);

    int buffer = 0;
    for (int k0 = 0; k0 < T; k0 += KEYS) {
        const int first = k0 / N;
        float dk[1][HD / 8][4], dv[1][HD / 8][4];            // [64 keys][HD]
        zero(dk);
        zero(dv);
        for (int tile = first; tile < tiles; tile++, buffer ^= 1) {
            copy_publish();                                  // the tile is there, and all are done with the last one and its dS'
            if (tile + 1 < tiles) load_queries(tile + 1, buffer ^ 1);
            const u32 tQ = sQ + buffer * C::tileBytes, tG = sG + buffer * C::tileBytes;
            float x[1][N / 8][4], y[1][N / 8][4];        // P' and dP', then dS' [64 keys][N]
            mm_fence();
            mm_nt_smem<HD, N, KEYS, 1>(x, sK, row0, tQ);
            mm_commit();
            mm_nt_smem<HD, N, KEYS, 1>(y, sV, row0, tG);
            mm_commit();
            mm_wait<1>();
            mm_pin(x);
#pragma unroll
            for (int j = 0; j < N / 8; j++) {
                float l0, l1;
                lds_float2(l0, l1, sL + (tile * N + 8 * j + 2 * (lane & 3)) * 4);
#pragma unroll
                for (int i = 0; i < 4; i++) x[0][j][i] = exp2_fast(x[0][j][i] * scale - (i & 1 ? l1 : l0));
            }
            if (tile - first <= group) {                     // the diagonal; before it, all of the second group's keys come after the queries
#pragma unroll
                for (int j = 0; j < N / 8; j++)
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int query = (tile - first) * N + 8 * j + 2 * (lane & 3) + (i & 1);
                        const int key = row0 + lane / 4 + 8 * (i >> 1);
                        if (key > query) x[0][j][i] = 0.f;
                    }
            }
            u32 p[1][N / 16][4];
            to_a<1, N>(p, x);
            mm_pin(dv);
            mm_fence();
            mm_nn_reg<HD, N, 1>(dv, p, tG);
            mm_commit();
            mm_wait<1>();                                // dP' is there; dv may still be running
            mm_pin(y);
#pragma unroll
            for (int j = 0; j < N / 8; j++) {
                float d0, d1;
                lds_float2(d0, d1, sD + (tile * N + 8 * j + 2 * (lane & 3)) * 4);
#pragma unroll
                for (int i = 0; i < 4; i++) x[0][j][i] *= y[0][j][i] - (i & 1 ? d1 : d0);
            }
            u32 ds[1][N / 16][4];
            to_a<1, N>(ds, x);
#pragma unroll
            for (int c = 0; c < N / 8; c++)
#pragma unroll
                for (int r = 0; r < 2; r++)
                    sts_u32(chunk_address<64, KEYS>(sS, row0 + lane / 4 + 8 * r, c) + 4 * (lane & 3), ds[0][c / 2][2 * (c & 1) + r]);
            mm_fence();
            mm_nn_reg<HD, N, 1>(dk, ds, tQ);
            mm_commit();
            asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
            __syncthreads();                                 // dS' is there

            float dq[NJ][4];                                 // [64 queries][columns]
            const u32 right = sK + group * C::columns * 2;
            mm_fence();
#pragma unroll
            for (int i = 0; i < 8; i++)
                mm_tt_step(dq, descriptor<64>(sS + i * 16 * 128), descriptor<HD>(right + i * 16 * Panel<HD>::rowBytes), i);
            mm_commit();
            const u32 own = sdQ + ((tile * 2 + group) * NJ * 128 + thread) * 16;
            float4 sum[NJ];
            if (first > 0) {
#pragma unroll
                for (int j = 0; j < NJ; j++) lds_float4(sum[j], own + j * 2048);
            } else {
#pragma unroll
                for (int j = 0; j < NJ; j++) sum[j] = make_float4(0.f, 0.f, 0.f, 0.f);
            }
            mm_wait<0>();
            mm_pin(dv);
            mm_pin(dk);
#pragma unroll
            for (int j = 0; j < NJ; j++) {
#pragma unroll
                for (int i = 0; i < 4; i++) asm volatile("" : "+f"(dq[j][i])::"memory");
                sum[j].x += dq[j][0], sum[j].y += dq[j][1], sum[j].z += dq[j][2], sum[j].w += dq[j][3];
                sts_float4(own + j * 2048, sum[j]);
            }
        }

        __syncthreads();                                     // all are done with these keys
        if (k0 + KEYS < T) {
            load_tile<HD, HD, KEYS, C::threads>(sK, k, W, k0 + KEYS, T);
            load_tile<HD, HD, KEYS, C::threads>(sV, v, W, k0 + KEYS, T);
            load_queries(first + KEYS / N, buffer);
        }
        const float factor[1][2] = {{rsqrtf((float)HD), rsqrtf((float)HD)}}, one[1][2] = {{1.f, 1.f}};
        turn_back<HD, HD, 1>(dk, table, k0 + row0, T);
        store_rows<HD, HD, 1>(dst + (size_t)H * HD, W, dk, factor, k0 + row0, T);
        store_rows<HD, HD, 1>(dst + (size_t)2 * H * HD, W, dv, one, k0 + row0, T);
    }

    // Either warpgroup takes every second tile of dq, both halves of its columns: a row's two halves are in the same place of either group.
    for (int tile = group; tile < tiles; tile += 2) {
        float dq[1][HD / 8][4];
#pragma unroll
        for (int half = 0; half < 2; half++)
#pragma unroll
            for (int j = 0; j < NJ; j++) {
                float4 x;
                lds_float4(x, sdQ + (((tile * 2 + half) * NJ + j) * 128 + thread) * 16);
                float(&to)[4] = dq[0][half * NJ + j];
                to[0] = x.x, to[1] = x.y, to[2] = x.z, to[3] = x.w;
            }
        const int row = tile * N + (row0 & 63);
        const float factor[1][2] = {{rsqrtf((float)HD), rsqrtf((float)HD)}};
        turn_back<HD, HD, 1>(dq, table, row, T);
        store_rows<HD, HD, 1>(dst, W, dq, factor, row, T);
    }
}

#define ATTN_WHOLE(hd, blocks)                                                                                                          \
    extern "C" __global__ void __launch_bounds__(Whole<hd>::threads, blocks)                                                            \
        attn_bwd_bf16_hd##hd(const bf16* qkv, const bf16* out, const bf16* dout, const float* lse, bf16* dqkv, const float* table,      \
                             int S, int T, int H) {                                                                                     \
        backward_whole<hd>(qkv, out, dout, lse, dqkv, table, T);                                                                        \
    }

#if !defined(ATTN_HD) || ATTN_HD == 32
ATTN_WHOLE(32, 2)
#endif

#define ATTN_WHOLE_RECORD(hd) hd, Whole<hd>::threads, Whole<hd>::fixed, Whole<hd>::perTile
extern "C" __device__ int attn_whole[] = {ATTN_WHOLE_RECORD(32), 0, 0, 0, 0};
#else
extern "C" __device__ int attn_whole[] = {0, 0, 0, 0};
#endif
