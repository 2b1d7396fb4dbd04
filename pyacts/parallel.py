"""The functions of pyacts on all cores, whatever ``set_num_threads`` says: ``pyacts.parallel.gelu_(x)``.

They need Numba: ``pip install pyacts[parallel]``. See ``pyacts.set_num_threads``, which does the same for all calls.
"""

import functools
import sys

from pyacts import _array
from pyacts._threads import num_threads

__all__ = list(_array.FUNCTIONS)


def on_all_cores(function):
    @functools.wraps(function)
    def on_all(*arguments, **keywords):
        with num_threads(sys.maxsize):
            return function(*arguments, **keywords)

    on_all.__module__ = __name__
    return on_all


for _name in __all__:
    _function = getattr(_array, _name)
    # An alias is the same function here too, and comes after it.
    globals()[_name] = on_all_cores(_function) if _name == _function.__name__ else globals()[_function.__name__]
del _name, _function


def __dir__():
    return __all__
