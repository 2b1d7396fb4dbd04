/* What the loops of loops.pxd keep out of line: it is in every kernel, and once in the library is enough. (Cython has
   no word for that: what it calls inline is always inlined in this build, and a .pxd can define nothing else.) */
#ifndef PYACTS_LOOPS_H
#define PYACTS_LOOPS_H

#include "pyacts.h"
#include "real.h"
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define MOST_INPUTS 4
#define MOST_OUTPUTS 2

/* Elements first to first + count, less than a block: padded to one, on which the kernel is called again. The inputs
   are followed by n_arrays arrays of parameters. */
static __attribute__((noinline, unused)) void map_part(pyacts_kernel kernel, size_t first, size_t count,
                                                       const void *const *inputs, int n_inputs, int n_arrays,
                                                       void *const *outputs, int n_outputs, const double *values) {
    storage blocks[MOST_INPUTS + MOST_OUTPUTS][BLOCK];
    parameter arrays[n_arrays + 1][BLOCK];
    const void *padded[MOST_INPUTS + n_arrays];
    void *results[MOST_OUTPUTS];
    for (int k = 0; k < n_inputs; ++k) {
        memset(blocks[k], 0, sizeof blocks[k]);
        memcpy(blocks[k], (const storage *)inputs[k] + first, count * sizeof(storage));
        padded[k] = blocks[k];
    }
    for (int k = 0; k < n_arrays; ++k) {
        memset(arrays[k], 0, sizeof arrays[k]);
        memcpy(arrays[k], (const parameter *)inputs[n_inputs + k] + first, count * sizeof(parameter));
        padded[n_inputs + k] = arrays[k];
    }
    for (int k = 0; k < n_outputs; ++k)
        results[k] = blocks[MOST_INPUTS + k];
    kernel(BLOCK, padded, results, values);
    for (int k = 0; k < n_outputs; ++k)
        memcpy((storage *)outputs[k] + first, results[k], count * sizeof(storage));
}

/* Bytes of the largest cache: set by the dispatcher when the library is loaded. */
extern size_t pyacts_cache_size __attribute__((visibility("hidden")));

#if defined(__AVX512F__)
typedef __m512i vector;
#define STORE_PAST_CACHES _mm512_stream_si512
#elif defined(__AVX__)
typedef __m256i vector;
#define STORE_PAST_CACHES _mm256_stream_si256
#elif defined(__SSE2__)
typedef __m128i vector;
#define STORE_PAST_CACHES _mm_stream_si128
#endif

#define PIECE_SIZE 2048 /* bytes; with 4096 it takes twice as long on Zen 4 */
#define PIECE (PIECE_SIZE / sizeof(storage))

/* Where inputs and outputs do not fit the caches, whole pieces from `first` on, made in a buffer and stored past the
   caches: a usual store would read the line first (make bench-peers: relu takes 0.64 of memcpy's time instead of 0.79).
   Returns the element after the last. */
static __attribute__((noinline, unused)) size_t map_streamed(pyacts_kernel kernel, size_t first, size_t n,
                                                             const void *const *inputs, int n_inputs, int n_arrays,
                                                             void *const *outputs, int n_outputs,
                                                             const double *values) {
#if defined(__SSE2__)
    vector pieces[MOST_OUTPUTS][PIECE_SIZE / sizeof(vector)];
    const void *sources[MOST_INPUTS + n_arrays];
    void *results[MOST_OUTPUTS];
    if (n * ((n_inputs + n_outputs) * sizeof(storage) + n_arrays * sizeof(parameter)) <= pyacts_cache_size)
        return first;
    for (int k = 0; k < n_outputs; ++k) {
        for (int j = 0; j < n_inputs; ++j)
            if (outputs[k] == inputs[j]) /* in place: the line has been read */
                return first;
        if ((uintptr_t)((storage *)outputs[k] + first) % sizeof(vector))
            return first;
        results[k] = pieces[k];
    }
    for (; n - first >= PIECE; first += PIECE) {
        for (int k = 0; k < n_inputs; ++k)
            sources[k] = (const storage *)inputs[k] + first;
        for (int k = n_inputs; k < n_inputs + n_arrays; ++k)
            sources[k] = (const parameter *)inputs[k] + first;
        kernel(PIECE, sources, results, values);
        for (int k = 0; k < n_outputs; ++k)
            for (size_t i = 0; i < PIECE_SIZE / sizeof(vector); ++i)
                STORE_PAST_CACHES((vector *)((storage *)outputs[k] + first) + i, pieces[k][i]);
    }
    _mm_sfence();
#else
    (void)kernel, (void)n, (void)inputs, (void)n_inputs, (void)n_arrays, (void)outputs, (void)n_outputs, (void)values;
#endif
    return first;
}

#endif
