"""Activations that saturate on both sides: sigmoid, tanh, softsign.

Forward f(x) and backward grad * f'(x), from x and from y = f(x). From x the small derivatives of the tails keep their
digits; from y they are as good as y lets them be, for 1 - y has lost what y's rounding took.
"""
from real cimport NEGATIVE_ZERO, ONE, absolute, at_most, copy_sign, real
from vmath cimport logistic, logistic_slope
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
