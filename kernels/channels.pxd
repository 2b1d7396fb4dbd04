"""Activations with a parameter per channel, on (outer, channels, inner) arrays, and gradients of parameters."""
from libc.string cimport memcpy
from loops cimport Function, map_arrays, map_scalars
from real cimport ZERO, as_real, packed_real, parameter, real, storage
from table cimport MOST_PARAMS
from sums cimport CHUNK, LANES, TILE, Total, added, clear, fold, value_of


cdef inline void map_channels(Function f, int n_inputs, size_t outer, size_t channels, size_t inner, const storage *a,
                              const storage *b, const parameter *param, storage *out) noexcept nogil:
    """out = f(a) or f(a, b), every channel with its own parameter."""
    cdef const void *inputs[3]
    cdef void *outputs[1]
    cdef size_t row, rows = outer * channels, length = inner
    cdef double value
    if inner == 1:
        rows, length = outer, channels
    for row in range(rows if inner > 0 else 0):
        inputs[0] = a + row * length
        inputs[1] = b + row * length
        outputs[0] = out + row * length
        if inner == 1:
            inputs[n_inputs] = param
            map_arrays(f, n_inputs, 1, length, inputs, outputs, 1)
        else:
            value = <double>param[row % channels]
            map_scalars(f, n_inputs, 1, length, inputs, outputs, &value, 1)


# One element's share of the gradient with respect to a parameter; params[k][c] is parameter k of its channel.
ctypedef double (*Share)(real grad, real x, const parameter *const *params, size_t c) noexcept nogil


cdef inline void add_shares(Share share, const storage *grad, const storage *x, const parameter *const *params,
                            size_t c, double *lanes) noexcept nogil:
    cdef real grad_buffer[LANES]
    cdef real x_buffer[LANES]
    cdef const packed_real *real_grad = as_real(LANES, grad, grad_buffer)
    cdef const packed_real *real_x = as_real(LANES, x, x_buffer)
    cdef size_t i
    for i in range(LANES):
        lanes[i] += share(real_grad[i], real_x[i], params, c)


cdef inline double sum_rows(Share share, size_t outer, size_t stride, size_t inner, const storage *grad,
                            const storage *x, const parameter *const *params, size_t c) noexcept nogil:
    """The sum over `outer` rows of `inner` elements, row k starting at k * stride; lanes run along a row."""
    cdef double lanes[LANES]
    cdef double spare[LANES]
    cdef storage last[2][LANES]
    cdef Total total = Total(0, 0)
    cdef size_t row, start, stop, rest, at, k, i
    for row in range(outer):
        start = 0
        while start < inner:
            stop = min(start + CHUNK, inner)
            rest = stop % LANES
            clear(LANES, 1, 1, lanes)
            at = row * stride + start
            for k in range((stop - start) // LANES):
                add_shares(share, grad + at + k * LANES, x + at + k * LANES, params, c, lanes)
            if rest:
                k = row * stride + stop - rest
                for i in range(LANES):
                    last[0][i] = last[1][i] = ZERO
                memcpy(last[0], grad + k, rest * sizeof(storage))
                memcpy(last[1], x + k, rest * sizeof(storage))
                clear(LANES, 1, 1, spare)
                add_shares(share, last[0], last[1], params, c, spare)
                for i in range(rest):
                    lanes[i] += spare[i]
            fold(LANES, 1, 1, lanes)
            total = added(total, lanes[0])
            start = stop
    return value_of(total)


cdef inline void sum_columns(Share share, size_t outer, size_t stride, size_t width, const storage *grad,
                             const storage *x, const parameter *const *params, size_t first,
                             parameter *dparam) noexcept nogil:
    """The same for width <= TILE channels of one element each, from channel `first`; lanes run down the rows."""
    cdef real grad_buffer[TILE]
    cdef real x_buffer[TILE]
    cdef const packed_real *real_grad
    cdef const packed_real *real_x
    cdef double lanes[LANES * TILE]
    cdef Total total[TILE]
    cdef size_t used = min(outer, <size_t>LANES), start = 0, row, j
    for j in range(width):
        total[j] = Total(0, 0)
    while start < outer:
        clear(used, width, TILE, lanes)
        for row in range(start, min(start + CHUNK, outer)):
            real_grad = as_real(width, grad + row * stride + first, grad_buffer)
            real_x = as_real(width, x + row * stride + first, x_buffer)
            for j in range(width):
                lanes[row % LANES * TILE + j] += share(real_grad[j], real_x[j], params, first + j)
        start += CHUNK
        fold(used, width, TILE, lanes)
        for j in range(width):
            total[j] = added(total[j], lanes[j])
    for j in range(width):
        dparam[first + j] = <parameter>value_of(total[j])


cdef inline void sum_channels(Share share, size_t outer, size_t channels, size_t inner, const storage *grad,
                              const storage *x, const parameter *const *params, int n_params,
                              parameter *dparam) noexcept nogil:
    """dparam[c] = the sum of share over the elements of channel c."""
    cdef parameter values[MOST_PARAMS]
    cdef const parameter *own[MOST_PARAMS]
    cdef size_t c = 0, width
    cdef int k
    if inner == 1 and channels > 1:
        while c < channels:
            width = min(channels - c, <size_t>TILE)
            if width == TILE:
                sum_columns(share, outer, channels, TILE, grad, x, params, c, dparam)
            else:
                sum_columns(share, outer, channels, width, grad, x, params, c, dparam)
            c += width
        return
    if channels == 1:           # one row after the other is one long row
        inner = outer * inner
        outer = 1
    for c in range(channels):
        for k in range(n_params):       # copied, so that the compiler sees that the sums do not change them
            values[k] = params[k][c]
            own[k] = &values[k]
        dparam[c] = <parameter>sum_rows(share, outer, channels * inner, inner, grad + c * inner, x + c * inner, own, 0)
