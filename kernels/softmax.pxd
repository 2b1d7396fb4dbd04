"""softmax along the middle axis of an (outer, n, inner) array: e**(x - m) / sum(e**(x - m)) with m = max(x).

A row (inner = 1) is vectorised along itself, short rows a tile at a time and any other layout across columns. All add
in the order that sums.pxd fixes, so all give the same bits. float32 stays within 2 ULP because the rounding error of
x - m is kept: dropping it costs 7 to 66 ULP, more than everything else together.

The gradient from y is y (grad - sum(grad y)), the sum being kept as a number and its rounding error.
"""
from libc.string cimport memcpy
from real cimport (CONVERTED, INFINITE, NOT_A_NUMBER, ONE, SINGLE, ZERO, as_real, at_least, fused, packed_real,
                   product_error, put, real, storage)
from sums cimport CHUNK, LANES, TILE, Total, added, clear, fold, value_of
from vmath cimport Sum, exp_negative_raised, raised, two_sum

cdef enum:
    SHORT = 64      # rows up to this long are made columns, TILE rows at a time: alone, a row is mostly lane handling


cdef inline real exp_below(real x, real top) noexcept nogil:
    """e**(x - top) for x <= top, times raised(), which the quotient cancels: so only that can be subnormal.

    An infinite top leaves its equals and nothing else.
    """
    cdef Sum a = two_sum(top, -x)
    cdef real e = exp_negative_raised(a.high, a.low)
    return raised() if x == top else e


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


cdef inline real largest(size_t n, const storage *x) noexcept nogil:
    """The maximum of a row. NaN may be passed over: it makes the sum NaN."""
    cdef real buffer[LANES]
    cdef real top[LANES]
    cdef const packed_real *reals
    cdef size_t half = LANES // 2, k, i
    for i in range(LANES):
        top[i] = -INFINITE
    for k in range(spans(n)):
        reals = span(n, x, k * LANES, -INFINITE, buffer)
        for i in range(LANES):
            top[i] = at_least(reals[i], top[i])
    while half > 0:
        for i in range(half):
            top[i] = at_least(top[i + half], top[i])
        half //= 2
    return top[0]


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
# Short rows: TILE of them turned into columns and back

cdef inline void turn(size_t n, const storage *rows, storage *columns) noexcept nogil:
    cdef size_t row, i
    for row in range(TILE):
        for i in range(n):
            columns[i * TILE + row] = rows[row * n + i]


cdef inline void turn_back(size_t n, const storage *columns, storage *rows) noexcept nogil:
    cdef size_t row, i
    for row in range(TILE):
        for i in range(n):
            rows[row * n + i] = columns[i * TILE + row]


# ----------------------------------------------------------------------------------------------------------------
# The whole array. A full tile has a width that the compiler knows.

cdef inline void softmax_rows(size_t outer, size_t n, const storage *x, storage *y) noexcept nogil:
    cdef storage columns[SHORT * TILE]
    cdef size_t turned = outer - outer % TILE if n <= SHORT else 0, k
    for k in range(turned // TILE):
        turn(n, x + k * TILE * n, columns)
        softmax_columns(n, TILE, TILE, columns, columns)
        turn_back(n, columns, y + k * TILE * n)
    for k in range(turned, outer):
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
    cdef storage grad_columns[SHORT * TILE]
    cdef storage y_columns[SHORT * TILE]
    cdef size_t turned = outer - outer % TILE if n <= SHORT else 0, k
    for k in range(turned // TILE):
        turn(n, grad + k * TILE * n, grad_columns)
        turn(n, y + k * TILE * n, y_columns)
        softmax_backward_columns(n, TILE, TILE, grad_columns, y_columns, grad_columns)
        turn_back(n, grad_columns, dx + k * TILE * n)
    for k in range(turned, outer):
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
