"""Activations that saturate on both sides: sigmoid, tanh, scaled_tanh, softsign, step.

Forward f(x) and backward grad * f'(x), from x and from y = f(x). From x the small derivatives of the tails keep their
digits; from y they are as good as y lets them be, for 1 - y has lost what y's rounding took.
"""
from real cimport (NEGATIVE_ZERO, ONE, ZERO, absolute, at_most, copy_sign, fused, muladd, product_error, real,
                   zero_or_nan)
from vmath cimport gate, gate_limit, gate_scale, logistic, logistic_slope, raised
from vmath cimport tanh as hyperbolic_tangent


# sigmoid: 1 / (1 + e**-x)
# f' = e**-|x| / (1 + e**-|x|)**2 from x, y (1 - y) from y.

cdef inline real sigmoid(real x) noexcept nogil:
    return logistic(x, NEGATIVE_ZERO)

cdef inline real sigmoid_backward(real grad, real x) noexcept nogil:
    return grad * logistic_slope(x, ONE)

cdef inline real sigmoid_backward_y(real grad, real y) noexcept nogil:
    return grad * (y * (ONE - y))


# tanh: (e**x - e**-x) / (e**x + e**-x)
# tanh x = 2 sigmoid(2x) - 1, so f' is four times the slope of the sigmoid at 2x; from y, (1 - y) (1 + y).

cdef inline real tanh(real x) noexcept nogil:
    return hyperbolic_tangent(x)

cdef inline real tanh_backward(real grad, real x) noexcept nogil:
    return grad * logistic_slope(x + x, 4)

cdef inline real tanh_backward_y(real grad, real y) noexcept nogil:
    return grad * ((ONE - y) * (ONE + y))


# scaled_tanh: alpha tanh(beta x)
# With z = beta x and t = tanh z, the rounding error of z counts for 1 - t**2 in t and, as an error of the exponent, for
# more in f' = 4 alpha beta v (1 - v) with v = sigmoid(-2 |z|). From y it is beta / alpha (alpha - y) (alpha + y).

cdef inline real scaled_tanh(real x, real alpha, real beta) noexcept nogil:
    cdef real z = beta * x, t = hyperbolic_tangent(z)
    cdef real z_low = product_error(beta, x, z) if absolute(z) < gate_limit() else ZERO
    cdef real y = fused(alpha, t, alpha * (z_low * (ONE - t * t)))
    # Where tanh z = z, alpha beta x is rounded once if it is subnormal.
    cdef real small = alpha * (beta * (x * raised())) * (ONE / raised())
    return small if absolute(z) < ONE / raised() else y

cdef inline real scaled_tanh_backward(real grad, real x, real alpha, real beta) noexcept nogil:
    cdef real a = beta * absolute(x)
    cdef bint closed = a + a > gate_limit()
    cdef real a_low = NEGATIVE_ZERO if closed else product_error(beta, absolute(x), a)
    cdef real v_raised = gate(-gate_limit() if closed else -(a + a), -(a_low + a_low))
    cdef real bell = v_raised * (ONE - v_raised * gate_scale())
    # gate_scale() comes last, but before a large factor.
    cdef real factor = alpha * beta * <real>4
    cdef bint large = factor > <real>1048576.0
    cdef real slope = factor * (gate_scale() if large else ONE) * bell * (ONE if large else gate_scale())
    return grad * (ZERO if a > gate_limit() else slope)     # for even the largest factor

cdef inline real scaled_tanh_backward_y(real grad, real y, real alpha, real beta) noexcept nogil:
    # Five roundings, of which the first three are made good.
    cdef real ratio = beta / alpha, ratio_low = fused(-ratio, alpha, beta) / alpha
    cdef real below = alpha - y, below_low = (alpha - below) - y
    cdef real above = alpha + y, above_low = (alpha - above) + y
    cdef real factor = fused(ratio, below, muladd(ratio_low, below, ratio * below_low))
    return grad * fused(factor, above, factor * above_low)


# softsign: x / (1 + |x|)
# |x| is kept below 2**100, where the quotient has long been 1, so that infinity gives 1 and not NaN.
# f' = 1 / (1 + |x|)**2, squared after the division because the square overflows where its inverse is still a number;
# from y it is (1 - |y|)**2.

cdef inline real softsign(real x) noexcept nogil:
    cdef real a = at_most(absolute(x), 1.2676506002282294e+30)
    return copy_sign(a / (ONE + a), x)

cdef inline real softsign_backward(real grad, real x) noexcept nogil:
    cdef real inverse = ONE / (ONE + absolute(x))
    return grad * (inverse * inverse)

cdef inline real softsign_backward_y(real grad, real y) noexcept nogil:
    cdef real root = ONE - absolute(y)
    return grad * (root * root)


# step: 1 for x > 0, alpha for x <= 0
# Its derivative is 0, also at 0.

cdef inline real step(real x, real alpha) noexcept nogil:
    cdef real left = alpha if x <= ZERO else x
    return ONE if x > ZERO else left

cdef inline real step_backward(real grad, real x, real alpha) noexcept nogil:
    return zero_or_nan(grad, x)
