"""The oracle: every activation from its mathematical definition, and how far a computed number is from it.

A definition is written once, in numbers ``m`` that are either

- FAST: float64 arrays. More than enough for float32 and halves: 29 bits more than it has, 2**-28 of its ULP.
- EXACT: arrays of 200-bit numbers (MPFR), for float64, and to certify FAST (test_values.py does);
- LONG: long double arrays, for many float64 numbers (bench/accuracy), where they are wider.

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


def fast_erfc(x):
    """math.erfc, where it is neither 0 nor 2 nor 1 - 2 x / sqrt(pi)."""
    curved = (abs(x) > 2.0**-30) & (abs(x - 11) < 17)
    y = np.where(x > 11, 0.0, np.where(x < -5, 2.0, 1 - x * 1.1283791670955126))
    y[curved] = [math.erfc(value) for value in x[curved].tolist()]
    return y


FAST = SimpleNamespace(
    number=np.float64,
    rounded=lambda value: np.float64(np.float32(value)),  # to the dtype that the numbers are meant for
    erfc=fast_erfc,
    # NumPy takes ten times as long beyond these, where float32 has long had 0 or infinity.
    exp=lambda x: np.exp(np.maximum(x, -700)),
    cosh=lambda x: np.cosh(np.clip(x, -700, 700)),
    **{name: getattr(np, name) for name in ELEMENTARY if name not in ("exp", "cosh")},
)


def long_erfc(x):
    """erfc of a long double, made of MPFR numbers of somewhat more bits, in two parts."""
    with gmpy2.context(precision=80):
        high = float(x)
        exponent, y = gmpy2.frexp(gmpy2.erfc(gmpy2.mpfr(high) + float(x - np.longdouble(high))))
        return np.ldexp(np.longdouble(float(y)) + np.longdouble(float(y - float(y))), exponent)


LONG = SimpleNamespace(
    number=np.longdouble,
    rounded=lambda value: np.longdouble(np.float64(value)),
    erfc=lambda x: np.frompyfunc(long_erfc, 1, 1)(x).astype(np.longdouble),
    **{name: getattr(np, name) for name in ELEMENTARY},
)
EXACT = SimpleNamespace(
    number=np.frompyfunc(gmpy2.mpfr, 1, 1),
    rounded=lambda value: gmpy2.mpfr(float(value)),
    **{name: np.frompyfunc(getattr(gmpy2, name), 1, 1) for name in (*ELEMENTARY, "erfc")},
)

# ----------------------------------------------------------------------------------------------------------------
# The definitions


@dataclass(frozen=True)
class Oracle:
    """One activation: f, f' in x, f' in y = f(x), and by name the derivatives with respect to learned parameters, in x.

    Some have a zero where two terms cancel. There no method in the working precision can give the result to its last
    place, and the error counts in units of the larger term, which ``cancelling`` gives for f' and ``cancelling_f`` for
    f: its size near the zero, 0 elsewhere.
    """

    f: Callable
    slope: Callable
    slope_y: Callable | None = None
    cancelling: Callable | None = None
    cancelling_f: Callable | None = None
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


def gated_slope(m, z, more):
    """f' of f(x) = x gate(z), more being x z'."""
    return gate(m, z) * (1 + more * gate(m, -z))


def cancelling_gate(m, z, more):
    """The size of its terms near its zero, when it is written as s (1 + more) - more s s."""
    return np.where(abs(more + 1.28) < 0.5, abs(more) * gate(m, z) ** 2, 0)


def normal(m, x):
    """The distribution function of the normal distribution."""
    return m.erfc(-x * m.sqrt(m.number(0.5))) / 2


def normal_density(m, x):
    return m.exp(-x * x / 2) * m.number("0.39894228040143267793994605993438186847585863116493465766592583")


def gelu_tanh_gate(m, x, times=1):
    """2 sqrt(2 / pi) (x + 0.044715 x**3), or with that many times the cube."""
    factor = m.number("1.59576912160573071175978423973752747390343452465973863066370332")
    return factor * (x + times * m.number("0.044715") * (x * x * x))


def selu_scale(m):
    return m.number("1.0507009873554804934193349852946")


def selu_scale_alpha(m):
    return selu_scale(m) * m.number("1.6732632423543772848170429916717")


def selu_slope_y(m, y):
    """scale for y > 0, y + scale alpha for y <= 0: in two steps, because the second is small where the sum is."""
    rest = m.number("0.0080993408473768599402175208123193420602458089122083097709828200")
    return np.where(y > 0, selu_scale(m), (y + 1.75) + rest)


def hard_sigmoid_ends(m, slope, offset):
    """Where it becomes 0 and 1: -offset / slope and (1 - offset) / slope, rounded to the dtype."""
    return -m.rounded(offset / slope), m.rounded(m.rounded(1 - offset) / slope)


def hard_sigmoid(m, x, slope, offset):
    """slope (x - zero), whose zero is that rounded number."""
    zero, one = hard_sigmoid_ends(m, slope, offset)
    return np.where(x <= zero, 0, np.where(x >= one, 1, np.clip(slope * (x - zero), 0, 1)))


def hard_sigmoid_slope(m, x, slope, offset):
    zero, one = hard_sigmoid_ends(m, slope, offset)
    return np.where((x > zero) & (x < one), slope, 0)


def squareplus(m, x, b):
    """(x + s) / 2 with s = sqrt(x**2 + b); as f(x) f(-x) = b / 4, this for -x divides it where the sum would cancel."""
    right = (abs(x) + m.sqrt(x * x + b)) / 2
    return np.where(x < 0, b / 4 / right, right)


def squareplus_slope(m, x, b):
    """f(x) / s"""
    return squareplus(m, x, b) / m.sqrt(x * x + b)


def power_series(m, x, coefficient, powers):
    """The sum of coefficient(k) x**k."""
    y = m.number(np.zeros_like(x))
    for k in range(powers[-1], -1, -1):
        y *= x
        if k in powers:
            y += coefficient(k)
    return y


def celu_gradient(m, x, alpha):
    """e**z (1 - z) - 1 with z = x / alpha, or 0 for x > 0; near zero as a series."""
    z = np.where(x > 0, 0, x) / alpha
    series = -power_series(m, z, lambda k: (k - 1) / m.number(math.factorial(k)), range(2, 40))
    return np.where(z > -1, series, m.exp(z) * (1 - z) - 1)


def xielu_curve(m, x, alpha_p, alpha_n, eps):
    """xielu for beta = 0; expm1(z) - z is a series near zero."""

    def near(z):
        return power_series(m, z, lambda k: 1 / m.number(math.factorial(k)), range(2, 40))

    z = np.minimum(x, eps)
    curve = np.piecewise(z, [z > -1], [near, lambda z: m.expm1(z) - z])
    return np.where(x > 0, alpha_p * x * x, alpha_n * (curve + (z - x)))


def larger_where_they_cancel(a, b):
    """The larger of two sizes where their sum is less than twice the second."""
    return np.where(abs(a + b) < 2 * abs(b), np.maximum(abs(a), abs(b)), 0)


def tanh_shrink(m, x):
    """x - tanh x; near zero as (x cosh x - sinh x) / cosh x, whose numerator has a series of positive terms."""

    def near(x):
        series = power_series(m, x * x, lambda k: 2 * k / m.number(math.factorial(2 * k + 1)), range(1, 30))
        return x * series / m.cosh(x)

    return np.piecewise(x, [abs(x) < 1], [near, lambda x: x - m.tanh(x)])


def mish_gate(m, x):
    """tanh(log(1 + e**x)) and its derivative, of t = e**-|x|: neither overflows nor cancels."""
    t = m.exp(-abs(x))
    n, share = np.where(x < 0, t * (t + 2), 1 + 2 * t), np.where(x < 0, t, t * t)
    d = n + 2 * np.where(x < 0, 1, t * t)
    return n / d, 4 * share * (1 + t) / d**2


def dish_gate(m, x):
    """(1 + x / s) / 2 with s = sqrt(1 + x**2), on the left as 1 / (2 s (s - x)), and its derivative."""
    s = m.sqrt(1 + x * x)
    return np.where(x < 0, 1 / (s + abs(x)), s + abs(x)) / (2 * s), 1 / (2 * s**3)


def self_gated(gate, zero, width):
    """x times a gate, given with its derivative. f' = gate + x gate', whose terms cancel at its zero: near it the unit
    is an ULP of the gate."""

    def slope(m, x):
        value, derivative = gate(m, x)
        return value + x * derivative

    return Oracle(
        f=lambda m, x: x * gate(m, x)[0],
        slope=slope,
        cancelling=lambda m, x: np.where(abs(x - zero) < width, gate(m, x)[0], 0),
    )


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
    "prelu": prelu,
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
    "threshold": Oracle(
        f=lambda m, x, threshold, value: np.where(x > threshold, x, value),
        slope=lambda m, x, threshold, value: np.where(x > threshold, 1, 0),
    ),
    "hard_tanh": Oracle(
        f=lambda m, x, low, high: np.clip(x, low, high),
        slope=lambda m, x, low, high: np.where((x > low) & (x < high), 1, 0),
        slope_y=lambda m, y, low, high: np.where((y > low) & (y < high), 1, 0),
    ),
    "hard_sigmoid": Oracle(
        f=hard_sigmoid,
        slope=hard_sigmoid_slope,
        slope_y=lambda m, y, slope, offset: np.where((y > 0) & (y < 1), slope, 0),
    ),
    "hard_swish": Oracle(
        f=lambda m, x: x * np.clip(x + 3, 0, 6) / 6,
        slope=lambda m, x: np.where(x <= -3, 0, np.where(x < 3, (2 * x + 3) / 6, 1)),
    ),
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
    "celu": Oracle(
        f=lambda m, x, alpha: np.where(x > 0, x, alpha * m.expm1(x / alpha)),
        slope=lambda m, x, alpha: np.where(x > 0, 1, m.exp(x / alpha)),
        slope_y=lambda m, y, alpha: np.where(y > 0, 1, 1 + y / alpha),
        gradients={"alpha": celu_gradient},
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
    "squareplus": Oracle(
        f=squareplus,
        slope=squareplus_slope,
        slope_y=lambda m, y, b: 1 / (1 + b / 4 / y / y),
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
    # Both f and f' have a root on the left, where they are made of two terms that cancel: of the sizes beta x and beta.
    "xielu": Oracle(
        f=lambda m, x, p, n, beta, eps: xielu_curve(m, x, p, n, eps) + beta * x,
        slope=lambda m, x, p, n, beta, eps: np.where(x > 0, 2 * p * x, n * m.expm1(x)) + beta,
        cancelling=lambda m, x, p, n, beta, eps: larger_where_they_cancel(np.where(x < 0, n * m.expm1(x), 0), beta),
        cancelling_f=lambda m, x, p, n, beta, eps: larger_where_they_cancel(
            np.where(x < 0, xielu_curve(m, x, p, n, eps), 0), beta * x
        ),
        gradients={
            "alpha_p": lambda m, x, p, n, beta, eps: np.where(x > 0, x * x, 0),
            "alpha_n": lambda m, x, p, n, beta, eps: np.where(x > 0, 0, xielu_curve(m, x, 0, 1, eps)),
        },
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
    "scaled_tanh": Oracle(
        f=lambda m, x, alpha, beta: alpha * m.tanh(beta * x),
        slope=lambda m, x, alpha, beta: alpha * beta / m.cosh(beta * x) ** 2,
        slope_y=lambda m, y, alpha, beta: beta / alpha * (alpha - y) * (alpha + y),
    ),
    "softsign": Oracle(
        f=lambda m, x: x / (1 + abs(x)),
        slope=lambda m, x: 1 / (1 + abs(x)) ** 2,
        slope_y=lambda m, y: (1 - abs(y)) ** 2,
    ),
    "step": Oracle(
        f=lambda m, x, alpha: np.where(x > 0, 1, alpha),
        slope=lambda m, x, alpha: np.zeros_like(x),
    ),
    # f' = s (s + (1 - s) (1 + z)), with z = beta x and s = gate(z): the sum is zero at z = -1.2784645..., where both of
    # its terms have the size s. The unit is an ULP of s s for the z that are nearer than 0.5.
    "silu": Oracle(
        f=lambda m, x, beta: x * gate(m, beta * x),
        slope=lambda m, x, beta: gate(m, beta * x) * (1 + beta * x * gate(m, -beta * x)),
        cancelling=lambda m, x, beta: np.where(abs(beta * x + 1.2784645) < 0.5, gate(m, beta * x) ** 2, 0),
        gradients={"beta": lambda m, x, beta: x**2 * gate(m, beta * x) * gate(m, -beta * x)},
    ),
    # As above with z = 1.702 x; what cancels are the terms s (1 + z) and z s s.
    "quick_gelu": Oracle(
        f=lambda m, x: x * gate(m, m.number("1.702") * x),
        slope=lambda m, x: gated_slope(m, m.number("1.702") * x, m.number("1.702") * x),
        cancelling=lambda m, x: cancelling_gate(m, m.number("1.702") * x, m.number("1.702") * x),
    ),
    # f' = Phi(x) + x phi(x) has a zero at -0.7517915...
    "gelu": Oracle(
        f=lambda m, x: x * normal(m, x),
        slope=lambda m, x: normal(m, x) + x * normal_density(m, x),
        cancelling=lambda m, x: np.where(abs(x + 0.7517915) < 0.3, normal(m, x), 0),
    ),
    "gelu_tanh": Oracle(
        f=lambda m, x: x * gate(m, gelu_tanh_gate(m, x)),
        slope=lambda m, x: gated_slope(m, gelu_tanh_gate(m, x), gelu_tanh_gate(m, x, times=3)),
        cancelling=lambda m, x: cancelling_gate(m, gelu_tanh_gate(m, x), gelu_tanh_gate(m, x, times=3)),
    ),
    "mish": self_gated(mish_gate, -1.1924312, 0.5),
    "dish": self_gated(dish_gate, -0.7861514, 0.4),
    "hard_shrink": Oracle(
        f=lambda m, x, lambd: np.where(abs(x) > lambd, x, 0),
        slope=lambda m, x, lambd: np.where(abs(x) > lambd, 1, 0),
        slope_y=lambda m, y, lambd: np.where(y == 0, 0, 1),
    ),
    "soft_shrink": Oracle(
        f=lambda m, x, lambd: np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, 0)),
        slope=lambda m, x, lambd: np.where(abs(x) > lambd, 1, 0),
        slope_y=lambda m, y, lambd: np.where(y == 0, 0, 1),
    ),
    "tanh_shrink": Oracle(
        f=tanh_shrink,
        slope=lambda m, x: m.tanh(x) ** 2,
    ),
}


# Gated units, act(gate) * up: the activation of the gate.
GATED = {"glu": "sigmoid", "reglu": "relu", "swiglu": "silu", "geglu": "gelu", "geglu_tanh": "gelu_tanh"}


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


def crelu(x):
    """Along the last axis."""
    return np.concatenate([np.where(x > 0, x, 0), np.where(x < 0, -x, 0)], axis=-1)


ALONG_AN_AXIS = {
    "softmax": softmax,
    "softmin": softmin,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
    "maxout": maxout,
    "crelu": crelu,
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


def numbers_for(dtype):
    """The numbers that an oracle for this dtype needs."""
    return EXACT if dtype == np.float64 else FAST


def exact_numbers(dtype):
    """EXACT numbers, of which those that a definition rounds are rounded to the dtype."""
    return SimpleNamespace(**vars(EXACT) | {"rounded": lambda value: gmpy2.mpfr(float(parameter_type(dtype)(value)))})


def rounded(params, dtype):
    """What a kernel is given: the parameters as numbers of the type that comes with the dtype."""
    return tuple(np.asarray(p, parameter_type(dtype)) for p in params)


def exact(activation, direction, at, params, m=None):
    """f, f' or f' in y of the numbers `at`, or a parameter's gradient, in FAST numbers, for float64 in EXACT ones."""
    oracle = ORACLES[activation.name]
    definitions = {"forward": oracle.f, "backward": oracle.slope, "backward_y": oracle.slope_y, **oracle.gradients}
    return evaluate(m or numbers_for(at.dtype), definitions[direction], at, *rounded(params, at.dtype))


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


def unit_of(activation, direction, at, params, want):
    """The unit for errors: an ULP of what is wanted, or of the larger of the terms that cancel near its zero."""
    size = abs(want)
    oracle = ORACLES[activation.name]
    cancelling = {"forward": oracle.cancelling_f, "backward": oracle.cancelling, "backward_y": None}[direction]
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
