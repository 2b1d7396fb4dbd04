# maxout: contiguous arrays, made so where they are not.

ctypedef void (*maxout_kernel)(size_t outer, size_t n, size_t inner, size_t pool_size, const void *x, void *y,
                               size_t *index) noexcept nogil
ctypedef void (*maxout_backward_kernel)(size_t outer, size_t n, size_t inner, size_t pool_size, const void *grad,
                                        const size_t *index, void *dx) noexcept nogil


cdef void call_maxout(const void *work, size_t outer, size_t inner, char **arrays,
                      const pyacts_softmax_options *options) noexcept nogil:
    cdef const LinesJob *job = <const LinesJob *>work
    (<maxout_kernel>job.kernel)(outer, job.lines.n, inner, job.pool_size, arrays[0], arrays[1], <size_t *>arrays[2])


cdef void call_maxout_backward(const void *work, size_t outer, size_t inner, char **arrays,
                               const pyacts_softmax_options *options) noexcept nogil:
    cdef const LinesJob *job = <const LinesJob *>work
    (<maxout_backward_kernel>job.kernel)(outer, job.lines.n, inner, job.pool_size, arrays[0], <const size_t *>arrays[1],
                                         arrays[2])


cdef object as_direct(str function, object array):
    """The array, or a copy, in C order and a dtype of the kernels: that which a ufunc would give."""
    if (cnp.PyArray_CheckExact(array) and dtype_index(array) >= 0 and is_direct(array, 0)
            and cnp.PyArray_IS_C_CONTIGUOUS(array)):
        return array
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{function}() would ignore the mask of a MaskedArray: fill it")
    array = np.asarray(array)
    return np.require(array, result_dtype(function, array.dtype), "CA")


cdef object checked_pool_size(object pool_size):
    size = operator.index(pool_size)
    if size < 1:
        raise ValueError(f"maxout: pool_size must be at least 1, got {size}")
    return size


cdef object maxout_forward(maxout_kernel *kernels, object x, object pool_size, object axis, bint return_index):
    axis, given_size = operator.index(axis), checked_pool_size(pool_size)   # first: they may run code that changes x
    cdef cnp.ndarray source = as_direct("maxout", x), target, index
    cdef int position = counted_axis(shape_of(source), axis)
    cdef Lines lines = lines_of(source, position)
    shape = list(shape_of(source))
    if shape[position] % given_size:
        raise ValueError(f"maxout: the length of axis {axis}, {lines.n}, is not a multiple of pool_size, {given_size}")
    cdef size_t size = given_size if shape[position] else 1         # of nothing, any size makes nothing
    shape[position] //= given_size
    target = np.empty(shape, source.dtype)
    index = np.empty(shape if return_index else 0, np.intp)
    cdef LinesJob job = lines_job(call_maxout, <void *>kernels[dtype_index(source)], lines, False)
    job.pool_size = size
    set_arrays(&job, [source, target, index if return_index else None], lines.outer)
    run_lines(&job)
    return (target, index) if return_index else target


cdef object maxout_backward_of(maxout_backward_kernel *kernels, object grad, object index, object pool_size,
                               object axis):
    axis, given_size, given = operator.index(axis), checked_pool_size(pool_size), np.asarray(index)   # may run code
    if isinstance(index, np.ma.MaskedArray):
        raise TypeError("maxout_backward: index is a MaskedArray, whose mask would be ignored: fill it")
    cdef cnp.ndarray first = as_direct("maxout_backward", grad), which, target
    cdef int position = counted_axis(shape_of(first), axis)
    if given.dtype.kind not in "iu":
        raise TypeError(f"maxout_backward: index must hold integers, as maxout returns, not {given.dtype}")
    if given.shape != shape_of(first):
        raise ValueError(f"maxout_backward() needs grad and index of the same shape, got {shape_of(first)} and "
                         f"{given.shape}")
    if given.size and not 0 <= given.min() <= given.max() < given_size:
        raise ValueError(f"maxout_backward: index must be from 0 to pool_size - 1 = {given_size - 1}, got "
                         f"{given.min()} to {given.max()}")
    which = np.ascontiguousarray(given, np.intp)
    shape = list(shape_of(first))
    shape[position] *= given_size
    target = np.empty(shape, first.dtype)
    cdef size_t size = given_size if shape[position] else 1         # of nothing, any size makes nothing
    cdef Lines lines = lines_of(target, position)
    cdef LinesJob job = lines_job(call_maxout_backward, <void *>kernels[dtype_index(first)], lines, False)
    job.pool_size = size
    set_arrays(&job, [first, which, target], lines.outer)
    run_lines(&job)
    return target
