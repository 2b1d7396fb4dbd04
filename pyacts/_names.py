"""Functions by name."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import pyacts
from pyacts.catalog import meaning

ENDINGS = {"forward": "", "inplace": "_", "backward": "_backward", "backward_inplace": "_backward_"}


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
        ``"jax.gelu"`` is gelu_tanh. Modules may stand between them, as in ``"tf.keras.layers.LeakyReLU"``. The systems
        are keras (Keras 3), keras2, tf, tfjs, torch (also as F, and as nn with a capital behind it), jax, flax, theano,
        onnx, onednn, thinc, ggml, mlx, candle and scipy. ``catalog.SPELLINGS``, ``catalog.PRESETS`` and
        ``catalog.SYSTEMS`` are the tables.
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
    canonical, defaults = meaning(name)
    function = getattr(pyacts, canonical + ENDINGS[direction], None)
    if function is None:
        raise ValueError(f"{canonical} has no {direction} form")
    return preset(function, tuple(defaults.items()))
