// Tiles in shared memory and products of them, on wgmma or mma.sync: what the kernels of attention.cu are made of.
// Included by attention.cu after its macros and types.

// ---------------------------------------------------------------------------------------------------------------- small helpers

ATTN_DEV u32 smem_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

ATTN_DEV float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// Two floats to two bf16 in one register, `low` in the low half.
ATTN_DEV u32 pack_bf16(float low, float high) {
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

ATTN_DEV float bf16_low(u32 x) { return __uint_as_float(x << 16); }
ATTN_DEV float bf16_high(u32 x) { return __uint_as_float(x & 0xffff0000u); }

// 16 bytes from global to shared memory; zeros when !valid (nothing is read then).
ATTN_DEV void copy16(u32 dst, const void* src, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(dst), "l"(src), "r"(valid ? 16 : 0) : "memory");
}
ATTN_DEV void copy4(u32 dst, const void* src, bool valid) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(dst), "l"(src), "r"(valid ? 4 : 0) : "memory");
}
ATTN_DEV void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
ATTN_DEV void copy_wait_all() { asm volatile("cp.async.wait_group 0;" ::: "memory"); }

// The copies of this thread become visible to the tensor cores' own path to shared memory once a barrier follows.
ATTN_DEV void copy_publish() {
    copy_wait_all();
#if ATTN_WGMMA
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
    __syncthreads();
}

ATTN_DEV void ldmatrix(u32 (&r)[4], u32 addr) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(addr) : "memory");
}

// ------------------------------------------------------------------------------------------------------------ shared-memory tiles
//
// A tile [rows][HD] of bf16 lies in panels of 64 columns (128-byte rows) or, when HD is no multiple of 64, of 32 (64-byte rows).
// Inside a panel the 16-byte chunks of a row are permuted by the row number: that is the 128-byte (64-byte) swizzle of wgmma's
// descriptors, and it also keeps ldmatrix free of bank conflicts. Tiles start on 1024-byte boundaries.

template <int HD> struct Panel {
    static const int cols = HD % 64 == 0 ? 64 : 32;
    static const int rowBytes = cols * 2;
    static const int chunks = cols / 8;
    static const int count = HD / cols;
};

// Address of the 16-byte chunk `chunk` (of HD/8) of row `row` in a tile of ROWS rows.
template <int HD, int ROWS> ATTN_DEV u32 chunk_address(u32 tile, int row, int chunk) {
    typedef Panel<HD> P;
    const int panel = chunk / P::chunks;
    const int c = chunk % P::chunks;
    const int swizzle = P::cols == 64 ? (row & 7) : ((row >> 1) & 3);
    return tile + panel * (ROWS * P::rowBytes) + row * P::rowBytes + ((c ^ swizzle) << 4);
}

// Starts copying rows row0.. of a [limit][stride] matrix (columns 0..HDR-1) to a tile; rows from `limit` and columns from HDR on become zero.
template <int HDR, int HD, int ROWS, int THREADS> ATTN_DEV void load_tile(u32 tile, const bf16* src, size_t stride, int row0, int limit) {
    const int perRow = HD / 8;
    if (THREADS % (8 * perRow) == 0) {
        // Each thread keeps its chunk and steps over whole swizzle periods: both addresses advance by constants.
        const int step = THREADS / perRow;
        const int row = threadIdx.x / perRow, chunk = threadIdx.x % perRow;
        const u32 dst = chunk_address<HD, ROWS>(tile, row, chunk);
        const bf16* p = src + (size_t)(row0 + row) * stride + chunk * 8;
#pragma unroll
        for (int i = 0; i < (ROWS + step - 1) / step; i++, p += step * stride) {
            if (ROWS % step != 0 && row + i * step >= ROWS) break;
            copy16(dst + i * step * Panel<HD>::rowBytes, p, row0 + row + i * step < limit && (HDR == HD || chunk * 8 < HDR));
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < (ROWS * perRow + THREADS - 1) / THREADS; i++) {
        const int index = i * THREADS + threadIdx.x;
        if (ROWS * perRow % THREADS != 0 && index >= ROWS * perRow) break;
        const int row = index / perRow;
        const int chunk = index % perRow;
        const bool valid = row0 + row < limit && (HDR == HD || chunk * 8 < HDR);
        const bf16* p = valid ? src + (size_t)(row0 + row) * stride + chunk * 8 : src;
        copy16(chunk_address<HD, ROWS>(tile, row, chunk), p, valid);
    }
}

// A fragments of 16 rows from row0, columns 16*k..16*k+15.
template <int HD, int ROWS> ATTN_DEV void load_a(u32 (&a)[4], u32 tile, int row0, int k) {
    const int lane = threadIdx.x & 31;
    ldmatrix(a, chunk_address<HD, ROWS>(tile, row0 + (lane & 15), 2 * k + (lane >> 4)));
}

// ---------------------------------------------------------------------------------------------------------------- matrix products
//
// Each warp owns MT row blocks of 16 rows. acc[m][j][0..3] holds, for column block j of 8, rows lane/4 (0, 1) and lane/4 + 8 (2, 3),
// columns 8*j + 2*(lane%4) + {0, 1}.

#if ATTN_WGMMA

#define ATTN_ACC4(d, i) "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3])
#define ATTN_ACC16(d, i) ATTN_ACC4(d, i), ATTN_ACC4(d, i + 1), ATTN_ACC4(d, i + 2), ATTN_ACC4(d, i + 3)

#define ATTN_D32 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}"
#define ATTN_D64 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}"

// Start of a shared-memory matrix: address, stride between groups of 8 rows, swizzle. The same numbers serve both orientations
// of B, since one panel's width is one swizzle atom.
template <int HD> ATTN_DEV u64 descriptor(u32 addr) {
    const u64 fixed = ((u64)(Panel<HD>::cols == 64 ? 1 : 2) << 62) | ((u64)(8 * Panel<HD>::rowBytes / 16) << 32) | ((u64)1 << 16);
    return fixed | (u64)((addr & 0x3ffff) >> 4);
}

ATTN_DEV void mm_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
ATTN_DEV void mm_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int PENDING> ATTN_DEV void mm_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory"); }

// Keeps the compiler from moving reads or writes of these registers across this point.
template <int MT, int NB> ATTN_DEV void mm_pin(float (&d)[MT][NB][4]) {
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int j = 0; j < NB; j++)
#pragma unroll
            for (int i = 0; i < 4; i++) asm volatile("" : "+f"(d[m][j][i])::"memory");
}
template <int MT, int NB> ATTN_DEV void mm_pin(u32 (&d)[MT][NB][4]) {
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int j = 0; j < NB; j++)
#pragma unroll
            for (int i = 0; i < 4; i++) asm volatile("" : "+r"(d[m][j][i])::"memory");
}

// d[64][N] (+)= A[64][16] * B, A and B in shared memory, B stored [n][k].
template <int N> struct Wgmma;
template <> struct Wgmma<64> {
    static __device__ __forceinline__ void ss(float (*d)[4], u64 a, u64 b, int add) {
        asm volatile("{.reg .pred p; setp.ne.b32 p, %34, 0;\n"
                     "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " ATTN_D64 ", %32, %33, p, 1, 1, 0, 0;}\n"
                     : ATTN_ACC16(d, 0), ATTN_ACC16(d, 4) : "l"(a), "l"(b), "r"(add));
    }
    template <int TRANS> static __device__ __forceinline__ void rs(float (*d)[4], const u32 (&a)[4], u64 b, int add) {
        asm volatile("{.reg .pred p; setp.ne.b32 p, %37, 0;\n"
                     "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " ATTN_D64 ", {%32,%33,%34,%35}, %36, p, 1, 1, %38;}\n"
                     : ATTN_ACC16(d, 0), ATTN_ACC16(d, 4)
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(TRANS));
    }
};
template <> struct Wgmma<32> {
    static __device__ __forceinline__ void ss(float (*d)[4], u64 a, u64 b, int add) {
        asm volatile("{.reg .pred p; setp.ne.b32 p, %18, 0;\n"
                     "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 " ATTN_D32 ", %16, %17, p, 1, 1, 0, 0;}\n"
                     : ATTN_ACC16(d, 0) : "l"(a), "l"(b), "r"(add));
    }
    template <int TRANS> static __device__ __forceinline__ void rs(float (*d)[4], const u32 (&a)[4], u64 b, int add) {
        asm volatile("{.reg .pred p; setp.ne.b32 p, %21, 0;\n"
                     "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 " ATTN_D32 ", {%16,%17,%18,%19}, %20, p, 1, 1, %22;}\n"
                     : ATTN_ACC16(d, 0)
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add), "n"(TRANS));
    }
};

// acc[16 rows a warp][N] = A[.][HD] * B[N][HD]^T; A fragments in registers.
template <int HD, int N, int MT> ATTN_DEV void mm_nt_reg(float (&acc)[MT][N / 8][4], const u32 (&a)[MT][HD / 16][4], u32 b) {
    typedef Panel<HD> P;
    const int step = N % 64 == 0 ? 64 : 32;
#pragma unroll
    for (int k = 0; k < HD / 16; k++)
#pragma unroll
        for (int n = 0; n < N; n += step) {
            const u32 at = b + (2 * k / P::chunks) * (N * P::rowBytes) + n * P::rowBytes + (2 * k % P::chunks) * 16;
            Wgmma<step>::template rs<0>(&acc[0][n / 8], a[0][k], descriptor<HD>(at), k > 0);
        }
}

// The same with A in a shared tile of ROWS rows, the warpgroup's 64 rows starting at row0.
template <int HD, int N, int ROWS, int MT> ATTN_DEV void mm_nt_smem(float (&acc)[MT][N / 8][4], u32 a, int row0, u32 b) {
    typedef Panel<HD> P;
    const int step = N % 64 == 0 ? 64 : 32;
#pragma unroll
    for (int k = 0; k < HD / 16; k++)
#pragma unroll
        for (int n = 0; n < N; n += step) {
            const u32 from = a + (2 * k / P::chunks) * (ROWS * P::rowBytes) + (row0 & ~63) * P::rowBytes + (2 * k % P::chunks) * 16;
            const u32 at = b + (2 * k / P::chunks) * (N * P::rowBytes) + n * P::rowBytes + (2 * k % P::chunks) * 16;
            Wgmma<step>::ss(&acc[0][n / 8], descriptor<HD>(from), descriptor<HD>(at), k > 0);
        }
}

// acc[16 rows a warp][HD] += A[.][K] * B[K][HD]; A fragments in registers.
template <int HD, int K, int MT> ATTN_DEV void mm_nn_reg(float (&acc)[MT][HD / 8][4], const u32 (&a)[MT][K / 16][4], u32 b) {
    typedef Panel<HD> P;
#pragma unroll
    for (int k = 0; k < K / 16; k++)
#pragma unroll
        for (int p = 0; p < P::count; p++)
            Wgmma<P::cols>::template rs<1>(&acc[0][p * P::chunks], a[0][k], descriptor<HD>(b + p * (K * P::rowBytes) + 16 * k * P::rowBytes), 1);
}

#else

ATTN_DEV void mm_fence() {}
ATTN_DEV void mm_commit() {}
template <int PENDING> ATTN_DEV void mm_wait() {}
template <int MT, int NB> ATTN_DEV void mm_pin(float (&)[MT][NB][4]) {}
template <int MT, int NB> ATTN_DEV void mm_pin(u32 (&)[MT][NB][4]) {}

ATTN_DEV void ldmatrix_trans(u32 (&r)[4], u32 addr) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(addr) : "memory");
}

ATTN_DEV void mma(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

template <int NB> ATTN_DEV void clear(float (&acc)[NB][4]) {
#pragma unroll
    for (int j = 0; j < NB; j++) acc[j][0] = acc[j][1] = acc[j][2] = acc[j][3] = 0.f;
}

// acc[16*MT rows][N] += A[.][16 columns from 16*k] * B[N][HD]^T
template <int HD, int N, int MT, int KA> ATTN_DEV void mm_nt_step(float (&acc)[MT][N / 8][4], const u32 (&a)[MT][KA][4], int ka, u32 b, int k) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int n = 0; n < N; n += 16) {
        u32 f[4];
        ldmatrix(f, chunk_address<HD, N>(b, n + (lane & 7) + ((lane >> 4) << 3), 2 * k + ((lane >> 3) & 1)));
#pragma unroll
        for (int m = 0; m < MT; m++) {
            mma(acc[m][n / 8], a[m][ka], f[0], f[1]);
            mma(acc[m][n / 8 + 1], a[m][ka], f[2], f[3]);
        }
    }
}

template <int HD, int N, int MT> ATTN_DEV void mm_nt_reg(float (&acc)[MT][N / 8][4], const u32 (&a)[MT][HD / 16][4], u32 b) {
#pragma unroll
    for (int m = 0; m < MT; m++) clear(acc[m]);
#pragma unroll
    for (int k = 0; k < HD / 16; k++) mm_nt_step<HD, N, MT, HD / 16>(acc, a, k, b, k);
}

template <int HD, int N, int ROWS, int MT> ATTN_DEV void mm_nt_smem(float (&acc)[MT][N / 8][4], u32 tile, int row0, u32 b) {
#pragma unroll
    for (int m = 0; m < MT; m++) clear(acc[m]);
#pragma unroll
    for (int k = 0; k < HD / 16; k++) {
        u32 a[MT][1][4];
#pragma unroll
        for (int m = 0; m < MT; m++) load_a<HD, ROWS>(a[m][0], tile, row0 + 16 * m, k);
        mm_nt_step<HD, N, MT, 1>(acc, a, 0, b, k);
    }
}

template <int HD, int K, int MT> ATTN_DEV void mm_nn_reg(float (&acc)[MT][HD / 8][4], const u32 (&a)[MT][K / 16][4], u32 b) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int k = 0; k < K / 16; k++)
#pragma unroll
        for (int n = 0; n < HD; n += 16) {
            u32 f[4];
            ldmatrix_trans(f, chunk_address<HD, K>(b, 16 * k + (lane & 15), n / 8 + (lane >> 4)));
#pragma unroll
            for (int m = 0; m < MT; m++) {
                mma(acc[m][n / 8], a[m][k], f[0], f[1]);
                mma(acc[m][n / 8 + 1], a[m][k], f[2], f[3]);
            }
        }
}

#endif

// The accumulator of N columns as A fragments of the next product.
template <int MT, int N> ATTN_DEV void to_a(u32 (&a)[MT][N / 16][4], const float (&acc)[MT][N / 8][4]) {
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int k = 0; k < N / 16; k++) {
            a[m][k][0] = pack_bf16(acc[m][2 * k][0], acc[m][2 * k][1]);
            a[m][k][1] = pack_bf16(acc[m][2 * k][2], acc[m][2 * k][3]);
            a[m][k][2] = pack_bf16(acc[m][2 * k + 1][0], acc[m][2 * k + 1][1]);
            a[m][k][3] = pack_bf16(acc[m][2 * k + 1][2], acc[m][2 * k + 1][3]);
        }
}

template <int MT, int NB> ATTN_DEV void zero(float (&acc)[MT][NB][4]) {
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
        for (int j = 0; j < NB; j++) acc[m][j][0] = acc[m][j][1] = acc[m][j][2] = acc[m][j][3] = 0.f;
}
