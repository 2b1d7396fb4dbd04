"""maxout: the largest of every pool_size consecutive entries along the middle axis of an (outer, n, inner) array."""
from real cimport BLOCK, put, real, storage, stored_if, widened


cdef inline bint beats(real candidate, real best) noexcept nogil:
    """Whether candidate takes best's place: of equals the first stays, and so does the first NaN, as in np.argmax."""
    return (not candidate <= best) & (best == best)


cdef enum:
    ROW = BLOCK         # pools along a row that are taken at once
    PLANE = 8 * BLOCK   # and side by side: each waits for its largest so far, which is in memory, not for the others


cdef inline void pool(size_t width, const storage *x, size_t step, size_t pool_size, size_t pool_step, storage *y,
                      size_t *index) noexcept nogil:
    """width <= PLANE results: number i is the largest of x[i * step + p * pool_step], p < pool_size."""
    cdef real best[PLANE]
    cdef size_t which[PLANE]
    cdef real candidate
    cdef bint better
    cdef size_t i, p
    for i in range(width):
        best[i] = widened(x[i * step])
        which[i] = 0
    for p in range(1, pool_size):
        for i in range(width):
            candidate = widened(x[i * step + p * pool_step])
            better = beats(candidate, best[i])
            best[i] = candidate if better else best[i]
            which[i] = p if better else which[i]
    put(width, best, y)
    if index != NULL:
        for i in range(width):
            index[i] = which[i]


cdef inline void pools(size_t width, size_t count, const storage *x, size_t step, size_t pool_size, size_t pool_step,
                       storage *y, size_t *index) noexcept nogil:
    cdef size_t at = 0
    cdef size_t *which
    while at < count:
        which = index + at if index != NULL else NULL
        if count - at >= width:
            pool(width, x + at * step, step, pool_size, pool_step, y + at, which)
            at += width
        elif width > ROW and count - at >= ROW:
            pool(ROW, x + at * step, step, pool_size, pool_step, y + at, which)
            at += ROW
        else:
            pool((count - at) % ROW, x + at * step, step, pool_size, pool_step, y + at, which)
            at = count


cdef inline void maxout(size_t outer, size_t n, size_t inner, size_t pool_size, const storage *x, storage *y,
                        size_t *index) noexcept nogil:
    cdef size_t rows = outer * (n // pool_size) if pool_size > 0 else 0, row
    cdef const storage *planes
    # Known to the compiler: that no index is wanted, and along rows the usual sizes, whose strided reads are shuffles.
    if inner != 1:
        for row in range(rows):
            planes = x + row * pool_size * inner
            if index != NULL:
                pools(PLANE, inner, planes, 1, pool_size, inner, y + row * inner, index + row * inner)
            else:
                pools(PLANE, inner, planes, 1, pool_size, inner, y + row * inner, NULL)
    elif index != NULL:
        pools(ROW, rows, x, pool_size, pool_size, 1, y, index)
    elif pool_size == 2:
        pools(ROW, rows, x, 2, 2, 1, y, NULL)
    elif pool_size == 4:
        pools(ROW, rows, x, 4, 4, 1, y, NULL)
    else:
        pools(ROW, rows, x, pool_size, pool_size, 1, y, NULL)


cdef inline void spread(size_t rows, size_t pool_size, const storage *grad, const size_t *index,
                        storage *dx) noexcept nogil:
    cdef size_t row, p
    for row in range(rows):
        for p in range(pool_size):
            dx[row * pool_size + p] = stored_if(index[row] == p, grad[row])


cdef inline void maxout_backward(size_t outer, size_t n, size_t inner, size_t pool_size, const storage *grad,
                                 const size_t *index, storage *dx) noexcept nogil:
    """dx is grad where the largest came from and 0 elsewhere."""
    cdef size_t rows = outer * (n // pool_size) if pool_size > 0 else 0, row, p, i
    if inner != 1:
        for row in range(rows):
            for p in range(pool_size):
                for i in range(inner):
                    dx[(row * pool_size + p) * inner + i] = stored_if(index[row * inner + i] == p,
                                                                      grad[row * inner + i])
    elif pool_size == 2:
        spread(rows, 2, grad, index, dx)
    elif pool_size == 3:
        spread(rows, 3, grad, index, dx)
    elif pool_size == 4:
        spread(rows, 4, grad, index, dx)
    elif pool_size == 5:
        spread(rows, 5, grad, index, dx)
    else:
        spread(rows, pool_size, grad, index, dx)
