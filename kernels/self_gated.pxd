"""Activations that multiply x by a gate made of x: silu, quick_gelu, gelu, gelu_tanh, mish, dish.

Not monotone, so backward is from x only: two values of x give the same y.
"""
from real cimport (KNOWN_ONE, NEGATIVE_ZERO, ONE, SINGLE, ZERO, absolute, at_least, at_most, copy_sign, fused, muladd,
                   product_error, real, square_root, unordered, zero_or_nan)
from vmath cimport (Exponential, Sum, exp_half_square_raised, exp_limit, exp_raised, gate, gate_limit, gate_open,
                    gate_scale, gated, gated_slope, gelu_slope_curve, gelu_slope_shift, gelu_zero, gelu_zero_low,
                    mills_curve, mills_shift, raised, reciprocal_error)


# silu (swish): x sigmoid(beta x)
# With z = beta x, v = sigmoid(-|z|) and h = v (1 - |z| (1 - v)): f'(x) = h for z < 0, 1 - h for z >= 0. h has a zero
# at |z| = 1.2784645..., where its terms cancel: there the error is relative to v.
# Where the gate is 1 the result is x; where it has underflowed, x's sign is all that is left of x. An infinite x with
# beta = 0 makes z NaN: the result is then the limit, which is x, and the slope that at 0.

cdef inline real silu(real x, real beta) noexcept nogil:
    cdef real z = beta * x
    cdef bint usual = z >= -gate_limit()
    cdef real z_low = product_error(beta, x, z) if usual else NEGATIVE_ZERO
    cdef real shut = at_least(z, -gate_limit())
    cdef real factor = shut if KNOWN_ONE(beta) else (copy_sign(ZERO, x) if z < -gate_limit() else x)
    # gate_scale() comes last, but before a large x: with a beta of 1 that finds the gate open or shut in any case.
    cdef bint large = absolute(x) > <real>1048576.0 and not KNOWN_ONE(beta)
    cdef real first = gate_scale() if large else ONE, last = ONE if large else gate_scale()
    cdef real y = gated(factor * first, shut, z_low) * last
    y = y if z <= gate_open() else x
    return y if beta == beta else beta

cdef inline real silu_backward(real grad, real x, real beta) noexcept nogil:
    cdef real size = absolute(beta), a = size * absolute(x)
    cdef bint usual = a < gate_limit()
    cdef real a_low = product_error(size, absolute(x), a) if usual else NEGATIVE_ZERO
    a = at_most(a if KNOWN_ONE(size) or a == a else ZERO, gate_limit())
    cdef real v = gate(-a, -a_low)
    cdef real h = fused(a, v * gate_scale(), ONE - a) * v * gate_scale()
    cdef real slope = h if beta * x < ZERO else ONE - h
    return grad * (x + beta if unordered(x, beta) else slope)

cdef inline double silu_grad_beta(real grad, real x, real beta) noexcept nogil:
    # x**2 v (1 - v), in which gate_scale() and one x come last: then nothing is too large or too small before it is.
    cdef real size = absolute(beta), a = size * absolute(x)
    cdef bint usual = a < gate_limit(), shut = a >= gate_limit()
    cdef real a_low = product_error(size, absolute(x), a) if usual else NEGATIVE_ZERO
    cdef real v = gate(-a if usual else (-gate_limit() if shut else ZERO), -a_low)
    cdef double first = <double>x * <double>v * <double>(ONE - v * gate_scale())
    cdef double product = <double>grad * (first * (<double>x * <double>gate_scale()))
    product = product if beta == beta else <double>beta
    return <double>zero_or_nan(grad, x) if shut else product


# quick_gelu: x sigmoid(1.702 x)
# 1.702 and its product with x are in two parts. Below the limit, a clamped x gives what rounds to -0. float32 2.52 ULP,
# backward 3.41.

cdef inline real quick_gelu_limit() noexcept nogil:
    return <real>79.0 if SINGLE else <real>493.0

cdef inline Sum quick_gelu_gate(real x) noexcept nogil:
    """1.702 x"""
    cdef Sum z
    z.high = <real>1.702 * x
    z.low = muladd(x, -2.1934509319976314e-08 if SINGLE else 4.263256414560601e-17, product_error(1.702, x, z.high))
    return z

cdef inline real quick_gelu(real x) noexcept nogil:
    cdef real shut = at_least(x, -quick_gelu_limit())
    cdef Sum z = quick_gelu_gate(shut)
    cdef real y = gated(shut, z.high, z.low) * gate_scale()
    return x if z.high > gate_open() else y

cdef inline real quick_gelu_backward(real grad, real x) noexcept nogil:
    cdef Sum z = quick_gelu_gate(at_most(absolute(x), quick_gelu_limit()))
    cdef real h = gated_slope(z.high, z.low, z.low)
    return grad * (h if x < ZERO else ONE - h)


# gelu: x Phi(x), where Phi(x) is the probability that a normally distributed number is less than x
# With a = |x| and R(a) = exp(a**2 / 2) Phi(-a): f(x) = max(x, 0) - a exp(-a**2 / 2) R(a), where nothing cancels, and f'
# is h = exp(-a**2 / 2) (R(a) - a / sqrt(2 pi)) for x < 0 and 1 - h for x >= 0, where the zero of h is a factor of its
# own. R and the rest of h are polynomials in y = 1 / (a + shift), times y; what the rounding of y takes from them goes
# into the exponent, growth being by how many parts they grow if y does by one. float32 3.88 ULP, backward 3.49
# (without FMA 3.95 and 3.70).

cdef inline real gelu(real x) noexcept nogil:
    cdef real a = at_most(absolute(x), <real>(14.5 if SINGLE else 38.6))        # -0 from here on
    cdef real y = ONE / (a + mills_shift())
    cdef real growth = muladd(y, <real>(5.7 if SINGLE else 11.7), ONE)
    cdef Exponential e = exp_half_square_raised(a, growth, reciprocal_error(y, a, mills_shift()))
    cdef real t = a * e.scale * mills_curve(y) * y
    return muladd(fused(t, e.fraction, t), -ONE / raised(), NEGATIVE_ZERO if x < ZERO else x)

cdef inline real gelu_backward(real grad, real x) noexcept nogil:
    cdef real a = at_most(absolute(x), <real>(14.7 if SINGLE else 38.7))        # -0 from here on
    cdef real y = ONE / (a + gelu_slope_shift())
    cdef real growth = y * <real>(3.5 if SINGLE else 5.4)
    cdef Exponential e = exp_half_square_raised(a, growth, reciprocal_error(y, a, gelu_slope_shift()))
    cdef real t = ((gelu_zero() - a) + gelu_zero_low()) * e.scale * gelu_slope_curve(y), h
    h = muladd(t, e.fraction, t)
    return grad * muladd(h if x < ZERO else -h, ONE / raised(), NEGATIVE_ZERO if x < ZERO else ONE)


# gelu_tanh: x sigmoid(z) with z = k0 x + k1 x**3, k0 = 2 sqrt(2 / pi), k1 = 0.044715 k0
# This is x (1 + tanh(z / 2)) / 2, but nothing cancels. The constants and z are in two parts, and k0 has a few bits less
# than it could, so that k0 - p is exact. float32 2.54 ULP, backward 3.84.

cdef inline real gelu_tanh_limit() noexcept nogil:
    """-0 from here on."""
    return <real>(11.7 if SINGLE else 22.4)

cdef inline real gelu_tanh_cube() noexcept nogil:
    """k1, rounded"""
    return <real>(0.07135481387376785 if SINGLE else 0.07135481627260025)

cdef inline Sum gelu_tanh_gate(real x) noexcept nogil:
    """k0 x + k1 x**3"""
    cdef real k0 = 1.5957698822021484 if SINGLE else 1.5957691216057341
    cdef real k0_low = -7.605964356116601e-07 if SINGLE else -3.430362161966579e-15
    cdef real k1 = gelu_tanh_cube(), k1_low = 2.3988324659995897e-09 if SINGLE else -6.175149918155315e-19
    cdef real s = x * x, p = muladd(k1, s, k0)
    cdef real p_low = muladd(k1, product_error(x, x, s), muladd(k1_low, s, fused(k1, s, k0 - p) + k0_low))
    cdef Sum z
    z.high = x * p
    z.low = muladd(x, p_low, product_error(x, p, z.high))
    return z

cdef inline real gelu_tanh(real x) noexcept nogil:
    cdef real shut = at_least(x, -gelu_tanh_limit())
    cdef Sum z = gelu_tanh_gate(shut)
    cdef real y = gated(shut, z.high, z.low) * gate_scale()
    return x if z.high > gate_open() else y

cdef inline real gelu_tanh_backward(real grad, real x) noexcept nogil:
    cdef real a = at_most(absolute(x), gelu_tanh_limit())
    cdef Sum z = gelu_tanh_gate(a)
    cdef real h = gated_slope(z.high, z.low, fused(a * a * a, <real>2 * gelu_tanh_cube(), z.low))
    return grad * (h if x < ZERO else ONE - h)


# mish: x tanh(log(1 + e**x))
# With w = e**x and n = w (w + 2) it is x n / (n + 2): no logarithm and no tanh. With d = n + 2,
#     f' = w (4 (1 + x) + w (4 x + 6 + w (w + 4))) / d**2 = 1 - (2 d - 4 x (w + w**2)) / d**2
# the first for x < 0, where the sum has a zero at x = -1.1924312..., the second for x >= 0.
# float32 3.93 ULP, backward 3.94. For the latter what w + 2 and d were rounded by counts, twice, and w's rounding,
# which the factor w does without.

cdef inline real mish_open() noexcept nogil:
    """mish(x) rounds to x, and its slope to 1, from here on."""
    return <real>(12.0 if SINGLE else 24.0)

cdef inline real mish(real x) noexcept nogil:
    cdef real bounded = at_least(x, -exp_limit())
    cdef Exponential e = exp_raised(bounded)
    cdef real w_raised = muladd(e.scale, e.fraction, e.scale), w = w_raised * (ONE / raised())
    cdef real n_raised = fused(w_raised, w, w_raised + w_raised)
    cdef real y = bounded * (n_raised / muladd(n_raised, ONE / raised(), 2)) * (ONE / raised())
    return x if x > mish_open() else y

cdef inline real mish_backward(real grad, real x) noexcept nogil:
    cdef real bounded = at_most(at_least(x, -exp_limit()), mish_open())
    cdef Exponential e = exp_raised(bounded)
    cdef real w = muladd(e.scale, e.fraction, e.scale) * (ONE / raised())
    cdef real sum = w + <real>2, sum_low = w - (sum - <real>2)
    cdef real d = fused(w, sum, 2), d_low = muladd(w, sum_low, fused(w, sum, <real>2 - d))
    cdef real left = e.scale * fused(w, fused(w, w + <real>4, fused(bounded, 4, 6)), muladd(bounded, 4, 4))
    cdef real right = muladd(bounded * fused(w, w, w), 4, -(d + d))
    cdef real quotient = (fused(left, e.fraction, left) if x < ZERO else right) / fused(d, d, (d + d) * d_low)
    return grad * (quotient * (ONE / raised()) if x < ZERO else ONE + quotient)


# dish: x / 2 (1 + x / sqrt(1 + x**2))
# With a = |x|, s = sqrt(1 + a**2) and d = s (s + a) = 1 + a (s + a): f(-a) = -a / (2 d) and f(a) = a + f(-a), where
# nothing cancels, so f'(a) = 1 - f'(-a). f'(-a) = (1 - a s) / (2 s**2 d), whose sum has a zero at a = 0.7861514...
# Where a > 1 the roundings of s and s + a reach d in full, and are made good: 2 s (sqrt(1 + a**2) - s) is
# 1 + (a - s) (a + s). float32 1.67 ULP, backward 3.42.

cdef struct Dish:
    real a
    real s
    real root_low       # a times what s was rounded by, where a > 1
    real d

cdef inline real dish_large() noexcept nogil:
    """2**30: beyond, f(-a) = -1 / (4 a) and f'(-a) = -1 / (2 a)**2 to more digits than there are."""
    return <real>1073741824.0

cdef inline Dish dish_parts(real x) noexcept nogil:
    cdef Dish f
    cdef real sum, sum_low, root_low
    f.a = absolute(x)
    f.s = square_root(fused(f.a, f.a, ONE))
    sum = f.s + f.a
    sum_low = f.a - (sum - f.s)
    root_low = <real>0.5 * muladd(f.a - f.s, sum_low, fused(f.a - f.s, sum, ONE))
    f.root_low = root_low if f.a > ONE else ZERO
    f.d = fused(f.a, sum, ONE + muladd(f.a, sum_low, root_low) if f.a > ONE else ONE)
    return f

cdef inline real dish(real x) noexcept nogil:
    cdef Dish f = dish_parts(x)
    cdef bint large = f.a > dish_large()
    cdef real size = (<real>0.25 if large else <real>0.5 * f.a) / (f.a if large else f.d)
    return -size if x < ZERO else x - size

cdef inline real dish_backward(real grad, real x) noexcept nogil:
    cdef Dish f = dish_parts(x)
    cdef bint large = f.a > dish_large()
    cdef real square = f.a * f.a, square_low = product_error(f.a, f.a, square) if f.a > ONE else ZERO
    cdef real n = <real>0.5 * fused(-f.a, f.s, ONE - f.root_low)
    cdef real d = fused(square, f.d, muladd(square_low, f.d, f.d))
    # Scaled, so that a subnormal slope is rounded once: 2**-40 a, and 2**-80 times -1/4.
    cdef real scaled = f.a * <real>9.094947017729282e-13
    cdef real left = (<real>-2.0679515313825692e-25 if large else n) / (scaled * scaled if large else d)
    return grad * (left if x < ZERO else ONE - left)
