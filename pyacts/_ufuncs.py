"""The NumPy ufuncs and gufuncs behind the functions: a ufunc is pickled by name, and found in this module."""

from pyacts import _array

globals().update(_array.ufuncs)
__all__ = list(_array.ufuncs)
