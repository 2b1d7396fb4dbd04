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
from lines cimport give, larger_half, line_top, spans, take
from options cimport ALONG, INNER, OUTER, Options, completed, hide, hides, logits, options_at, reach
from real cimport (CONVERTED, INFINITE, NEGATIVE_ZERO, NOT_A_NUMBER, ONE, SINGLE, ZERO, as_real, at_least, fused,
                   muladd, negated, packed_real, plus_product, product_error, put, real, real_bits, storage, widened)
from sums cimport AT_ONCE, LANES, TILE, Total, added, chunk, clear, fold, value_of
from table cimport pyacts_softmax_options
from vmath cimport Exponential, Sum, exp_negative_raised, exponential, log1p_double, raised, two_sum

cdef enum:
    SHORT = 32      # rows up to this long are taken TILE at a time: alone, such a row is mostly lane handling
    KEPT = 2048     # numbers of a row that have room on the stack

# What the loops are asked for: a constant wherever they are used, like `plain`, which says that there are no options.
cdef enum:
    SOFTMAX
    LOG_SOFTMAX
    LOGSUMEXP
    LOGSUMEXP_BACKWARD


cdef inline bint is_logarithm(int kind) noexcept nogil:
    return kind == LOG_SOFTMAX or kind == LOGSUMEXP


cdef inline bint is_same(real x, real x_low, Sum top) noexcept nogil:
    return (x == top.high) & (x_low == top.low)


cdef inline Sum top_of(bint plain, real top, real top_low) noexcept nogil:
    """The maximum of a line, without a rounding error if there are no options."""
    cdef Sum y
    y.high, y.low = top, NEGATIVE_ZERO if plain else top_low
    return y


cdef inline Sum plain_top(real top) noexcept nogil:
    return top_of(True, top, NEGATIVE_ZERO)


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
    return (top.high == -INFINITE) & (total == total)      # no branch: it is asked for columns too


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


cdef inline real scaled(real e, real factor, real factor_low) noexcept nogil:
    return fused(e, factor, e * factor_low)


cdef inline double logarithm_of(Total others, double ties) noexcept nogil:
    """log(s), from the sum of the terms below the largest and how many are equal to it."""
    return log1p_double(value_of(others) / <double>raised() + (ties - 1))


cdef inline real log_probability(real x, real x_low, Sum top, real log_sum) noexcept nogil:
    """(x - top) - log_sum: two numbers that are not positive, so nothing cancels and three roundings are 1.5 ULP."""
    cdef real below = (top.high - x) + (top.low - x_low)
    return ZERO - ((ZERO if is_same(x, x_low, top) else below) + log_sum)


cdef inline real log_total(Sum top, Total others, double ties) noexcept nogil:
    cdef double log_sum = logarithm_of(others, ties)
    cdef Sum y = two_sum(top.high, <real>log_sum)
    cdef real low = y.low + (top.low + <real>(log_sum - <double><real>log_sum))
    low = y.high if y.high - y.high != ZERO else y.high + low
    return -INFINITE if is_empty(top, value_of(others)) else low


cdef inline real gradient(real grad, real y, real dot, real dot_low) noexcept nogil:
    return y * ((grad - dot) - dot_low)


cdef inline real log_gradient(real grad, real y, real sum, real sum_low) noexcept nogil:
    cdef real e = exp_negative_raised(at_least(-y, ZERO), NEGATIVE_ZERO) * (ONE / raised())
    return fused(-e, sum, grad) - e * sum_low


# ----------------------------------------------------------------------------------------------------------------
# Rows, LANES elements at a time. `step` is 1, but for the lines along other axes that cross_entropy.pxd sums.

cdef inline const packed_real *hidden_span(bint plain, size_t n, const storage *x, size_t at, const Options *o,
                                           real *buffer) noexcept nogil:
    """The same, 0 where masked or missing."""
    cdef const packed_real *reals = take(n, x, 1, at, ZERO, buffer)
    if plain or not hides(o):
        return reals
    if <const packed_real *>buffer != reals:
        memcpy(buffer, reals, LANES * sizeof(real))
    if n - at >= LANES:
        hide(LANES, o, at, ZERO, buffer)
    else:
        hide(n - at, o, at, ZERO, buffer)
    return <const packed_real *>buffer


cdef inline const packed_real *logit_span(bint plain, size_t n, const storage *x, size_t step, size_t at,
                                          const Options *o, real *high, real *low) noexcept nogil:
    """z[at : at + LANES], -inf where masked or missing, and its rounding errors."""
    cdef const packed_real *reals = take(n, x, step, at, -INFINITE, high)
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


cdef inline void fill(size_t n, real value, storage *y) noexcept nogil:
    cdef real values[LANES]
    cdef size_t k
    for k in range(LANES):
        values[k] = value
    for k in range(spans(n)):
        give(n, values, y, 1, k * LANES)


cdef inline Sum largest(bint plain, size_t n, const storage *x, const Options *o) noexcept nogil:
    """The maximum of a row, with its rounding error."""
    cdef real buffer[LANES]
    cdef real low[LANES]
    cdef real top[LANES]
    cdef real top_low[LANES]
    cdef const packed_real *reals
    cdef Sum y
    cdef size_t k, i
    if plain:
        return plain_top(line_top(n, x, 1))
    for i in range(LANES):
        top[i], top_low[i] = -INFINITE, ZERO
    for k in range(spans(n)):
        reals = logit_span(plain, n, x, 1, k * LANES, o, buffer, low)
        for i in range(LANES):
            y = larger(top_of(plain, top[i], top_low[i]), reals[i], low[i])
            top[i], top_low[i] = y.high, y.low
    y.high, y.low = top[0], top_low[0]
    for i in range(1, LANES):
        y = larger(y, top[i], top_low[i])
    return larger(y, <real>o.sink[0], ZERO) if o.sink != NULL else y


cdef inline void exponentials(int kind, bint plain, size_t count, const packed_real *z, const real *z_low, Sum top,
                              real *e, real_bits *tied) noexcept nogil:
    """Those of count * LANES numbers. For a logarithm the equals of the largest are left out and counted."""
    cdef size_t k, i
    cdef bint same
    for i in range(count * LANES):
        e[i] = exp_below(z[i], ZERO if plain else z_low[i], top)
    if is_logarithm(kind):
        for k in range(count):
            for i in range(LANES):
                same = is_same(z[k * LANES + i], NEGATIVE_ZERO if plain else z_low[k * LANES + i], top)
                e[k * LANES + i] = ZERO if same else e[k * LANES + i]
                tied[i] += same


cdef inline void add_terms(size_t count, const real *terms, double *lanes) noexcept nogil:
    cdef double lane
    cdef size_t i, k
    for i in range(LANES):
        lane = lanes[i]
        for k in range(count):
            lane += <double>terms[k * LANES + i]
        lanes[i] = lane


cdef struct Terms:      # e**(z - top)
    Total total         # their sum; for a logarithm, of those below the largest
    double ties         # how many are equal to it


cdef inline Terms terms_of(int kind, bint plain, size_t n, const storage *x, size_t step, storage *y, real *wide,
                           const Options *o, Sum top) noexcept nogil:
    """The sums of a line. Of softmax the terms are left in y, or if y has fewer digits in `wide`, unless it is NULL."""
    cdef double lanes[LANES]
    cdef real_bits tied[LANES]
    cdef real buffer[AT_ONCE * LANES]
    cdef real low[LANES]
    cdef real own[AT_ONCE * LANES]
    cdef real *e
    cdef const packed_real *reals
    cdef Terms terms
    cdef size_t start = 0, ties = 0, stop, i
    cdef bint same
    terms.total = Total(0, 0)
    for i in range(LANES):
        tied[i] = 0
    while start < n:
        clear(LANES, 1, 1, lanes)
        stop = min(start + chunk(), n)
        while plain and step == 1 and start + AT_ONCE * LANES <= stop:
            reals = as_real(AT_ONCE * LANES, x + start, buffer)
            e = <real *>own if wide == NULL else wide + start
            exponentials(kind, plain, AT_ONCE, reals, low, top, e, tied)
            add_terms(AT_ONCE, e, lanes)
            if not CONVERTED and not is_logarithm(kind):
                put(AT_ONCE * LANES, e, y + start)
            start += AT_ONCE * LANES
        while start < stop:
            reals = logit_span(plain, n, x, step, start, o, buffer, low)
            e = <real *>own if wide == NULL else wide + start
            exponentials(kind, plain, 1, reals, low, top, e, tied)
            add_terms(1, e, lanes)
            if not CONVERTED and not is_logarithm(kind):
                give(n, e, y, 1, start)
            start += LANES
        fold(LANES, 1, 1, lanes)
        terms.total = added(terms.total, lanes[0])
    if is_logarithm(kind):
        for i in range(LANES):
            ties += <size_t>tied[i]
    if not plain and o.sink != NULL:
        same = is_logarithm(kind) and is_same(<real>o.sink[0], ZERO, top)
        ties += same
        terms.total = added(terms.total, 0 if same else <double>exp_below(<real>o.sink[0], ZERO, top))
    terms.ties = <double>ties
    return terms


cdef inline void forward_row(int kind, bint plain, size_t n, size_t kept, const storage *x, const storage *grad,
                             storage *y, const Options *o) noexcept nogil:
    """One row, of which the first `kept` numbers count."""
    cdef real buffer[LANES]
    cdef real low[LANES]
    cdef real e[LANES]
    cdef real room[KEPT]
    cdef real *wide = room if CONVERTED and kept <= KEPT else NULL
    cdef const packed_real *reals
    cdef Factor factor
    cdef real value, log_sum = ZERO, weight = ONE
    cdef Sum top = largest(plain, kept, x, o)
    cdef Terms terms = terms_of(kind, plain, kept, x, 1, y, wide, o, top)
    cdef size_t k, i
    if kind == LOGSUMEXP:
        value = log_total(top, terms.total, terms.ties)
        put(1, &value, y)
        return
    if is_empty(top, value_of(terms.total)) and (kind == LOG_SOFTMAX or not plain):
        value = NOT_A_NUMBER
        if kind == LOGSUMEXP_BACKWARD or (not plain and o.zero):
            value = -INFINITE if kind == LOG_SOFTMAX else ZERO
        fill(n, value, y)
        return
    if is_logarithm(kind):
        log_sum = <real>logarithm_of(terms.total, terms.ties)
    factor = inverse_of(terms.total, top)
    if kind == LOGSUMEXP_BACKWARD:
        weight = o.scale * as_real(1, grad, buffer)[0]
    for k in range(spans(kept)):
        if is_logarithm(kind) or (CONVERTED and wide == NULL):
            reals = logit_span(plain, kept, x, 1, k * LANES, o, buffer, low)
        elif CONVERTED:
            reals = <const packed_real *>(wide + k * LANES)
        else:
            reals = take(kept, y, 1, k * LANES, ZERO, buffer)
        if kind == LOG_SOFTMAX:
            for i in range(LANES):
                e[i] = log_probability(reals[i], NEGATIVE_ZERO if plain else low[i], top, log_sum)
        else:
            for i in range(LANES):
                e[i] = reals[i]
            if CONVERTED and wide == NULL:      # there was no room for the terms
                for i in range(LANES):
                    e[i] = exp_below(reals[i], ZERO if plain else low[i], top)
            for i in range(LANES):
                e[i] = scaled(e[i], factor.high, factor.low)
        if kind == LOGSUMEXP_BACKWARD:
            for i in range(LANES):
                e[i] *= weight
        if not plain:
            hide(min(kept - k * LANES, <size_t>LANES), o, k * LANES, -INFINITE if kind == LOG_SOFTMAX else ZERO, e)
        give(kept, e, y, 1, k * LANES)
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
                result[i] = gradient(grads[i], ys[i], sum.high, sum.low)
        else:
            for i in range(LANES):
                result[i] = log_gradient(grads[i], ys[i], sum.high, sum.low)
        if not plain:
            for i in range(LANES):
                result[i] *= o.scale
            hide(min(kept - k * LANES, <size_t>LANES), o, k * LANES, ZERO, result)
        give(kept, result, dx, 1, k * LANES)
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
    cdef real top[TILE]                 # each number of a column is in an array of its own, which vectors are read from
    cdef real top_low[TILE]
    cdef real e[TILE]
    cdef real factor[TILE]
    cdef real factor_low[TILE]
    cdef real weight[TILE]
    cdef double lanes[LANES * TILE]
    cdef double ties[TILE]
    cdef real log_sum[TILE]
    cdef Total total[TILE]
    cdef bint empty[TILE]
    cdef size_t used = min(n, <size_t>LANES), start = 0, row, j
    cdef bint same
    cdef real value
    cdef Sum larger_one
    cdef Factor inverse
    for j in range(width):
        top[j], top_low[j] = -INFINITE, ZERO
        total[j] = Total(0, 0)
        ties[j] = 0
    for row in range(n):
        reals = logit_columns(plain, width, x + row * inner, row, o, buffer, low)
        for j in range(width):
            if plain:
                top[j] = at_least(reals[j], top[j])
            else:
                larger_one = larger(top_of(plain, top[j], top_low[j]), reals[j], low[j])
                top[j], top_low[j] = larger_one.high, larger_one.low
    if not plain and o.sink != NULL:
        for j in range(width):
            larger_one = larger(top_of(plain, top[j], top_low[j]), <real>o.sink[<ptrdiff_t>j * o.sink_step], ZERO)
            top[j], top_low[j] = larger_one.high, larger_one.low
    while start < n:
        clear(used, width, TILE, lanes)
        for row in range(start, min(start + chunk(), n)):
            reals = logit_columns(plain, width, x + row * inner, row, o, buffer, low)
            for j in range(width):
                e[j] = exp_below(reals[j], ZERO if plain else low[j], top_of(plain, top[j], top_low[j]))
            if is_logarithm(kind):
                for j in range(width):
                    same = is_same(reals[j], NEGATIVE_ZERO if plain else low[j], top_of(plain, top[j], top_low[j]))
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
            same = is_logarithm(kind) and is_same(value, ZERO, top_of(plain, top[j], top_low[j]))
            ties[j] += 1.0 if same else 0.0
            total[j] = added(total[j],
                             0.0 if same else <double>exp_below(value, ZERO, top_of(plain, top[j], top_low[j])))
    if kind == LOGSUMEXP:
        for j in range(width):
            e[j] = log_total(top_of(plain, top[j], top_low[j]), total[j], ties[j])
        put(width, e, y)
        return
    for j in range(width):
        if is_logarithm(kind) or not plain:
            empty[j] = is_empty(top_of(plain, top[j], top_low[j]), value_of(total[j]))
        log_sum[j] = <real>logarithm_of(total[j], ties[j]) if is_logarithm(kind) else ZERO
        inverse = inverse_of(total[j], top_of(plain, top[j], top_low[j]))
        factor[j], factor_low[j] = inverse.high, inverse.low
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
                e[j] = log_probability(reals[j], NEGATIVE_ZERO if plain else low[j],
                                       top_of(plain, top[j], top_low[j]), log_sum[j])
        else:
            for j in range(width):
                e[j] = reals[j]
                if CONVERTED:
                    e[j] = exp_below(reals[j], ZERO if plain else low[j], top_of(plain, top[j], top_low[j]))
                e[j] = scaled(e[j], factor[j], factor_low[j])
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
    cdef Factor both
    cdef real sum[TILE]
    cdef real sum_low[TILE]
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
        both = parts(value_of(total[j]))
        sum[j], sum_low[j] = both.high, both.low
    for row in range(n):
        grads = hidden_columns(plain, width, grad + row * inner, row, o, grad_buffer)
        ys = hidden_columns(plain, width, y + row * inner, row, o, y_buffer)
        if kind == SOFTMAX:
            for j in range(width):
                result[j] = gradient(grads[j], ys[j], sum[j], sum_low[j])
        else:
            for j in range(width):
                result[j] = log_gradient(grads[j], ys[j], sum[j], sum_low[j])
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
            e[row * width + i] = scaled(e[row * width + i], factor[row].high, factor[row].low)
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
            grads[row * width + i] = gradient(
                grads[row * width + i], ys[row * width + i], dot[row].high, dot[row].low)
    store_tile(width, n, grads, dx)


# The others are turned into columns and back. What is called here is inlined; that which columns and tiles share, and
# the lines with options below, is compiled once and handed in.

ctypedef void (*Columns)(int kind, size_t n, size_t inner, size_t width, const storage *a, const storage *b,
                         storage *out, const Options *o) noexcept nogil


cdef inline void softmax_columns(int kind, size_t n, size_t inner, size_t width, const storage *x, const storage *grad,
                                 storage *y, const Options *o) noexcept nogil:
    """Without options, columns are a TILE wide, which the compiler knows then."""
    forward_columns(SOFTMAX, True, n, inner, TILE, x, grad, y, o)


cdef inline void log_columns(int kind, size_t n, size_t inner, size_t width, const storage *x, const storage *grad,
                             storage *y, const Options *o) noexcept nogil:
    forward_columns(LOG_SOFTMAX if kind == LOG_SOFTMAX else LOGSUMEXP, True, n, inner, TILE, x, grad, y, o)


cdef inline void option_columns(int kind, size_t n, size_t inner, size_t width, const storage *x, const storage *grad,
                                storage *y, const Options *o) noexcept nogil:
    forward_columns(kind, False, n, inner, width, x, grad, y, o)


cdef inline void softmax_gradient_columns(int kind, size_t n, size_t inner, size_t width, const storage *grad,
                                          const storage *y, storage *dx, const Options *o) noexcept nogil:
    backward_columns(SOFTMAX, True, n, inner, TILE, grad, y, dx, o)


cdef inline void log_gradient_columns(int kind, size_t n, size_t inner, size_t width, const storage *grad,
                                      const storage *y, storage *dx, const Options *o) noexcept nogil:
    backward_columns(LOG_SOFTMAX, True, n, inner, TILE, grad, y, dx, o)


cdef inline void option_gradient_columns(int kind, size_t n, size_t inner, size_t width, const storage *grad,
                                         const storage *y, storage *dx, const Options *o) noexcept nogil:
    backward_columns(kind, False, n, inner, width, grad, y, dx, o)


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
                              const Options *o, Columns forward_columns) noexcept nogil:
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
    forward_columns(kind, n, TILE, TILE, columns, grad, y if kind == LOGSUMEXP else columns, o)
    if kind != LOGSUMEXP:
        turn_back(n, columns, y)


cdef inline void backward_tile(int kind, bint plain, size_t n, const storage *grad, const storage *y, storage *dx,
                               const Options *o, Columns backward_columns) noexcept nogil:
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
    backward_columns(kind, n, TILE, TILE, grad_columns, y_columns, grad_columns, o)
    turn_back(n, grad_columns, dx)


# ----------------------------------------------------------------------------------------------------------------
# The whole array.

cdef inline void forward(int kind, bint plain, size_t outer, size_t n, size_t inner, const storage *x,
                         const storage *grad, storage *y, const pyacts_softmax_options *all,
                         Columns columns) noexcept nogil:
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
            forward_tile(kind, plain, n, x + k * TILE * n, grad + k * TILE, y + k * TILE * y_n, &o, columns)
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
            if plain and width < TILE:
                forward_columns(kind, plain, n, inner, width, x + k * n * inner + j, grad + k * inner + j,
                                y + k * y_n * inner + j, &o)
            else:
                columns(kind, n, inner, width, x + k * n * inner + j, grad + k * inner + j, y + k * y_n * inner + j,
                        &o)
            j += width


cdef inline void backward(int kind, bint plain, size_t outer, size_t n, size_t inner, const storage *grad,
                          const storage *y, storage *dx, const pyacts_softmax_options *all,
                          Columns columns) noexcept nogil:
    cdef size_t tiled = 0, k, j, at, width
    cdef Options o
    if inner == 1:
        if n <= SHORT and (plain or all.causal_rows == 0):
            tiled = outer - outer % TILE
        for k in range(tiled // TILE):
            if not plain:
                o = options_at(all, k * TILE, 0, OUTER)
            at = k * TILE * n
            backward_tile(kind, plain, n, grad + at, y + at, dx + at, &o, columns)
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
            if plain and width < TILE:
                backward_columns(kind, plain, n, inner, width, grad + at, y + at, dx + at, &o)
            else:
                columns(kind, n, inner, width, grad + at, y + at, dx + at, &o)
            j += width


# With options, one compiled loop serves all; without, most have one of their own.

ctypedef void (*Lines)(int kind, size_t outer, size_t n, size_t inner, const storage *a, const storage *b, storage *out,
                       const pyacts_softmax_options *options) noexcept nogil


cdef inline void option_lines(int kind, size_t outer, size_t n, size_t inner, const storage *x, const storage *grad,
                              storage *y, const pyacts_softmax_options *options, Columns columns) noexcept nogil:
    cdef pyacts_softmax_options all = completed(options)
    forward(kind, False, outer, n, inner, x, grad, y, &all, columns)


cdef inline void option_gradient_lines(int kind, size_t outer, size_t n, size_t inner, const storage *grad,
                                       const storage *y, storage *dx, const pyacts_softmax_options *options,
                                       Columns columns) noexcept nogil:
    cdef pyacts_softmax_options all = completed(options)
    backward(kind, False, outer, n, inner, grad, y, dx, &all, columns)


cdef inline void log_lines(int kind, size_t outer, size_t n, size_t inner, const storage *x, const storage *grad,
                           storage *y, const pyacts_softmax_options *options, Columns columns) noexcept nogil:
    """log_softmax and logsumexp without options, in one loop too."""
    forward(LOG_SOFTMAX if kind == LOG_SOFTMAX else LOGSUMEXP, True, outer, n, inner, x, grad, y, NULL, columns)


cdef inline void softmax(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                         const pyacts_softmax_options *options, Lines lines, Columns columns) noexcept nogil:
    if options == NULL:
        forward(SOFTMAX, True, outer, n, inner, x, NULL, y, NULL, columns)
    else:
        lines(SOFTMAX, outer, n, inner, x, NULL, y, options)


cdef inline void softmax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                    storage *dx, const pyacts_softmax_options *options, Lines lines,
                                    Columns columns) noexcept nogil:
    if options == NULL:
        backward(SOFTMAX, True, outer, n, inner, grad, y, dx, NULL, columns)
    else:
        lines(SOFTMAX, outer, n, inner, grad, y, dx, options)


# softmin: softmax(-x)
# Without options, of negated numbers and with a negated gradient: as many lines at a time as stay in the first cache.

cdef enum:
    NEGATED = 4096      # numbers

ctypedef void (*Forward)(size_t outer, size_t n, size_t inner, const void *x, void *y,
                         const pyacts_softmax_options *options) noexcept nogil
ctypedef void (*Backward)(size_t outer, size_t n, size_t inner, const void *grad, const void *y, void *dx,
                          const pyacts_softmax_options *options) noexcept nogil


cdef inline size_t lines_at_once(size_t line) noexcept nogil:
    return max(<size_t>NEGATED // max(line, <size_t>1), <size_t>1)


cdef inline void negate(size_t n, const storage *x, storage *y) noexcept nogil:
    cdef storage block[LANES]           # x may be y
    cdef size_t k, i
    for k in range(n // LANES):
        for i in range(LANES):
            block[i] = negated(x[k * LANES + i])
        memcpy(y + k * LANES, block, LANES * sizeof(storage))
    for i in range(n // LANES * LANES, n):
        y[i] = negated(x[i])


cdef inline void softmin(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                         const pyacts_softmax_options *options, Lines lines, Forward softmax) noexcept nogil:
    cdef pyacts_softmax_options all
    cdef size_t line = n * inner, k = 0, count
    while options == NULL and k < outer:
        count = min(lines_at_once(line), outer - k)
        negate(count * line, x + k * line, y + k * line)
        softmax(count, n, inner, y + k * line, y + k * line, NULL)
        k += count
    if options != NULL:
        all = completed(options)
        all.scale = -all.scale
        lines(SOFTMAX, outer, n, inner, x, NULL, y, &all)


cdef inline void softmin_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                    storage *dx, const pyacts_softmax_options *options, Lines lines,
                                    Backward softmax_backward_y) noexcept nogil:
    cdef pyacts_softmax_options all
    cdef size_t line = n * inner, k = 0, count
    while options == NULL and k < outer:
        count = min(lines_at_once(line), outer - k)
        softmax_backward_y(count, n, inner, grad + k * line, y + k * line, dx + k * line, NULL)
        negate(count * line, dx + k * line, dx + k * line)
        k += count
    if options != NULL:
        all = completed(options)
        all.scale = -all.scale
        lines(SOFTMAX, outer, n, inner, grad, y, dx, &all)


cdef inline void log_softmax(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                             const pyacts_softmax_options *options, Lines lines, Lines plain_lines) noexcept nogil:
    if options == NULL:
        plain_lines(LOG_SOFTMAX, outer, n, inner, x, NULL, y, NULL)
    else:
        lines(LOG_SOFTMAX, outer, n, inner, x, NULL, y, options)


cdef inline void log_softmax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                        storage *dx, const pyacts_softmax_options *options, Lines lines,
                                        Columns columns) noexcept nogil:
    if options == NULL:
        backward(LOG_SOFTMAX, True, outer, n, inner, grad, y, dx, NULL, columns)
    else:
        lines(LOG_SOFTMAX, outer, n, inner, grad, y, dx, options)


# logsumexp: a number per line, in an (outer, inner) array, as is the grad of its backward

cdef inline void logsumexp(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                           const pyacts_softmax_options *options, Lines lines, Lines plain_lines) noexcept nogil:
    if options == NULL:
        plain_lines(LOGSUMEXP, outer, n, inner, x, NULL, y, NULL)
    else:
        lines(LOGSUMEXP, outer, n, inner, x, NULL, y, options)


cdef inline void logsumexp_backward(size_t outer, size_t n, size_t inner, const storage *grad, const storage *x,
                                    storage *dx, const pyacts_softmax_options *options, Lines lines) noexcept nogil:
    lines(LOGSUMEXP_BACKWARD, outer, n, inner, x, grad, dx, options)
