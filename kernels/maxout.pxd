"""maxout: the largest of every pool_size consecutive entries along the middle axis of an (outer, n, inner) array."""
from real cimport BLOCK, put, real, storage, stored_if, widened


cdef inline bint beats(real candidate, real best) noexcept nogil:
    """Whether candidate takes best's place: of equals the first stays, and so does the first NaN, as in np.argmax."""
    return candidate > best or (candidate != candidate and best == best)


cdef inline void pool(size_t width, const storage *x, size_t step, size_t pool_size, size_t pool_step, storage *y,
                      size_t *index) noexcept nogil:
    """width <= BLOCK results: number i is the largest of x[i * step + p * pool_step], p < pool_size."""
    cdef real best[BLOCK]
    cdef size_t which[BLOCK]
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


cdef inline void pools(size_t count, const storage *x, size_t step, size_t pool_size, size_t pool_step, storage *y,
                       size_t *index) noexcept nogil:
    cdef size_t rest = count % BLOCK, at = count - rest, k
    for k in range(count // BLOCK):
        pool(BLOCK, x + k * BLOCK * step, step, pool_size, pool_step, y + k * BLOCK,
             index + k * BLOCK if index != NULL else NULL)
    if rest:
        pool(rest, x + at * step, step, pool_size, pool_step, y + at, index + at if index != NULL else NULL)


cdef inline void maxout_of(size_t outer, size_t n, size_t inner, size_t pool_size, const storage *x, storage *y,
                           size_t *index) noexcept nogil:
    cdef size_t rows = outer * (n // pool_size), row
    if inner == 1:
        pools(rows, x, pool_size, pool_size, 1, y, index)
        return
    for row in range(rows):
        pools(inner, x + row * pool_size * inner, 1, pool_size, inner, y + row * inner,
              index + row * inner if index != NULL else NULL)


cdef inline void maxout(size_t outer, size_t n, size_t inner, size_t pool_size, const storage *x, storage *y,
                        size_t *index) noexcept nogil:
    if pool_size == 0:
        return
    # Known to the compiler: that no index is wanted, and the usual sizes, whose strided reads become shuffles.
    if index != NULL:
        maxout_of(outer, n, inner, pool_size, x, y, index)
    elif pool_size == 2:
        maxout_of(outer, n, inner, 2, x, y, NULL)
    elif pool_size == 4:
        maxout_of(outer, n, inner, 4, x, y, NULL)
    else:
        maxout_of(outer, n, inner, pool_size, x, y, NULL)


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
