"""softmax along the middle axis of an (outer, n, inner) array: e**(x - m) / sum(e**(x - m)) with m = max(x).

A row (inner = 1) is vectorised along itself, short rows a tile at a time and any other layout across columns. All add
in the order that sums.pxd fixes, so all give the same bits. float32 stays within 2 ULP because the rounding error of
x - m is kept: dropping it costs 7 to 66 ULP, more than everything else together.

The gradient from y is y (grad - sum(grad y)), the sum being kept as a number and its rounding error.
"""
from libc.string cimport memcpy
from real cimport (CONVERTED, INFINITE, NOT_A_NUMBER, ONE, SINGLE, ZERO, as_real, at_least, fused, muladd, narrowed,
                   packed_real, product_error, put, real, storage, widened)
from sums cimport CHUNK, LANES, TILE, Total, added, clear, fold, value_of
from vmath cimport Exponential, Sum, exponential, raised, two_sum

cdef enum:
    SHORT = 32      # rows up to this long are taken TILE at a time: alone, such a row is mostly lane handling


cdef inline real exp_below(real x, real top) noexcept nogil:
    """e**(x - top) for x <= top, times raised(), which the quotient cancels: so only that can be subnormal.

    0 where the quotient rounds to 0, which costs nothing, while a product that underflows may cost 100 cycles. An
    infinite top leaves its equals and nothing else.
    """
    cdef Sum a = two_sum(top, -x)
    cdef Exponential e = exponential(a.high, a.low, <real>(64.0 if SINGLE else 400.0))
    cdef real y = ZERO if a.high > <real>(104.0 if SINGLE else 746.0) else muladd(e.scale, e.fraction, e.scale)
    return raised() if x == top else y


cdef struct Factor:     # a number as high + low
    real high
    real low


cdef inline Factor inverse_of(Total total, real top) noexcept nogil:
    """1 / total; NaN for a row of nothing but -inf."""
    cdef Factor factor
    cdef double inverse = 1 / value_of(total)
    cdef real high = <real>inverse, product = high * <real>total.high
    factor.high = NOT_A_NUMBER if top == -INFINITE else high
    if SINGLE:
        factor.low = <real>(inverse - <double>high)
    else:
        factor.low = high * ((ONE - product) - product_error(high, <real>total.high, product) - high * <real>total.low)
    return factor


cdef inline real scaled(real e, Factor factor) noexcept nogil:
    return fused(e, factor.high, e * factor.low)


cdef inline Factor parts(double dot) noexcept nogil:
    cdef Factor factor
    factor.high = <real>dot
    factor.low = ZERO if SINGLE and factor.high - factor.high != ZERO else <real>(dot - <double>factor.high)
    return factor


cdef inline real gradient(real grad, real y, Factor dot) noexcept nogil:
    return y * ((grad - dot.high) - dot.low)


# ----------------------------------------------------------------------------------------------------------------
# Rows, LANES elements at a time; what is missing from the last ones is filled with something that does not count.

cdef inline size_t spans(size_t n) noexcept nogil:
    return (n + LANES - 1) // LANES


cdef inline const packed_real *span(size_t n, const storage *x, size_t at, real filler, real *buffer) noexcept nogil:
    """x[at : at + LANES] of a row of n."""
    cdef storage last[LANES]
    cdef const packed_real *reals
    cdef size_t i
    if n - at >= LANES:
        return as_real(LANES, x + at, buffer)
    memcpy(last, x + at, (n - at) * sizeof(storage))
    reals = as_real(LANES, last, buffer)
    for i in range(LANES):
        buffer[i] = reals[i] if i < n - at else filler
    return <const packed_real *>buffer


cdef inline void put_span(size_t n, const real *result, storage *y, size_t at) noexcept nogil:
    cdef storage last[LANES]
    if n - at >= LANES:
        put(LANES, result, y + at)
    else:
        put(LANES, result, last)
        memcpy(y + at, last, (n - at) * sizeof(storage))


cdef inline void larger_half(size_t half, size_t rows, const real *x, real *larger) noexcept nogil:
    cdef size_t row, i
    for row in range(rows):
        for i in range(half):
            larger[row * half + i] = at_least(x[row * 2 * half + i], x[row * 2 * half + half + i])


cdef inline real largest(size_t n, const storage *x) noexcept nogil:
    """The maximum of a row. NaN may be passed over: it makes the sum NaN."""
    cdef real buffer[LANES]
    cdef real top[LANES]
    cdef real eight[8]
    cdef real four[4]
    cdef const packed_real *reals
    cdef size_t k, i
    for i in range(LANES):
        top[i] = -INFINITE
    for k in range(spans(n)):
        reals = span(n, x, k * LANES, -INFINITE, buffer)
        for i in range(LANES):
            top[i] = at_least(reals[i], top[i])
    larger_half(8, 1, top, eight)
    larger_half(4, 1, eight, four)
    larger_half(2, 1, four, top)
    return at_least(top[0], top[1])


cdef inline void softmax_row(size_t n, const storage *x, storage *y) noexcept nogil:
    cdef double lanes[LANES]
    cdef real buffer[LANES]
    cdef real e[LANES]
    cdef const packed_real *reals
    cdef Total total = Total(0, 0)
    cdef Factor factor
    cdef real top = largest(n, x)
    cdef size_t start = 0, k, i
    while start < n:
        clear(LANES, 1, 1, lanes)
        for k in range(start // LANES, spans(min(start + CHUNK, n))):
            reals = span(n, x, k * LANES, -INFINITE, buffer)
            for i in range(LANES):
                e[i] = exp_below(reals[i], top)
            for i in range(LANES):
                lanes[i] += <double>e[i]
            if not CONVERTED:
                put_span(n, e, y, k * LANES)
        start += CHUNK
        fold(LANES, 1, 1, lanes)
        total = added(total, lanes[0])
    factor = inverse_of(total, top)
    for k in range(spans(n)):
        # A half would have lost the digits of the exponentials, which are then computed again.
        reals = span(n, x if CONVERTED else y, k * LANES, -INFINITE, buffer)
        for i in range(LANES):
            e[i] = scaled(exp_below(reals[i], top) if CONVERTED else reals[i], factor)
        put_span(n, e, y, k * LANES)


cdef inline void softmax_backward_row(size_t n, const storage *grad, const storage *y, storage *dx) noexcept nogil:
    cdef double lanes[LANES]
    cdef real grad_buffer[LANES]
    cdef real y_buffer[LANES]
    cdef real result[LANES]
    cdef const packed_real *grads
    cdef const packed_real *ys
    cdef Total total = Total(0, 0)
    cdef Factor dot
    cdef size_t start = 0, k, i
    while start < n:
        clear(LANES, 1, 1, lanes)
        for k in range(start // LANES, spans(min(start + CHUNK, n))):
            grads, ys = span(n, grad, k * LANES, ZERO, grad_buffer), span(n, y, k * LANES, ZERO, y_buffer)
            for i in range(LANES):
                lanes[i] += <double>grads[i] * <double>ys[i]
        start += CHUNK
        fold(LANES, 1, 1, lanes)
        total = added(total, lanes[0])
    dot = parts(value_of(total))
    for k in range(spans(n)):
        grads, ys = span(n, grad, k * LANES, ZERO, grad_buffer), span(n, y, k * LANES, ZERO, y_buffer)
        for i in range(LANES):
            result[i] = gradient(grads[i], ys[i], dot)
        put_span(n, result, dx, k * LANES)


# ----------------------------------------------------------------------------------------------------------------
# Columns: width of them (at most TILE) side by side, `inner` elements from one row to the next

cdef inline void softmax_columns(size_t n, size_t inner, size_t width, const storage *x, storage *y) noexcept nogil:
    cdef real buffer[TILE]
    cdef const packed_real *reals
    cdef real top[TILE]
    cdef real e[TILE]
    cdef double lanes[LANES * TILE]
    cdef Total total[TILE]
    cdef Factor factor[TILE]
    cdef size_t used = min(n, <size_t>LANES), start = 0, row, j
    for j in range(width):
        top[j] = -INFINITE
        total[j] = Total(0, 0)
    for row in range(n):
        reals = as_real(width, x + row * inner, buffer)
        for j in range(width):
            top[j] = at_least(reals[j], top[j])
    while start < n:
        clear(used, width, TILE, lanes)
        for row in range(start, min(start + CHUNK, n)):
            reals = as_real(width, x + row * inner, buffer)
            for j in range(width):
                e[j] = exp_below(reals[j], top[j])
            for j in range(width):
                lanes[row % LANES * TILE + j] += <double>e[j]
            if not CONVERTED:
                put(width, e, y + row * inner)
        start += CHUNK
        fold(used, width, TILE, lanes)
        for j in range(width):
            total[j] = added(total[j], lanes[j])
    for j in range(width):
        factor[j] = inverse_of(total[j], top[j])
    for row in range(n):
        reals = as_real(width, (x if CONVERTED else y) + row * inner, buffer)
        for j in range(width):
            e[j] = scaled(exp_below(reals[j], top[j]) if CONVERTED else reals[j], factor[j])
        put(width, e, y + row * inner)


cdef inline void softmax_backward_columns(size_t n, size_t inner, size_t width, const storage *grad, const storage *y,
                                          storage *dx) noexcept nogil:
    cdef real grad_buffer[TILE]
    cdef real y_buffer[TILE]
    cdef const packed_real *grads
    cdef const packed_real *ys
    cdef real result[TILE]
    cdef double lanes[LANES * TILE]
    cdef Total total[TILE]
    cdef Factor dot[TILE]
    cdef size_t used = min(n, <size_t>LANES), start = 0, row, j
    for j in range(width):
        total[j] = Total(0, 0)
    while start < n:
        clear(used, width, TILE, lanes)
        for row in range(start, min(start + CHUNK, n)):
            grads, ys = as_real(width, grad + row * inner, grad_buffer), as_real(width, y + row * inner, y_buffer)
            for j in range(width):
                lanes[row % LANES * TILE + j] += <double>grads[j] * <double>ys[j]
        start += CHUNK
        fold(used, width, TILE, lanes)
        for j in range(width):
            total[j] = added(total[j], lanes[j])
    for j in range(width):
        dot[j] = parts(value_of(total[j]))
    for row in range(n):
        grads, ys = as_real(width, grad + row * inner, grad_buffer), as_real(width, y + row * inner, y_buffer)
        for j in range(width):
            result[j] = gradient(grads[j], ys[j], dot[j])
        put(width, result, dx + row * inner)


# ----------------------------------------------------------------------------------------------------------------
# Short rows: TILE of them at a time, each padded to a width that the compiler knows, so that what is done once per row
# is vectorised as well. Lanes that hold only padding need not be folded.

cdef inline void load_tile(size_t width, size_t n, const storage *x, real filler, real *padded) noexcept nogil:
    cdef size_t row
    cdef unsigned int wanted = <unsigned int>n, i       # 32 bits: one mask for float32
    for row in range(TILE):
        for i in range(width):
            padded[row * width + i] = widened(x[row * n + i]) if i < wanted else filler


cdef inline void store_tile(size_t width, size_t n, const real *padded, storage *y) noexcept nogil:
    cdef size_t row
    cdef unsigned int wanted = <unsigned int>n, i
    for row in range(TILE):
        for i in range(width):
            if i < wanted:
                y[row * n + i] = narrowed(padded[row * width + i])


cdef inline void largest_of_tile(size_t width, const real *x, real *top) noexcept nogil:
    cdef real sixteen[TILE * 16]
    cdef real eight[TILE * 8]
    cdef real four[TILE * 4]
    cdef real two[TILE * 2]
    if width == 32:
        larger_half(16, TILE, x, sixteen)
        larger_half(8, TILE, sixteen, eight)
    elif width == 16:
        larger_half(8, TILE, x, eight)
    larger_half(4, TILE, x if width == 8 else <const real *>eight, four)
    larger_half(2, TILE, four, two)
    larger_half(1, TILE, two, top)


cdef inline void halve(size_t half, const double *lanes, double *folded) noexcept nogil:
    cdef size_t row, i
    for row in range(TILE):
        for i in range(half):
            folded[row * half + i] = lanes[row * 2 * half + i] + lanes[row * 2 * half + half + i]


cdef inline void fold_tile(size_t width, const double *terms, double *sums) noexcept nogil:
    """The sums of the rows. Of width > LANES the lanes have two terms each, which the first halving adds."""
    cdef double sixteen[TILE * 16]
    cdef double eight[TILE * 8]
    cdef double four[TILE * 4]
    cdef double two[TILE * 2]
    if width == 32:
        halve(16, terms, sixteen)
        halve(8, sixteen, eight)
    elif width == 16:
        halve(8, terms, eight)
    halve(4, terms if width == 8 else <const double *>eight, four)
    halve(2, four, two)
    halve(1, two, sums)


cdef inline void softmax_tile(size_t width, size_t n, const storage *x, storage *y) noexcept nogil:
    cdef real e[TILE * SHORT]
    cdef real top[TILE]
    cdef double terms[TILE * SHORT]
    cdef double sums[TILE]
    cdef Factor factor[TILE]
    cdef size_t row, i
    load_tile(width, n, x, -INFINITE, e)
    largest_of_tile(width, e, top)
    for row in range(TILE):
        for i in range(width):
            e[row * width + i] = exp_below(e[row * width + i], top[row])
    for i in range(TILE * width):
        terms[i] = <double>e[i]
    fold_tile(width, terms, sums)
    for row in range(TILE):
        factor[row] = inverse_of(added(Total(0, 0), sums[row]), top[row])
    for row in range(TILE):
        for i in range(width):
            e[row * width + i] = scaled(e[row * width + i], factor[row])
    store_tile(width, n, e, y)


cdef inline void softmax_backward_tile(size_t width, size_t n, const storage *grad, const storage *y,
                                       storage *dx) noexcept nogil:
    cdef real grads[TILE * SHORT]
    cdef real ys[TILE * SHORT]
    cdef double terms[TILE * SHORT]
    cdef double sums[TILE]
    cdef Factor dot[TILE]
    cdef size_t row, i
    load_tile(width, n, grad, ZERO, grads)
    load_tile(width, n, y, ZERO, ys)
    for i in range(TILE * width):
        terms[i] = 0.0 + <double>grads[i] * <double>ys[i]
    fold_tile(width, terms, sums)
    for row in range(TILE):
        dot[row] = parts(value_of(added(Total(0, 0), sums[row])))
    for row in range(TILE):
        for i in range(width):
            grads[row * width + i] = gradient(grads[row * width + i], ys[row * width + i], dot[row])
    store_tile(width, n, grads, dx)


# ----------------------------------------------------------------------------------------------------------------
# The whole array. A full tile has a width that the compiler knows.

cdef inline void softmax_rows(size_t outer, size_t n, const storage *x, storage *y) noexcept nogil:
    cdef size_t tiled = outer - outer % TILE if n <= SHORT else 0, k, at
    for k in range(tiled // TILE):
        at = k * TILE * n
        if n <= 8:
            softmax_tile(8, n, x + at, y + at)
        elif n <= 16:
            softmax_tile(16, n, x + at, y + at)
        else:
            softmax_tile(32, n, x + at, y + at)
    for k in range(tiled, outer):
        softmax_row(n, x + k * n, y + k * n)


cdef inline void softmax(size_t outer, size_t n, size_t inner, const storage *x, storage *y) noexcept nogil:
    cdef size_t k, j, at
    if inner == 1:
        softmax_rows(outer, n, x, y)
        return
    for k in range(outer):
        for j in range(inner // TILE):
            at = k * n * inner + j * TILE
            softmax_columns(n, inner, TILE, x + at, y + at)
        if inner % TILE:
            at = k * n * inner + inner - inner % TILE
            softmax_columns(n, inner, inner % TILE, x + at, y + at)


cdef inline void softmax_backward_rows(size_t outer, size_t n, const storage *grad, const storage *y,
                                       storage *dx) noexcept nogil:
    cdef size_t tiled = outer - outer % TILE if n <= SHORT else 0, k, at
    for k in range(tiled // TILE):
        at = k * TILE * n
        if n <= 8:
            softmax_backward_tile(8, n, grad + at, y + at, dx + at)
        elif n <= 16:
            softmax_backward_tile(16, n, grad + at, y + at, dx + at)
        else:
            softmax_backward_tile(32, n, grad + at, y + at, dx + at)
    for k in range(tiled, outer):
        softmax_backward_row(n, grad + k * n, y + k * n, dx + k * n)


cdef inline void softmax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                    storage *dx) noexcept nogil:
    cdef size_t k, j, at
    if inner == 1:
        softmax_backward_rows(outer, n, grad, y, dx)
        return
    for k in range(outer):
        for j in range(inner // TILE):
            at = k * n * inner + j * TILE
            softmax_backward_columns(n, inner, TILE, grad + at, y + at, dx + at)
        if inner % TILE:
            at = k * n * inner + inner - inner % TILE
            softmax_backward_columns(n, inner, inner % TILE, grad + at, y + at, dx + at)
