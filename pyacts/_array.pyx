"""The array face: NumPy arrays to kernels.

A contiguous array of a supported dtype takes the direct path: checks, one C call. Everything else (other strides, array
parameters, integers, lists, dask, pandas, where=, ...) goes through a NumPy ufunc, or for softmax a gufunc, whose inner
loop calls the same kernel.

What is here is the same for every activation of a kind. It is one module, for the parts call each other for every
array; array_face/ has them, included at the end. The functions themselves, one def each with its signature and
docstring, are generated from the catalogue into functions.pxi.
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


include "array_face/arrays.pxi"
include "array_face/threads.pxi"
include "array_face/ufunc_loops.pxi"
include "array_face/elementwise.pxi"
include "array_face/gated.pxi"
include "array_face/softmax.pxi"
include "array_face/losses.pxi"
include "array_face/maxout.pxi"
include "array_face/crelu.pxi"
include "functions.pxi"
