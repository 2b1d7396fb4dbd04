"""softmax and its relatives along the middle axis of an (outer, n, inner) array.

With z = scale * x + bias and m = max(z), over what the mask and the causal bound leave,

    softmax     e**(z - m) / s      where s = sum(e**(z - m)) + e**(sink - m)
    log_softmax (z - m) - log(s)
    logsumexp   m + log(s)

A row (inner = 1) is vectorised along itself, short rows a tile at a time and any other layout across columns. All add
in the order that sums.pxd fixes, so all give the same bits; what is hidden adds 0 to the lane it would be in.

float32 stays within 2 ULP because the rounding errors of z and of z - m are kept: dropping that of z - m costs 7 to
66 ULP, more than everything else together. log(s) is log1p of the sum of all but the largest, which alone tells how
near to 1 the probability of the largest is.

The gradients are scale * y * (grad - sum(grad y)) for softmax, scale * (grad - e**y sum(grad)) for log_softmax, the
sums being kept as a number and its rounding error, and scale * grad * softmax(x) for logsumexp.
"""
from libc.string cimport memcpy
from lines cimport spans
from options cimport ALONG, INNER, OUTER, Options, completed, hide, hides, logits, options_at, reach
from real cimport (CONVERTED, EXACT, INFINITE, NEGATIVE_ZERO, NOT_A_NUMBER, ONE, SINGLE, ZERO, as_real, at_least, fused,
                   muladd, packed_real, plus_product, product_error, put, real, real_bits, storage, widened)
from sums cimport AT_ONCE, LANES, TILE, Total, added, chunk, clear, fold, value_of
from table cimport pyacts_softmax_options
from vmath cimport Exponential, Sum, exp_negative_raised, exponential, log1p_double, raised, two_sum

cdef enum:
    SHORT = 32      # rows up to this long are taken TILE at a time: alone, such a row is mostly lane handling

# What the loops are asked for: a constant wherever they are used, like `plain`, which says that there are no options.
cdef enum:
    SOFTMAX
    LOG_SOFTMAX
    LOGSUMEXP
    LOGSUMEXP_BACKWARD


cdef inline bint is_logarithm(int kind) noexcept nogil:
    return kind == LOG_SOFTMAX or kind == LOGSUMEXP


cdef inline bint is_same(real x, real x_low, Sum top) noexcept nogil:
    return x == top.high and x_low == top.low


cdef inline Sum larger(Sum top, real x, real x_low) noexcept nogil:
    """The larger of the two. NaN may be passed over: it makes the sum NaN."""
    cdef Sum y
    cdef bint above = x > top.high or (x == top.high and x_low > top.low)
    y.high = x if above else top.high
    y.low = x_low if above else top.low
    return y


cdef inline real exp_below(real x, real x_low, Sum top) noexcept nogil:
    """e**(x - top) for x <= top, times raised(), which the quotient cancels: so only that can be subnormal.

    0 where the quotient rounds to 0, which costs nothing, while a product that underflows may cost 100 cycles. An
    infinite top leaves its equals and nothing else.
    """
    cdef Sum a = two_sum(top.high, -x)
    cdef Exponential e = exponential(a.high, a.low + (top.low - x_low), <real>(64.0 if SINGLE else 400.0))
    cdef real y = ZERO if a.high > <real>(104.0 if SINGLE else 746.0) else muladd(e.scale, e.fraction, e.scale)
    return raised() if is_same(x, x_low, top) else y


cdef struct Factor:     # a number as high + low
    real high
    real low


cdef inline Factor parts(double number) noexcept nogil:
    cdef Factor factor
    factor.high = <real>number
    factor.low = ZERO if SINGLE and factor.high - factor.high != ZERO else <real>(number - <double>factor.high)
    return factor


cdef inline bint is_empty(Sum top, double total) noexcept nogil:
    """Whether there is nothing but -inf, no NaN either."""
    return top.high == -INFINITE and total == total


cdef inline Factor inverse_of(Total total, Sum top) noexcept nogil:
    """1 / total; NaN where everything is -inf."""
    cdef Factor factor
    cdef double inverse = 1 / value_of(total)
    cdef real high = <real>inverse, product = high * <real>total.high
    factor.high = NOT_A_NUMBER if top.high == -INFINITE else high
    if SINGLE:
        factor.low = <real>(inverse - <double>high)
    else:
        factor.low = high * ((ONE - product) - product_error(high, <real>total.high, product) - high * <real>total.low)
    return factor


cdef inline real scaled(real e, Factor factor) noexcept nogil:
    return fused(e, factor.high, e * factor.low)


cdef inline Factor logarithm_of(Total others, double ties) noexcept nogil:
    """log(s), from the sum of the terms below the largest and how many are equal to it."""
    return parts(log1p_double(value_of(others) / <double>raised() + (ties - 1)))


cdef inline real log_probability(real x, real x_low, Sum top, Factor log_sum) noexcept nogil:
    """(x - top) - log_sum: two numbers that are not positive, so nothing cancels."""
    cdef Sum a = two_sum(top.high, -x), y
    cdef real low = a.low + (top.low - x_low)
    cdef bint same = is_same(x, x_low, top), far = a.high == INFINITE
    y = two_sum(ZERO if same else a.high, log_sum.high)
    low = y.low + ((ZERO if same else low) + log_sum.low)
    return ZERO - (y.high if far else y.high + low)


cdef inline real log_total(Sum top, Total others, double ties) noexcept nogil:
    cdef Factor log_sum = logarithm_of(others, ties)
    cdef Sum y = two_sum(top.high, log_sum.high)
    cdef real low = y.low + (top.low + log_sum.low)
    low = y.high if y.high - y.high != ZERO else y.high + low
    return -INFINITE if is_empty(top, value_of(others)) else low


cdef inline real gradient(real grad, real y, Factor dot) noexcept nogil:
    return y * ((grad - dot.high) - dot.low)


cdef inline real log_gradient(real grad, real y, Factor sum) noexcept nogil:
    cdef real e = exp_negative_raised(at_least(-y, ZERO), NEGATIVE_ZERO) * (ONE / raised())
    return fused(-e, sum.high, grad) - e * sum.low


# ----------------------------------------------------------------------------------------------------------------
# Rows, LANES elements at a time; what is missing from the last ones is filled with something that does not count.

cdef inline const packed_real *span(size_t n, const storage *x, size_t at, real filler, real *buffer) noexcept nogil:
    """x[at : at + LANES] of a row of n."""
    cdef storage last[LANES]
    cdef const packed_real *reals
    cdef unsigned int rest, i           # 32 bits: one mask for float32
    if n - at >= LANES:
        return as_real(LANES, x + at, buffer)
    rest = <unsigned int>(n - at)
    if CONVERTED:
        memcpy(last, x + at, rest * sizeof(storage))
        reals = as_real(LANES, last, buffer)
        for i in range(LANES):
            buffer[i] = reals[i] if i < rest else filler
    else:
        for i in range(LANES):
            buffer[i] = widened(x[at + i]) if i < rest else filler
    return <const packed_real *>buffer


cdef inline const packed_real *hidden_span(bint plain, size_t n, const storage *x, size_t at, const Options *o,
                                           real *buffer) noexcept nogil:
    """The same, 0 where masked or missing."""
    cdef const packed_real *reals = span(n, x, at, ZERO, buffer)
    if plain or not hides(o):
        return reals
    if <const packed_real *>buffer != reals:
        memcpy(buffer, reals, LANES * sizeof(real))
    if n - at >= LANES:
        hide(LANES, o, at, ZERO, buffer)
    else:
        hide(n - at, o, at, ZERO, buffer)
    return <const packed_real *>buffer


cdef inline const packed_real *logit_span(bint plain, size_t n, const storage *x, size_t at, const Options *o,
                                          real *high, real *low) noexcept nogil:
    """z[at : at + LANES], -inf where masked or missing, and its rounding errors."""
    cdef const packed_real *reals = span(n, x, at, -INFINITE, high)
    cdef size_t i
    if plain:
        return reals
    if n - at >= LANES:
        logits(LANES, reals, o, at, high, low)
    else:
        for i in range(LANES):
            low[i] = ZERO
        logits(n - at, reals, o, at, high, low)
    return <const packed_real *>high


cdef inline void put_span(size_t n, const real *result, storage *y, size_t at) noexcept nogil:
    cdef storage last[LANES]
    cdef size_t i
    if n - at >= LANES:
        put(LANES, result, y + at)
    else:
        put(LANES, result, last)
        for i in range(n - at):
            y[at + i] = last[i]


cdef inline void fill(size_t n, real value, storage *y) noexcept nogil:
    cdef real values[LANES]
    cdef size_t k
    for k in range(LANES):
        values[k] = value
    for k in range(spans(n)):
        put_span(n, values, y, k * LANES)


cdef inline void larger_half(size_t half, size_t rows, const real *x, real *larger_ones) noexcept nogil:
    cdef size_t row, i
    for row in range(rows):
        for i in range(half):
            larger_ones[row * half + i] = at_least(x[row * 2 * half + i], x[row * 2 * half + half + i])


cdef inline Sum largest(bint plain, size_t n, const storage *x, const Options *o) noexcept nogil:
    """The maximum of a row, with its rounding error."""
    cdef real buffer[LANES]
    cdef real low[LANES]
    cdef real top[LANES]
    cdef real top_low[LANES]
    cdef real eight[8]
    cdef real four[4]
    cdef const packed_real *reals
    cdef Sum y
    cdef size_t k, i
    for i in range(LANES):
        top[i] = -INFINITE
        top_low[i] = ZERO
    y.high, y.low = -INFINITE, NEGATIVE_ZERO
    for k in range(spans(n)):
        reals = logit_span(plain, n, x, k * LANES, o, buffer, low)
        if plain:
            for i in range(LANES):
                top[i] = at_least(reals[i], top[i])
        else:
            for i in range(LANES):
                y.high, y.low = top[i], top_low[i]
                y = larger(y, reals[i], low[i])
                top[i], top_low[i] = y.high, y.low
    if plain:
        larger_half(8, 1, top, eight)
        larger_half(4, 1, eight, four)
        larger_half(2, 1, four, top)
        y.high, y.low = at_least(top[0], top[1]), NEGATIVE_ZERO
        return y
    y.high, y.low = top[0], top_low[0]
    for i in range(1, LANES):
        y = larger(y, top[i], top_low[i])
    return larger(y, <real>o.sink[0], ZERO) if o.sink != NULL else y


cdef inline void forward_row(int kind, bint plain, size_t n, size_t kept, const storage *x, const storage *grad,
                             storage *y, const Options *o) noexcept nogil:
    """One row, of which the first `kept` numbers count."""
    cdef double lanes[LANES]
    cdef real_bits tied[LANES]
    cdef real buffer[LANES]
    cdef real low[LANES]
    cdef real e[LANES]
    cdef const packed_real *reals
    cdef Total total = Total(0, 0)
    cdef double ties = 0
    cdef Factor factor
    cdef real value, weight = ONE
    cdef Sum top = largest(plain, kept, x, o)
    cdef size_t start = 0, k, i
    cdef bint same
    for i in range(LANES):
        tied[i] = 0
    while start < kept:
        clear(LANES, 1, 1, lanes)
        for k in range(start // LANES, spans(min(start + chunk(), kept))):
            reals = logit_span(plain, kept, x, k * LANES, o, buffer, low)
            for i in range(LANES):
                e[i] = exp_below(reals[i], ZERO if plain else low[i], top)
            if is_logarithm(kind):
                for i in range(LANES):
                    same = is_same(reals[i], NEGATIVE_ZERO if plain else low[i], top)
                    e[i] = ZERO if same else e[i]
                    tied[i] += same
            for i in range(LANES):
                lanes[i] += <double>e[i]
            if not CONVERTED and not is_logarithm(kind):
                put_span(kept, e, y, k * LANES)
        start += chunk()
        fold(LANES, 1, 1, lanes)
        total = added(total, lanes[0])
    if is_logarithm(kind):
        for i in range(LANES):
            ties += <double>tied[i]
    if not plain and o.sink != NULL:
        same = is_logarithm(kind) and is_same(<real>o.sink[0], ZERO, top)
        ties += 1 if same else 0
        total = added(total, 0 if same else <double>exp_below(<real>o.sink[0], ZERO, top))
    if kind == LOGSUMEXP:
        value = log_total(top, total, ties)
        put(1, &value, y)
        return
    if is_empty(top, value_of(total)) and (kind == LOG_SOFTMAX or not plain):
        value = NOT_A_NUMBER
        if kind == LOGSUMEXP_BACKWARD or (not plain and o.zero):
            value = -INFINITE if kind == LOG_SOFTMAX else ZERO
        fill(n, value, y)
        return
    factor = logarithm_of(total, ties) if is_logarithm(kind) else inverse_of(total, top)
    if kind == LOGSUMEXP_BACKWARD:
        weight = o.scale * as_real(1, grad, buffer)[0]
    for k in range(spans(kept)):
        # A half would have lost the digits of the exponentials, which are then computed again.
        if CONVERTED or is_logarithm(kind):
            reals = logit_span(plain, kept, x, k * LANES, o, buffer, low)
        else:
            reals = span(kept, y, k * LANES, ZERO, buffer)
        if kind == LOG_SOFTMAX:
            for i in range(LANES):
                e[i] = log_probability(reals[i], ZERO if plain else low[i], top, factor)
        else:
            for i in range(LANES):
                e[i] = scaled(exp_below(reals[i], ZERO if plain else low[i], top) if CONVERTED else reals[i], factor)
        if kind == LOGSUMEXP_BACKWARD:
            for i in range(LANES):
                e[i] *= weight
        if not plain:
            hide(min(kept - k * LANES, <size_t>LANES), o, k * LANES, -INFINITE if kind == LOG_SOFTMAX else ZERO, e)
        put_span(kept, e, y, k * LANES)
    if not plain:
        fill(n - kept, -INFINITE if kind == LOG_SOFTMAX else ZERO, y + kept)


cdef inline void add_shares(int kind, size_t count, const packed_real *grads, const packed_real *ys,
                            double *lanes) noexcept nogil:
    """Add what count * LANES elements have in the sum."""
    cdef double lane
    cdef size_t i, k
    for i in range(LANES):
        lane = lanes[i]
        for k in range(count):
            if kind == SOFTMAX:
                lane = plus_product(lane, grads[k * LANES + i], ys[k * LANES + i])
            else:
                lane += <double>grads[k * LANES + i]
        lanes[i] = lane


cdef inline void backward_row(int kind, bint plain, size_t n, size_t kept, const storage *grad, const storage *y,
                              storage *dx, const Options *o) noexcept nogil:
    cdef double lanes[LANES]
    cdef real grad_buffer[AT_ONCE * LANES]
    cdef real y_buffer[AT_ONCE * LANES]
    cdef real result[LANES]
    cdef const packed_real *grads
    cdef const packed_real *ys
    cdef Total total = Total(0, 0)
    cdef Factor sum
    cdef size_t start = 0, stop, k, i
    while start < kept:
        clear(LANES, 1, 1, lanes)
        stop = min(start + chunk(), kept)
        while plain and start + AT_ONCE * LANES <= stop:
            grads = as_real(AT_ONCE * LANES, grad + start, grad_buffer)
            ys = as_real(AT_ONCE * LANES, y + start, y_buffer)
            add_shares(kind, AT_ONCE, grads, ys, lanes)
            start += AT_ONCE * LANES
        while start < stop:
            grads = hidden_span(plain, kept, grad, start, o, grad_buffer)
            ys = hidden_span(plain, kept, y, start, o, y_buffer)
            add_shares(kind, 1, grads, ys, lanes)
            start += LANES
        fold(LANES, 1, 1, lanes)
        total = added(total, lanes[0])
    sum = parts(value_of(total))
    for k in range(spans(kept)):
        grads = hidden_span(plain, kept, grad, k * LANES, o, grad_buffer)
        ys = hidden_span(plain, kept, y, k * LANES, o, y_buffer)
        if kind == SOFTMAX:
            for i in range(LANES):
                result[i] = gradient(grads[i], ys[i], sum)
        else:
            for i in range(LANES):
                result[i] = log_gradient(grads[i], ys[i], sum)
        if not plain:
            for i in range(LANES):
                result[i] *= o.scale
            hide(min(kept - k * LANES, <size_t>LANES), o, k * LANES, ZERO, result)
        put_span(kept, result, dx, k * LANES)
    if not plain:
        fill(n - kept, ZERO, dx + kept)


# ----------------------------------------------------------------------------------------------------------------
# Columns: width of them (at most TILE) side by side, `inner` elements from one row to the next

cdef inline const packed_real *logit_columns(bint plain, size_t width, const storage *x, size_t at, const Options *o,
                                             real *high, real *low) noexcept nogil:
    cdef const packed_real *reals = as_real(width, x, high)
    if plain:
        return reals
    logits(width, reals, o, at, high, low)
    return <const packed_real *>high


cdef inline const packed_real *hidden_columns(bint plain, size_t width, const storage *x, size_t at, const Options *o,
                                              real *buffer) noexcept nogil:
    cdef const packed_real *reals = as_real(width, x, buffer)
    if plain or not hides(o):
        return reals
    if <const packed_real *>buffer != reals:
        memcpy(buffer, reals, width * sizeof(real))
    hide(width, o, at, ZERO, buffer)
    return <const packed_real *>buffer


cdef inline void forward_columns(int kind, bint plain, size_t n, size_t inner, size_t width, const storage *x,
                                 const storage *grad, storage *y, const Options *o) noexcept nogil:
    cdef real buffer[TILE]
    cdef real low[TILE]
    cdef const packed_real *reals
    cdef Sum top[TILE]
    cdef real e[TILE]
    cdef real weight[TILE]
    cdef double lanes[LANES * TILE]
    cdef double ties[TILE]
    cdef Total total[TILE]
    cdef Factor factor[TILE]
    cdef bint empty[TILE]
    cdef size_t used = min(n, <size_t>LANES), start = 0, row, j
    cdef bint same
    cdef real value
    for j in range(width):
        top[j].high, top[j].low = -INFINITE, NEGATIVE_ZERO if plain else ZERO
        total[j] = Total(0, 0)
        ties[j] = 0
    for row in range(n):
        reals = logit_columns(plain, width, x + row * inner, row, o, buffer, low)
        for j in range(width):
            if plain:
                top[j].high = at_least(reals[j], top[j].high)
            else:
                top[j] = larger(top[j], reals[j], low[j])
    if not plain and o.sink != NULL:
        for j in range(width):
            top[j] = larger(top[j], <real>o.sink[<ptrdiff_t>j * o.sink_step], ZERO)
    while start < n:
        clear(used, width, TILE, lanes)
        for row in range(start, min(start + chunk(), n)):
            reals = logit_columns(plain, width, x + row * inner, row, o, buffer, low)
            for j in range(width):
                e[j] = exp_below(reals[j], ZERO if plain else low[j], top[j])
            if is_logarithm(kind):
                for j in range(width):
                    same = is_same(reals[j], NEGATIVE_ZERO if plain else low[j], top[j])
                    e[j] = ZERO if same else e[j]
                    ties[j] += 1.0 if same else 0.0
            for j in range(width):
                lanes[row % LANES * TILE + j] += <double>e[j]
            if not CONVERTED and not is_logarithm(kind):
                put(width, e, y + row * inner)
        start += chunk()
        fold(used, width, TILE, lanes)
        for j in range(width):
            total[j] = added(total[j], lanes[j])
    if not plain and o.sink != NULL:
        for j in range(width):
            value = <real>o.sink[<ptrdiff_t>j * o.sink_step]
            same = is_logarithm(kind) and is_same(value, ZERO, top[j])
            ties[j] += 1.0 if same else 0.0
            total[j] = added(total[j], 0.0 if same else <double>exp_below(value, ZERO, top[j]))
    if kind == LOGSUMEXP:
        for j in range(width):
            e[j] = log_total(top[j], total[j], ties[j])
        put(width, e, y)
        return
    for j in range(width):
        if is_logarithm(kind) or not plain:
            empty[j] = is_empty(top[j], value_of(total[j]))
        factor[j] = logarithm_of(total[j], ties[j]) if is_logarithm(kind) else inverse_of(total[j], top[j])
    value = NOT_A_NUMBER        # of an empty column
    if kind == LOGSUMEXP_BACKWARD:
        value = ZERO
        reals = as_real(width, grad, buffer)
        for j in range(width):
            weight[j] = o.scale * reals[j]
    elif not plain and o.zero:
        value = -INFINITE if kind == LOG_SOFTMAX else ZERO
    for row in range(n):
        if CONVERTED or is_logarithm(kind):
            reals = logit_columns(plain, width, x + row * inner, row, o, buffer, low)
        else:
            reals = as_real(width, y + row * inner, buffer)
        if kind == LOG_SOFTMAX:
            for j in range(width):
                e[j] = log_probability(reals[j], ZERO if plain else low[j], top[j], factor[j])
        else:
            for j in range(width):
                e[j] = scaled(exp_below(reals[j], ZERO if plain else low[j], top[j]) if CONVERTED else reals[j],
                              factor[j])
        if kind == LOGSUMEXP_BACKWARD:
            for j in range(width):
                e[j] *= weight[j]
        if not plain:
            hide(width, o, row, -INFINITE if kind == LOG_SOFTMAX else ZERO, e)
        if is_logarithm(kind) or not plain:
            for j in range(width):
                e[j] = value if empty[j] else e[j]
        put(width, e, y + row * inner)


cdef inline void backward_columns(int kind, bint plain, size_t n, size_t inner, size_t width, const storage *grad,
                                  const storage *y, storage *dx, const Options *o) noexcept nogil:
    cdef real grad_buffer[TILE]
    cdef real y_buffer[TILE]
    cdef const packed_real *grads
    cdef const packed_real *ys
    cdef real result[TILE]
    cdef double lanes[LANES * TILE]
    cdef Total total[TILE]
    cdef Factor sum[TILE]
    cdef size_t used = min(n, <size_t>LANES), start = 0, row, j, lane
    for j in range(width):
        total[j] = Total(0, 0)
    while start < n:
        clear(used, width, TILE, lanes)
        for row in range(start, min(start + chunk(), n)):
            grads = hidden_columns(plain, width, grad + row * inner, row, o, grad_buffer)
            ys = hidden_columns(plain, width, y + row * inner, row, o, y_buffer)
            if kind == SOFTMAX:
                for j in range(width):
                    lane = row % LANES * TILE + j
                    lanes[lane] = plus_product(lanes[lane], grads[j], ys[j])
            else:
                for j in range(width):
                    lanes[row % LANES * TILE + j] += <double>grads[j]
        start += chunk()
        fold(used, width, TILE, lanes)
        for j in range(width):
            total[j] = added(total[j], lanes[j])
    for j in range(width):
        sum[j] = parts(value_of(total[j]))
    for row in range(n):
        grads = hidden_columns(plain, width, grad + row * inner, row, o, grad_buffer)
        ys = hidden_columns(plain, width, y + row * inner, row, o, y_buffer)
        if kind == SOFTMAX:
            for j in range(width):
                result[j] = gradient(grads[j], ys[j], sum[j])
        else:
            for j in range(width):
                result[j] = log_gradient(grads[j], ys[j], sum[j])
        if not plain:
            for j in range(width):
                result[j] *= o.scale
            hide(width, o, row, ZERO, result)
        put(width, result, dx + row * inner)


# ----------------------------------------------------------------------------------------------------------------
# Short rows, TILE of them at a time. Those of a plain softmax are padded to a width that the compiler knows, so that
# what is done once per row is vectorised as well, and lanes that hold only padding are not folded.

cdef inline void load_tile(size_t width, size_t n, const storage *x, real filler, real *padded) noexcept nogil:
    cdef real buffer[TILE * SHORT]
    cdef const packed_real *reals = as_real(TILE * n, x, buffer)
    cdef unsigned int wanted = <unsigned int>n, i
    cdef size_t row
    for row in range(TILE):
        for i in range(width):
            padded[row * width + i] = reals[row * n + i] if i < wanted else filler


cdef inline void store_tile(size_t width, size_t n, const real *padded, storage *y) noexcept nogil:
    cdef real buffer[TILE * SHORT]
    cdef packed_real *reals = <packed_real *>buffer if CONVERTED else <packed_real *>y
    cdef unsigned int wanted = <unsigned int>n, i
    cdef size_t row
    for row in range(TILE):
        for i in range(width):
            if i < wanted:
                reals[row * n + i] = padded[row * width + i]
    if CONVERTED:
        put(TILE * n, buffer, y)


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


cdef inline Sum plain_top(real top) noexcept nogil:
    cdef Sum y
    y.high, y.low = top, NEGATIVE_ZERO
    return y


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
            e[row * width + i] = exp_below(e[row * width + i], ZERO, plain_top(top[row]))
    for i in range(TILE * width):
        terms[i] = <double>e[i]
    fold_tile(width, terms, sums)
    for row in range(TILE):
        factor[row] = inverse_of(added(Total(0, 0), sums[row]), plain_top(top[row]))
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
        terms[i] = plus_product(0, grads[i], ys[i])
    fold_tile(width, terms, sums)
    for row in range(TILE):
        dot[row] = parts(value_of(added(Total(0, 0), sums[row])))
    for row in range(TILE):
        for i in range(width):
            grads[row * width + i] = gradient(grads[row * width + i], ys[row * width + i], dot[row])
    store_tile(width, n, grads, dx)


# The others are turned into columns and back.

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


cdef inline void forward_tile(int kind, bint plain, size_t n, const storage *x, const storage *grad, storage *y,
                              const Options *o) noexcept nogil:
    cdef storage columns[TILE * SHORT]
    if kind == SOFTMAX and plain:
        if n <= 8:
            softmax_tile(8, n, x, y)
        elif n <= 16:
            softmax_tile(16, n, x, y)
        else:
            softmax_tile(32, n, x, y)
        return
    turn(n, x, columns)
    forward_columns(kind, plain, n, TILE, TILE, columns, grad, y if kind == LOGSUMEXP else columns, o)
    if kind != LOGSUMEXP:
        turn_back(n, columns, y)


cdef inline void backward_tile(int kind, bint plain, size_t n, const storage *grad, const storage *y, storage *dx,
                               const Options *o) noexcept nogil:
    cdef storage grad_columns[TILE * SHORT]
    cdef storage y_columns[TILE * SHORT]
    if kind == SOFTMAX and plain:
        if n <= 8:
            softmax_backward_tile(8, n, grad, y, dx)
        elif n <= 16:
            softmax_backward_tile(16, n, grad, y, dx)
        else:
            softmax_backward_tile(32, n, grad, y, dx)
        return
    turn(n, grad, grad_columns)
    turn(n, y, y_columns)
    backward_columns(kind, plain, n, TILE, TILE, grad_columns, y_columns, grad_columns, o)
    turn_back(n, grad_columns, dx)


# ----------------------------------------------------------------------------------------------------------------
# The whole array. A plain full tile has a width that the compiler knows.

cdef inline void forward(int kind, bint plain, size_t outer, size_t n, size_t inner, const storage *x,
                         const storage *grad, storage *y, const pyacts_softmax_options *all) noexcept nogil:
    # A result per line, not per number: y of logsumexp, grad of its backward.
    cdef size_t y_n = 1 if kind == LOGSUMEXP else n
    cdef size_t tiled = 0, k, j, width
    cdef Options o
    if inner == 1:
        if n <= SHORT and (plain or all.causal_rows == 0):
            tiled = outer - outer % TILE
        for k in range(tiled // TILE):
            if not plain:
                o = options_at(all, k * TILE, 0, OUTER)
            forward_tile(kind, plain, n, x + k * TILE * n, grad + k * TILE, y + k * TILE * y_n, &o)
        for k in range(tiled, outer):
            if not plain:
                o = options_at(all, k, 0, ALONG)
            forward_row(kind, plain, n, n if plain else reach(all, k, n), x + k * n, grad + k, y + k * y_n, &o)
        return
    for k in range(outer):
        j = 0
        while j < inner:
            width = min(inner - j, <size_t>TILE)
            if not plain:
                o = options_at(all, k, j, INNER)
            if plain and width == TILE:
                forward_columns(kind, plain, n, inner, TILE, x + k * n * inner + j, grad + k * inner + j,
                                y + k * y_n * inner + j, &o)
            else:
                forward_columns(kind, plain, n, inner, width, x + k * n * inner + j, grad + k * inner + j,
                                y + k * y_n * inner + j, &o)
            j += width


cdef inline void backward(int kind, bint plain, size_t outer, size_t n, size_t inner, const storage *grad,
                          const storage *y, storage *dx, const pyacts_softmax_options *all) noexcept nogil:
    cdef size_t tiled = 0, k, j, at, width
    cdef Options o
    if inner == 1:
        if n <= SHORT and (plain or all.causal_rows == 0):
            tiled = outer - outer % TILE
        for k in range(tiled // TILE):
            if not plain:
                o = options_at(all, k * TILE, 0, OUTER)
            at = k * TILE * n
            backward_tile(kind, plain, n, grad + at, y + at, dx + at, &o)
        for k in range(tiled, outer):
            if not plain:
                o = options_at(all, k, 0, ALONG)
            at = k * n
            backward_row(kind, plain, n, n if plain else reach(all, k, n), grad + at, y + at, dx + at, &o)
        return
    for k in range(outer):
        j = 0
        while j < inner:
            width = min(inner - j, <size_t>TILE)
            if not plain:
                o = options_at(all, k, j, INNER)
            at = k * n * inner + j
            if plain and width == TILE:
                backward_columns(kind, plain, n, inner, TILE, grad + at, y + at, dx + at, &o)
            else:
                backward_columns(kind, plain, n, inner, width, grad + at, y + at, dx + at, &o)
            j += width


# With options, one compiled loop serves all: the caller hands it in, since whatever is called here is inlined. Without,
# each has one of its own, but in the exact tier.

ctypedef void (*Lines)(int kind, size_t outer, size_t n, size_t inner, const storage *a, const storage *b, storage *out,
                       const pyacts_softmax_options *options) noexcept nogil


cdef inline void forward_lines(int kind, size_t outer, size_t n, size_t inner, const storage *x, const storage *grad,
                               storage *y, const pyacts_softmax_options *options) noexcept nogil:
    cdef pyacts_softmax_options all = completed(options)
    forward(kind, False, outer, n, inner, x, grad, y, &all)


cdef inline void backward_lines(int kind, size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                storage *dx, const pyacts_softmax_options *options) noexcept nogil:
    cdef pyacts_softmax_options all = completed(options)
    backward(kind, False, outer, n, inner, grad, y, dx, &all)


cdef inline void log_lines(int kind, size_t outer, size_t n, size_t inner, const storage *x, const storage *grad,
                           storage *y, const pyacts_softmax_options *options) noexcept nogil:
    """log_softmax and logsumexp without options, in one loop too."""
    forward(LOG_SOFTMAX if kind == LOG_SOFTMAX else LOGSUMEXP, True, outer, n, inner, x, grad, y, NULL)


cdef inline void softmax(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                         const pyacts_softmax_options *options, Lines lines) noexcept nogil:
    if options == NULL and not EXACT:
        forward(SOFTMAX, True, outer, n, inner, x, NULL, y, NULL)
    else:
        lines(SOFTMAX, outer, n, inner, x, NULL, y, options)


cdef inline void softmax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                    storage *dx, const pyacts_softmax_options *options, Lines lines) noexcept nogil:
    if options == NULL and not EXACT:
        backward(SOFTMAX, True, outer, n, inner, grad, y, dx, NULL)
    else:
        lines(SOFTMAX, outer, n, inner, grad, y, dx, options)


# softmin: softmax(-x)

cdef inline void softmin(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                         const pyacts_softmax_options *options, Lines lines) noexcept nogil:
    cdef pyacts_softmax_options all = completed(options)
    all.scale = -all.scale
    lines(SOFTMAX, outer, n, inner, x, NULL, y, &all)


cdef inline void softmin_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                    storage *dx, const pyacts_softmax_options *options, Lines lines) noexcept nogil:
    cdef pyacts_softmax_options all = completed(options)
    all.scale = -all.scale
    lines(SOFTMAX, outer, n, inner, grad, y, dx, &all)


cdef inline void log_softmax(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                             const pyacts_softmax_options *options, Lines lines, Lines plain_lines) noexcept nogil:
    if options == NULL and not EXACT:
        plain_lines(LOG_SOFTMAX, outer, n, inner, x, NULL, y, NULL)
    else:
        lines(LOG_SOFTMAX, outer, n, inner, x, NULL, y, options)


cdef inline void log_softmax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                        storage *dx, const pyacts_softmax_options *options,
                                        Lines lines) noexcept nogil:
    if options == NULL and not EXACT:
        backward(LOG_SOFTMAX, True, outer, n, inner, grad, y, dx, NULL)
    else:
        lines(LOG_SOFTMAX, outer, n, inner, grad, y, dx, options)


# logsumexp: a number per line, in an (outer, inner) array, as is the grad of its backward

cdef inline void logsumexp(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                           const pyacts_softmax_options *options, Lines lines, Lines plain_lines) noexcept nogil:
    if options == NULL and not EXACT:
        plain_lines(LOGSUMEXP, outer, n, inner, x, NULL, y, NULL)
    else:
        lines(LOGSUMEXP, outer, n, inner, x, NULL, y, options)


cdef inline void logsumexp_backward(size_t outer, size_t n, size_t inner, const storage *grad, const storage *x,
                                    storage *dx, const pyacts_softmax_options *options, Lines lines) noexcept nogil:
    lines(LOGSUMEXP_BACKWARD, outer, n, inner, x, grad, dx, options)
