"""Activations that multiply x by a gate made of x: silu.

Not monotone, so backward is from x only: two values of x give the same y.
"""
from real cimport ONE, ZERO, absolute, at_most, copy_sign, muladd, product_error, real
from vmath cimport exp_limit, gate, gate_scale


# silu (swish): x sigmoid(beta x)
# With z = beta x, v = sigmoid(-|z|) and h = v (1 - |z| (1 - v)): f'(x) = h for z < 0, 1 - h for z >= 0. h has a zero
# at |z| = 1.2784645..., where its terms cancel: there the error is relative to the larger of the two.
# Where the gate is 1 the result is x; where it has underflowed, x's sign is all that is left of x. An infinite x with
# beta = 0 makes z NaN, and the gate any number that is not zero (forward) or that of 0 (backward).

cdef inline real silu(real x, real beta) noexcept nogil:
    cdef real z = beta * x
    cdef bint usual = z >= -exp_limit()
    cdef real z_low = product_error(beta, x, z) if usual else ZERO
    cdef real factor = copy_sign(ZERO, x) if z < -exp_limit() else x
    cdef real y = factor * gate(z if usual else -exp_limit(), z_low) * gate_scale()
    return x if z > <real>40 else y

cdef inline real silu_backward(real grad, real x, real beta) noexcept nogil:
    cdef real product = beta * x
    cdef real z = product if product == product else ZERO
    cdef real a = at_most(absolute(z), exp_limit())
    cdef real z_low = product_error(beta, x, z) if a < exp_limit() else ZERO
    cdef real v = gate(-a, z_low if z < ZERO else -z_low)
    cdef real h = muladd(-a, ONE - v * gate_scale(), ONE) * v * gate_scale()
    h = h if x == x else x
    return grad * (h if z < ZERO else ONE - h)
