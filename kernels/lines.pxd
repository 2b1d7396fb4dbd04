"""A line along any axis, LANES numbers at a time."""
from libc.string cimport memcpy
from real cimport CONVERTED, INFINITE, as_real, at_least, packed_real, put, real, storage, widened
from sums cimport AT_ONCE, LANES


cdef inline size_t spans(size_t n) noexcept nogil:
    return (n + LANES - 1) // LANES


cdef inline void larger_half(size_t half, size_t rows, const real *x, real *larger_ones) noexcept nogil:
    """The larger of each row's two halves. NaN may be passed over."""
    cdef size_t row, i
    for row in range(rows):
        for i in range(half):
            larger_ones[row * half + i] = at_least(x[row * 2 * half + i], x[row * 2 * half + half + i])


cdef inline real largest_lane(const real *lanes) noexcept nogil:
    cdef real eight[8]
    cdef real four[4]
    cdef real two[2]
    larger_half(8, 1, lanes, eight)
    larger_half(4, 1, eight, four)
    larger_half(2, 1, four, two)
    return at_least(two[0], two[1])


cdef inline const packed_real *take(size_t n, const storage *x, size_t step, size_t at, real filler,
                                    real *buffer) noexcept nogil:
    """x[at : at + LANES] of a line of n whose numbers are step apart: where they lie if they can be read there, else in
    buffer. What is missing from the last ones is filled with something that does not count.
    """
    cdef storage last[LANES]
    cdef const packed_real *reals
    cdef unsigned int rest, i           # 32 bits: one mask for float32
    if step == 1 and n - at >= LANES:
        return as_real(LANES, x + at, buffer)
    rest = <unsigned int>min(n - at, <size_t>LANES)
    if CONVERTED and step == 1:
        memcpy(last, x + at, rest * sizeof(storage))
        reals = as_real(LANES, last, buffer)
        for i in range(LANES):
            buffer[i] = reals[i] if i < rest else filler
    else:
        for i in range(LANES):
            buffer[i] = widened(x[(at + i) * step]) if i < rest else filler
    return <const packed_real *>buffer


cdef inline void give(size_t n, const real *values, storage *y, size_t step, size_t at) noexcept nogil:
    cdef storage last[LANES]
    cdef size_t i
    if step == 1 and n - at >= LANES:
        put(LANES, values, y + at)
        return
    put(LANES, values, last)
    for i in range(min(n - at, <size_t>LANES)):
        y[(at + i) * step] = last[i]


cdef inline real line_top(size_t n, const storage *x, size_t step) noexcept nogil:
    """The largest number of a line. NaN may be passed over."""
    cdef real buffer[AT_ONCE * LANES]
    cdef real tops[LANES]
    cdef real top
    cdef const packed_real *values
    cdef size_t at = 0, i
    for i in range(LANES):
        tops[i] = -INFINITE
    while step == 1 and at + AT_ONCE * LANES <= n:
        values = as_real(AT_ONCE * LANES, x + at, buffer)
        for i in range(LANES):
            # By pairs (AT_ONCE is 4), so that a maximum waits for the last one once instead of four times.
            top = at_least(values[i], values[LANES + i])
            top = at_least(top, at_least(values[2 * LANES + i], values[3 * LANES + i]))
            tops[i] = at_least(top, tops[i])
        at += AT_ONCE * LANES
    while at < n:
        values = take(n, x, step, at, -INFINITE, buffer)
        for i in range(LANES):
            tops[i] = at_least(values[i], tops[i])
        at += LANES
    return largest_lane(tops)
