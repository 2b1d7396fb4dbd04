/* What `real` and `storage` are, and the handful of operations that Cython cannot spell.

   One Cython source is compiled once per (dtype, instruction-set level); setup.py chooses the dtype with
   PYACTS_REAL_BITS. This is the only hand-written C of the kernels; the mathematics is in the .pxd files. */
#ifndef PYACTS_REAL_H
#define PYACTS_REAL_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The type that is computed in, the unsigned integer of its width, and the same type as it lies in the caller's
   memory: at any address (aligned(1) keeps the compiler from assuming more; it costs nothing on x86-64 or Arm). */
#if PYACTS_REAL_BITS == 32
typedef float real;
typedef uint32_t real_bits;
#define LARGEST FLT_MAX
#define PYACTS_BUILTIN(name) name##f
#else
typedef double real;
typedef uint64_t real_bits;
#define LARGEST DBL_MAX
#define PYACTS_BUILTIN(name) name
#endif
typedef real storage __attribute__((aligned(1)));

/* True in the float32 build: branches on it are decided by the compiler. */
#define SINGLE (sizeof(real) == 4)

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

static inline real absolute(real x) { return PYACTS_BUILTIN(__builtin_fabs)(x); }

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
    return (real)(sum + (c_error + dekker((double)a, (double)b, product)));
#endif
}

#endif
