#pragma once
// What every kernel file needs, without a header of CUDA's: bf16, 16-byte accesses, sums in a fixed order.
//
// Conventions of all kernels here:
// - T is the type of activations and working weights: float (_f32) or bf16 (_bf16). G is the type of parameters' gradients: float, or
//   bf16 in the entry points that end in _g16. Statistics and sums are float.
// - A launch serves `lanes` models of one shape: blockIdx.y is the lane (blockIdx.z where it says so). Activations of a lane follow those
//   of the one before; its parameters lie a stride, in elements, further.
// - Rows are read 16 bytes at a time where every row begins at a multiple of 16 bytes, else one element at a time: with the same result up
//   to rounding, since the order of sums differs.
// - Nothing is added with floating-point atomics: the same launch gives the same bits.

typedef unsigned short bf16;

#define ALL_LANES 0xffffffffu
#define LOG2E 1.4426950408889634f
#define LN2 0.6931471805599453f

// Elements in 16 bytes.
template <class T> struct Pack;
template <> struct Pack<float> { static constexpr int N = 4; };
template <> struct Pack<bf16> { static constexpr int N = 8; };

__device__ __forceinline__ float not_a_number() { return __int_as_float(0x7fffffff); }
__device__ __forceinline__ float minus_infinity() { return __int_as_float(0xff800000); }
__device__ __forceinline__ bool is_finite(float x) { return (__float_as_int(x) & 0x7f800000) != 0x7f800000; }

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float((unsigned)x << 16); }

// Two numbers to bf16, to the nearest and even on ties; the first is the lower half.
__device__ __forceinline__ unsigned to_bf16x2(float low, float high) {
  unsigned both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}

template <class T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) { return (bf16)(to_bf16x2(x, 0.0f) & 0xffff); }

// x as it will be read again once stored.
template <class T> __device__ __forceinline__ float rounded(float x) { return to_float(from_float<T>(x)); }

__device__ __forceinline__ void split(unsigned both, float& low, float& high) {
  low = __uint_as_float(both << 16);
  high = __uint_as_float(both & 0xffff0000u);
}

// Sixteen bytes, which as many registers hold as when they were loaded, to the numbers they are and back.
__device__ __forceinline__ void unpack(const uint4& q, float (&x)[4]) {
  x[0] = __uint_as_float(q.x), x[1] = __uint_as_float(q.y), x[2] = __uint_as_float(q.z), x[3] = __uint_as_float(q.w);
}

__device__ __forceinline__ void unpack(const uint4& q, float (&x)[8]) {
  split(q.x, x[0], x[1]), split(q.y, x[2], x[3]), split(q.z, x[4], x[5]), split(q.w, x[6], x[7]);
}

__device__ __forceinline__ uint4 packed(const float (&x)[4]) {
  return make_uint4(__float_as_uint(x[0]), __float_as_uint(x[1]), __float_as_uint(x[2]), __float_as_uint(x[3]));
}

__device__ __forceinline__ uint4 packed(const float (&x)[8]) {
  return make_uint4(to_bf16x2(x[0], x[1]), to_bf16x2(x[2], x[3]), to_bf16x2(x[4], x[5]), to_bf16x2(x[6], x[7]));
}

// Lets the compiler know no more of a vector, which else may hold its unpacked numbers, twice the registers, until the next use.
__device__ __forceinline__ void pin(uint4& q) { asm volatile("" : "+r"(q.x), "+r"(q.y), "+r"(q.z), "+r"(q.w)); }

template <class T> __device__ __forceinline__ uint4 load_packed(const T* p) { return *reinterpret_cast<const uint4*>(p); }
template <class T> __device__ __forceinline__ void store_packed(T* p, const uint4& q) { *reinterpret_cast<uint4*>(p) = q; }

// out[V] = p[V]; p is a multiple of the bytes read at once: 16, or 8 for four bf16, unless V is 1.
template <int V> __device__ __forceinline__ void load(const float* p, float (&out)[V]) {
  if constexpr (V % 4 == 0) {
#pragma unroll
    for (int i = 0; i < V / 4; i++) {
      float4 q = reinterpret_cast<const float4*>(p)[i];
      out[4 * i] = q.x, out[4 * i + 1] = q.y, out[4 * i + 2] = q.z, out[4 * i + 3] = q.w;
    }
  } else {
#pragma unroll
    for (int i = 0; i < V; i++) out[i] = p[i];
  }
}

template <int V> __device__ __forceinline__ void load(const bf16* p, float (&out)[V]) {
  if constexpr (V == 8) {
    unpack(load_packed(p), out);
  } else if constexpr (V == 4) {
    uint2 q = *reinterpret_cast<const uint2*>(p);
    split(q.x, out[0], out[1]), split(q.y, out[2], out[3]);
  } else {
    static_assert(V == 1);
    out[0] = to_float(p[0]);
  }
}

template <int V> __device__ __forceinline__ void store(float* p, const float (&x)[V]) {
  if constexpr (V % 4 == 0) {
#pragma unroll
    for (int i = 0; i < V / 4; i++) {
      reinterpret_cast<float4*>(p)[i] = make_float4(x[4 * i], x[4 * i + 1], x[4 * i + 2], x[4 * i + 3]);
    }
  } else {
#pragma unroll
    for (int i = 0; i < V; i++) p[i] = x[i];
  }
}

template <int V> __device__ __forceinline__ void store(bf16* p, const float (&x)[V]) {
  if constexpr (V == 8) {
    store_packed(p, packed(x));
  } else if constexpr (V == 4) {
    *reinterpret_cast<uint2*>(p) = make_uint2(to_bf16x2(x[0], x[1]), to_bf16x2(x[2], x[3]));
  } else {
    static_assert(V == 1);
    p[0] = from_float<bf16>(x[0]);
  }
}

// Whether an address is a multiple of 16; a null pointer is.
__device__ __forceinline__ bool aligned(const void* p) { return ((unsigned long long)p & 15) == 0; }

// The sum over `width` neighbouring threads of a warp, a power of two, in all of them. The whole warp has to call it.
__device__ __forceinline__ float warp_sum(float x, int width = 32) {
  for (int offset = width / 2; offset > 0; offset >>= 1) x += __shfl_xor_sync(ALL_LANES, x, offset);
  return x;
}

__device__ __forceinline__ double warp_sum_double(double x) {
  for (int offset = 16; offset > 0; offset >>= 1) x += __shfl_xor_sync(ALL_LANES, x, offset);
  return x;
}

// out[columns] = (out[columns] +) the sum of partial[parts][stride], part after part; a block of 256 threads has 32 columns: gridDim.x is
// columns / 32 rounded up.
template <class G>
__device__ __forceinline__ void reduce_columns(G* out, const float* partial, int parts, int stride, int columns, int accumulate) {
  __shared__ float sums[8][32];
  int x = threadIdx.x & 31, y = threadIdx.x >> 5;
  int c = blockIdx.x * 32 + x;
  float sum = 0.0f;
  if (c < columns) {
    for (int p = y; p < parts; p += 8) sum += partial[(long long)p * stride + c];
  }
  sums[y][x] = sum;
  __syncthreads();
  if (y == 0 && c < columns) {
    for (int i = 1; i < 8; i++) sum += sums[i][x];
    out[c] = from_float<G>(accumulate ? to_float(out[c]) + sum : sum);
  }
}
