"""What the options of the softmax family do to the numbers of a line: scale and bias change them, masks hide them.

Numbers are read `width` at a time, along a line or across lines (columns); `at` is how far along the line they are.
What is hidden counts as -inf whatever it is, NaN too. A bias of -inf hides: it is how masks are often written.
"""
from libc.stddef cimport ptrdiff_t
from libc.string cimport memcpy, memset
from real cimport (INFINITE, ZERO, as_real, from_bits, packed_real, parameter, product_error, real, real_bits, storage,
                   to_bits, widen_bytes, widened)
from sums cimport TILE
from table cimport pyacts_softmax_options
from vmath cimport Sum, two_sum

cdef enum:      # the three dimensions of an array, in which strides are given
    OUTER = 0
    ALONG = 1
    INNER = 2


cdef struct Options             # which what is compiled once and pointed to reads
ctypedef void (*Logits)(size_t width, const packed_real *x, const Options *o, size_t at, real *high,
                        real *low) noexcept nogil
ctypedef void (*Hide)(size_t width, const Options *o, size_t at, real filler, real *values) noexcept nogil

cdef struct Options:            # as a line, or the first of several side by side, sees them
    Logits logits
    Hide hide
    real scale
    const unsigned char *mask   # NULL: there is none; likewise the others
    ptrdiff_t mask_next         # from one number to the next along the line
    ptrdiff_t mask_step         # between the numbers that are read at once
    const storage *bias
    ptrdiff_t bias_next
    ptrdiff_t bias_step
    const parameter *sink
    ptrdiff_t sink_step         # from one line to the next
    bint zero                   # whether a line with nothing left is zero, not NaN


cdef inline pyacts_softmax_options completed(const pyacts_softmax_options *given) noexcept nogil:
    """The options with their defaults for what the caller's version of the struct does not have."""
    cdef pyacts_softmax_options options
    memset(&options, 0, sizeof(options))
    options.scale = 1
    if given != NULL:
        memcpy(&options, given, min(given.size, sizeof(pyacts_softmax_options)))
    options.size = sizeof(pyacts_softmax_options)
    return options


cdef inline Options options_at(const pyacts_softmax_options *all, size_t outer, size_t inner, int dimension,
                               Logits compiled_logits, Hide compiled_hide) noexcept nogil:
    """The options of the line (outer, inner). Numbers that are read at once lie along the given dimension."""
    cdef Options o
    cdef ptrdiff_t k = <ptrdiff_t>outer, j = <ptrdiff_t>inner
    o.logits, o.hide = compiled_logits, compiled_hide
    o.scale = <real><parameter>all.scale
    o.mask, o.bias, o.sink = all.mask, <const storage *>all.bias, <const parameter *>all.sink
    if o.mask != NULL:
        o.mask += k * all.mask_strides[OUTER] + j * all.mask_strides[INNER]
    if o.bias != NULL:
        o.bias += k * all.bias_strides[OUTER] + j * all.bias_strides[INNER]
    if o.sink != NULL:
        o.sink += k * all.sink_strides[0] + j * all.sink_strides[1]
    o.mask_next, o.mask_step = all.mask_strides[ALONG], all.mask_strides[dimension]
    o.bias_next, o.bias_step = all.bias_strides[ALONG], all.bias_strides[dimension]
    o.sink_step = all.sink_strides[0 if dimension == OUTER else 1]
    o.zero = all.empty != 0
    return o


cdef inline size_t reach(const pyacts_softmax_options *all, size_t row, size_t n) noexcept nogil:
    """How many numbers, from the first, a causal bound leaves of a row of n."""
    cdef ptrdiff_t up_to, offset
    if all.causal_rows == 0:
        return n
    up_to = <ptrdiff_t>(row % all.causal_rows) + 1
    offset = min(max(all.causal_offset, -up_to), <ptrdiff_t>n)      # whose sum does not overflow
    return <size_t>min(up_to + offset, <ptrdiff_t>n)


cdef inline const packed_real *bias_at(size_t width, const Options *o, size_t at, real *buffer) noexcept nogil:
    cdef const storage *bias = o.bias + <ptrdiff_t>at * o.bias_next
    cdef size_t i
    if o.bias_step == 1:
        return as_real(width, bias, buffer)
    for i in range(width):
        buffer[i] = widened(bias[<ptrdiff_t>i * o.bias_step])
    return <const packed_real *>buffer


cdef inline real kept(real_bits visible, real value, real filler) noexcept nogil:
    """The value where bits are set. They are masked because GCC makes branches of a choice on bytes."""
    return from_bits((to_bits(value) & visible) | (to_bits(filler) & ~visible))


cdef inline bint hides(const Options *o) noexcept nogil:
    return o.mask != NULL or o.bias != NULL


cdef inline void hide(size_t width, const Options *o, size_t at, real filler, real *values) noexcept nogil:
    """Replace the numbers that are masked."""
    cdef const unsigned char *mask = o.mask
    cdef const packed_real *bias
    cdef real buffer[TILE]
    cdef real_bits visible[TILE]        # not bytes, which GCC would compare 16 at a time at best
    cdef size_t i
    if mask != NULL:
        mask += <ptrdiff_t>at * o.mask_next
        if o.mask_step == 1:
            widen_bytes(width, mask, visible)
        else:
            for i in range(width):
                visible[i] = mask[<ptrdiff_t>i * o.mask_step]
        for i in range(width):
            values[i] = kept(-<real_bits>(visible[i] != 0), values[i], filler)
    if o.bias != NULL:
        bias = bias_at(width, o, at, buffer)
        for i in range(width):
            values[i] = filler if bias[i] == -INFINITE else values[i]


cdef inline void logits(size_t width, const packed_real *x, const Options *o, size_t at, real *high,
                        real *low) noexcept nogil:
    """scale * x + bias and its rounding error, -inf where masked."""
    cdef const packed_real *bias
    cdef real buffer[TILE]
    cdef real product
    cdef Sum sum
    cdef size_t i
    for i in range(width):
        product = o.scale * x[i]
        low[i] = product_error(o.scale, x[i], product)
        high[i] = product
    if o.bias != NULL:
        bias = bias_at(width, o, at, buffer)
        for i in range(width):
            sum = two_sum(high[i], bias[i])
            # An infinity has NaN for its error. Where high and bias cancel, low may be the larger.
            sum = two_sum(sum.high, sum.low + low[i] if sum.high - sum.high == ZERO else ZERO)
            high[i], low[i] = sum.high, sum.low
    hide(width, o, at, -INFINITE, high)
    for i in range(width):
        low[i] = low[i] if high[i] - high[i] == ZERO else ZERO


# As these two for as many numbers as there mostly are, which the compiler knows; for fewer they are called.

cdef inline void hide_up_to(size_t most, size_t width, const Options *o, size_t at, real filler,
                            real *values) noexcept nogil:
    if width == most:
        hide(most, o, at, filler, values)
    else:
        o.hide(width, o, at, filler, values)


cdef inline void logits_up_to(size_t most, size_t width, const packed_real *x, const Options *o, size_t at, real *high,
                              real *low) noexcept nogil:
    if width == most:
        logits(most, x, o, at, high, low)
    else:
        o.logits(width, x, o, at, high, low)
