"""Sums whose value depends on nothing but the numbers and their order.

Term i goes to lane i mod LANES; after every CHUNK terms the lanes are added in a fixed tree, and that is added to the
total with its rounding error kept. Lanes are what the compiler vectorises, along a row or across columns, so rows,
columns and every instruction set give the same bits. Lanes are doubles for float32 too.
"""

cdef enum:
    LANES = 16
    CHUNK = 4096        # a lane adds at most CHUNK / LANES = 256 terms before the tree


cdef struct Total:
    double high
    double low


cdef inline void add_to(Total *total, double term) noexcept nogil:
    """total += term (Knuth's two-sum)."""
    cdef double sum = total.high + term
    cdef double other = sum - total.high
    total.low += (total.high - (sum - other)) + (term - other)
    total.high = sum


cdef inline double value_of(const Total *total) noexcept nogil:
    """The sum. An infinite one has a NaN for its rounding error."""
    return total.high + total.low if total.low == total.low else total.high


cdef inline double tree(const double *lanes, size_t step) noexcept nogil:
    """The sum of lanes[0], lanes[step], ..., the upper half onto the lower until one is left."""
    cdef double t[LANES]
    cdef size_t half = LANES // 2, i
    for i in range(half):
        t[i] = lanes[i * step] + lanes[(i + half) * step]
    while half > 1:
        half //= 2
        for i in range(half):
            t[i] = t[i] + t[i + half]
    return t[0]
