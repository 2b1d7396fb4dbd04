/* What `real` and `storage` are, and the handful of operations that Cython cannot spell.

   One Cython source is compiled once per (dtype, instruction-set level); setup.py chooses the dtype by defining
   PYACTS_DTYPE_f32 or its like. PYACTS_DTYPE_exact is float32 computed in double. This is the only hand-written C of
   the kernels; the mathematics is in the .pxd files.
 */
#ifndef PYACTS_REAL_H
#define PYACTS_REAL_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__F16C__)
#include <immintrin.h>
#endif

/* The type that is computed in, and the unsigned integer of its width. */
#if defined(PYACTS_DTYPE_f64) || defined(PYACTS_DTYPE_exact)
typedef double real;
typedef uint64_t real_bits;
#define LARGEST DBL_MAX
#define PYACTS_ONE pyacts_one_double
#define PYACTS_BUILTIN(name) name
#else
typedef float real;
typedef uint32_t real_bits;
#define LARGEST FLT_MAX
#define PYACTS_ONE pyacts_one_float
#define PYACTS_BUILTIN(name) name##f
#endif

/* In the caller's memory, at any address (aligned(1) keeps the compiler from assuming more; it costs nothing on x86-64
   or Arm): `storage` is an element of an array, which halves have as their bits, `parameter` a parameter, and
   `packed_real` a real. */
typedef real packed_real __attribute__((aligned(1)));
#if defined(PYACTS_DTYPE_f16) || defined(PYACTS_DTYPE_bf16)
typedef uint16_t storage __attribute__((aligned(1)));
typedef float parameter __attribute__((aligned(1)));
#define CONVERTED 1
#elif defined(PYACTS_DTYPE_exact)
typedef float storage __attribute__((aligned(1)));
typedef float parameter __attribute__((aligned(1)));
#define CONVERTED 1
#else
typedef packed_real storage;
typedef packed_real parameter;
#define CONVERTED 0
#endif

/* True in the float32 build and those of halves: branches on it are decided by the compiler. */
#define SINGLE (sizeof(real) == 4)

/* Whether this is the exact tier, which has fewer functions. */
#if defined(PYACTS_DTYPE_exact)
#define EXACT 1
#else
#define EXACT 0
#endif

/* Literals in Cython are doubles in C, and one of them would make a float expression a double one. */
#define ZERO ((real)0)
#define ONE ((real)1)
/* For rounding errors that are not there: x + NEGATIVE_ZERO is x, whatever x, and costs nothing where it is known. */
#define NEGATIVE_ZERO (-(real)0)
#define INFINITE ((real)INFINITY)
#define NOT_A_NUMBER ((real)NAN)

/* Bits of the significand that are stored. */
#define SIGNIFICAND_BITS (SINGLE ? 23 : 52)

/* Elements in 64 bytes: one vector of the widest level, and the length of every block the loops work in. */
#define BLOCK (64 / sizeof(real))

/* The symbol through which one build hands its kernels to the dispatcher, for example pyacts_fill_f32_avx2. */
#define PYACTS_JOIN(a, b) a##_##b
#define PYACTS_JOIN_EXPANDED(a, b) PYACTS_JOIN(a, b)
#define PYACTS_FILL PYACTS_JOIN_EXPANDED(pyacts_fill, PYACTS_BUILD)

static inline real_bits to_bits(real x) {
    real_bits b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static inline real from_bits(real_bits b) {
    real x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* The same for double, in any build. */
static inline uint64_t double_bits(double x) {
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static inline double double_from(uint64_t b) {
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

static inline real absolute(real x) { return PYACTS_BUILTIN(__builtin_fabs)(x); }

static inline real square_root(real x) { return PYACTS_BUILTIN(__builtin_sqrt)(x); }

static inline real copy_sign(real magnitude, real sign) { return PYACTS_BUILTIN(__builtin_copysign)(magnitude, sign); }

static inline int unordered(real a, real b) { return __builtin_isunordered(a, b); }

/* Whether the level has fused multiply-add instructions: all but baseline x86-64 do. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FUSED 1
#else
#define FUSED 0
#endif

/* a * b + c: one rounding where the level has FMA instructions, two where it has not (baseline x86-64). */
static inline real muladd(real a, real b, real c) {
#if FUSED
    return PYACTS_BUILTIN(__builtin_fma)(a, b, c);
#else
    return a * b + c;
#endif
}

/* Whether the compiler knows that a is 1: in the loop of its own that a default parameter of 1 has. */
#define KNOWN_ONE(a) (__builtin_constant_p((a) == ONE) && (a) == ONE)

#if !FUSED
/* The error of a product of doubles by Dekker's algorithm, whose halves of a significand (Veltkamp) are had by clearing
   bits: multiplying by 2^27 + 1, as is usual, may overflow. */
static inline double dekker(double a, double b, double product) {
    uint64_t bits;
    double ah, bh, al, bl;
    memcpy(&bits, &a, sizeof bits);
    bits &= ~(((uint64_t)1 << 27) - 1);
    memcpy(&ah, &bits, sizeof ah);
    memcpy(&bits, &b, sizeof bits);
    bits &= ~(((uint64_t)1 << 27) - 1);
    memcpy(&bh, &bits, sizeof bh);
    al = a - ah;
    bl = b - bh;
    return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
}
#endif

/* A finite bound that the compiler knows, turned into one that it does not know: GCC makes `bound if x > bound else x`
   one instruction if the bound is in a register throughout a loop, but a comparison and a choice if it is a constant.
   The 1 is defined in the dispatcher. */
extern const real PYACTS_ONE __attribute__((visibility("hidden")));
#define BOUND(x) (__builtin_constant_p((x) == ONE) && absolute(x) <= LARGEST ? (x) * PYACTS_ONE : (x))

/* The rounding error of product = a * b, exactly. */
static inline real product_error(real a, real b, real product) {
    if (KNOWN_ONE(a))
        return NEGATIVE_ZERO;
#if FUSED
    return muladd(a, b, -product);
#else
    return SINGLE ? (real)((double)a * (double)b - (double)product)
                  : (real)dekker((double)a, (double)b, (double)product);
#endif
}

/* a * b + c rounded once (near enough where there is no FMA, at some cost): for where a second rounding shows. */
static inline real fused(real a, real b, real c) {
#if FUSED
    return muladd(a, b, c);
#else
    if (SINGLE)
        return (real)((double)a * (double)b + (double)c);
    double product = (double)a * (double)b, sum = product + (double)c, c_rounded = sum - product;
    double c_error = (product - (sum - c_rounded)) + ((double)c - c_rounded);
    double error = c_error + dekker((double)a, (double)b, product);
    return (real)(sum + (error == error ? error : 0)); /* NaN where the sum overflows */
#endif
}

/* Between storage and real. float16 is converted by instructions where there are any, else by integer operations that
   are vectorised; bfloat16 is the upper half of a float. Rounding is to nearest, ties to even. */
#if defined(PYACTS_DTYPE_f16)
static inline real widened(uint16_t half) {
    uint32_t bits = (uint32_t)(half & 0x7fff) << 13, exponent = bits & 0x0f800000, smallest = 113u << 23;
    bits += 112u << 23;                              /* the difference of the exponents' biases */
    bits += exponent == 0x0f800000 ? 112u << 23 : 0; /* infinities and NaN */
    /* A subnormal number: its bits behind those of the smallest normal one, which is then subtracted. */
    bits = exponent == 0 ? to_bits(from_bits(bits + (1u << 23)) - from_bits(smallest)) : bits;
    return from_bits(bits | (uint32_t)(half & 0x8000) << 16);
}

static inline uint16_t narrowed(real x) {
    uint32_t bits = to_bits(x), sign = bits >> 16 & 0x8000, result;
    bits &= 0x7fffffff;
    result = (bits - (112u << 23) + 0xfff + (bits >> 13 & 1)) >> 13;
    /* Below 2**-14, adding 0.5 rounds to a multiple of 2**-24, the unit of the subnormal numbers. */
    result = bits < 113u << 23 ? to_bits(from_bits(bits) + 0.5f) - to_bits(0.5f) : result;
    result = bits >= 143u << 23 ? (bits > 0x7f800000 ? 0x7e00 : 0x7c00) : result;
    return (uint16_t)(sign | result);
}
#elif defined(PYACTS_DTYPE_bf16)
static inline real widened(uint16_t half) { return from_bits((uint32_t)half << 16); }

static inline uint16_t narrowed(real x) {
    uint32_t bits = to_bits(x);
    return (uint16_t)(x != x ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
#else
#define widened(x) ((real)(x))
#define narrowed(x) ((storage)(x))
#endif

static inline void prefetch(size_t n, const storage *x) {
    for (size_t k = 0; k < n * sizeof(storage); k += 64) /* bytes of a cache line */
        __builtin_prefetch((const char *)x + k);
}

static inline storage negated(storage x) {
#if CONVERTED && !EXACT
    return x ^ 0x8000;
#else
    return -x;
#endif
}

/* x or 0. Bits are masked because GCC would make a choice between elements a chain of branches. */
static inline storage stored_if(int wanted, storage x) {
#if CONVERTED && !EXACT
    return (storage)(x & -wanted);
#else
    return from_bits(to_bits(x) & -(real_bits)wanted);
#endif
}

/* The integer operations are many: where they are needed, they are in the library once. */
#if defined(PYACTS_DTYPE_f16) && !defined(__F16C__)
#define CONVERSION static __attribute__((noinline, unused))
#else
#define CONVERSION static inline
#endif

/* n elements as reals: where they lie if they are reals, else converted into buffer. A block has to be stored at once,
   where GCC stores halves: a vector can't be loaded before both have left the queue. */
CONVERSION const packed_real *as_real(size_t n, const storage *from, real *buffer) {
#if CONVERTED
    size_t k = 0;
#if defined(PYACTS_DTYPE_f16) && defined(__AVX512F__)
    for (; k < n / 16 * 16; k += 16)
        _mm512_storeu_ps(buffer + k, _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(from + k))));
#elif defined(PYACTS_DTYPE_bf16) && defined(__AVX512F__)
    for (; k < n / 16 * 16; k += 16) {
        __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(from + k)));
        _mm512_storeu_si512(buffer + k, _mm512_slli_epi32(bits, 16));
    }
#elif EXACT && defined(__AVX512F__)
    for (; k < n / 8 * 8; k += 8)
        _mm512_storeu_pd(buffer + k, _mm512_cvtps_pd(_mm256_loadu_ps(from + k)));
#elif defined(PYACTS_DTYPE_f16) && defined(__F16C__)
    for (; k < n / 8 * 8; k += 8)
        _mm256_storeu_ps(buffer + k, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(from + k))));
#endif
    for (; k < n; ++k)
        buffer[k] = widened(from[k]);
    return buffer;
#else
    (void)n, (void)buffer;
    return from;
#endif
}

/* n bytes, as integers of the width of a real; for a block at once too. */
static inline void widen_bytes(size_t n, const unsigned char *from, real_bits *to) {
    size_t k = 0;
#if defined(__AVX512F__)
    for (; SINGLE && k < n / 16 * 16; k += 16)
        _mm512_storeu_si512(to + k, _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(from + k))));
    for (; !SINGLE && k < n / 8 * 8; k += 8)
        _mm512_storeu_si512(to + k, _mm512_cvtepu8_epi64(_mm_loadl_epi64((const void *)(from + k))));
#elif defined(__AVX2__)
    for (; SINGLE && k < n / 8 * 8; k += 8)
        _mm256_storeu_si256((void *)(to + k), _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(from + k))));
#endif
    for (; k < n; ++k)
        to[k] = from[k];
}

/* The reverse: n reals, rounded. */
CONVERSION void put(size_t n, const real *from, storage *to) {
    size_t k = 0;
#if defined(PYACTS_DTYPE_f16) && defined(__AVX512F__)
    for (; k < n / 16 * 16; k += 16)
        _mm256_storeu_si256((void *)(to + k), _mm512_cvtps_ph(_mm512_loadu_ps(from + k), _MM_FROUND_TO_NEAREST_INT));
#elif defined(PYACTS_DTYPE_bf16) && defined(__AVX512F__)
    /* As narrowed() does, where GCC takes three times the instructions; the upper halves are the odd words. */
    const __m512i odd_words = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0x1f001d, 0x1b0019, 0x170015, 0x130011, 0x0f000d,
                                               0x0b0009, 0x070005, 0x030001);
    for (; k < n / 16 * 16; k += 16) {
        __m512i bits = _mm512_loadu_si512(from + k);
        __mmask16 odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000));
        __mmask16 nan = _mm512_cmp_ps_mask(_mm512_castsi512_ps(bits), _mm512_castsi512_ps(bits), _CMP_UNORD_Q);
        __m512i rounded = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
        rounded = _mm512_mask_add_epi32(rounded, odd, bits, _mm512_set1_epi32(0x8000));
        rounded = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
        rounded = _mm512_permutexvar_epi16(odd_words, rounded);
        _mm256_storeu_si256((void *)(to + k), _mm512_castsi512_si256(rounded));
    }
#elif defined(PYACTS_DTYPE_f16) && defined(__F16C__)
    for (; k < n / 8 * 8; k += 8)
        _mm_storeu_si128((void *)(to + k), _mm256_cvtps_ph(_mm256_loadu_ps(from + k), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; k < n; ++k)
        to[k] = narrowed(from[k]);
}

#endif
