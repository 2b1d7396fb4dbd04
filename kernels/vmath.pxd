"""Elementary functions as the activations need them: branch-free, so that the compiler vectorises every loop they
are used in, and accurate over the whole range, subnormal results included.

Every literal here becomes `real` by being an argument or by a cast: a bare literal is a double in C, and one of them
in a float expression would halve the speed. Choices on SINGLE are made by the compiler.

The polynomials were fitted for this project (least squares in multiprecision, then linear programming on the rounded
coefficients); the power of two beside each is its largest relative error with the coefficients as they stand.
"""
from libc.stdint cimport uint64_t
from real cimport (FUSED, NEGATIVE_ZERO, ONE, SIGNIFICAND_BITS, SINGLE, ZERO, absolute, at_least, at_most, copy_sign,
                   double_bits, double_from, from_bits, fused, muladd, product_error, real, real_bits, to_bits)


cdef inline real horner2(real x, real c0, real c1, real rest) noexcept nogil:
    """c0 + c1 x + rest x**2"""
    return muladd(muladd(rest, x, c1), x, c0)


cdef inline real horner4(real x, real c0, real c1, real c2, real c3, real rest) noexcept nogil:
    """c0 + c1 x + c2 x**2 + c3 x**3 + rest x**4

    The long polynomials of float64 by pairs (Estrin), which wait for half as many multiply-adds.
    """
    if SINGLE:
        return horner2(x, c0, c1, horner2(x, c2, c3, rest))
    return muladd(muladd(rest, x * x, muladd(c3, x, c2)), x * x, muladd(c1, x, c0))


cdef struct Sum:
    real high       # high + low is meant, high being its rounding
    real low


cdef inline Sum two_sum(real a, real b) noexcept nogil:
    """a + b and its rounding error (Knuth)."""
    cdef Sum y
    cdef real b_rounded
    y.high = a + b
    b_rounded = y.high - a
    y.low = (a - (y.high - b_rounded)) + (b - b_rounded)
    return y


cdef inline Sum two_difference(real a, real b) noexcept nogil:
    """a - b and its rounding error: two_sum(a, -b), without the negation."""
    cdef Sum y
    cdef real b_rounded
    y.high = a - b
    b_rounded = a - y.high
    y.low = (a - (y.high + b_rounded)) + (b_rounded - b)
    return y


# ----------------------------------------------------------------------------------------------------------------
# exp(-a)
#
# -a = n ln2 - r with |r| <= ln2 / 2, so exp(-a) = 2**n (1 + fraction) with fraction = expm1(-r). Adding 1.5 * 2**(p-1)
# rounds -a / ln2 to n and leaves n in the low bits of the sum; with the exponent's bias in the number that is added,
# those bits are the exponent of 2**n, and with something more in it, of 2**n times a power of two. ln2 is subtracted in
# two parts, n times the first being exact (Cody and Waite).

cdef inline real exponent_shift() noexcept nogil:
    """1.5 * 2**(p-1) + the exponent's bias"""
    return <real>12583039.0 if SINGLE else <real>6755399441056767.0


cdef inline real ln2_high() noexcept nogil:
    return <real>0.693145751953125 if SINGLE else <real>0.6931471803691238

cdef inline real ln2_low() noexcept nogil:
    return <real>1.428606765330187e-06 if SINGLE else <real>1.9082149292705877e-10


cdef inline real remainder(real a, real a_low, real n) noexcept nogil:
    """r = a + a_low + n ln2"""
    return muladd(n, ln2_low(), muladd(n, ln2_high(), a) + a_low)


cdef inline real power_of_two(real shifted) noexcept nogil:
    """2**n from n + exponent_shift(), for n in the normal range."""
    return from_bits(to_bits(shifted) << SIGNIFICAND_BITS)


cdef inline real exp_fraction(real r) noexcept nogil:
    """expm1(-r) for |r| <= ln2 / 2, with an error that is small beside e**-r."""
    if SINGLE:      # 2**-28.25 of e**-r
        return fused(r * r, horner4(
            r, 0.4999999403953552, -0.1666652262210846, 0.04166829213500023, -0.008368532173335552,
            0.0013818304287269711), -r)
    # 2**-63.83
    return fused(r * r, horner4(
        r, 0.5, -0.1666666666666668, 0.041666666666666415, -0.008333333333319277, horner4(
        r, 0.0013888888889032902, -0.00019841269891808147, 2.480158702386083e-05, -2.7557238767100935e-06, horner2(
        r, 2.7557529108360025e-07, -2.51108446235201e-08, 2.0837240599220083e-09))), -r)


cdef struct Exponential:
    real scale      # exp(-(a + a_low)) = (scale + scale * fraction) / 2**exponent
    real fraction   # in [-0.293, 0.415]


cdef inline Exponential exponential(real a, real a_low, real exponent) noexcept nogil:
    """exp(-(a + a_low)) in parts, a_low being the rounding error of a; n + exponent must be in the normal range."""
    cdef Exponential e
    cdef real shift = exponent_shift() + exponent
    cdef real shifted = muladd(a, -1.4426950408889634, shift)
    e.scale = power_of_two(shifted)
    e.fraction = exp_fraction(remainder(a, a_low, shifted - shift))
    return e


cdef inline Exponential exponential_of_sum(real a, real a_low, real exponent) noexcept nogil:
    """The same where a_low is seldom 0: r is rounded once, not twice, for an operation that a_low = 0 would save."""
    cdef Exponential e
    cdef real shift = exponent_shift() + exponent
    cdef real shifted = muladd(a, -1.4426950408889634, shift), n = shifted - shift
    e.scale = power_of_two(shifted)
    e.fraction = exp_fraction(muladd(n, ln2_high(), a) + muladd(n, ln2_low(), a_low))
    return e


cdef inline real exp_limit() noexcept nogil:
    """exp(-a) is as good as 0 from here on. It rounds to 0 from 104 (745) on, but not if it is multiplied first."""
    return <real>130.0 if SINGLE else <real>980.0


cdef inline real raised() noexcept nogil:
    """2**64, in float64 2**400"""
    return <real>1.8446744073709552e+19 if SINGLE else <real>2.5822498780869086e+120


cdef inline real exp_negative_raised(real a, real a_low) noexcept nogil:
    """exp(-(a + a_low)) * raised() for a >= 0 or NaN: 1.03 (float64 1.0) ULP, never subnormal.

    What is made of it is divided by raised() last, which is then the only rounding of a subnormal result. Beyond
    exp_limit() it stays what it is there, which that division turns into 0.
    """
    cdef Exponential e = exponential(at_most(a, exp_limit()), NEGATIVE_ZERO if a > exp_limit() else a_low,
                                     <real>(64.0 if SINGLE else 400.0))
    return muladd(e.scale, e.fraction, e.scale)


cdef inline Exponential exp_raised(real x) noexcept nogil:
    """exp(x) * raised(), for x from -exp_limit() up to 24."""
    return exponential(-x, NEGATIVE_ZERO, <real>(64.0 if SINGLE else 400.0))


cdef inline real exp(real x) noexcept nogil:
    """e**x, from subnormal results to the largest: float32 1.03 ULP, float64 1.0 ULP.

    It is made divided by raised(), or multiplied if x < 0, so that the last step is the only rounding of a subnormal
    result and overflows where the exact value does. Beyond exp_limit() that step gives infinity or zero in any case.
    """
    cdef bint falling = x < ZERO
    cdef real raising = <real>(64.0 if SINGLE else 400.0)
    cdef Exponential e = exponential(at_most(at_least(-x, -exp_limit()), exp_limit()), NEGATIVE_ZERO,
                                     raising if falling else -raising)
    return muladd(e.scale, e.fraction, e.scale) * (ONE / raised() if falling else raised())


cdef inline Sum expm1_negative(real a, real a_low) noexcept nogil:
    """expm1(-(a + a_low)) for a >= 0, a_low being a's rounding error; high alone is within 0.99 (float64 1.14) ULP.

    2**n (1 + fraction) - 1 = scale * fraction + (scale - 1), where scale - 1 is exact while it matters to high. low has
    what the roundings of fraction and of the result took.
    """
    cdef Sum y
    cdef real clamped = at_most(a, <real>(32.0 if SINGLE else 64.0))       # the result rounds to -1 from here on
    cdef real shifted = muladd(clamped, -1.4426950408889634, exponent_shift())
    cdef real scale = power_of_two(shifted)
    cdef real below_one = scale - ONE
    cdef real r = remainder(clamped, a_low, shifted - exponent_shift())
    cdef real q, fraction
    if SINGLE:      # 2**-26.13 of expm1(-r)
        q = horner4(
            r, 0.4999999701976776, -0.1666654646396637, 0.04166744649410248,
            -0.008366248570382595, 0.0013869678368791938)
    else:           # 2**-61.62
        q = horner4(
            r, 0.5, -0.16666666666666677, 0.041666666666666685, -0.008333333333321728, horner4(
            r, 0.0013888888888888343, -0.00019841269885485948, 2.48015872942438e-05, -2.7557245070330514e-06, horner2(
            r, 2.755731515910536e-07, -2.5108693885609476e-08, 2.0898385589897367e-09)))
    fraction = muladd(r * r, q, -r)
    y.high = muladd(scale, fraction, below_one)
    y.low = muladd(scale, muladd(r * r, q, -r - fraction), muladd(scale, fraction, below_one - y.high))
    return y


cdef inline real expm1_curve(real a) noexcept nogil:
    """(expm1(-a) + a) / a**2 for 0 <= a <= 1, near 1/2."""
    if SINGLE:      # 2**-29.95
        return horner4(
            a, 0.5, -0.166666641831398, 0.04166625067591667, -0.008330860175192356, horner2(
            a, 0.0013818655861541629, -0.00018799045938067138, 1.6817548385006376e-05))
    # 2**-58.60
    return horner4(
        a, 0.5, -0.16666666666666646, 0.04166666666665517, -0.00833333333310584, horner4(
        a, 0.001388888886633507, -0.00019841268536777005, 2.4801539668233545e-05, -2.7556174663932947e-06, horner2(
        a, 2.753892249713473e-07, -2.4855456415453335e-08,
        muladd(a, -1.0501864437977045e-10, 1.952341968376192e-09))))


# ----------------------------------------------------------------------------------------------------------------
# log1p

cdef inline Sum log1p_unit(real u) noexcept nogil:
    """log1p(u) for 0 <= u <= 1, as u + u**2 q(u); low has what its last roundings took.

    float64: 2 artanh(s) with s = u / (2 + u), that is 2s + s**3 c(s**2), where c is half as long as q. 2s is u - s u,
    so that what the quotient loses shrinks with s. It would take float32, whose q is short, over 1.75 ULP.
    """
    cdef Sum y
    cdef real q, minus_s, square, minus_c, share
    if SINGLE:      # 2**-27.50
        q = fused(u, fused(u, horner4(
            u, -0.24958018958568573, 0.19692102074623108, -0.15344882011413574, 0.10661137849092484, horner2(
            u, -0.05745745822787285, 0.020086470991373062, -0.003290552878752351)),
            0.33330464363098145), -0.4999993145465851)
        y.high = fused(u * u, q, u)
        y.low = fused(u * u, q, u - y.high)
        return y
    minus_s = u / (<real>-2.0 - u)
    square = minus_s * minus_s
    minus_c = horner4(      # 2**-59.40
        square, -0.6666666666666631, -0.4000000000015591, -0.28571428548010996, -0.2222222396065103, horner4(
        square, -0.18181744221371177, -0.1538655408824607, -0.1330104419190767, -0.12105572582636932,
        muladd(square, -0.1701507680108489, -0.08342161688177144)))
    share = muladd(square, minus_c, u)
    y.high = muladd(minus_s, share, u)
    y.low = muladd(minus_s, share, u - y.high)
    return y


cdef inline double log1p_double(double u) noexcept nogil:
    """log1p(u) for u >= 0, finite or NaN, in double whatever real is: 1.5 ULP. For once per line, not per element.

    1 + u = 2**k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), and what 1 + u was rounded by is added relative to it.
    log(1 + f) = 2 artanh(t) with t = f / (2 + f), |t| < 0.172: the terms left out are below 2**-61 of it.
    """
    cdef double v = 1 + u, t, s, s2, s4, tail
    cdef uint64_t half_root = 0x3fe6a09e667f3bcd, bits = double_bits(v)
    cdef uint64_t k = (bits - half_root) >> 52
    cdef double f = double_from(bits - (k << 52)) - 1
    t = f / (2 + f)
    s = t * t
    s2 = s * s
    s4 = s2 * s2
    tail = s * ((1.0 / 3 + s * (1.0 / 5) + s2 * (1.0 / 7 + s * (1.0 / 9))) + s4 * (
        (1.0 / 11 + s * (1.0 / 13) + s2 * (1.0 / 15 + s * (1.0 / 17))) + s4 * (1.0 / 19 + s * (1.0 / 21))))
    # ln2 in two parts, k times the first being exact
    return <double>k * 0.6931471803691238 + (2 * t + (2 * t * tail + (
        <double>k * 1.9082149292705877e-10 + (u - (v - 1)) / v)))


# ----------------------------------------------------------------------------------------------------------------
# The logistic function and tanh

cdef inline real gate_limit() noexcept nogil:
    """1 / (1 + exp(a)), also times 4 or times a * 10**9, rounds to zero from here on."""
    return <real>135.0 if SINGLE else <real>840.0


cdef inline real gate_open() noexcept nogil:
    """1 / (1 + exp(-z)) rounds to one from here on."""
    return <real>30.0 if SINGLE else <real>40.0


cdef inline real gate_scale() noexcept nogil:
    """2**-70, in float64 2**-200: keeps 1 + exp(a) from overflowing for a <= gate_limit()."""
    return <real>(8.470329472543003e-22 if SINGLE else 6.223015277861142e-61)


cdef inline Sum gate_denominator(real z, real z_low) noexcept nogil:
    """(1 + exp(-(z + z_low))) * gate_scale(), for z from -gate_limit() to gate_open()."""
    cdef Exponential e = exponential(z, z_low, <real>(-70.0 if SINGLE else -200.0))
    cdef Sum sum = two_sum(e.scale, gate_scale()), d
    d.high = muladd(e.scale, e.fraction, sum.high)
    d.low = muladd(e.scale, e.fraction, sum.high - d.high) + sum.low
    return d


cdef inline real gated(real factor, real z, real z_low) noexcept nogil:
    """factor / (1 + exp(-(z + z_low))) / gate_scale(), for z from -gate_limit() to gate_open().

    float32 2.4 ULP, float64 1.0 ULP and a product's rounding. The quotient is never subnormal. What is made of it is
    multiplied by gate_scale() last, which is then the only rounding of a subnormal result. float64 corrects it by its
    residual and by the rounding errors of the denominator.
    """
    cdef Sum d = gate_denominator(z, z_low)
    cdef real inverse
    if SINGLE:
        return factor / d.high
    inverse = ONE / d.high
    return factor * muladd(fused(-inverse, d.high, ONE) - inverse * d.low, inverse, inverse)


cdef inline real gate(real z, real z_low) noexcept nogil:
    return gated(ONE, z, z_low)


cdef inline real logistic(real z, real z_low) noexcept nogil:
    """1 / (1 + exp(-(z + z_low))), z_low being the rounding error of z: float32 2.4 ULP, float64 1.0 ULP."""
    cdef real clamped = at_most(at_least(z, -gate_limit()), gate_open())
    return gate(clamped, z_low if absolute(z) <= gate_limit() else NEGATIVE_ZERO) * gate_scale()


cdef inline real logistic_slope(real z, real factor) noexcept nogil:
    """factor (1 or 4) times the derivative of 1 / (1 + exp(-z)), which is v (1 - v) with v = 1 / (1 + exp(|z|))."""
    cdef real factor_v = gate(-at_most(absolute(z), gate_limit()), NEGATIVE_ZERO) * (factor * gate_scale())
    return factor_v * (ONE - factor_v / factor)


cdef inline real gated_slope(real z, real z_low, real more) noexcept nogil:
    """f'(x) for f(x) = x sigmoid(g(x)), where g(x) = -(z + z_low) <= 0 and x g'(x) = -(z + more).

    It is v (1 - (z + more) (1 - v)) with v = sigmoid(g(x)). The terms of the factor cancel where it has its zero: there
    the error is relative to theirs. 1 - z is exact for z > 1/2, and the residual of the quotient saves two roundings.
    """
    cdef Sum d = gate_denominator(-z, -z_low)
    cdef real inverse = ONE / d.high, v = inverse * gate_scale()
    cdef real n = fused(z, v, fused(more, v - ONE, ONE - z)), h = n * inverse
    return muladd(fused(-h, d.high, n), inverse, h) * gate_scale()


cdef inline real corrected_quotient(real n, real n_low, real d, real d_low) noexcept nogil:
    """(n + n_low) / (d + d_low) within 0.6 ULP or so: the residual of n / d says what is missing."""
    cdef real inverse = ONE / d
    cdef real q = n * inverse
    return muladd(fused(-q, d, n) + (n_low - q * d_low), inverse, q)


cdef inline real one_and_exp_twice(real a) noexcept nogil:
    """1 + e**(2a) for a > 0.8, in float32, for 1 - tanh(a), which is 2 divided by it.

    What is subtracted from 1 forgives a lot in the exponential: one part of ln2 is enough where its product is not
    rounded. half = r / 2, and the polynomial is half of 1 + exp_fraction(-r), its coefficients times the powers of two
    that these make of them.
    """
    cdef real clamped = from_bits(min(to_bits(a), to_bits(<real>16.0)))
    cdef real shifted = muladd(clamped, 2.8853900817779268, exponent_shift() + ONE)
    cdef real n = shifted - (exponent_shift() + ONE), half
    if FUSED:
        half = muladd(n, -0.34657359027997264, clamped)
    else:
        half = muladd(n, -7.143033826650935e-07, muladd(n, -0.3465728759765625, clamped))
    return muladd(power_of_two(shifted), fused(half, horner4(
        half, 1.0, 0.9999998807907104, 0.6666609048843384, 0.33334633708000183,
        muladd(half, 0.04421857371926308, 0.13389651477336884)), 0.5), ONE)


cdef inline real tanh(real x) noexcept nogil:
    """float32 1.05 ULP, float64 1.42 ULP."""
    cdef real a = absolute(x), square = x * x
    cdef real near, near_d, far_d, d
    cdef bint far = a > <real>0.8
    cdef Sum m
    if SINGLE:
        # Both ways are of the form c - n / d, so that there is one division, and what n / d loses shrinks beside c.
        # |x| <= 0.8: x - x**3 r(x**2), 2**-31.6, where a linear denominator takes out the first pole, at -(pi/2)**2.
        near = square * a * horner2(square, 0.8226543068885803, 0.00427199574187398, -0.00014385129907168448)
        near_d = square + <real>2.4679629802703857
        far_d = one_and_exp_twice(a)
        return copy_sign((ONE if far else a) - (<real>2.0 if far else near) / (far_d if far else near_d), x)
    # -m / (2 + m) with m = expm1(-2|x|)
    m = expm1_negative(a + a, NEGATIVE_ZERO)
    d = m.high + <real>2.0
    return copy_sign(corrected_quotient(-m.high, -m.low, d, ((<real>2.0 - d) + m.high) + m.low), x)


# ----------------------------------------------------------------------------------------------------------------
# The normal distribution
#
# Its tail is exp(-a**2 / 2) times a smooth function that falls like 1 / a (Mills ratio), and so are its relatives. Such
# functions are polynomials in y = 1 / (a + shift), a shift being what makes them short.

cdef inline real reciprocal_error(real y, real a, real shift) noexcept nogil:
    """By how much 1 / (a + shift) is larger than y, its rounding, relative to it."""
    return fused(-y, a, fused(-y, shift, ONE))


cdef inline Exponential exp_half_square_raised(real a, real growth, real error) noexcept nogil:
    """exp(growth error - a**2 / 2) * raised() in parts, for 0 <= a <= 14.7 (float64 38.7) and a tiny error."""
    cdef real half = a * <real>0.5, s = half * a
    return exponential(s, muladd(-growth, error, product_error(half, a, s)), <real>(64.0 if SINGLE else 400.0))


cdef inline real mills_shift() noexcept nogil:
    return <real>(3.375 if SINGLE else 4.5)


cdef inline real mills_curve(real y) noexcept nogil:
    """(a + shift) R(a) for 0 <= a <= 14.5 (float64 38.6), where R(a) = exp(a**2 / 2) Phi(-a)."""
    if SINGLE:      # 2**-28.34
        return fused(y, fused(y, horner4(
            y, 4.22081184387207, 9.69063949584961, 47.26140594482422, -148.20008850097656, horner2(
            y, 1102.5472412109375, -4103.93701171875,
            muladd(y, -3891.908935546875, 6514.79931640625))), 1.344399333000183), 0.3989660143852234)
    # 2**-56.54
    return fused(y, fused(y, horner4(
        y, 7.679638372879549, 30.967942025415375, 116.31364689063061, 399.6883690322837, horner4(
        y, 1211.7146729368787, 3203.232073378688, 2623.482213784533, 45468.23081302231, horner4(
        y, -679668.7524615073, 6635345.356832283, -59685494.28331169, 398037972.17576754, horner4(
        y, -1972373330.5095901, 6599366009.208613, -8399478201.636615, -44791954960.814545, horner4(
        y, 300476095807.45667, -886255423862.1777, 1516132406768.1042, -1463137318122.6804, 622412968010.0581))))),
        1.7952402653659585), 0.3989422803902884)


cdef inline real gelu_zero() noexcept nogil:
    """gelu'(-x) = 0 here, rounded; gelu_zero_low() is missing."""
    return <real>(0.7517915368080139 if SINGLE else 0.7517915246935645)


cdef inline real gelu_zero_low() noexcept nogil:
    return <real>(-1.211444988769017e-08 if SINGLE else -1.4956759177009883e-17)


cdef inline real gelu_slope_shift() noexcept nogil:
    return <real>(3.625 if SINGLE else 4.5)


cdef inline real gelu_slope_curve(real y) noexcept nogil:
    """(R(a) - a / sqrt(2 pi)) / (zero - a) for 0 <= a <= 14.7 (float64 38.7)."""
    if SINGLE:      # 2**-28.33
        return fused(y, horner4(
            y, 0.29933488368988037, 0.9337476491928101, 2.1701033115386963, 10.862448692321777, horner2(
            y, -21.044546127319336, 178.299072265625,
            muladd(y, 313.00189208984375, -422.980712890625))), 0.39894965291023254)
    # 2**-56.66
    return fused(y, horner4(
        y, 0.2999214254777224, 1.1761824829972183, 4.38182851337933, 15.332573461800182, horner4(
        y, 49.56708854620919, 143.57658533926414, 366.57869197243645, 434.6076375914292, horner4(
        y, 4186.924826443719, -56417.30697881921, 573425.7221804976, -5317435.768019031, horner4(
        y, 37557205.53141686, -209405168.94027725, 904425010.0462357, -2879379920.495151, horner2(
        y, 6448275027.600342, -9597152627.3481,
        muladd(y, -3456592166.75313, 8544792991.295047)))))), 0.3989422804007563)
