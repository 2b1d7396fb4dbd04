# Arrays: which dtype and layout they have, and the checks that all functions share.

cdef inline int number_index(int number) noexcept:
    if number == cnp.NPY_FLOAT32:
        return F32
    if number == cnp.NPY_FLOAT64:
        return F64
    if number == cnp.NPY_FLOAT16:
        return F16
    return BF16 if number == bfloat16_number else -1


cdef inline int dtype_index(cnp.ndarray a) except? -1:
    """Index into DTYPES, -1 if the kernels have no such dtype. Byte order is a matter of is_direct."""
    cdef int d = number_index(cnp.PyArray_TYPE(a))
    return index_of((<object>a).dtype) if d < 0 else d


cdef int index_of(dtype) except? -1:
    """dtype_index of a dtype. The first bfloat16 seen is added to DTYPES and to every ufunc."""
    global bfloat16_number
    if not isinstance(dtype, np.dtype):
        return -1
    if bfloat16_number < 0 and dtype.num >= NPY_USERDEF and dtype.name == "bfloat16":
        DTYPES[BF16] = dtype.newbyteorder("=")
        bfloat16_number = dtype.num
        for loops in user_loops:
            register_bfloat16(loops)
    return number_index(dtype.num)


cdef inline bint is_single(int d) noexcept:
    """Whether the parameters that come with a dtype are float."""
    return d != F64


cdef inline bint is_direct(cnp.ndarray a, int flags) noexcept:
    """Whether a kernel can work on the array's memory as it lies: at least 1-d, contiguous, aligned, native order."""
    return (cnp.PyArray_CHKFLAGS(a, cnp.NPY_ARRAY_ALIGNED | flags) and cnp.PyArray_ISNOTSWAPPED(a)
            and cnp.PyArray_NDIM(a) > 0
            and (cnp.PyArray_IS_C_CONTIGUOUS(a) or cnp.PyArray_IS_F_CONTIGUOUS(a)))


cdef inline bint same_layout(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether two direct arrays have the same dtype and shape, and their elements in the same order."""
    cdef int k
    if cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(b) or cnp.PyArray_NDIM(a) != cnp.PyArray_NDIM(b):
        return False
    for k in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIM(a, k) != cnp.PyArray_DIM(b, k):
            return False
    return (cnp.PyArray_IS_C_CONTIGUOUS(a) == cnp.PyArray_IS_C_CONTIGUOUS(b)
            or cnp.PyArray_IS_F_CONTIGUOUS(a) and cnp.PyArray_IS_F_CONTIGUOUS(b))


cdef inline bint overlaps_partly(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether two direct arrays of one size share memory without being the same memory."""
    cdef size_t first = <size_t>cnp.PyArray_DATA(a), second = <size_t>cnp.PyArray_DATA(b)
    cdef size_t size = <size_t>cnp.PyArray_NBYTES(a)
    return first != second and first < second + size and second < first + size


cdef inline cnp.ndarray empty_like(cnp.ndarray a):
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a),
                             not cnp.PyArray_IS_C_CONTIGUOUS(a))


cpdef result_dtype(str function, dtype):
    """The dtype that a ufunc makes of this one; None for what is no dtype of NumPy's."""
    if not isinstance(dtype, np.dtype):
        return None
    cdef int d = index_of(dtype)
    if d >= 0:
        return DTYPES[d]
    try:
        return ufuncs["identity"].resolve_dtypes((dtype, None))[1]
    except TypeError:
        raise TypeError(f"{function}() is not supported for {dtype}: convert it to {SUPPORTED}") from None


cdef as_dtype(dtype):
    """What a ufunc's keyword dtype stands for: a dtype, or what makes one, such as np.dtypes.Float64DType."""
    return np.dtype(dtype.type if isinstance(dtype, type(np.dtype)) else dtype)


cdef single(out):
    """The out of a function with one result, which may be in a tuple, as a ufunc has it."""
    return out[0] if isinstance(out, tuple) and len(out) == 1 else out


cdef as_operand(value):
    """What a ufunc takes: arrays of other libraries as they are, everything else as a NumPy array."""
    if not isinstance(value, np.ndarray) and not hasattr(type(value), "__array_ufunc__"):
        value = np.asarray(value)
    index_of(getattr(value, "dtype", None))
    return value


cdef dict with_signature(dict keywords, tuple inputs, list parameters):
    """A ufunc's keywords with the types of all its operands instead of dtype.

    For dtype alone NumPy finds no loop that takes parameters of another dtype, nor one for bfloat16.
    """
    dtype = keywords.get("dtype")
    if dtype is not None and "signature" not in keywords and isinstance(inputs[0], np.ndarray):
        dtype = as_dtype(keywords.pop("dtype"))
        index_of(dtype)
        keywords["signature"] = (*(dtype for _ in inputs), *(parameter.dtype for parameter in parameters), dtype)
    return keywords


cdef has_rules_of_its_own(array):
    return isinstance(array, np.ma.MaskedArray) or type(array).__array_ufunc__ is not np.ndarray.__array_ufunc__


cdef bint elements_share_memory(array) except -1:
    """Whether two elements of a view may lie at the same address: stride 0, sliding windows."""
    reach = array.itemsize
    for stride, length in sorted((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1):
        if stride < reach:
            return array.size > 0
        reach += stride * (length - 1)
    return False


cpdef check_target(array, str argument, str remedy):
    """Raise unless array can be changed in place."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{argument} must be a NumPy array to be changed in place, not {type(array).__name__}: "
                        f"{remedy}")
    if has_rules_of_its_own(array):
        raise TypeError(f"{argument} is a {type(array).__name__}, which has rules of its own that a change in place "
                        f"would bypass: pass its plain array ({argument}.view(np.ndarray)), or {remedy}")
    if dtype_index(array) < 0:
        raise TypeError(f"{argument} has dtype {array.dtype}, but in place needs {SUPPORTED}: convert it with "
                        f"{argument}.astype(np.float32), or {remedy}")
    if not array.flags.writeable:
        raise ValueError(f"{argument} is read-only, so it can't be changed in place: copy it, or {remedy}")
    if elements_share_memory(array):
        raise ValueError(f"elements of {argument} share memory (a broadcast or overlapping view), so it can't be "
                         f"changed in place: copy it, or {remedy}")


cdef list as_similar(values):
    """Lists and numbers, of which there are some, as arrays of the first array's dtype or that of all."""
    arrays = [np.asarray(value) for value in values]
    typed = [array.dtype for array, given in zip(arrays, values, strict=True) if hasattr(given, "dtype")]
    dtype = typed[0] if typed and (typed[0].kind == "f" or index_of(typed[0]) >= 0) else np.result_type(*arrays)
    with np.errstate(all="ignore"):        # what is too large for the dtype becomes infinite
        return [array.astype(dtype, casting="same_kind", copy=False) for array in arrays]


cdef list as_operands(values):
    """Several values of which none decides alone about the dtype."""
    if not all([hasattr(value, "dtype") or hasattr(type(value), "__array_ufunc__") for value in values]):
        values = as_similar(values)
    return [as_operand(value) for value in values]


cpdef list check_alike(str function, tuple names, values):
    """The values as operands of the same shape and dtype."""
    operands = as_operands(values)
    first = operands[0]
    for name, other in zip(names[1:], operands[1:], strict=True):
        if first.shape != other.shape:
            raise ValueError(f"{function}() needs {names[0]} and {name} of the same shape, got {first.shape} and "
                             f"{other.shape}")
        check_same_dtype(function, names[0], first, name, other)
    return operands


cdef check_same_dtype(str function, str name, array, str other_name, other):
    if not (hasattr(array, "dtype") and hasattr(other, "dtype")):
        return      # those of a DataFrame's columns: the ufunc will tell
    if array.dtype is not other.dtype and array.dtype.newbyteorder("=") != other.dtype.newbyteorder("="):
        raise TypeError(f"{function}() needs {name} and {other_name} of the same dtype, got {array.dtype} and "
                        f"{other.dtype}")


cdef check_outs(str function, out, str name, saved):
    """Raise for an out, or several in a tuple, of another shape than what was saved: a ufunc would repeat results."""
    for array in out if isinstance(out, tuple) else (out,):
        if isinstance(array, np.ndarray) and array.shape != saved.shape:
            raise ValueError(f"{function}(): shape mismatch: out has {array.shape}, {name} has {saved.shape}")


cdef check_pair(str function, grad, saved, str name):
    """grad and what was saved from the forward as operands of the same shape and dtype."""
    return check_alike(function, ("grad", name), (grad, saved))


cdef check_no_mask(str function, array, str name, str remedy):
    """Raise if an array that is only read has a mask, which a change in place would ignore."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{function}_() would ignore the mask of {name}, a MaskedArray: fill it, or {remedy}")


cpdef check_no_partial_overlap(target, other, str name, str target_name="grad"):
    """Raise if changing target in place would change parts of other that are still to be read."""
    if not isinstance(other, np.ndarray):
        return
    same = target.__array_interface__["data"] == other.__array_interface__["data"] and all(
        [own == its for own, its, n in zip(target.strides, other.strides, target.shape, strict=True) if n > 1])
    if not same and np.shares_memory(target, other):
        raise ValueError(f"{target_name} overlaps {name} in memory: copy one of them")


cdef tuple shape_of(cnp.ndarray a):
    return (<object>a).shape
