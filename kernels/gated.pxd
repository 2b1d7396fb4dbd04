"""Gated units, act(gate) * up: glu, reglu, swiglu, geglu, geglu_tanh.

Forward, and backward to both inputs: dgate = grad up act'(gate) and dup = grad act(gate). They are made of the
activation's own functions and products with one rounding each, which are those of IEEE 754: where act(gate) is 0 and up
infinite, there is no limit and the result is NaN.
"""
from loops cimport Pair
from real cimport ZERO, real, zero_or_nan
from rectifiers cimport relu_backward
from self_gated cimport gelu, gelu_backward, gelu_tanh, gelu_tanh_backward, silu, silu_backward
from sigmoids cimport sigmoid, sigmoid_backward


# glu: sigmoid(gate) up

cdef inline real glu(real gate, real up) noexcept nogil:
    return sigmoid(gate) * up

cdef inline Pair glu_backward(real grad, real gate, real up) noexcept nogil:
    return Pair(sigmoid_backward(grad * up, gate), grad * sigmoid(gate))


# reglu: relu(gate) up, which is gate up for gate > 0, else 0: there it is zero throughout, for an infinite up too.

cdef inline real reglu(real gate, real up) noexcept nogil:
    return gate * up if gate > ZERO else zero_or_nan(up, gate)

cdef inline Pair reglu_backward(real grad, real gate, real up) noexcept nogil:
    cdef real zero = zero_or_nan(grad, up)
    return Pair(relu_backward(grad * up if gate > ZERO else zero, gate), reglu(gate, grad))


# swiglu: silu(gate) up

cdef inline real swiglu(real gate, real up, real beta) noexcept nogil:
    return silu(gate, beta) * up

cdef inline Pair swiglu_backward(real grad, real gate, real up, real beta) noexcept nogil:
    return Pair(silu_backward(grad * up, gate, beta), grad * silu(gate, beta))


# geglu: gelu(gate) up

cdef inline real geglu(real gate, real up) noexcept nogil:
    return gelu(gate) * up

cdef inline Pair geglu_backward(real grad, real gate, real up) noexcept nogil:
    return Pair(gelu_backward(grad * up, gate), grad * gelu(gate))


# geglu_tanh: gelu_tanh(gate) up

cdef inline real geglu_tanh(real gate, real up) noexcept nogil:
    return gelu_tanh(gate) * up

cdef inline Pair geglu_tanh_backward(real grad, real gate, real up) noexcept nogil:
    return Pair(gelu_tanh_backward(grad * up, gate), grad * gelu_tanh(gate))
