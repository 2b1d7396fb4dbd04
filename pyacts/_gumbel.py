"""gumbel_softmax: softmax of numbers with noise."""

from __future__ import annotations  # numpy.random, which takes a while to import, is then only imported when used

from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from pyacts import _array
from pyacts._bias import plain


def gumbel_softmax(
    x: ArrayLike,
    tau: float = 1.0,
    hard: bool = False,
    axis: SupportsIndex = -1,
    rng: np.random.Generator | int | None = None,
) -> Any:
    """A random choice of one of the numbers along an axis, by softmax(x), made differentiable.

        y = softmax((x + g) / tau), with g from the standard Gumbel distribution

    Parameters
    ----------
    x : array_like
        Logarithms of probabilities, up to a constant along axis.
    tau : float, default 1
        The temperature, positive: the smaller, the closer to one-hot.
    hard : bool, default False
        Whether the result is one-hot, 1 at the largest y.
    axis : int, default -1
        The axis to work along.
    rng : numpy.random.Generator, int or None
        Where the noise comes from: what numpy.random.default_rng takes.

    Returns
    -------
    ndarray
        In the shape of x.

    Raises
    ------
    TypeError
        If x is complex, longdouble, object or a MaskedArray.
    ValueError
        If tau is not positive and finite, 1 / tau is too large for float32 (for float64 if x is), or the axis has
        length 0.
    numpy.exceptions.AxisError
        If axis is out of range.

    See Also
    --------
    gumbel_softmax_ : the same in place
    softmax_backward : with y and scale=1 / tau, its gradient
    hardmax : what hard does

    Notes
    -----
    The gradient with respect to x is softmax_backward(grad, y=y, axis=axis, scale=1 / tau). For the straight-through
    estimator, which passes the gradient of y through a hard choice, make y and then hardmax(y, axis).

    Proposed by: Jang, Gu and Poole, Categorical reparameterization with Gumbel-softmax, ICLR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> import pyacts
    >>> y = pyacts.gumbel_softmax(np.log([0.1, 0.2, 0.7]), tau=0.5, rng=0)
    >>> float(y.sum().round(6))
    1.0
    >>> dx = pyacts.softmax_backward(np.array([0.0, 0.0, 1.0]), y=y, scale=1 / 0.5)
    >>> choices = pyacts.gumbel_softmax(np.log(np.tile([0.1, 0.2, 0.7], (10000, 1))), hard=True, rng=0)
    >>> choices.mean(axis=0).round(1)
    array([0.1, 0.2, 0.7])
    """
    x = plain("gumbel_softmax", "x", x)
    dtype = _array.result_dtype("gumbel_softmax", x.dtype)
    scale = inverse("gumbel_softmax", tau, dtype)
    with np.errstate(all="ignore"):
        noisy = (x + noise(x.shape, rng)).astype(dtype)
    y = _array.softmax(noisy, axis, scale=scale)
    return _array.hardmax_(y, axis) if hard else y


def gumbel_softmax_(
    x: Any,
    tau: float = 1.0,
    hard: bool = False,
    axis: SupportsIndex = -1,
    rng: np.random.Generator | int | None = None,
) -> Any:
    """In place: a random choice of one of the numbers along an axis, by softmax(x), made differentiable.

        y = softmax((x + g) / tau), with g from the standard Gumbel distribution

    Parameters
    ----------
    x : ndarray
        Logarithms of probabilities, up to a constant along axis: float16, bfloat16, float32 or float64, any strides,
        writeable.
    tau : float, default 1
        The temperature, positive: the smaller, the closer to one-hot.
    hard : bool, default False
        Whether the result is one-hot, 1 at the largest y.
    axis : int, default -1
        The axis to work along.
    rng : numpy.random.Generator, int or None
        Where the noise comes from: what numpy.random.default_rng takes.

    Returns
    -------
    ndarray
        x itself, changed.

    Raises
    ------
    TypeError
        If x is not a NumPy array of a supported dtype.
    ValueError
        If x is read-only, its elements share memory, tau is not positive and finite, 1 / tau is too large for float32
        (for float64 if x is), or the axis has length 0. Nothing is written.
    numpy.exceptions.AxisError
        If axis is out of range. Nothing is written.

    See Also
    --------
    gumbel_softmax : the same into a new array
    softmax_backward_ : with y and scale=1 / tau, its gradient in place

    Notes
    -----
    The same numbers as gumbel_softmax gives with the same rng.

    Examples
    --------
    >>> import numpy as np
    >>> import pyacts
    >>> x = np.log([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1]])
    >>> pyacts.gumbel_softmax_(x, hard=True, rng=4) is x
    True
    >>> x.sum(axis=1)
    array([1., 1.])
    """
    _array.check_target(x, "x", "use pyacts.gumbel_softmax(x)")
    scale = inverse("gumbel_softmax_", tau, _array.result_dtype("gumbel_softmax_", x.dtype))
    axis = _array.counted_axis(x.shape, axis)
    with np.errstate(all="ignore"):
        np.add(x, noise(x.shape, rng), out=x, casting="unsafe")
    _array.softmax_(x, axis, scale=scale)
    return _array.hardmax_(x, axis) if hard else x


def inverse(function: str, tau: float, dtype: np.dtype) -> float:
    """1 / tau, which softmax takes in float64, or else in float32."""
    tau = float(tau)
    largest = float(np.finfo(np.float64 if dtype == np.float64 else np.float32).max)
    if not 0 < tau < float("inf") or 1 / tau > largest:
        raise ValueError(f"{function}: tau must be positive and finite, and 1 / tau at most {largest:.3g}, got {tau}")
    return 1 / tau


def noise(shape: tuple[int, ...], rng: np.random.Generator | int | None) -> Any:
    """Numbers from the standard Gumbel distribution."""
    return -np.log(np.random.default_rng(rng).standard_exponential(shape))
