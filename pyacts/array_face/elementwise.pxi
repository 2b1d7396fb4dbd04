# Elementwise activations: the direct path, the ufuncs, gradients of parameters.

ctypedef void (*parameter_grad_kernel)(int d, Lines lines, const void *grad, const void *x, void **params,
                                       void **dparams) noexcept nogil

cdef str ufunc_name(str name, bint exact):
    """The name of an activation's ufunc, as pyacts_find has it."""
    return f"{name}_exact" if exact else name


cdef int check_exact(str name, tuple arrays) except -1:
    """Raise for arrays that are, or would become, float64: there is nothing wider to compute them in."""
    if cnp.PyArray_CheckExact(arrays[0]) and cnp.PyArray_TYPE(arrays[0]) == cnp.NPY_FLOAT32:
        return 0
    dtypes = [array.dtype for array in arrays if hasattr(array, "dtype")]
    for dtype in dtypes or [np.asarray(array).dtype for array in arrays if array is not None]:
        result = result_dtype(f"exact.{name}", dtype)
        if result is not None and index_of(result) == F64:
            raise TypeError(f"pyacts.exact.{name}() computes float32 in float64, and has nothing wider for {dtype}: "
                            f"convert it with astype(np.float32), or use pyacts.{name}")
    return 0


ctypedef void (*channels_kernel)(size_t outer, size_t channels, size_t inner, const void *x, const void *parameter,
                                 void *y) noexcept nogil
ctypedef void (*channels_backward_kernel)(size_t outer, size_t channels, size_t inner, const void *grad, const void *x,
                                          const void *parameter, void *dx) noexcept nogil


cdef void call_channels(const void *work, size_t outer, size_t inner, char **arrays,
                        const pyacts_softmax_options *options) noexcept nogil:
    cdef const LinesJob *job = <const LinesJob *>work
    (<channels_kernel>job.kernel)(outer, job.lines.n, inner, arrays[0], job.shared, arrays[1])


cdef void call_channels_backward(const void *work, size_t outer, size_t inner, char **arrays,
                                 const pyacts_softmax_options *options) noexcept nogil:
    cdef const LinesJob *job = <const LinesJob *>work
    (<channels_backward_kernel>job.kernel)(outer, job.lines.n, inner, arrays[0], arrays[1], job.shared, arrays[2])


cdef class Elementwise:
    """The kernels and ufuncs of one elementwise activation, and the checks of its arguments."""
    cdef:
        object activation
        str name
        bint exact
        int n_params
        double minimum[MOST_PARAMS]         # -inf for none
        bint exclusive[MOST_PARAMS]
        int minimum_of[MOST_PARAMS]         # the parameter that is the minimum, or -1
        double minimum_y[MOST_PARAMS]
        Ufunc storage[3]
        list ufuncs                         # None where there is no such direction
        untyped_kernel channels[3][N_DTYPES]    # of activations with a parameter per channel, else NULL

    def __init__(self, activation, bint exact=False):
        cdef int direction, d, k
        cdef Loop *loop
        self.activation = activation
        self.exact = exact
        self.name = f"exact.{activation.name}" if exact else activation.name
        self.n_params = len(activation.parameters)
        names = [p.name for p in activation.parameters]
        for k, p in enumerate(activation.parameters):
            self.minimum_of[k] = names.index(p.minimum) if isinstance(p.minimum, str) else -1
            self.minimum[k] = -INFINITY if p.minimum is None or self.minimum_of[k] >= 0 else p.minimum
            self.exclusive[k] = p.exclusive
            self.minimum_y[k] = -INFINITY if p.minimum_y is None else p.minimum_y
        self.ufuncs = [None, None, None]
        for direction, word in enumerate(DIRECTIONS):
            if word not in activation.directions:
                continue
            for d in range(N_DTYPES):
                loop = &self.storage[direction].loops[d]
                loop.scalars = self.find(d, word)
                loop.arrays = self.find(d, word + "_arrays") if self.n_params else <pyacts_kernel>NULL
                loop.n_inputs, loop.n_outputs = map(len, activation.operands(word))
                loop.n_params = self.n_params
                loop.itemsize, loop.param_size = ITEMSIZES[d], 4 if is_single(d) else 8
                loop.heavy = word in activation.heavy
            name = ufunc_name(activation.name, exact) + ("" if direction == FORWARD else f"_{word}")
            face = self.name if direction == FORWARD else f"{self.name}_backward"
            self.ufuncs[direction] = make_ufunc(&self.storage[direction], elementwise_loop, name,
                                                f"The ufunc behind pyacts.{face}.", exact)

    cdef pyacts_kernel find(self, int d, str direction) except *:
        cdef bytes name = ufunc_name(self.activation.name, self.exact and d == F32).encode(), word = direction.encode()
        cdef pyacts_kernel kernel = pyacts_find(name, SUFFIXES[d], word)
        if kernel == NULL:
            raise ImportError(f"libpyacts has no {direction} {self.name}: it is not the one this module was built with")
        return kernel

    # Parameters: `given` are borrowed references to what the caller passed.

    cdef double number(self, object value, int k, int d, bint from_y) except? -1:
        """Parameter k as the number it is in dtype d, checked."""
        cdef double exact
        try:
            exact = PyFloat_AS_DOUBLE(value) if PyFloat_CheckExact(value) else float(value)
        except OverflowError:       # an integer too large for a double
            exact = float("inf")
        cdef double rounded = <float>exact if is_single(d) else exact
        cdef bint in_domain = isfinite(rounded) and (
            rounded > self.minimum[k] or rounded == self.minimum[k] and not self.exclusive[k])
        if in_domain and not (from_y and rounded < self.minimum_y[k]):
            return rounded
        p = self.activation.parameters[k]
        got = f"got {value}" if rounded == exact else f"got {value}, which is {rounded} in float32"
        if not isfinite(rounded):
            raise ValueError(f"{self.name}: {p.name} must be finite, {got}")
        if not in_domain:
            raise ValueError(f"{self.name}: {p.name} must be {p.domain}, {got}")
        raise ValueError(f"{self.name}_backward: from y, {p.name} must be at least {p.minimum_y:g}, {got}: the output "
                         "does not tell the sides of the kink apart; pass x instead")

    cdef int check_order(self, int k, double value, double minimum) except -1:
        """Raise if parameter k is smaller than the parameter that is its minimum."""
        if value < minimum:
            p = self.activation.parameters[k]
            raise ValueError(f"{self.name}: {p.name} must be {p.domain}, got {value} and {minimum}")
        return 0

    cdef bint is_number(self, object value, int k) except -1:
        """True for a number, False for an array, else TypeError."""
        if PyFloat_CheckExact(value) or isinstance(value, (int, float)):
            return True
        name = self.activation.parameters[k].name
        if value is None:
            raise TypeError(f"{self.name}() missing required argument: '{name}'")
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"{self.name}: {name} is a MaskedArray, whose mask would be ignored: fill it")
        dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
        if getattr(dtype, "kind", None) not in ("b", "i", "u", "f") and index_of(dtype) < 0:
            raise TypeError(f"{self.name}: {name} must be a number or an array of numbers, not {type(value).__name__}")
        return np.ndim(value) == 0

    cdef bint numbers(self, PyObject **given, int d, bint from_y, double *values) except -1:
        """Put the parameters into values; False if one of them is an array, or of a class whose code would run.

        Nothing that runs here can change the arrays that the caller has looked at.
        """
        cdef int k
        for k in range(self.n_params):
            value = <object>given[k]
            if type(value) not in NUMBERS:
                return False
            if not self.is_number(value, k):
                return False
            values[k] = self.number(<object>given[k], k, d, from_y)
            if self.minimum_of[k] >= 0:
                self.check_order(k, values[k], values[self.minimum_of[k]])
        return True

    cdef list operands(self, PyObject **given, object own_dtype, bint from_y, dict keywords):
        """The parameters as operands of a ufunc, in the dtype that the array they go with decides alone."""
        cdef int k
        if self.n_params == 0:
            return []
        dtype = keywords.get("dtype")
        result = result_dtype(self.name, own_dtype if dtype is None else as_dtype(dtype))
        cdef int d = F64 if result is None else index_of(result)
        own = np.float32 if is_single(d) else np.float64
        found = []
        for k in range(self.n_params):
            value = <object>given[k]
            if self.is_number(value, k):
                number = self.number(value, k, d, from_y)
                if self.minimum_of[k] >= 0 and np.ndim(found[self.minimum_of[k]]) == 0:
                    self.check_order(k, number, found[self.minimum_of[k]])
                found.append(number if result is None else own(number))
            elif (cnp.PyArray_CheckExact(value) and cnp.PyArray_ISNOTSWAPPED(value)
                    and cnp.PyArray_TYPE(value) == (cnp.NPY_FLOAT32 if is_single(d) else cnp.NPY_FLOAT64)):
                found.append(value)
            else:
                with np.errstate(all="ignore"):        # what is too large for the dtype becomes infinite
                    found.append(as_operand(value).astype(own))
        return found

    cdef check_shapes(self, str function, list parameters, shape, str name):
        """Raise if a backward would be larger than what was saved."""
        if np.broadcast_shapes(shape, *(np.shape(p) for p in parameters)) != shape:
            raise ValueError(f"{function}(): the parameters do not broadcast to the shape of {name}, {shape}")

    cdef object apply(self, int direction, tuple inputs, list parameters, object out, dict keywords):
        return apply(self.ufuncs[direction], self.storage[direction].loops[<int>F32].heavy, inputs, parameters, out,
                     keywords)

    # A parameter per channel, where the kernel takes it as it lies

    cdef bint lines_of_channels(self, PyObject **given, int direction, int d, cnp.ndarray x, Lines *lines) except -1:
        """How the only parameter, an array, varies along x; False if there is no kernel for that."""
        cdef cnp.ndarray parameter
        cdef int axis, missing, first = -1, last = -1
        if self.channels[direction][d] == NULL or not cnp.PyArray_CheckExact(<object>given[0]):
            return False
        parameter = <object>given[0]
        missing = cnp.PyArray_NDIM(x) - cnp.PyArray_NDIM(parameter)
        if (missing < 0 or not is_direct(parameter, 0) or not cnp.PyArray_IS_C_CONTIGUOUS(parameter)
                or not cnp.PyArray_IS_C_CONTIGUOUS(x)
                or cnp.PyArray_TYPE(parameter) != (cnp.NPY_FLOAT32 if is_single(d) else cnp.NPY_FLOAT64)):
            return False
        for axis in range(cnp.PyArray_NDIM(parameter)):
            if cnp.PyArray_DIM(parameter, axis) != 1:
                first = axis if first < 0 else first
                last = axis
        lines[0] = Lines(1, 1, 1)
        for axis in range(cnp.PyArray_NDIM(x)):
            if first < 0 or axis - missing > last:
                lines.inner *= cnp.PyArray_DIM(x, axis)
            elif axis - missing < first:
                lines.outer *= cnp.PyArray_DIM(x, axis)
            elif cnp.PyArray_DIM(parameter, axis - missing) != cnp.PyArray_DIM(x, axis):
                return False
            else:
                lines.n *= cnp.PyArray_DIM(x, axis)
        # The ufunc divides what has no outer.
        return own_threads.driver is None or lines.outer >= own_threads.parts(cnp.PyArray_SIZE(x), False)

    cdef bint run_channels(self, int direction, int d, Lines lines, list arrays, cnp.ndarray parameter) except -1:
        """Call the kernel on inputs and output; False if the parameter shares memory with the output."""
        cdef LinesJob job = lines_job(call_channels if len(arrays) == 2 else call_channels_backward,
                                      <void *>self.channels[direction][d], lines, False)
        set_arrays(&job, arrays, lines.outer)
        job.shared = cnp.PyArray_DATA(parameter)
        cdef size_t first = <size_t>job.arrays[len(arrays) - 1], second = <size_t>job.shared
        if first < second + cnp.PyArray_NBYTES(parameter) and second < first + cnp.PyArray_NBYTES(arrays[-1]):
            return False
        run_lines(&job)
        return True

    # Calls

    cdef object forward(self, object x, PyObject **given, object out, dict keywords):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray source, target
        cdef Lines lines
        cdef int d
        if cnp.PyArray_CheckExact(x) and not keywords:
            source = x
            d = dtype_index(source)
            if d >= 0 and is_direct(source, 0):
                if self.numbers(given, d, False, params):
                    target = direct_target(source, source, out)
                    if target is not None:
                        inputs[0], outputs[0] = cnp.PyArray_DATA(source), cnp.PyArray_DATA(target)
                        run(&self.storage[FORWARD].loops[d], cnp.PyArray_SIZE(source), inputs, outputs, params)
                        return target
                elif self.lines_of_channels(given, FORWARD, d, source, &lines):
                    target = direct_target(source, source, out)
                    if target is not None and self.run_channels(FORWARD, d, lines, [source, target], <object>given[0]):
                        return target
        x = as_operand(x)
        parameters = self.operands(given, getattr(x, "dtype", None), False, keywords)
        return self.apply(FORWARD, (x,), parameters, out, keywords)

    cdef object inplace(self, object x, PyObject **given):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray target
        cdef Lines lines
        cdef int d
        if cnp.PyArray_CheckExact(x):
            target = x
            d = dtype_index(target)
            if d >= 0 and is_direct(target, cnp.NPY_ARRAY_WRITEABLE):
                if self.numbers(given, d, False, params):
                    inputs[0] = outputs[0] = cnp.PyArray_DATA(target)
                    run(&self.storage[FORWARD].loops[d], cnp.PyArray_SIZE(target), inputs, outputs, params)
                    return x
                if (self.lines_of_channels(given, FORWARD, d, target, &lines)
                        and self.run_channels(FORWARD, d, lines, [target, target], <object>given[0])):
                    return x
        check_target(x, "x", f"use pyacts.{self.name}(x)")
        parameters = self.operands(given, x.dtype, False, {})       # before the view: it may run code that changes x
        plain = x.view(np.ndarray)
        self.apply(FORWARD, (plain,), parameters, plain, {})
        return x

    cdef object backward(self, object grad, object x, PyObject **given, object y, object out, bint inplace):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray first, second, target
        cdef Lines lines
        cdef bint numbers, from_y = y is not None
        cdef object saved = y if from_y else x
        cdef int d, k, direction = BACKWARD_Y if from_y else BACKWARD
        if from_y == (x is not None):
            raise TypeError(f"{self.name}_backward() needs exactly one of x (the forward's input) and y (its output)")
        if from_y and self.ufuncs[BACKWARD_Y] is None:
            raise TypeError(f"{self.name}_backward() cannot start from y: {self.activation.no_y}; pass x")
        if cnp.PyArray_CheckExact(grad) and cnp.PyArray_CheckExact(saved):
            first, second = grad, saved
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, cnp.NPY_ARRAY_WRITEABLE if inplace else 0) and is_direct(second, 0)
                    and same_layout(first, second) and not (inplace and overlaps_partly(first, second))):
                numbers = self.numbers(given, d, from_y, params)
                if numbers or self.lines_of_channels(given, direction, d, first, &lines):
                    target = first if inplace else direct_target(first, second, out)
                    if target is not None and not numbers:
                        if self.run_channels(direction, d, lines, [first, second, target], <object>given[0]):
                            return target
                    elif target is not None:
                        inputs[0], inputs[1] = cnp.PyArray_DATA(first), cnp.PyArray_DATA(second)
                        outputs[0] = cnp.PyArray_DATA(target)
                        run(&self.storage[direction].loops[d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                        return target
        name = "y" if from_y else "x"
        function = f"{self.name}_backward"
        for k in range(self.n_params):
            if <object>given[k] is None:
                raise TypeError(f"{function}() missing required argument: '{self.activation.parameters[k].name}'")
        if inplace:
            check_target(grad, "grad", f"use pyacts.{function}(grad, {name})")
            check_no_mask(function, saved, name, f"use pyacts.{function}(grad, {name})")
        operand, saved = check_pair(function, grad, saved, name)
        parameters = self.operands(given, getattr(saved, "dtype", None), from_y, {})
        if inplace:
            check_no_partial_overlap(grad, saved, name)
            operand = out = grad.view(np.ndarray)
        self.check_shapes(function, parameters, saved.shape, name)
        check_outs(function, out, name, saved)
        result = self.apply(direction, (operand, saved), parameters, out, {})
        return grad if inplace else result

    cdef object parameter_grad(self, object grad, object x, PyObject **given, parameter_grad_kernel kernel):
        """The gradients with respect to the learned parameters, each summed over the axes it was broadcast along."""
        cdef void *params[MOST_PARAMS]
        cdef void *dparams[MOST_PARAMS]
        cdef cnp.ndarray first, second
        cdef Lines lines
        cdef int d, k
        function = f"{self.name}_parameter_grad"
        grad, x = check_pair(function, grad, x, "x")
        operands = self.operands(given, x.dtype, False, {})         # before the others are looked at: it may run code
        first, second = as_direct(function, grad), as_direct(function, x)
        shape = shape_of(second)
        if shape_of(first) != shape:
            raise ValueError(f"{function}() needs grad and x of the same shape, got {shape_of(first)} and {shape}")
        shapes = [operand.shape for operand in operands]
        joint = shapes[0] if len(set(shapes)) == 1 else np.broadcast_shapes(*shapes)
        kept = axes_of(shape, joint)
        if kept is None:
            raise ValueError(f"{function}(): the parameters' shape {joint} does not broadcast to that of x, {shape}")
        # Bring the axes that the parameters vary along together: (summed, parameters', summed).
        if kept and kept != [axis for axis in range(kept[0], kept[-1] + 1) if shape[axis] != 1]:
            order = [axis for axis in range(len(shape)) if axis not in kept] + kept
            first, second = np.ascontiguousarray(first.transpose(order)), np.ascontiguousarray(second.transpose(order))
            lines.inner = 1
        else:
            lines.inner = prod(shape[kept[-1] + 1:]) if kept else prod(shape)
        lines.n = prod([shape[axis] for axis in kept])
        lines.outer = prod(shape) // (lines.n * lines.inner) if lines.n * lines.inner else 0
        values = [np.asarray(operand) if operand.shape == joint and operand.flags.c_contiguous else
                  np.ascontiguousarray(np.broadcast_to(operand, joint)) for operand in operands]
        learned = [k for k, p in enumerate(self.activation.parameters) if p.learned]
        targets = [empty_like(values[k]) for k in learned]
        for k, array in enumerate(values):
            params[k] = cnp.PyArray_DATA(array)
        for k, array in enumerate(targets):
            dparams[k] = cnp.PyArray_DATA(array)
        d = dtype_index(second)
        with nogil:
            kernel(d, lines, cnp.PyArray_DATA(first), cnp.PyArray_DATA(second), params, dparams)
        results = tuple([summed_to(target, shapes[k]) for k, target in zip(learned, targets, strict=True)])
        return results[0] if len(results) == 1 else results


cdef list axes_of(tuple shape, tuple own):
    """The axes of shape that an array of shape `own` varies along; None if it does not broadcast to shape."""
    cdef int first = len(shape) - len(own), axis
    if first < 0:
        return None
    kept = []
    for axis in range(first, len(shape)):
        if own[axis - first] != 1:
            if own[axis - first] != shape[axis]:
                return None
            kept.append(axis)
    return kept


cdef object summed_to(array, shape):
    """The sum over the axes that an array of that shape is broadcast along to the array's shape."""
    if array.shape != shape:
        extra = array.ndim - len(shape)
        axes = (*range(extra), *(k + extra for k, n in enumerate(shape) if n == 1 != array.shape[k + extra]))
        with np.errstate(all="ignore"):
            array = array.sum(axes, np.float64).astype(array.dtype).reshape(shape)
    return array[()]


cdef cnp.ndarray direct_target(cnp.ndarray a, cnp.ndarray b, object out):
    """A new array like a, or `out` if a kernel can write it while reading a and b; None if it cannot."""
    cdef cnp.ndarray target
    if out is None:
        return empty_like(a)
    if not cnp.PyArray_CheckExact(out):
        return None
    target = out
    if (is_direct(target, cnp.NPY_ARRAY_WRITEABLE) and same_layout(a, target) and not overlaps_partly(a, target)
            and not overlaps_partly(b, target)):
        return target
    return None


cdef Elementwise approximated(object approximate, Elementwise exact, Elementwise with_tanh):
    """The one that the keyword approximate of gelu asks for."""
    if not isinstance(approximate, str) or approximate not in ("none", "tanh"):
        raise ValueError(f"approximate must be 'none' or 'tanh', got {approximate!r}")
    return exact if approximate == "none" else with_tanh
