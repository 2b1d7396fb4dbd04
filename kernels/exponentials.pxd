"""Activations made of one exponential: elu, selu, softplus, log_sigmoid, exponential.

Forward f(x) and backward grad * f'(x), from x and from y = f(x); f_grad_p is one element's share of the gradient with
respect to the parameter p.
"""
from real cimport (INFINITE, KNOWN_ONE, NEGATIVE_ZERO, ONE, SINGLE, ZERO, absolute, at_least, fused, muladd,
                   product_error, real, vanishing_with, zero_or_nan)
from vmath cimport (Sum, exp, exp_limit, exp_negative_raised, exp_negative_raised_sum, expm1_negative, log1p_unit,
                    log1p_unit_low, logistic, raised)


# elu: x for x > 0, alpha (e**x - 1) for x <= 0
# expm1, because e**x - 1 loses every digit near 0; from x alpha e**x, because y + alpha cancels for x << 0.

cdef inline real elu(real x, real alpha) noexcept nogil:
    return alpha * expm1_negative(-x).high if x < ZERO else x

cdef inline real elu_backward(real grad, real x, real alpha) noexcept nogil:
    cdef real t_raised = ZERO if -x > exp_limit() and not KNOWN_ONE(alpha) else exp_negative_raised(-x, NEGATIVE_ZERO)
    # The division by raised() comes last, but before a large alpha.
    cdef bint large = absolute(alpha) > <real>1048576.0
    cdef real slope = alpha * (ONE / raised() if large else ONE) * t_raised * (ONE if large else ONE / raised())
    cdef real left = vanishing_with(alpha, grad * slope, grad, x)
    return grad if x > ZERO else left

cdef inline real elu_backward_y(real grad, real y, real alpha) noexcept nogil:
    cdef real left = vanishing_with(alpha, grad * (y + alpha), grad, y)
    return grad if y > ZERO else left                              # y has x's sign: alpha >= 0

cdef inline double elu_grad_alpha(real grad, real x, real alpha) noexcept nogil:
    return <double>grad * <double>expm1_negative(-x).high if x < ZERO else <double>zero_or_nan(grad, x)


# selu: scale x for x > 0, scale alpha (e**x - 1) for x <= 0
# elu with a given alpha, times a scale, both such that layers keep mean 0 and variance 1. From y, where y + scale alpha
# cancels, the product's digits beyond its rounding count.

cdef inline real selu_scale() noexcept nogil:
    return <real>1.0507009873554805

cdef inline real selu_scale_alpha() noexcept nogil:
    return <real>1.7580993408473768

cdef inline real selu_scale_alpha_low() noexcept nogil:
    """What the rounding of scale alpha took."""
    return <real>2.3296717680252718e-08 if SINGLE else <real>1.41535193800845e-17

cdef inline real selu(real x) noexcept nogil:
    cdef Sum m = expm1_negative(-x)
    cdef real left = fused(selu_scale_alpha(), m.high, selu_scale_alpha_low() * m.high)
    return left if x < ZERO else selu_scale() * x

cdef inline real selu_backward(real grad, real x) noexcept nogil:
    cdef real left = selu_scale_alpha() * exp_negative_raised(-x, NEGATIVE_ZERO) * (ONE / raised())
    return grad * (selu_scale() if x > ZERO else left)

cdef inline real selu_backward_y(real grad, real y) noexcept nogil:
    cdef real left = (y + selu_scale_alpha()) + selu_scale_alpha_low()
    return grad * (selu_scale() if y > ZERO else left)


# softplus: log(1 + e**(beta x)) / beta
# max(x, 0) + log1p(e**-|z|) / beta with z = beta x neither overflows nor loses the tail on the left. f'(x) is
# 1 / (1 + e**-z); from y it is 1 - e**(-beta y), which expm1 gives without cancellation. With respect to beta the
# derivative is (x f'(x) - f(x)) / beta, which is the same for x and -x: there, for -|x|, nothing cancels.

cdef inline real softplus(real x, real beta) noexcept nogil:
    cdef real a = beta * absolute(x)
    cdef Sum t_raised = exp_negative_raised_sum(a, product_error(beta, absolute(x), a))
    cdef real t = t_raised.high * (ONE / raised()), y = log1p_unit(t)
    # What the roundings of t and of ln2 take: all of it for t near 1, where log1p' = 1/2, and else a part.
    cdef real y_low = muladd(t_raised.low, <real>0.5 / raised(), log1p_unit_low(t))
    # log1p(t) = t for small t, below 2**-60 say, which is divided by beta before it may become subnormal.
    cdef bint small = t < <real>8.673617379884035e-19 and not KNOWN_ONE(beta)
    cdef real tail = ZERO if a > exp_limit() else t_raised.high
    return (at_least(x, ZERO) + y_low / beta) + (tail if small else y) / beta * (ONE / raised() if small else ONE)

cdef inline real softplus_backward(real grad, real x, real beta) noexcept nogil:
    cdef real z = beta * x
    return grad * logistic(z, product_error(beta, x, z))

cdef inline real softplus_backward_y(real grad, real y, real beta) noexcept nogil:
    return grad * absolute(expm1_negative(beta * y).high)

cdef inline double softplus_grad_beta(real grad, real x, real beta) noexcept nogil:
    cdef real left = -absolute(x)
    cdef real size = (left * softplus_backward(ONE, left, beta) if left > -INFINITE else ZERO) - softplus(left, beta)
    return <double>grad * <double>(size / beta)


# log_sigmoid: log(1 / (1 + e**-x)), which is -softplus(-x)
# From y it is 1 - e**y.

cdef inline real log_sigmoid(real x) noexcept nogil:
    return -softplus(-x, ONE)

cdef inline real log_sigmoid_backward(real grad, real x) noexcept nogil:
    return softplus_backward(grad, -x, ONE)

cdef inline real log_sigmoid_backward_y(real grad, real y) noexcept nogil:
    return softplus_backward_y(grad, -y, ONE)


# exponential: e**x, its own derivative

cdef inline real exponential(real x) noexcept nogil:
    return exp(x)

cdef inline real exponential_backward(real grad, real x) noexcept nogil:
    return grad * exp(x)

cdef inline real exponential_backward_y(real grad, real y) noexcept nogil:
    return grad * y
