"""Activations that shrink x towards zero: hard_shrink, soft_shrink, tanh_shrink.

Forward f(x) and backward grad * f'(x), from x and, where f can be undone, from y = f(x). All are odd: zeros keep the
sign of x.
"""
from real cimport (ONE, SINGLE, ZERO, absolute, at_least, copy_sign, fused, muladd, product_error, real, unordered,
                   zero_or_nan)
from vmath cimport horner2, horner4, one_and_exp_twice
from vmath cimport tanh as hyperbolic_tangent


# hard_shrink: x for |x| > lambd, 0 for |x| <= lambd

cdef inline real hard_shrink(real x, real lambd) noexcept nogil:
    cdef real y = copy_sign(ZERO, x) if absolute(x) <= lambd else x
    return x + lambd if unordered(x, lambd) else y

cdef inline real hard_shrink_backward(real grad, real x, real lambd) noexcept nogil:
    cdef real dx = grad if absolute(x) > lambd else zero_or_nan(grad, x)
    return x + lambd if unordered(x, lambd) else dx

cdef inline real hard_shrink_backward_y(real grad, real y, real lambd) noexcept nogil:
    return hard_shrink_backward(grad, y, ZERO)                     # y is 0 where |x| <= lambd, and nowhere else


# soft_shrink: sign(x) max(|x| - lambd, 0)

cdef inline real soft_shrink(real x, real lambd) noexcept nogil:
    return copy_sign(at_least(absolute(x) - lambd, ZERO), x)

cdef inline real soft_shrink_backward(real grad, real x, real lambd) noexcept nogil:
    return hard_shrink_backward(grad, x, lambd)

cdef inline real soft_shrink_backward_y(real grad, real y, real lambd) noexcept nogil:
    return hard_shrink_backward(grad, y, ZERO)


# tanh_shrink: x - tanh x
# Up to 1.05, where the difference cancels, it is x**3 q(x**2), and q = 1/3 + x**2 rest. Beyond, float32 adds 1 - tanh x
# to x - 1, which is exact until it is large. f' = tanh(x)**2.

cdef inline real tanh_shrink(real x) noexcept nogil:
    cdef real a = absolute(x), square = a * a, far, rest, third = 0.3333333333333333, third_low, q, q_low
    cdef real factor, factor_low
    if SINGLE:      # 2**-29.5
        rest = horner4(
            square, -0.13333329558372498, 0.0539671927690506, -0.021858932450413704, 0.008811024017632008, horner2(
            square, -0.003444633213803172, 0.0012012189254164696,
            muladd(square, 4.196827285340987e-05, -0.00031203185790218413)))
        third_low = -9.934107462565104e-09
        far = (a - ONE) + <real>2.0 / one_and_exp_twice(a)
    else:           # 2**-53.8
        rest = horner4(
            square, -0.13333333333332725, 0.053968253967695064, -0.021869488517929064, 0.008863235226258802, horner4(
            square, -0.0035921250034543525, 0.0014558145193473311, -0.0005899372249924548, 0.00023883465977376857,
            horner4(
            square, -9.620796422242208e-05, 3.800821636513904e-05, -1.4199094584743333e-05, 4.6855574760191455e-06,
            horner2(
            square, -1.2308869462621237e-06, 2.2007499297177423e-07, -1.948555075516161e-08))))
        third_low = 1.850371707708594e-17
        far = a - hyperbolic_tangent(a)
    q = muladd(square, rest, third)
    q_low = muladd(square, rest, (third - q) + third_low)
    # |x| (x**2 q): the product in brackets with its rounding errors, and never subnormal where the result is a number
    factor = square * q
    factor_low = muladd(product_error(a, a, square), q, muladd(square, q_low, product_error(square, q, factor)))
    return copy_sign(fused(a, factor, a * factor_low) if a <= <real>1.05 else far, x)

cdef inline real tanh_shrink_backward(real grad, real x) noexcept nogil:
    cdef real t = hyperbolic_tangent(x)
    return grad * (t * t)
