"""Activations that multiply x by a gate made of x: silu.

Not monotone, so backward is from x only: two values of x give the same y.
"""
from real cimport LARGEST, ONE, ZERO, absolute, at_least, at_most, copy_sign, muladd, product_error, real
from vmath cimport Decay, Scaled, decay, exp_limit, logistic


# silu (swish): x sigmoid(beta x)
# With z = beta x, a = |z|, t = e**-a and h = t (1 - a + t) / (1 + t)**2: f'(x) = h for z < 0, 1 - h for z >= 0.
# h has a zero at a = 1.2784645..., where 1 - a + t cancels: there the error is relative to the larger of the terms.
# x is kept finite in z, for beta may be 0; where the gate has underflowed, x's sign is all that is left of x.

cdef inline real silu(real x, real beta) noexcept nogil:
    cdef real finite = at_most(at_least(x, -LARGEST), LARGEST)
    cdef real z = beta * finite
    cdef Scaled gate = logistic(z, product_error(beta, finite, z))
    return (copy_sign(ZERO, x) if z < -exp_limit() else x) * gate.value * gate.scale

cdef inline real silu_backward(real grad, real x, real beta) noexcept nogil:
    cdef real z = beta * at_most(at_least(x, -LARGEST), LARGEST)
    cdef real a = at_most(absolute(z), exp_limit())
    cdef Decay e = decay(a, ZERO)
    cdef real t = muladd(e.scale, e.fraction, e.scale)
    cdef real inverse = ONE / muladd(t, e.rescale, ONE)
    cdef real h = (t * inverse) * (((ONE - a) + t * e.rescale) * inverse) * e.rescale
    return grad * (h if z < ZERO else ONE - h)
