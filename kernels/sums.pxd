"""Sums whose value depends on nothing but the numbers and their order.

Term i goes to lane i mod LANES; after every chunk() terms the lanes are folded, the upper half onto the lower until one
is left, and that is added to the total, whose rounding error is kept. Lanes are what the compiler vectorises, along a
row or across columns, so rows, columns and every instruction set give the same bits. For float32 too, they are doubles.
"""
from real cimport EXACT, SINGLE

cdef enum:
    LANES = 16
    AT_ONCE = 4         # terms that a lane takes in a register: through memory, each waits for the last
    TILE = 32           # columns summed side by side: whole vectors at every level, and the lanes fit the first cache


cdef inline size_t chunk() noexcept nogil:
    """How many terms are added before the lanes are folded.

    In float64, whose own rounding errors count, a lane adds 4: with 32, softmax was off by 12 ULP where one term is 1
    and the others are small. It takes up to 15 % longer.
    """
    return 512 if SINGLE or EXACT else 64


cdef struct Total:
    double high
    double low


cdef inline Total added(Total total, double term) noexcept nogil:
    """total + term (Knuth's two-sum)."""
    cdef Total y
    cdef double rounded
    y.high = total.high + term
    rounded = y.high - total.high
    y.low = total.low + ((total.high - (y.high - rounded)) + (term - rounded))
    return y


cdef inline double value_of(Total total) noexcept nogil:
    """The sum. An infinite one has a NaN for its rounding error."""
    return total.high + total.low if total.low == total.low else total.high


cdef inline void clear(size_t n_lanes, size_t width, size_t step, double *lanes) noexcept nogil:
    """Zero the lanes of `width` sums side by side; lane i begins at i * step."""
    cdef size_t i, j
    for i in range(n_lanes):
        for j in range(width):
            lanes[i * step + j] = 0


cdef inline void fold_onto(size_t half, size_t n_lanes, size_t width, size_t step, double *lanes) noexcept nogil:
    cdef size_t i, j
    for i in range(half):
        if i + half < n_lanes:
            for j in range(width):
                lanes[i * step + j] += lanes[(i + half) * step + j]


cdef inline void fold(size_t n_lanes, size_t width, size_t step, double *lanes) noexcept nogil:
    """Leave each sum in its lane 0. Only the first n_lanes have been used.

    Not a loop, so that the compiler knows each length: a row's fold is then a few instructions.
    """
    fold_onto(8, n_lanes, width, step, lanes)
    fold_onto(4, n_lanes, width, step, lanes)
    fold_onto(2, n_lanes, width, step, lanes)
    fold_onto(1, n_lanes, width, step, lanes)
