"""The two inputs of a gated unit in one array."""

import operator
from typing import Any, Literal, SupportsIndex

import numpy as np

# By where the gate is: the slices of the axis that are gate and up, given half of its length.
PARTS = {
    "first": lambda half: (slice(None, half), slice(half, None)),
    "second": lambda half: (slice(half, None), slice(None, half)),
    "interleaved": lambda half: (slice(None, None, 2), slice(1, None, 2)),
}


def split_gate(
    x: Any, axis: SupportsIndex = -1, gate: Literal["first", "second", "interleaved"] = "first"
) -> tuple[Any, Any]:
    """The views gate and up of an array that holds both along an axis, as one matrix product gives them.

    Frameworks disagree on which half is which, so say it: the wrong one gives plausible numbers.

    Parameters
    ----------
    x : array_like
        The packed array. Nothing is copied: what is changed in the views is changed in x.
    axis : int, default -1
        The axis that is split in two.
    gate : {"first", "second", "interleaved"}
        Where the gate is: in the first half, in the second half, or at the even places, each followed by its up.

    Returns
    -------
    gate, up : ndarray
        Views of x, the axis half as long.

    Raises
    ------
    ValueError
        If the length of the axis is odd, or gate is none of these.
    numpy.exceptions.AxisError
        If axis is out of range.

    See Also
    --------
    glu, reglu, swiglu : what to do with the two

    Examples
    --------
    >>> import numpy as np
    >>> import pyacts
    >>> x = np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> gate, up = pyacts.split_gate(x)
    >>> pyacts.reglu_(gate, up)
    array([[3., 8.]])
    >>> x
    array([[1., 2., 3., 8.]])
    """
    if not isinstance(gate, str) or gate not in PARTS:
        raise ValueError(f"gate must be one of {', '.join(PARTS)}, got {gate!r}")
    position = operator.index(axis)
    if not hasattr(x, "shape"):
        x = np.asarray(x)
    ndim = len(x.shape)
    if not -ndim <= position < ndim:
        raise np.exceptions.AxisError(f"axis {position} is out of bounds for array of dimension {ndim}")
    length = x.shape[position]
    if length % 2:
        raise ValueError(f"split_gate: the length of axis {position} is odd, {length}: it can't hold gate and up")
    before = (slice(None),) * (position % ndim)
    own, other = PARTS[gate](length // 2)
    return x[(*before, own)], x[(*before, other)]
