"""The loop over elements. It is written once; what is done to an element is handed in as a function.

The function is a constant wherever the loop is used, and so are the numbers of inputs and outputs, and everything is
inlined (this build makes CYTHON_INLINE always_inline): the compiler sees one loop per activation, and vectorises it.

Elements are worked on in blocks of BLOCK through a local array. A block is read whole before any of it is written, so
in place and out of place are one loop and there is no overlap to test for; a partial block is padded to a whole one,
so an element's result does not depend on where it is.
"""
from libc.string cimport memcpy
from real cimport BLOCK, ZERO, as_real, packed_real, parameter, put, real, storage
from table cimport MOST_PARAMS

cdef enum:
    MOST_INPUTS = 4
    MOST_OUTPUTS = 2


cdef struct Pair:
    real first
    real second


cdef inline Pair single(real result) noexcept nogil:
    """The only output of a function."""
    return Pair(result, result)


# One element: a, b, c, d are the inputs (a again for those that there are not), params[k][i] is parameter k.
ctypedef Pair (*Function)(real a, real b, real c, real d, const parameter *const *params, size_t i) noexcept nogil


cdef inline void map_block(Function f, int n_inputs, int n_outputs, const storage *a, const storage *b,
                           const storage *c, const storage *d, const parameter *const *params, size_t first,
                           size_t step, storage *y, storage *z) noexcept nogil:
    cdef real buffers[MOST_INPUTS][BLOCK]
    cdef real results[MOST_OUTPUTS][BLOCK]
    cdef const packed_real *real_a = as_real(BLOCK, a, buffers[0])
    cdef const packed_real *real_b = as_real(BLOCK, b, buffers[1]) if n_inputs > 1 else real_a
    cdef const packed_real *real_c = as_real(BLOCK, c, buffers[2]) if n_inputs > 2 else real_a
    cdef const packed_real *real_d = as_real(BLOCK, d, buffers[3]) if n_inputs > 3 else real_a
    cdef Pair result
    cdef size_t i
    for i in range(BLOCK):
        result = f(real_a[i], real_b[i], real_c[i], real_d[i], params, first + i * step)
        results[0][i] = result.first
        if n_outputs > 1:
            results[1][i] = result.second
    put(BLOCK, results[0], y)
    if n_outputs > 1:
        put(BLOCK, results[1], z)


cdef inline void map(Function f, int n_inputs, int n_outputs, size_t n, const void *const *inputs,
                     void *const *outputs, const parameter *const *params, int n_params, size_t step) noexcept nogil:
    """y[i] = f(a[i], ..., params, i * step): step is 0 for parameters that are one number, 1 for arrays of n."""
    cdef const storage *a = <const storage *>inputs[0]
    cdef const storage *b = <const storage *>inputs[1] if n_inputs > 1 else a
    cdef const storage *c = <const storage *>inputs[2] if n_inputs > 2 else a
    cdef const storage *d = <const storage *>inputs[3] if n_inputs > 3 else a
    cdef storage *y = <storage *>outputs[0]
    cdef storage *z = <storage *>outputs[1] if n_outputs > 1 else y
    cdef storage last[MOST_INPUTS + MOST_OUTPUTS][BLOCK]
    cdef parameter last_params[MOST_PARAMS][BLOCK]
    cdef const parameter *last_param[MOST_PARAMS]
    cdef size_t rest = n % BLOCK, whole = n - rest, k
    cdef int j
    for k in range(n // BLOCK):
        map_block(f, n_inputs, n_outputs, a + k * BLOCK, b + k * BLOCK, c + k * BLOCK, d + k * BLOCK, params,
                  k * BLOCK * step, step, y + k * BLOCK, z + k * BLOCK)
    if rest:
        for j in range(n_inputs):
            for k in range(BLOCK):
                last[j][k] = ZERO
            memcpy(last[j], <const storage *>inputs[j] + whole, rest * sizeof(storage))
        for j in range(n_params):
            last_param[j] = params[j]
            if step:
                last_param[j] = last_params[j]
                memcpy(last_params[j], params[j] + whole, rest * sizeof(parameter))
        map_block(f, n_inputs, n_outputs, last[0], last[1], last[2], last[3], last_param, 0, step,
                  last[MOST_INPUTS], last[MOST_INPUTS + 1])
        for j in range(n_outputs):
            memcpy(<storage *>outputs[j] + whole, last[MOST_INPUTS + j], rest * sizeof(storage))


cdef inline void map_scalars(Function f, int n_inputs, int n_outputs, size_t n, const void *const *inputs,
                             void *const *outputs, const double *values, int n_params) noexcept nogil:
    """map with parameters that are numbers, rounded to their type."""
    cdef parameter rounded[MOST_PARAMS]
    cdef const parameter *params[MOST_PARAMS]
    cdef int k
    for k in range(n_params):
        rounded[k] = <parameter>values[k]
        params[k] = &rounded[k]
    map(f, n_inputs, n_outputs, n, inputs, outputs, params, n_params, 0)


cdef inline void map_arrays(Function f, int n_inputs, int n_outputs, size_t n, const void *const *inputs,
                            void *const *outputs, int n_params) noexcept nogil:
    """map with parameters that are arrays of n, which are further inputs."""
    map(f, n_inputs, n_outputs, n, inputs, outputs, <const parameter *const *>(inputs + n_inputs), n_params, 1)
