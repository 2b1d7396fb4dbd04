"""Activations that multiply x by a gate made of x: silu.

Not monotone, so backward is from x only: two values of x give the same y.
"""
from real cimport (KNOWN_ONE, NEGATIVE_ZERO, ONE, ZERO, absolute, copy_sign, fused, product_error, real, unordered,
                   zero_or_nan)
from vmath cimport gate, gate_limit, gate_open, gate_scale


# silu (swish): x sigmoid(beta x)
# With z = beta x, v = sigmoid(-|z|) and h = v (1 - |z| (1 - v)): f'(x) = h for z < 0, 1 - h for z >= 0. h has a zero
# at |z| = 1.2784645..., where its terms cancel: there the error is relative to v.
# Where the gate is 1 the result is x; where it has underflowed, x's sign is all that is left of x. An infinite x with
# beta = 0 makes z NaN: any gate but zero then gives the limit, and the slope is that at 0.

cdef inline real silu(real x, real beta) noexcept nogil:
    cdef real z = beta * x
    cdef bint usual = z >= -gate_limit()
    cdef real z_low = product_error(beta, x, z) if usual else NEGATIVE_ZERO
    cdef real factor = copy_sign(ZERO, x) if z < -gate_limit() else x
    # gate_scale() comes last, but before a large x: with a beta of 1 that finds the gate open or shut in any case.
    cdef bint large = absolute(x) > <real>1048576.0 and not KNOWN_ONE(beta)
    cdef real first = gate_scale() if large else ONE, last = ONE if large else gate_scale()
    cdef real y = factor * first * gate(z if usual else -gate_limit(), z_low) * last
    y = x if z > gate_open() else y
    return y if beta == beta else beta

cdef inline real silu_backward(real grad, real x, real beta) noexcept nogil:
    cdef real size = absolute(beta), a = size * absolute(x)
    cdef bint usual = a < gate_limit()
    cdef real a_low = product_error(size, absolute(x), a) if usual else NEGATIVE_ZERO
    a = a if usual else (gate_limit() if a == a else ZERO)
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
