/* What one core can do, for bench/roofline.py: how many vector operations it makes in a second, and what it gets from
   memory. REAL is float or double; a vector is as wide as the level's registers. */
#include <stddef.h>
#include <string.h>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX2__)
#define BYTES 32
#else
#define BYTES 16
#endif

typedef REAL vector __attribute__((vector_size(BYTES)));
typedef int integers __attribute__((vector_size(BYTES)));

/* Nothing known of a vector, so that nothing is computed in advance. */
#if defined(__x86_64__)
#define UNKNOWN(v) __asm__ volatile("" : "+x"(v))
#else
#define UNKNOWN(v) __asm__ volatile("" : "+w"(v))
#endif

#define FOUR(apply) apply(0) apply(1) apply(2) apply(3)
#define EIGHT(apply) FOUR(apply) apply(4) apply(5) apply(6) apply(7)

/* Eight chains, twice what hides the latency of a core with two units. They leave registers for the integers. */
#define START(k)                                                                                                       \
    vector a##k = {0};                                                                                                 \
    UNKNOWN(a##k);
#define START_INTEGERS(k)                                                                                              \
    integers i##k = {0};                                                                                               \
    UNKNOWN(i##k);
#define MULTIPLY_ADD(k)                                                                                                \
    a##k = a##k * b + c;                                                                                               \
    UNKNOWN(a##k);
#define ADD_INTEGERS(k)                                                                                                \
    i##k += d;                                                                                                         \
    UNKNOWN(i##k);
#define DIVIDE(k)                                                                                                      \
    a##k = b / a##k;                                                                                                   \
    UNKNOWN(a##k);

int vector_bytes(void) { return BYTES; }

/* 8 multiply-adds a round. */
void multiply_adds(size_t rounds) {
    vector b = {0}, c = {0};
    EIGHT(START)
    UNKNOWN(b);
    UNKNOWN(c);
    while (rounds--) {
        EIGHT(MULTIPLY_ADD)
    }
}

/* 16 operations a round: the units that do not multiply have something to do as well. */
void mixed(size_t rounds) {
    vector b = {0}, c = {0};
    EIGHT(START)
    FOUR(START_INTEGERS)
    UNKNOWN(b);
    UNKNOWN(c);
    integers d = (integers)c;
    while (rounds--) {
        EIGHT(MULTIPLY_ADD)
        FOUR(ADD_INTEGERS)
        FOUR(ADD_INTEGERS)
    }
}

/* 8 divisions a round. */
void divisions(size_t rounds) {
    vector b = {0};
    b += 1;
    EIGHT(START)
    UNKNOWN(b);
    while (rounds--) {
        EIGHT(DIVIDE)
    }
}

/* What an elementwise function costs C: n numbers at a time. */
void calls(size_t rounds, void (*function)(size_t, const REAL *, REAL *), size_t n, const REAL *x, REAL *y) {
    while (rounds--)
        function(n, x, y);
}

void copy(size_t n, const REAL *x, REAL *y) { memcpy(y, x, n * sizeof *x); }

void scale(size_t n, REAL *x, REAL factor) {
    for (size_t i = 0; i < n; ++i)
        x[i] *= factor;
}
