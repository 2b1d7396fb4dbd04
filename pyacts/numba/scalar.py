"""The elementwise activations and gated units as functions of numbers, for loops of your own.

Inside ``@njit`` they become part of the loop they are called in, which LLVM then vectorises: a bias, a scale and the
activation are one pass over memory. They are the kernels' own mathematics, translated, and give the kernels' bits
wherever there are fused multiply-adds.

For an activation ``f``: ``f(x)``, ``f_backward(grad, x)`` and, where the output determines the derivative,
``f_backward_y(grad, y)``, with the parameters after them. A gated unit has ``f(gate, up)`` and
``f_backward(grad, gate, up)``, which returns a pair. The result is float32 if all of ``x``, ``y``, ``grad``, ``gate``
and ``up`` are, else float64. Parameters are not checked: that would be done for every element.

Examples
--------
>>> import numpy as np
>>> from numba import njit
>>> from pyacts.numba import scalar
>>> @njit
... def biased(z, bias):
...     for i in range(z.shape[0]):
...         for j in range(z.shape[1]):
...             z[i, j] = scalar.elu(z[i, j] + bias[j], 0.5)
>>> z = np.array([[-2.0, 0.0], [0.0, 2.0]])
>>> biased(z, np.array([1.0, -1.0]))
>>> z.round(4)
array([[-0.3161, -0.3161],
       [ 1.    ,  1.    ]])
"""

import numpy as np
from numba import njit, types
from numba.core.errors import TypingError
from numba.extending import overload

from pyacts.catalog import ACTIVATIONS
from pyacts.numba._mathematics import functions
from pyacts.numba._real import OPTIONS

OF_TYPE = {types.float32: functions(np.float32), types.float64: functions(np.float64)}
NUMBERS = (types.Float, types.Integer)

# A function that is called by people, one that Numba replaces by that of the right type, and how it finds that.
SOURCE = '''
def replaced({names}):
    pass

def replacement({names}):
    real, function = of_types("{name}", {count}, ({names}))
    return lambda {names}: function({converted})

def {name}({arguments}):
    """{summary}"""
    return replaced({names})
'''


def of_types(name, count, given):
    """The number type, and the function for it, that arguments of these types call for."""
    for argument in given:
        if not isinstance(argument, NUMBERS) or argument == types.float16:
            raise TypingError(
                f"pyacts.numba.scalar.{name}() takes numbers, float32, float64 or integers, not {argument}; "
                f"for arrays there is pyacts.{name.removesuffix('_y')}()"
            )
    kind = types.float32 if set(given[:count]) == {types.float32} else types.float64
    return kind, OF_TYPE[kind][name]


def scalar_function(activation, direction):
    """The function of one direction of an activation."""
    name = activation.name + ("" if direction == "forward" else f"_{direction}")
    operands = activation.operands(direction)[0]
    parameters = activation.parameters
    names = [*operands, *(p.name for p in parameters)]
    defaults = "".join(f", {p.name}" + ("" if p.default is None else f"={p.default!r}") for p in parameters)
    derivative = activation.derivative_y if direction == "backward_y" else activation.derivative
    source = SOURCE.format(
        name=name,
        names=", ".join(names) + ("," if len(names) == 1 else ""),
        arguments=", ".join(operands) + defaults,
        count=len(operands),
        converted=", ".join(f"real({n})" for n in names),
        summary=activation.formula if direction == "forward" else f"grad times {derivative}",
    )
    scope = {"of_types": of_types}
    exec(source, scope)
    overload(scope["replaced"], jit_options=OPTIONS)(scope["replacement"])
    scope[name].__module__ = __name__
    return njit(**OPTIONS)(scope[name])


__all__ = []
for _activation in ACTIVATIONS:
    if _activation.kind in ("elementwise", "channelwise", "gated"):
        for _direction in _activation.directions:
            _function = scalar_function(_activation, _direction)
            for _name in (_activation.name, *_activation.aliases):
                _name = _name + _function.__name__.removeprefix(_activation.name)
                globals()[_name] = _function
                __all__.append(_name)
del _activation, _direction, _function, _name
