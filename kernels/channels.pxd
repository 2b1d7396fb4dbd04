"""Activations with a parameter per channel, on (outer, channels, inner) arrays, and the parameter's gradient."""
from loops cimport Function, map_arrays, map_scalars
from real cimport real, storage
from sums cimport CHUNK, LANES, TILE, Total, added, clear, fold, value_of


cdef inline void map_channels(Function f, size_t outer, size_t channels, size_t inner, const storage *a,
                              const storage *b, const storage *param, storage *out) noexcept nogil:
    """out = f(a, b), every channel with its own parameter."""
    cdef size_t row, at
    if inner == 0:
        return
    cdef const void *array = param
    cdef double value
    if inner == 1:
        for row in range(outer):
            at = row * channels
            map_arrays(f, channels, a + at, b + at, out + at, &array, 1)
    else:
        for row in range(outer * channels):
            at = row * inner
            value = <double>param[row % channels]
            map_scalars(f, inner, a + at, b + at, out + at, &value, 1)


# One element's share of the gradient of its channel's parameter.
ctypedef double (*Share)(real grad, real x, real param) noexcept nogil


cdef inline double sum_rows(Share share, size_t outer, size_t stride, size_t inner, const storage *grad,
                            const storage *x, real param) noexcept nogil:
    """The sum over `outer` rows of `inner` elements, row k starting at k * stride; lanes run along a row."""
    cdef double lanes[LANES]
    cdef Total total = Total(0, 0)
    cdef size_t row, start, stop, k, i
    for row in range(outer):
        start = 0
        while start < inner:
            stop = min(start + CHUNK, inner)
            clear(LANES, 1, 1, lanes)
            for k in range(start // LANES, stop // LANES):
                for i in range(LANES):
                    lanes[i] += share(grad[row * stride + k * LANES + i], x[row * stride + k * LANES + i], param)
            for i in range(stop % LANES):
                k = row * stride + stop - stop % LANES + i
                lanes[i] += share(grad[k], x[k], param)
            fold(LANES, 1, 1, lanes)
            total = added(total, lanes[0])
            start = stop
    return value_of(total)


cdef inline void sum_columns(Share share, size_t outer, size_t stride, size_t width, const storage *grad,
                             const storage *x, const storage *param, storage *dparam) noexcept nogil:
    """The same for width <= TILE channels of one element each; lanes run down the rows."""
    cdef double lanes[LANES * TILE]
    cdef Total total[TILE]
    cdef size_t used = min(outer, <size_t>LANES), start = 0, row, j
    for j in range(width):
        total[j] = Total(0, 0)
    while start < outer:
        clear(used, width, TILE, lanes)
        for row in range(start, min(start + CHUNK, outer)):
            for j in range(width):
                lanes[row % LANES * TILE + j] += share(grad[row * stride + j], x[row * stride + j], param[j])
        start += CHUNK
        fold(used, width, TILE, lanes)
        for j in range(width):
            total[j] = added(total[j], lanes[j])
    for j in range(width):
        dparam[j] = <real>value_of(total[j])


cdef inline void sum_channels(Share share, size_t outer, size_t channels, size_t inner, const storage *grad,
                              const storage *x, const storage *param, storage *dparam) noexcept nogil:
    """dparam[c] = the sum of share over the elements of channel c."""
    cdef size_t c = 0, width
    if inner == 1 and channels > 1:
        while c < channels:
            width = min(channels - c, <size_t>TILE)
            if width == TILE:
                sum_columns(share, outer, channels, TILE, grad + c, x + c, param + c, dparam + c)
            else:
                sum_columns(share, outer, channels, width, grad + c, x + c, param + c, dparam + c)
            c += width
        return
    if channels == 1:           # one row after the other is one long row
        inner = outer * inner
        outer = 1
    for c in range(channels):
        dparam[c] = <real>sum_rows(share, outer, channels * inner, inner, grad + c * inner, x + c * inner, param[c])
