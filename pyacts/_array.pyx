"""The array face: NumPy arrays to kernels.

A contiguous array of a supported dtype takes the direct path: checks, one C call. Everything else (other strides, array
parameters, integers, lists, dask, pandas, where=, ...) goes through a NumPy ufunc, or for softmax a gufunc, whose inner
loop calls the same kernel.

What is here is the same for every activation. The functions themselves, one def each with its signature and docstring,
are generated from the catalogue into functions.pxi, which is included at the end.
"""
cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.object cimport PyObject
from libc.math cimport INFINITY, isfinite
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from table cimport MOST_PARAMS, N_DTYPES    # generated from the catalogue

import operator
from math import prod

import numpy as np

from pyacts import catalog

cnp.import_array()
cnp.import_ufunc()

cdef extern from "pyacts.h" nogil:
    ctypedef void (*pyacts_kernel)(size_t n, const void *const *inputs, void *const *outputs, const double *params)
    ctypedef struct pyacts_softmax_options:
        pass
    pyacts_kernel pyacts_find(const char *name, const char *dtype, const char *direction)
    const char *pyacts_isa()
    const char *pyacts_version()

cdef extern from "numpy/arrayobject.h":
    int NPY_USERDEF

cdef extern from "Python.h":
    void PyErr_NoMemory() noexcept

cdef extern from "<fenv.h>" nogil:
    ctypedef int fexcept_t
    int FE_ALL_EXCEPT
    int fegetexceptflag(fexcept_t *flags, int excepts)
    int fesetexceptflag(const fexcept_t *flags, int excepts)

cdef enum:
    NOGIL_FROM = 4096       # elements: below, releasing the GIL costs more than it gives
    CHUNK = 512             # elements that strided data is gathered in: a few buffers of it fit the first cache
    LINES = 32768           # the same for lines of softmax, all together
    MOST_INPUTS = 3         # those of the backward of a gated unit
    MOST_OUTPUTS = 2
    MOST_OPERANDS = MOST_INPUTS + MOST_PARAMS + MOST_OUTPUTS

# The dtypes in the order of the catalogue, by their index d: arrays of kernels have the same. What is None is not
# NumPy's own, and is found when the first array of it is seen.
cdef enum:
    F32 = 0
    F64 = 1
    F16 = 2
    BF16 = 3

SUFFIXES = [suffix.encode() for suffix in catalog.DTYPES]
DTYPES = [np.dtype(d.name) if hasattr(np, d.name) else None for d in catalog.DTYPES.values()]
SUPPORTED = " or ".join(", ".join(d.name for d in catalog.DTYPES.values()).rsplit(", ", 1))
ITEMSIZES = [2 if dtype is None else dtype.itemsize for dtype in DTYPES]
DIRECTIONS = ("forward", "backward", "backward_y")
cdef int bfloat16_number = -1

cdef enum:
    FORWARD = 0
    BACKWARD = 1
    BACKWARD_Y = 2


# ----------------------------------------------------------------------------------------------------------------
# Arrays

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
    index_of(dtype)
    try:
        return ufuncs["identity"].resolve_dtypes((dtype, None))[1]
    except TypeError:
        raise TypeError(f"{function}() is not supported for {dtype}: convert it to {SUPPORTED}") from None


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
        dtype = np.dtype(keywords.pop("dtype"))
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
    with np.errstate(over="ignore"):        # what is too large for the dtype becomes infinite
        return [array.astype(dtype, casting="same_kind", copy=False) for array in arrays]


cdef list as_operands(values):
    """Several values of which none decides alone about the dtype."""
    if not all([hasattr(value, "dtype") for value in values]):
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
    if array.dtype.newbyteorder("=") != other.dtype.newbyteorder("="):
        raise TypeError(f"{function}() needs {name} and {other_name} of the same dtype, got {array.dtype} and "
                        f"{other.dtype}")


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


cdef inline void run(pyacts_kernel kernel, size_t n, const void *const *inputs, void *const *outputs,
                     const double *params) noexcept:
    if n < NOGIL_FROM:
        kernel(n, inputs, outputs, params)
    else:
        with nogil:
            kernel(n, inputs, outputs, params)


# ----------------------------------------------------------------------------------------------------------------
# Ufunc loops

cdef struct Loop:                   # what the inner loop of a ufunc has to know
    pyacts_kernel scalars           # parameters are numbers
    pyacts_kernel arrays            # parameters are arrays
    int n_inputs                    # without the parameters
    int n_outputs
    int n_params
    size_t itemsize                 # of inputs and outputs
    size_t param_size


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
    cdef fexcept_t flags
    fegetexceptflag(&flags, FE_ALL_EXCEPT)
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
    fesetexceptflag(&flags, FE_ALL_EXCEPT)      # NumPy would make warnings of what was raised


cdef struct Ufunc:                  # what NumPy keeps pointers to, for good
    cnp.PyUFuncGenericFunction functions[N_DTYPES]
    void *data[N_DTYPES]
    char types[N_DTYPES * MOST_OPERANDS]
    Loop loops[N_DTYPES]


cdef make_ufunc(Ufunc *u, cnp.PyUFuncGenericFunction function, str name, doc, bytes signature=None):
    cdef int n_inputs = u.loops[0].n_inputs, n_outputs = u.loops[0].n_outputs, at = 0, k
    cdef int first_output = n_inputs + u.loops[0].n_params, n_operands = first_output + n_outputs
    encoded = name.encode(), doc.encode()
    kept_alive.append(encoded)
    # The first loop that all inputs can be cast to safely is taken: from the smallest to the largest, as in np.exp.
    for at, d in enumerate((F16, F32, F64)):
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


NUMBERS = frozenset((float, int, *np.sctypeDict.values()))      # whose conversion runs nobody's code
kept_alive = []
user_loops = []                     # (ufunc, the address of its Ufunc)
ufuncs = {}                         # by name; pyacts._ufuncs makes a module of them


# ----------------------------------------------------------------------------------------------------------------
# Elementwise activations

cdef struct Lines:                  # how an axis lies in a contiguous array: (outer, n, inner) in C order
    size_t outer
    size_t n
    size_t inner


ctypedef void (*parameter_grad_kernel)(int d, Lines lines, const void *grad, const void *x, void **params,
                                       void **dparams) noexcept nogil

cdef class Elementwise:
    """The kernels and ufuncs of one elementwise activation, and the checks of its arguments."""
    cdef:
        object activation
        str name
        int n_params
        double minimum[MOST_PARAMS]         # -inf for none
        bint exclusive[MOST_PARAMS]
        int minimum_of[MOST_PARAMS]         # the parameter that is the minimum, or -1
        double minimum_y[MOST_PARAMS]
        pyacts_kernel kernels[3][N_DTYPES]
        Ufunc storage[3]
        object forward_ufunc, backward_ufunc, backward_y_ufunc

    def __init__(self, activation):
        cdef int direction, d, k
        cdef Loop *loop
        self.activation = activation
        self.name = activation.name
        self.n_params = len(activation.parameters)
        names = [p.name for p in activation.parameters]
        for k, p in enumerate(activation.parameters):
            self.minimum_of[k] = names.index(p.minimum) if isinstance(p.minimum, str) else -1
            self.minimum[k] = -INFINITY if p.minimum is None or self.minimum_of[k] >= 0 else p.minimum
            self.exclusive[k] = p.exclusive
            self.minimum_y[k] = -INFINITY if p.minimum_y is None else p.minimum_y
        made = [None, None, None]
        for direction, word in enumerate(DIRECTIONS):
            if word not in activation.directions:
                continue
            for d in range(N_DTYPES):
                self.kernels[direction][d] = self.find(d, word)
                loop = &self.storage[direction].loops[d]
                loop.scalars = self.kernels[direction][d]
                loop.arrays = self.find(d, word + "_arrays") if self.n_params else <pyacts_kernel>NULL
                loop.n_inputs, loop.n_outputs = map(len, activation.operands(word))
                loop.n_params = self.n_params
                loop.itemsize, loop.param_size = ITEMSIZES[d], 4 if is_single(d) else 8
            name = self.name if direction == FORWARD else f"{self.name}_{word}"
            face = self.name if direction == FORWARD else f"{self.name}_backward"
            made[direction] = make_ufunc(&self.storage[direction], elementwise_loop, name,
                                         f"The ufunc behind pyacts.{face}.")
        self.forward_ufunc, self.backward_ufunc, self.backward_y_ufunc = made

    cdef pyacts_kernel find(self, int d, str direction) except *:
        cdef bytes name = self.name.encode(), word = direction.encode()
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
        result = result_dtype(self.name, own_dtype if dtype is None else np.dtype(dtype))
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
            else:
                with np.errstate(over="ignore"):        # what is too large for the dtype becomes infinite
                    found.append(as_operand(value).astype(own))
        return found

    cdef check_shapes(self, str function, list parameters, shape, str name):
        """Raise if a backward would be larger than what was saved."""
        if np.broadcast_shapes(shape, *(np.shape(p) for p in parameters)) != shape:
            raise ValueError(f"{function}(): the parameters do not broadcast to the shape of {name}, {shape}")

    # Calls

    cdef object forward(self, object x, PyObject **given, object out, dict keywords):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray source, target
        cdef int d
        if cnp.PyArray_CheckExact(x) and not keywords:
            source = x
            d = dtype_index(source)
            if d >= 0 and is_direct(source, 0) and self.numbers(given, d, False, params):
                target = direct_target(source, source, out)
                if target is not None:
                    inputs[0], outputs[0] = cnp.PyArray_DATA(source), cnp.PyArray_DATA(target)
                    run(self.kernels[FORWARD][d], cnp.PyArray_SIZE(source), inputs, outputs, params)
                    return target
        x = as_operand(x)
        if out is not None:
            keywords["out"] = out
        parameters = self.operands(given, getattr(x, "dtype", None), False, keywords)
        return self.forward_ufunc(x, *parameters, **with_signature(keywords, (x,), parameters))

    cdef object inplace(self, object x, PyObject **given):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray target
        cdef int d
        if cnp.PyArray_CheckExact(x):
            target = x
            d = dtype_index(target)
            if (d >= 0 and is_direct(target, cnp.NPY_ARRAY_WRITEABLE) and self.numbers(given, d, False, params)):
                inputs[0] = outputs[0] = cnp.PyArray_DATA(target)
                run(self.kernels[FORWARD][d], cnp.PyArray_SIZE(target), inputs, outputs, params)
                return x
        check_target(x, "x", f"use pyacts.{self.name}(x)")
        parameters = self.operands(given, x.dtype, False, {})       # before the view: it may run code that changes x
        plain = x.view(np.ndarray)
        self.forward_ufunc(plain, *parameters, out=plain)
        return x

    cdef object backward(self, object grad, object x, PyObject **given, object y, object out, bint inplace):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray first, second, target
        cdef bint from_y = y is not None
        cdef object saved = y if from_y else x
        cdef int d, k, direction = BACKWARD_Y if from_y else BACKWARD
        if from_y == (x is not None):
            raise TypeError(f"{self.name}_backward() needs exactly one of x (the forward's input) and y (its output)")
        if from_y and self.backward_y_ufunc is None:
            raise TypeError(f"{self.name}_backward() cannot start from y: {self.activation.no_y}; pass x")
        if cnp.PyArray_CheckExact(grad) and cnp.PyArray_CheckExact(saved):
            first, second = grad, saved
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, cnp.NPY_ARRAY_WRITEABLE if inplace else 0) and is_direct(second, 0)
                    and same_layout(first, second) and self.numbers(given, d, from_y, params)
                    and not (inplace and overlaps_partly(first, second))):
                target = first if inplace else direct_target(first, second, out)
                if target is not None:
                    inputs[0], inputs[1] = cnp.PyArray_DATA(first), cnp.PyArray_DATA(second)
                    outputs[0] = cnp.PyArray_DATA(target)
                    run(self.kernels[direction][d], cnp.PyArray_SIZE(first), inputs, outputs, params)
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
        if isinstance(out, np.ndarray) and out.shape != saved.shape:
            raise ValueError(f"{function}(): shape mismatch: out has {out.shape}, {name} has {saved.shape}")
        ufunc = self.backward_y_ufunc if from_y else self.backward_ufunc
        result = ufunc(operand, saved, *parameters, **({} if out is None else {"out": out}))
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
        joint = np.broadcast_shapes(*map(np.shape, operands))
        if np.broadcast_shapes(shape, joint) != shape:
            raise ValueError(f"{function}(): the parameters' shape {joint} does not broadcast to that of x, {shape}")
        # Bring the axes that the parameters vary along together: (summed, parameters', summed).
        padded = (1,) * (len(shape) - len(joint)) + joint
        kept = [axis for axis, (size, own) in enumerate(zip(shape, padded, strict=True)) if own == size != 1]
        if kept and kept != [axis for axis in range(kept[0], kept[-1] + 1) if shape[axis] != 1]:
            order = [axis for axis in range(len(shape)) if axis not in kept] + kept
            first, second = np.ascontiguousarray(first.transpose(order)), np.ascontiguousarray(second.transpose(order))
            lines.inner = 1
        else:
            lines.inner = prod(shape[kept[-1] + 1:]) if kept else prod(shape)
        lines.n = prod(shape[axis] for axis in kept)
        lines.outer = prod(shape) // (lines.n * lines.inner) if lines.n * lines.inner else 0
        values = [np.ascontiguousarray(np.broadcast_to(operand, joint)) for operand in operands]
        learned = [k for k, p in enumerate(self.activation.parameters) if p.learned]
        targets = [np.empty_like(values[k]) for k in learned]
        for k, array in enumerate(values):
            params[k] = cnp.PyArray_DATA(array)
        for k, array in enumerate(targets):
            dparams[k] = cnp.PyArray_DATA(array)
        d = dtype_index(second)
        with nogil:
            kernel(d, lines, cnp.PyArray_DATA(first), cnp.PyArray_DATA(second), params, dparams)
        results = tuple(summed_to(target.reshape(joint), np.shape(operands[k]))
                        for k, target in zip(learned, targets, strict=True))
        return results[0] if len(results) == 1 else results


cdef object summed_to(array, shape):
    """The sum over the axes that an array of that shape is broadcast along to the array's shape."""
    if array.shape != shape:
        extra = array.ndim - len(shape)
        axes = (*range(extra), *(k + extra for k, n in enumerate(shape) if n == 1 != array.shape[k + extra]))
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


# ----------------------------------------------------------------------------------------------------------------
# Gated units: elementwise in two arrays, the gate and what goes up through it

cdef class Gated(Elementwise):
    """The kernels and ufuncs of one gated unit, and the checks of its arguments."""

    cdef object of_two(self, object gate, object up, PyObject **given, object out, dict keywords):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray first, second, target
        cdef int d
        if cnp.PyArray_CheckExact(gate) and cnp.PyArray_CheckExact(up) and not keywords:
            first, second = gate, up
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, 0) and is_direct(second, 0) and same_layout(first, second)
                    and self.numbers(given, d, False, params)):
                target = direct_target(first, second, out)
                if target is not None:
                    inputs[0], inputs[1] = cnp.PyArray_DATA(first), cnp.PyArray_DATA(second)
                    outputs[0] = cnp.PyArray_DATA(target)
                    run(self.kernels[FORWARD][d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                    return target
        gate, up = as_operands((gate, up))
        if out is not None:
            keywords["out"] = out
        parameters = self.operands(given, self.joint_dtype(gate, up), False, keywords)
        return self.forward_ufunc(gate, up, *parameters, **with_signature(keywords, (gate, up), parameters))

    cdef object joint_dtype(self, object gate, object up):
        """The dtype of the ufunc's result; None for what is no dtype of NumPy's."""
        dtypes = [result_dtype(self.name, getattr(array, "dtype", None)) for array in (gate, up)]
        return None if None in dtypes else np.result_type(*dtypes)

    cdef object of_two_inplace(self, object gate, object up, PyObject **given):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray first, second
        cdef int d
        if cnp.PyArray_CheckExact(gate) and cnp.PyArray_CheckExact(up):
            first, second = gate, up
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, 0) and is_direct(second, cnp.NPY_ARRAY_WRITEABLE)
                    and same_layout(first, second) and self.numbers(given, d, False, params)
                    and not overlaps_partly(first, second)):
                inputs[0], inputs[1] = cnp.PyArray_DATA(first), cnp.PyArray_DATA(second)
                outputs[0] = cnp.PyArray_DATA(second)
                run(self.kernels[FORWARD][d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                return up
        remedy = f"use pyacts.{self.name}(gate, up)"
        check_target(up, "up", remedy)
        check_no_mask(self.name, gate, "gate", remedy)
        _, gate = check_alike(f"{self.name}_", ("up", "gate"), (up, gate))
        parameters = self.operands(given, up.dtype, False, {})
        check_no_partial_overlap(up, gate, "gate", "up")
        plain = up.view(np.ndarray)
        self.forward_ufunc(gate, plain, *parameters, out=plain)
        return up

    cdef object of_two_backward(self, object grad, object gate, object up, PyObject **given, object out, bint inplace):
        cdef double params[MOST_PARAMS]
        cdef const void *inputs[MOST_INPUTS]
        cdef void *outputs[MOST_OUTPUTS]
        cdef cnp.ndarray first, second, third, dgate, dup
        cdef int d
        cdef object wanted = (gate, up) if inplace else (None, None) if out is None else out
        if (cnp.PyArray_CheckExact(grad) and cnp.PyArray_CheckExact(gate) and cnp.PyArray_CheckExact(up)
                and type(wanted) is tuple and len(wanted) == 2):
            first, second, third = grad, gate, up
            d = dtype_index(first)
            if (d >= 0 and is_direct(first, 0) and is_direct(second, 0) and is_direct(third, 0)
                    and same_layout(first, second) and same_layout(first, third)
                    and self.numbers(given, d, False, params)):
                dgate, dup = direct_target(first, second, wanted[0]), direct_target(first, second, wanted[1])
                if (dgate is not None and dup is not None and not overlaps_partly(third, dgate)
                        and not overlaps_partly(third, dup) and not overlaps_partly(dgate, dup)
                        and cnp.PyArray_DATA(dgate) != cnp.PyArray_DATA(dup)):
                    inputs[0], inputs[1] = cnp.PyArray_DATA(first), cnp.PyArray_DATA(second)
                    inputs[2] = cnp.PyArray_DATA(third)
                    outputs[0], outputs[1] = cnp.PyArray_DATA(dgate), cnp.PyArray_DATA(dup)
                    run(self.kernels[BACKWARD][d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                    return dgate, dup
        function = f"{self.name}_backward"
        if inplace:
            remedy = f"use pyacts.{function}(grad, gate, up)"
            check_target(gate, "gate", remedy)
            check_target(up, "up", remedy)
            check_no_mask(function, grad, "grad", remedy)
        grad, own_gate, own_up = check_alike(function, ("grad", "gate", "up"), (grad, gate, up))
        parameters = self.operands(given, getattr(own_gate, "dtype", None), False, {})
        self.check_shapes(function, parameters, own_gate.shape, "gate")
        if not inplace:
            return self.backward_ufunc(grad, own_gate, own_up, *parameters, **({} if out is None else {"out": out}))
        check_no_partial_overlap(gate, grad, "grad", "gate")
        check_no_partial_overlap(up, grad, "grad", "up")
        if np.shares_memory(gate, up):
            raise ValueError(f"gate and up share memory, so both can't be changed in place: copy one of them, or "
                             f"{remedy}")
        targets = gate.view(np.ndarray), up.view(np.ndarray)
        self.backward_ufunc(grad, *targets, *parameters, out=targets)
        return gate, up


# ----------------------------------------------------------------------------------------------------------------
# softmax

ctypedef void (*softmax_kernel)(size_t outer, size_t n, size_t inner, const void *x, void *y,
                                const pyacts_softmax_options *options) noexcept nogil
ctypedef void (*softmax_backward_kernel)(size_t outer, size_t n, size_t inner, const void *grad, const void *y,
                                         void *dx, const pyacts_softmax_options *options) noexcept nogil

cdef int counted_axis(shape, axis) except -1:
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
    cdef fexcept_t flags
    fegetexceptflag(&flags, FE_ALL_EXCEPT)
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
    fesetexceptflag(&flags, FE_ALL_EXCEPT)


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


cdef class Softmax:
    """The kernels and gufuncs of softmax, and the checks of its arguments."""
    cdef:
        str name
        softmax_kernel kernels[N_DTYPES]
        softmax_backward_kernel backward_kernels[N_DTYPES]
        Ufunc storage[2]
        object forward_ufunc, backward_ufunc

    cdef make_ufuncs(self, str name):
        cdef int d
        self.name = name
        for d in range(N_DTYPES):
            self.storage[0].loops[d] = Loop(<pyacts_kernel>self.kernels[d], NULL, 1, 1, 0, ITEMSIZES[d], 0)
            self.storage[1].loops[d] = Loop(<pyacts_kernel>self.backward_kernels[d], NULL, 2, 1, 0, ITEMSIZES[d], 0)
        self.forward_ufunc = make_ufunc(&self.storage[0], softmax_loop, name,
                                        f"The gufunc behind pyacts.{name}.", b"(n)->(n)")
        self.backward_ufunc = make_ufunc(&self.storage[1], softmax_loop, f"{name}_backward_y",
                                         f"The gufunc behind pyacts.{name}_backward.", b"(n),(n)->(n)")

    cdef void run(self, int d, Lines lines, const void *x, void *y) noexcept:
        with nogil:
            self.kernels[d](lines.outer, lines.n, lines.inner, x, y, NULL)

    cdef void run_backward(self, int d, Lines lines, const void *grad, const void *y, void *dx) noexcept:
        with nogil:
            self.backward_kernels[d](lines.outer, lines.n, lines.inner, grad, y, dx, NULL)

    cdef object forward(self, object x, object axis, object out, dict keywords):
        cdef cnp.ndarray source, target
        cdef int d, position
        if isinstance(x, np.ma.MaskedArray):
            raise TypeError(f"{self.name}() would ignore the mask of a MaskedArray: fill it, x.filled(-np.inf), to "
                            "leave entries out")
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
        if out is not None:
            keywords["out"] = out
        return self.forward_ufunc(x, axis=axis, **with_signature(keywords, (x,), []))

    cdef object inplace(self, object x, object axis):
        cdef cnp.ndarray target
        cdef int d, position
        axis = operator.index(axis)         # first, for it may run code that changes x
        if cnp.PyArray_CheckExact(x):
            target = x
            d = dtype_index(target)
            if d >= 0 and is_direct(target, cnp.NPY_ARRAY_WRITEABLE):
                position = softmax_axis(self.name, x.shape, axis)
                self.run(d, lines_of(target, position), cnp.PyArray_DATA(target), cnp.PyArray_DATA(target))
                return x
        check_target(x, "x", f"use pyacts.{self.name}(x)")
        position = softmax_axis(self.name, x.shape, axis)
        d = index_of(x.dtype)
        for (block,) in blocks_of_lines([x.view(np.ndarray)], position):
            target = np.ascontiguousarray(block, DTYPES[d])
            self.run(d, lines_of(target, target.ndim - 1), cnp.PyArray_DATA(target), cnp.PyArray_DATA(target))
            block[...] = target
        return x

    cdef object backward(self, object grad, object x, object axis, object y, object out, bint inplace):
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
            check_no_partial_overlap(grad, saved, name)
        if y is None:
            saved = self.forward(saved, axis, None, {})
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
            return self.backward_ufunc(operand, saved, axis=axis, **({} if out is None else {"out": out}))
        d = index_of(operand.dtype)
        for grad_block, y_block in blocks_of_lines([grad.view(np.ndarray), saved], position):
            first = np.ascontiguousarray(grad_block, DTYPES[d])
            second = np.ascontiguousarray(y_block, DTYPES[d])
            self.run_backward(d, lines_of(first, first.ndim - 1), cnp.PyArray_DATA(first), cnp.PyArray_DATA(second),
                              cnp.PyArray_DATA(first))
            grad_block[...] = first
        return grad


# ----------------------------------------------------------------------------------------------------------------
# maxout: contiguous arrays, made so where they are not

ctypedef void (*maxout_kernel)(size_t outer, size_t n, size_t inner, size_t pool_size, const void *x, void *y,
                               size_t *index) noexcept nogil
ctypedef void (*maxout_backward_kernel)(size_t outer, size_t n, size_t inner, size_t pool_size, const void *grad,
                                        const size_t *index, void *dx) noexcept nogil


cdef object as_direct(str function, object array):
    """The array, or a copy, in C order and a dtype of the kernels: that which a ufunc would give."""
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
    cdef maxout_kernel kernel = kernels[dtype_index(source)]
    with nogil:
        kernel(lines.outer, lines.n, lines.inner, size, cnp.PyArray_DATA(source), cnp.PyArray_DATA(target),
               <size_t *>cnp.PyArray_DATA(index) if return_index else NULL)
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
    cdef size_t size = given_size
    cdef Lines lines = lines_of(target, position)
    cdef maxout_backward_kernel kernel = kernels[dtype_index(first)]
    with nogil:
        kernel(lines.outer, lines.n, lines.inner, size, cnp.PyArray_DATA(first),
               <const size_t *>cnp.PyArray_DATA(which), cnp.PyArray_DATA(target))
    return target


# ----------------------------------------------------------------------------------------------------------------
# crelu: as maxout

ctypedef void (*crelu_kernel)(size_t outer, size_t n, size_t inner, const void *x, void *y) noexcept nogil
ctypedef void (*crelu_backward_kernel)(size_t outer, size_t n, size_t inner, const void *grad, const void *saved,
                                       void *dx) noexcept nogil


cdef object crelu_forward(crelu_kernel *kernels, object x, object axis):
    axis = operator.index(axis)         # first: it may run code that changes x
    cdef cnp.ndarray source = as_direct("crelu", x), target
    cdef int position = counted_axis(shape_of(source), axis)
    cdef Lines lines = lines_of(source, position)
    shape = list(shape_of(source))
    shape[position] *= 2
    target = np.empty(shape, source.dtype)
    cdef crelu_kernel kernel = kernels[dtype_index(source)]
    with nogil:
        kernel(lines.outer, lines.n, lines.inner, cnp.PyArray_DATA(source), cnp.PyArray_DATA(target))
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
    cdef crelu_backward_kernel kernel = (from_y if saved_y else from_x)[dtype_index(first)]
    with nogil:
        kernel(lines.outer, lines.n, lines.inner, cnp.PyArray_DATA(first), cnp.PyArray_DATA(second),
               cnp.PyArray_DATA(target))
    return target


cdef tuple shape_of(cnp.ndarray a):
    return (<object>a).shape


def version():
    return pyacts_version().decode()


def isa():
    """The instruction set that the kernels use.

    Returns
    -------
    str
        ``"avx512"``, ``"avx2"`` or ``"baseline"`` on x86-64, ``"neon"`` on 64-bit Arm. Chosen when the library is
        loaded; the environment variable ``PYACTS_ISA``, set before that, narrows the choice.

    Examples
    --------
    >>> import pyacts
    >>> pyacts.isa() in ("avx512", "avx2", "baseline", "neon")
    True
    """
    return pyacts_isa().decode()


include "functions.pxi"
