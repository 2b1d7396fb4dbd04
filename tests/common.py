"""What the tests of the faces share: every function called in one way, and arrays laid out in memory in many ways."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import pyacts
from pyacts.catalog import ACTIVATIONS, Activation

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
DTYPES = ("float32", "float64")
SUFFIXES = {"float32": "f32", "float64": "f64"}
ENDINGS = {"forward": "", "inplace": "_", "backward": "_backward", "backward_inplace": "_backward_"}

# Parameters that have no default.
REQUIRED = {"weight": 0.25}


def run(*command, **keywords):
    """What a command that must succeed prints. It runs outside the source tree: Python then finds what is installed."""
    keywords = {"cwd": TESTS, **keywords}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **keywords)
    assert done.returncode == 0, f"{shlex.join(done.args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def suffix(direction):
    """The part of a C function's name that tells its direction."""
    return "" if direction == "forward" else f"_{direction}"


def is_elementwise(activation):
    return activation.kind in ("elementwise", "channelwise")


@dataclass(frozen=True)
class Call:
    """One direction of an activation that keeps the shape, from Python: call(x), call(grad, x) or call(grad, y)."""

    activation: Activation
    direction: str

    def __str__(self):
        return f"{self.activation.name}-{self.direction}"

    @property
    def saved(self):
        """What the backward starts from, by name."""
        return "y" if self.direction == "backward_y" else "x"

    @property
    def inplace_argument(self):
        return "x" if self.direction == "forward" else "grad"

    def function(self, inplace=False):
        ending = ("" if self.direction == "forward" else "_backward") + ("_" if inplace else "")
        return getattr(pyacts, self.activation.name + ending)

    def __call__(self, *inputs, inplace=False, **keywords):
        required = {p.name: REQUIRED[p.name] for p in self.activation.parameters if p.default is None}
        keywords = {**required, **keywords}
        if self.direction == "forward":
            (x,) = inputs
            return self.function(inplace)(x, **keywords)
        grad, saved = inputs
        return self.function(inplace)(grad, **{self.saved: saved}, **keywords)

    def inputs(self, shape, dtype, seed=0):
        """Arguments for a call; for an elementwise one with every kind of number among them."""
        special = is_elementwise(self.activation)
        x = numbers(shape, dtype, seed, special)
        if self.direction == "forward":
            return [x]
        grad = numbers(shape, dtype, seed + 1, special)
        return [grad, Call(self.activation, "forward")(x) if self.saved == "y" else x]


CALLS = [Call(a, d) for a in ACTIVATIONS if is_elementwise(a) or a.kind == "softmax" for d in a.directions]
ELEMENTWISE_CALLS = [c for c in CALLS if is_elementwise(c.activation)]
CALLS_WITH_PARAMETER = [(c, p) for c in CALLS for p in c.activation.parameters]


def numbers(shape, dtype, seed=0, special=True):
    """Random numbers of every size an activation cares about, a fifth of them special ones."""
    random = np.random.default_rng(seed)
    x = np.array(random.normal(scale=4, size=shape), dtype)
    if special:
        limits = np.finfo(dtype)
        found = [
            np.nan,
            np.inf,
            -np.inf,
            0.0,
            -0.0,
            limits.smallest_subnormal,
            -limits.tiny,
            limits.max,
            limits.min,
            1,
            -1,
        ]
        found += [limits.eps, 17, -17, 88.5, -87.5, -103.5, 709.5, -744.5, 1e-20, -1e-20]
        chosen = random.random(shape) < 0.2
        x = np.where(chosen, random.choice(np.array(found, dtype), shape), x)
    return x


def assert_same(actual, expected, *where):
    """Equal in dtype, shape and every bit, NaNs of any kind being equal. where says what was compared."""
    label = " ".join(str(w) for w in where)
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype.newbyteorder("=") == expected.dtype.newbyteorder("="), f"{label}: dtype {actual.dtype}"
    assert actual.shape == expected.shape, f"{label}: shape {actual.shape}, expected {expected.shape}"
    native = actual.dtype.newbyteorder("=")
    unsigned = f"u{native.itemsize}"
    got, wanted = (np.ascontiguousarray(a, native).reshape(-1) for a in (actual, expected))
    differ = (got.view(unsigned) != wanted.view(unsigned)) & ~(np.isnan(got) & np.isnan(wanted))
    if differ.any():
        k = int(differ.argmax())
        raise AssertionError(
            f"{label}: {differ.sum()} of {differ.size} differ, first [{k}]: {got[k]!r}, not {wanted[k]!r}"
        )


LAYOUTS = (
    "contiguous",
    "fortran",
    "strided",
    "reversed",
    "swapped_axes",
    "misaligned",
    "byteswapped",
    "field",
    "padded",
)


def laid_out(values, layout):
    """(view, base): an array with these values that lies in memory as the layout says, and the memory it lies in."""
    shape, dtype = values.shape, values.dtype
    if layout == "contiguous":
        base = np.full(values.size + 2, 7, dtype)
        view = base[1:-1].reshape(shape)
    elif layout == "fortran":
        base = np.full(shape[::-1], 7, dtype)
        view = base.T
    elif layout == "strided":
        base = np.full((*shape[:-1], 2 * shape[-1]), 7, dtype)
        view = base[..., ::2]
    elif layout == "reversed":
        base = np.full(shape, 7, dtype)
        view = np.flip(base)
    elif layout == "swapped_axes":
        base = np.full((*shape[1:], shape[0]), 7, dtype)
        view = np.moveaxis(base, -1, 0)
    elif layout == "misaligned":
        base = np.full(values.nbytes + 2, 7, "u1")
        view = base[1:-1].view(dtype).reshape(shape)
    elif layout == "byteswapped":
        base = view = np.full(shape, 7, dtype.newbyteorder())
    elif layout == "field":
        base = np.zeros(shape, [("before", "u1"), ("value", dtype), ("after", "u1")])
        view = base["value"]
    else:
        base = np.full((*shape[:-1], shape[-1] + 3), 7, dtype)
        view = base[..., 1:-2]
    view[...] = values
    return view, base
