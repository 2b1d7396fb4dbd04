"""A layer's bias and activation in one pass over memory: what follows ``dot(input, kernel)``.

Made of NumPy's add and of the functions in place, which work on one tile of rows after another while it is in the
cache. What is not in a dtype of the kernels and in native order, or has rows that are not evenly spaced, goes through
scratch tiles; halves are computed in float32 and rounded once.
"""

import functools
import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from pyacts._array import check_alike, check_no_partial_overlap, check_target, result_dtype
from pyacts._names import get
from pyacts.catalog import ACTIVATIONS, meaning

# Elements: the calls for a tile take about a microsecond, which is little beside the work on as many as these.
TILE = 32768

# Their parameters in order, by name.
ELEMENTWISE = {a.name: [p.name for p in a.parameters] for a in ACTIVATIONS if a.kind in ("elementwise", "channelwise")}


class Rows:
    """An array as rows along its last axis, and tiles of them: views if the rows are evenly spaced, else copies."""

    def __init__(self, array: np.ndarray) -> None:
        array = np.asarray(array)
        axes = [(n, step) for n, step in zip(array.shape[:-1], array.strides[:-1], strict=True) if n != 1]
        self.even = all(step == n * below for (_, step), (n, below) in pairwise(axes))
        self.array = array.reshape(math.prod(array.shape[:-1]), array.shape[-1]) if self.even else array

    def place(self, start: int, stop: int) -> Any:
        return slice(start, stop) if self.even else np.unravel_index(range(start, stop), self.array.shape[:-1])

    def __getitem__(self, tile: tuple[int, int]) -> np.ndarray:
        return self.array[self.place(*tile)]

    def __setitem__(self, tile: tuple[int, int], values: np.ndarray) -> None:
        self.array[self.place(*tile)] = values


@functools.lru_cache
def elementwise(
    function: str, activation: str, direction: Literal["inplace", "backward_inplace"]
) -> tuple[Callable[..., Any], list[str], dict]:
    """The function of an activation, the names of its parameters, and the defaults that its name asks for."""
    canonical, defaults = meaning(activation)
    if canonical not in ELEMENTWISE:
        raise ValueError(f"{function}: {activation} is not elementwise")
    return get(canonical, direction), ELEMENTWISE[canonical], defaults


class Layer:
    """An activation and a bias for arrays of a shape and dtype, checked: everything that can be wrong is found here."""

    def __init__(
        self, function: str, array: np.ndarray, activation: str, direction: str, positional: tuple, named: dict
    ) -> None:
        if not isinstance(activation, str):
            get(activation)  # raises what it has to say about that
        self.function = function
        self.apply, self.parameters, defaults = elementwise(function, activation, direction)
        if array.ndim == 0:
            raise ValueError(f"{function}() needs an array of shape (..., units), got ()")
        self.rows, self.units = math.prod(array.shape[:-1]), array.shape[-1]
        self.height = max(min(TILE // max(self.units, 1), self.rows), 1)
        self.dtype = np.dtype(np.float64 if array.dtype.itemsize == 8 else np.float32)  # what is computed in
        self.positional = list(positional)
        given = self.parameters[: len(positional)]
        self.named = {name: value for name, value in defaults.items() if name not in given} | named

    def check_parameters(self, saved: str = "") -> None:
        """Raise what the activation raises for its parameters on a row, before anything is written."""
        if not (saved or self.parameters or self.positional or self.named):
            return  # nothing can be wrong
        row = np.zeros((1, self.units), self.dtype)
        self(row, saved, row)
        self.positional = [own_copy(p) for p in self.positional]
        self.named = {name: own_copy(p) for name, p in self.named.items()}

    def __call__(self, tile: np.ndarray, saved: str = "", values: np.ndarray | None = None) -> None:
        """The function in place in tile; a backward starts from the values of x or y."""
        if not saved:
            self.apply(tile, *self.positional, **self.named)
        elif saved == "y":
            self.apply(tile, None, *self.positional, y=values, **self.named)
        else:
            self.apply(tile, values, *self.positional, **self.named)

    def bias_tile(self, bias: ArrayLike) -> np.ndarray:
        """The bias, if there are several tiles once for each row: NumPy adds one long row faster than short ones."""
        array = plain(self.function, "bias", bias)
        result_dtype(self.function, array.dtype)
        if array.shape != (self.units,):
            raise ValueError(
                f"{self.function}: bias must have the shape {(self.units,)}, one for each unit, got {array.shape}"
            )
        with np.errstate(all="ignore"):  # what is too large for the dtype becomes infinite
            row = array.astype(self.dtype)[None]
        return np.repeat(row, self.height, axis=0) if self.rows > self.height else row

    def tiles(self) -> Iterator[tuple[int, int]]:
        for start in range(0, self.rows if self.units else 0, self.height):
            yield start, min(start + self.height, self.rows)

    def scratch_unless(self, direct: bool) -> np.ndarray | None:
        return None if direct else np.empty((self.height, self.units), self.dtype)

    def takes(self, rows: Rows) -> bool:
        """Whether tiles of these rows are views that a kernel can work on."""
        return rows.even and rows.array.dtype == self.dtype


def own_copy(parameter: Any) -> Any:
    """A copy of an array, which may be a view of what is about to be changed; a number stays one, which is faster."""
    return np.array(parameter) if isinstance(parameter, np.ndarray) or np.ndim(parameter) else parameter


def plain(function: str, name: str, value: ArrayLike) -> np.ndarray:
    """The value as an array without a mask."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{function}() would ignore the mask of {name}, a MaskedArray: fill it")
    return np.asarray(value)


def new_or_out(function: str, array: np.ndarray, out: np.ndarray | None, *inputs: np.ndarray) -> np.ndarray:
    """Where the result is made: out, or a new array if there is none or if it overlaps what is read."""
    if out is not None:
        check_target(out, "out", f"leave it out, and {function} makes a new array")
        check_alike(function, ("out", "the result"), (out, array))
    if out is None or any(np.may_share_memory(out, other) for other in inputs):
        return np.empty(array.shape, array.dtype.newbyteorder("="))
    return out


def forward(layer: Layer, z: np.ndarray, bias: ArrayLike, target: np.ndarray) -> None:
    layer.check_parameters()
    biases = layer.bias_tile(bias)
    if layer.rows == layer.height and target.dtype == layer.dtype:
        with np.errstate(all="ignore"):
            np.add(z, biases[0], out=target)
            layer(target[None] if target.ndim == 1 else target)  # as rows, which parameters are checked for
        return
    source, result = Rows(z), Rows(target)
    scratch = layer.scratch_unless(layer.takes(result))
    with np.errstate(all="ignore"):
        for place in layer.tiles():
            n = place[1] - place[0]
            tile = result[place] if scratch is None else scratch[:n]
            np.add(source[place], biases[:n], out=tile)
            layer(tile)
            if scratch is not None:
                result[place] = tile


def backward(
    layer: Layer, grad: np.ndarray, saved: np.ndarray, bias: ArrayLike | None, target: np.ndarray
) -> np.ndarray:
    """From y, or with a bias from z. Returns the gradient of the bias."""
    name = "y" if bias is None else "x"
    layer.check_parameters(name)
    biases = None if bias is None else layer.bias_tile(bias)
    grads, kept, result = Rows(grad), Rows(saved), Rows(target)
    scratch = layer.scratch_unless(layer.takes(result))
    values = layer.scratch_unless(bias is None and layer.takes(kept))
    # Double, and a sum for each row of a tile: these are added up last.
    sums = np.zeros((0, layer.units))
    with np.errstate(all="ignore"):
        for place in layer.tiles():
            n = place[1] - place[0]
            tile = result[place] if scratch is None else scratch[:n]
            if scratch is not None or target is not grad:
                np.copyto(tile, grads[place])
            start = kept[place]
            if biases is not None:
                start = np.add(start, biases[:n], out=values[:n])
            elif values is not None:
                values[:n] = start
                start = values[:n]
            layer(tile, name, start)
            if place[0] == 0:
                sums = tile.astype(np.float64)
            else:
                np.add(sums[:n], tile, out=sums[:n])
            if scratch is not None:
                result[place] = tile
        return sums.sum(axis=0).astype(grad.dtype.newbyteorder("="))


def pre_activation(function: str, y: Any, z: Any, bias: Any) -> tuple[str, Any]:
    """What the backward starts from, y or z, by name."""
    if (y is None) == (z is None) or (z is None) != (bias is None):
        raise TypeError(f"{function}() needs either y (the forward's output) or z and bias (its inputs)")
    return ("z", z) if y is None else ("y", y)


def bias_act(
    z: ArrayLike, bias: ArrayLike, activation: str, *parameters: Any, out: np.ndarray | None = None, **named: Any
) -> Any:
    """An activation of z + bias, in one pass: what follows the matrix product in a layer.

    y = f(z + bias)

    Parameters
    ----------
    z : array_like
        Of shape (..., units), such as ``dot(input, kernel)`` of a batch.
    bias : array_like
        Of shape (units,). It is converted to the dtype of z.
    activation : str
        The name of an elementwise activation, as for get.
    *parameters
        Its parameters: numbers, or arrays with one for each unit.
    out : ndarray, optional
        Where to put the result; it may be z.
    **named
        Its parameters by name.

    Returns
    -------
    ndarray
        In the shape and dtype of z.

    Raises
    ------
    TypeError
        If z or bias is complex, longdouble, object or a MaskedArray.
    ValueError
        If there is no such elementwise activation, a parameter is out of its domain, or the shapes do not fit.

    See Also
    --------
    bias_act_ : the same in place
    bias_act_backward : its gradients

    Notes
    -----
    For float32 and float64, bit for bit ``f(z + bias)``; for halves the sum is not rounded to a half.

    Examples
    --------
    >>> import numpy as np
    >>> import pyacts
    >>> pyacts.bias_act(np.array([[1.0, 2.0], [3.0, 4.0]]), [-2.0, 1.0], "leaky_relu", 0.1)
    array([[-0.1,  3. ],
           [ 1. ,  5. ]])
    """
    z = plain("bias_act", "z", z)
    dtype = result_dtype("bias_act", z.dtype)
    z = z if dtype == z.dtype.newbyteorder("=") else z.astype(dtype)
    layer = Layer("bias_act", z, activation, "inplace", parameters, named)
    target = new_or_out("bias_act", z, out, z)
    forward(layer, z, bias, target)
    if out is None or out is target:
        return target
    out[...] = target
    return out


def bias_act_(z: Any, bias: ArrayLike, activation: str, *parameters: Any, **named: Any) -> Any:
    """In place: an activation of z + bias, in one pass: what follows the matrix product in a layer.

    y = f(z + bias)

    Parameters
    ----------
    z : ndarray
        Of shape (..., units), such as ``dot(input, kernel)`` of a batch: float16, bfloat16, float32 or float64, any
        strides, writeable.
    bias : array_like
        Of shape (units,). It is converted to the dtype of z.
    activation : str
        The name of an elementwise activation, as for get.
    *parameters
        Its parameters: numbers, or arrays with one for each unit.
    **named
        Its parameters by name.

    Returns
    -------
    ndarray
        z itself, changed.

    Raises
    ------
    TypeError
        If z is not a NumPy array of such a dtype, or has rules of its own (a MaskedArray).
    ValueError
        If z is read-only, its elements share memory, there is no such elementwise activation, a parameter is out of its
        domain, or the shapes do not fit. Nothing is written.

    See Also
    --------
    bias_act : the same into a new array
    bias_act_backward_ : its gradients

    Examples
    --------
    >>> import numpy as np
    >>> import pyacts
    >>> z = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> pyacts.bias_act_(z, [-2.0, 1.0], "relu") is z
    True
    >>> z
    array([[0., 3.],
           [1., 5.]])
    """
    check_target(z, "z", "use pyacts.bias_act(z, bias, ...)")
    forward(Layer("bias_act_", z, activation, "inplace", parameters, named), z, bias, z)
    return z


def bias_act_backward(
    grad: ArrayLike,
    activation: str,
    *parameters: Any,
    y: ArrayLike | None = None,
    z: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    out: np.ndarray | None = None,
    **named: Any,
) -> tuple[Any, Any]:
    """Gradients of bias_act with respect to z and bias, in one pass.

    dz = grad * f'(z + bias), dbias = dz summed over all axes but the last

    Parameters
    ----------
    grad : array_like
        Gradient of the loss with respect to the output, of shape (..., units).
    activation : str
        As in the forward.
    *parameters
        As in the forward.
    y : array_like, optional
        The output of the forward; same shape and dtype as grad.
    z : array_like, optional
        The input of the forward, if y is not given: for activations whose output does not determine the derivative.
    bias : array_like, optional
        As in the forward; with z.
    out : ndarray, optional
        Where to put dz; it may be grad.
    **named
        As in the forward.

    Returns
    -------
    dz : ndarray
        In the shape and dtype of grad.
    dbias : ndarray
        Of shape (units,), in the dtype of grad.

    Raises
    ------
    TypeError
        If not just y, or z and bias, are given, the activation's backward cannot start from y, or the dtypes differ.
    ValueError
        If the shapes do not fit, there is no such elementwise activation, or a parameter is out of its domain.

    See Also
    --------
    bias_act : the forward
    bias_act_backward_ : the same in place

    Notes
    -----
    dbias is summed in double, in an order that depends on the shape alone.

    Examples
    --------
    >>> import numpy as np
    >>> import pyacts
    >>> y = pyacts.bias_act(np.array([[1.0, 2.0], [3.0, 4.0]]), [-2.0, 1.0], "relu")
    >>> dz, dbias = pyacts.bias_act_backward(np.ones((2, 2)), "relu", y=y)
    >>> dz
    array([[0., 1.],
           [1., 1.]])
    >>> dbias
    array([1., 2.])
    """
    function = "bias_act_backward"
    name, saved = pre_activation(function, y, z, bias)
    plain(function, "grad", grad)
    plain(function, name, saved)
    grad, saved = (np.asarray(a) for a in check_alike(function, ("grad", name), (grad, saved)))
    dtype = result_dtype(function, grad.dtype)
    if dtype != grad.dtype.newbyteorder("="):
        grad, saved = grad.astype(dtype), saved.astype(dtype)
    layer = Layer(function, grad, activation, "backward_inplace", parameters, named)
    target = new_or_out(function, grad, out, grad, saved)
    dbias = backward(layer, grad, saved, bias, target)
    if out is None or out is target:
        return target, dbias
    out[...] = target
    return out, dbias


def bias_act_backward_(
    grad: Any,
    activation: str,
    *parameters: Any,
    y: ArrayLike | None = None,
    z: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    **named: Any,
) -> tuple[Any, Any]:
    """Gradients of bias_act with respect to z, in place in grad, and bias, in one pass.

    dz = grad * f'(z + bias), dbias = dz summed over all axes but the last

    Parameters
    ----------
    grad : ndarray
        Gradient of the loss with respect to the output, of shape (..., units): float16, bfloat16, float32 or float64,
        any strides, writeable.
    activation : str
        As in the forward.
    *parameters
        As in the forward.
    y : array_like, optional
        The output of the forward, which an in-place forward leaves; same shape and dtype as grad.
    z : array_like, optional
        The input of the forward, if y is not given: for activations whose output does not determine the derivative.
    bias : array_like, optional
        As in the forward; with z.
    **named
        As in the forward.

    Returns
    -------
    dz : ndarray
        grad itself, changed.
    dbias : ndarray
        Of shape (units,), in the dtype of grad.

    Raises
    ------
    TypeError
        If grad is not a NumPy array of a supported dtype, not just y, or z and bias, are given, the activation's
        backward cannot start from y, or the dtypes differ.
    ValueError
        If grad is read-only, its elements share memory, y or z partly overlaps it, the shapes do not fit, there is no
        such elementwise activation, or a parameter is out of its domain. Nothing is written.

    See Also
    --------
    bias_act_backward : the same into new arrays

    Examples
    --------
    >>> import numpy as np
    >>> import pyacts
    >>> grad, z, bias = np.ones((2, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), [-2.0, 1.0]
    >>> dz, dbias = pyacts.bias_act_backward_(grad, "silu", z=z, bias=bias)
    >>> dz is grad
    True
    >>> dbias.round(4)
    array([1.    , 2.1147])
    """
    function = "bias_act_backward_"
    name, saved = pre_activation(function, y, z, bias)
    check_target(grad, "grad", f"use pyacts.bias_act_backward(grad, ..., {name}={name})")
    plain(function, name, saved)
    _, saved = check_alike(function, ("grad", name), (grad, saved))
    check_no_partial_overlap(grad, saved, name)
    layer = Layer(function, grad, activation, "backward_inplace", parameters, named)
    return grad, backward(layer, grad, np.asarray(saved), bias, grad)
