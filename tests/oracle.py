"""The oracle: every activation from its mathematical definition, and how far a computed number is from it.

A definition is written once, in numbers ``m`` that are either

- FAST: float64 arrays. More than enough for float32: 29 bits more than it has, 2**-28 of its ULP.
- EXACT: arrays of 200-bit numbers (MPFR), for float64, and to certify FAST (test_values.py does).

Definitions say what is meant, in a form that keeps its digits in FAST (``1 / cosh(x)**2``, not ``1 - tanh(x)**2``),
and for finite x only: what happens at infinities and NaN is policy, which is in test_edges.py.

One row, one oracle: an activation of the catalogue needs an entry in ORACLES (a function along an axis: a function at
the end of this file), and test_values.py fails without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import gmpy2
import numpy as np

import pyacts
from pyacts.catalog import ACTIVATIONS

DTYPES = {"f32": np.float32, "f64": np.float64}
BITS = 200

ELEMENTARY = ("exp", "expm1", "log1p", "tanh", "cosh")
FAST = SimpleNamespace(number=np.float64, **{name: getattr(np, name) for name in ELEMENTARY})
EXACT = SimpleNamespace(
    number=np.frompyfunc(gmpy2.mpfr, 1, 1),
    **{name: np.frompyfunc(getattr(gmpy2, name), 1, 1) for name in ELEMENTARY},
)

# ----------------------------------------------------------------------------------------------------------------
# The definitions


@dataclass(frozen=True)
class Oracle:
    """One activation: f, f' in x, f' in y = f(x).

    f' of some activations has a zero where two terms cancel. There no method in the working precision can give the
    result to its last place, and the error counts in units of the larger term, which ``cancelling`` gives: its size
    near the zero, 0 elsewhere.
    """

    f: Callable
    slope: Callable
    slope_y: Callable | None = None
    cancelling: Callable | None = None


leaky_relu = Oracle(
    f=lambda m, x, slope: np.where(x > 0, x, slope * x),
    slope=lambda m, x, slope: np.where(x > 0, 1, slope),
    slope_y=lambda m, y, slope: np.where(y > 0, 1, slope),
)


def gate(m, z):
    return 1 / (1 + m.exp(-z))


ORACLES = {
    "identity": Oracle(
        f=lambda m, x: x,
        slope=lambda m, x: np.ones_like(x),
        slope_y=lambda m, y: np.ones_like(y),
    ),
    "relu": Oracle(
        f=lambda m, x: np.where(x > 0, x, 0),
        slope=lambda m, x: np.where(x > 0, 1, 0),
        slope_y=lambda m, y: np.where(y > 0, 1, 0),
    ),
    "leaky_relu": leaky_relu,
    "prelu": leaky_relu,
    "elu": Oracle(
        f=lambda m, x, alpha: np.where(x > 0, x, alpha * m.expm1(x)),
        slope=lambda m, x, alpha: np.where(x > 0, 1, alpha * m.exp(x)),
        slope_y=lambda m, y, alpha: np.where(y > 0, 1, y + alpha),
    ),
    # log(1 + e**z) = z + log(1 + e**-z): the one of the two whose exponential is at most 1
    "softplus": Oracle(
        f=lambda m, x, beta: (np.where(x > 0, beta * x, 0) + m.log1p(m.exp(-abs(beta * x)))) / beta,
        slope=lambda m, x, beta: gate(m, beta * x),
        slope_y=lambda m, y, beta: -m.expm1(-beta * y),
    ),
    "sigmoid": Oracle(
        f=gate,
        slope=lambda m, x: 1 / (4 * m.cosh(x / 2) ** 2),
        slope_y=lambda m, y: y * (1 - y),
    ),
    "tanh": Oracle(
        f=lambda m, x: m.tanh(x),
        slope=lambda m, x: 1 / m.cosh(x) ** 2,
        slope_y=lambda m, y: (1 - y) * (1 + y),
    ),
    "softsign": Oracle(
        f=lambda m, x: x / (1 + abs(x)),
        slope=lambda m, x: 1 / (1 + abs(x)) ** 2,
        slope_y=lambda m, y: (1 - abs(y)) ** 2,
    ),
    # f' = s (s + (1 - s) (1 + z)), with z = beta x and s = gate(z): the sum is zero at z = -1.2784645..., where both of
    # its terms have the size s. The unit is an ULP of s s for the z that are nearer than 0.5.
    "silu": Oracle(
        f=lambda m, x, beta: x * gate(m, beta * x),
        slope=lambda m, x, beta: gate(m, beta * x) * (1 + beta * x * gate(m, -beta * x)),
        cancelling=lambda m, x, beta: np.where(abs(beta * x + 1.2784645) < 0.5, gate(m, beta * x) ** 2, 0),
    ),
}


def softmax(m, x):
    """Along the last axis."""
    e = m.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmin(m, x):
    return softmax(m, -x)


def others(m, x):
    """log of the sum of e**(x - max(x)), as log1p of the terms but for one of the largest: all digits near 0."""
    e = m.exp(x - x.max(axis=-1, keepdims=True))
    np.put_along_axis(e, np.argmax(x, axis=-1)[..., None], m.number(0.0), -1)
    return m.log1p(e.sum(axis=-1, keepdims=True))


def log_softmax(m, x):
    return (x - x.max(axis=-1, keepdims=True)) - others(m, x)


def logsumexp(m, x):
    return (x.max(axis=-1, keepdims=True) + others(m, x))[..., 0]


def log_softmax_gradient(m, grad, y):
    return grad - m.exp(y) * grad.sum(axis=-1, keepdims=True)


def softmax_gradient(grad, y):
    """Along the last axis, as a function of y."""
    return y * (grad - (grad * y).sum(axis=-1, keepdims=True))


def maxout(x, pool_size):
    """Along the last axis: the largest of each pool, and where in its pool the first of them is."""
    pools = x.reshape(*x.shape[:-1], -1, pool_size)
    index = pools.argmax(axis=-1)
    return np.take_along_axis(pools, index[..., None], -1)[..., 0], index


ALONG_AN_AXIS = {
    "softmax": softmax,
    "softmin": softmin,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
    "maxout": maxout,
}

# Defined where they are tested: test_sparsemax.py, test_losses.py.
ELSEWHERE = {"sparsemax", "entmax15", "hardmax", "softmax_cross_entropy", "sigmoid_cross_entropy"}

# ----------------------------------------------------------------------------------------------------------------
# Evaluation

ELEMENTWISE = [a for a in ACTIVATIONS if a.name in ORACLES]


def precisely(function):
    """Within it, MPFR numbers have 200 bits (their precision is that of the context, not of the operands).

    And nothing warns of overflow and the like, which NumPy and MPFR would: inf is then what is meant.
    """

    def wrapper(*args, **kwargs):
        with gmpy2.context(precision=BITS), np.errstate(all="ignore"):
            return function(*args, **kwargs)

    wrapper.__doc__ = function.__doc__
    return wrapper


@precisely
def evaluate(m, definition, *arguments):
    """A definition in FAST or EXACT numbers, of arrays and numbers (which are taken as exact)."""
    return m.number(definition(m, *(m.number(a) for a in arguments)))


def rounded(params, dtype):
    """What a kernel is given: the parameters as numbers of the dtype."""
    return tuple(np.asarray(p, dtype) for p in params)


def exact(activation, direction, at, params):
    """f, f' or f' in y of the numbers `at`, in FAST numbers for float32 and EXACT ones for float64."""
    oracle = ORACLES[activation.name]
    definition = {"forward": oracle.f, "backward": oracle.slope, "backward_y": oracle.slope_y}[direction]
    return evaluate(FAST if at.dtype == np.float32 else EXACT, definition, at, *rounded(params, at.dtype))


# ----------------------------------------------------------------------------------------------------------------
# Distance

exponents = np.frompyfunc(lambda value: gmpy2.frexp(value)[0] if gmpy2.is_finite(value) else 0, 1, 1)


def ulp(size, dtype):
    """The distance between neighbouring numbers of the dtype in the binade of size (which is not rounded to it)."""
    info = np.finfo(dtype)
    exponent = exponents(size).astype(int) if size.dtype == object else np.frexp(size)[1]
    return np.ldexp(1.0, np.maximum(exponent - info.nmant - 1, info.minexp - info.nmant))


@precisely
def error(got, want, unit=None):
    """|got - want| in ULP of want, or in the given unit. NaN where only one is NaN is infinitely far.

    An infinity stands for the power of two above the largest number, to which everything larger is equal.
    """
    m = EXACT if want.dtype == object else FAST
    top = m.number(1.0) * 2 ** np.finfo(got.dtype).maxexp
    want = np.where(abs(want) > top, np.where(want > 0, top, -top), want)
    finite = np.where(np.isinf(got), np.where(got > 0, top, -top), m.number(got))
    unit = ulp(abs(want), got.dtype) if unit is None else unit
    nan = np.isnan(got), want != want
    return np.where(nan[0] | nan[1], np.where(nan[0] & nan[1], 0, np.inf), abs(finite - want) / unit).astype(float)


@precisely
def product(want, unit, bound, grad):
    """grad * f'(x), an ULP of it, and how many ULP it may be off: what f' may be, and half for its own rounding."""
    number = EXACT.number if want.dtype == object else FAST.number
    exact_product = want * number(grad)
    unit_of_product = ulp(np.minimum(abs(exact_product), number(2.0) ** np.finfo(grad.dtype).maxexp), grad.dtype)
    allowed = bound * (number(unit) * abs(number(grad)) / unit_of_product).astype(float) + 0.5
    return exact_product, unit_of_product, allowed


def slope_unit(activation, at, params, want):
    """The unit for errors of f'(x): an ULP of it, or of the larger of the terms that cancel near its zero."""
    size = abs(want)
    cancelling = ORACLES[activation.name].cancelling
    if cancelling is not None:
        m = EXACT if want.dtype == object else FAST
        size = np.maximum(size, evaluate(m, cancelling, at, *rounded(params, at.dtype)))
    return ulp(size, at.dtype)


def check(what, at, got, want, bound, unit=None):
    """Assert that every error is at most bound (a number, or one for each), and return the largest."""
    errors = error(got, want, unit)
    excess = errors - bound
    worst = np.argmax(excess)
    assert excess.flat[worst] <= 0, (
        f"{what} {got.dtype} on {pyacts.isa()}: {np.count_nonzero(excess > 0)} of {got.size} too far\n"
        f"  at   {at.flat[worst]!r} = {float(at.flat[worst]).hex()}\n"
        f"  got  {got.flat[worst]!r} = {float(got.flat[worst]).hex()}\n"
        f"  want {want.flat[worst]}\n"
        f"  off by {errors.flat[worst]:.4f} ULP, allowed {np.broadcast_to(bound, errors.shape).flat[worst]:.4f}"
    )
    return errors.max()
