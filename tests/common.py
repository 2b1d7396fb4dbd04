"""What the tests of the faces share: every function called in one way, and arrays laid out in memory in many ways."""

import shlex
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import pyacts
from pyacts.catalog import ACTIVATIONS, Activation
from pyacts.catalog import DTYPES as CATALOGUE_DTYPES

try:
    from ml_dtypes import finfo  # knows bfloat16, and makes it known to NumPy by that name
except ImportError:
    from numpy import finfo

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
SUFFIXES = {d.name: suffix for suffix, d in CATALOGUE_DTYPES.items() if d.name in np.sctypeDict}
DTYPES = tuple(SUFFIXES)
TYPES = {suffix: np.dtype(name).type for name, suffix in SUFFIXES.items()}
HALVES = {suffix: kind for suffix, kind in TYPES.items() if np.dtype(kind).itemsize == 2}
ENDINGS = {"forward": "", "inplace": "_", "backward": "_backward", "backward_inplace": "_backward_"}

# The kinds that change the shape, and so have no form in place and no ufunc.
CHANGING_SHAPE = ("maxout", "crelu", "logsumexp", "cross_entropy", "binary_cross_entropy")

# What the tests give parameters that have no default.
REQUIRED = {"weight": 0.25}


def run(*command, **keywords):
    """What a command that must succeed prints. It runs outside the source tree: Python then finds what is installed."""
    keywords = {"cwd": TESTS, **keywords}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **keywords)
    assert done.returncode == 0, f"{shlex.join(done.args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def pointer(array, c_type):
    return pyacts.ffi.cast(c_type, array.ctypes.data)


def c_call(name, *arguments):
    """Call a C function, arrays as pointers to their memory."""
    function = getattr(pyacts.lib, name)
    types = pyacts.ffi.typeof(function).args
    pairs = zip(arguments, types, strict=True)
    function(*(pointer(a, t) if isinstance(a, np.ndarray) else a for a, t in pairs))


def suffix(direction):
    """The part of a C function's name that tells its direction."""
    return "" if direction == "forward" else f"_{direction}"


def is_elementwise(activation):
    return activation.kind in ("elementwise", "channelwise")


def parameter_type(dtype):
    """The type of the parameters that come with a dtype: float32 for halves."""
    return np.float64 if np.dtype(dtype) == np.float64 else np.float32


def required(activation):
    """The parameters that must be given, by name."""
    return {p.name: REQUIRED[p.name] for p in activation.parameters if p.default is None}


def defaults(activation):
    """All parameters by name: the default, or what the tests give instead."""
    return {p.name: p.default for p in activation.parameters} | required(activation)


def bounded_by(activation, parameter):
    """The parameters that must not be less than this one."""
    return [p for p in activation.parameters if p.minimum == parameter.name]


def drawn(activation, names, shape, seed=0):
    """Random values of the parameters with these names, allowed in every direction, the others being at their defaults.

    They are float32 numbers in float64: the same in every dtype.
    """
    random = np.random.default_rng(seed)
    values = defaults(activation)
    for p in activation.parameters:
        if p.name in names:
            above = [values[q.name] for q in bounded_by(activation, p) if q.name not in names]
            high = min(above, default=None)
            low = values.get(p.minimum, p.minimum)
            if low is None:
                low = 0.0 if high is None else high - 2.0
            if p.minimum_y is not None:
                low = np.maximum(low, p.minimum_y)
            high = low + 2.0 if high is None else high
            values[p.name] = np.float64(np.float32(low + random.uniform(0.05, 1, shape) * (high - low)))
    return {name: values[name] for name in names}


def parameter_grads(activation, grad, x, **parameters):
    """The gradients with respect to the learned parameters, by name."""
    found = getattr(pyacts, f"{activation.name}_parameter_grad")(grad, x, **(defaults(activation) | parameters))
    names = [p.name for p in activation.learned]
    return dict(zip(names, [found] if len(names) == 1 else found, strict=True))


@dataclass(frozen=True)
class Call:
    """One direction of an activation that keeps the shape, from Python: call(x), call(grad, x) or call(grad, y)."""

    activation: Activation
    direction: str
    exact: bool = False

    def __str__(self):
        return f"{'exact.' if self.exact else ''}{self.activation.name}-{self.direction}"

    @property
    def saved(self):
        """What the backward starts from, by name."""
        return "y" if self.direction == "backward_y" else "x"

    @property
    def inplace_argument(self):
        return "x" if self.direction == "forward" else "grad"

    def function(self, inplace=False):
        ending = ("" if self.direction == "forward" else "_backward") + ("_" if inplace else "")
        return getattr(pyacts.exact if self.exact else pyacts, self.activation.name + ending)

    def __call__(self, *inputs, inplace=False, **keywords):
        keywords = {**required(self.activation), **keywords}
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


CALLS = [Call(a, d) for a in ACTIVATIONS for d in a.directions if is_elementwise(a) or a.kind == "softmax"]
EXACT_CALLS = [replace(call, exact=True) for call in CALLS]
ELEMENTWISE_CALLS = [c for c in CALLS if is_elementwise(c.activation)]
CALLS_WITH_PARAMETER = [(c, p) for c in CALLS for p in c.activation.parameters]


def numbers(shape, dtype, seed=0, special=True):
    """Random numbers of every size an activation cares about, a fifth of them special ones."""
    random = np.random.default_rng(seed)
    x = np.array(random.normal(scale=4, size=shape), dtype)
    if special:
        limits = finfo(dtype)
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


def everything(dtype):
    """All numbers of a half type."""
    return np.arange(2**16, dtype=np.uint16).view(dtype)


def finite(dtype):
    """All of them that are finite."""
    x = everything(dtype)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        return x[np.isfinite(x)]


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
