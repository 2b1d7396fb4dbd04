# The inner loops of the NumPy ufuncs, which bring strided data to the kernels and back.

cdef inline void copy_strided(size_t n, size_t itemsize, const char *source, cnp.npy_intp from_step, char *target,
                              cnp.npy_intp to_step) noexcept nogil:
    cdef cnp.npy_intp k, count = <cnp.npy_intp>n
    if itemsize == 2:
        for k in range(count):
            memcpy(target + k * to_step, source + k * from_step, 2)
    elif itemsize == 4:
        for k in range(count):
            memcpy(target + k * to_step, source + k * from_step, 4)
    else:
        for k in range(count):
            memcpy(target + k * to_step, source + k * from_step, 8)


cdef void elementwise_loop(char **args, const cnp.npy_intp *dimensions, const cnp.npy_intp *steps,
                           void *data) noexcept nogil:
    """The inner loop of every elementwise ufunc: contiguous operands as they are, others by way of a buffer."""
    cdef Loop *loop = <Loop *>data
    cdef char buffers[MOST_OPERANDS][CHUNK * 8]
    cdef const void *inputs[MOST_INPUTS + MOST_PARAMS]
    cdef void *outputs[MOST_OUTPUTS]
    cdef double params[MOST_PARAMS]
    cdef int n_operands = loop.n_inputs + loop.n_params, k, j
    cdef cnp.npy_intp sizes[MOST_OPERANDS]
    cdef cnp.npy_intp n = dimensions[0], at = 0, count = n
    cdef bint scalars = True, buffered = False
    cdef status_flags flags = raised_flags()
    for k in range(n_operands + loop.n_outputs):
        sizes[k] = loop.param_size if loop.n_inputs <= k < n_operands else loop.itemsize
        if loop.n_inputs <= k < n_operands and steps[k] != 0:
            scalars = False
    for k in range(n_operands + loop.n_outputs):
        if loop.n_inputs <= k < n_operands and scalars:
            params[k - loop.n_inputs] = (<float *>args[k])[0] if sizes[k] == 4 else (<double *>args[k])[0]
        elif steps[k] != sizes[k]:
            buffered = True
    while at < n:
        if buffered:
            count = min(n - at, <cnp.npy_intp>CHUNK)
        for k in range(n_operands if not scalars else loop.n_inputs):
            inputs[k] = args[k] + at * steps[k]
            if steps[k] != sizes[k]:
                copy_strided(count, sizes[k], args[k] + at * steps[k], steps[k], buffers[k], sizes[k])
                inputs[k] = buffers[k]
        for j in range(loop.n_outputs):
            k = n_operands + j
            outputs[j] = args[k] + at * steps[k] if steps[k] == sizes[k] else buffers[k]
        if scalars:
            loop.scalars(count, inputs, outputs, params)
        else:
            loop.arrays(count, inputs, outputs, NULL)
        for k in range(n_operands, n_operands + loop.n_outputs):
            if steps[k] != sizes[k]:
                copy_strided(count, sizes[k], buffers[k], sizes[k], args[k] + at * steps[k], steps[k])
        at += count
    restore_flags(flags)    # NumPy would make warnings of what was raised


cdef struct Ufunc:                  # what NumPy keeps pointers to, for good
    cnp.PyUFuncGenericFunction functions[N_DTYPES]
    void *data[N_DTYPES]
    char types[N_DTYPES * MOST_OPERANDS]
    Loop loops[N_DTYPES]


cdef make_ufunc(Ufunc *u, cnp.PyUFuncGenericFunction function, str name, doc, bint exact, bytes signature=None):
    cdef int n_inputs = u.loops[0].n_inputs, n_outputs = u.loops[0].n_outputs, at = 0, k
    cdef int first_output = n_inputs + u.loops[0].n_params, n_operands = first_output + n_outputs
    encoded = name.encode(), doc.encode()
    kept_alive.append(encoded)
    # The first loop that all inputs can be cast to safely is taken: from the smallest to the largest, as in np.exp.
    for at, d in enumerate([F16, F32] if exact else [F16, F32, F64]):
        u.functions[at] = function
        u.data[at] = &u.loops[<int>d]
        for k in range(n_operands):
            u.types[at * n_operands + k] = DTYPES[d].num
            if n_inputs <= k < first_output:
                u.types[at * n_operands + k] = cnp.NPY_FLOAT32 if is_single(d) else cnp.NPY_FLOAT64
    ufunc = cnp.PyUFunc_FromFuncAndDataAndSignature(
        u.functions, u.data, u.types, at + 1, first_output, n_outputs, cnp.PyUFunc_None, encoded[0], encoded[1], 0,
        NULL if signature is None else <char *>signature)
    ufuncs[name] = ufunc
    user_loops.append((ufunc, <size_t>u))
    return ufunc


cdef register_bfloat16(loops):
    cdef Ufunc *u = <Ufunc *><size_t>loops[1]
    cdef Loop *loop = &u.loops[<int>BF16]
    cdef int types[MOST_OPERANDS]
    cdef int k
    for k in range(loop.n_inputs + loop.n_params + loop.n_outputs):
        types[k] = cnp.NPY_FLOAT32 if loop.n_inputs <= k < loop.n_inputs + loop.n_params else bfloat16_number
    cnp.PyUFunc_RegisterLoopForType(loops[0], bfloat16_number, u.functions[0], types, loop)


cdef apply(ufunc, bint heavy, tuple inputs, list parameters, out, dict keywords):
    """What a ufunc, or gufunc along an axis, makes of these; of large arrays in several threads."""
    if own_threads.driver is not None and not keywords.keys() - {"axis"}:
        made = apply_in_parts(ufunc, heavy, inputs, parameters, out, keywords)
        if made is not None:
            return made
    cdef bint casts = not keywords.keys().isdisjoint(("dtype", "signature", "sig"))
    if out is not None:
        keywords["out"] = out
        casts = casts or any([getattr(array, "dtype", None) is not getattr(out, "dtype", out) for array in inputs])
    keywords = with_signature(keywords, inputs, parameters)
    if not casts:
        return ufunc(*inputs, *parameters, **keywords)
    with np.errstate(all="ignore"):     # which takes as long as a small array
        return ufunc(*inputs, *parameters, **keywords)


cdef apply_in_parts(ufunc, bint heavy, tuple inputs, list parameters, out, dict keywords):
    """The same, or None if one thread is better or the ufunc has to say what is wrong."""
    first, outs = inputs[0], out if isinstance(out, tuple) else () if out is None else (out,)
    if (any([type(array) is not np.ndarray for array in (*inputs, *outs)]) or index_of(first.dtype) < 0
            or any([array.shape != first.shape for array in (*inputs, *outs)])
            or any([array.dtype != first.dtype for array in (*inputs, *outs)])
            or any([axes_of(first.shape, np.shape(parameter)) is None for parameter in parameters])):
        return None
    cdef size_t parts = own_threads.parts(first.size, heavy)
    if parts == 1:
        return None
    targets = outs or tuple([np.empty_like(first, first.dtype.newbyteorder("=")) for _ in range(ufunc.nout)])
    views = [*inputs, *(np.broadcast_to(p, first.shape) for p in parameters)]
    if not all([independent(target, other) for k, target in enumerate(targets) for other in views + [*targets[:k]]]):
        return None
    lengths = [n if n >= parts and axis != keywords.get("axis", first.ndim) + first.ndim else 0
               for axis, n in enumerate(first.shape)]
    # Along the axis with the longest way from one to the next.
    axis = max(range(first.ndim), key=lambda axis: abs(targets[0].strides[axis]) if lengths[axis] else -1)
    errors = []

    def work(part):
        try:
            index = (*(slice(None),) * axis, part)
            ufunc(*(view[index] for view in views), out=tuple([target[index] for target in targets]), **keywords)
        except BaseException as error:
            errors.append(error)

    if not lengths[axis]:
        return None
    divide(view_part, <PyObject *>work, lengths[axis], 1, 0, parts)
    if errors:
        raise errors[0]
    return targets if len(targets) > 1 else targets[0]


cdef void view_part(const void *job, size_t part, size_t first, size_t count) noexcept nogil:
    with gil:
        (<object>job)(slice(first, first + count))


cdef bint independent(target, other) except -1:
    """Whether a part of target can be written before other parts of the other array are read."""
    return not np.may_share_memory(target, other) or (
        target.__array_interface__["data"] == other.__array_interface__["data"] and target.strides == other.strides)


NUMBERS = frozenset((float, int, *np.sctypeDict.values()))      # whose conversion runs nobody's code
kept_alive = []
user_loops = []                     # (ufunc, the address of its Ufunc)
ufuncs = {}                         # by name; pyacts._ufuncs makes a module of them
