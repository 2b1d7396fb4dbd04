"""Piecewise polynomial activations: identity, relu, leaky_relu, prelu, relu6, relu2, threshold, hard_tanh,
hard_sigmoid, hard_swish, sparse_plus, sparse_sigmoid.

An activation is a forward function f(x) and a backward, grad * f'(x), from x and, where f can be undone, from
y = f(x); f_grad_p is one element's share of the gradient with respect to the parameter p. Where nothing is said of the
error, there is but one rounding. At a kink the derivative is that of the flatter side (hard_swish at 3: of the right
one): relu'(0) = 0, leaky_relu'(0) = negative_slope.
"""
from real cimport (INFINITE, LARGEST, ONE, SINGLE, ZERO, at_least, at_most, fused, muladd, parameter, real, square_root,
                   unordered, vanishing_with, zero_or_nan)


# identity: x

cdef inline real identity(real x) noexcept nogil:
    return x

cdef inline real identity_backward(real grad, real x) noexcept nogil:
    return x if x != x else grad

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
    cdef real left = negative_slope * at_least(x, lowest)
    return left if x < ZERO else x

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


# relu6: min(max(x, 0), 6)

cdef inline real relu6(real x) noexcept nogil:
    return at_most(at_least(x, ZERO), 6)

cdef inline real relu6_backward(real grad, real x) noexcept nogil:
    return grad if (x > ZERO) & (x < <real>6) else zero_or_nan(grad, x)

cdef inline real relu6_backward_y(real grad, real y) noexcept nogil:
    return relu6_backward(grad, y)


# relu2: max(x, 0)**2
# f' = 2 x for x > 0, which is 2 sqrt(y).

cdef inline real relu2(real x) noexcept nogil:
    cdef real positive = at_least(x, ZERO)
    return positive * positive

cdef inline real relu2_backward(real grad, real x) noexcept nogil:
    return grad * (x + x) if x > ZERO else zero_or_nan(grad, x)

cdef inline real relu2_backward_y(real grad, real y) noexcept nogil:
    cdef real root = square_root(y)
    return grad * (root + root) if y > ZERO else zero_or_nan(grad, y)


# threshold: x for x > threshold, value for x <= threshold

cdef inline real threshold(real x, real threshold, real value) noexcept nogil:
    cdef real y = x if x > threshold else value
    return x + threshold if unordered(x, threshold) else y

cdef inline real threshold_backward(real grad, real x, real threshold, real value) noexcept nogil:
    cdef real dx = grad if x > threshold else zero_or_nan(grad, x)
    return x + threshold if unordered(x, threshold) else dx


# hard_tanh: min(max(x, min_val), max_val)

cdef inline real hard_tanh(real x, real min_val, real max_val) noexcept nogil:
    cdef real y = at_most(at_least(x, min_val), max_val)
    return min_val + max_val if unordered(min_val, max_val) else y

cdef inline real hard_tanh_backward(real grad, real x, real min_val, real max_val) noexcept nogil:
    cdef real dx = grad if (x > min_val) & (x < max_val) else zero_or_nan(grad, x)
    return min_val + max_val if unordered(min_val, max_val) else dx

cdef inline real hard_tanh_backward_y(real grad, real y, real min_val, real max_val) noexcept nogil:
    return hard_tanh_backward(grad, y, min_val, max_val)


# hard_sigmoid: min(max(slope x + offset, 0), 1)
# As slope (x + c) with c = offset / slope, rounded, which is 3 or 2.5 for the usual slopes of 1/6 and 0.2: the sum is
# exact near its zero, at -c. Two roundings, 1.5 ULP. The ends are rounded to the type of the parameters in every build.

cdef inline real hard_sigmoid_low(real slope, real offset) noexcept nogil:
    return -<real><parameter>(offset / slope)

cdef inline real hard_sigmoid_high(real slope, real offset) noexcept nogil:
    return <real><parameter>(<real><parameter>(ONE - offset) / slope)

cdef inline real hard_sigmoid(real x, real slope, real offset) noexcept nogil:
    cdef real low = hard_sigmoid_low(slope, offset), y = at_most(slope * (x - low), ONE)
    return ZERO if x <= low else (ONE if x >= hard_sigmoid_high(slope, offset) else y)

cdef inline real hard_sigmoid_backward(real grad, real x, real slope, real offset) noexcept nogil:
    cdef bint flat = (x <= hard_sigmoid_low(slope, offset)) | (x >= hard_sigmoid_high(slope, offset))
    return zero_or_nan(grad, x) if flat else grad * (x + offset if unordered(x, offset) else slope)

cdef inline real hard_sigmoid_backward_y(real grad, real y, real slope, real offset) noexcept nogil:
    return grad * slope if (y > ZERO) & (y < ONE) else zero_or_nan(grad, y)


# hard_swish: x min(max(x + 3, 0), 6) / 6: 0 for x <= -3, x for x >= 3
# The gate is made of x between -3 and 3, with the rounding errors of x + 3 and of 1/6, so that only its own and the
# product's are left: 1.5 ULP. x is kept from -inf, which the gate's 0 would make NaN.
# In between f' = (x + 1.5) / 3, where nothing cancels: the sum is exact near its zero. 1.34 ULP.

cdef inline real hard_swish(real x) noexcept nogil:
    cdef real sixth = 0.16666666666666666, sixth_low = -4.967053731282552e-09 if SINGLE else 9.251858538542972e-18
    cdef real factor = at_least(x, -3), inside = at_most(factor, 3)
    cdef real sum = inside + <real>3, sum_low = inside - (sum - <real>3)
    return factor * fused(sum, sixth, muladd(sum_low, sixth, sum * sixth_low))

cdef inline real hard_swish_backward(real grad, real x) noexcept nogil:
    cdef real slope = ONE if x >= <real>3 else (x + <real>1.5) * <real>0.3333333333333333
    return zero_or_nan(grad, x) if x <= <real>-3 else grad * slope


# sparse_plus: 0 for x <= -1, (x + 1)**2 / 4 for -1 < x < 1, x for x >= 1
# With h = (x + 1) / 2 and its rounding error e, which the square would double, h**2 + 2 e h is rounded once.
# f' = h in between, which is sqrt(y).

cdef inline real sparse_plus(real x) noexcept nogil:
    cdef real sum = x + ONE, sum_low = x - (sum - ONE), h = sum * <real>0.5
    cdef real positive = x if x >= ONE else fused(h, h, h * sum_low)
    return ZERO if x <= -ONE else positive

cdef inline real sparse_plus_backward(real grad, real x) noexcept nogil:
    cdef real slope = ONE if x >= ONE else (x + ONE) * <real>0.5
    return zero_or_nan(grad, x) if x <= -ONE else grad * slope

cdef inline real sparse_plus_backward_y(real grad, real y) noexcept nogil:
    return grad * at_most(square_root(y), ONE) if y > ZERO else zero_or_nan(grad, y)


# sparse_sigmoid: min(max(x + 1, 0), 2) / 2, the derivative of sparse_plus

cdef inline real sparse_sigmoid(real x) noexcept nogil:
    return at_most(at_least(x + ONE, ZERO), 2) * <real>0.5

cdef inline real sparse_sigmoid_backward(real grad, real x) noexcept nogil:
    return grad * <real>0.5 if (x > -ONE) & (x < ONE) else zero_or_nan(grad, x)
