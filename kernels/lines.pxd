"""A line along any axis, LANES numbers at a time: what is made once per line, without a loop of its own for columns."""
from libc.string cimport memcpy
from real cimport as_real, packed_real, put, real, storage, widened
from sums cimport LANES


cdef inline size_t spans(size_t n) noexcept nogil:
    return (n + LANES - 1) // LANES


cdef inline void take(size_t n, const storage *x, size_t step, size_t at, real filler, real *values) noexcept nogil:
    """x[at : at + LANES] of a line of n whose numbers are step apart."""
    cdef size_t count = min(n - at, <size_t>LANES), i
    cdef const packed_real *reals
    if step == 1 and count == LANES:
        reals = as_real(LANES, x + at, values)
        if <const packed_real *>values != reals:
            memcpy(values, reals, LANES * sizeof(real))
        return
    for i in range(LANES):
        values[i] = widened(x[(at + i) * step]) if i < count else filler


cdef inline void give(size_t n, const real *values, storage *y, size_t step, size_t at) noexcept nogil:
    cdef storage narrow[LANES]
    cdef size_t i
    if step == 1 and n - at >= LANES:
        put(LANES, values, y + at)
        return
    put(LANES, values, narrow)
    for i in range(min(n - at, <size_t>LANES)):
        y[(at + i) * step] = narrow[i]
