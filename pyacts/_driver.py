"""The one function that Numba compiles: it calls a C function in several threads.

Imported with the first call that wants threads, for it imports Numba. What is compiled is kept where Numba keeps such
things: in ``__pycache__`` beside this file; if that can't be written, in the user's cache folder; or in
``NUMBA_CACHE_DIR``, if that is set.
"""

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WORD = ir.IntType(types.intp.bitwidth)

# What numba.get_num_threads and numba.set_num_threads call; a function that uses those themselves can't be cached.
get_num_threads = types.ExternalFunction("get_num_threads", types.intp())
set_num_threads = types.ExternalFunction("set_num_threads", types.void(types.intc))


@intrinsic
def call(typing_context, function, job, part):
    """Call the C function at an address with two words."""

    def generate(context, builder, signature, arguments):
        address, *words = arguments
        pointer = ir.FunctionType(ir.VoidType(), [WORD, WORD]).as_pointer()
        builder.call(builder.inttoptr(address, pointer), words)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), generate


def drive(function, job, parts):
    own = get_num_threads()
    set_num_threads(parts)  # of this thread, and Numba's alone
    for part in numba.prange(parts):
        call(function, job, part)
    set_num_threads(own)


def compiled():
    signature = types.void(types.intp, types.intp, types.intp)
    options = {"parallel": True, "nogil": True}
    try:
        return numba.njit(signature, cache=True, **options)(drive)
    except (OSError, RuntimeError):  # there is no folder that the cache could be kept in
        return numba.njit(signature, **options)(drive)


def pool_size():
    """Start Numba's threads, if nobody has: how many parts can be done at once."""
    if numba.config.DISABLE_JIT:
        return 1
    numba.get_num_threads()
    # This layer ends the process when two of its users meet.
    return 1 if numba.threading_layer() == "workqueue" else numba.config.NUMBA_NUM_THREADS
