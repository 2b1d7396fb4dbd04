"""The oracle: every activation from its mathematical definition, and how far a computed number is from it.

A definition is written once, in numbers ``m`` that are either

- FAST: float64 arrays. More than enough for float32 and halves: 29 bits more than it has, 2**-28 of its ULP.
- EXACT: arrays of 200-bit numbers (MPFR), for float64, and to certify FAST (test_values.py does).

Definitions say what is meant, in a form that keeps its digits in FAST (``1 / cosh(x)**2``, not ``1 - tanh(x)**2``),
and for finite x only: what happens at infinities and NaN is policy, which is in test_edges.py.

One row, one oracle: an activation of the catalogue needs an entry in ORACLES (a function along an axis: a function at
the end of this file), and test_values.py fails without.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import gmpy2
import numpy as np
from common import finfo, parameter_type

import pyacts
from pyacts.catalog import ACTIVATIONS

DTYPES = {"f32": np.float32, "f64": np.float64}  # those that are computed in; test_halves.py has the others
BITS = 200

ELEMENTARY = ("exp", "expm1", "log1p", "sqrt", "tanh", "cosh")
FAST = SimpleNamespace(number=np.float64, **{name: getattr(np, name) for name in ELEMENTARY})
EXACT = SimpleNamespace(
    number=np.frompyfunc(gmpy2.mpfr, 1, 1),
    **{name: np.frompyfunc(getattr(gmpy2, name), 1, 1) for name in ELEMENTARY},
)

# ----------------------------------------------------------------------------------------------------------------
# The definitions


@dataclass(frozen=True)
class Oracle:
    """One activation: f, f' in x, f' in y = f(x), and by name the derivatives with respect to learned parameters, in x.

    f' of some activations has a zero where two terms cancel. There no method in the working precision can give the
    result to its last place, and the error counts in units of the larger term, which ``cancelling`` gives: its size
    near the zero, 0 elsewhere.
    """

    f: Callable
    slope: Callable
    slope_y: Callable | None = None
    cancelling: Callable | None = None
    gradients: dict[str, Callable] = field(default_factory=dict)


leaky_relu = Oracle(
    f=lambda m, x, slope: np.where(x > 0, x, slope * x),
    slope=lambda m, x, slope: np.where(x > 0, 1, slope),
    slope_y=lambda m, y, slope: np.where(y > 0, 1, slope),
    gradients={"negative_slope": lambda m, x, slope: np.where(x < 0, x, 0)},
)
prelu = replace(leaky_relu, gradients={"weight": leaky_relu.gradients["negative_slope"]})


def gate(m, z):
    return 1 / (1 + m.exp(-z))


def selu_scale(m):
    return m.number("1.0507009873554804934193349852946")


def selu_scale_alpha(m):
    return selu_scale(m) * m.number("1.6732632423543772848170429916717")


def selu_slope_y(m, y):
    """scale for y > 0, y + scale alpha for y <= 0: in two steps, because the second is small where the sum is."""
    rest = m.number("0.0080993408473768599402175208123193420602458089122083097709828200")
    return np.where(y > 0, selu_scale(m), (y + 1.75) + rest)


def tanh_shrink(m, x):
    """x - tanh x; near zero as (x cosh x - sinh x) / cosh x, whose numerator has a series of positive terms."""
    near = sum(2 * k * x ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(1, 30)) / m.cosh(x)
    return np.where(abs(x) < 1, near, x - m.tanh(x))


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
    "relu6": Oracle(
        f=lambda m, x: np.clip(x, 0, 6),
        slope=lambda m, x: np.where((x > 0) & (x < 6), 1, 0),
        slope_y=lambda m, y: np.where((y > 0) & (y < 6), 1, 0),
    ),
    "relu2": Oracle(
        f=lambda m, x: np.where(x > 0, x * x, 0),
        slope=lambda m, x: np.where(x > 0, 2 * x, 0),
        slope_y=lambda m, y: 2 * m.sqrt(y),
    ),
    "hard_swish": Oracle(
        f=lambda m, x: x * np.clip(x + 3, 0, 6) / 6,
        slope=lambda m, x: np.where(x <= -3, 0, np.where(x < 3, (2 * x + 3) / 6, 1)),
    ),
    "prelu": prelu,
    "elu": Oracle(
        f=lambda m, x, alpha: np.where(x > 0, x, alpha * m.expm1(x)),
        slope=lambda m, x, alpha: np.where(x > 0, 1, alpha * m.exp(x)),
        slope_y=lambda m, y, alpha: np.where(y > 0, 1, y + alpha),
        gradients={"alpha": lambda m, x, alpha: np.where(x < 0, m.expm1(x), 0)},
    ),
    "selu": Oracle(
        f=lambda m, x: np.where(x > 0, selu_scale(m) * x, selu_scale_alpha(m) * m.expm1(x)),
        slope=lambda m, x: np.where(x > 0, selu_scale(m), selu_scale_alpha(m) * m.exp(x)),
        slope_y=selu_slope_y,
    ),
    # log(1 + e**z) = z + log(1 + e**-z): the one of the two whose exponential is at most 1. The derivative with respect
    # to beta, (x f'(x) - f(x)) / beta, is the same for x and -x, and for -|x| has two terms of one sign.
    "softplus": Oracle(
        f=lambda m, x, beta: (np.where(x > 0, beta * x, 0) + m.log1p(m.exp(-abs(beta * x)))) / beta,
        slope=lambda m, x, beta: gate(m, beta * x),
        slope_y=lambda m, y, beta: -m.expm1(-beta * y),
        gradients={
            "beta": lambda m, x, beta: (
                -(abs(x) * gate(m, -beta * abs(x)) + m.log1p(m.exp(-beta * abs(x))) / beta) / beta
            )
        },
    ),
    "log_sigmoid": Oracle(
        f=lambda m, x: np.where(x < 0, x, 0) - m.log1p(m.exp(-abs(x))),
        slope=lambda m, x: gate(m, -x),
        slope_y=lambda m, y: -m.expm1(y),
    ),
    "sparse_plus": Oracle(
        f=lambda m, x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
        slope=lambda m, x: np.clip((x + 1) / 2, 0, 1),
        slope_y=lambda m, y: np.where(y < 1, m.sqrt(y), 1),
    ),
    "sparse_sigmoid": Oracle(
        f=lambda m, x: np.clip((x + 1) / 2, 0, 1),
        slope=lambda m, x: np.where((x > -1) & (x < 1), 0.5, 0),
    ),
    "exponential": Oracle(
        f=lambda m, x: m.exp(x),
        slope=lambda m, x: m.exp(x),
        slope_y=lambda m, y: y,
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
        gradients={"beta": lambda m, x, beta: x**2 * gate(m, beta * x) * gate(m, -beta * x)},
    ),
    "tanh_shrink": Oracle(
        f=tanh_shrink,
        slope=lambda m, x: m.tanh(x) ** 2,
    ),
}


# Gated units, act(gate) * up: the activation of the gate.
GATED = {"glu": "sigmoid", "reglu": "relu", "swiglu": "silu"}


def softmax(m, x):
    """Along the last axis."""
    e = m.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_gradient(grad, y):
    """Along the last axis, as a function of y."""
    return y * (grad - (grad * y).sum(axis=-1, keepdims=True))


def maxout(x, pool_size):
    """Along the last axis: the largest of each pool, and where in its pool the first of them is."""
    pools = x.reshape(*x.shape[:-1], -1, pool_size)
    index = pools.argmax(axis=-1)
    return np.take_along_axis(pools, index[..., None], -1)[..., 0], index


def crelu(x):
    """Along the last axis."""
    return np.concatenate([np.where(x > 0, x, 0), np.where(x < 0, -x, 0)], axis=-1)


ALONG_AN_AXIS = {"softmax": softmax, "maxout": maxout, "crelu": crelu}

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


def numbers_for(dtype):
    """The numbers that an oracle for this dtype needs."""
    return EXACT if dtype == np.float64 else FAST


def rounded(params, dtype):
    """What a kernel is given: the parameters as numbers of the type that comes with the dtype."""
    return tuple(np.asarray(p, parameter_type(dtype)) for p in params)


def exact(activation, direction, at, params):
    """f, f' or f' in y of the numbers `at`, or a parameter's gradient, in FAST numbers, for float64 in EXACT ones."""
    oracle = ORACLES[activation.name]
    definitions = {"forward": oracle.f, "backward": oracle.slope, "backward_y": oracle.slope_y, **oracle.gradients}
    return evaluate(numbers_for(at.dtype), definitions[direction], at, *rounded(params, at.dtype))


# ----------------------------------------------------------------------------------------------------------------
# Distance

exponents = np.frompyfunc(lambda value: gmpy2.frexp(value)[0] if gmpy2.is_finite(value) else 0, 1, 1)


def ulp(size, dtype):
    """The distance between neighbouring numbers of the dtype in the binade of size (which is not rounded to it).

    Sizes that float64 does not have count as its largest.
    """
    info = finfo(dtype)
    exponent = exponents(size).astype(int) if size.dtype == object else np.frexp(size)[1]
    return np.ldexp(1.0, np.clip(exponent, info.minexp + 1, 1024) - info.nmant - 1)


@precisely
def error(got, want, unit=None):
    """|got - want| in ULP of want, or in the given unit. NaN where only one is NaN is infinitely far.

    An infinity stands for the power of two above the largest number, to which everything larger is equal.
    """
    m = EXACT if want.dtype == object else FAST
    top = m.number(1.0) * 2 ** finfo(got.dtype).maxexp
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
    unit_of_product = ulp(np.minimum(abs(exact_product), number(2.0) ** finfo(grad.dtype).maxexp), grad.dtype)
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
