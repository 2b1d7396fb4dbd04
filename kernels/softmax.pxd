"""softmax along the middle axis of an (outer, n, inner) array: e**(x - m) / sum(e**(x - m)) with m = max(x).

A row (inner = 1) is vectorised along itself, short rows a tile at a time and any other layout across columns. All add
in the order that sums.pxd fixes, so all give the same bits. float32 stays within 2 ULP because the rounding error of
x - m is kept: dropping it costs 7 to 66 ULP, more than everything else together.

The gradient from y is y (grad - sum(grad y)), the sum being kept as a number and its rounding error.
"""
from libc.string cimport memcpy
from real cimport INFINITE, NOT_A_NUMBER, ONE, SINGLE, ZERO, at_least, fused, product_error, real, storage
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

cdef inline void load(size_t count, const storage *x, real filler, storage *span) noexcept nogil:
    cdef size_t i
    for i in range(LANES):
        span[i] = filler
    memcpy(span, x, count * sizeof(storage))


cdef inline real largest(size_t n, const storage *x) noexcept nogil:
    """The maximum of a row. NaN may be passed over: it makes the sum NaN."""
    cdef storage last[LANES]
    cdef real top[LANES]
    cdef size_t rest = n % LANES, half = LANES // 2, k, i
    for i in range(LANES):
        top[i] = -INFINITE
    for k in range(n // LANES):
        for i in range(LANES):
            top[i] = at_least(x[k * LANES + i], top[i])
    if rest:
        load(rest, x + n - rest, -INFINITE, last)
        for i in range(LANES):
            top[i] = at_least(last[i], top[i])
    while half > 0:
        for i in range(half):
            top[i] = at_least(top[i + half], top[i])
        half //= 2
    return top[0]


cdef inline void exponentials(const storage *x, real top, storage *y, double *lanes) noexcept nogil:
    cdef real e[LANES]
    cdef size_t i
    for i in range(LANES):
        e[i] = exp_below(x[i], top)
    for i in range(LANES):
        y[i] = e[i]
        lanes[i] += <double>e[i]


cdef inline void scale(const storage *e, Factor factor, storage *y) noexcept nogil:
    cdef real result[LANES]
    cdef size_t i
    for i in range(LANES):
        result[i] = scaled(e[i], factor)
    for i in range(LANES):
        y[i] = result[i]


cdef inline void softmax_row(size_t n, const storage *x, storage *y) noexcept nogil:
    cdef double lanes[LANES]
    cdef storage last[LANES]
    cdef Total total = Total(0, 0)
    cdef Factor factor
    cdef real top = largest(n, x)
    cdef size_t rest = n % LANES, whole = n - rest, start = 0, k
    while start < n:
        clear(LANES, 1, 1, lanes)
        for k in range(start // LANES, min(start + CHUNK, whole) // LANES):
            exponentials(x + k * LANES, top, y + k * LANES, lanes)
        start += CHUNK
        if start >= n and rest:
            load(rest, x + whole, -INFINITE, last)
            exponentials(last, top, last, lanes)
        fold(LANES, 1, 1, lanes)
        total = added(total, lanes[0])
    factor = inverse_of(total, top)
    for k in range(whole // LANES):
        scale(y + k * LANES, factor, y + k * LANES)
    if rest:
        scale(last, factor, last)
        memcpy(y + whole, last, rest * sizeof(storage))


cdef inline void products(const storage *grad, const storage *y, double *lanes) noexcept nogil:
    cdef size_t i
    for i in range(LANES):
        lanes[i] += <double>grad[i] * <double>y[i]


cdef inline void gradients(const storage *grad, const storage *y, Factor dot, storage *dx) noexcept nogil:
    cdef real result[LANES]
    cdef size_t i
    for i in range(LANES):
        result[i] = gradient(grad[i], y[i], dot)
    for i in range(LANES):
        dx[i] = result[i]


cdef inline void softmax_backward_row(size_t n, const storage *grad, const storage *y, storage *dx) noexcept nogil:
    cdef double lanes[LANES]
    cdef storage last_grad[LANES]
    cdef storage last_y[LANES]
    cdef Total total = Total(0, 0)
    cdef Factor dot
    cdef size_t rest = n % LANES, whole = n - rest, start = 0, k
    while start < n:
        clear(LANES, 1, 1, lanes)
        for k in range(start // LANES, min(start + CHUNK, whole) // LANES):
            products(grad + k * LANES, y + k * LANES, lanes)
        start += CHUNK
        if start >= n and rest:
            load(rest, grad + whole, ZERO, last_grad)
            load(rest, y + whole, ZERO, last_y)
            products(last_grad, last_y, lanes)
        fold(LANES, 1, 1, lanes)
        total = added(total, lanes[0])
    dot = parts(value_of(total))
    for k in range(whole // LANES):
        gradients(grad + k * LANES, y + k * LANES, dot, dx + k * LANES)
    if rest:
        gradients(last_grad, last_y, dot, last_grad)
        memcpy(dx + whole, last_grad, rest * sizeof(storage))


# ----------------------------------------------------------------------------------------------------------------
# Columns: width of them (at most TILE) side by side, `inner` elements from one row to the next

cdef inline void softmax_columns(size_t n, size_t inner, size_t width, const storage *x, storage *y) noexcept nogil:
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
        for j in range(width):
            top[j] = at_least(x[row * inner + j], top[j])
    while start < n:
        clear(used, width, TILE, lanes)
        for row in range(start, min(start + CHUNK, n)):
            for j in range(width):
                e[j] = exp_below(x[row * inner + j], top[j])
            for j in range(width):
                y[row * inner + j] = e[j]
                lanes[row % LANES * TILE + j] += <double>e[j]
        start += CHUNK
        fold(used, width, TILE, lanes)
        for j in range(width):
            total[j] = added(total[j], lanes[j])
    for j in range(width):
        factor[j] = inverse_of(total[j], top[j])
    for row in range(n):
        for j in range(width):
            e[j] = scaled(y[row * inner + j], factor[j])
        for j in range(width):
            y[row * inner + j] = e[j]


cdef inline void softmax_backward_columns(size_t n, size_t inner, size_t width, const storage *grad, const storage *y,
                                          storage *dx) noexcept nogil:
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
            for j in range(width):
                lanes[row % LANES * TILE + j] += <double>grad[row * inner + j] * <double>y[row * inner + j]
        start += CHUNK
        fold(used, width, TILE, lanes)
        for j in range(width):
            total[j] = added(total[j], lanes[j])
    for j in range(width):
        dot[j] = parts(value_of(total[j]))
    for row in range(n):
        for j in range(width):
            result[j] = gradient(grad[row * inner + j], y[row * inner + j], dot[j])
        for j in range(width):
            dx[row * inner + j] = result[j]


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
