"""The functions of pyacts inside ``@njit``.

Once this is imported, Numba compiles calls of them in nopython mode: arrays of float32 and float64, in place, with
``out=`` and into new ones, backward, and numbers. They are calls of the C library, and give its bits. ``scalar`` has
the elementwise ones for loops of your own. See docs/numba.md.

Examples
--------
>>> import numpy as np
>>> from numba import njit
>>> import pyacts, pyacts.numba
>>> @njit
... def layer(x, w):
...     return pyacts.relu_(x @ w)
>>> layer(np.array([[1.0, -2.0]]), np.eye(2))
array([[1., 0.]])
"""

try:
    import numba as _numba  # noqa: F401
except ImportError as error:
    raise ImportError("pyacts.numba needs Numba: pip install numba") from error
from pyacts._paths import load_for_numba

load_for_numba()

from pyacts.numba import _overloads, scalar  # noqa: E402

__all__ = ["scalar"]

for _form in _overloads.forms():
    _overloads.register(*_form)
del _form
