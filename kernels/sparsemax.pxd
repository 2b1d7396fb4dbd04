"""Probabilities of which many are exactly 0, along the middle axis of an (outer, n, inner) array; z = x - max(x).

    sparsemax   max(z - tau, 0)             with tau such that the sum is 1
    entmax15    max(z / 2 - tau, 0)**2

The sum falls with tau and is convex, so Newton's method from tau = -1, where it is at least 1, never oversteps. For
sparsemax every step solves for the numbers above tau, and one that leaves their count as it was is exact; for entmax15
the error is squared from step to step. Sums and tau are double: float32 results are rounded once.

The gradients are s (grad - sum(s grad) / sum(s)), s being 1 where y > 0, for entmax15 sqrt(y).

hardmax is 1 at the first of the largest numbers, a NaN counting as the largest, and 0 elsewhere, as is its gradient.
"""
from libc.math cimport sqrt
from lines cimport give, largest_lane, line_top, spans, take
from maxout cimport beats
from real cimport INFINITE, ONE, ZERO, as_real, packed_real, put, real, real_bits, storage, widened, zero_or_nan
from sums cimport LANES, Total, added, chunk, clear, fold, value_of
from table cimport pyacts_softmax_options

cdef enum:
    FEW = 24        # numbers of which the largest is found faster one by one
    STEPS = 100     # more than Newton's method takes: sparsemax's usually 5, each further one a factor in the count


cdef inline double distance(real x, real top, double factor, double tau) noexcept nogil:
    """z - tau, or 0 if that is negative; equals of an infinite top are 0 from it."""
    cdef double a = (0.0 if x == top else (<double>x - <double>top) * factor) - tau
    return 0.0 if a < 0 else a


cdef inline void line_of(bint squared, size_t n, size_t step, const storage *x, storage *y) noexcept nogil:
    cdef real buffer[LANES]
    cdef real results[LANES]
    cdef const packed_real *values
    cdef double first[LANES]
    cdef double second[LANES]
    cdef Total linear, square
    cdef double factor = 0.5 if squared else 1.0, tau = -1, a, change, count, before = -1
    cdef real top = line_top(n, x, step)
    cdef size_t start, k, i
    cdef int _
    for _ in range(STEPS):
        start = 0
        linear, square = Total(0, 0), Total(0, 0)
        while start < n:
            clear(LANES, 1, 1, first)
            clear(LANES, 1, 1, second)
            for k in range(start // LANES, spans(min(start + chunk(), n))):
                values = take(n, x, step, k * LANES, -INFINITE, buffer)
                for i in range(LANES):
                    a = distance(values[i], top, factor, tau)
                    first[i] += a
                    second[i] += a * a if squared else (1.0 if a > 0 else 0.0)
            start += chunk()
            fold(LANES, 1, 1, first)
            fold(LANES, 1, 1, second)
            linear, square = added(linear, first[0]), added(square, second[0])
        if squared:
            change = (value_of(square) - 1) / (2 * value_of(linear))
            tau += change
            if not change > 1e-14:
                break
        else:
            count = value_of(square)
            tau += (value_of(linear) - 1) / count
            if count == before:
                break
            before = count
    if top == -INFINITE:        # nothing but -inf, or a NaN
        tau = <double>INFINITE - <double>INFINITE
    for k in range(spans(n)):
        values = take(n, x, step, k * LANES, -INFINITE, buffer)
        for i in range(LANES):
            a = distance(values[i], top, factor, tau)
            results[i] = <real>(a * a if squared else a)
        give(n, results, y, step, k * LANES)


cdef inline double support(bint squared, real y) noexcept nogil:
    return sqrt(<double>y) if squared else (1.0 if y > ZERO else <double>y)


cdef inline void gradient_line(bint squared, size_t n, size_t step, const storage *grad, const storage *y,
                               storage *dx) noexcept nogil:
    cdef real grad_buffer[LANES]
    cdef real y_buffer[LANES]
    cdef real results[LANES]
    cdef const packed_real *grads
    cdef const packed_real *ys
    cdef double products[LANES]
    cdef double weights[LANES]
    cdef Total product = Total(0, 0), weight = Total(0, 0)
    cdef double s, mean
    cdef size_t start = 0, k, i
    while start < n:
        clear(LANES, 1, 1, products)
        clear(LANES, 1, 1, weights)
        for k in range(start // LANES, spans(min(start + chunk(), n))):
            grads = take(n, grad, step, k * LANES, ZERO, grad_buffer)
            ys = take(n, y, step, k * LANES, ZERO, y_buffer)
            for i in range(LANES):
                s = support(squared, ys[i])
                products[i] += s * <double>grads[i]
                weights[i] += s
        start += chunk()
        fold(LANES, 1, 1, products)
        fold(LANES, 1, 1, weights)
        product, weight = added(product, products[0]), added(weight, weights[0])
    mean = value_of(product) / value_of(weight)
    for k in range(spans(n)):
        grads = take(n, grad, step, k * LANES, ZERO, grad_buffer)
        ys = take(n, y, step, k * LANES, ZERO, y_buffer)
        for i in range(LANES):
            results[i] = <real>(support(squared, ys[i]) * (<double>grads[i] - mean))
        give(n, results, dx, step, k * LANES)


cdef inline void lines_of(bint squared, size_t outer, size_t n, size_t inner, const storage *x,
                          storage *y) noexcept nogil:
    cdef size_t k, at
    for k in range(outer * inner):
        at = k // inner * n * inner + k % inner
        line_of(squared, n, inner, x + at, y + at)


cdef inline void gradient_lines(bint squared, size_t outer, size_t n, size_t inner, const storage *grad,
                                const storage *y, storage *dx) noexcept nogil:
    cdef size_t k, at
    for k in range(outer * inner):
        at = k // inner * n * inner + k % inner
        gradient_line(squared, n, inner, grad + at, y + at, dx + at)


cdef inline void sparsemax(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                           const pyacts_softmax_options *options) noexcept nogil:
    lines_of(False, outer, n, inner, x, y)


cdef inline void sparsemax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                      storage *dx, const pyacts_softmax_options *options) noexcept nogil:
    gradient_lines(False, outer, n, inner, grad, y, dx)


cdef inline void entmax15(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                          const pyacts_softmax_options *options) noexcept nogil:
    lines_of(True, outer, n, inner, x, y)


cdef inline void entmax15_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                     storage *dx, const pyacts_softmax_options *options) noexcept nogil:
    gradient_lines(True, outer, n, inner, grad, y, dx)


cdef inline size_t place_of_largest(size_t n, size_t step, const storage *x) noexcept nogil:
    """As beats() has it: a lane finds its own, then the first of the lanes' largest is taken, or of their NaNs."""
    cdef real buffer[LANES]
    cdef const packed_real *values
    cdef real best[LANES]
    cdef real_bits span[LANES]          # in which a lane found it
    cdef size_t place[LANES]
    cdef size_t nan_place[LANES]
    cdef size_t first = n, first_nan = n, k, i
    cdef bint better
    cdef real top, value
    if n <= FEW:
        first, top = 0, widened(x[0])
        for k in range(1, n):
            value = widened(x[k * step])
            if beats(value, top):
                first, top = k, value
        return first
    for i in range(LANES):
        best[i], span[i] = -INFINITE, 0
    for k in range(spans(n)):
        values = take(n, x, step, k * LANES, -INFINITE, buffer)
        for i in range(LANES):
            better = beats(values[i], best[i])
            best[i] = values[i] if better else best[i]
            span[i] = <real_bits>k if better else span[i]
    top = largest_lane(best)
    for i in range(LANES):
        place[i] = <size_t>span[i] * LANES + i if best[i] == top else n
        nan_place[i] = <size_t>span[i] * LANES + i if best[i] != best[i] else n
    for i in range(LANES):
        first, first_nan = min(first, place[i]), min(first_nan, nan_place[i])
    return first_nan if first_nan < n else first


cdef inline void hardmax(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                         const pyacts_softmax_options *options) noexcept nogil:
    cdef real zeros[LANES]
    cdef real one = ONE
    cdef size_t n_lines = outer * inner if n > 0 else 0, k, at, i, j, place
    for i in range(LANES):
        zeros[i] = ZERO
    for k in range(n_lines):
        at = k // inner * n * inner + k % inner
        place = place_of_largest(n, inner, x + at)
        for j in range(spans(n)):
            give(n, zeros, y + at, inner, j * LANES)
        put(1, &one, y + at + place * inner)


cdef inline void hardmax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                    storage *dx, const pyacts_softmax_options *options) noexcept nogil:
    cdef real buffer[LANES]
    cdef real values[LANES]
    cdef const packed_real *grads
    cdef size_t total = outer * n * inner, j, i
    for j in range(spans(total)):
        grads = take(total, grad, 1, j * LANES, ZERO, buffer)
        for i in range(LANES):
            values[i] = zero_or_nan(grads[i], ZERO)
        give(total, values, dx, 1, j * LANES)
