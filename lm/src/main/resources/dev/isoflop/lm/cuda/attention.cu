// Causal flash attention, forward and deterministic backward, for bf16 (tensor cores) and fp32.
//
// No header of CUDA is included, so that the file compiles alike with nvcc and with NVRTC without include paths. Built for sm_90a it
// uses Hopper's warpgroup matrix instructions (wgmma); for every other target from sm_80 up it uses mma.sync and ldmatrix. Both
// paths share one source: the accumulator and A-operand registers of a wgmma are, warp by warp, those of mma.m16n8k16.
//
// Shapes (row major; a sequence's rows are contiguous):
//   S   sequences (lanes * batch)          T    tokens of a sequence, any number from 1
//   H   query heads                        Hkv  key/value heads; head h reads kv head h / (H / Hkv)
//   HD  head size                          W  = (H + 2 * Hkv) * HD
//   qkv, dqkv  [S*T][W]       columns: all q heads, then all k heads, then all v heads
//   out, dout  [S*T][H*HD]
//   lse, delta [S][H][T]      fp32; lse is the natural log of the softmax denominator, delta = rowsum(dout * out)
// Scores are scaled by 1/sqrt(HD). Query i sees keys in (i - window, i]; window <= 0 means all keys up to i.
//
// Entry points. All sizes are ints. grid.x = ceil(T / rows); bf16 head sizes <hd> are 16, 24, 32, 64, 96 and 128 (16 and 24 are
// padded to 32 inside the kernel). qkv, out, dout and dqkv must be 16-byte aligned.
//   name                     arguments                                                            grid
//   attn_fwd_bf16_hd<hd>     qkv, out, lse, S, T, H, Hkv, window                                  (ceil(T/rows), H, S)
//   attn_bwd_dq_bf16_hd<hd>  qkv, out, dout, lse, delta, dqkv, table, S, T, H, Hkv, window        (ceil(T/rows), H, S)
//   attn_bwd_dkv_bf16_hd<hd> qkv, dout, lse, delta, dqkv, table, S, T, H, Hkv, window             (ceil(T/rows), Hkv, S)
//   attn_fwd_f32             qkv, out, lse, S, T, H, Hkv, HD, window                              (ceil(T/32), H, S)
//   attn_bwd_dq_f32          qkv, out, dout, lse, delta, dqkv, S, T, H, Hkv, HD, window           (ceil(T/32), H, S)
//   attn_bwd_dkv_f32         qkv, dout, lse, delta, dqkv, S, T, H, Hkv, HD, window                (ceil(T/32), Hkv, S)
// The backward is dq first (it also writes delta), then dkv (it reads delta), on one stream. dq writes the q columns of dqkv and
// dkv the k and v columns; together they write every element once, with no atomics, so results repeat bitwise.
// table: null, or the angles of rotary positions as rope.cu has them, [T][2][HD/2] fp32, cosines then sines: dq and dk are then turned back
// before they are written, so that dqkv is the gradient before the rotation. Needs a head size that is a multiple of 16 (not 24).
//
// Block size, rows and dynamic shared memory of the bf16 kernels depend on the target the module was compiled for; the module
// says them itself. The host reads the global `attn_launch` (cuModuleGetGlobal), an int array of records of 10:
//   { hd, fwd threads, fwd rows, fwd smem bytes, dq threads, dq rows, dq smem bytes, dkv threads, dkv rows, dkv smem bytes }
// ended by hd = 0. For all bf16 kernels set CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES to the record's bytes once.
// fp32: 256 threads; shared bytes: fwd 4*(3*32*(HD+4) + 32*33), dq 4*(4*32*(HD+4) + 32*33 + 32), dkv 4*(4*32*(HD+4) + 2*32*33 + 64);
// HD is any multiple of 4 up to 128.
//
// Compile with -DATTN_HD=64 to get the bf16 kernels of one head size only (compiling all of them takes much longer), and with
// -DATTN_HD=0 for the fp32 kernels alone.
// Helpers, tiles and products are in attention_tiles.cuh, the backward pass of short sequences in attention_backward.cuh, the fp32 kernels
// in attention_f32.cuh.

typedef unsigned short bf16;
typedef unsigned int u32;
typedef unsigned long long u64;

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define ATTN_WGMMA 1
#else
#define ATTN_WGMMA 0
#endif

#define ATTN_DEV static __device__ __forceinline__
#define ATTN_LOG2E 1.4426950408889634f
#define ATTN_LN2 0.6931471805599453f
#define ATTN_INF __int_as_float(0x7f800000)

#include "attention_tiles.cuh"

// ------------------------------------------------------------------------------------------------------------------ configurations
//
// warps * mt * 16 rows a block; step rows at a time along the other sequence axis. With wgmma, four warps make one 64-row product,
// so mt is 1. minBlocks caps the registers so that several blocks (or warpgroups) share a multiprocessor: while one computes its
// exponentials, another's products keep the tensor cores busy. aInRegisters keeps the A operand of the score products in
// registers, else it is read from shared memory each time.

#define ATTN_CONFIG(name, hd, w, m, n, blocks, inRegisters)                                                                             \
    template <> struct name<hd> {                                                                                                       \
        static const int warps = w, mt = m, step = n, minBlocks = blocks, threads = w * 32, rows = w * m * 16;                          \
        static const bool aInRegisters = inRegisters;                                                                                   \
    }

template <int HD> struct Fwd;
template <int HD> struct Dq;
template <int HD> struct Dkv;

#if ATTN_WGMMA
// Small blocks do best at head size 64: four independent 64-row blocks overlap better than one large block whose warpgroups wait for
// each other. Keep aInRegisters off unless attention_check.py passes with it: some dq and forward builds with it gave wrong results.
ATTN_CONFIG(Fwd, 32, 8, 1, 64, 2, true);
ATTN_CONFIG(Fwd, 64, 4, 1, 64, 4, false);
ATTN_CONFIG(Fwd, 96, 12, 1, 64, 1, false);
ATTN_CONFIG(Fwd, 128, 12, 1, 64, 1, false);
ATTN_CONFIG(Dq, 32, 8, 1, 64, 2, false);
ATTN_CONFIG(Dq, 64, 4, 1, 64, 4, false);
ATTN_CONFIG(Dq, 96, 8, 1, 64, 1, false);
ATTN_CONFIG(Dq, 128, 8, 1, 64, 1, false);
ATTN_CONFIG(Dkv, 32, 4, 1, 64, 3, false);
ATTN_CONFIG(Dkv, 64, 4, 1, 64, 3, false);
ATTN_CONFIG(Dkv, 96, 8, 1, 64, 1, false);
ATTN_CONFIG(Dkv, 128, 8, 1, 64, 1, false);
#else
ATTN_CONFIG(Fwd, 32, 4, 2, 64, 2, true);
ATTN_CONFIG(Fwd, 64, 4, 2, 64, 2, true);
ATTN_CONFIG(Fwd, 96, 4, 2, 32, 2, false);
ATTN_CONFIG(Fwd, 128, 4, 2, 32, 2, false);
ATTN_CONFIG(Dq, 32, 8, 1, 64, 1, true);
ATTN_CONFIG(Dq, 64, 8, 1, 64, 1, true);
ATTN_CONFIG(Dq, 96, 8, 1, 32, 1, false);
ATTN_CONFIG(Dq, 128, 8, 1, 32, 1, false);
ATTN_CONFIG(Dkv, 32, 8, 1, 64, 1, true);
ATTN_CONFIG(Dkv, 64, 8, 1, 64, 1, true);
ATTN_CONFIG(Dkv, 96, 8, 1, 32, 1, false);
ATTN_CONFIG(Dkv, 128, 8, 1, 32, 1, false);
#endif

// Dynamic shared memory; 1024 more than the tiles need, to align their start.
template <int HD> struct Bytes {
    static const int fwd = 1024 + (Fwd<HD>::rows + 5 * Fwd<HD>::step) * HD * 2;
    static const int dq = 1024 + (2 * Dq<HD>::rows + 4 * Dq<HD>::step) * HD * 2 + Dq<HD>::rows * 4;
    static const int dkv = 1024 + (2 * Dkv<HD>::rows + 4 * Dkv<HD>::step) * HD * 2 + 4 * Dkv<HD>::step * 4;
};

extern __shared__ __align__(1024) unsigned char attnShared[];

ATTN_DEV u32 shared_start() { return (smem_address(attnShared) + 1023u) & ~1023u; }

// The warp's number, the same value in all lanes as far as the compiler can tell too: branches on it are uniform.
ATTN_DEV int warp_number() { return __shfl_sync(0xffffffffu, (int)(threadIdx.x >> 5), 0); }

ATTN_DEV float lds_float(u32 addr) {
    float x;
    asm volatile("ld.shared.f32 %0, [%1];" : "=f"(x) : "r"(addr) : "memory");
    return x;
}
ATTN_DEV void lds_float2(float& x, float& y, u32 addr) {
    asm volatile("ld.shared.v2.f32 {%0,%1}, [%2];" : "=f"(x), "=f"(y) : "r"(addr) : "memory");
}
ATTN_DEV void sts_float(u32 addr, float x) { asm volatile("st.shared.f32 [%0], %1;" ::"r"(addr), "f"(x) : "memory"); }

// Rows of a warp's accumulator [16*MT][HD] to a [limit][stride] bf16 matrix, each row m, half r times factor[m][r].
template <int HDR, int HD, int MT> ATTN_DEV void store_rows(bf16* dst, size_t stride, const float (&acc)[MT][HD / 8][4], const float (&factor)[MT][2], int row0, int limit) {
    const int lane = threadIdx.x & 31;
    const int odd = lane & 1;
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const int row = row0 + 16 * m + 8 * r + lane / 4;
            bf16* p = dst + (size_t)row * stride;
            // Neighbours swap, so that four threads write 32 bytes at once: half a sector at a time is much slower.
#pragma unroll
            for (int j = 0; j + 1 < HDR / 8; j += 2) {
                const u32 x = pack_bf16(acc[m][j][2 * r] * factor[m][r], acc[m][j][2 * r + 1] * factor[m][r]);
                const u32 y = pack_bf16(acc[m][j + 1][2 * r] * factor[m][r], acc[m][j + 1][2 * r + 1] * factor[m][r]);
                const u32 other = __shfl_xor_sync(0xffffffffu, odd ? x : y, 1);
                if (row < limit) *(uint2*)(p + 8 * (j + odd) + 2 * (lane & 2)) = odd ? make_uint2(other, y) : make_uint2(x, other);
            }
            if (HDR / 8 % 2 != 0 && row < limit) {
                const int j = HDR / 8 - 1;
                *(u32*)(p + 8 * j + 2 * (lane & 3)) = pack_bf16(acc[m][j][2 * r] * factor[m][r], acc[m][j][2 * r + 1] * factor[m][r]);
            }
        }
}

// Gradients of rotated heads to those before the rotation, in place: the pair (c, c + HDR/2) of a row turns by minus its angle. Both are
// in one thread, since a thread's columns repeat every 8.
template <int HDR, int HD, int MT> ATTN_DEV void turn_back(float (&acc)[MT][HD / 8][4], const float* table, int row0, int limit) {
    if constexpr (HDR % 16 == 0) {
        if (table == nullptr) return;
        const int lane = threadIdx.x & 31;
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
            for (int r = 0; r < 2; r++) {
                const int row = row0 + 16 * m + 8 * r + lane / 4;
                if (row >= limit) continue;
                const float* angles = table + (size_t)row * HDR + 2 * (lane & 3);
#pragma unroll
                for (int j = 0; j < HDR / 16; j++) {
                    const float2 c = *(const float2*)(angles + 8 * j), s = *(const float2*)(angles + HDR / 2 + 8 * j);
                    float& a0 = acc[m][j][2 * r];
                    float& a1 = acc[m][j][2 * r + 1];
                    float& b0 = acc[m][j + HDR / 16][2 * r];
                    float& b1 = acc[m][j + HDR / 16][2 * r + 1];
                    const float x0 = a0, x1 = a1;
                    a0 = x0 * c.x + b0 * s.x;
                    a1 = x1 * c.y + b1 * s.y;
                    b0 = b0 * c.x - x0 * s.x;
                    b1 = b1 * c.y - x1 * s.y;
                }
            }
    }
}

// ------------------------------------------------------------------------------------------------------------------------ forward
//
// One block: `rows` queries of one head. Key tiles are walked from the diagonal back, so that masked tiles come first and every
// row meets its own key early. The running maximum is kept in raw score units; the scale is folded into the exponent of 2.

template <int HDR, int HD> ATTN_DEV void forward(const bf16* qkv, bf16* out, float* lse, int T, int H, int Hkv, int window) {
    typedef Fwd<HD> C;
    const int MT = C::mt, N = C::step;
    const int warp = warp_number(), lane = threadIdx.x & 31;
    const int h = blockIdx.y, s = blockIdx.z;
    const int q0 = (gridDim.x - 1 - blockIdx.x) * C::rows;  // the longest rows start first
    const size_t W = (size_t)(H + 2 * Hkv) * HDR;
    const bf16* q = qkv + (size_t)s * T * W + h * HDR;                                 // [T][W]
    const bf16* k = qkv + (size_t)s * T * W + (size_t)(H + h / (H / Hkv)) * HDR;      // [T][W]
    const bf16* v = k + (size_t)Hkv * HDR;                                            // [T][W]
    const u32 sQ = shared_start();                 // [rows][HD]
    const u32 sK = sQ + C::rows * HD * 2;          // [2][N][HD]
    const u32 sV = sK + 2 * N * HD * 2;            // [3][N][HD]
    const u32 stage = N * HD * 2;
    const float scale = ATTN_LOG2E * rsqrtf((float)HDR);

    const int row0 = warp * 16 * MT;                                                  // this warp's first row in the block
    const int groupFirst = q0 + (ATTN_WGMMA ? (row0 & ~63) : row0);                   // rows that decide together whether to mask
    const int groupLast = groupFirst + (ATTN_WGMMA ? 63 : 16 * MT - 1);
    const int lastTile = (min(q0 + C::rows, T) - 1) / N;
    const int firstTile = window > 0 ? max(0, q0 - window + 1) / N : 0;

    float o[MT][HD / 8][4];                        // [rows][HD]
    float x[MT][N / 8][4];                         // scores, then probabilities [rows][N]
    u32 p[MT][N / 16][4];                          // probabilities as A fragments
    float top[MT][2], sum[MT][2], shrink[MT][2];   // [rows]; sum holds this thread's columns only
    u32 a[MT][HD / 16][4];                         // Q as A fragments, when kept in registers

    // The scores of one tile to probabilities, and the factor by which what was summed before shrinks.
    auto soften = [&](int k0) {
        if (k0 + N - 1 > groupFirst || (window > 0 && k0 <= groupLast - window)) {
#pragma unroll
            for (int m = 0; m < MT; m++)
#pragma unroll
                for (int j = 0; j < N / 8; j++)
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int key = k0 + 8 * j + 2 * (lane & 3) + (i & 1);
                        const int query = q0 + row0 + 16 * m + lane / 4 + 8 * (i >> 1);
                        if (key > query || (window > 0 && key <= query - window)) x[m][j][i] = -ATTN_INF;
                    }
        }
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
            for (int r = 0; r < 2; r++) {
                float best = top[m][r];
#pragma unroll
                for (int j = 0; j < N / 8; j++) best = fmaxf(best, fmaxf(x[m][j][2 * r], x[m][j][2 * r + 1]));
                best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 1));
                best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, 2));
                const float shift = best == -ATTN_INF ? 0.f : best * scale;  // a row may have seen masked keys only so far
                shrink[m][r] = exp2_fast(top[m][r] * scale - shift);
                top[m][r] = best;
                float partial = 0.f;
#pragma unroll
                for (int j = 0; j < N / 8; j++) {
                    x[m][j][2 * r] = exp2_fast(x[m][j][2 * r] * scale - shift);
                    x[m][j][2 * r + 1] = exp2_fast(x[m][j][2 * r + 1] * scale - shift);
                    partial += x[m][j][2 * r] + x[m][j][2 * r + 1];
                }
                sum[m][r] = sum[m][r] * shrink[m][r] + partial;
            }
    };
    // Once the product in flight is done: what was summed before shrinks, and the probabilities become operands.
    auto settle = [&]() {
        mm_wait<0>();
        mm_pin(o);
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
            for (int j = 0; j < HD / 8; j++)
#pragma unroll
                for (int i = 0; i < 4; i++) o[m][j][i] *= shrink[m][i >> 1];
        to_a<MT, N>(p, x);
        mm_pin(o);
        mm_pin(p);
    };
    auto score = [&](u32 keys) {
        if (C::aInRegisters) mm_nt_reg<HD, N, MT>(x, a, keys);
        else mm_nt_smem<HD, N, C::rows, MT>(x, sQ, row0, keys);
        mm_commit();
    };
    auto load_keys = [&](int tile, int bufferK, int bufferV) {
        load_tile<HDR, HD, N, C::threads>(sK + bufferK * stage, k, W, tile * N, T);
        load_tile<HDR, HD, N, C::threads>(sV + bufferV * stage, v, W, tile * N, T);
        copy_commit();
    };

    load_tile<HDR, HD, C::rows, C::threads>(sQ, q, W, q0, T);
    load_keys(lastTile, 0, 0);
    zero(o);
#pragma unroll
    for (int m = 0; m < MT; m++) {
        top[m][0] = top[m][1] = -ATTN_INF;
        sum[m][0] = sum[m][1] = 0.f;
    }
    copy_publish();
    if (C::aInRegisters) {
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
            for (int c = 0; c < HD / 16; c++) load_a<HD, C::rows>(a[m][c], sQ, row0 + 16 * m, c);
        mm_pin(a);
    }
    if (lastTile > firstTile) load_keys(lastTile - 1, 1, 1);
    mm_fence();
    score(sK);
    mm_wait<0>();
    mm_pin(x);

    // While the tensor cores multiply one tile's probabilities with V, the next tile's scores are softened. V has a third buffer
    // because that product is still running when the tile after next is fetched.
    int bufferK = 0, bufferV = 0;
    for (int tile = lastTile; tile > firstTile; tile--) {
        soften(tile * N);
        settle();
        copy_publish();                            // the next tile is there, and all are done with this one's K and the last one's V
        mm_fence();
        score(sK + (bufferK ^ 1) * stage);
        mm_nn_reg<HD, N, MT>(o, p, sV + bufferV * stage);
        mm_commit();
        const int nextV = bufferV == 2 ? 0 : bufferV + 1;
        if (tile - 2 >= firstTile) load_keys(tile - 2, bufferK, nextV == 2 ? 0 : nextV + 1);
        bufferK ^= 1;
        bufferV = nextV;
        mm_wait<1>();
        mm_pin(x);
    }
    soften(firstTile * N);
    settle();
    mm_fence();
    mm_nn_reg<HD, N, MT>(o, p, sV + bufferV * stage);
    mm_commit();
    mm_wait<0>();
    mm_pin(o);

    float factor[MT][2];
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
            sum[m][r] += __shfl_xor_sync(0xffffffffu, sum[m][r], 1);
            sum[m][r] += __shfl_xor_sync(0xffffffffu, sum[m][r], 2);
            factor[m][r] = 1.f / sum[m][r];
            const int query = q0 + row0 + 16 * m + lane / 4 + 8 * r;
            if (query < T && (lane & 3) == 0) lse[((size_t)s * H + h) * T + query] = top[m][r] * (scale * ATTN_LN2) + logf(sum[m][r]);
        }
    store_rows<HDR, HD, MT>(out + (size_t)s * T * H * HDR + h * HDR, (size_t)H * HDR, o, factor, q0 + row0, T);
}

// ----------------------------------------------------------------------------------------------------------------------- backward
//
// Two kernels of register-resident products instead of one that shares the scores: seven products for five, but the probabilities
// never pass through shared memory, dq needs no partial sums in device memory, and every sum has one fixed order.
//   dq:  P = exp(QK' - lse), dS = P * (dO V' - delta), dq += dS K, rows are queries.
//   dkv: the transposes, rows are keys: dv += P' dO, dk += dS' Q.

template <int HDR, int HD> ATTN_DEV void backward_dq(const bf16* qkv, const bf16* out, const bf16* dout, const float* lse, float* delta,
                                                    bf16* dqkv, const float* table, int T, int H, int Hkv, int window) {
    typedef Dq<HD> C;
    const int MT = C::mt, N = C::step;
    const int warp = warp_number(), lane = threadIdx.x & 31;
    const int h = blockIdx.y, s = blockIdx.z;
    const int q0 = (gridDim.x - 1 - blockIdx.x) * C::rows;
    const size_t W = (size_t)(H + 2 * Hkv) * HDR, WO = (size_t)H * HDR;
    const bf16* q = qkv + (size_t)s * T * W + h * HDR;                                 // [T][W]
    const bf16* k = qkv + (size_t)s * T * W + (size_t)(H + h / (H / Hkv)) * HDR;      // [T][W]
    const bf16* v = k + (size_t)Hkv * HDR;                                            // [T][W]
    const bf16* o = out + (size_t)s * T * WO + h * HDR;                               // [T][WO]
    const bf16* g = dout + (size_t)s * T * WO + h * HDR;                              // [T][WO]
    const size_t head = ((size_t)s * H + h) * T;
    const u32 sQ = shared_start();                 // [rows][HD]
    const u32 sG = sQ + C::rows * HD * 2;          // [rows][HD], dO
    const u32 sK = sG + C::rows * HD * 2;          // [2][N][HD]
    const u32 sV = sK + 2 * N * HD * 2;            // [2][N][HD]
    const u32 sD = sV + 2 * N * HD * 2;            // [rows] fp32, delta
    const u32 stage = N * HD * 2;
    const float scale = ATTN_LOG2E * rsqrtf((float)HDR);

    const int row0 = warp * 16 * MT;
    const int groupFirst = q0 + (ATTN_WGMMA ? (row0 & ~63) : row0);
    const int groupLast = groupFirst + (ATTN_WGMMA ? 63 : 16 * MT - 1);
    const int lastTile = (min(q0 + C::rows, T) - 1) / N;
    const int firstTile = window > 0 ? max(0, q0 - window + 1) / N : 0;

    load_tile<HDR, HD, C::rows, C::threads>(sQ, q, W, q0, T);
    load_tile<HDR, HD, C::rows, C::threads>(sG, g, WO, q0, T);
    load_tile<HDR, HD, N, C::threads>(sK, k, W, lastTile * N, T);
    load_tile<HDR, HD, N, C::threads>(sV, v, W, lastTile * N, T);
    copy_commit();

    // delta: eight lanes a row, 16 bytes a lane.
    for (int row = threadIdx.x / 8; row < C::rows; row += C::threads / 8) {
        float dot = 0.f;
        if (q0 + row < T) {
            for (int c = threadIdx.x & 7; c < HDR / 8; c += 8) {
                const uint4 x = *(const uint4*)(o + (size_t)(q0 + row) * WO + 8 * c);
                const uint4 y = *(const uint4*)(g + (size_t)(q0 + row) * WO + 8 * c);
                dot += bf16_low(x.x) * bf16_low(y.x) + bf16_high(x.x) * bf16_high(y.x);
                dot += bf16_low(x.y) * bf16_low(y.y) + bf16_high(x.y) * bf16_high(y.y);
                dot += bf16_low(x.z) * bf16_low(y.z) + bf16_high(x.z) * bf16_high(y.z);
                dot += bf16_low(x.w) * bf16_low(y.w) + bf16_high(x.w) * bf16_high(y.w);
            }
        }
        dot += __shfl_xor_sync(0xffffffffu, dot, 1);
        dot += __shfl_xor_sync(0xffffffffu, dot, 2);
        dot += __shfl_xor_sync(0xffffffffu, dot, 4);
        if ((threadIdx.x & 7) == 0) {
            sts_float(sD + 4 * row, dot);
            if (q0 + row < T) delta[head + q0 + row] = dot;
        }
    }

    float dq[MT][HD / 8][4];                       // [rows][HD]
    float shift[MT][2], d[MT][2];                  // [rows]: lse in units of log 2, and delta
    u32 aQ[MT][HD / 16][4], aG[MT][HD / 16][4];
    zero(dq);
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const int query = q0 + row0 + 16 * m + lane / 4 + 8 * r;
            shift[m][r] = query < T ? lse[head + query] * ATTN_LOG2E : ATTN_INF;  // rows past the end get probability 0
        }

    copy_publish();
#pragma unroll
    for (int m = 0; m < MT; m++) {
        d[m][0] = lds_float(sD + 4 * (row0 + 16 * m + lane / 4));
        d[m][1] = lds_float(sD + 4 * (row0 + 16 * m + lane / 4 + 8));
        if (C::aInRegisters) {
#pragma unroll
            for (int c = 0; c < HD / 16; c++) {
                load_a<HD, C::rows>(aQ[m][c], sQ, row0 + 16 * m, c);
                load_a<HD, C::rows>(aG[m][c], sG, row0 + 16 * m, c);
            }
        }
    }
    int buffer = 0;
    for (int tile = lastTile; tile >= firstTile; tile--, buffer ^= 1) {
        copy_publish();
        if (tile > firstTile) {
            load_tile<HDR, HD, N, C::threads>(sK + (buffer ^ 1) * stage, k, W, (tile - 1) * N, T);
            load_tile<HDR, HD, N, C::threads>(sV + (buffer ^ 1) * stage, v, W, (tile - 1) * N, T);
            copy_commit();
        }
        const int k0 = tile * N;
        if (k0 > groupLast || (window > 0 && k0 + N - 1 <= groupFirst - window)) continue;

        float x[MT][N / 8][4], y[MT][N / 8][4];    // P and dP, then dS [rows][N]
        mm_fence();
        if (C::aInRegisters) mm_nt_reg<HD, N, MT>(x, aQ, sK + buffer * stage);
        else mm_nt_smem<HD, N, C::rows, MT>(x, sQ, row0, sK + buffer * stage);
        mm_commit();
        if (C::aInRegisters) mm_nt_reg<HD, N, MT>(y, aG, sV + buffer * stage);
        else mm_nt_smem<HD, N, C::rows, MT>(y, sG, row0, sV + buffer * stage);
        mm_commit();
        mm_wait<1>();
        mm_pin(x);
        const bool masked = k0 + N - 1 > groupFirst || (window > 0 && k0 <= groupLast - window);
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
            for (int j = 0; j < N / 8; j++)
#pragma unroll
                for (int i = 0; i < 4; i++) x[m][j][i] = exp2_fast(x[m][j][i] * scale - shift[m][i >> 1]);
        if (masked) {
#pragma unroll
            for (int m = 0; m < MT; m++)
#pragma unroll
                for (int j = 0; j < N / 8; j++)
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int key = k0 + 8 * j + 2 * (lane & 3) + (i & 1);
                        const int query = q0 + row0 + 16 * m + lane / 4 + 8 * (i >> 1);
                        if (key > query || (window > 0 && key <= query - window)) x[m][j][i] = 0.f;
                    }
        }
        mm_wait<0>();
        mm_pin(y);
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
            for (int j = 0; j < N / 8; j++)
#pragma unroll
                for (int i = 0; i < 4; i++) x[m][j][i] *= y[m][j][i] - d[m][i >> 1];
        u32 p[MT][N / 16][4];
        to_a<MT, N>(p, x);
        mm_pin(dq);
        mm_fence();
        mm_nn_reg<HD, N, MT>(dq, p, sK + buffer * stage);
        mm_commit();
        mm_wait<0>();
        mm_pin(dq);
    }

    float factor[MT][2];
#pragma unroll
    for (int m = 0; m < MT; m++) factor[m][0] = factor[m][1] = rsqrtf((float)HDR);
    turn_back<HDR, HD, MT>(dq, table, q0 + row0, T);
    store_rows<HDR, HD, MT>(dqkv + (size_t)s * T * W + h * HDR, W, dq, factor, q0 + row0, T);
}

// Query rows past the end are all zero in shared memory (q, dO, lse, delta), so they add nothing.
template <int HDR, int HD> ATTN_DEV void backward_dkv(const bf16* qkv, const bf16* dout, const float* lse, const float* delta, bf16* dqkv,
                                                     const float* table, int T, int H, int Hkv, int window) {
    typedef Dkv<HD> C;
    const int MT = C::mt, N = C::step;
    const int warp = warp_number(), lane = threadIdx.x & 31;
    const int hk = blockIdx.y, s = blockIdx.z;
    const int k0 = blockIdx.x * C::rows;           // the first keys are seen by the most queries
    const int group = H / Hkv;
    const size_t W = (size_t)(H + 2 * Hkv) * HDR, WO = (size_t)H * HDR;
    const bf16* k = qkv + (size_t)s * T * W + (size_t)(H + hk) * HDR;                  // [T][W]
    const bf16* v = k + (size_t)Hkv * HDR;                                            // [T][W]
    const bf16* q = qkv + (size_t)s * T * W + (size_t)hk * group * HDR;               // [T][W], the group's first head
    const bf16* g = dout + (size_t)s * T * WO + (size_t)hk * group * HDR;             // [T][WO]
    const size_t head = ((size_t)s * H + hk * group) * T;
    const u32 sK = shared_start();                 // [rows][HD]
    const u32 sV = sK + C::rows * HD * 2;          // [rows][HD]
    const u32 sQ = sV + C::rows * HD * 2;          // [2][N][HD]
    const u32 sG = sQ + 2 * N * HD * 2;            // [2][N][HD], dO
    const u32 sL = sG + 2 * N * HD * 2;            // [2][N] fp32, lse
    const u32 sD = sL + 2 * N * 4;                 // [2][N] fp32, delta
    const u32 stage = N * HD * 2;
    const float scale = ATTN_LOG2E * rsqrtf((float)HDR);

    const int row0 = warp * 16 * MT;
    const int groupFirst = k0 + (ATTN_WGMMA ? (row0 & ~63) : row0);
    const int groupLast = groupFirst + (ATTN_WGMMA ? 63 : 16 * MT - 1);
    const int firstTile = k0 / N;
    const int endQuery = window > 0 ? min(T, k0 + C::rows + window - 1) : T;
    const int tiles = (endQuery - 1) / N - firstTile + 1;
    const int count = tiles * group;               // all query tiles of the group's first head, then of the next

    auto load_queries = [&](int item, int buffer) {
        const int member = item / tiles;
        const int from = (firstTile + item % tiles) * N;
        load_tile<HDR, HD, N, C::threads>(sQ + buffer * stage, q + member * HDR, W, from, T);
        load_tile<HDR, HD, N, C::threads>(sG + buffer * stage, g + member * HDR, WO, from, T);
        for (int j = threadIdx.x; j < 2 * N; j += C::threads) {
            const int i = j % N;
            const float* src = j < N ? lse : delta;
            const bool valid = from + i < T;
            copy4((j < N ? sL : sD) + (buffer * N + i) * 4, src + head + (size_t)member * T + (valid ? from + i : 0), valid);
        }
        copy_commit();
    };

    float dk[MT][HD / 8][4], dv[MT][HD / 8][4];    // [rows][HD]
    u32 aK[MT][HD / 16][4], aV[MT][HD / 16][4];
    zero(dk);
    zero(dv);
    load_tile<HDR, HD, C::rows, C::threads>(sK, k, W, k0, T);
    load_tile<HDR, HD, C::rows, C::threads>(sV, v, W, k0, T);
    load_queries(0, 0);
    if (C::aInRegisters) {
        copy_publish();
#pragma unroll
        for (int m = 0; m < MT; m++)
#pragma unroll
            for (int c = 0; c < HD / 16; c++) {
                load_a<HD, C::rows>(aK[m][c], sK, row0 + 16 * m, c);
                load_a<HD, C::rows>(aV[m][c], sV, row0 + 16 * m, c);
            }
    }
    int buffer = 0;
    for (int item = 0; item < count; item++, buffer ^= 1) {
        copy_publish();
        if (item + 1 < count) load_queries(item + 1, buffer ^ 1);
        const int q0 = (firstTile + item % tiles) * N;
        if (q0 + N - 1 < groupFirst || (window > 0 && q0 - window >= groupLast)) continue;

        float x[MT][N / 8][4], y[MT][N / 8][4];    // P' and dP', then dS' [rows][N]
        mm_fence();
        if (C::aInRegisters) mm_nt_reg<HD, N, MT>(x, aK, sQ + buffer * stage);
        else mm_nt_smem<HD, N, C::rows, MT>(x, sK, row0, sQ + buffer * stage);
        mm_commit();
        if (C::aInRegisters) mm_nt_reg<HD, N, MT>(y, aV, sG + buffer * stage);
        else mm_nt_smem<HD, N, C::rows, MT>(y, sV, row0, sG + buffer * stage);
        mm_commit();
        mm_wait<1>();
        mm_pin(x);
#pragma unroll
        for (int j = 0; j < N / 8; j++) {
            float l0, l1;
            lds_float2(l0, l1, sL + (buffer * N + 8 * j + 2 * (lane & 3)) * 4);
            l0 *= ATTN_LOG2E;
            l1 *= ATTN_LOG2E;
#pragma unroll
            for (int m = 0; m < MT; m++)
#pragma unroll
                for (int i = 0; i < 4; i++) x[m][j][i] = exp2_fast(x[m][j][i] * scale - (i & 1 ? l1 : l0));
        }
        if (q0 < groupLast || (window > 0 && q0 + N - 1 - window >= groupFirst)) {
#pragma unroll
            for (int m = 0; m < MT; m++)
#pragma unroll
                for (int j = 0; j < N / 8; j++)
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const int query = q0 + 8 * j + 2 * (lane & 3) + (i & 1);
                        const int key = k0 + row0 + 16 * m + lane / 4 + 8 * (i >> 1);
                        if (key > query || (window > 0 && key <= query - window)) x[m][j][i] = 0.f;
                    }
        }
        u32 p[MT][N / 16][4];
        to_a<MT, N>(p, x);
        mm_pin(dv);
        mm_fence();
        mm_nn_reg<HD, N, MT>(dv, p, sG + buffer * stage);
        mm_commit();
        mm_wait<1>();                              // dP' is there; dv may still be running
        mm_pin(y);
#pragma unroll
        for (int j = 0; j < N / 8; j++) {
            float d0, d1;
            lds_float2(d0, d1, sD + (buffer * N + 8 * j + 2 * (lane & 3)) * 4);
#pragma unroll
            for (int m = 0; m < MT; m++)
#pragma unroll
                for (int i = 0; i < 4; i++) x[m][j][i] *= y[m][j][i] - (i & 1 ? d1 : d0);
        }
        u32 ds[MT][N / 16][4];
        to_a<MT, N>(ds, x);
        mm_fence();
        mm_nn_reg<HD, N, MT>(dk, ds, sQ + buffer * stage);
        mm_commit();
        mm_wait<0>();
        mm_pin(dv);
        mm_pin(dk);
    }

    float factor[MT][2], one[MT][2];
#pragma unroll
    for (int m = 0; m < MT; m++) {
        factor[m][0] = factor[m][1] = rsqrtf((float)HDR);
        one[m][0] = one[m][1] = 1.f;
    }
    bf16* dst = dqkv + (size_t)s * T * W + (size_t)(H + hk) * HDR;
    turn_back<HDR, HD, MT>(dk, table, k0 + row0, T);
    store_rows<HDR, HD, MT>(dst, W, dk, factor, k0 + row0, T);
    store_rows<HDR, HD, MT>(dst + (size_t)Hkv * HDR, W, dv, one, k0 + row0, T);
}

// ------------------------------------------------------------------------------------------------------------- bf16 entry points

#define ATTN_ENTRIES(hd, padded)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(Fwd<padded>::threads, Fwd<padded>::minBlocks)                                          \
        attn_fwd_bf16_hd##hd(const bf16* qkv, bf16* out, float* lse, int S, int T, int H, int Hkv, int window) {                        \
        forward<hd, padded>(qkv, out, lse, T, H, Hkv, window);                                                                          \
    }                                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(Dq<padded>::threads, Dq<padded>::minBlocks)                                            \
        attn_bwd_dq_bf16_hd##hd(const bf16* qkv, const bf16* out, const bf16* dout, const float* lse, float* delta, bf16* dqkv,         \
                                const float* table, int S, int T, int H, int Hkv, int window) {                                         \
        backward_dq<hd, padded>(qkv, out, dout, lse, delta, dqkv, table, T, H, Hkv, window);                                            \
    }                                                                                                                                   \
    extern "C" __global__ void __launch_bounds__(Dkv<padded>::threads, Dkv<padded>::minBlocks)                                          \
        attn_bwd_dkv_bf16_hd##hd(const bf16* qkv, const bf16* dout, const float* lse, const float* delta, bf16* dqkv,                   \
                                 const float* table, int S, int T, int H, int Hkv, int window) {                                        \
        backward_dkv<hd, padded>(qkv, dout, lse, delta, dqkv, table, T, H, Hkv, window);                                                \
    }

#define ATTN_RECORD(hd, padded)                                                                                                         \
    hd, Fwd<padded>::threads, Fwd<padded>::rows, Bytes<padded>::fwd, Dq<padded>::threads, Dq<padded>::rows, Bytes<padded>::dq,          \
        Dkv<padded>::threads, Dkv<padded>::rows, Bytes<padded>::dkv,

#if !defined(ATTN_HD) || ATTN_HD == 16
ATTN_ENTRIES(16, 32)
#endif
#if !defined(ATTN_HD) || ATTN_HD == 24
ATTN_ENTRIES(24, 32)
#endif
#if !defined(ATTN_HD) || ATTN_HD == 32
ATTN_ENTRIES(32, 32)
#endif
#if !defined(ATTN_HD) || ATTN_HD == 64
ATTN_ENTRIES(64, 64)
#endif
#if !defined(ATTN_HD) || ATTN_HD == 96
ATTN_ENTRIES(96, 96)
#endif
#if !defined(ATTN_HD) || ATTN_HD == 128
ATTN_ENTRIES(128, 128)
#endif

extern "C" __device__ int attn_launch[] = {ATTN_RECORD(16, 32) ATTN_RECORD(24, 32) ATTN_RECORD(32, 32) ATTN_RECORD(64, 64)
                                               ATTN_RECORD(96, 96) ATTN_RECORD(128, 128) 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

#include "attention_backward.cuh"
#include "attention_f32.cuh"
