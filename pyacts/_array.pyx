"""The array face: NumPy arrays to kernels.

A contiguous array of a supported dtype takes the direct path: checks, one C call. Everything else (other strides, array
parameters, integers, lists, dask, pandas, where=, ...) goes through a NumPy ufunc, or for softmax a gufunc, whose inner
loop calls the same kernel.

What is here is the same for every activation. The functions themselves, one def each with its signature and docstring,
are generated from the catalogue into functions.pxi, which is included at the end.
"""
cimport cython
cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.object cimport PyObject
from libc.math cimport INFINITY, isfinite
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from table cimport MOST_PARAMS, N_DTYPES, pyacts_softmax_options    # generated from the catalogue

import operator
from contextvars import ContextVar
from math import prod

import numpy as np

from pyacts import catalog

cnp.import_array()
cnp.import_ufunc()

cdef extern from "pyacts.h" nogil:
    ctypedef void (*pyacts_kernel)(size_t n, const void *const *inputs, void *const *outputs, const double *params)
    pyacts_kernel pyacts_find(const char *name, const char *dtype, const char *direction)
    const char *pyacts_isa()
    const char *pyacts_version()

cdef extern from "<fenv.h>" nogil:
    ctypedef struct fenv_t:
        pass
    int fegetenv(fenv_t *environment)
    int fesetenv(const fenv_t *environment)

cdef extern from "numpy/arrayobject.h":
    int NPY_USERDEF

cdef extern from "Python.h":
    void PyErr_NoMemory() noexcept

cdef extern from * nogil:
    """
    /* The status flags that kernels may raise. On x86-64 those of SSE are enough, and setting those of the x87, as
       fesetexceptflag does too, takes longer than a kernel on a hundred numbers. */
    #if defined(__SSE2__)
    #include <xmmintrin.h>
    typedef unsigned int status_flags;
    static inline status_flags raised_flags(void) { return _MM_GET_EXCEPTION_STATE(); }
    static inline void restore_flags(status_flags flags) { _MM_SET_EXCEPTION_STATE(flags); }
    #else
    #include <fenv.h>
    typedef fexcept_t status_flags;
    static inline status_flags raised_flags(void) {
        fexcept_t flags;
        fegetexceptflag(&flags, FE_ALL_EXCEPT);
        return flags;
    }
    static inline void restore_flags(status_flags flags) { fesetexceptflag(&flags, FE_ALL_EXCEPT); }
    #endif
    """
    ctypedef int status_flags
    status_flags raised_flags()
    void restore_flags(status_flags flags)

cdef enum:
    NOGIL_FROM = 4096       # elements: below, releasing the GIL costs more than it gives
    CHUNK = 512             # elements that strided data is gathered in: a few buffers of it fit the first cache
    LINES = 32768           # the same for lines of softmax, all together
    LINE = 64               # bytes of a cache line
    COLUMNS = 32            # the fewest of inner that are copied at once
    MOST_INPUTS = 3         # those of the backward of a gated unit
    MOST_OUTPUTS = 2
    MOST_OPERANDS = MOST_INPUTS + MOST_PARAMS + MOST_OUTPUTS
    MOST_ARRAYS = 6         # those of the backward of a loss

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

# Arrays of more elements than this are divided among threads; the second number if the kernel computes an exponential.
# Starting the threads takes 2 to 10 us, so that two of them gain a quarter here on the cheapest kernels of each sort,
# relu and elu, which alone take 22 and 16 us. bench/speed.py measures just above.
PARALLEL_FROM = (2**18, 2**16)
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


# ----------------------------------------------------------------------------------------------------------------
# Threads: who calls a kernel. Which threads there are is pyacts._threads' business.

cdef class Threads:
    cdef public object driver       # driver(function, job, parts) calls function(job, part) in threads; None: have none
    cdef public int everywhere      # how many to use
    cdef public object here         # the same for what runs in this context alone; None for everywhere

    cdef size_t parts(self, size_t n, bint heavy) except? 0:
        """How many parts n elements are worth, at most one for each thread."""
        cdef size_t limit = PARALLEL_FROM[heavy]
        if n <= limit:
            return 1
        here = self.here.get()
        return min(<size_t>(self.everywhere if here is None else here), 2 * n // limit)


cdef Threads own_threads = Threads()
own_threads.everywhere = 1
own_threads.here = ContextVar("threads", default=None)
threads = own_threads               # for pyacts._threads

ctypedef void (*on_part)(const void *job, size_t part, size_t first, size_t count) noexcept nogil

cdef struct Division:               # of work on n units into parts
    on_part call
    const void *job
    size_t n
    size_t step                     # part k begins at unit k * step + lead, the first at 0
    size_t lead
    fenv_t environment              # of the caller: it may have set the rounding, or that subnormals are flushed


cdef void do_part(const Division *division, size_t part) noexcept nogil:
    """What the driver calls."""
    cdef size_t first = part * division.step + division.lead if part else 0
    cdef size_t end = min(division.n, (part + 1) * division.step + division.lead)
    cdef fenv_t own
    if first < end:
        fegetenv(&own)
        fesetenv(&division.environment)
        division.call(division.job, part, first, end - first)
        fesetenv(&own)


cdef int divide(on_part call, const void *job, size_t n, size_t grain, size_t lead, size_t parts) except -1:
    """Do the work on n units in as many parts, which begin at lead + multiples of grain."""
    cdef Division division
    division.call, division.job, division.n, division.lead = call, job, n, lead
    division.step = ((n + parts - 1) // parts + grain - 1) // grain * grain
    fegetenv(&division.environment)
    own_threads.driver(<size_t>&do_part, <size_t>&division, parts)
    return 0


cdef struct Loop:                   # a kernel, as the inner loop of a ufunc has to know it
    pyacts_kernel scalars           # parameters are numbers
    pyacts_kernel arrays            # parameters are arrays
    int n_inputs                    # without the parameters
    int n_outputs
    int n_params
    size_t itemsize                 # of inputs and outputs
    size_t param_size
    bint heavy                      # whether it takes long for what it reads


cdef struct Mapping:                # an elementwise kernel and all that it is called with
    const Loop *loop
    const void *const *inputs
    void *const *outputs
    const double *params


cdef void map_part(const void *job, size_t part, size_t first, size_t count) noexcept nogil:
    cdef const Mapping *mapping = <const Mapping *>job
    cdef const void *inputs[MOST_INPUTS]
    cdef void *outputs[MOST_OUTPUTS]
    cdef int k
    for k in range(mapping.loop.n_inputs):
        inputs[k] = <const char *>mapping.inputs[k] + first * mapping.loop.itemsize
    for k in range(mapping.loop.n_outputs):
        outputs[k] = <char *>mapping.outputs[k] + first * mapping.loop.itemsize
    mapping.loop.scalars(count, inputs, outputs, mapping.params)


cdef bint map_divided(const Loop *loop, size_t n, const void *const *inputs, void *const *outputs,
                      const double *params) except -1:
    """Call an elementwise kernel in several threads, or return False if one is better."""
    cdef Mapping mapping = Mapping(loop, inputs, outputs, params)
    cdef size_t before_line = -<size_t>outputs[0] & (LINE - 1)
    cdef size_t parts = own_threads.parts(n, loop.heavy)
    if parts > 1:
        divide(map_part, &mapping, n, LINE // loop.itemsize, before_line // loop.itemsize, parts)
    return parts > 1


cdef inline int run(const Loop *loop, size_t n, const void *const *inputs, void *const *outputs,
                    const double *params) except -1:
    if n < NOGIL_FROM:
        loop.scalars(n, inputs, outputs, params)
    elif own_threads.driver is None or not map_divided(loop, n, inputs, outputs, params):
        with nogil:
            loop.scalars(n, inputs, outputs, params)
    return 0


cdef struct Lines:                  # how an axis lies in a contiguous array: (outer, n, inner) in C order
    size_t outer
    size_t n
    size_t inner


ctypedef void (*untyped_kernel)() noexcept nogil
ctypedef void (*lines_call)(const void *job, size_t outer, size_t inner, char **arrays,
                            const pyacts_softmax_options *options) noexcept nogil

cdef struct LinesJob:               # a kernel that works on lines, and all that it is called with
    lines_call call
    untyped_kernel kernel
    Lines lines
    bint heavy
    int n_arrays
    char *arrays[MOST_ARRAYS]
    size_t sizes[MOST_ARRAYS]       # bytes that an array has for each of outer
    size_t itemsize                 # of all arrays, if they have the same and the kernel is one of softmax; else 0
    const pyacts_softmax_options *options
    size_t pool_size                # this and what follows only some kernels take
    double number
    const void *shared
    size_t width                    # of the blocks of inner that are copied to scratch
    char *scratch


cdef inline LinesJob lines_job(lines_call call, void *kernel, Lines lines, bint heavy) noexcept:
    """What there is to do without the arrays."""
    cdef LinesJob job
    job.call, job.kernel, job.lines, job.heavy = call, <untyped_kernel>kernel, lines, heavy
    job.itemsize, job.options = 0, NULL
    return job


cdef void outer_part(const void *work, size_t part, size_t first, size_t count) noexcept nogil:
    cdef const LinesJob *job = <const LinesJob *>work
    cdef char *arrays[MOST_ARRAYS]
    cdef pyacts_softmax_options o
    cdef size_t now = count, end = first + count, row
    cdef int k
    while first < end:
        for k in range(job.n_arrays):
            arrays[k] = job.arrays[k] + first * job.sizes[k]
        if job.options == NULL:
            job.call(job, now, job.lines.inner, arrays, NULL)
            return
        o = job.options[0]
        if o.causal_rows:           # the kernel counts rows from 0
            row = first % o.causal_rows
            o.causal_offset += <Py_ssize_t>row
            now = min(end - first, o.causal_rows - row) if row else end - first
        move_options(&o, job.itemsize, first, 0)
        job.call(job, now, job.lines.inner, arrays, &o)
        first += now


cdef void move_options(pyacts_softmax_options *o, Py_ssize_t itemsize, Py_ssize_t outer,
                       Py_ssize_t inner) noexcept nogil:
    """Let the options begin at that place of outer and inner."""
    if o.mask != NULL:
        o.mask += outer * o.mask_strides[0] + inner * o.mask_strides[2]
    if o.bias != NULL:
        o.bias = <const char *>o.bias + (outer * o.bias_strides[0] + inner * o.bias_strides[2]) * itemsize
    if o.sink != NULL:
        o.sink = <const char *>o.sink + (outer * o.sink_strides[0] + inner * o.sink_strides[1]) * max(itemsize, 4)


cdef void inner_part(const void *work, size_t part, size_t first, size_t count) noexcept nogil:
    """A part of inner, for which kernels have no argument: in blocks, which are copied to scratch and back."""
    cdef const LinesJob *job = <const LinesJob *>work
    cdef char *blocks[MOST_ARRAYS]
    cdef pyacts_softmax_options o
    cdef size_t step = job.lines.inner * job.itemsize, outer, at, width, rows = 0
    cdef int k, last = job.n_arrays - 1
    cdef char *place
    for outer in range(job.lines.outer):
        at = first
        while at < first + count:
            width = min(job.width, first + count - at)
            blocks[0] = job.scratch + part * scratch_size(job)
            for k in range(job.n_arrays):
                rows = job.sizes[k] // step
                place = job.arrays[k] + outer * job.sizes[k] + at * job.itemsize
                if k < last:
                    copy_rows(rows, width * job.itemsize, place, step, blocks[k], width * job.itemsize)
                    blocks[k + 1] = blocks[k] + rows * width * job.itemsize
            if job.options == NULL:
                job.call(job, 1, width, blocks, NULL)
            else:
                o = job.options[0]
                move_options(&o, job.itemsize, outer, at)
                job.call(job, 1, width, blocks, &o)
            copy_rows(rows, width * job.itemsize, blocks[last], width * job.itemsize, place, step)
            at += width


cdef inline size_t scratch_size(const LinesJob *job) noexcept nogil:
    return job.n_arrays * job.lines.n * job.width * job.itemsize


cdef inline void copy_rows(size_t rows, size_t size, const char *source, size_t from_step, char *target,
                           size_t to_step) noexcept nogil:
    cdef size_t row
    for row in range(rows):
        memcpy(target + row * to_step, source + row * from_step, size)


cdef int set_arrays(LinesJob *job, list arrays, size_t outer) except -1:
    """Let a job work on arrays in C order, of which some may be None."""
    job.n_arrays = 0
    for array in arrays:
        job.arrays[job.n_arrays] = NULL if array is None else <char *>cnp.PyArray_DATA(array)
        job.sizes[job.n_arrays] = 0 if array is None else array.nbytes // max(outer, 1)
        job.n_arrays += 1
    return 0


cdef int run_lines(LinesJob *job) except -1:
    cdef const Lines *lines = &job.lines
    cdef size_t parts = 1
    if own_threads.driver is not None:
        parts = own_threads.parts(lines.outer * lines.n * lines.inner, job.heavy)
    if 1 < parts <= lines.outer:
        divide(outer_part, job, lines.outer, 1, 0, parts)
        return 0
    if 1 < parts and parts * COLUMNS <= lines.inner and job.itemsize and lines.n <= LINES:
        job.width = max(LINES // lines.n // COLUMNS, 1) * COLUMNS
        job.scratch = <char *>malloc(parts * scratch_size(job))
        if job.scratch != NULL:
            try:
                divide(inner_part, job, lines.inner, COLUMNS, 0, parts)
            finally:
                free(job.scratch)
            return 0
    with nogil:
        job.call(job, lines.outer, lines.inner, <char **>job.arrays, job.options)
    return 0


# ----------------------------------------------------------------------------------------------------------------
# Ufunc loops

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
    cdef bint casts = "dtype" in keywords
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


# ----------------------------------------------------------------------------------------------------------------
# Elementwise activations

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
                    run(&self.storage[FORWARD].loops[d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                    return target
        gate, up = as_operands((gate, up))
        parameters = self.operands(given, self.joint_dtype(gate, up), False, keywords)
        return self.apply(FORWARD, (gate, up), parameters, out, keywords)

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
                run(&self.storage[FORWARD].loops[d], cnp.PyArray_SIZE(first), inputs, outputs, params)
                return up
        remedy = f"use pyacts.{self.name}(gate, up)"
        check_target(up, "up", remedy)
        check_no_mask(self.name, gate, "gate", remedy)
        _, gate = check_alike(f"{self.name}_", ("up", "gate"), (up, gate))
        parameters = self.operands(given, up.dtype, False, {})
        check_no_partial_overlap(up, gate, "gate", "up")
        plain = up.view(np.ndarray)
        self.apply(FORWARD, (gate, plain), parameters, plain, {})
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
                    run(&self.storage[BACKWARD].loops[d], cnp.PyArray_SIZE(first), inputs, outputs, params)
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
            check_outs(function, out, "gate", own_gate)
            return self.apply(BACKWARD, (grad, own_gate, own_up), parameters, out, {})
        check_no_partial_overlap(gate, grad, "grad", "gate")
        check_no_partial_overlap(up, grad, "grad", "up")
        if np.shares_memory(gate, up):
            raise ValueError(f"gate and up share memory, so both can't be changed in place: copy one of them, or "
                             f"{remedy}")
        targets = gate.view(np.ndarray), up.view(np.ndarray)
        self.apply(BACKWARD, (grad, *targets), parameters, targets, {})
        return gate, up


# ----------------------------------------------------------------------------------------------------------------
# softmax

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
    """What there is to do without the arrays, of which the last is the result. The backward has no exponential."""
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
# logsumexp: a number per line

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


# ----------------------------------------------------------------------------------------------------------------
# Losses

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
            return losses.astype(dtype)[()]
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
        given = given.astype(np.float32)
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


# ----------------------------------------------------------------------------------------------------------------
# maxout: contiguous arrays, made so where they are not

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


# ----------------------------------------------------------------------------------------------------------------
# crelu: as maxout

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


cdef Elementwise approximated(object approximate, Elementwise exact, Elementwise with_tanh):
    """The one that the keyword approximate of gelu asks for."""
    if not isinstance(approximate, str) or approximate not in ("none", "tanh"):
        raise ValueError(f"approximate must be 'none' or 'tanh', got {approximate!r}")
    return exact if approximate == "none" else with_tanh


include "functions.pxi"
