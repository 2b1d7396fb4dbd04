# crelu: contiguous arrays, made so where they are not.

ctypedef void (*crelu_kernel)(size_t outer, size_t n, size_t inner, const void *x, void *y) noexcept nogil
ctypedef void (*crelu_backward_kernel)(size_t outer, size_t n, size_t inner, const void *grad, const void *saved,
                                       void *dx) noexcept nogil


cdef void call_crelu(const void *job, size_t outer, size_t inner, char **arrays,
                     const pyacts_softmax_options *options) noexcept nogil:
    (<crelu_kernel>(<const LinesJob *>job).kernel)(outer, (<const LinesJob *>job).lines.n, inner, arrays[0], arrays[1])


cdef void call_crelu_backward(const void *job, size_t outer, size_t inner, char **arrays,
                              const pyacts_softmax_options *options) noexcept nogil:
    (<crelu_backward_kernel>(<const LinesJob *>job).kernel)(outer, (<const LinesJob *>job).lines.n, inner, arrays[0],
                                                            arrays[1], arrays[2])


cdef object crelu_forward(crelu_kernel *kernels, object x, object axis):
    axis = operator.index(axis)         # first: it may run code that changes x
    cdef cnp.ndarray source = as_direct("crelu", x), target
    cdef int position = counted_axis(shape_of(source), axis)
    cdef Lines lines = lines_of(source, position)
    shape = list(shape_of(source))
    shape[position] *= 2
    target = np.empty(shape, source.dtype)
    cdef LinesJob job = lines_job(call_crelu, <void *>kernels[dtype_index(source)], lines, False)
    set_arrays(&job, [source, target], lines.outer)
    run_lines(&job)
    return target


cdef object crelu_backward_of(crelu_backward_kernel *from_x, crelu_backward_kernel *from_y, object grad, object x,
                              object y, object axis):
    cdef bint saved_y = y is not None
    if saved_y == (x is not None):
        raise TypeError("crelu_backward() needs exactly one of x (the forward's input) and y (its output)")
    axis, name = operator.index(axis), "y" if saved_y else "x"
    grad, saved = as_operands((grad, y if saved_y else x))
    check_same_dtype("crelu_backward", "grad", grad, name, saved)
    cdef cnp.ndarray first = as_direct("crelu_backward", grad), second = as_direct("crelu_backward", saved), target
    cdef int position = counted_axis(shape_of(first), axis)
    shape, wanted = list(shape_of(first)), list(shape_of(second))
    if not saved_y and len(wanted) == len(shape):
        wanted[position] *= 2
    if shape != wanted:
        same = "the same shape" if saved_y else "the same shape but for the axis, twice as long in grad"
        raise ValueError(f"crelu_backward() needs grad and {name} of {same}, got {shape_of(first)} and "
                         f"{shape_of(second)}")
    if shape[position] % 2:
        raise ValueError(f"crelu_backward: the length of axis {axis} is odd, {shape[position]}")
    shape[position] //= 2
    target = np.empty(shape, first.dtype)
    cdef Lines lines = lines_of(target, position)
    cdef LinesJob job = lines_job(call_crelu_backward, <void *>(from_y if saved_y else from_x)[dtype_index(first)],
                                  lines, False)
    set_arrays(&job, [first, second, target], lines.outer)
    run_lines(&job)
    return target
