"""The loop over elements. It is written once; what is done to an element is handed in as a function.

The function is a constant wherever the loop is used, and everything is inlined (this build makes CYTHON_INLINE
always_inline), so the compiler sees one loop per activation, and vectorises it.

Elements are worked on in blocks of BLOCK through a local array. A block is read whole before any of it is written, so
in place and out of place are one loop and there is no overlap to test for; a partial block is padded to a whole one,
so an element's result does not depend on where it is.
"""
from libc.string cimport memcpy
from real cimport BLOCK, ZERO, as_real, packed_real, parameter, put, real, storage
from table cimport MOST_PARAMS


# One element: a and b are the inputs (the same one twice for a function of one input), params[k][i] is parameter k.
ctypedef real (*Function)(real a, real b, const parameter *const *params, size_t i) noexcept nogil


cdef inline void map_block(Function f, const storage *a, const storage *b, const parameter *const *params,
                           size_t first, size_t step, storage *out) noexcept nogil:
    cdef real a_buffer[BLOCK]
    cdef real b_buffer[BLOCK]
    cdef real result[BLOCK]
    cdef const packed_real *real_a = as_real(BLOCK, a, a_buffer)
    cdef const packed_real *real_b = as_real(BLOCK, b, b_buffer)
    cdef size_t i
    for i in range(BLOCK):
        result[i] = f(real_a[i], real_b[i], params, first + i * step)
    put(BLOCK, result, out)


cdef inline void map(Function f, size_t n, const storage *a, const storage *b, storage *out,
                     const parameter *const *params, int n_params, size_t step) noexcept nogil:
    """out[i] = f(a[i], b[i], params, i * step): step is 0 for parameters that are one number, 1 for arrays of n."""
    cdef storage last[3][BLOCK]
    cdef parameter last_params[MOST_PARAMS][BLOCK]
    cdef const parameter *last_param[MOST_PARAMS]
    cdef size_t rest = n % BLOCK, whole = n - rest, k
    for k in range(n // BLOCK):
        map_block(f, a + k * BLOCK, b + k * BLOCK, params, k * BLOCK * step, step, out + k * BLOCK)
    if rest:
        for k in range(BLOCK):
            last[0][k] = last[1][k] = ZERO
        memcpy(last[0], a + whole, rest * sizeof(storage))
        if b != a:
            memcpy(last[1], b + whole, rest * sizeof(storage))
        for k in range(n_params):
            last_param[k] = params[k]
            if step:
                last_param[k] = last_params[k]
                memcpy(last_params[k], params[k] + whole, rest * sizeof(parameter))
        map_block(f, last[0], &last[1 if b != a else 0][0], last_param, 0, step, last[2])
        memcpy(out + whole, last[2], rest * sizeof(storage))


cdef inline void map_scalars(Function f, size_t n, const void *a, const void *b, void *out,
                             const double *values, int n_params) noexcept nogil:
    """map with parameters that are numbers, rounded to their type."""
    cdef parameter rounded[MOST_PARAMS]
    cdef const parameter *params[MOST_PARAMS]
    cdef int k
    for k in range(n_params):
        rounded[k] = <parameter>values[k]
        params[k] = &rounded[k]
    map(f, n, <const storage *>a, <const storage *>b, <storage *>out, params, n_params, 0)


cdef inline void map_arrays(Function f, size_t n, const void *a, const void *b, void *out,
                            const void *const *arrays, int n_params) noexcept nogil:
    """map with parameters that are arrays of n."""
    map(f, n, <const storage *>a, <const storage *>b, <storage *>out, <const parameter *const *>arrays, n_params, 1)
