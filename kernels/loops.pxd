"""The loop over elements. It is written once; what is done to an element is handed in as a function.

The function is a constant wherever the loop is used, and so are the numbers of inputs and outputs, and everything is
inlined (this build makes CYTHON_INLINE always_inline): the compiler sees one loop per activation, and vectorises it.

Elements are worked on in blocks of BLOCK through a local array. A block is read whole before any of it is written, so
in place and out of place are one loop and there is no overlap to test for; a partial block is padded to a whole one,
on which the kernel calls itself, so an element's result does not depend on where it is and each loop is there once. It
also calls itself on the pieces of arrays that do not fit the caches, whose results are stored past them.
"""
from real cimport BLOCK, as_real, packed_real, parameter, put, real, storage
from table cimport MOST_PARAMS, pyacts_kernel


cdef enum:
    LONG = 4096     # elements from which stores are aligned: one across a boundary takes up to twice as long


cdef inline size_t before_boundary(const storage *p) noexcept nogil:
    """Elements before the next address where a block does not cross cache lines."""
    cdef size_t size = BLOCK * sizeof(storage)
    return (size - <size_t>p % size) % size // sizeof(storage)

cdef extern from "loops.h" nogil:
    enum:
        MOST_INPUTS
        MOST_OUTPUTS
    void map_part(pyacts_kernel kernel, size_t first, size_t count, const void *const *inputs, int n_inputs,
                  int n_arrays, void *const *outputs, int n_outputs, const double *values) noexcept
    size_t map_streamed(pyacts_kernel kernel, size_t first, size_t n, const void *const *inputs, int n_inputs,
                        int n_arrays, void *const *outputs, int n_outputs, const double *values) noexcept


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


cdef inline void map(Function f, pyacts_kernel kernel, int n_inputs, int n_outputs, bint heavy, size_t n,
                     const void *const *inputs, void *const *outputs, const double *values,
                     const parameter *const *params, int n_arrays, size_t step) noexcept nogil:
    """y[i] = f(a[i], ..., params, i * step): step is 0 for parameters that are one number, 1 for arrays of n.

    kernel is the function that this is inlined in; heavy says that it takes longer than memory does.
    """
    cdef const storage *a = <const storage *>inputs[0]
    cdef const storage *b = <const storage *>inputs[1] if n_inputs > 1 else a
    cdef const storage *c = <const storage *>inputs[2] if n_inputs > 2 else a
    cdef const storage *d = <const storage *>inputs[3] if n_inputs > 3 else a
    cdef storage *y = <storage *>outputs[0]
    cdef storage *z = <storage *>outputs[1] if n_outputs > 1 else y
    cdef size_t first = before_boundary(y) if n >= LONG else 0, rest = (n - first) % BLOCK, at, k
    if first:
        map_part(kernel, 0, first, inputs, n_inputs, n_arrays, outputs, n_outputs, values)
    if n >= LONG and not heavy:
        first = map_streamed(kernel, first, n, inputs, n_inputs, n_arrays, outputs, n_outputs, values)
    for k in range((n - first) // BLOCK):
        at = first + k * BLOCK
        map_block(f, n_inputs, n_outputs, a + at, b + at, c + at, d + at, params, at * step, step, y + at, z + at)
    if rest:
        map_part(kernel, n - rest, rest, inputs, n_inputs, n_arrays, outputs, n_outputs, values)


cdef inline void map_scalars(Function f, pyacts_kernel kernel, int n_inputs, int n_outputs, bint heavy, size_t n,
                             const void *const *inputs, void *const *outputs, const double *values,
                             int n_params) noexcept nogil:
    """map with parameters that are numbers, rounded to their type."""
    cdef parameter rounded[MOST_PARAMS]
    cdef const parameter *params[MOST_PARAMS]
    cdef int k
    for k in range(n_params):
        rounded[k] = <parameter>values[k]
        params[k] = &rounded[k]
    map(f, kernel, n_inputs, n_outputs, heavy, n, inputs, outputs, values, params, 0, 0)


cdef inline void map_arrays(Function f, pyacts_kernel kernel, int n_inputs, int n_outputs, bint heavy, size_t n,
                            const void *const *inputs, void *const *outputs, int n_params) noexcept nogil:
    """map with parameters that are arrays of n, which are further inputs."""
    map(f, kernel, n_inputs, n_outputs, heavy, n, inputs, outputs, NULL,
        <const parameter *const *>(inputs + n_inputs), n_params, 1)
