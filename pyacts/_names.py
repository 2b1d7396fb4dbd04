"""Functions by name."""

import difflib
from collections.abc import Callable
from typing import Any, Literal

from pyacts import _array
from pyacts.catalog import ACTIVATIONS

ENDINGS = {"forward": "", "inplace": "_", "backward": "_backward", "backward_inplace": "_backward_"}


def plain(name: str) -> str:
    """A name without what spellings differ in: LeakyReLU, leaky_relu and leaky-relu are the same."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


CANONICAL = {plain(name): a.name for a in ACTIVATIONS for name in (a.name, *a.aliases)}


def get(
    name: str, direction: Literal["forward", "inplace", "backward", "backward_inplace"] = "forward"
) -> Callable[..., Any]:
    """The function for an activation's name, in any spelling.

    Parameters
    ----------
    name : str
        A name or alias: ``"relu"``, ``"LeakyReLU"``, ``"swish"``, ``"linear"``, ...
    direction : {"forward", "inplace", "backward", "backward_inplace"}
        ``f``, ``f_``, ``f_backward`` or ``f_backward_``.

    Returns
    -------
    function

    Raises
    ------
    ValueError
        If there is no such activation (the nearest names are given), no such direction, or the activation has no such
        form.

    Examples
    --------
    >>> import pyacts
    >>> pyacts.get("LeakyReLU") is pyacts.leaky_relu
    True
    >>> pyacts.get("swish", direction="inplace") is pyacts.silu_
    True
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {type(name).__name__}")
    if not isinstance(direction, str) or direction not in ENDINGS:
        raise ValueError(f"direction must be one of {', '.join(ENDINGS)}, got {direction!r}")
    if name.endswith("_") and plain(name) in CANONICAL:
        raise ValueError(
            f"unknown activation {name!r}: for the function in place, get({name[:-1]!r}, direction='inplace')"
        )
    if plain(name) not in CANONICAL:
        near = dict.fromkeys(CANONICAL[n] for n in difflib.get_close_matches(plain(name), CANONICAL, cutoff=0.5))
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(a.name for a in ACTIVATIONS)}"
        raise ValueError(f"unknown activation {name!r}: {hint}")
    function = getattr(_array, CANONICAL[plain(name)] + ENDINGS[direction], None)
    if function is None:
        raise ValueError(f"{CANONICAL[plain(name)]} has no {direction} form")
    return function
