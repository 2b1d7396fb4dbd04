/* What the loops of loops.pxd keep out of line: it is in every kernel, and once in the library is enough. (Cython has
   no word for that: what it calls inline is always inlined in this build, and a .pxd can define nothing else.) */
#ifndef PYACTS_LOOPS_H
#define PYACTS_LOOPS_H

#include "pyacts.h"
#include "real.h"

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

#endif
