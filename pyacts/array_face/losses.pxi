# Losses of logits: softmax_cross_entropy and sigmoid_cross_entropy.

ctypedef void (*cross_entropy_kernel)(size_t outer, size_t n, size_t inner, const void *x, const int64_t *labels,
                                      const void *probabilities, const void *weight, double label_smoothing,
                                      void *loss) noexcept nogil
ctypedef void (*cross_entropy_backward_kernel)(size_t outer, size_t n, size_t inner, const void *grad, const void *x,
                                               const int64_t *labels, const void *probabilities, const void *weight,
                                               double label_smoothing, void *dx) noexcept nogil
ctypedef void (*binary_kernel)(size_t n, const void *x, const void *labels, void *loss) noexcept nogil
ctypedef void (*binary_backward_kernel)(size_t n, double grad, const void *x, const void *labels,
                                        void *dx) noexcept nogil


cdef void call_cross_entropy(const void *work, size_t outer, size_t inner, char **arrays,
                             const pyacts_softmax_options *options) noexcept nogil:
    cdef const LinesJob *job = <const LinesJob *>work
    (<cross_entropy_kernel>job.kernel)(outer, job.lines.n, inner, arrays[0], <const int64_t *>arrays[1], arrays[2],
                                       job.shared, job.number, arrays[3])


cdef void call_cross_entropy_backward(const void *work, size_t outer, size_t inner, char **arrays,
                                      const pyacts_softmax_options *options) noexcept nogil:
    cdef const LinesJob *job = <const LinesJob *>work
    (<cross_entropy_backward_kernel>job.kernel)(outer, job.lines.n, inner, arrays[3], arrays[0],
                                                <const int64_t *>arrays[1], arrays[2], job.shared, job.number,
                                                arrays[4])


cdef void call_binary(const void *job, size_t n, size_t inner, char **arrays,
                      const pyacts_softmax_options *options) noexcept nogil:
    (<binary_kernel>(<const LinesJob *>job).kernel)(n, arrays[0], arrays[1], arrays[2])


cdef void call_binary_backward(const void *job, size_t n, size_t inner, char **arrays,
                               const pyacts_softmax_options *options) noexcept nogil:
    (<binary_backward_kernel>(<const LinesJob *>job).kernel)(n, (<const LinesJob *>job).number, arrays[0], arrays[1],
                                                             arrays[2])


cdef object in_order(array, dtype):
    """The array, or a copy, in C order and of this dtype: what is too large for it becomes infinite."""
    if array.dtype == dtype:
        return np.asarray(array, order="C")
    with np.errstate(all="ignore"):
        return np.asarray(array, dtype, order="C")


cdef check_reduction(str name, reduction):
    if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


cdef object rounded_to(object dtype, double number):
    """A number as a scalar of a dtype; without a warning if it is too large, and without np.errstate if possible."""
    cdef int d = index_of(dtype)
    if d == F64:
        return np.float64(number)
    if d == F32:
        return np.float32(<float>number)
    with np.errstate(all="ignore"):
        return np.asarray(number).astype(dtype)[()]


@cython.cdivision(True)
cdef double shared_among(double number, double count) noexcept:
    return number / count       # the mean of nothing is NaN


cdef object reduced(losses, reduction, count, dtype):
    """Losses, which are at least float32, as the caller wants them."""
    with np.errstate(all="ignore"):
        if reduction == "none":
            return losses.astype(dtype, copy=False)[()]
        total = np.add.reduce(losses, axis=None, dtype=np.float64)
    return rounded_to(dtype, total if reduction == "sum" else shared_among(total, count))


cdef object spread(str function, grad, reduction, shape, count, dtype):
    """The gradient of each loss, in an array of this shape: what they were reduced to shares its own among them."""
    wanted = shape if reduction == "none" else ()
    if grad.shape != wanted:
        raise ValueError(f"{function}() needs grad in the shape of the loss, {wanted}, got {grad.shape}")
    if reduction == "none":
        return in_order(grad, dtype)
    result = np.empty(shape, dtype)
    result.fill(rounded_to(result.dtype, shared_among(grad, count if reduction == "mean" else 1)))
    return result


cdef object as_label(object left_out, object dtype):
    """The label that is left out, as int64 has it; None if labels of this dtype can't be it."""
    if left_out is None or not np.iinfo(dtype).min <= left_out <= np.iinfo(dtype).max:
        return None
    return np.array(left_out, dtype).astype(np.int64)[()]


cdef object count_classes(cnp.ndarray labels, size_t n, object left_out, cnp.ndarray weight):
    """How many labels are counted, or what they weigh; the others become -1. None if a label is no class."""
    cdef int64_t *label = <int64_t *>cnp.PyArray_DATA(labels)
    cdef bint ignoring = left_out is not None
    cdef int64_t ignored = left_out if ignoring else -1
    cdef size_t counted = 0, k
    cdef double weighed = 0
    for k in range(cnp.PyArray_SIZE(labels)):
        if ignoring and label[k] == ignored:
            label[k] = -1
        elif not 0 <= label[k] < <int64_t>n:
            return None
        else:
            counted += 1
            if weight is not None:
                weighed += weight_of(weight, label[k])
    return counted if weight is None else weighed


cdef inline double weight_of(cnp.ndarray weight, int64_t label) noexcept:
    if cnp.PyArray_TYPE(weight) == cnp.NPY_FLOAT32:
        return (<float *>cnp.PyArray_DATA(weight))[label]
    return (<double *>cnp.PyArray_DATA(weight))[label]


cdef object softmax_cross_entropy_of(untyped_kernel *kernels, bint backward, object grad, object logits, object labels,
                                     object axis, object label_smoothing, object ignore_index, object weight,
                                     object reduction):
    name = "softmax_cross_entropy_backward" if backward else "softmax_cross_entropy"
    check_reduction(name, reduction)
    cdef double smoothing = float(label_smoothing)
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{name}: label_smoothing must be from 0 to 1, got {label_smoothing}")
    # Conversions may run code that changes the arrays, so no array is looked at before the last of them.
    axis = operator.index(axis)
    left_out = None if ignore_index is None else operator.index(ignore_index)
    labels = option_array(name, "labels", labels, "iuf", "classes, as integers, or probabilities")
    if weight is not None:
        weight = option_array(name, "weight", weight, "biuf", "an array of numbers")
    if backward:
        grad = option_array(name, "grad", grad, "biuf", "a number or an array of numbers")
    cdef cnp.ndarray x = as_direct(name, logits), target, given, factors = None, grads
    cdef int d = dtype_index(x), position = softmax_axis(name, shape_of(x), axis)
    cdef size_t outer, n, inner
    shape = shape_of(x)
    lines = shape[:position] + shape[position + 1:]
    outer, n, inner = prod(shape[:position]), shape[position], prod(shape[position + 1:])
    own = np.dtype(np.float32 if is_single(d) else np.float64)
    if weight is not None:
        factors = in_order(weight, own)
        if shape_of(factors) != (n,):
            raise ValueError(f"{name}: weight needs one number for each of the {n} classes, got shape "
                             f"{shape_of(factors)}")
    cdef bint classes = labels.dtype.kind in "iu"
    if classes:
        if labels.shape != lines:
            raise ValueError(f"{name}: labels that are classes need the shape of logits without axis, {lines}, got "
                             f"{labels.shape}")
        given = np.array(labels, np.int64, order="C")       # what is too large becomes negative, and so does left_out
        count = count_classes(given, n, as_label(left_out, labels.dtype), factors)
        if count is None:
            wrong = next(label for label in labels.flat if label != left_out and not 0 <= label < n)
            raise ValueError(f"{name}: labels must be from 0 to {n - 1}, got {wrong}: give ignore_index if that is to "
                             "be left out")
    else:
        if labels.shape != shape:
            raise ValueError(f"{name}: labels that are probabilities need the shape of logits, {shape}, got "
                             f"{labels.shape}")
        if left_out is not None:
            raise ValueError(f"{name}: ignore_index is for labels that are classes")
        given = in_order(labels, (<object>x).dtype)
        count = outer * inner
    cdef LinesJob job = lines_job(call_cross_entropy_backward if backward else call_cross_entropy,
                                  <void *>kernels[d], Lines(outer, n, inner), True)
    job.number, job.shared = smoothing, NULL if weight is None else cnp.PyArray_DATA(factors)
    arrays = [x, given if classes else None, None if classes else given]
    if backward:
        grads = spread(name, grad, reduction, lines, count, own)
        target = np.empty(shape, (<object>x).dtype)
        arrays.append(grads)
    else:
        target = np.empty(lines, own)
    set_arrays(&job, [*arrays, target], outer)
    run_lines(&job)
    return target if backward else reduced(target, reduction, count, (<object>x).dtype)


cdef object sigmoid_cross_entropy_of(untyped_kernel *kernels, bint backward, object grad, object logits, object labels,
                                     object reduction):
    name = "sigmoid_cross_entropy_backward" if backward else "sigmoid_cross_entropy"
    check_reduction(name, reduction)
    labels = option_array(name, "labels", labels, "biuf", "numbers from 0 to 1")        # before logits are looked at
    if backward:
        grad = option_array(name, "grad", grad, "biuf", "a number or an array of numbers")
    given = as_direct(name, logits)
    dtype = given.dtype
    if labels.shape != given.shape:
        raise ValueError(f"{name}() needs logits and labels of the same shape, got {given.shape} and {labels.shape}")
    # Halves are rounded once, at the end: losses are summed, and gradients multiplied, in float32.
    if is_single(index_of(dtype)) and (reduction == "none") == backward:
        given = given.astype(np.float32, copy=False)
    cdef cnp.ndarray x = given, t = in_order(labels, given.dtype), target = np.empty_like(given)
    cdef int d = dtype_index(x)
    cdef size_t n = cnp.PyArray_SIZE(x)
    cdef double factor = 1
    cdef LinesJob job = lines_job(call_binary_backward if backward else call_binary, <void *>kernels[d],
                                  Lines(n, 1, 1), True)
    if backward and reduction == "none":
        grads = spread(name, grad, reduction, shape_of(x), n, given.dtype)
    elif backward:
        factor = spread(name, grad, reduction, (), n, np.float64)
    job.number = factor
    set_arrays(&job, [x, t, target], n)
    run_lines(&job)
    if not backward:
        return reduced(target, reduction, n, dtype)
    if reduction == "none":
        with np.errstate(all="ignore"):
            np.multiply(grads, target, out=target)
            target = target.astype(dtype, copy=False)
    return (<object>target)[()]
