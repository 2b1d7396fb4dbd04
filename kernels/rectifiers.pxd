"""Piecewise linear activations: identity, relu, leaky_relu, prelu.

An activation is a forward function f(x) and a backward, grad * f'(x), from x and, where f can be undone, from
y = f(x); f_grad_p is one element's share of the gradient with respect to the parameter p. All are exact but for the
rounding of one product. At the kink the derivative is the left one: relu'(0) = 0, leaky_relu'(0) = negative_slope.
"""
from real cimport INFINITE, LARGEST, ZERO, at_least, real, unordered, vanishing_with, zero_or_nan


# identity: x

cdef inline real identity(real x) noexcept nogil:
    return x

cdef inline real identity_backward(real grad, real x) noexcept nogil:
    return grad + x if unordered(grad, x) else grad

cdef inline real identity_backward_y(real grad, real y) noexcept nogil:
    return identity_backward(grad, y)


# relu: max(x, 0)
# As a comparison that is false for NaN and for -0.0 it lets both pass, and it is one vector instruction.

cdef inline real relu(real x) noexcept nogil:
    return at_least(x, ZERO)

cdef inline real relu_backward(real grad, real x) noexcept nogil:
    return grad if x > ZERO else zero_or_nan(grad, x)

cdef inline real relu_backward_y(real grad, real y) noexcept nogil:
    return relu_backward(grad, y)


# leaky_relu: x for x > 0, negative_slope * x for x <= 0
# With a slope of 0 -inf must not become NaN, and the derivative on the left is zero throughout.

cdef inline real leaky_relu(real x, real negative_slope) noexcept nogil:
    cdef real lowest = -LARGEST if negative_slope == ZERO else -INFINITE
    return negative_slope * at_least(x, lowest) if x < ZERO else x

cdef inline real leaky_relu_backward(real grad, real x, real negative_slope) noexcept nogil:
    cdef real left = vanishing_with(negative_slope, negative_slope * grad, grad, x)
    return grad if x > ZERO else left

cdef inline real leaky_relu_backward_y(real grad, real y, real negative_slope) noexcept nogil:
    return leaky_relu_backward(grad, y, negative_slope)         # y has x's sign: negative_slope >= 0

cdef inline double leaky_relu_grad_negative_slope(real grad, real x, real negative_slope) noexcept nogil:
    cdef bint counts = (x < ZERO) | unordered(grad, x)      # masks one product, where two results would be blended
    return <double>(grad if counts else ZERO) * <double>(x if counts else ZERO)


# prelu: leaky_relu whose slope, the weight, is learned

cdef inline real prelu(real x, real weight) noexcept nogil:
    return leaky_relu(x, weight)

cdef inline real prelu_backward(real grad, real x, real weight) noexcept nogil:
    return leaky_relu_backward(grad, x, weight)

cdef inline real prelu_backward_y(real grad, real y, real weight) noexcept nogil:
    return leaky_relu_backward(grad, y, weight)

cdef inline double prelu_grad_weight(real grad, real x, real weight) noexcept nogil:
    return leaky_relu_grad_negative_slope(grad, x, weight)
