"""The loop over elements. It is written once; what is done to an element is handed in as a function.

The function is a constant wherever the loop is used, and everything is inlined (this build makes CYTHON_INLINE
always_inline), so the compiler sees one loop per activation, and vectorises it.

Elements are worked on in blocks of BLOCK through a local array. A block is read whole before any of it is written, so
in place and out of place are one loop and there is no overlap to test for; a partial block is padded to a whole one,
on which the kernel calls itself, so an element's result does not depend on where it is and each loop is there once.
"""
from libc.string cimport memcpy, memset
from real cimport BLOCK, as_real, packed_real, parameter, put, real, storage
from table cimport MOST_PARAMS, pyacts_kernel


cdef enum:
    LONG = 4096     # elements from which stores are aligned: one across a boundary takes up to twice as long


cdef inline size_t before_boundary(const storage *p) noexcept nogil:
    """Elements before the next address where a block does not cross cache lines."""
    cdef size_t size = BLOCK * sizeof(storage)
    return (size - <size_t>p % size) % size // sizeof(storage)


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


cdef inline void map_part(pyacts_kernel kernel, size_t first, size_t count, const void *const *inputs, int n_inputs,
                          int n_arrays, void *out, const double *values) noexcept nogil:
    """Elements first to first + count, less than a block: padded to one, on which the kernel is called again."""
    cdef storage block[3][BLOCK]
    cdef parameter arrays[MOST_PARAMS][BLOCK]
    cdef const void *padded[2 + MOST_PARAMS]
    cdef void *output = block[2]
    cdef int k
    memset(block, 0, sizeof(block))
    for k in range(n_inputs):
        memcpy(block[k], <const storage *>inputs[k] + first, count * sizeof(storage))
        padded[k] = block[k]
    for k in range(n_arrays):
        memset(arrays[k], 0, sizeof(arrays[k]))
        memcpy(arrays[k], <const parameter *>inputs[n_inputs + k] + first, count * sizeof(parameter))
        padded[n_inputs + k] = arrays[k]
    kernel(BLOCK, padded, &output, values)
    memcpy(<storage *>out + first, output, count * sizeof(storage))


cdef inline void map(Function f, pyacts_kernel kernel, size_t n, const void *const *inputs, int n_inputs,
                     int n_arrays, void *out, const double *values, const parameter *const *params,
                     size_t step) noexcept nogil:
    """out[i] = f(a[i], b[i], params, i * step): step is 0 for parameters that are one number, 1 for arrays of n.

    kernel is the function that this is inlined in.
    """
    cdef const storage *a = <const storage *>inputs[0]
    cdef const storage *b = <const storage *>inputs[n_inputs - 1]
    cdef size_t first = before_boundary(<const storage *>out) if n >= LONG else 0, rest = (n - first) % BLOCK, at, k
    if first:
        map_part(kernel, 0, first, inputs, n_inputs, n_arrays, out, values)
    for k in range((n - first) // BLOCK):
        at = first + k * BLOCK
        map_block(f, a + at, b + at, params, at * step, step, <storage *>out + at)
    if rest:
        map_part(kernel, n - rest, rest, inputs, n_inputs, n_arrays, out, values)


cdef inline void map_scalars(Function f, pyacts_kernel kernel, size_t n, const void *const *inputs, int n_inputs,
                             void *out, const double *values, int n_params) noexcept nogil:
    """map with parameters that are numbers, rounded to their type."""
    cdef parameter rounded[MOST_PARAMS]
    cdef const parameter *params[MOST_PARAMS]
    cdef int k
    for k in range(n_params):
        rounded[k] = <parameter>values[k]
        params[k] = &rounded[k]
    map(f, kernel, n, inputs, n_inputs, 0, out, values, params, 0)


cdef inline void map_arrays(Function f, pyacts_kernel kernel, size_t n, const void *const *inputs, int n_inputs,
                            void *out, int n_params) noexcept nogil:
    """map with parameters that are arrays of n, which follow the inputs."""
    map(f, kernel, n, inputs, n_inputs, n_params, out, NULL, <const parameter *const *>inputs + n_inputs, 1)
