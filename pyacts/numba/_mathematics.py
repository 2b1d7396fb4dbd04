"""The functions of an element, as Numba compiles them. Generated from kernels/*.pxd by `python -m codegen`.

The mathematics, with its comments, is that of the kernels; the operations it is made of are those of _real.py.
"""

from collections import namedtuple

from pyacts.numba._real import inlined, operations


def functions(real):
    """All of them for one number type, np.float32 or np.float64, by name."""
    of = operations(real)
    EXACT = of["EXACT"]
    FUSED = of["FUSED"]
    INFINITE = of["INFINITE"]
    KNOWN_ONE = of["KNOWN_ONE"]
    LARGEST = of["LARGEST"]
    NEGATIVE_ZERO = of["NEGATIVE_ZERO"]
    ONE = of["ONE"]
    SIGNIFICAND_BITS = of["SIGNIFICAND_BITS"]
    SINGLE = of["SINGLE"]
    ZERO = of["ZERO"]
    absolute = of["absolute"]
    at_least = of["at_least"]
    at_most = of["at_most"]
    copy_sign = of["copy_sign"]
    from_bits = of["from_bits"]
    fused = of["fused"]
    muladd = of["muladd"]
    product_error = of["product_error"]
    square_root = of["square_root"]
    to_bits = of["to_bits"]
    unordered = of["unordered"]
    vanishing_with = of["vanishing_with"]
    zero_or_nan = of["zero_or_nan"]

    Pair = namedtuple("Pair", "first second")
    Sum = namedtuple("Sum", "high low")
    Exponential = namedtuple("Exponential", "scale fraction")
    Squareplus = namedtuple("Squareplus", "root right left")
    Dish = namedtuple("Dish", "a s root_low d")

    # --------------------------------------------------------------------------------------------------------------
    # vmath.pxd

    @inlined
    def horner2(x, c0, c1, rest):
        """c0 + c1 x + rest x**2"""
        return muladd(muladd(rest, x, c1), x, c0)

    @inlined
    def horner4(x, c0, c1, c2, c3, rest):
        """c0 + c1 x + c2 x**2 + c3 x**3 + rest x**4

        The long polynomials of float64 by pairs (Estrin), which wait for half as many multiply-adds.
        """
        if SINGLE:
            return horner2(x, c0, c1, horner2(x, c2, c3, rest))
        return muladd(muladd(rest, x * x, muladd(c3, x, c2)), x * x, muladd(c1, x, c0))

    @inlined
    def two_sum(a, b):
        """a + b and its rounding error (Knuth)."""
        y_high = a + b
        b_rounded = y_high - a
        y_low = (a - (y_high - b_rounded)) + (b - b_rounded)
        return Sum(y_high, y_low)

    @inlined
    def two_difference(a, b):
        """a - b and its rounding error: two_sum(a, -b), without the negation."""
        y_high = a - b
        b_rounded = a - y_high
        y_low = (a - (y_high + b_rounded)) + (b_rounded - b)
        return Sum(y_high, y_low)

    # ----------------------------------------------------------------------------------------------------------------
    # exp(-a)
    #
    # -a = n ln2 - r with |r| <= ln2 / 2, so exp(-a) = 2**n (1 + fraction) with fraction = expm1(-r). Adding 1.5 * 2**(p-1)
    # rounds -a / ln2 to n and leaves n in the low bits of the sum; with the exponent's bias in the number that is added,
    # those bits are the exponent of 2**n, and with something more in it, of 2**n times a power of two. ln2 is subtracted in
    # two parts, n times the first being exact (Cody and Waite).

    @inlined
    def exponent_shift():
        """1.5 * 2**(p-1) + the exponent's bias"""
        return real(12583039.0) if SINGLE else real(6755399441056767.0)

    @inlined
    def ln2_high():
        return real(0.693145751953125) if SINGLE else real(0.6931471803691238)

    @inlined
    def ln2_low():
        return real(1.428606765330187e-06) if SINGLE else real(1.9082149292705877e-10)

    @inlined
    def remainder(a, a_low, n):
        """r = a + a_low + n ln2"""
        return muladd(n, ln2_low(), muladd(n, ln2_high(), a) + a_low)

    @inlined
    def power_of_two(shifted):
        """2**n from n + exponent_shift(), for n in the normal range."""
        return from_bits(to_bits(shifted) << SIGNIFICAND_BITS)

    @inlined
    def exp_fraction(r):
        """expm1(-r) for |r| <= ln2 / 2, with an error that is small beside e**-r."""
        if SINGLE:      # 2**-28.25 of e**-r
            return fused(r * r, horner4(
                r, real(0.4999999403953552), -real(0.1666652262210846), real(0.04166829213500023), -real(0.008368532173335552),
                real(0.0013818304287269711)), -r)
        # 2**-63.83
        return fused(r * r, horner4(
            r, real(0.5), -real(0.1666666666666668), real(0.041666666666666415), -real(0.008333333333319277), horner4(
            r, real(0.0013888888889032902), -real(0.00019841269891808147), real(2.480158702386083e-05), -real(2.7557238767100935e-06), horner2(
            r, real(2.7557529108360025e-07), -real(2.51108446235201e-08), real(2.0837240599220083e-09)))), -r)

    @inlined
    def vmath_exponential(a, a_low, exponent):
        """exp(-(a + a_low)) in parts, a_low being the rounding error of a; n + exponent must be in the normal range."""
        shift = exponent_shift() + exponent
        shifted = muladd(a, -real(1.4426950408889634), shift)
        e_scale = power_of_two(shifted)
        e_fraction = exp_fraction(remainder(a, a_low, shifted - shift))
        return Exponential(e_scale, e_fraction)

    @inlined
    def exponential_of_sum(a, a_low, exponent):
        """The same where a_low is seldom 0: r is rounded once, not twice, for an operation that a_low = 0 would save."""
        shift = exponent_shift() + exponent
        shifted = muladd(a, -real(1.4426950408889634), shift)
        n = shifted - shift
        e_scale = power_of_two(shifted)
        e_fraction = exp_fraction(muladd(n, ln2_high(), a) + muladd(n, ln2_low(), a_low))
        return Exponential(e_scale, e_fraction)

    @inlined
    def exp_limit():
        """exp(-a) is as good as 0 from here on. It rounds to 0 from 104 (745) on, but not if it is multiplied first."""
        return real(130.0) if SINGLE else real(980.0)

    @inlined
    def raised():
        """2**64, in float64 2**400"""
        return real(1.8446744073709552e+19) if SINGLE else real(2.5822498780869086e+120)

    @inlined
    def exp_negative_raised(a, a_low):
        """exp(-(a + a_low)) * raised() for a >= 0 or NaN: 1.03 (float64 1.0) ULP, never subnormal.

        What is made of it is divided by raised() last, which is then the only rounding of a subnormal result. Beyond
        exp_limit() it stays what it is there, which that division turns into 0.
        """
        e = vmath_exponential(at_most(a, exp_limit()), NEGATIVE_ZERO if a > exp_limit() else a_low,
                                         (real(64.0) if SINGLE else real(400.0)))
        return muladd(e.scale, e.fraction, e.scale)

    @inlined
    def exp_raised(x):
        """exp(x) * raised(), for x from -exp_limit() up to 24."""
        return vmath_exponential(-x, NEGATIVE_ZERO, (real(64.0) if SINGLE else real(400.0)))

    @inlined
    def exp(x):
        """e**x, from subnormal results to the largest: float32 1.03 ULP, float64 1.0 ULP.

        It is made divided by raised(), or multiplied if x < 0, so that the last step is the only rounding of a subnormal
        result and overflows where the exact value does. Beyond exp_limit() that step gives infinity or zero in any case.
        """
        falling = x < ZERO
        raising = (real(64.0) if SINGLE else real(400.0))
        e = vmath_exponential(at_most(at_least(-x, -exp_limit()), exp_limit()), NEGATIVE_ZERO,
                                         raising if falling else -raising)
        return muladd(e.scale, e.fraction, e.scale) * (ONE / raised() if falling else raised())

    @inlined
    def expm1_negative(a, a_low):
        """expm1(-(a + a_low)) for a >= 0, a_low being a's rounding error; high alone is within 0.99 (float64 1.14) ULP.

        2**n (1 + fraction) - 1 = scale * fraction + (scale - 1), where scale - 1 is exact while it matters to high. low has
        what the roundings of fraction and of the result took.
        """
        clamped = at_most(a, (real(32.0) if SINGLE else real(64.0)))       # the result rounds to -1 from here on
        shifted = muladd(clamped, -real(1.4426950408889634), exponent_shift())
        scale = power_of_two(shifted)
        below_one = scale - ONE
        r = remainder(clamped, a_low, shifted - exponent_shift())
        if SINGLE:      # 2**-26.13 of expm1(-r)
            q = horner4(
                r, real(0.4999999701976776), -real(0.1666654646396637), real(0.04166744649410248),
                -real(0.008366248570382595), real(0.0013869678368791938))
        else:           # 2**-61.62
            q = horner4(
                r, real(0.5), -real(0.16666666666666677), real(0.041666666666666685), -real(0.008333333333321728), horner4(
                r, real(0.0013888888888888343), -real(0.00019841269885485948), real(2.48015872942438e-05), -real(2.7557245070330514e-06), horner2(
                r, real(2.755731515910536e-07), -real(2.5108693885609476e-08), real(2.0898385589897367e-09))))
        fraction = muladd(r * r, q, -r)
        y_high = muladd(scale, fraction, below_one)
        y_low = muladd(scale, muladd(r * r, q, -r - fraction), muladd(scale, fraction, below_one - y_high))
        return Sum(y_high, y_low)

    @inlined
    def expm1_curve(a):
        """(expm1(-a) + a) / a**2 for 0 <= a <= 1, near 1/2."""
        if SINGLE:      # 2**-29.95
            return horner4(
                a, real(0.5), -real(0.166666641831398), real(0.04166625067591667), -real(0.008330860175192356), horner2(
                a, real(0.0013818655861541629), -real(0.00018799045938067138), real(1.6817548385006376e-05)))
        # 2**-58.60
        return horner4(
            a, real(0.5), -real(0.16666666666666646), real(0.04166666666665517), -real(0.00833333333310584), horner4(
            a, real(0.001388888886633507), -real(0.00019841268536777005), real(2.4801539668233545e-05), -real(2.7556174663932947e-06), horner2(
            a, real(2.753892249713473e-07), -real(2.4855456415453335e-08),
            muladd(a, -real(1.0501864437977045e-10), real(1.952341968376192e-09)))))

    # ----------------------------------------------------------------------------------------------------------------
    # log1p

    @inlined
    def log1p_unit(u):
        """log1p(u) for 0 <= u <= 1, as u + u**2 q(u); low has what its last roundings took.

        float64: 2 artanh(s) with s = u / (2 + u), that is 2s + s**3 c(s**2), where c is half as long as q. 2s is u - s u,
        so that what the quotient loses shrinks with s. It would take float32, whose q is short, over 1.75 ULP.
        """
        if SINGLE:      # 2**-27.50
            q = fused(u, fused(u, horner4(
                u, -real(0.24958018958568573), real(0.19692102074623108), -real(0.15344882011413574), real(0.10661137849092484), horner2(
                u, -real(0.05745745822787285), real(0.020086470991373062), -real(0.003290552878752351))),
                real(0.33330464363098145)), -real(0.4999993145465851))
            y_high = fused(u * u, q, u)
            y_low = fused(u * u, q, u - y_high)
            return Sum(y_high, y_low)
        minus_s = u / (-real(2.0) - u)
        square = minus_s * minus_s
        minus_c = horner4(      # 2**-59.40
            square, -real(0.6666666666666631), -real(0.4000000000015591), -real(0.28571428548010996), -real(0.2222222396065103), horner4(
            square, -real(0.18181744221371177), -real(0.1538655408824607), -real(0.1330104419190767), -real(0.12105572582636932),
            muladd(square, -real(0.1701507680108489), -real(0.08342161688177144))))
        share = muladd(square, minus_c, u)
        y_high = muladd(minus_s, share, u)
        y_low = muladd(minus_s, share, u - y_high)
        return Sum(y_high, y_low)

    # ----------------------------------------------------------------------------------------------------------------
    # The logistic function and tanh

    @inlined
    def gate_limit():
        """1 / (1 + exp(a)), also times 4 or times a * 10**9, rounds to zero from here on."""
        return real(135.0) if SINGLE else real(840.0)

    @inlined
    def gate_open():
        """1 / (1 + exp(-z)) rounds to one from here on."""
        return real(30.0) if SINGLE else real(40.0)

    @inlined
    def gate_scale():
        """2**-70, in float64 2**-200: keeps 1 + exp(a) from overflowing for a <= gate_limit()."""
        return (real(8.470329472543003e-22) if SINGLE else real(6.223015277861142e-61))

    @inlined
    def gate_denominator(z, z_low):
        """(1 + exp(-(z + z_low))) * gate_scale(), for z from -gate_limit() to gate_open()."""
        e = vmath_exponential(z, z_low, (-real(70.0) if SINGLE else -real(200.0)))
        sum = two_sum(e.scale, gate_scale())
        d_high = muladd(e.scale, e.fraction, sum.high)
        d_low = muladd(e.scale, e.fraction, sum.high - d_high) + sum.low
        return Sum(d_high, d_low)

    @inlined
    def gated(factor, z, z_low):
        """factor / (1 + exp(-(z + z_low))) / gate_scale(), for z from -gate_limit() to gate_open().

        float32 2.4 ULP, float64 1.0 ULP and a product's rounding. The quotient is never subnormal. What is made of it is
        multiplied by gate_scale() last, which is then the only rounding of a subnormal result. float64 corrects it by its
        residual and by the rounding errors of the denominator.
        """
        d = gate_denominator(z, z_low)
        if SINGLE:
            return factor / d.high
        inverse = ONE / d.high
        return factor * muladd(fused(-inverse, d.high, ONE) - inverse * d.low, inverse, inverse)

    @inlined
    def gate(z, z_low):
        return gated(ONE, z, z_low)

    @inlined
    def logistic(z, z_low):
        """1 / (1 + exp(-(z + z_low))), z_low being the rounding error of z: float32 2.4 ULP, float64 1.0 ULP."""
        clamped = at_most(at_least(z, -gate_limit()), gate_open())
        return gate(clamped, z_low if absolute(z) <= gate_limit() else NEGATIVE_ZERO) * gate_scale()

    @inlined
    def logistic_slope(z, factor):
        """factor (1 or 4) times the derivative of 1 / (1 + exp(-z)), which is v (1 - v) with v = 1 / (1 + exp(|z|))."""
        factor_v = gate(-at_most(absolute(z), gate_limit()), NEGATIVE_ZERO) * (factor * gate_scale())
        return factor_v * (ONE - factor_v / factor)

    @inlined
    def gated_slope(z, z_low, more):
        """f'(x) for f(x) = x sigmoid(g(x)), where g(x) = -(z + z_low) <= 0 and x g'(x) = -(z + more).

        It is v (1 - (z + more) (1 - v)) with v = sigmoid(g(x)). The terms of the factor cancel where it has its zero: there
        the error is relative to theirs. 1 - z is exact for z > 1/2, and the residual of the quotient saves two roundings.
        """
        d = gate_denominator(-z, -z_low)
        inverse = ONE / d.high
        v = inverse * gate_scale()
        n = fused(z, v, fused(more, v - ONE, ONE - z))
        h = n * inverse
        return muladd(fused(-h, d.high, n), inverse, h) * gate_scale()

    @inlined
    def corrected_quotient(n, n_low, d, d_low):
        """(n + n_low) / (d + d_low) within 0.6 ULP or so: the residual of n / d says what is missing."""
        inverse = ONE / d
        q = n * inverse
        return muladd(fused(-q, d, n) + (n_low - q * d_low), inverse, q)

    @inlined
    def one_and_exp_twice(a):
        """1 + e**(2a) for a > 0.8, in float32, for 1 - tanh(a), which is 2 divided by it.

        What is subtracted from 1 forgives a lot in the exponential: one part of ln2 is enough where its product is not
        rounded. half = r / 2, and the polynomial is half of 1 + exp_fraction(-r), its coefficients times the powers of two
        that these make of them.
        """
        clamped = from_bits(min(to_bits(a), to_bits(real(16.0))))
        shifted = muladd(clamped, real(2.8853900817779268), exponent_shift() + ONE)
        n = shifted - (exponent_shift() + ONE)
        if FUSED:
            half = muladd(n, -real(0.34657359027997264), clamped)
        else:
            half = muladd(n, -real(7.143033826650935e-07), muladd(n, -real(0.3465728759765625), clamped))
        return muladd(power_of_two(shifted), fused(half, horner4(
            half, real(1.0), real(0.9999998807907104), real(0.6666609048843384), real(0.33334633708000183),
            muladd(half, real(0.04421857371926308), real(0.13389651477336884))), real(0.5)), ONE)

    @inlined
    def vmath_tanh(x):
        """float32 1.05 ULP, float64 1.42 ULP."""
        a = absolute(x)
        square = x * x
        far = a > real(0.8)
        if SINGLE:
            # Both ways are of the form c - n / d, so that there is one division, and what n / d loses shrinks beside c.
            # |x| <= 0.8: x - x**3 r(x**2), 2**-31.6, where a linear denominator takes out the first pole, at -(pi/2)**2.
            near = square * a * horner2(square, real(0.8226543068885803), real(0.00427199574187398), -real(0.00014385129907168448))
            near_d = square + real(2.4679629802703857)
            far_d = one_and_exp_twice(a)
            return copy_sign((ONE if far else a) - (real(2.0) if far else near) / (far_d if far else near_d), x)
        # -m / (2 + m) with m = expm1(-2|x|)
        m = expm1_negative(a + a, NEGATIVE_ZERO)
        d = m.high + real(2.0)
        return copy_sign(corrected_quotient(-m.high, -m.low, d, ((real(2.0) - d) + m.high) + m.low), x)

    # ----------------------------------------------------------------------------------------------------------------
    # The normal distribution
    #
    # Its tail is exp(-a**2 / 2) times a smooth function that falls like 1 / a (Mills ratio), and so are its relatives. Such
    # functions are polynomials in y = 1 / (a + shift), a shift being what makes them short.

    @inlined
    def reciprocal_error(y, a, shift):
        """By how much 1 / (a + shift) is larger than y, its rounding, relative to it."""
        return fused(-y, a, fused(-y, shift, ONE))

    @inlined
    def exp_half_square_raised(a, growth, error):
        """exp(growth error - a**2 / 2) * raised() in parts, for 0 <= a <= 14.7 (float64 38.7) and a tiny error."""
        half = a * real(0.5)
        s = half * a
        return vmath_exponential(s, muladd(-growth, error, product_error(half, a, s)), (real(64.0) if SINGLE else real(400.0)))

    @inlined
    def mills_shift():
        return (real(3.375) if SINGLE else real(4.5))

    @inlined
    def mills_curve(y):
        """(a + shift) R(a) for 0 <= a <= 14.5 (float64 38.6), where R(a) = exp(a**2 / 2) Phi(-a)."""
        if SINGLE:      # 2**-28.34
            return fused(y, fused(y, horner4(
                y, real(4.22081184387207), real(9.69063949584961), real(47.26140594482422), -real(148.20008850097656), horner2(
                y, real(1102.5472412109375), -real(4103.93701171875),
                muladd(y, -real(3891.908935546875), real(6514.79931640625)))), real(1.344399333000183)), real(0.3989660143852234))
        # 2**-56.54
        return fused(y, fused(y, horner4(
            y, real(7.679638372879549), real(30.967942025415375), real(116.31364689063061), real(399.6883690322837), horner4(
            y, real(1211.7146729368787), real(3203.232073378688), real(2623.482213784533), real(45468.23081302231), horner4(
            y, -real(679668.7524615073), real(6635345.356832283), -real(59685494.28331169), real(398037972.17576754), horner4(
            y, -real(1972373330.5095901), real(6599366009.208613), -real(8399478201.636615), -real(44791954960.814545), horner4(
            y, real(300476095807.45667), -real(886255423862.1777), real(1516132406768.1042), -real(1463137318122.6804), real(622412968010.0581)))))),
            real(1.7952402653659585)), real(0.3989422803902884))

    @inlined
    def gelu_zero():
        """gelu'(-x) = 0 here, rounded; gelu_zero_low() is missing."""
        return (real(0.7517915368080139) if SINGLE else real(0.7517915246935645))

    @inlined
    def gelu_zero_low():
        return (-real(1.211444988769017e-08) if SINGLE else -real(1.4956759177009883e-17))

    @inlined
    def gelu_slope_shift():
        return (real(3.625) if SINGLE else real(4.5))

    @inlined
    def gelu_slope_curve(y):
        """(R(a) - a / sqrt(2 pi)) / (zero - a) for 0 <= a <= 14.7 (float64 38.7)."""
        if SINGLE:      # 2**-28.33
            return fused(y, horner4(
                y, real(0.29933488368988037), real(0.9337476491928101), real(2.1701033115386963), real(10.862448692321777), horner2(
                y, -real(21.044546127319336), real(178.299072265625),
                muladd(y, real(313.00189208984375), -real(422.980712890625)))), real(0.39894965291023254))
        # 2**-56.66
        return fused(y, horner4(
            y, real(0.2999214254777224), real(1.1761824829972183), real(4.38182851337933), real(15.332573461800182), horner4(
            y, real(49.56708854620919), real(143.57658533926414), real(366.57869197243645), real(434.6076375914292), horner4(
            y, real(4186.924826443719), -real(56417.30697881921), real(573425.7221804976), -real(5317435.768019031), horner4(
            y, real(37557205.53141686), -real(209405168.94027725), real(904425010.0462357), -real(2879379920.495151), horner2(
            y, real(6448275027.600342), -real(9597152627.3481),
            muladd(y, -real(3456592166.75313), real(8544792991.295047))))))), real(0.3989422804007563))

    # --------------------------------------------------------------------------------------------------------------
    # rectifiers.pxd

    # identity: x

    @inlined
    def identity(x):
        return x

    @inlined
    def identity_backward(grad, x):
        return x if x != x else grad

    @inlined
    def identity_backward_y(grad, y):
        return identity_backward(grad, y)

    # relu: max(x, 0)
    # As a comparison that is false for NaN and for -0.0 it lets both pass, and it is one vector instruction.

    @inlined
    def relu(x):
        return at_least(x, ZERO)

    @inlined
    def relu_backward(grad, x):
        return grad if x > ZERO else zero_or_nan(grad, x)

    @inlined
    def relu_backward_y(grad, y):
        return relu_backward(grad, y)

    # leaky_relu: x for x > 0, negative_slope * x for x <= 0
    # With a slope of 0 -inf must not become NaN, and the derivative on the left is zero throughout.

    @inlined
    def leaky_relu(x, negative_slope):
        lowest = -LARGEST if negative_slope == ZERO else -INFINITE
        left = negative_slope * at_least(x, lowest)
        return left if x < ZERO else x

    @inlined
    def leaky_relu_backward(grad, x, negative_slope):
        left = vanishing_with(negative_slope, negative_slope * grad, grad, x)
        return grad if x > ZERO else left

    @inlined
    def leaky_relu_backward_y(grad, y, negative_slope):
        return leaky_relu_backward(grad, y, negative_slope)         # y has x's sign: negative_slope >= 0

    # prelu: leaky_relu whose slope, the weight, is learned

    @inlined
    def prelu(x, weight):
        return leaky_relu(x, weight)

    @inlined
    def prelu_backward(grad, x, weight):
        return leaky_relu_backward(grad, x, weight)

    @inlined
    def prelu_backward_y(grad, y, weight):
        return leaky_relu_backward(grad, y, weight)

    # relu6: min(max(x, 0), 6)

    @inlined
    def relu6(x):
        return at_most(at_least(x, ZERO), real(6))

    @inlined
    def relu6_backward(grad, x):
        return grad if (x > ZERO) & (x < real(6)) else zero_or_nan(grad, x)

    @inlined
    def relu6_backward_y(grad, y):
        return relu6_backward(grad, y)

    # relu2: max(x, 0)**2
    # f' = 2 x for x > 0, which is 2 sqrt(y).

    @inlined
    def relu2(x):
        positive = at_least(x, ZERO)
        return positive * positive

    @inlined
    def relu2_backward(grad, x):
        return grad * (x + x) if x > ZERO else zero_or_nan(grad, x)

    @inlined
    def relu2_backward_y(grad, y):
        root = square_root(y)
        return grad * (root + root) if y > ZERO else zero_or_nan(grad, y)

    # threshold: x for x > threshold, value for x <= threshold

    @inlined
    def threshold(x, threshold, value):
        y = x if x > threshold else value
        return x + threshold if unordered(x, threshold) else y

    @inlined
    def threshold_backward(grad, x, threshold, value):
        dx = grad if x > threshold else zero_or_nan(grad, x)
        return x + threshold if unordered(x, threshold) else dx

    # hard_tanh: min(max(x, min_val), max_val)

    @inlined
    def hard_tanh(x, min_val, max_val):
        y = at_most(at_least(x, min_val), max_val)
        return min_val + max_val if unordered(min_val, max_val) else y

    @inlined
    def hard_tanh_backward(grad, x, min_val, max_val):
        dx = grad if (x > min_val) & (x < max_val) else zero_or_nan(grad, x)
        return min_val + max_val if unordered(min_val, max_val) else dx

    @inlined
    def hard_tanh_backward_y(grad, y, min_val, max_val):
        return hard_tanh_backward(grad, y, min_val, max_val)

    # hard_sigmoid: min(max(slope x + offset, 0), 1)
    # As slope (x + c) with c = offset / slope, rounded, which is 3 or 2.5 for the usual slopes of 1/6 and 0.2: the sum is
    # exact near its zero, at -c. Two roundings, 1.5 ULP. The ends are rounded to the type of the parameters in every build.

    @inlined
    def hard_sigmoid_low(slope, offset):
        return -(offset / slope)

    @inlined
    def hard_sigmoid_high(slope, offset):
        return ((ONE - offset) / slope)

    @inlined
    def hard_sigmoid(x, slope, offset):
        low = hard_sigmoid_low(slope, offset)
        y = at_most(slope * (x - low), ONE)
        return ZERO if x <= low else (ONE if x >= hard_sigmoid_high(slope, offset) else y)

    @inlined
    def hard_sigmoid_backward(grad, x, slope, offset):
        flat = (x <= hard_sigmoid_low(slope, offset)) | (x >= hard_sigmoid_high(slope, offset))
        return zero_or_nan(grad, x) if flat else grad * (x + offset if unordered(x, offset) else slope)

    @inlined
    def hard_sigmoid_backward_y(grad, y, slope, offset):
        return grad * slope if (y > ZERO) & (y < ONE) else zero_or_nan(grad, y)

    # hard_swish: x min(max(x + 3, 0), 6) / 6: 0 for x <= -3, x for x >= 3
    # The gate is made of x between -3 and 3, with the rounding errors of x + 3 and of 1/6, so that only its own and the
    # product's are left: 1.5 ULP. x is kept from -inf, which the gate's 0 would make NaN.
    # In between f' = (x + 1.5) / 3, where nothing cancels: the sum is exact near its zero. 1.34 ULP.

    @inlined
    def hard_swish(x):
        sixth = real(0.16666666666666666)
        sixth_low = -real(4.967053731282552e-09) if SINGLE else real(9.251858538542972e-18)
        factor = at_least(x, -real(3))
        inside = at_most(factor, real(3))
        sum = inside + real(3)
        sum_low = inside - (sum - real(3))
        return factor * fused(sum, sixth, muladd(sum_low, sixth, sum * sixth_low))

    @inlined
    def hard_swish_backward(grad, x):
        slope = ONE if x >= real(3) else (x + real(1.5)) * real(0.3333333333333333)
        return zero_or_nan(grad, x) if x <= -real(3) else grad * slope

    # sparse_plus: 0 for x <= -1, (x + 1)**2 / 4 for -1 < x < 1, x for x >= 1
    # With h = (x + 1) / 2 and its rounding error e, which the square would double, h**2 + 2 e h is rounded once.
    # f' = h in between, which is sqrt(y).

    @inlined
    def sparse_plus(x):
        sum = x + ONE
        sum_low = x - (sum - ONE)
        h = sum * real(0.5)
        positive = x if x >= ONE else fused(h, h, h * sum_low)
        return ZERO if x <= -ONE else positive

    @inlined
    def sparse_plus_backward(grad, x):
        slope = ONE if x >= ONE else (x + ONE) * real(0.5)
        return zero_or_nan(grad, x) if x <= -ONE else grad * slope

    @inlined
    def sparse_plus_backward_y(grad, y):
        return grad * at_most(square_root(y), ONE) if y > ZERO else zero_or_nan(grad, y)

    # sparse_sigmoid: min(max(x + 1, 0), 2) / 2, the derivative of sparse_plus

    @inlined
    def sparse_sigmoid(x):
        return at_most(at_least(x + ONE, ZERO), real(2)) * real(0.5)

    @inlined
    def sparse_sigmoid_backward(grad, x):
        return grad * real(0.5) if (x > -ONE) & (x < ONE) else zero_or_nan(grad, x)

    # --------------------------------------------------------------------------------------------------------------
    # exponentials.pxd

    # elu: x for x > 0, alpha (e**x - 1) for x <= 0
    # expm1, because e**x - 1 loses every digit near 0; from x alpha e**x, because y + alpha cancels for x << 0.

    @inlined
    def elu(x, alpha):
        left = alpha * expm1_negative(-x, NEGATIVE_ZERO).high
        return left if x < ZERO else x

    @inlined
    def elu_backward(grad, x, alpha):
        t_raised = ZERO if -x > exp_limit() and not KNOWN_ONE(alpha) else exp_negative_raised(-x, NEGATIVE_ZERO)
        # The division by raised() comes last, but before a large alpha.
        large = absolute(alpha) > real(1048576.0)
        slope = alpha * (ONE / raised() if large else ONE) * t_raised * (ONE if large else ONE / raised())
        left = grad * slope if KNOWN_ONE(alpha) else vanishing_with(alpha, grad * slope, grad, x)
        return grad if x > ZERO else left

    @inlined
    def elu_backward_y(grad, y, alpha):
        left = vanishing_with(alpha, grad * (y + alpha), grad, y)
        return grad if y > ZERO else left                              # y has x's sign: alpha >= 0

    # selu: scale x for x > 0, scale alpha (e**x - 1) for x <= 0
    # elu with a given alpha, times a scale, both such that layers keep mean 0 and variance 1. From y, where y + scale alpha
    # cancels, the product's digits beyond its rounding count.

    @inlined
    def selu_scale():
        return real(1.0507009873554805)

    @inlined
    def selu_scale_alpha():
        return real(1.7580993408473768)

    @inlined
    def selu_scale_alpha_low():
        """What the rounding of scale alpha took."""
        return real(2.3296717680252718e-08) if SINGLE else real(1.41535193800845e-17)

    @inlined
    def selu(x):
        m = expm1_negative(-x, NEGATIVE_ZERO)
        left = fused(selu_scale_alpha(), m.high, selu_scale_alpha_low() * m.high)
        return left if x < ZERO else selu_scale() * x

    @inlined
    def selu_backward(grad, x):
        left = selu_scale_alpha() * exp_negative_raised(-x, NEGATIVE_ZERO) * (ONE / raised())
        return grad * (selu_scale() if x > ZERO else left)

    @inlined
    def selu_backward_y(grad, y):
        left = (y + selu_scale_alpha()) + selu_scale_alpha_low()
        return grad * (selu_scale() if y > ZERO else left)

    # celu: x for x > 0, alpha (e**(x / alpha) - 1) for x <= 0
    # elu with a derivative that does not jump, e**(x / alpha), for which the rounding error of the quotient counts. From y,
    # f' = 1 + y / alpha is (y + alpha) / alpha, whose sum is exact near its zero. With respect to alpha the derivative is
    # (1 + a) e**-a - 1 with a = -x / alpha, or, with e**-a = 1 - a + a**2 q, a**2 ((1 + a) q - 1), where nothing is lost.

    @inlined
    def negative_quotient(x, alpha):
        """-x / alpha, with its rounding error while it is not too large for an exponential."""
        a_high = -x / alpha
        a_low = NEGATIVE_ZERO if KNOWN_ONE(alpha) or a_high > exp_limit() else -fused(a_high, alpha, x) / alpha
        return Sum(a_high, a_low)

    @inlined
    def celu(x, alpha):
        a = negative_quotient(x, alpha)
        m = expm1_negative(a.high, a.low)
        left = fused(alpha, m.high, alpha * m.low)
        # expm1(z) = z for small z, which may be subnormal: alpha z is x.
        small = a.high < (real(3.7252902984619141e-09) if SINGLE else real(1.3877787807814457e-17))
        left = x if small and not KNOWN_ONE(alpha) else left
        return left if x < ZERO else x

    @inlined
    def celu_backward(grad, x, alpha):
        a = negative_quotient(x, alpha)
        left = exp_negative_raised(a.high, a.low) * (ONE / raised())
        return grad if x > ZERO else grad * left

    @inlined
    def celu_backward_y(grad, y, alpha):
        return grad if y > ZERO else grad * ((y + alpha) / alpha)

    # softplus: log(1 + e**(beta x)) / beta
    # max(x, 0) + log1p(e**-|z|) / beta with z = beta x neither overflows nor loses the tail on the left. f'(x) is
    # 1 / (1 + e**-z); from y it is 1 - e**(-beta y), which expm1 gives without cancellation. With respect to beta the
    # derivative is (x f'(x) - f(x)) / beta, which is the same for x and -x: there, for -|x|, nothing cancels.

    @inlined
    def softplus(x, beta):
        a = beta * absolute(x)
        t_raised = exp_negative_raised(a, product_error(beta, absolute(x), a))
        t = t_raised * (ONE / raised())
        y = log1p_unit(t)      # for x > 0 there is a sum to come, which adds its own rounding: low counts
        # log1p(t) = t for small t, which is divided by beta before it may become subnormal.
        small = t_raised < ONE and not KNOWN_ONE(beta)
        tail = ZERO if a > exp_limit() else t_raised
        return (at_least(x, ZERO) + y.low / beta) + (tail if small else y.high) / beta * (
            ONE / raised() if small else ONE)

    @inlined
    def softplus_backward(grad, x, beta):
        z = beta * x
        return grad * logistic(z, product_error(beta, x, z))

    @inlined
    def softplus_backward_y(grad, y, beta):
        return grad * absolute(expm1_negative(beta * y, NEGATIVE_ZERO).high)

    # log_sigmoid: log(1 / (1 + e**-x)), which is -softplus(-x)
    # -0 for large x. From y it is 1 - e**y.

    @inlined
    def log_sigmoid(x):
        y = log1p_unit(exp_negative_raised(absolute(x), NEGATIVE_ZERO) * (ONE / raised()))
        return (at_most(x, NEGATIVE_ZERO) - y.low) - y.high

    @inlined
    def log_sigmoid_backward(grad, x):
        return softplus_backward(grad, -x, ONE)

    @inlined
    def log_sigmoid_backward_y(grad, y):
        return softplus_backward_y(grad, -y, ONE)

    # squareplus: (x + sqrt(x**2 + b)) / 2
    # With s = sqrt(x**2 + b) and h = (s + |x|) / 2 it is h for x >= 0, and b / 4 / h for x < 0, where the sum would cancel.
    # f' is b / 4 / (h s) for x < 0, and as much short of 1 for x >= 0. From y it is y**2 / (y**2 + b / 4), which without
    # the squares is y / (y + b / 4 / y).

    @inlined
    def squareplus_scale():
        """2**80, in float64 2**600"""
        return real(1.2089258196146292e+24) if SINGLE else real(4.149515568880993e+180)

    @inlined
    def squareplus_parts(x, b):
        a = absolute(x)
        # Where the square might overflow, a is scaled by a power of two.
        large = a > (real(1099511627776.0) if SINGLE else real(2.037035976334486e+90))
        up = squareplus_scale()
        down = ONE / up
        scaled = a * down if large else a
        half = up * real(0.5) if large else real(0.5)
        square = fused(scaled, scaled, b * down * down if large else b)
        root = square_root(square)
        root_low = fused(-root, root, square) * (real(0.5) / root)
        sum = root + scaled
        sum_low = root_low + (scaled - (sum - root))
        f_root = root * (half + half)
        f_right = sum * half
        f_left = corrected_quotient(b * real(0.25), NEGATIVE_ZERO, f_right, sum_low * half)
        f_left = ZERO if a > LARGEST else f_left
        return Squareplus(f_root, f_right, f_left)

    @inlined
    def squareplus(x, b):
        f = squareplus_parts(x, b)
        return f.left if x < ZERO else f.right

    @inlined
    def squareplus_backward(grad, x, b):
        f = squareplus_parts(x, b)
        left = f.left / f.root
        return grad * (left if x < ZERO else ONE - left)

    @inlined
    def squareplus_backward_y(grad, y, b):
        bounded = at_most(y, squareplus_scale())
        quotient = b * real(0.25) / bounded     # f' = 1 beyond
        sum = two_sum(bounded, quotient)
        slope = corrected_quotient(bounded, NEGATIVE_ZERO, sum.high, sum.low)
        return grad * (ZERO if absolute(quotient) > LARGEST else slope)

    # exponential: e**x, its own derivative

    @inlined
    def exponential(x):
        return exp(x)

    @inlined
    def exponential_backward(grad, x):
        return grad * exp(x)

    @inlined
    def exponential_backward_y(grad, y):
        return grad * y

    # xielu: alpha_p x**2 + beta x for x > 0, alpha_n (expm1(min(x, eps)) - x) + beta x for x <= 0
    # The integral of a shifted elu. expm1(x) - x is x**2 / 2 for small x, so that beta x keeps its digits. eps only matters
    # next to 0, and f' is that of eps = 0: 2 alpha_p x + beta, alpha_n expm1(x) + beta. Both forward and backward have a
    # zero on the left, where terms cancel that are as large as beta x and beta.
    # Far on the left it is (beta - alpha_n) x - alpha_n, which does not overflow early. An infinite x is left out where it
    # would be multiplied by 0.

    @inlined
    def xielu_curve(x, eps):
        """expm1(min(x, eps)) - x for x <= 0."""
        a = -at_most(x, eps)
        m = expm1_negative(a, NEGATIVE_ZERO)
        y_high, y_low = two_difference(m.high, x)
        small = (a <= ONE) & (x <= eps)      # no branch
        y_high = a * a * expm1_curve(a) if small else y_high
        y_low = ZERO if small else y_low + m.low
        return Sum(y_high, y_low)

    @inlined
    def xielu(x, alpha_p, alpha_n, beta, eps):
        right = x * fused(alpha_p, at_most(x, LARGEST if alpha_p == ZERO else INFINITE), beta)
        curve = xielu_curve(x, eps)
        left = fused(alpha_n, curve.high, fused(beta, x, alpha_n * curve.low))
        difference = beta - alpha_n
        far = muladd(difference, at_least(x, -LARGEST if difference == ZERO else -INFINITE), -alpha_n)
        left = far if x < -real(64) else left
        return right if x > ZERO else left

    @inlined
    def xielu_backward(grad, x, alpha_p, alpha_n, beta, eps):
        right = fused(alpha_p + alpha_p, at_most(x, LARGEST if alpha_p == ZERO else INFINITE), beta)
        curve = expm1_negative(-x, NEGATIVE_ZERO)
        left = fused(alpha_n, curve.high, beta)
        if EXACT:       # next to the zero even float64's rounding of expm1 shows: 0.52 ULP at one of all float32 numbers
            left = muladd(alpha_n, curve.low, left) if absolute(left) < ONE else left
        return grad * (right if x > ZERO else left)

    # --------------------------------------------------------------------------------------------------------------
    # sigmoids.pxd

    # sigmoid: 1 / (1 + e**-x)
    # f' = e**-|x| / (1 + e**-|x|)**2 from x, y (1 - y) from y.

    @inlined
    def sigmoid(x):
        return logistic(x, NEGATIVE_ZERO)

    @inlined
    def sigmoid_backward(grad, x):
        return grad * logistic_slope(x, ONE)

    @inlined
    def sigmoid_backward_y(grad, y):
        return grad * (y * (ONE - y))

    # tanh: (e**x - e**-x) / (e**x + e**-x)
    # tanh x = 2 sigmoid(2x) - 1, so f' is four times the slope of the sigmoid at 2x; from y, (1 - y) (1 + y).

    @inlined
    def tanh(x):
        return vmath_tanh(x)

    @inlined
    def tanh_backward(grad, x):
        return grad * logistic_slope(x + x, real(4))

    @inlined
    def tanh_backward_y(grad, y):
        return grad * ((ONE - y) * (ONE + y))

    # scaled_tanh: alpha tanh(beta x)
    # With z = beta x and t = tanh z, the rounding error of z counts for 1 - t**2 in t and, as an error of the exponent, for
    # more in f' = 4 alpha beta v (1 - v) with v = sigmoid(-2 |z|). From y it is beta / alpha (alpha - y) (alpha + y).

    @inlined
    def scaled_tanh(x, alpha, beta):
        z = beta * x
        t = vmath_tanh(z)
        z_low = product_error(beta, x, z) if absolute(z) < gate_limit() else ZERO
        y = fused(alpha, t, alpha * (z_low * (ONE - t * t)))
        # Where tanh z = z, alpha beta x is rounded once if it is subnormal.
        small = alpha * (beta * (x * raised())) * (ONE / raised())
        return small if absolute(z) < ONE / raised() else y

    @inlined
    def scaled_tanh_backward(grad, x, alpha, beta):
        a = beta * absolute(x)
        closed = a + a > gate_limit()
        a_low = NEGATIVE_ZERO if closed else product_error(beta, absolute(x), a)
        v_raised = gate(-gate_limit() if closed else -(a + a), -(a_low + a_low))
        bell = v_raised * (ONE - v_raised * gate_scale())
        # gate_scale() comes last, but before a large factor.
        factor = alpha * beta * real(4)
        large = factor > real(1048576.0)
        slope = factor * (gate_scale() if large else ONE) * bell * (ONE if large else gate_scale())
        return grad * (ZERO if a > gate_limit() else slope)     # for even the largest factor

    @inlined
    def scaled_tanh_backward_y(grad, y, alpha, beta):
        # Five roundings, of which the first three are made good.
        ratio = beta / alpha
        ratio_low = fused(-ratio, alpha, beta) / alpha
        below = alpha - y
        below_low = (alpha - below) - y
        above = alpha + y
        above_low = (alpha - above) + y
        factor = fused(ratio, below, muladd(ratio_low, below, ratio * below_low))
        return grad * fused(factor, above, factor * above_low)

    # softsign: x / (1 + |x|)
    # |x| is kept below 2**100, where the quotient has long been 1, so that infinity gives 1 and not NaN.
    # f' = 1 / (1 + |x|)**2, squared after the division because the square overflows where its inverse is still a number;
    # from y it is (1 - |y|)**2.

    @inlined
    def softsign(x):
        a = at_most(absolute(x), real(1.2676506002282294e+30))
        return copy_sign(a / (ONE + a), x)

    @inlined
    def softsign_backward(grad, x):
        inverse = ONE / (ONE + absolute(x))
        return grad * (inverse * inverse)

    @inlined
    def softsign_backward_y(grad, y):
        root = ONE - absolute(y)
        return grad * (root * root)

    # step: 1 for x > 0, alpha for x <= 0
    # Its derivative is 0, also at 0.

    @inlined
    def step(x, alpha):
        left = alpha if x <= ZERO else x
        return ONE if x > ZERO else left

    @inlined
    def step_backward(grad, x, alpha):
        return zero_or_nan(grad, x)

    # --------------------------------------------------------------------------------------------------------------
    # self_gated.pxd

    # silu (swish): x sigmoid(beta x)
    # With z = beta x, v = sigmoid(-|z|) and h = v (1 - |z| (1 - v)): f'(x) = h for z < 0, 1 - h for z >= 0. h has a zero
    # at |z| = 1.2784645..., where its terms cancel: there the error is relative to v.
    # Where the gate is 1 the result is x; where it has underflowed, x's sign is all that is left of x. An infinite x with
    # beta = 0 makes z NaN: the result is then the limit, which is x, and the slope that at 0.

    @inlined
    def silu(x, beta):
        z = beta * x
        usual = z >= -gate_limit()
        z_low = product_error(beta, x, z) if usual else NEGATIVE_ZERO
        shut = at_least(z, -gate_limit())
        factor = shut if KNOWN_ONE(beta) else (copy_sign(ZERO, x) if z < -gate_limit() else x)
        # gate_scale() comes last, but before a large x: with a beta of 1 that finds the gate open or shut in any case.
        large = absolute(x) > real(1048576.0) and not KNOWN_ONE(beta)
        first = gate_scale() if large else ONE
        last = ONE if large else gate_scale()
        y = gated(factor * first, shut, z_low) * last
        y = y if z <= gate_open() else x
        return y if beta == beta else beta

    @inlined
    def silu_backward(grad, x, beta):
        size = absolute(beta)
        a = size * absolute(x)
        usual = a < gate_limit()
        a_low = product_error(size, absolute(x), a) if usual else NEGATIVE_ZERO
        a = at_most(a if KNOWN_ONE(size) or a == a else ZERO, gate_limit())
        v = gate(-a, -a_low)
        h = fused(a, v * gate_scale(), ONE - a) * v * gate_scale()
        slope = h if beta * x < ZERO else ONE - h
        return grad * (x + beta if unordered(x, beta) else slope)

    # quick_gelu: x sigmoid(1.702 x)
    # 1.702 and its product with x are in two parts. Below the limit, a clamped x gives what rounds to -0. float32 2.52 ULP,
    # backward 3.41.

    @inlined
    def quick_gelu_limit():
        return real(79.0) if SINGLE else real(493.0)

    @inlined
    def quick_gelu_gate(x):
        """1.702 x"""
        z_high = real(1.702) * x
        z_low = muladd(x, -real(2.1934509319976314e-08) if SINGLE else real(4.263256414560601e-17), product_error(real(1.702), x, z_high))
        return Sum(z_high, z_low)

    @inlined
    def quick_gelu(x):
        shut = at_least(x, -quick_gelu_limit())
        z = quick_gelu_gate(shut)
        y = gated(shut, z.high, z.low) * gate_scale()
        return x if z.high > gate_open() else y

    @inlined
    def quick_gelu_backward(grad, x):
        z = quick_gelu_gate(at_most(absolute(x), quick_gelu_limit()))
        h = gated_slope(z.high, z.low, z.low)
        return grad * (h if x < ZERO else ONE - h)

    # gelu: x Phi(x), where Phi(x) is the probability that a normally distributed number is less than x
    # With a = |x| and R(a) = exp(a**2 / 2) Phi(-a): f(x) = max(x, 0) - a exp(-a**2 / 2) R(a), where nothing cancels, and f'
    # is h = exp(-a**2 / 2) (R(a) - a / sqrt(2 pi)) for x < 0 and 1 - h for x >= 0, where the zero of h is a factor of its
    # own. R and the rest of h are polynomials in y = 1 / (a + shift), times y; what the rounding of y takes from them goes
    # into the exponent, growth being by how many parts they grow if y does by one. float32 3.88 ULP, backward 3.49
    # (without FMA 3.95 and 3.70).

    @inlined
    def gelu(x):
        a = at_most(absolute(x), (real(14.5) if SINGLE else real(38.6)))        # -0 from here on
        y = ONE / (a + mills_shift())
        growth = muladd(y, (real(5.7) if SINGLE else real(11.7)), ONE)
        e = exp_half_square_raised(a, growth, reciprocal_error(y, a, mills_shift()))
        t = a * e.scale * mills_curve(y) * y
        return muladd(fused(t, e.fraction, t), -ONE / raised(), NEGATIVE_ZERO if x < ZERO else x)

    @inlined
    def gelu_backward(grad, x):
        a = at_most(absolute(x), (real(14.7) if SINGLE else real(38.7)))        # -0 from here on
        y = ONE / (a + gelu_slope_shift())
        growth = y * (real(3.5) if SINGLE else real(5.4))
        e = exp_half_square_raised(a, growth, reciprocal_error(y, a, gelu_slope_shift()))
        t = ((gelu_zero() - a) + gelu_zero_low()) * e.scale * gelu_slope_curve(y)
        h = muladd(t, e.fraction, t)
        return grad * muladd(h if x < ZERO else -h, ONE / raised(), NEGATIVE_ZERO if x < ZERO else ONE)

    # gelu_tanh: x sigmoid(z) with z = k0 x + k1 x**3, k0 = 2 sqrt(2 / pi), k1 = 0.044715 k0
    # This is x (1 + tanh(z / 2)) / 2, but nothing cancels. The constants and z are in two parts, and k0 has a few bits less
    # than it could, so that k0 - p is exact. float32 2.54 ULP, backward 3.84.

    @inlined
    def gelu_tanh_limit():
        """-0 from here on."""
        return (real(11.7) if SINGLE else real(22.4))

    @inlined
    def gelu_tanh_cube():
        """k1, rounded"""
        return (real(0.07135481387376785) if SINGLE else real(0.07135481627260025))

    @inlined
    def gelu_tanh_gate(x):
        """k0 x + k1 x**3"""
        k0 = real(1.5957698822021484) if SINGLE else real(1.5957691216057341)
        k0_low = -real(7.605964356116601e-07) if SINGLE else -real(3.430362161966579e-15)
        k1 = gelu_tanh_cube()
        k1_low = real(2.3988324659995897e-09) if SINGLE else -real(6.175149918155315e-19)
        s = x * x
        p = muladd(k1, s, k0)
        p_low = muladd(k1, product_error(x, x, s), muladd(k1_low, s, fused(k1, s, k0 - p) + k0_low))
        z_high = x * p
        z_low = muladd(x, p_low, product_error(x, p, z_high))
        return Sum(z_high, z_low)

    @inlined
    def gelu_tanh(x):
        shut = at_least(x, -gelu_tanh_limit())
        z = gelu_tanh_gate(shut)
        y = gated(shut, z.high, z.low) * gate_scale()
        return x if z.high > gate_open() else y

    @inlined
    def gelu_tanh_backward(grad, x):
        a = at_most(absolute(x), gelu_tanh_limit())
        z = gelu_tanh_gate(a)
        h = gated_slope(z.high, z.low, fused(a * a * a, real(2) * gelu_tanh_cube(), z.low))
        return grad * (h if x < ZERO else ONE - h)

    # mish: x tanh(log(1 + e**x))
    # With w = e**x and n = w (w + 2) it is x n / (n + 2): no logarithm and no tanh. With d = n + 2,
    #     f' = w (4 (1 + x) + w (4 x + 6 + w (w + 4))) / d**2 = 1 - (2 d - 4 x (w + w**2)) / d**2
    # the first for x < 0, where the sum has a zero at x = -1.1924312..., the second for x >= 0.
    # float32 3.93 ULP, backward 3.94. For the latter what w + 2 and d were rounded by counts, twice, and w's rounding,
    # which the factor w does without.

    @inlined
    def mish_open():
        """mish(x) rounds to x, and its slope to 1, from here on."""
        return (real(12.0) if SINGLE else real(24.0))

    @inlined
    def mish(x):
        bounded = at_least(x, -exp_limit())
        e = exp_raised(bounded)
        w_raised = muladd(e.scale, e.fraction, e.scale)
        w = w_raised * (ONE / raised())
        n_raised = fused(w_raised, w, w_raised + w_raised)
        y = bounded * (n_raised / muladd(n_raised, ONE / raised(), real(2))) * (ONE / raised())
        return x if x > mish_open() else y

    @inlined
    def mish_backward(grad, x):
        bounded = at_most(at_least(x, -exp_limit()), mish_open())
        e = exp_raised(bounded)
        w = muladd(e.scale, e.fraction, e.scale) * (ONE / raised())
        sum = w + real(2)
        sum_low = w - (sum - real(2))
        d = fused(w, sum, real(2))
        d_low = muladd(w, sum_low, fused(w, sum, real(2) - d))
        left = e.scale * fused(w, fused(w, w + real(4), fused(bounded, real(4), real(6))), muladd(bounded, real(4), real(4)))
        right = muladd(bounded * fused(w, w, w), real(4), -(d + d))
        quotient = (fused(left, e.fraction, left) if x < ZERO else right) / fused(d, d, (d + d) * d_low)
        return grad * (quotient * (ONE / raised()) if x < ZERO else ONE + quotient)

    # dish: x / 2 (1 + x / sqrt(1 + x**2))
    # With a = |x|, s = sqrt(1 + a**2) and d = s (s + a) = 1 + a (s + a): f(-a) = -a / (2 d) and f(a) = a + f(-a), where
    # nothing cancels, so f'(a) = 1 - f'(-a). f'(-a) = (1 - a s) / (2 s**2 d), whose sum has a zero at a = 0.7861514...
    # Where a > 1 the roundings of s and s + a reach d in full, and are made good: 2 s (sqrt(1 + a**2) - s) is
    # 1 + (a - s) (a + s). float32 1.67 ULP, backward 3.42.

    @inlined
    def dish_large():
        """2**30: beyond, f(-a) = -1 / (4 a) and f'(-a) = -1 / (2 a)**2 to more digits than there are."""
        return real(1073741824.0)

    @inlined
    def dish_parts(x):
        f_a = absolute(x)
        f_s = square_root(fused(f_a, f_a, ONE))
        sum = f_s + f_a
        sum_low = f_a - (sum - f_s)
        root_low = real(0.5) * muladd(f_a - f_s, sum_low, fused(f_a - f_s, sum, ONE))
        f_root_low = root_low if f_a > ONE else ZERO
        f_d = fused(f_a, sum, ONE + muladd(f_a, sum_low, root_low) if f_a > ONE else ONE)
        return Dish(f_a, f_s, f_root_low, f_d)

    @inlined
    def dish(x):
        f = dish_parts(x)
        large = f.a > dish_large()
        size = (real(0.25) if large else real(0.5) * f.a) / (f.a if large else f.d)
        return -size if x < ZERO else x - size

    @inlined
    def dish_backward(grad, x):
        f = dish_parts(x)
        large = f.a > dish_large()
        square = f.a * f.a
        square_low = product_error(f.a, f.a, square) if f.a > ONE else ZERO
        n = real(0.5) * fused(-f.a, f.s, ONE - f.root_low)
        d = fused(square, f.d, muladd(square_low, f.d, f.d))
        # Scaled, so that a subnormal slope is rounded once: 2**-40 a, and 2**-80 times -1/4.
        scaled = f.a * real(9.094947017729282e-13)
        left = (-real(2.0679515313825692e-25) if large else n) / (scaled * scaled if large else d)
        return grad * (left if x < ZERO else ONE - left)

    # --------------------------------------------------------------------------------------------------------------
    # shrinkage.pxd

    # hard_shrink: x for |x| > lambd, 0 for |x| <= lambd

    @inlined
    def hard_shrink(x, lambd):
        y = copy_sign(ZERO, x) if absolute(x) <= lambd else x
        return x + lambd if unordered(x, lambd) else y

    @inlined
    def hard_shrink_backward(grad, x, lambd):
        dx = grad if absolute(x) > lambd else zero_or_nan(grad, x)
        return x + lambd if unordered(x, lambd) else dx

    @inlined
    def hard_shrink_backward_y(grad, y, lambd):
        return hard_shrink_backward(grad, y, ZERO)                     # y is 0 where |x| <= lambd, and nowhere else

    # soft_shrink: sign(x) max(|x| - lambd, 0)

    @inlined
    def soft_shrink(x, lambd):
        return copy_sign(at_least(absolute(x) - lambd, ZERO), x)

    @inlined
    def soft_shrink_backward(grad, x, lambd):
        return hard_shrink_backward(grad, x, lambd)

    @inlined
    def soft_shrink_backward_y(grad, y, lambd):
        return hard_shrink_backward(grad, y, ZERO)

    # tanh_shrink: x - tanh x
    # Up to 1.05, where the difference cancels, it is x**3 q(x**2), and q = 1/3 + x**2 rest. Beyond, float32 adds 1 - tanh x
    # to x - 1, which is exact until it is large. f' = tanh(x)**2.

    @inlined
    def tanh_shrink(x):
        a = absolute(x)
        square = a * a
        third = real(0.3333333333333333)
        if SINGLE:      # 2**-29.5
            rest = horner4(
                square, -real(0.13333329558372498), real(0.0539671927690506), -real(0.021858932450413704), real(0.008811024017632008), horner2(
                square, -real(0.003444633213803172), real(0.0012012189254164696),
                muladd(square, real(4.196827285340987e-05), -real(0.00031203185790218413))))
            third_low = -real(9.934107462565104e-09)
            far = (a - ONE) + real(2.0) / one_and_exp_twice(a)
        else:           # 2**-53.8
            rest = horner4(
                square, -real(0.13333333333332725), real(0.053968253967695064), -real(0.021869488517929064), real(0.008863235226258802), horner4(
                square, -real(0.0035921250034543525), real(0.0014558145193473311), -real(0.0005899372249924548), real(0.00023883465977376857),
                horner4(
                square, -real(9.620796422242208e-05), real(3.800821636513904e-05), -real(1.4199094584743333e-05), real(4.6855574760191455e-06),
                horner2(
                square, -real(1.2308869462621237e-06), real(2.2007499297177423e-07), -real(1.948555075516161e-08)))))
            third_low = real(1.850371707708594e-17)
            far = a - vmath_tanh(a)
        q = muladd(square, rest, third)
        q_low = muladd(square, rest, (third - q) + third_low)
        # |x| (x**2 q): the product in brackets with its rounding errors, and never subnormal where the result is a number
        factor = square * q
        factor_low = muladd(product_error(a, a, square), q, muladd(square, q_low, product_error(square, q, factor)))
        return copy_sign(fused(a, factor, a * factor_low) if a <= real(1.05) else far, x)

    @inlined
    def tanh_shrink_backward(grad, x):
        t = vmath_tanh(x)
        return grad * (t * t)

    # --------------------------------------------------------------------------------------------------------------
    # gated.pxd

    # glu: sigmoid(gate) up

    @inlined
    def glu(gate, up):
        return sigmoid(gate) * up

    @inlined
    def glu_backward(grad, gate, up):
        return Pair(sigmoid_backward(grad * up, gate), grad * sigmoid(gate))

    # reglu: relu(gate) up, which is gate up for gate > 0, else 0: there it is zero throughout, for an infinite up too.

    @inlined
    def reglu(gate, up):
        return gate * up if gate > ZERO else zero_or_nan(up, gate)

    @inlined
    def reglu_backward(grad, gate, up):
        zero = zero_or_nan(grad, up)
        return Pair(relu_backward(grad * up if gate > ZERO else zero, gate), reglu(gate, grad))

    # swiglu: silu(gate) up

    @inlined
    def swiglu(gate, up, beta):
        return silu(gate, beta) * up

    @inlined
    def swiglu_backward(grad, gate, up, beta):
        return Pair(silu_backward(grad * up, gate, beta), grad * silu(gate, beta))

    # geglu: gelu(gate) up

    @inlined
    def geglu(gate, up):
        return gelu(gate) * up

    @inlined
    def geglu_backward(grad, gate, up):
        return Pair(gelu_backward(grad * up, gate), grad * gelu(gate))

    # geglu_tanh: gelu_tanh(gate) up

    @inlined
    def geglu_tanh(gate, up):
        return gelu_tanh(gate) * up

    @inlined
    def geglu_tanh_backward(grad, gate, up):
        return Pair(gelu_tanh_backward(grad * up, gate), grad * gelu_tanh(gate))

    return locals()
