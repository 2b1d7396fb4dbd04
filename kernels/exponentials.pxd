"""Activations made of one exponential, and squareplus, a softplus without: elu, selu, celu, softplus, log_sigmoid,
squareplus, exponential, xielu.

Forward f(x) and backward grad * f'(x), from x and from y = f(x); f_grad_p is one element's share of the gradient with
respect to the parameter p.
"""
from real cimport (EXACT, INFINITE, KNOWN_ONE, LARGEST, NEGATIVE_ZERO, ONE, SINGLE, ZERO, absolute, at_least, at_most,
                   fused, muladd, product_error, real, square_root, vanishing_with, zero_or_nan)
from vmath cimport (Sum, corrected_quotient, exp, exp_limit, exp_negative_raised, expm1_curve, expm1_negative,
                    log1p_unit, logistic, raised, two_difference, two_sum)


# elu: x for x > 0, alpha (e**x - 1) for x <= 0
# expm1, because e**x - 1 loses every digit near 0; from x alpha e**x, because y + alpha cancels for x << 0.

cdef inline real elu(real x, real alpha) noexcept nogil:
    cdef real left = alpha * expm1_negative(-x, NEGATIVE_ZERO).high
    return left if x < ZERO else x

cdef inline real elu_backward(real grad, real x, real alpha) noexcept nogil:
    cdef real t_raised = ZERO if -x > exp_limit() and not KNOWN_ONE(alpha) else exp_negative_raised(-x, NEGATIVE_ZERO)
    # The division by raised() comes last, but before a large alpha.
    cdef bint large = absolute(alpha) > <real>1048576.0
    cdef real slope = alpha * (ONE / raised() if large else ONE) * t_raised * (ONE if large else ONE / raised())
    cdef real left = grad * slope if KNOWN_ONE(alpha) else vanishing_with(alpha, grad * slope, grad, x)
    return grad if x > ZERO else left

cdef inline real elu_backward_y(real grad, real y, real alpha) noexcept nogil:
    cdef real left = vanishing_with(alpha, grad * (y + alpha), grad, y)
    return grad if y > ZERO else left                              # y has x's sign: alpha >= 0

cdef inline double elu_grad_alpha(real grad, real x, real alpha) noexcept nogil:
    return <double>grad * <double>expm1_negative(-x, NEGATIVE_ZERO).high if x < ZERO else <double>zero_or_nan(grad, x)


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
    cdef Sum m = expm1_negative(-x, NEGATIVE_ZERO)
    cdef real left = fused(selu_scale_alpha(), m.high, selu_scale_alpha_low() * m.high)
    return left if x < ZERO else selu_scale() * x

cdef inline real selu_backward(real grad, real x) noexcept nogil:
    cdef real left = selu_scale_alpha() * exp_negative_raised(-x, NEGATIVE_ZERO) * (ONE / raised())
    return grad * (selu_scale() if x > ZERO else left)

cdef inline real selu_backward_y(real grad, real y) noexcept nogil:
    cdef real left = (y + selu_scale_alpha()) + selu_scale_alpha_low()
    return grad * (selu_scale() if y > ZERO else left)


# celu: x for x > 0, alpha (e**(x / alpha) - 1) for x <= 0
# elu with a derivative that does not jump, e**(x / alpha), for which the rounding error of the quotient counts. From y,
# f' = 1 + y / alpha is (y + alpha) / alpha, whose sum is exact near its zero. With respect to alpha the derivative is
# (1 + a) e**-a - 1 with a = -x / alpha, or, with e**-a = 1 - a + a**2 q, a**2 ((1 + a) q - 1), where nothing is lost.

cdef inline Sum negative_quotient(real x, real alpha) noexcept nogil:
    """-x / alpha, with its rounding error while it is not too large for an exponential."""
    cdef Sum a
    a.high = -x / alpha
    a.low = NEGATIVE_ZERO if KNOWN_ONE(alpha) or a.high > exp_limit() else -fused(a.high, alpha, x) / alpha
    return a

cdef inline real celu(real x, real alpha) noexcept nogil:
    cdef Sum a = negative_quotient(x, alpha), m = expm1_negative(a.high, a.low)
    cdef real left = fused(alpha, m.high, alpha * m.low)
    # expm1(z) = z for small z, which may be subnormal: alpha z is x.
    cdef bint small = a.high < <real>(3.7252902984619141e-09 if SINGLE else 1.3877787807814457e-17)
    left = x if small and not KNOWN_ONE(alpha) else left
    return left if x < ZERO else x

cdef inline real celu_backward(real grad, real x, real alpha) noexcept nogil:
    cdef Sum a = negative_quotient(x, alpha)
    cdef real left = exp_negative_raised(a.high, a.low) * (ONE / raised())
    return grad if x > ZERO else grad * left

cdef inline real celu_backward_y(real grad, real y, real alpha) noexcept nogil:
    return grad if y > ZERO else grad * ((y + alpha) / alpha)

cdef inline double celu_grad_alpha(real grad, real x, real alpha) noexcept nogil:
    cdef real a = at_most(-x / alpha, exp_limit()), q = expm1_curve(a)      # beyond, it is -1
    cdef real near = a * a * (muladd(a, q, q - <real>0.5) - <real>0.5)
    cdef real far = muladd(ONE + a, exp_negative_raised(a, NEGATIVE_ZERO) * (ONE / raised()), -ONE)
    cdef real share = near if a <= ONE else far
    return <double>grad * <double>share if x < ZERO else <double>zero_or_nan(grad, x)


# softplus: log(1 + e**(beta x)) / beta
# max(x, 0) + log1p(e**-|z|) / beta with z = beta x neither overflows nor loses the tail on the left. f'(x) is
# 1 / (1 + e**-z); from y it is 1 - e**(-beta y), which expm1 gives without cancellation. With respect to beta the
# derivative is (x f'(x) - f(x)) / beta, which is the same for x and -x: there, for -|x|, nothing cancels.

cdef inline real softplus(real x, real beta) noexcept nogil:
    cdef real a = beta * absolute(x)
    cdef real t_raised = exp_negative_raised(a, product_error(beta, absolute(x), a)), t = t_raised * (ONE / raised())
    cdef Sum y = log1p_unit(t)      # for x > 0 there is a sum to come, which adds its own rounding: low counts
    # log1p(t) = t for small t, which is divided by beta before it may become subnormal.
    cdef bint small = t_raised < ONE and not KNOWN_ONE(beta)
    cdef real tail = ZERO if a > exp_limit() else t_raised
    return (at_least(x, ZERO) + y.low / beta) + (tail if small else y.high) / beta * (
        ONE / raised() if small else ONE)

cdef inline real softplus_backward(real grad, real x, real beta) noexcept nogil:
    cdef real z = beta * x
    return grad * logistic(z, product_error(beta, x, z))

cdef inline real softplus_backward_y(real grad, real y, real beta) noexcept nogil:
    return grad * absolute(expm1_negative(beta * y, NEGATIVE_ZERO).high)

cdef inline double softplus_grad_beta(real grad, real x, real beta) noexcept nogil:
    cdef real left = -absolute(x)
    cdef real size = (left * softplus_backward(ONE, left, beta) if left > -INFINITE else ZERO) - softplus(left, beta)
    return <double>grad * <double>(size / beta)


# log_sigmoid: log(1 / (1 + e**-x)), which is -softplus(-x)
# -0 for large x. From y it is 1 - e**y.

cdef inline real log_sigmoid(real x) noexcept nogil:
    cdef Sum y = log1p_unit(exp_negative_raised(absolute(x), NEGATIVE_ZERO) * (ONE / raised()))
    return (at_most(x, NEGATIVE_ZERO) - y.low) - y.high

cdef inline real log_sigmoid_backward(real grad, real x) noexcept nogil:
    return softplus_backward(grad, -x, ONE)

cdef inline real log_sigmoid_backward_y(real grad, real y) noexcept nogil:
    return softplus_backward_y(grad, -y, ONE)


# squareplus: (x + sqrt(x**2 + b)) / 2
# With s = sqrt(x**2 + b) and h = (s + |x|) / 2 it is h for x >= 0, and b / 4 / h for x < 0, where the sum would cancel.
# f' is b / 4 / (h s) for x < 0, and as much short of 1 for x >= 0. From y it is y**2 / (y**2 + b / 4), which without
# the squares is y / (y + b / 4 / y).

cdef inline real squareplus_scale() noexcept nogil:
    """2**80, in float64 2**600"""
    return <real>1.2089258196146292e+24 if SINGLE else <real>4.149515568880993e+180

cdef struct Squareplus:
    real root           # s
    real right          # f(|x|)
    real left           # f(-|x|)

cdef inline Squareplus squareplus_parts(real x, real b) noexcept nogil:
    cdef Squareplus f
    cdef real a = absolute(x)
    # Where the square might overflow, a is scaled by a power of two.
    cdef bint large = a > <real>(1099511627776.0 if SINGLE else 2.037035976334486e+90)
    cdef real up = squareplus_scale(), down = ONE / up
    cdef real scaled = a * down if large else a, half = up * <real>0.5 if large else <real>0.5
    cdef real square = fused(scaled, scaled, b * down * down if large else b), root = square_root(square)
    cdef real root_low = fused(-root, root, square) * (<real>0.5 / root)
    cdef real sum = root + scaled, sum_low = root_low + (scaled - (sum - root))
    f.root = root * (half + half)
    f.right = sum * half
    f.left = corrected_quotient(b * <real>0.25, NEGATIVE_ZERO, f.right, sum_low * half)
    f.left = ZERO if a > LARGEST else f.left
    return f

cdef inline real squareplus(real x, real b) noexcept nogil:
    cdef Squareplus f = squareplus_parts(x, b)
    return f.left if x < ZERO else f.right

cdef inline real squareplus_backward(real grad, real x, real b) noexcept nogil:
    cdef Squareplus f = squareplus_parts(x, b)
    cdef real left = f.left / f.root
    return grad * (left if x < ZERO else ONE - left)

cdef inline real squareplus_backward_y(real grad, real y, real b) noexcept nogil:
    cdef real bounded = at_most(y, squareplus_scale()), quotient = b * <real>0.25 / bounded     # f' = 1 beyond
    cdef Sum sum = two_sum(bounded, quotient)
    cdef real slope = corrected_quotient(bounded, NEGATIVE_ZERO, sum.high, sum.low)
    return grad * (ZERO if absolute(quotient) > LARGEST else slope)


# exponential: e**x, its own derivative

cdef inline real exponential(real x) noexcept nogil:
    return exp(x)

cdef inline real exponential_backward(real grad, real x) noexcept nogil:
    return grad * exp(x)

cdef inline real exponential_backward_y(real grad, real y) noexcept nogil:
    return grad * y


# xielu: alpha_p x**2 + beta x for x > 0, alpha_n (expm1(min(x, eps)) - x) + beta x for x <= 0
# The integral of a shifted elu. expm1(x) - x is x**2 / 2 for small x, so that beta x keeps its digits. eps only matters
# next to 0, and f' is that of eps = 0: 2 alpha_p x + beta, alpha_n expm1(x) + beta. Both forward and backward have a
# zero on the left, where terms cancel that are as large as beta x and beta.
# Far on the left it is (beta - alpha_n) x - alpha_n, which does not overflow early. An infinite x is left out where it
# would be multiplied by 0.

cdef inline Sum xielu_curve(real x, real eps) noexcept nogil:
    """expm1(min(x, eps)) - x for x <= 0."""
    cdef real a = -at_most(x, eps)
    cdef Sum m = expm1_negative(a, NEGATIVE_ZERO), y = two_difference(m.high, x)
    cdef bint small = (a <= ONE) & (x <= eps)      # no branch
    y.high = a * a * expm1_curve(a) if small else y.high
    y.low = ZERO if small else y.low + m.low
    return y

cdef inline real xielu(real x, real alpha_p, real alpha_n, real beta, real eps) noexcept nogil:
    cdef real right = x * fused(alpha_p, at_most(x, LARGEST if alpha_p == ZERO else INFINITE), beta)
    cdef Sum curve = xielu_curve(x, eps)
    cdef real left = fused(alpha_n, curve.high, fused(beta, x, alpha_n * curve.low)), difference = beta - alpha_n
    cdef real far = muladd(difference, at_least(x, -LARGEST if difference == ZERO else -INFINITE), -alpha_n)
    left = far if x < <real>-64 else left
    return right if x > ZERO else left

cdef inline real xielu_backward(real grad, real x, real alpha_p, real alpha_n, real beta, real eps) noexcept nogil:
    cdef real right = fused(alpha_p + alpha_p, at_most(x, LARGEST if alpha_p == ZERO else INFINITE), beta)
    cdef Sum curve = expm1_negative(-x, NEGATIVE_ZERO)
    cdef real left = fused(alpha_n, curve.high, beta)
    if EXACT:       # next to the zero even float64's rounding of expm1 shows: 0.52 ULP at one of all float32 numbers
        left = muladd(alpha_n, curve.low, left) if absolute(left) < ONE else left
    return grad * (right if x > ZERO else left)

cdef inline double xielu_grad_alpha_p(real grad, real x, real alpha_p, real alpha_n, real beta,
                                      real eps) noexcept nogil:
    return <double>grad * <double>x * <double>x if x > ZERO else <double>zero_or_nan(grad, x)

cdef inline double xielu_grad_alpha_n(real grad, real x, real alpha_p, real alpha_n, real beta,
                                      real eps) noexcept nogil:
    cdef Sum curve = xielu_curve(x, eps)
    cdef double share = <double>curve.high + (<double>curve.low if x >= -LARGEST else 0)
    return <double>zero_or_nan(grad, x) if x > ZERO else <double>grad * share
