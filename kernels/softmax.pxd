"""softmax and its relatives along the middle axis of an (outer, n, inner) array.

With z = scale * x + bias and m = max(z), over what the mask and the causal bound leave,

    softmax     e**(z - m) / s      where s = sum(e**(z - m)) + e**(sink - m)
    log_softmax (z - m) - log(s)
    logsumexp   m + log(s)

A row (inner = 1) is vectorised along itself, short rows a tile at a time and any other layout across columns. All add
in the order that sums.pxd fixes, so all give the same bits; what is hidden adds 0 to the lane it would be in.

The gradients are scale * y * (grad - sum(grad y)) for softmax, scale * (grad - e**y sum(grad)) for log_softmax, the
sums being kept as a number and its rounding error, and scale * grad * softmax(x) for logsumexp: softmax with a weight
for each line. AT_ONCE products of a lane are added before they become double: all conversions would take a third of the
time, and the error is an ULP of the largest grad at most, as that of the subtraction.
"""
from libc.string cimport memcpy
from lines cimport give, larger_half, line_top, spans, take
from options cimport (ALONG, INNER, OUTER, Hide, Logits, Options, completed, hide_up_to, hides, logits_up_to,
                      options_at, reach)
from real cimport (BLOCK, CONVERTED, INFINITE, NEGATIVE_ZERO, NOT_A_NUMBER, ONE, SINGLE, ZERO, as_real, at_least, fused,
                   negated, packed_real, prefetch, put, real, real_bits, storage, widened)
from sums cimport AT_ONCE, LANES, TILE, Total, added, chunk, clear, fold, value_of
from table cimport pyacts_softmax_options
from terms cimport (LONG, SEGMENTS, Factor, Multiplier, Terms, exp_below, inverse_of, is_empty, is_same, larger,
                    log_probability, log_total, logarithm_of, multiplier_of, parts, plain_top, scaled, segment_of,
                    together, top_of)
from vmath cimport Sum, exp_negative_raised, raised

cdef enum:
    SHORT = 32          # rows up to this long are taken TILE at a time: alone, such a row is mostly lane handling
    KEPT = 2048         # numbers of a row that have room on the stack
    COLUMNS = 4 * BLOCK     # taken side by side without options, 256 bytes of reals: with half as many, softmax of
    # 1024 x 1024 float32 along axis 0 takes 1.5 times as long; with twice as many, columns in the cache do

# What the loops are asked for: a constant wherever they are used, like `plain`, which says that there are no options.
cdef enum:
    SOFTMAX
    LOG_SOFTMAX
    LOGSUMEXP


cdef inline bint is_logarithm(int kind) noexcept nogil:
    return kind == LOG_SOFTMAX or kind == LOGSUMEXP


cdef inline void multiply(size_t n, real factor, storage *y) noexcept nogil:
    """By a power of two."""
    cdef size_t i
    for i in range(n if factor != ONE else 0):
        y[i] = <storage>(<real>y[i] * factor)


cdef inline real gradient(real grad, real y, real dot, real dot_low) noexcept nogil:
    """y (grad - dot). In float32, where dot's own error is larger than dot_low, with a rounding less instead."""
    return fused(-dot, y, y * grad) if SINGLE else y * ((grad - dot) - dot_low)


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
    hide_up_to(LANES, min(n - at, <size_t>LANES), o, at, ZERO, buffer)
    return <const packed_real *>buffer


cdef inline const packed_real *logit_span(bint plain, size_t n, const storage *x, size_t step, size_t at,
                                          const Options *o, real *high, real *low) noexcept nogil:
    """z[at : at + LANES], -inf where masked or missing, and its rounding errors."""
    cdef const packed_real *reals = take(n, x, step, at, -INFINITE, high)
    cdef size_t i
    if plain:
        return reals
    if n - at < LANES:
        for i in range(LANES):
            low[i] = ZERO
    logits_up_to(LANES, min(n - at, <size_t>LANES), reals, o, at, high, low)
    return <const packed_real *>high


cdef inline void fill(size_t n, real value, storage *y) noexcept nogil:
    cdef real values[LANES]
    cdef size_t k
    for k in range(LANES):
        values[k] = value
    for k in range(spans(n)):
        give(n, values, y, 1, k * LANES)


cdef inline Sum largest(bint plain, size_t start, size_t stop, const storage *x, const Options *o) noexcept nogil:
    """The maximum of x[start : stop] and the sink, with its rounding error."""
    cdef real buffer[LANES]
    cdef real low[LANES]
    cdef real top[LANES]
    cdef real top_low[LANES]
    cdef const packed_real *reals
    cdef Sum y
    cdef size_t k, i
    if plain:
        return plain_top(line_top(stop - start, x + start, 1))
    for i in range(LANES):
        top[i], top_low[i] = -INFINITE, ZERO
    for k in range(start // LANES, spans(stop)):
        reals = logit_span(plain, stop, x, 1, k * LANES, o, buffer, low)
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


cdef inline Terms terms_of(int kind, bint plain, size_t ahead, size_t start, size_t end, const storage *x, size_t step,
                           storage *y, real *wide, const Options *o, Sum top) noexcept nogil:
    """The sums of x[start : end]. Of softmax the terms are left in y, or if y has fewer digits in `wide`, unless it is
    NULL. Numbers that are so far ahead, if not 0, are fetched into the cache meanwhile.
    """
    cdef double lanes[LANES]
    cdef real_bits tied[LANES]
    cdef real buffer[AT_ONCE * LANES]
    cdef real low[LANES]
    cdef real own[AT_ONCE * LANES]
    cdef real *e
    cdef const packed_real *reals
    cdef Terms terms
    cdef size_t ties = 0, stop, i
    terms.top, terms.total = top, Total(0, 0)
    for i in range(LANES):
        tied[i] = 0
    while start < end:
        clear(LANES, 1, 1, lanes)
        stop = min(start + chunk(), end)
        while plain and step == 1 and start + AT_ONCE * LANES <= stop:
            if ahead:
                prefetch(AT_ONCE * LANES, x + start + ahead)
            reals = as_real(AT_ONCE * LANES, x + start, buffer)
            e = <real *>own if wide == NULL else wide + start
            exponentials(kind, plain, AT_ONCE, reals, low, top, e, tied)
            add_terms(AT_ONCE, e, lanes)
            if not CONVERTED and not is_logarithm(kind):
                put(AT_ONCE * LANES, e, y + start)
            start += AT_ONCE * LANES
        while start < stop:
            reals = logit_span(plain, end, x, step, start, o, buffer, low)
            e = <real *>own if wide == NULL else wide + start
            exponentials(kind, plain, 1, reals, low, top, e, tied)
            add_terms(1, e, lanes)
            if not CONVERTED and not is_logarithm(kind):
                give(end, e, y, 1, start)
            start += LANES
        fold(LANES, 1, 1, lanes)
        terms.total = added(terms.total, lanes[0])
    if is_logarithm(kind):
        for i in range(LANES):
            ties += <size_t>tied[i]
    terms.ties = <double>ties
    return terms


cdef inline Terms with_sink(int kind, Terms terms, real sink) noexcept nogil:
    cdef bint same = is_logarithm(kind) and is_same(sink, ZERO, terms.top)
    terms.ties += 1.0 if same else 0.0
    terms.total = added(terms.total, 0.0 if same else <double>exp_below(sink, ZERO, terms.top))
    return terms


cdef inline void finish(int kind, bint plain, bint weighted, bint again, size_t start, size_t stop, size_t n,
                        const storage *x, const real *terms, Sum top, real log_sum, Factor factor, real weight,
                        storage *y, const Options *o) noexcept nogil:
    """y[start : stop] of a row of n, from its terms; from x if it is a logarithm or they have to be computed again."""
    cdef real buffer[LANES]
    cdef real low[LANES]
    cdef real e[LANES]
    cdef const packed_real *reals
    cdef size_t k, i
    for k in range(start // LANES, spans(stop)):
        if is_logarithm(kind) or again:
            reals = logit_span(plain, n, x, 1, k * LANES, o, buffer, low)
        elif CONVERTED:
            reals = <const packed_real *>(terms + k * LANES)
        else:
            reals = take(n, y, 1, k * LANES, ZERO, buffer)
        if kind == LOG_SOFTMAX:
            for i in range(LANES):
                e[i] = log_probability(reals[i], NEGATIVE_ZERO if plain else low[i], top, log_sum)
        else:
            for i in range(LANES):
                e[i] = reals[i]
            if again:
                for i in range(LANES):
                    e[i] = exp_below(reals[i], ZERO if plain else low[i], top)
            for i in range(LANES):
                e[i] = scaled(e[i], factor.high, factor.low)
        if weighted:
            for i in range(LANES):
                e[i] *= weight
        if not plain:
            hide_up_to(LANES, min(n - k * LANES, <size_t>LANES), o, k * LANES,
                       -INFINITE if kind == LOG_SOFTMAX else ZERO, e)
        give(n, e, y, 1, k * LANES)


cdef inline void forward_row(int kind, bint plain, bint is_long, size_t n, size_t kept, const storage *x,
                             const storage *weight_at, storage *y, const Options *o) noexcept nogil:
    """One row, of which the first `kept` numbers count; softmax times a weight unless that is NULL."""
    cdef real room[KEPT]
    cdef real *wide = room if CONVERTED and kept <= KEPT else NULL
    cdef real value, log_sum = ZERO, weight = ONE
    cdef Sum tops[SEGMENTS]
    cdef Terms terms, next_terms
    cdef Multiplier multiplier
    cdef size_t length = segment_of(n) if is_long else 0, segments = 0, segment, start, stop
    cdef bint again = CONVERTED and wide == NULL        # there is no room for the terms
    while segments == 0 or (is_long and segments * length < kept):
        start, stop = segments * length, min((segments + 1) * length, kept) if is_long else kept
        next_terms = terms_of(kind, plain, length, start, stop, x, 1, y, wide, o, largest(plain, start, stop, x, o))
        terms = together(terms, next_terms) if segments > 0 else next_terms
        if is_long:
            tops[segments] = next_terms.top
        segments += 1
    if not plain and o.sink != NULL:
        terms = with_sink(kind, terms, <real>o.sink[0])
    if kind == LOGSUMEXP:
        value = log_total(terms.top, terms.total, terms.ties)
        put(1, &value, y)
        return
    if is_empty(terms.top, value_of(terms.total)) and (kind == LOG_SOFTMAX or not plain or weight_at != NULL):
        value = NOT_A_NUMBER
        if weight_at != NULL or (not plain and o.zero):
            value = -INFINITE if kind == LOG_SOFTMAX else ZERO
        fill(n, value, y)
        return
    if is_logarithm(kind):
        log_sum = <real>logarithm_of(terms.total, terms.ties)
    if kind == SOFTMAX and weight_at != NULL:
        weight = widened(weight_at[0]) * (ONE if plain else o.scale)
    multiplier.down, multiplier.factor = ONE, inverse_of(terms.total, terms.top)
    for segment in range(segments):
        stop = min((segment + 1) * length, kept) if is_long else kept
        if is_long and not is_logarithm(kind) and not CONVERTED:
            multiplier = multiplier_of(tops[segment], terms)
            multiply(stop - segment * length, multiplier.down, y + segment * length)
        start = segment * length
        if plain and kind == SOFTMAX and weight_at != NULL:     # a loop of its own: to ask in it takes a tenth longer
            finish(kind, plain, True, again, start, stop, kept, x, wide, terms.top, log_sum, multiplier.factor, weight,
                   y, o)
        else:
            finish(kind, plain, not plain and weight_at != NULL, again, start, stop, kept, x, wide, terms.top, log_sum,
                   multiplier.factor, weight, y, o)
    if not plain:
        fill(n - kept, -INFINITE if kind == LOG_SOFTMAX else ZERO, y + kept)


cdef inline real plus_share(real sum, real grad, real y) noexcept nogil:
    """sum + grad y, with as many roundings at every level: the sum may cancel."""
    return fused(grad, y, sum) if SINGLE else sum + grad * y


cdef inline void backward_row(int kind, bint plain, size_t n, size_t kept, const storage *grad, const storage *y,
                              storage *dx, const Options *o) noexcept nogil:
    cdef double lanes[LANES]
    cdef real grad_buffer[AT_ONCE * LANES]
    cdef real y_buffer[AT_ONCE * LANES]
    cdef real result[LANES]
    cdef const packed_real *grads
    cdef const packed_real *ys
    cdef real share
    cdef double lane
    cdef Total total = Total(0, 0)
    cdef Factor sum
    cdef size_t start = 0, stop, at, k, i
    while start < kept:
        clear(LANES, 1, 1, lanes)
        stop = min(start + chunk(), kept)
        while plain and start + AT_ONCE * LANES <= stop:
            grads = as_real(AT_ONCE * LANES, grad + start, grad_buffer)
            ys = as_real(AT_ONCE * LANES, y + start, y_buffer)
            for i in range(LANES):
                lane, share = lanes[i], ZERO
                for k in range(AT_ONCE):
                    if kind == SOFTMAX:
                        share = plus_share(share, grads[k * LANES + i], ys[k * LANES + i])
                    else:
                        lane += <double>grads[k * LANES + i]
                lanes[i] = lane + <double>share
            start += AT_ONCE * LANES
        while start < stop:
            for i in range(LANES):
                result[i] = ZERO
            for at in range(start // LANES, spans(min(start + AT_ONCE * LANES, stop))):
                grads = hidden_span(plain, kept, grad, at * LANES, o, grad_buffer)
                ys = hidden_span(plain, kept, y, at * LANES, o, y_buffer)
                if kind == SOFTMAX:
                    for i in range(LANES):
                        result[i] = plus_share(result[i], grads[i], ys[i])
                else:
                    for i in range(LANES):
                        lanes[i] += <double>grads[i]
            for i in range(LANES):
                lanes[i] += <double>result[i]
            start += AT_ONCE * LANES
        fold(LANES, 1, 1, lanes)
        total = added(total, lanes[0])
        start = stop
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
            hide_up_to(LANES, min(kept - k * LANES, <size_t>LANES), o, k * LANES, ZERO, result)
        give(kept, result, dx, 1, k * LANES)
    if not plain:
        fill(n - kept, ZERO, dx + kept)


# ----------------------------------------------------------------------------------------------------------------
# Columns: width of them (at most COLUMNS) side by side, `inner` elements from one row to the next

cdef inline const packed_real *logit_columns(bint plain, size_t width, const storage *x, size_t at, const Options *o,
                                             real *high, real *low) noexcept nogil:
    cdef const packed_real *reals = as_real(width, x, high)
    if plain:
        return reals
    logits_up_to(TILE, width, reals, o, at, high, low)
    return <const packed_real *>high


cdef inline const packed_real *hidden_columns(bint plain, size_t width, const storage *x, size_t at, const Options *o,
                                              real *buffer) noexcept nogil:
    cdef const packed_real *reals = as_real(width, x, buffer)
    if plain or not hides(o):
        return reals
    if <const packed_real *>buffer != reals:
        memcpy(buffer, reals, width * sizeof(real))
    hide_up_to(TILE, width, o, at, ZERO, buffer)
    return <const packed_real *>buffer


cdef inline void largest_of_columns(bint plain, size_t start, size_t stop, size_t inner, size_t width,
                                    const storage *x, const Options *o, real *top, real *top_low) noexcept nogil:
    cdef real buffer[COLUMNS]
    cdef real low[COLUMNS]
    cdef const packed_real *reals
    cdef size_t row, j
    cdef Sum y
    for j in range(width):
        top[j], top_low[j] = -INFINITE, ZERO
    for row in range(start, stop):
        reals = logit_columns(plain, width, x + row * inner, row, o, buffer, low)
        for j in range(width):
            if plain:
                top[j] = at_least(reals[j], top[j])
            else:
                y = larger(top_of(plain, top[j], top_low[j]), reals[j], low[j])
                top[j], top_low[j] = y.high, y.low
    if not plain and o.sink != NULL:
        for j in range(width):
            y = larger(top_of(plain, top[j], top_low[j]), <real>o.sink[<ptrdiff_t>j * o.sink_step], ZERO)
            top[j], top_low[j] = y.high, y.low


cdef inline void forward_columns(int kind, bint plain, size_t n, size_t inner, size_t width, const storage *x,
                                 const storage *weights, storage *y, const Options *o) noexcept nogil:
    cdef real buffer[COLUMNS]
    cdef real low[COLUMNS]
    cdef const packed_real *reals
    cdef real top[COLUMNS]      # each number of a column is in an array of its own, which vectors are read from
    cdef real top_low[COLUMNS]
    cdef real e[COLUMNS]
    cdef real factor[COLUMNS]
    cdef real factor_low[COLUMNS]
    cdef real down[COLUMNS]
    cdef real weight[COLUMNS]
    cdef double lanes[LANES * COLUMNS]
    cdef double ties[COLUMNS]
    cdef real log_sum[COLUMNS]
    cdef Total total[COLUMNS]
    cdef bint empty[COLUMNS]
    cdef Terms terms[COLUMNS]   # of a long column's segments so far
    cdef Terms next_terms
    cdef bint is_long = not plain and n > LONG
    cdef size_t length = segment_of(n), segments = (n + length - 1) // length if is_long else 1
    cdef size_t used = min(n, <size_t>LANES), segment, start, stop, row, j
    cdef bint same, in_segments = is_long and not is_logarithm(kind) and not CONVERTED
    cdef bint has_value = is_logarithm(kind) or not plain or weights != NULL    # of its own if a column is empty
    cdef real value
    cdef Factor inverse
    cdef Multiplier multiplier
    for segment in range(segments):
        start, stop = segment * length, min((segment + 1) * length, n) if is_long else n
        largest_of_columns(plain, start, stop, inner, width, x, o, top, top_low)
        for j in range(width):
            total[j] = Total(0, 0)
            ties[j] = 0
        while start < stop:
            clear(used, width, COLUMNS, lanes)
            for row in range(start, min(start + chunk(), stop)):
                reals = logit_columns(plain, width, x + row * inner, row, o, buffer, low)
                for j in range(width):
                    e[j] = exp_below(reals[j], ZERO if plain else low[j], top_of(plain, top[j], top_low[j]))
                if is_logarithm(kind):
                    for j in range(width):
                        same = is_same(reals[j], NEGATIVE_ZERO if plain else low[j],
                                       top_of(plain, top[j], top_low[j]))
                        e[j] = ZERO if same else e[j]
                        ties[j] += 1.0 if same else 0.0
                for j in range(width):
                    lanes[row % LANES * COLUMNS + j] += <double>e[j]
                if not CONVERTED and not in_segments and not is_logarithm(kind):
                    put(width, e, y + row * inner)
            start += chunk()
            fold(used, width, COLUMNS, lanes)
            for j in range(width):
                total[j] = added(total[j], lanes[j])
        for j in range(width if is_long else 0):
            next_terms.top, next_terms.total, next_terms.ties = top_of(plain, top[j], top_low[j]), total[j], ties[j]
            terms[j] = next_terms if segment == 0 else together(terms[j], next_terms)
    for j in range(width if is_long else 0):
        top[j], top_low[j], total[j], ties[j] = terms[j].top.high, terms[j].top.low, terms[j].total, terms[j].ties
    if not plain and o.sink != NULL:
        for j in range(width):
            next_terms.top, next_terms.total, next_terms.ties = top_of(plain, top[j], top_low[j]), total[j], ties[j]
            next_terms = with_sink(kind, next_terms, <real>o.sink[<ptrdiff_t>j * o.sink_step])
            total[j], ties[j] = next_terms.total, next_terms.ties
    if kind == LOGSUMEXP:
        for j in range(width):
            e[j] = log_total(top_of(plain, top[j], top_low[j]), total[j], ties[j])
        put(width, e, y)
        return
    for j in range(width):
        if has_value:
            empty[j] = is_empty(top_of(plain, top[j], top_low[j]), value_of(total[j]))
        log_sum[j] = <real>logarithm_of(total[j], ties[j]) if is_logarithm(kind) else ZERO
        inverse = inverse_of(total[j], top_of(plain, top[j], top_low[j]))
        factor[j], factor_low[j] = inverse.high, inverse.low
        if in_segments:
            terms[j].total = total[j]
    value = NOT_A_NUMBER        # of an empty column
    if kind == SOFTMAX and weights != NULL:
        value = ZERO
        reals = as_real(width, weights, buffer)
        for j in range(width):
            weight[j] = reals[j] * (ONE if plain else o.scale)
    elif not plain and o.zero:
        value = -INFINITE if kind == LOG_SOFTMAX else ZERO
    for segment in range(segments):
        start, stop = segment * length, min((segment + 1) * length, n) if is_long else n
        if in_segments:
            largest_of_columns(plain, start, stop, inner, width, x, o, top, top_low)
            for j in range(width):
                multiplier = multiplier_of(top_of(plain, top[j], top_low[j]), terms[j])
                down[j], factor[j], factor_low[j] = multiplier.down, multiplier.factor.high, multiplier.factor.low
        for row in range(start, stop):
            if CONVERTED or in_segments or is_logarithm(kind):
                reals = logit_columns(plain, width, x + row * inner, row, o, buffer, low)
            else:
                reals = as_real(width, y + row * inner, buffer)
            if kind == LOG_SOFTMAX:
                for j in range(width):
                    e[j] = log_probability(reals[j], NEGATIVE_ZERO if plain else low[j],
                                           top_of(plain, top[j], top_low[j]), log_sum[j])
            elif in_segments:
                for j in range(width):
                    e[j] = exp_below(reals[j], ZERO if plain else low[j], top_of(plain, top[j], top_low[j])) * down[j]
                    e[j] = scaled(e[j], factor[j], factor_low[j])
            else:
                for j in range(width):
                    e[j] = reals[j]
                    if CONVERTED:
                        e[j] = exp_below(reals[j], ZERO if plain else low[j], top_of(plain, top[j], top_low[j]))
                    e[j] = scaled(e[j], factor[j], factor_low[j])
            if kind == SOFTMAX and weights != NULL:
                for j in range(width):
                    e[j] *= weight[j]
            if not plain:
                hide_up_to(TILE, width, o, row, -INFINITE if kind == LOG_SOFTMAX else ZERO, e)
            if has_value:
                for j in range(width):
                    e[j] = value if empty[j] else e[j]
            put(width, e, y + row * inner)


cdef inline void backward_columns(int kind, bint plain, size_t n, size_t inner, size_t width, const storage *grad,
                                  const storage *y, storage *dx, const Options *o) noexcept nogil:
    cdef real grad_buffer[COLUMNS]
    cdef real y_buffer[COLUMNS]
    cdef const packed_real *grads
    cdef const packed_real *ys
    cdef real result[COLUMNS]
    cdef real share[COLUMNS]
    cdef double lanes[LANES * COLUMNS]
    cdef Total total[COLUMNS]
    cdef Factor both
    cdef real sum[COLUMNS]
    cdef real sum_low[COLUMNS]
    cdef size_t used = min(n, <size_t>LANES), start = 0, stop, row, lane, j
    for j in range(width):
        total[j] = Total(0, 0)
    while start < n:
        clear(used, width, COLUMNS, lanes)
        stop = min(start + chunk(), n)
        while start < stop:
            for lane in range(min(stop - start, <size_t>LANES)):
                for j in range(width):
                    share[j] = ZERO
                row = start + lane
                while row < min(start + AT_ONCE * LANES, stop):
                    grads = hidden_columns(plain, width, grad + row * inner, row, o, grad_buffer)
                    ys = hidden_columns(plain, width, y + row * inner, row, o, y_buffer)
                    if kind == SOFTMAX:
                        for j in range(width):
                            share[j] = plus_share(share[j], grads[j], ys[j])
                    else:
                        for j in range(width):
                            lanes[lane * COLUMNS + j] += <double>grads[j]
                    row += LANES
                for j in range(width):
                    lanes[lane * COLUMNS + j] += <double>share[j]
            start += AT_ONCE * LANES
        start = stop
        fold(used, width, COLUMNS, lanes)
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
            hide_up_to(TILE, width, o, row, ZERO, result)
        put(width, result, dx + row * inner)


# ----------------------------------------------------------------------------------------------------------------
# Short rows, TILE of them at a time. Those of a plain softmax and of plain gradients are padded to a width that the
# compiler knows, so that what is done once per row is vectorised as well, and lanes that hold only padding are not
# folded.

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


cdef inline void backward_padded(int kind, size_t width, size_t n, const storage *grad, const storage *y,
                                 storage *dx) noexcept nogil:
    cdef real grads[TILE * SHORT + LANES]   # loads from ys would wait for stores 4096 bytes before: 7 %
    cdef real ys[TILE * SHORT]
    cdef double terms[TILE * LANES]
    cdef double sums[TILE]
    cdef Factor sum[TILE]
    cdef real share
    cdef size_t lanes = min(width, <size_t>LANES), row, i
    load_tile(width, n, grad, ZERO, grads)
    load_tile(width, n, y, ZERO, ys)
    for row in range(TILE):
        for i in range(lanes):
            if kind == SOFTMAX:
                share = plus_share(ZERO, grads[row * width + i], ys[row * width + i])
                if width > lanes:
                    share = plus_share(share, grads[row * width + lanes + i], ys[row * width + lanes + i])
                terms[row * lanes + i] = <double>share
            else:
                terms[row * lanes + i] = <double>grads[row * width + i]
                if width > lanes:
                    terms[row * lanes + i] += <double>grads[row * width + lanes + i]
    fold_tile(lanes, terms, sums)
    for row in range(TILE):
        sum[row] = parts(value_of(added(Total(0, 0), sums[row])))
    for row in range(TILE):
        for i in range(width):
            if kind == SOFTMAX:
                grads[row * width + i] = gradient(
                    grads[row * width + i], ys[row * width + i], sum[row].high, sum[row].low)
            else:
                grads[row * width + i] = log_gradient(
                    grads[row * width + i], ys[row * width + i], sum[row].high, sum[row].low)
    store_tile(width, n, grads, dx)


# The others are turned into columns and back. What is called here is inlined; that which columns and tiles share, and
# the lines with options below, is compiled once and handed in.

ctypedef void (*Columns)(int kind, size_t n, size_t inner, size_t width, const storage *a, const storage *b,
                         storage *out, const Options *o) noexcept nogil


cdef inline void softmax_columns(int kind, size_t n, size_t inner, size_t width, const storage *x,
                                 const storage *weights, storage *y, const Options *o) noexcept nogil:
    """All but the last columns of an array: the compiler knows how many there are."""
    forward_columns(SOFTMAX, True, n, inner, COLUMNS, x, weights, y, o)


cdef inline void log_columns(int kind, size_t n, size_t inner, size_t width, const storage *x, const storage *weights,
                             storage *y, const Options *o) noexcept nogil:
    forward_columns(LOG_SOFTMAX if kind == LOG_SOFTMAX else LOGSUMEXP, True, n, inner, COLUMNS, x, weights, y, o)


cdef inline void option_columns(int kind, size_t n, size_t inner, size_t width, const storage *x,
                                const storage *weights, storage *y, const Options *o) noexcept nogil:
    forward_columns(kind, False, n, inner, width, x, weights, y, o)


cdef inline void softmax_gradient_columns(int kind, size_t n, size_t inner, size_t width, const storage *grad,
                                          const storage *y, storage *dx, const Options *o) noexcept nogil:
    backward_columns(SOFTMAX, True, n, inner, COLUMNS, grad, y, dx, o)


cdef inline void log_gradient_columns(int kind, size_t n, size_t inner, size_t width, const storage *grad,
                                      const storage *y, storage *dx, const Options *o) noexcept nogil:
    backward_columns(LOG_SOFTMAX, True, n, inner, COLUMNS, grad, y, dx, o)


cdef inline void option_gradient_columns(int kind, size_t n, size_t inner, size_t width, const storage *grad,
                                         const storage *y, storage *dx, const Options *o) noexcept nogil:
    backward_columns(kind, False, n, inner, width, grad, y, dx, o)


cdef inline bint is_padded(int kind, bint plain, const storage *weights) noexcept nogil:
    return kind == SOFTMAX and plain and weights == NULL


cdef inline size_t rows_together(int kind, bint plain, const storage *weights) noexcept nogil:
    return <size_t>COLUMNS if plain and not is_padded(kind, plain, weights) else <size_t>TILE


cdef inline size_t columns_together(bint plain) noexcept nogil:
    return <size_t>COLUMNS if plain else <size_t>TILE


cdef inline void turn(size_t tile, size_t n, const storage *rows, storage *columns) noexcept nogil:
    cdef size_t row, i
    for row in range(tile):
        for i in range(n):
            columns[i * tile + row] = rows[row * n + i]


cdef inline void turn_back(size_t tile, size_t n, const storage *columns, storage *rows) noexcept nogil:
    cdef size_t row, i
    for row in range(tile):
        for i in range(n):
            rows[row * n + i] = columns[i * tile + row]


cdef inline void forward_tile(int kind, bint plain, size_t n, const storage *x, const storage *weights, storage *y,
                              const Options *o, Columns forward_columns) noexcept nogil:
    cdef storage columns[COLUMNS * SHORT]
    cdef size_t tile = rows_together(kind, plain, weights)
    if is_padded(kind, plain, weights):
        if n <= 8:
            softmax_tile(8, n, x, y)
        elif n <= 16:
            softmax_tile(16, n, x, y)
        else:
            softmax_tile(32, n, x, y)
        return
    turn(tile, n, x, columns)
    forward_columns(kind, n, tile, tile, columns, weights, y if kind == LOGSUMEXP else columns, o)
    if kind != LOGSUMEXP:
        turn_back(tile, n, columns, y)


cdef inline void backward_tile(int kind, bint plain, size_t n, const storage *grad, const storage *y, storage *dx,
                               const Options *o, Columns backward_columns) noexcept nogil:
    cdef storage grad_columns[TILE * SHORT]
    cdef storage y_columns[TILE * SHORT]
    if plain:
        if kind == SOFTMAX and n <= 8:
            backward_padded(kind, 8, n, grad, y, dx)
        elif n <= 16:
            backward_padded(kind, 16, n, grad, y, dx)
        else:
            backward_padded(kind, 32, n, grad, y, dx)
        return
    turn(TILE, n, grad, grad_columns)
    turn(TILE, n, y, y_columns)
    backward_columns(kind, n, TILE, TILE, grad_columns, y_columns, grad_columns, o)
    turn_back(TILE, n, grad_columns, dx)


# ----------------------------------------------------------------------------------------------------------------
# The whole array.

cdef inline void forward(int kind, bint plain, size_t outer, size_t n, size_t inner, const storage *x,
                         const storage *weights, storage *y, const pyacts_softmax_options *all, Columns columns,
                         Logits logits, Hide hide) noexcept nogil:
    cdef size_t y_n = 1 if kind == LOGSUMEXP else n         # a result per line, not per number
    cdef size_t weighted = 1 if weights != NULL else 0      # weights are one per line
    cdef size_t tile = rows_together(kind, plain, weights), tiled = 0, k, j, at, y_at, weight_at, width
    cdef Options o
    if inner == 1:
        if n <= SHORT and (plain or all.causal_rows == 0):
            tiled = outer - outer % tile
        for k in range(tiled // tile):
            if not plain:
                o = options_at(all, k * tile, 0, OUTER, logits, hide)
            forward_tile(kind, plain, n, x + k * tile * n, weights + k * tile * weighted, y + k * tile * y_n, &o,
                         columns)
        for k in range(tiled, outer):
            if not plain:
                o = options_at(all, k, 0, ALONG, logits, hide)
            forward_row(kind, plain, not plain and n > LONG, n, n if plain else reach(all, k, n), x + k * n,
                        weights + k * weighted, y + k * y_n, &o)
        return
    for k in range(outer):
        j = 0
        while j < inner:
            width = min(inner - j, columns_together(plain))
            if not plain:
                o = options_at(all, k, j, INNER, logits, hide)
            at, y_at, weight_at = k * n * inner + j, k * y_n * inner + j, (k * inner + j) * weighted
            if plain and width < COLUMNS:
                forward_columns(kind, plain, n, inner, width, x + at, weights + weight_at, y + y_at, &o)
            else:
                columns(kind, n, inner, width, x + at, weights + weight_at, y + y_at, &o)
            j += width


cdef inline void backward(int kind, bint plain, size_t outer, size_t n, size_t inner, const storage *grad,
                          const storage *y, storage *dx, const pyacts_softmax_options *all, Columns columns,
                          Logits logits, Hide hide) noexcept nogil:
    cdef size_t tiled = 0, k, j, at, width
    cdef Options o
    if inner == 1:
        if n <= SHORT and (plain or all.causal_rows == 0):
            tiled = outer - outer % TILE
        for k in range(tiled // TILE):
            if not plain:
                o = options_at(all, k * TILE, 0, OUTER, logits, hide)
            at = k * TILE * n
            backward_tile(kind, plain, n, grad + at, y + at, dx + at, &o, columns)
        for k in range(tiled, outer):
            if not plain:
                o = options_at(all, k, 0, ALONG, logits, hide)
            at = k * n
            backward_row(kind, plain, n, n if plain else reach(all, k, n), grad + at, y + at, dx + at, &o)
        return
    for k in range(outer):
        j = 0
        while j < inner:
            width = min(inner - j, columns_together(plain))
            if not plain:
                o = options_at(all, k, j, INNER, logits, hide)
            at = k * n * inner + j
            if plain and width < COLUMNS:
                backward_columns(kind, plain, n, inner, width, grad + at, y + at, dx + at, &o)
            else:
                columns(kind, n, inner, width, grad + at, y + at, dx + at, &o)
            j += width


# One compiled loop serves all with options, and long lines without; other lines mostly have one of their own.

ctypedef void (*Lines)(int kind, size_t outer, size_t n, size_t inner, const storage *a, const storage *b, storage *out,
                       const pyacts_softmax_options *options) noexcept nogil


cdef inline void option_lines(int kind, size_t outer, size_t n, size_t inner, const storage *x, const storage *weights,
                              storage *y, const pyacts_softmax_options *options, Columns columns,
                              Logits logits, Hide hide) noexcept nogil:
    cdef pyacts_softmax_options all = completed(options)
    cdef size_t k
    if options != NULL or inner != 1:
        forward(kind, False, outer, n, inner, x, weights, y, &all, columns, logits, hide)
        return
    for k in range(outer):
        if kind == SOFTMAX:
            forward_row(SOFTMAX, True, True, n, n, x + k * n, weights + k if weights != NULL else NULL, y + k * n,
                        NULL)
        else:
            forward_row(LOG_SOFTMAX if kind == LOG_SOFTMAX else LOGSUMEXP, True, True, n, n, x + k * n, NULL,
                        y + k * (1 if kind == LOGSUMEXP else n), NULL)


cdef inline void option_gradient_lines(int kind, size_t outer, size_t n, size_t inner, const storage *grad,
                                       const storage *y, storage *dx, const pyacts_softmax_options *options,
                                       Columns columns, Logits logits, Hide hide) noexcept nogil:
    cdef pyacts_softmax_options all = completed(options)
    backward(kind, False, outer, n, inner, grad, y, dx, &all, columns, logits, hide)


cdef inline void softmax_lines(int kind, size_t outer, size_t n, size_t inner, const storage *x,
                               const storage *weights, storage *y, const pyacts_softmax_options *options,
                               Columns columns) noexcept nogil:
    """softmax without options; with weights, the gradient of logsumexp."""
    forward(SOFTMAX, True, outer, n, inner, x, weights, y, NULL, columns, NULL, NULL)


cdef inline void log_lines(int kind, size_t outer, size_t n, size_t inner, const storage *x, const storage *weights,
                           storage *y, const pyacts_softmax_options *options, Columns columns) noexcept nogil:
    """log_softmax and logsumexp without options, in one loop too."""
    forward(LOG_SOFTMAX if kind == LOG_SOFTMAX else LOGSUMEXP, True, outer, n, inner, x, weights, y, NULL, columns,
            NULL, NULL)


cdef inline void softmax(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                         const pyacts_softmax_options *options, Lines lines, Lines plain_lines) noexcept nogil:
    if options == NULL and n <= LONG:
        plain_lines(SOFTMAX, outer, n, inner, x, NULL, y, NULL)
    else:
        lines(SOFTMAX, outer, n, inner, x, NULL, y, options)


cdef inline void softmax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                    storage *dx, const pyacts_softmax_options *options, Lines lines,
                                    Columns columns) noexcept nogil:
    if options == NULL:
        backward(SOFTMAX, True, outer, n, inner, grad, y, dx, NULL, columns, NULL, NULL)
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
    if options == NULL and n <= LONG:
        plain_lines(LOG_SOFTMAX, outer, n, inner, x, NULL, y, NULL)
    else:
        lines(LOG_SOFTMAX, outer, n, inner, x, NULL, y, options)


cdef inline void log_softmax_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                        storage *dx, const pyacts_softmax_options *options, Lines lines,
                                        Columns columns) noexcept nogil:
    if options == NULL:
        backward(LOG_SOFTMAX, True, outer, n, inner, grad, y, dx, NULL, columns, NULL, NULL)
    else:
        lines(LOG_SOFTMAX, outer, n, inner, grad, y, dx, options)


# logsumexp: a number per line, in an (outer, inner) array, as is the grad of its backward

cdef inline void logsumexp(size_t outer, size_t n, size_t inner, const storage *x, storage *y,
                           const pyacts_softmax_options *options, Lines lines, Lines plain_lines) noexcept nogil:
    if options == NULL and n <= LONG:
        plain_lines(LOGSUMEXP, outer, n, inner, x, NULL, y, NULL)
    else:
        lines(LOGSUMEXP, outer, n, inner, x, NULL, y, options)


cdef inline void logsumexp_backward(size_t outer, size_t n, size_t inner, const storage *grad, const storage *x,
                                    storage *dx, const pyacts_softmax_options *options, Lines lines,
                                    Lines plain_lines) noexcept nogil:
    if options == NULL and n <= LONG:
        plain_lines(SOFTMAX, outer, n, inner, x, grad, dx, NULL)
    else:
        lines(SOFTMAX, outer, n, inner, x, grad, dx, options)
