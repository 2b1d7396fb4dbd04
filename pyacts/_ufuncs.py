"""The NumPy ufuncs and gufuncs behind the functions. A ufunc is pickled by name, and this is the module it is found in."""

from pyacts import _array

globals().update(_array.ufuncs)
__all__ = list(_array.ufuncs)
