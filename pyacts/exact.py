"""The exact tier: the functions of pyacts under the same names, float32 being computed in float64 and rounded once.

At most 0.51 units in the last place from the exact value: in tails, for subnormal results, around the zeros of a
derivative; more than 99 results in 100 are the correctly rounded ones. float16 and bfloat16 are computed in float32 by
the ordinary kernels, which keep the same bound. float64 raises TypeError: there is nothing wider to compute it in.

It has the elementwise functions, the gated units and the softmax family: forward, backward, and in place where pyacts
has that, but no ``*_parameter_grad``. What only chooses among its inputs, such as maxout, is exact in any case. Where
the gradient of softmax is a small difference of large numbers, it is as good as float64 can give the difference.
"""

from pyacts import _array

__all__ = list(_array.EXACT_FUNCTIONS)

for _name, _function in _array.EXACT_FUNCTIONS.items():
    if _name == _function.__name__.removeprefix("exact_"):  # not an alias
        _function.__name__ = _function.__qualname__ = _name
        _function.__module__ = __name__
    globals()[_name] = _function
del _name, _function


def __dir__():
    return __all__
