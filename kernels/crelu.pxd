"""crelu: relu(x) and then relu(-x) along the middle axis of an (outer, n, inner) array, whose length doubles.

Exact. In an outer index the n * inner elements of each half are contiguous. One of the two slopes is 0 throughout, so
the gradients are added without rounding, and a NaN in either shows.
"""
from loops cimport Pair, map, single
from real cimport parameter, real, storage
from rectifiers cimport relu, relu_backward
from table cimport pyacts_kernel


cdef inline Pair both(real x, real b, real c, real d, const parameter *const *params, size_t i) noexcept nogil:
    return Pair(relu(x), relu(-x))

cdef inline Pair from_x(real grad, real other_grad, real x, real d, const parameter *const *params,
                        size_t i) noexcept nogil:
    return single(relu_backward(grad, x) - relu_backward(other_grad, -x))

cdef inline Pair from_y(real grad, real other_grad, real y, real other_y, const parameter *const *params,
                        size_t i) noexcept nogil:
    return single(relu_backward(grad, y) - relu_backward(other_grad, other_y))


# The kernels of a row.

cdef inline void row_forward(size_t n, const void *const *inputs, void *const *outputs,
                             const double *params) noexcept nogil:
    map(both, <pyacts_kernel>row_forward, 1, 2, False, n, inputs, outputs, NULL, NULL, 0, 0)

cdef inline void row_backward(size_t n, const void *const *inputs, void *const *outputs,
                              const double *params) noexcept nogil:
    map(from_x, <pyacts_kernel>row_backward, 3, 1, False, n, inputs, outputs, NULL, NULL, 0, 0)

cdef inline void row_backward_y(size_t n, const void *const *inputs, void *const *outputs,
                                const double *params) noexcept nogil:
    map(from_y, <pyacts_kernel>row_backward_y, 4, 1, False, n, inputs, outputs, NULL, NULL, 0, 0)


cdef inline void crelu(size_t outer, size_t n, size_t inner, const storage *x, storage *y) noexcept nogil:
    cdef size_t length = n * inner, row
    cdef const void *inputs[1]
    cdef void *outputs[2]
    for row in range(outer):
        inputs[0] = x + row * length
        outputs[0] = y + 2 * row * length
        outputs[1] = y + (2 * row + 1) * length
        row_forward(length, inputs, outputs, NULL)


cdef inline void crelu_backward(size_t outer, size_t n, size_t inner, const storage *grad, const storage *x,
                                storage *dx) noexcept nogil:
    cdef size_t length = n * inner, row
    cdef const void *inputs[3]
    cdef void *outputs[1]
    for row in range(outer):
        inputs[0] = grad + 2 * row * length
        inputs[1] = grad + (2 * row + 1) * length
        inputs[2] = x + row * length
        outputs[0] = dx + row * length
        row_backward(length, inputs, outputs, NULL)


cdef inline void crelu_backward_y(size_t outer, size_t n, size_t inner, const storage *grad, const storage *y,
                                  storage *dx) noexcept nogil:
    cdef size_t length = n * inner, row
    cdef const void *inputs[4]
    cdef void *outputs[1]
    for row in range(outer):
        inputs[0] = grad + 2 * row * length
        inputs[1] = grad + (2 * row + 1) * length
        inputs[2] = y + 2 * row * length
        inputs[3] = y + (2 * row + 1) * length
        outputs[0] = dx + row * length
        row_backward_y(length, inputs, outputs, NULL)
