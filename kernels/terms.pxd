"""The terms e**(z - top) of a line, their sum, and what softmax and its relatives make of them.

Numbers are a value and its rounding error: dropping that of z - top costs 7 to 66 ULP, more than everything else
together. log(s) is log1p of the sum of all but the largest, which alone tells how near to 1 the probability of the
largest is.

A row that exceeds the caches is read from memory twice, not three times: it is taken in segments, which stay there
between the reading for their maximum and that for their terms. These are brought below the maximum of the line when all
are known.
"""
from real cimport (INFINITE, NEGATIVE_ZERO, NOT_A_NUMBER, ONE, SINGLE, ZERO, double_bits, double_from, fused, muladd,
                   product_error, real)
from sums cimport Total, added, chunk, value_of
from vmath cimport Exponential, Sum, exponential_of_sum, log1p_double, raised, two_difference, two_sum

cdef enum:
    LONG = 65536        # longer lines are taken in segments
    SEGMENT = 4096      # numbers of one, or more: there are at most SEGMENTS
    SEGMENTS = 1024


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
    cdef Sum a = two_difference(top.high, x)
    cdef Exponential e = exponential_of_sum(a.high, a.low + (top.low - x_low), <real>(64.0 if SINGLE else 400.0))
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


cdef struct Terms:      # e**(z - top)
    Sum top
    Total total         # their sum; for a logarithm, of those below the largest
    double ties         # how many are equal to it


cdef inline real scaled(real e, real factor, real factor_low) noexcept nogil:
    return fused(e, factor, e * factor_low)


cdef inline double logarithm_of(Total others, double ties) noexcept nogil:
    """log(s), from the sum of the terms below the largest and how many are equal to it."""
    return log1p_double(value_of(others) / <double>raised() + (ties - 1))


cdef inline real log_probability(real x, real x_low, Sum top, real log_sum) noexcept nogil:
    """(x - top) - log_sum: two numbers that are not positive, so nothing cancels. 1.5 ULP; 1.75 if there are rounding
    errors, which are added to the logarithm because it is mostly the smaller.
    """
    cdef real below = ZERO if is_same(x, x_low, top) else top.high - x
    return ZERO - (below + (log_sum + (top.low - x_low)))


cdef inline real log_total(Sum top, Total others, double ties) noexcept nogil:
    cdef double log_sum = logarithm_of(others, ties)
    cdef Sum y = two_sum(top.high, <real>log_sum)
    cdef real low = y.low + (top.low + <real>(log_sum - <double><real>log_sum))
    low = y.high if y.high - y.high != ZERO else y.high + low
    return -INFINITE if is_empty(top, value_of(others)) else low


# ----------------------------------------------------------------------------------------------------------------
# Segments

cdef inline size_t segment_of(size_t n) noexcept nogil:
    """How many numbers of a line of n share a maximum. It depends on nothing else, so the bits do not either."""
    cdef size_t chunks = <size_t>SEGMENTS * chunk()
    return max(n, <size_t>1) if n <= LONG else max(<size_t>SEGMENT, (n + chunks - 1) // chunks * chunk())


cdef struct DoubleExponential:
    double scale        # exp(-a) = (scale + scale * fraction) * down
    double fraction     # in [-0.293, 0.415]
    double down


cdef inline DoubleExponential exponential_double(double a, double a_low) noexcept nogil:
    """exp(-(a + a_low)) for a >= 0 in double whatever real is, 0 from 980 on. For once per part of a line.

    As vmath.exponential(), but by Taylor's series, of which the terms left out are below 2**-57.
    """
    cdef DoubleExponential e
    cdef bint beyond = a >= 980
    cdef double shift = 6755399441057279.0      # 1.5 * 2**52 + 1023 + 512
    cdef double shifted = shift - (0.0 if beyond else a * 1.4426950408889634), n = shifted - shift
    cdef double r = 0.0 if beyond else (a + n * 0.6931471803691238) + (n * 1.9082149292705877e-10 + a_low), series = 1
    cdef int k
    for k in range(14, 1, -1):
        series = 1 - r / k * series
    e.scale = 0.0 if beyond else double_from(double_bits(shifted) << 52)
    e.fraction = -r * series
    e.down = 7.458340731200207e-155             # 2**-512
    return e


cdef inline DoubleExponential exponential_below(Sum x, Sum top) noexcept nogil:
    """e**(x - top) for two maxima."""
    cdef Sum a = two_sum(top.high, -x.high)
    cdef bint same = is_same(x.high, x.low, top)        # perhaps infinite
    return exponential_double(0.0 if same else <double>a.high, 0.0 if same else <double>(a.low + (top.low - x.low)))


cdef inline Terms terms_below(Terms terms, Sum top) noexcept nogil:
    """The same terms, below another's top."""
    cdef DoubleExponential e = exponential_below(terms.top, top)
    cdef Total total = added(terms.total, terms.ties * <double>raised())
    # By the fraction, so that many small steps do not add up to a rounding error each.
    total = added(total, total.high * e.fraction)
    terms.total.high = total.high * e.scale * e.down
    terms.total.low = total.low * e.scale * e.down
    terms.top, terms.ties = top, 0
    return terms


cdef inline Terms together(Terms a, Terms b) noexcept nogil:
    """The terms of two parts of a line."""
    cdef Sum top = larger(a.top, b.top.high, b.top.low)
    if not is_same(a.top.high, a.top.low, top):
        a = terms_below(a, top)
    if not is_same(b.top.high, b.top.low, top):
        b = terms_below(b, top)
    a.total = added(added(a.total, b.total.high), b.total.low)
    a.ties += b.ties
    return a


cdef struct Multiplier:     # of a segment's terms: first `down`, a power of two, then the factor
    real down
    Factor factor


cdef inline Multiplier multiplier_of(Sum top, Terms line) noexcept nogil:
    """e**(top - that of the line) / the line's sum.

    `down` is 1 where the factor is far from underflow. Else as much is in it as raised() allows, so that neither
    product is subnormal unless the result is.
    """
    cdef Multiplier multiplier
    cdef Factor inverse = inverse_of(line.total, line.top)
    cdef DoubleExponential e = exponential_below(top, line.top)
    cdef double power = e.scale * e.down, down = 1.0 if power > 1e-6 else max(power, 1 / <double>raised())
    cdef real weight = <real>(1 + e.fraction), high = inverse.high * weight
    multiplier.down = <real>down
    if SINGLE:
        multiplier.factor = parts(((<double>inverse.high + <double>inverse.low) * (1 + e.fraction)) * (power / down))
    else:
        multiplier.factor.high = high * <real>(power / down)
        multiplier.factor.low = (product_error(inverse.high, weight, high) + inverse.high * (
            <real>e.fraction - (weight - ONE)) + inverse.low * weight) * <real>(power / down)
    return multiplier
