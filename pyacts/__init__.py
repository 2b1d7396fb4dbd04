"""Neural-network activation functions for CPU arrays, forward and backward.

For an activation ``f``: ``f(x)`` gives a new array, ``f_(x)`` works in place, ``f_backward(grad, x)`` is the gradient
with respect to the input and ``f_backward_(grad, x)`` the same in place. ``get(name)`` finds a function by name, in any
spelling, and ``catalog.ACTIVATIONS`` lists them all. ``pyacts.exact`` has the same functions, rounded but once, and
``pyacts.parallel`` on all cores, as they all are after ``set_num_threads``. C programs use the same kernels: see
``get_include`` and ``get_library``, and ``ffi`` and ``lib`` for calling the C functions from Python.
"""

try:
    from pyacts import _array
except ImportError as error:
    raise ImportError(
        f"pyacts is not built here ({error}). In its source folder, leave that folder or install with pip install -e ."
    ) from error
from pyacts import _ufuncs as _ufuncs  # pickle looks for a ufunc in the modules that are loaded
from pyacts import catalog, exact, parallel
from pyacts._array import isa
from pyacts._bias import bias_act, bias_act_, bias_act_backward, bias_act_backward_
from pyacts._gates import split_gate
from pyacts._gumbel import gumbel_softmax, gumbel_softmax_
from pyacts._names import get
from pyacts._paths import get_cmake_dir, get_include, get_library, get_pkgconfig_dir
from pyacts._threads import get_num_threads, num_threads, set_num_threads
from pyacts._version import __version__

__all__ = [
    "__version__",
    "bias_act",
    "bias_act_",
    "bias_act_backward",
    "bias_act_backward_",
    "catalog",
    "exact",
    "ffi",
    "get",
    "get_cmake_dir",
    "get_include",
    "get_library",
    "get_num_threads",
    "get_pkgconfig_dir",
    "gumbel_softmax",
    "gumbel_softmax_",
    "isa",
    "lib",
    "num_threads",
    "parallel",
    "set_num_threads",
    "split_gate",
    *_array.FUNCTIONS,
]

for _name in ("gumbel_softmax", "gumbel_softmax_", "isa", *_array.FUNCTIONS):
    globals()[_name] = getattr(_array, _name, globals().get(_name))
    globals()[_name].__module__ = "pyacts"  # where users find it, and where pickle looks
del _name


def __getattr__(name):
    if name in ("ffi", "lib"):  # made on first use: reading the header takes cffi a while
        from pyacts import _cffi

        globals().update(ffi=_cffi.ffi, lib=_cffi.lib)
        return globals()[name]
    raise AttributeError(f"module 'pyacts' has no attribute {name!r}")


def __dir__():
    return __all__
