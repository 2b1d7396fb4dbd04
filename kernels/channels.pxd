"""Activations with a parameter per channel, on (outer, channels, inner) arrays, and gradients of parameters."""
from libc.string cimport memcpy, memset
from real cimport as_real, packed_real, parameter, real, storage
from table cimport MOST_PARAMS, pyacts_kernel
from sums cimport AT_ONCE, LANES, TILE, Total, added, chunk, clear, fold, value_of


cdef enum:
    COPIES = 1024       # numbers: a few microseconds of work, and they stay in the first cache


cdef inline void map_channels(pyacts_kernel scalars, pyacts_kernel arrays, int n_inputs, size_t outer, size_t channels,
                              size_t inner, const storage *a, const storage *b, const parameter *param,
                              storage *out) noexcept nogil:
    """out = f(a, b), every channel with its own parameter; scalars and arrays are the kernels of f.

    Rows of single elements are taken many at a time, with as many copies of the parameters.
    """
    cdef parameter copies[COPIES]
    cdef const void *inputs[3]
    cdef void *output
    cdef double value
    cdef size_t n_rows = outer if inner == 1 else outer * channels, length = channels if inner == 1 else inner
    cdef size_t at_once = max(min(<size_t>COPIES // max(channels, <size_t>1), outer), <size_t>1) if inner == 1 else 1
    cdef size_t row = 0, count, k
    if channels == 0 or inner == 0:
        return
    inputs[n_inputs] = param
    if at_once > 1:
        for k in range(at_once):
            memcpy(copies + k * channels, param, channels * sizeof(parameter))
        inputs[n_inputs] = copies
    while row < n_rows:
        count = min(n_rows - row, at_once)
        inputs[0] = a + row * length
        if n_inputs == 2:
            inputs[1] = b + row * length
        output = out + row * length
        if inner == 1:
            arrays(count * length, inputs, &output, NULL)
        else:
            value = <double>param[row % channels]
            scalars(inner, inputs, &output, &value)
        row += count


# One element's share of the gradient with respect to a parameter; params[k][c] is parameter k of its channel.
ctypedef double (*Share)(real grad, real x, const parameter *const *params, size_t c) noexcept nogil


cdef enum:
    SPAN = LANES * AT_ONCE


cdef inline const storage *padded(size_t count, size_t length, const storage *x, storage *buffer) noexcept nogil:
    """x, or a copy with zeros from count to length."""
    if count == length:
        return x
    memset(buffer, 0, length * sizeof(storage))
    memcpy(buffer, x, count * sizeof(storage))
    return buffer


cdef inline double sum_rows(Share share, size_t outer, size_t stride, size_t inner, const storage *grad,
                            const storage *x, const parameter *const *params) noexcept nogil:
    """The sum over `outer` rows of `inner` elements, row k starting at k * stride; lanes run along a row."""
    cdef double lanes[LANES]
    cdef double lane
    cdef storage last[2][SPAN]
    cdef real grad_buffer[SPAN]
    cdef real x_buffer[SPAN]
    cdef const packed_real *grads
    cdef const packed_real *xs
    cdef Total total = Total(0, 0)
    cdef size_t row, at, stop, count, k, i
    for row in range(outer):
        at = 0
        while at < inner:
            stop = min(at + chunk(), inner)
            clear(LANES, 1, 1, lanes)
            while at < stop:
                count = min(stop - at, <size_t>SPAN)
                grads = as_real(SPAN, padded(count, SPAN, grad + row * stride + at, last[0]), grad_buffer)
                xs = as_real(SPAN, padded(count, SPAN, x + row * stride + at, last[1]), x_buffer)
                for i in range(LANES):
                    lane = lanes[i]
                    for k in range(AT_ONCE):
                        lane += share(grads[k * LANES + i], xs[k * LANES + i], params, 0)
                    lanes[i] = lane
                at += count
            fold(LANES, 1, 1, lanes)
            total = added(total, lanes[0])
    return value_of(total)


cdef inline void sum_columns(Share share, size_t outer, size_t stride, size_t width, const storage *grad,
                             const storage *x, const parameter *const *params, parameter *dparam) noexcept nogil:
    """The same for width <= TILE channels of one element each; lanes run down the rows. params are TILE long."""
    cdef storage last[2][TILE]
    cdef real grad_buffer[TILE]
    cdef real x_buffer[TILE]
    cdef const packed_real *grads
    cdef const packed_real *xs
    cdef double lanes[LANES * TILE]
    cdef Total total[TILE]
    cdef size_t used = min(outer, <size_t>LANES), start = 0, row, j
    for j in range(TILE):
        total[j] = Total(0, 0)
    while start < outer:
        clear(used, TILE, TILE, lanes)
        for row in range(start, min(start + chunk(), outer)):
            grads = as_real(TILE, padded(width, TILE, grad + row * stride, last[0]), grad_buffer)
            xs = as_real(TILE, padded(width, TILE, x + row * stride, last[1]), x_buffer)
            for j in range(TILE):
                lanes[row % LANES * TILE + j] += share(grads[j], xs[j], params, j)
        start += chunk()
        fold(used, TILE, TILE, lanes)
        for j in range(TILE):
            total[j] = added(total[j], lanes[j])
    for j in range(width):
        dparam[j] = <parameter>value_of(total[j])


cdef inline void sum_channels(Share share, size_t outer, size_t channels, size_t inner, const storage *grad,
                              const storage *x, const parameter *const *params, int n_params,
                              parameter *dparam) noexcept nogil:
    """dparam[c] = the sum of share over the elements of channel c."""
    cdef parameter values[MOST_PARAMS][TILE]
    cdef const parameter *own[MOST_PARAMS]
    cdef bint columns = inner == 1 and channels > 1
    cdef size_t c = 0, width = 1, j
    cdef int k
    if channels == 1:           # one row after the other is one long row
        inner = outer * inner
        outer = 1
    while c < channels:
        if columns:
            width = min(channels - c, <size_t>TILE)
        for k in range(n_params):       # copied, so that the compiler sees that the sums do not change them
            for j in range(TILE):
                values[k][j] = params[k][c + min(j, width - 1)]
            own[k] = values[k]
        if columns:
            sum_columns(share, outer, channels, width, grad + c, x + c, own, dparam + c)
        else:
            dparam[c] = <parameter>sum_rows(share, outer, channels * inner, inner, grad + c * inner, x + c * inner, own)
        c += width
