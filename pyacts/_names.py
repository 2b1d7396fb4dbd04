"""Functions by name."""

import difflib
import functools
from collections.abc import Callable
from typing import Any, Literal

from pyacts import _array
from pyacts.catalog import ACTIVATIONS, PRESETS, SPELLINGS

ENDINGS = {"forward": "", "inplace": "_", "backward": "_backward", "backward_inplace": "_backward_"}


def plain(name: str) -> str:
    """A name without what spellings differ in: LeakyReLU, leaky_relu and leaky-relu are the same."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


CANONICAL = {plain(spelling): name for spelling, name in SPELLINGS.items()}
CANONICAL |= {plain(name): a.name for a in ACTIVATIONS for name in (a.name, *a.aliases)}


@functools.lru_cache
def found(name: str) -> tuple[str, dict[str, float]]:
    """The canonical name for a name, and the parameters that the system it names has for defaults."""
    system, dot, own = name.partition(".")
    if not dot or system.lower() not in PRESETS:
        system, own = "", name
    for presets in (PRESETS[system.lower()], PRESETS[""]):
        # The exact spelling, or any other of a name that has only one meaning there.
        spelled = [own] if own in presets else [n for n in presets if plain(n) == plain(own)]
        meanings = [presets[n] for n in spelled]
        if len({str(m) for m in meanings}) > 1:
            raise ValueError(f"{name!r} could be {' or '.join(spelled)}, which differ: spell it as one of them")
        if meanings and isinstance(meanings[0], str):
            raise ValueError(f"pyacts has no {name}: {meanings[0]}")
        if meanings:
            return meanings[0]
    if plain(own) not in CANONICAL and system:
        own = own.rpartition(".")[2]  # torch.nn.functional.relu, keras.layers.ReLU
    if plain(own) not in CANONICAL:
        near = dict.fromkeys(CANONICAL[n] for n in difflib.get_close_matches(plain(own), CANONICAL, cutoff=0.5))
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(a.name for a in ACTIVATIONS)}"
        raise ValueError(f"unknown activation {name!r}: {hint}")
    return CANONICAL[plain(own)], {}


@functools.cache
def preset(function: Callable[..., Any], defaults: tuple[tuple[str, float], ...]) -> Callable[..., Any]:
    return functools.partial(function, **dict(defaults)) if defaults else function


def get(
    name: str, direction: Literal["forward", "inplace", "backward", "backward_inplace"] = "forward"
) -> Callable[..., Any]:
    """The function for an activation's name, as any framework spells it.

    Parameters
    ----------
    name : str
        A name or alias: ``"relu"``, ``"LeakyReLU"``, ``"swish"``, ``"linear"``, ... With a system in front of it, what
        the name means there, which is not everywhere the same: ``"keras.LeakyReLU"`` has a slope of 0.3,
        ``"jax.gelu"`` is gelu_tanh. ``catalog.SPELLINGS`` and ``catalog.PRESETS`` are the tables.
    direction : {"forward", "inplace", "backward", "backward_inplace"}
        ``f``, ``f_``, ``f_backward`` or ``f_backward_``.

    Returns
    -------
    function
        For a system whose defaults are others, a ``functools.partial`` with these parameters as keywords.

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
    >>> float(pyacts.get("keras.LeakyReLU")(-1.0))
    -0.3
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {type(name).__name__}")
    if not isinstance(direction, str) or direction not in ENDINGS:
        raise ValueError(f"direction must be one of {', '.join(ENDINGS)}, got {direction!r}")
    if name.endswith("_") and plain(name) in CANONICAL:
        raise ValueError(
            f"unknown activation {name!r}: for the function in place, get({name[:-1]!r}, direction='inplace')"
        )
    canonical, defaults = found(name)
    function = getattr(_array, canonical + ENDINGS[direction], None)
    if function is None:
        raise ValueError(f"{canonical} has no {direction} form")
    return preset(function, tuple(defaults.items()))
