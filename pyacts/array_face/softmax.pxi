# The softmax family: along an axis, with options; and logsumexp, a number per line.

ctypedef void (*softmax_kernel)(size_t outer, size_t n, size_t inner, const void *x, void *y,
                                const pyacts_softmax_options *options) noexcept nogil
ctypedef void (*softmax_backward_kernel)(size_t outer, size_t n, size_t inner, const void *grad, const void *y,
                                         void *dx, const pyacts_softmax_options *options) noexcept nogil

cpdef int counted_axis(shape, axis) except -1:
    """The axis counted from the front."""
    position, ndim = operator.index(axis), len(shape)
    if not -ndim <= position < ndim:
        raise np.exceptions.AxisError(f"axis {position} is out of bounds for array of dimension {ndim}")
    return position + ndim if position < 0 else position


cdef int softmax_axis(str function, shape, axis) except -1:
    cdef int position = counted_axis(shape, axis)
    if shape[position] == 0:
        raise ValueError(f"{function}() along axis {axis} of an array of shape {shape}: the axis has length 0")
    return position


cdef Lines lines_of(cnp.ndarray a, int axis) noexcept:
    cdef Lines lines = Lines(1, cnp.PyArray_DIM(a, axis), 1)
    cdef int k
    for k in range(cnp.PyArray_NDIM(a)):
        if k < axis:
            lines.outer *= <size_t>cnp.PyArray_DIM(a, k)
        elif k > axis:
            lines.inner *= <size_t>cnp.PyArray_DIM(a, k)
    if not cnp.PyArray_IS_C_CONTIGUOUS(a):      # Fortran order is C order of the axes reversed
        lines.outer, lines.inner = lines.inner, lines.outer
    return lines


cdef void softmax_loop(char **args, const cnp.npy_intp *dimensions, const cnp.npy_intp *steps,
                       void *data) noexcept nogil:
    """The inner loop of the softmax gufuncs, one line at a time. Loop.n_inputs is 2 for the backward."""
    cdef Loop *loop = <Loop *>data
    cdef cnp.npy_intp count = dimensions[0], itemsize = <cnp.npy_intp>loop.itemsize, k, which
    cdef size_t n = <size_t>dimensions[1]
    cdef int n_operands = loop.n_inputs + 1
    cdef char *buffers = <char *>malloc(3 * n * loop.itemsize)
    cdef char *operands[3]
    cdef status_flags flags = raised_flags()
    if buffers == NULL:
        with gil:
            PyErr_NoMemory()        # NumPy looks for it after the loop
        return
    for k in range(count):
        for which in range(n_operands):
            operands[which] = args[which] + k * steps[which]
            if steps[n_operands + which] != itemsize:
                operands[which] = buffers + which * n * itemsize
                if which < loop.n_inputs:
                    copy_strided(n, itemsize, args[which] + k * steps[which], steps[n_operands + which],
                                 operands[which], itemsize)
        if loop.n_inputs == 1:
            (<softmax_kernel>loop.scalars)(1, n, 1, operands[0], operands[1], NULL)
        else:
            (<softmax_backward_kernel>loop.scalars)(1, n, 1, operands[0], operands[1], operands[2], NULL)
        which = n_operands - 1
        if steps[n_operands + which] != itemsize:
            copy_strided(n, itemsize, operands[which], itemsize, args[which] + k * steps[which],
                         steps[n_operands + which])
    free(buffers)
    restore_flags(flags)


def blocks_of_lines(arrays, int axis):
    """Views of the arrays, the axis moved to the end, in blocks of whole lines that fit the cache."""
    moved = [np.moveaxis(a, axis, -1) for a in arrays]
    shape = moved[0].shape
    if len(shape) == 1:
        yield moved
        return
    step = max(1, LINES // shape[-1])
    for index in np.ndindex(shape[:-2]):
        for start in range(0, shape[-2], step):
            yield [m[index][start:start + step] for m in moved]


cdef class Options:
    """The options of a call of the softmax family, checked as far as they can be without the arrays."""
    cdef:
        str name
        double scale
        object where, bias, sink    # arrays, or None
        bint causal
        Py_ssize_t offset
        bint zero

    cdef bint fill(self, pyacts_softmax_options *o, int d) except -1:
        """What does not depend on where in the array a line is."""
        cdef double scale = <float>self.scale if is_single(d) else self.scale
        if not isfinite(scale):
            raise ValueError(f"{self.name}: scale must be finite, got {self.scale}, which is {scale} in float32")
        memset(o, 0, sizeof(o[0]))
        o.size, o.scale, o.empty = sizeof(o[0]), scale, self.zero
        return True

    cdef list operands(self, tuple shape, int axis, int d, target):
        """where, bias and sink, or None, as views in the shape of x (sink: of length 1 along axis), nothing copied but
        to convert it, or if the result would be written over it.
        """
        if self.causal and (axis != len(shape) - 1 or axis == 0):
            raise ValueError(f"{self.name}: causal needs axis to be the last and another before it, the rows, got axis "
                             f"{axis} of an array of shape {shape}")
        lines = shape[:axis] + shape[axis + 1:]
        own = np.dtype(np.float32 if is_single(d) else np.float64)
        found = []
        for argument, array, dtype, to in (("where", self.where, np.dtype(bool), shape),
                                           ("bias", self.bias, DTYPES[d], shape),
                                           ("sink", self.sink, own, lines)):
            if array is None:
                found.append(None)
                continue
            with np.errstate(all="ignore"):        # what is too large for the dtype becomes infinite
                array = np.require(array, dtype, "A")
            if any(stride % array.itemsize for stride in array.strides) or np.may_share_memory(array, target):
                array = array.copy()
            try:
                view = np.broadcast_to(array, to)
            except ValueError:
                what = "the shape of x" if to is shape else f"the lines of x, its shape without axis {axis}"
                raise ValueError(f"{self.name}: {argument} of shape {array.shape} does not broadcast to {what}, "
                                 f"{to}") from None
            found.append(view if to is shape else np.expand_dims(view, axis))
        return found


cdef object option_array(str name, str argument, value, str kinds, str what):
    """An option as an array of one of these kinds of dtype."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: {argument} is a MaskedArray, whose mask would be ignored: fill it")
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if array.dtype.kind not in kinds and not ("f" in kinds and index_of(array.dtype) >= 0):
        raise TypeError(f"{name}: {argument} must be {what}, not {type(value).__name__} of dtype {array.dtype}")
    return array.view(np.ndarray)


cdef Options options_of(str name, scale, where, bias, causal, sink, empty):
    """None if all are as if they had not been given."""
    cdef Options o
    if (where is None and bias is None and sink is None and causal is False and type(scale) is float and scale == 1
            and type(empty) is str and empty == "nan"):
        return None
    o = Options()
    o.name = name
    if not isinstance(scale, (int, float, np.integer, np.floating)) or isinstance(scale, bool):
        raise TypeError(f"{name}: scale must be a number, not {type(scale).__name__}")
    try:
        o.scale = float(scale)
    except OverflowError:       # an integer too large for a double
        o.scale = INFINITY
    if not isfinite(o.scale):
        raise ValueError(f"{name}: scale must be finite, got {scale}")
    if not isinstance(empty, str) or empty not in ("nan", "zero"):
        raise ValueError(f"{name}: empty must be 'nan' or 'zero', got {empty!r}")
    o.zero = empty == "zero"
    o.causal = not (isinstance(causal, (bool, np.bool_)) and not causal)
    if isinstance(causal, (bool, np.bool_)):
        o.offset = 0
    else:
        try:
            o.offset = max(min(operator.index(causal), 2**61), -2**61)
        except TypeError:
            raise TypeError(f"{name}: causal must be False, True or a whole number, the offset, not "
                            f"{type(causal).__name__}") from None
    o.where = None if where is None else option_array(name, "where", where, "b", "a boolean array")
    o.bias = None if bias is None else option_array(name, "bias", bias, "biuf", "an array of numbers")
    o.sink = None if sink is None else option_array(name, "sink", sink, "biuf", "a number or an array of numbers")
    return o


cdef list merged(sizes, strides):
    """[(size, strides)] of the fewest dimensions; strides are tuples of one stride per array."""
    found = []
    for size, own in zip(sizes, strides, strict=True):
        if size == 1:
            continue
        if found and all(before == size * stride for before, stride in zip(found[-1][1], own, strict=True)):
            found[-1] = (found[-1][0] * size, own)
        else:
            found.append((size, own))
    return found


cdef list element_strides(views):
    """By dimension: the strides of the views, in elements."""
    return list(zip(*(tuple(stride // view.itemsize for stride in view.strides) for view in views), strict=True))


cdef void call_one(const void *job, size_t outer, size_t inner, char **arrays,
                   const pyacts_softmax_options *options) noexcept nogil:
    (<softmax_kernel>(<const LinesJob *>job).kernel)(outer, (<const LinesJob *>job).lines.n, inner, arrays[0],
                                                     arrays[1], options)


cdef void call_two(const void *job, size_t outer, size_t inner, char **arrays,
                   const pyacts_softmax_options *options) noexcept nogil:
    (<softmax_backward_kernel>(<const LinesJob *>job).kernel)(outer, (<const LinesJob *>job).lines.n, inner, arrays[0],
                                                              arrays[1], arrays[2], options)


cdef LinesJob softmax_job(softmax_kernel kernel, int d, Lines lines, int n_arrays) noexcept:
    """What there is to do without the arrays, of which the last is the result. With a third it is a backward and counts
    as light, as those of softmax are.
    """
    cdef LinesJob job = lines_job(call_one if n_arrays == 2 else call_two, <void *>kernel, lines, n_arrays == 2)
    job.n_arrays, job.itemsize = n_arrays, ITEMSIZES[d]
    return job


cdef int run_with_options(softmax_kernel kernel, int d, list arrays, tuple shape, int axis, Options options) except -1:
    """A kernel on arrays of one shape (length 1 along axis where they have a number per line), the last one the result.

    Arrays in C order are worked on as they lie, in as few calls as the strides of the options allow. Others are
    gathered in blocks of lines.
    """
    cdef pyacts_softmax_options o
    cdef LinesJob job = softmax_job(kernel, d, Lines(1, 1, 1), len(arrays))
    job.options = &o
    options.fill(&o, d)
    views = options.operands(shape, axis, d, arrays[len(arrays) - 1])
    if 0 in shape:
        return 0
    present = [view for view in views if view is not None]
    if all(is_direct(array, 0) and cnp.PyArray_IS_C_CONTIGUOUS(array) for array in arrays):
        strides = element_strides(present) if present else [()] * len(shape)
        outer, inner = merged(shape[:axis], strides[:axis]), merged(shape[axis + 1:], strides[axis + 1:])
        if len(inner) <= 1:
            run_as_they_lie(&job, &o, arrays, shape, axis, options, views, outer, inner, strides[axis])
            return 0
    dtype = DTYPES[d]
    moved = [np.moveaxis(a, axis, -1) for a in arrays + views if a is not None]
    if len(shape) == 1:
        moved = [a[None] for a in moved]
    whole = np.broadcast_shapes(*(a.shape for a in moved))
    step = max(1, LINES // whole[-1])
    for index in np.ndindex(whole[:-2]):
        for start in range(0, whole[-2], step):
            blocks = [a[index][start:start + step] for a in moved]
            own = [np.array(a, dtype, order="C") for a in blocks[:len(arrays)]]
            places = blocks[len(arrays):]
            block_views = [None if view is None else places.pop(0) for view in views]
            block_shape = np.broadcast_shapes(*(a.shape for a in own))
            rows = [view for view in block_views if view is not None]
            strides = element_strides(rows) if rows else [(), ()]
            run_as_they_lie(&job, &o, own, block_shape, 1, options, block_views, [(block_shape[0], strides[0])], [],
                            strides[1], start)
            blocks[len(arrays) - 1][...] = own[len(own) - 1]
    return 0


cdef int run_as_they_lie(LinesJob *job, pyacts_softmax_options *o, list arrays, tuple shape, int axis, Options options,
                         list views, list outer, list inner, tuple along, Py_ssize_t first_row=0) except -1:
    cdef size_t rows = outer[len(outer) - 1][0] if outer else 1, at
    cdef int k
    last = outer[len(outer) - 1][1] if outer else (0,) * len(along)
    across = inner[0][1] if inner else (0,) * len(along)
    if options.causal:
        o.causal_rows, o.causal_offset = shape[axis - 1], options.offset + first_row
    job.lines = Lines(rows, shape[axis], prod(shape[axis + 1:]))
    set_arrays(job, arrays, prod(shape[:axis]))
    lead = outer[:-1]
    for place, index in enumerate(np.ndindex(tuple(size for size, _ in lead))):
        which = 0
        for argument in range(3):
            if views[argument] is None:
                continue
            at = sum(i * own[which] for i, (_, own) in zip(index, lead, strict=True))
            at = at * <size_t>views[argument].itemsize + <size_t>cnp.PyArray_DATA(views[argument])
            if argument == 0:
                o.mask = <const unsigned char *>at
                o.mask_strides = [last[which], along[which], across[which]]
            elif argument == 1:
                o.bias = <const void *>at
                o.bias_strides = [last[which], along[which], across[which]]
            else:
                o.sink = <const void *>at
                o.sink_strides = [last[which], across[which]]
            which += 1
        for k in range(job.n_arrays):
            job.arrays[k] = <char *>cnp.PyArray_DATA(arrays[k]) + <size_t>place * rows * job.sizes[k]
        run_lines(job)
    return 0


cdef class Softmax:
    """The kernels and gufuncs of softmax, and the checks of its arguments."""
    cdef:
        str name
        bint takes_options
        softmax_kernel kernels[N_DTYPES]
        softmax_backward_kernel backward_kernels[N_DTYPES]
        Ufunc storage[2]
        object forward_ufunc, backward_ufunc

    cdef make_ufuncs(self, str name, bint exact):
        cdef int d
        self.name, self.takes_options = f"exact.{name}" if exact else name, catalogue[name].options
        name = ufunc_name(name, exact)
        for d in range(N_DTYPES):
            self.storage[0].loops[d] = Loop(<pyacts_kernel>self.kernels[d], NULL, 1, 1, 0, ITEMSIZES[d], 0, True)
            self.storage[1].loops[d] = Loop(<pyacts_kernel>self.backward_kernels[d], NULL, 2, 1, 0, ITEMSIZES[d], 0,
                                            True)
        self.forward_ufunc = make_ufunc(&self.storage[0], softmax_loop, name,
                                        f"The gufunc behind pyacts.{self.name}.", exact, b"(n)->(n)")
        self.backward_ufunc = make_ufunc(&self.storage[1], softmax_loop, f"{name}_backward_y",
                                         f"The gufunc behind pyacts.{self.name}_backward.", exact, b"(n),(n)->(n)")

    cdef int run(self, int d, Lines lines, void *x, void *y) except -1:
        cdef LinesJob job = softmax_job(self.kernels[d], d, lines, 2)
        job.arrays[0], job.arrays[1] = <char *>x, <char *>y
        job.sizes[0] = job.sizes[1] = lines.n * lines.inner * job.itemsize
        return run_lines(&job)

    cdef int run_backward(self, int d, Lines lines, void *grad, void *y, void *dx) except -1:
        cdef LinesJob job = softmax_job(<softmax_kernel>self.backward_kernels[d], d, lines, 3)
        job.arrays[0], job.arrays[1], job.arrays[2] = <char *>grad, <char *>y, <char *>dx
        job.sizes[0] = job.sizes[1] = job.sizes[2] = lines.n * lines.inner * job.itemsize
        return run_lines(&job)

    cdef object forward(self, object x, object axis, Options options, object out, dict keywords):
        cdef cnp.ndarray source, target
        cdef int d, position
        if isinstance(x, np.ma.MaskedArray):
            filled = "(x.filled(0), where=~x.mask)" if self.takes_options else "(x.filled(-np.inf))"
            raise TypeError(f"{self.name}() would ignore the mask of a MaskedArray: pass {self.name}{filled} to leave "
                            "entries out")
        if options is not None:
            return self.forward_with_options(x, operator.index(axis), options, out, keywords)
        x = as_operand(x)
        axis = operator.index(axis)
        if isinstance(x, np.ndarray):
            position = softmax_axis(self.name, x.shape, axis)
            axis = position - x.ndim        # from the end: out may have more dimensions in front
        if cnp.PyArray_CheckExact(x) and not keywords:
            source = x
            d = dtype_index(source)
            if d >= 0 and is_direct(source, 0):
                target = direct_target(source, source, out)
                if target is not None:
                    self.run(d, lines_of(source, position), cnp.PyArray_DATA(source), cnp.PyArray_DATA(target))
                    return target
        keywords["axis"] = axis
        return apply(self.forward_ufunc, True, (x,), [], out, keywords)

    cdef object forward_with_options(self, object x, object axis, Options options, object out, dict keywords):
        if keywords:
            raise TypeError(f"{self.name}() takes no {', '.join(keywords)} together with the options of softmax")
        source = plain_array(self.name, "x", x)
        position = softmax_axis(self.name, source.shape, axis)
        return into(self.name, source, out, lambda target: run_with_options(
            self.kernels[dtype_index(target)], dtype_index(target), [source, target], source.shape, position,
            options))

    cdef object inplace(self, object x, object axis, Options options):
        cdef cnp.ndarray target
        cdef int d, position
        axis = operator.index(axis)         # first, for it may run code that changes x
        if cnp.PyArray_CheckExact(x) and options is None:
            target = x
            d = dtype_index(target)
            if d >= 0 and is_direct(target, cnp.NPY_ARRAY_WRITEABLE):
                position = softmax_axis(self.name, x.shape, axis)
                self.run(d, lines_of(target, position), cnp.PyArray_DATA(target), cnp.PyArray_DATA(target))
                return x
        check_target(x, "x", f"use pyacts.{self.name}(x)")
        position = softmax_axis(self.name, x.shape, axis)
        d = index_of(x.dtype)
        if options is not None:
            plain = x.view(np.ndarray)
            run_with_options(self.kernels[d], d, [plain, plain], plain.shape, position, options)
            return x
        for (block,) in blocks_of_lines([x.view(np.ndarray)], position):
            target = np.ascontiguousarray(block, DTYPES[d])
            self.run(d, lines_of(target, target.ndim - 1), cnp.PyArray_DATA(target), cnp.PyArray_DATA(target))
            block[...] = target
        return x

    cdef object backward(self, object grad, object x, object axis, object y, Options options, object out,
                         bint inplace):
        cdef cnp.ndarray first, second, target
        cdef int d, position
        function = f"{self.name}_backward"
        if (y is None) == (x is None):
            raise TypeError(f"{function}() needs exactly one of x (the forward's input) and y (its output)")
        name = "x" if y is None else "y"
        if inplace:
            check_target(grad, "grad", f"use pyacts.{function}(grad, {name})")
        for array, argument in ((grad, "grad"), (x, "x"), (y, "y")):
            if isinstance(array, np.ma.MaskedArray):
                raise TypeError(f"{function}() would ignore the mask of {argument}, a MaskedArray: fill it")
        operand, saved = check_pair(function, grad, x if y is None else y, name)
        axis = operator.index(axis)
        if isinstance(operand, np.ndarray):
            position = softmax_axis(function, operand.shape, axis)
            axis = position - operand.ndim
        if inplace:
            if not cnp.PyArray_CheckExact(saved):
                saved = plain_array(function, name, saved)
            check_no_partial_overlap(grad, saved, name)
        if y is None:
            saved = self.forward(saved, axis, options, None, {})
        if options is not None:
            return self.backward_with_options(function, operand, saved, position, options, grad if inplace else out,
                                              inplace)
        if cnp.PyArray_CheckExact(operand) and cnp.PyArray_CheckExact(saved):
            first, second = operand, saved
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, cnp.NPY_ARRAY_WRITEABLE if inplace else 0) and is_direct(second, 0)
                    and same_layout(first, second)):
                target = first if inplace else direct_target(first, second, out)
                if target is not None:
                    self.run_backward(d, lines_of(first, position), cnp.PyArray_DATA(first), cnp.PyArray_DATA(second),
                                      cnp.PyArray_DATA(target))
                    return grad if inplace else target
        if not inplace:
            check_outs(function, out, name, saved)
            return apply(self.backward_ufunc, False, (operand, saved), [], out, {"axis": axis})
        d = index_of(operand.dtype)
        for grad_block, y_block in blocks_of_lines([grad.view(np.ndarray), saved], position):
            first = np.ascontiguousarray(grad_block, DTYPES[d])
            second = np.ascontiguousarray(y_block, DTYPES[d])
            self.run_backward(d, lines_of(first, first.ndim - 1), cnp.PyArray_DATA(first), cnp.PyArray_DATA(second),
                              cnp.PyArray_DATA(first))
            grad_block[...] = first
        return grad

    cdef object backward_with_options(self, str function, object grad, object y, int position, Options options,
                                      object out, bint inplace):
        grad, y = plain_array(function, "grad", grad), plain_array(function, "x or y", y)
        if inplace:
            target = out.view(np.ndarray)
            run_with_options(<softmax_kernel>self.backward_kernels[index_of(target.dtype)], index_of(target.dtype),
                             [target, y, target], target.shape, position, options)
            return out
        return into(function, grad, out, lambda target: run_with_options(
            <softmax_kernel>self.backward_kernels[dtype_index(target)], dtype_index(target), [grad, y, target],
            grad.shape, position, options), y)


cdef object plain_array(str function, str argument, value):
    """The value as an array of a supported dtype; strides and byte order may be any."""
    if not isinstance(value, np.ndarray) and hasattr(type(value), "__array_ufunc__"):
        raise TypeError(f"{function}() takes {argument} as a NumPy array here, not {type(value).__name__}: convert it "
                        "with np.asarray")
    if isinstance(value, np.ndarray) and has_rules_of_its_own(value):
        raise TypeError(f"{function}(): {argument} is a {type(value).__name__}, which has rules of its own that would "
                        f"be bypassed: pass its plain array ({argument}.view(np.ndarray))")
    array = np.asarray(value)
    dtype = result_dtype(function, array.dtype)
    return array if array.dtype.newbyteorder("=") == dtype else array.astype(dtype)


cdef object into(str function, source, out, compute, other=None):
    """What compute(target) writes, in a new array in C order or in out."""
    dtype = source.dtype.newbyteorder("=")
    out = single(out)
    if out is None:
        target = np.empty(source.shape, dtype)
        compute(target)
        return target
    if not isinstance(out, np.ndarray) or has_rules_of_its_own(out):
        raise TypeError(f"{function}(): out must be a NumPy array, not {type(out).__name__}")
    if out.shape != source.shape:
        raise ValueError(f"{function}(): out has shape {out.shape}, the result {source.shape}")
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"{function}(): cannot cast the result from {dtype} to {out.dtype}, the dtype of out")
    if not out.flags.writeable:
        raise ValueError(f"{function}(): out is read-only")
    inputs = [array for array in (source, other) if array is not None]
    if out.dtype == dtype and not any(
            np.may_share_memory(out, array) and not (
                out.__array_interface__["data"] == array.__array_interface__["data"] and out.strides == array.strides)
            for array in inputs):
        compute(out.view(np.ndarray))
    else:
        target = np.empty(source.shape, dtype)
        compute(target)
        with np.errstate(all="ignore"):
            out[...] = target
    return out


# ----------------------------------------------------------------------------------------------------------------
# logsumexp

cdef object logsumexp_of(softmax_kernel *kernels, str name, object x, object axis, bint keepdims, Options options):
    axis = operator.index(axis)         # first, for it may run code that changes x
    cdef cnp.ndarray source = as_direct(name, x), target
    cdef int position = softmax_axis(name, shape_of(source), axis), d = dtype_index(source)
    shape = list(shape_of(source))
    shape[position] = 1
    target = np.empty(shape, source.dtype)
    run_softmax(kernels[d], d, [source, target], shape_of(source), position, options)
    return target if keepdims else (<object>target).reshape(shape[:position] + shape[position + 1:])[()]


cdef object logsumexp_backward_of(softmax_kernel *kernels, str name, object grad, object x, object axis,
                                  bint keepdims, Options options):
    axis = operator.index(axis)
    if not (hasattr(grad, "dtype") and hasattr(x, "dtype")):
        grad, x = as_similar((grad, x))
    cdef cnp.ndarray first = as_direct(name, grad), source = as_direct(name, x), target
    cdef int position = softmax_axis(name, shape_of(source), axis), d = dtype_index(source)
    shape = list(shape_of(source))
    lines = (*shape[:position], *([1] if keepdims else []), *shape[position + 1:])
    if shape_of(first) != lines:
        raise ValueError(f"{name}() needs grad of the shape of the result, {lines}, got {shape_of(first)}")
    if cnp.PyArray_TYPE(first) != cnp.PyArray_TYPE(source):
        raise TypeError(f"{name}() needs grad and x of the same dtype, got {(<object>first).dtype} and "
                        f"{(<object>source).dtype}")
    shape[position] = 1
    target = np.empty(shape_of(source), (<object>source).dtype)
    run_softmax(kernels[d], d, [(<object>first).reshape(shape), source, target], shape_of(source), position, options)
    return target


cdef int run_softmax(softmax_kernel kernel, int d, list arrays, tuple shape, int axis, Options options) except -1:
    cdef LinesJob job
    if options is not None:
        return run_with_options(kernel, d, arrays, shape, axis, options)
    job = softmax_job(kernel, d, Lines(prod(shape[:axis]), shape[axis], prod(shape[axis + 1:])), len(arrays))
    set_arrays(&job, arrays, job.lines.outer)
    return run_lines(&job)
