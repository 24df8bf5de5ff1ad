// The fp32 kernels of attention.cu, which says what their arguments are. Part of that file: included at its end.

// --------------------------------------------------------------------------------------------------------------------------- fp32
//
// 256 threads, 32 rows a block, 32 rows a step on the other axis. Eight lanes share a row: lane l computes the scores of columns
// l, l+8, l+16, l+24 and the output columns 4*l + 32*i .. +3. Rows in shared memory are HD+4 floats apart, so that the eight lanes
// read different banks.

#define ATTN_F32_ROWS 32
#define ATTN_F32_THREADS 256
#define ATTN_F32_P 33

ATTN_DEV void load_f32(float* tile, const float* src, size_t stride, int row0, int limit, int HD) {
    const int perRow = HD / 4;
    for (int i = threadIdx.x; i < ATTN_F32_ROWS * perRow; i += ATTN_F32_THREADS) {
        const int row = i / perRow, c = i % perRow * 4;
        float4 x = make_float4(0.f, 0.f, 0.f, 0.f);
        if (row0 + row < limit) x = *(const float4*)(src + (size_t)(row0 + row) * stride + c);
        *(float4*)(tile + row * (HD + 4) + c) = x;
    }
}

// x[i] = a . b[lane + 8*i], rows of HD floats, HD+4 apart in b
ATTN_DEV void dots_f32(float (&x)[4], const float* a, const float* b, int lane, int HD) {
    x[0] = x[1] = x[2] = x[3] = 0.f;
    for (int c = 0; c < HD; c += 4) {
        const float4 u = *(const float4*)(a + c);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float4 w = *(const float4*)(b + (lane + 8 * i) * (HD + 4) + c);
            x[i] += u.x * w.x + u.y * w.y + u.z * w.z + u.w * w.w;
        }
    }
}

// acc (this lane's columns) += sum over c of p[c] * b[c]
ATTN_DEV void accumulate_f32(float4 (&acc)[4], const float* p, const float* b, int lane, int HD) {
    for (int c = 0; c < ATTN_F32_ROWS; c++) {
        const float w = p[c];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int column = 4 * lane + 32 * i;
            if (column < HD) {
                const float4 u = *(const float4*)(b + c * (HD + 4) + column);
                acc[i].x += w * u.x;
                acc[i].y += w * u.y;
                acc[i].z += w * u.z;
                acc[i].w += w * u.w;
            }
        }
    }
}

ATTN_DEV void store_f32(float* dst, const float4 (&acc)[4], float factor, int lane, int HD) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int column = 4 * lane + 32 * i;
        if (column < HD)
            *(float4*)(dst + column) = make_float4(acc[i].x * factor, acc[i].y * factor, acc[i].z * factor, acc[i].w * factor);
    }
}

ATTN_DEV bool hidden(int query, int key, int window) { return key > query || (window > 0 && key <= query - window); }

#if !defined(ATTN_HD) || ATTN_HD == 0

extern "C" __global__ void __launch_bounds__(ATTN_F32_THREADS)
    attn_fwd_f32(const float* qkv, float* out, float* lse, int S, int T, int H, int Hkv, int HD, int window) {
    float* sQ = (float*)attnShared;                             // [32][HD+4]
    float* sK = sQ + ATTN_F32_ROWS * (HD + 4);                  // [32][HD+4]
    float* sV = sK + ATTN_F32_ROWS * (HD + 4);                  // [32][HD+4]
    float* sP = sV + ATTN_F32_ROWS * (HD + 4);                  // [32][33]
    const int row = threadIdx.x / 8, lane = threadIdx.x & 7, h = blockIdx.y, s = blockIdx.z;
    const int q0 = (gridDim.x - 1 - blockIdx.x) * ATTN_F32_ROWS, query = q0 + row;
    const size_t W = (size_t)(H + 2 * Hkv) * HD;
    const float* q = qkv + (size_t)s * T * W + (size_t)h * HD;                         // [T][W]
    const float* k = qkv + (size_t)s * T * W + (size_t)(H + h / (H / Hkv)) * HD;       // [T][W]
    const float* v = k + (size_t)Hkv * HD;                                             // [T][W]
    const float scale = 1.f / sqrtf((float)HD);
    float4 acc[4] = {};
    float top = -ATTN_INF, sum = 0.f;

    load_f32(sQ, q, W, q0, T, HD);
    const int last = (min(q0 + ATTN_F32_ROWS, T) - 1) / ATTN_F32_ROWS;
    const int first = window > 0 ? max(0, q0 - window + 1) / ATTN_F32_ROWS : 0;
    for (int tile = last; tile >= first; tile--) {
        const int k0 = tile * ATTN_F32_ROWS;
        __syncthreads();
        load_f32(sK, k, W, k0, T, HD);
        load_f32(sV, v, W, k0, T, HD);
        __syncthreads();
        float x[4];
        dots_f32(x, sQ + row * (HD + 4), sK, lane, HD);
        float best = top;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            x[i] = hidden(query, k0 + lane + 8 * i, window) ? -ATTN_INF : x[i] * scale;
            best = fmaxf(best, x[i]);
        }
        for (int d = 1; d < 8; d *= 2) best = fmaxf(best, __shfl_xor_sync(0xffffffffu, best, d));
        const float shift = best == -ATTN_INF ? 0.f : best;     // a row may have seen hidden keys only so far
        const float shrink = expf(top - shift);
        top = best;
        float partial = 0.f;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            x[i] = expf(x[i] - shift);
            partial += x[i];
            sP[row * ATTN_F32_P + lane + 8 * i] = x[i];
        }
        sum = sum * shrink + partial;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            acc[i].x *= shrink;
            acc[i].y *= shrink;
            acc[i].z *= shrink;
            acc[i].w *= shrink;
        }
        __syncwarp();                                           // a row of sP is written and read by one warp
        accumulate_f32(acc, sP + row * ATTN_F32_P, sV, lane, HD);
    }
    for (int d = 1; d < 8; d *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, d);
    if (query < T) {
        store_f32(out + ((size_t)s * T + query) * H * HD + (size_t)h * HD, acc, 1.f / sum, lane, HD);
        if (lane == 0) lse[((size_t)s * H + h) * T + query] = top + logf(sum);
    }
}

extern "C" __global__ void __launch_bounds__(ATTN_F32_THREADS)
    attn_bwd_dq_f32(const float* qkv, const float* out, const float* dout, const float* lse, float* delta, float* dqkv, int S, int T,
                    int H, int Hkv, int HD, int window) {
    float* sQ = (float*)attnShared;                             // [32][HD+4]
    float* sG = sQ + ATTN_F32_ROWS * (HD + 4);                  // [32][HD+4], dO
    float* sK = sG + ATTN_F32_ROWS * (HD + 4);                  // [32][HD+4]
    float* sV = sK + ATTN_F32_ROWS * (HD + 4);                  // [32][HD+4]
    float* sP = sV + ATTN_F32_ROWS * (HD + 4);                  // [32][33], dS
    const int row = threadIdx.x / 8, lane = threadIdx.x & 7, h = blockIdx.y, s = blockIdx.z;
    const int q0 = (gridDim.x - 1 - blockIdx.x) * ATTN_F32_ROWS, query = q0 + row;
    const size_t W = (size_t)(H + 2 * Hkv) * HD, WO = (size_t)H * HD;
    const float* q = qkv + (size_t)s * T * W + (size_t)h * HD;                         // [T][W]
    const float* k = qkv + (size_t)s * T * W + (size_t)(H + h / (H / Hkv)) * HD;       // [T][W]
    const float* v = k + (size_t)Hkv * HD;                                             // [T][W]
    const float* o = out + (size_t)s * T * WO + (size_t)h * HD;                        // [T][WO]
    const float* g = dout + (size_t)s * T * WO + (size_t)h * HD;                       // [T][WO]
    const size_t head = ((size_t)s * H + h) * T;
    const float scale = 1.f / sqrtf((float)HD);
    float4 acc[4] = {};

    load_f32(sQ, q, W, q0, T, HD);
    load_f32(sG, g, WO, q0, T, HD);
    float d = 0.f;
    if (query < T)
        for (int c = lane; c < HD; c += 8) d += o[(size_t)query * WO + c] * g[(size_t)query * WO + c];
    for (int i = 1; i < 8; i *= 2) d += __shfl_xor_sync(0xffffffffu, d, i);
    if (query < T && lane == 0) delta[head + query] = d;
    const float shift = query < T ? lse[head + query] : ATTN_INF;

    const int last = (min(q0 + ATTN_F32_ROWS, T) - 1) / ATTN_F32_ROWS;
    const int first = window > 0 ? max(0, q0 - window + 1) / ATTN_F32_ROWS : 0;
    for (int tile = last; tile >= first; tile--) {
        const int k0 = tile * ATTN_F32_ROWS;
        __syncthreads();
        load_f32(sK, k, W, k0, T, HD);
        load_f32(sV, v, W, k0, T, HD);
        __syncthreads();
        float x[4], y[4];
        dots_f32(x, sQ + row * (HD + 4), sK, lane, HD);
        dots_f32(y, sG + row * (HD + 4), sV, lane, HD);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float p = hidden(query, k0 + lane + 8 * i, window) ? 0.f : expf(x[i] * scale - shift);
            sP[row * ATTN_F32_P + lane + 8 * i] = p * (y[i] - d);
        }
        __syncwarp();
        accumulate_f32(acc, sP + row * ATTN_F32_P, sK, lane, HD);
    }
    if (query < T) store_f32(dqkv + ((size_t)s * T + query) * W + (size_t)h * HD, acc, scale, lane, HD);
}

extern "C" __global__ void __launch_bounds__(ATTN_F32_THREADS)
    attn_bwd_dkv_f32(const float* qkv, const float* dout, const float* lse, const float* delta, float* dqkv, int S, int T, int H,
                     int Hkv, int HD, int window) {
    float* sK = (float*)attnShared;                             // [32][HD+4]
    float* sV = sK + ATTN_F32_ROWS * (HD + 4);                  // [32][HD+4]
    float* sQ = sV + ATTN_F32_ROWS * (HD + 4);                  // [32][HD+4]
    float* sG = sQ + ATTN_F32_ROWS * (HD + 4);                  // [32][HD+4], dO
    float* sP = sG + ATTN_F32_ROWS * (HD + 4);                  // [32][33], P'
    float* sS = sP + ATTN_F32_ROWS * ATTN_F32_P;                // [32][33], dS'
    float* sL = sS + ATTN_F32_ROWS * ATTN_F32_P;                // [32], lse
    float* sD = sL + ATTN_F32_ROWS;                             // [32], delta
    const int row = threadIdx.x / 8, lane = threadIdx.x & 7, hk = blockIdx.y, s = blockIdx.z;
    const int k0 = blockIdx.x * ATTN_F32_ROWS, key = k0 + row, group = H / Hkv;
    const size_t W = (size_t)(H + 2 * Hkv) * HD, WO = (size_t)H * HD;
    const float* k = qkv + (size_t)s * T * W + (size_t)(H + hk) * HD;                  // [T][W]
    const float* v = k + (size_t)Hkv * HD;                                             // [T][W]
    const float scale = 1.f / sqrtf((float)HD);
    float4 dk[4] = {}, dv[4] = {};

    load_f32(sK, k, W, k0, T, HD);
    load_f32(sV, v, W, k0, T, HD);
    const int end = window > 0 ? min(T, k0 + ATTN_F32_ROWS + window - 1) : T;
    for (int h = hk * group; h < (hk + 1) * group; h++)
        for (int q0 = k0; q0 < end; q0 += ATTN_F32_ROWS) {
            __syncthreads();
            load_f32(sQ, qkv + (size_t)s * T * W + (size_t)h * HD, W, q0, T, HD);
            load_f32(sG, dout + (size_t)s * T * WO + (size_t)h * HD, WO, q0, T, HD);
            if (threadIdx.x < ATTN_F32_ROWS) {
                const int query = q0 + threadIdx.x;
                const size_t at = ((size_t)s * H + h) * T + query;
                sL[threadIdx.x] = query < T ? lse[at] : ATTN_INF;  // rows past the end get probability 0
                sD[threadIdx.x] = query < T ? delta[at] : 0.f;
            }
            __syncthreads();
            float x[4], y[4];
            dots_f32(x, sK + row * (HD + 4), sQ, lane, HD);
            dots_f32(y, sV + row * (HD + 4), sG, lane, HD);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int c = lane + 8 * i;
                const float p = hidden(q0 + c, key, window) ? 0.f : expf(x[i] * scale - sL[c]);
                sP[row * ATTN_F32_P + c] = p;
                sS[row * ATTN_F32_P + c] = p * (y[i] - sD[c]);
            }
            __syncwarp();
            accumulate_f32(dv, sP + row * ATTN_F32_P, sG, lane, HD);
            accumulate_f32(dk, sS + row * ATTN_F32_P, sQ, lane, HD);
        }
    if (key < T) {
        float* dst = dqkv + ((size_t)s * T + key) * W + (size_t)(H + hk) * HD;
        store_f32(dst, dk, scale, lane, HD);
        store_f32(dst + (size_t)Hkv * HD, dv, 1.f, lane, HD);
    }
}

#endif
