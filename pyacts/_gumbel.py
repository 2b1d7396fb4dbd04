"""gumbel_softmax: softmax of numbers with noise."""

from __future__ import annotations  # numpy.random, which takes a while to import, is then only imported when used

from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from pyacts import _array


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
    ValueError
        If tau is not positive and finite, or the axis has length 0.
    numpy.exceptions.AxisError
        If axis is out of range.

    See Also
    --------
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
    tau = float(tau)
    if not 0 < tau < float("inf"):
        raise ValueError(f"gumbel_softmax: tau must be positive and finite, got {tau}")
    x = np.asarray(x)
    noise = -np.log(np.random.default_rng(rng).standard_exponential(x.shape))
    dtype = x.dtype if x.dtype.kind not in "biu" else np.float64
    noisy = (x + noise).astype(dtype)
    y = _array.softmax(noisy, axis, scale=1 / tau)
    return _array.hardmax(y, axis) if hard else y
