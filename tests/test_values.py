"""Values and derivatives of the elementwise activations against the oracle, within the catalogue's bounds."""

import re

import gmpy2
import numpy as np
import pytest
from oracle import (
    ALONG_AN_AXIS,
    DTYPES,
    ELEMENTWISE,
    ELSEWHERE,
    EXACT,
    GATED,
    ORACLES,
    check,
    error,
    exact,
    exact_numbers,
    product,
    rounded,
    unit_of,
)

import pyacts
from pyacts.catalog import ACTIVATIONS

inf = np.inf

BY_NAME = {a.name: a for a in ACTIVATIONS}
DEFAULTS = {a.name: tuple(0.25 if p.default is None else p.default for p in a.parameters) for a in ELEMENTWISE}
OTHERS = {  # parameters, other than the defaults
    "leaky_relu": [0.0, 1.0, 0.2, 0.3, -0.5, 3.0, 1e-30, 1e30],
    "prelu": [0.0, 1.0, 0.01, -0.25, 7.3, 1e-30, 1e30],
    "threshold": [(0.0, 0.0), (0.5, -1.0), (-2.3, 3.1), (1e30, 0.0)],
    "hard_tanh": [(0.0, 6.0), (-2.3, 0.1), (1.0, 1.0), (-1e30, 1e30)],
    "hard_sigmoid": [(0.2, 0.5), (1.0, 0.0), (0.1, 2.0), (1e-3, 0.9), (3.7, -0.4), (1e10, 0.5)],
    "elu": [0.0, 0.1, 1.6732632, 2.0, 10.3, -1.3, 1e-30, 1e10],
    "celu": [0.1, 0.5, 1.6732632, 2.0, 10.3, 1e-9, 1e10, 1e-30, 1e30],
    "softplus": [0.1, 0.7, 2.0, 10.0, 20.3, 1e-9, 1e10],
    "squareplus": [0.1, 1.0, 1.92181, 10.3, 1e-9, 1e10, 1e-30],
    "xielu": [(1.0, 1.0, 1.0, -1e-6), (0.3, 1.1, 0.4, 0.0), (0.0, 0.0, 0.5, -1e-6), (10.3, 0.1, -2.0, -1e-6)],
    "scaled_tanh": [(1.0, 1.0), (1.7159, 0.5), (0.1, 3.0), (10.3, 0.2), (1e10, 1e-5), (1e-9, 7.0)],
    "step": [0.5, 1.0, -1.0],
    "silu": [0.0, 0.1, 0.7, 1.702, 10.3, -1.0, -2.3, 1e-9, 1e10, -1e10],
    "hard_shrink": [0.0, 0.1, 3.3, 1e10],
    "soft_shrink": [0.0, 0.1, 3.3, 1e10],
}
OTHERS = {
    name: [params if isinstance(params, tuple) else (params,) for params in rows] for name, rows in OTHERS.items()
}
assert OTHERS.keys() == {a.name for a in ELEMENTWISE if a.parameters}

per_activation = pytest.mark.parametrize("activation", ELEMENTWISE, ids=lambda a: a.name)
per_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
per_direction = pytest.mark.parametrize(
    ("activation", "direction"), [pytest.param(a, d, id=f"{a.name}-{d}") for a in ELEMENTWISE for d in a.directions]
)

# ----------------------------------------------------------------------------------------------------------------
# Where to look


def stratified(dtype, bits):
    """One random number out of each of 2**bits equal ranges of bit patterns: all exponents, both signs, subnormals."""
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}").type
    shift = np.dtype(dtype).itemsize * 8 - bits
    random = np.random.default_rng(bits).integers(2**shift, size=2**bits, dtype=unsigned)
    x = (np.arange(2**bits, dtype=unsigned) << unsigned(shift) | random).view(dtype)
    return x[np.isfinite(x)]


def hard(dtype):
    """Kinks, saturation, thresholds of the kernels, ties of their argument reduction, zeros of f': with neighbours."""
    info = np.finfo(dtype)
    points = [0.0, info.smallest_subnormal, 5 * info.smallest_subnormal, info.smallest_normal, info.max, info.max / 2]
    points += [2.0**k for k in range(-60, 128, 3)]
    points += [
        0.1,
        0.5,
        0.6931472,
        0.7517915246935645,
        0.7524614220710163,
        0.7861513777574233,
        1.0,
        1.05,
        1.1924312145154952,
        1.2784645427610738,
        1.4,
        1.5,
        2.0,
        3.0,
        6.0,
        8.3178,
        9.0109,
        11.7,
        12.0,
        14.356,
        14.5,
        14.7,
        17.3287,
        18.715,
        19.0616,
        22.4,
        24.0,
        36.7368,
        38.5,
        38.6,
        38.7,
    ]
    points += [40.0, 44.3614, 51.9861, 65.0, 80.0, 87.3365, 88.7228, 91.8, 103.2789, 103.9721, 130.0, 300.0, 372.2, 380]
    points += [493.0, 600.0, 708.3964, 709.7827, 744.4401, 745.1332, 751.6, 760.0, 1.2676506e30]
    points += [(k + 0.5) * np.log(2) for k in range(1100 if dtype == np.float64 else 160)]
    near = np.array(points, dtype)
    steps = [near]
    for direction in (-inf, inf):
        moved = near
        for _ in range(3):
            with np.errstate(over="ignore"):
                moved = np.nextafter(moved, dtype(direction))
            steps.append(moved)
    x = np.concatenate(steps)
    x = np.concatenate([x, -x])
    return x[np.isfinite(x)]


def dense(dtype, n, seed=None):
    """Random numbers where the functions are curved, and beyond to where the last of them have become constant."""
    random = np.random.default_rng(n if seed is None else seed)
    widths = (0.7, 3, 20, 110) if dtype == np.float32 else (0.7, 3, 40, 760)
    return np.concatenate([random.uniform(-w, w, n // 4) for w in widths]).astype(dtype)


def everywhere(dtype, bits, n):
    return np.concatenate([stratified(dtype, bits), dense(dtype, n), hard(dtype)])


SIZES = {np.float32: (17, 2**16), np.float64: (12, 4000)}
SMALL = {np.float32: (14, 2**12), np.float64: (9, 800)}


def outputs(activation, params, x):
    """Values that y can have: the numbers of x in the range of f, and what the forward gives for x."""
    ends = np.array([-np.finfo(x.dtype).max, np.finfo(x.dtype).max], x.dtype)
    low, high = exact(activation, "forward", ends, params).astype(float)
    return np.concatenate([x[(x >= low) & (x <= high)], call(activation, "forward", x, params)])


def call(activation, direction, at, params, grad=None, module=pyacts):
    """The function of pyacts or of pyacts.exact, at x, or at y."""
    if direction == "forward":
        return getattr(module, activation.name)(at, *params)
    backward = getattr(module, f"{activation.name}_backward")
    grad = np.ones_like(at) if grad is None else grad
    if direction == "backward":
        return backward(grad, at, *params)
    return backward(grad, None, *params, y=at)


def measure(activation, direction, x, params, bound):
    """Check one direction with grad = 1 at x (backward_y: at the outputs for x), and return the largest error."""
    at = outputs(activation, params, x) if direction == "backward_y" else x
    want = exact(activation, direction, at, params)
    unit = unit_of(activation, direction, at, params, want)
    got = call(activation, direction, at, params)
    return check(f"{activation.name}{params} {direction}", at, got, want, bound, unit)


# ----------------------------------------------------------------------------------------------------------------
# The bounds of the catalogue


def bound_of(activation, direction, dtype):
    return activation.max_ulp["f32" if dtype == np.float32 else "f64"][direction]


@per_dtype
@per_direction
def test_error_is_within_the_bound(activation, direction, dtype):
    x = everywhere(dtype, *SIZES[dtype])
    measure(activation, direction, x, DEFAULTS[activation.name], bound_of(activation, direction, dtype))


@pytest.mark.slow
@per_direction
def test_error_is_within_the_bound_for_many_float64(activation, direction):
    for seed in range(10):
        x = dense(np.float64, 40_000 + 4 * seed)
        measure(activation, direction, x, DEFAULTS[activation.name], bound_of(activation, direction, np.float64))


def starts_from(activation, direction, params):
    """Whether a direction is there for these parameters."""
    least = [-inf if p.minimum_y is None else p.minimum_y for p in activation.parameters]
    return direction != "backward_y" or all(value >= y for value, y in zip(params, least, strict=True))


per_other_parameters = pytest.mark.parametrize(
    ("name", "params", "direction"),
    [
        pytest.param(name, params, direction, id=f"{name}-{','.join(f'{v:g}' for v in params)}-{direction}")
        for name, rows in OTHERS.items()
        for params in rows
        for direction in BY_NAME[name].directions
        if starts_from(BY_NAME[name], direction, params)
    ],
)


@per_dtype
@per_other_parameters
def test_error_with_other_parameters_is_within_the_bound_and_one(name, params, direction, dtype):
    x = everywhere(dtype, *SMALL[dtype])
    measure(BY_NAME[name], direction, x, params, bound_of(BY_NAME[name], direction, dtype) + 1)


@per_dtype
@per_direction
def test_backward_is_grad_times_slope(activation, direction, dtype):
    """For any grad: the error of f' times grad, and half an ULP for the rounding of the product.

    Where f' itself is not too large for a number.
    """
    if direction == "forward":
        return
    params = DEFAULTS[activation.name]
    at = everywhere(dtype, *SMALL[dtype])
    if direction == "backward_y":
        at = outputs(activation, params, at)
    grad = np.random.default_rng(1).permutation(np.resize(stratified(dtype, 12), at.size))
    slope = exact(activation, direction, at, params)
    at, grad, slope = (v[abs(slope.astype(float)) <= np.finfo(dtype).max] for v in (at, grad, slope))
    unit = unit_of(activation, direction, at, params, slope)
    want, unit, allowed = product(slope, unit, bound_of(activation, direction, dtype), grad)
    got = call(activation, direction, at, params, grad)
    check(f"{activation.name}{params} {direction} with grad", at, got, want, allowed, unit)


# ----------------------------------------------------------------------------------------------------------------
# The oracle itself, and what the catalogue says in words


def test_every_activation_has_an_oracle():
    assert {a.name for a in ACTIVATIONS} == {*ORACLES, *GATED, *ALONG_AN_AXIS, *ELSEWHERE}
    for a in ELEMENTWISE:
        assert (ORACLES[a.name].slope_y is not None) == (a.derivative_y is not None) == ("backward_y" in a.directions)


@per_direction
def test_fast_numbers_agree_with_exact_ones(activation, direction):
    """The oracle for float32 is good to a few ten-thousandths of an ULP."""
    exact_for_float32 = exact_numbers(np.float32)
    x = everywhere(np.float32, 11, 4000)
    params = DEFAULTS[activation.name]
    at = outputs(activation, params, x) if direction == "backward_y" else x
    fast = exact(activation, direction, at, params)
    precise = exact(activation, direction, at.astype(float), rounded(params, np.float32), exact_for_float32)
    unit = unit_of(activation, direction, at, params, fast)
    assert error(fast, precise, unit).max() < 2e-4  # bench/accuracy relies on it


def written(text, variable, value, parameters):
    """The value of a formula of the catalogue, in 2000-bit numbers, so that it may cancel as it likes."""
    text = re.sub(r"\|(\w)\|", r"abs(\1)", text)
    text = re.sub(r"\d+\.\d+", r"mpfr('\g<0>')", text)
    names = {variable: value, **parameters, "max": max, "min": min, "abs": abs}
    names |= {name: getattr(gmpy2, name) for name in ("exp", "log", "sqrt", "tanh", "cosh", "erf", "mpfr")}
    names["pi"] = gmpy2.const_pi()
    text, _, where = text.partition(" with ")
    for definition in where.split(" and ") if where else ():
        name, meaning = definition.split(" = ")
        names[name] = eval(meaning, names)
    if " for " not in text:
        return eval(text, names)
    for piece in re.split(r", (?![^()]*\))", text):
        what, condition = piece.split(" for ")
        if eval(condition, names):
            return eval(what, names)
    raise AssertionError(f"{text!r} says nothing about {variable} = {value}")


@per_direction
def test_formulas_of_the_catalogue_agree_with_the_oracle(activation, direction):
    field, variable = {
        "forward": ("formula", "x"),
        "backward": ("derivative", "x"),
        "backward_y": ("derivative_y", "y"),
    }[direction]
    # hard_sigmoid's zero is a rounded number, -offset / slope: exact with these.
    parameters = rounded({"hard_sigmoid": (0.25, 0.5)}.get(activation.name, DEFAULTS[activation.name]), np.float64)
    at = np.concatenate([np.random.default_rng(5).uniform(-30, 30, 60), [0.0, 1e-9, -1e-9]])
    if direction == "backward_y":
        at = outputs(activation, parameters, at)
    want = exact(activation, direction, at, parameters)
    with gmpy2.context(precision=2000):
        numbers = {p.name: gmpy2.mpfr(float(v)) for p, v in zip(activation.parameters, parameters, strict=True)}
        got = [written(getattr(activation, field), variable, gmpy2.mpfr(float(v)), numbers) for v in at]
        for value, g, w in zip(at, got, want, strict=True):
            assert abs(g - w) <= abs(w) * 2.0**-150, (activation.name, field, value, float(g), float(w))


@per_activation
def test_samples_of_the_catalogue(activation):
    x = np.array([-1.0, 0.0, 1.0])
    for direction, said in zip(("forward", "backward"), activation.samples, strict=True):
        assert call(activation, direction, x, DEFAULTS[activation.name]).round(4).tolist() == list(said)


@per_dtype
@per_activation
def test_range_of_the_catalogue(activation, dtype):
    """Rounding may reach an end that the function itself only approaches, and pass its minimum by the error."""
    names = {p.name: dtype(v) for p, v in zip(activation.parameters, DEFAULTS[activation.name], strict=True)}
    low, high = re.match(r"[\[(](.*), (.*)[\])]", activation.range).groups()
    y = call(activation, "forward", everywhere(dtype, *SMALL[dtype]), DEFAULTS[activation.name])
    low, high = eval(low, {"inf": inf, **names}), eval(high, {"inf": inf, **names})
    below = bound_of(activation, "forward", dtype) * np.spacing(dtype(abs(low))) if -inf < low < 0 else 0
    assert low - below <= y.min() <= y.max() <= high
    assert y.min() <= max(low, -1e30) + 1e-4
    assert y.max() >= min(high, 1e30) - 1e-4


# ----------------------------------------------------------------------------------------------------------------
# Derivatives are derivatives, parameters parameters


@per_activation
def test_backward_agrees_with_finite_differences(activation):
    usual = [
        row for row in OTHERS.get(activation.name, ()) if all(v == 0 or 0.05 < abs(v) < 20 or v == -1e-6 for v in row)
    ]
    h = 1e-5
    f = pyacts.get(activation.name)
    for params in (DEFAULTS[activation.name], *usual):
        x = np.random.default_rng(6).uniform(-6, 6, 2000)
        left, right = (call(activation, "backward", x + d, params) for d in (-h, h))
        x = x[(abs(x) > 1e-3) & (abs(right - left) < 1e-3 * np.maximum(1, abs(right)))]  # f' may jump, f too at 0
        assert x.size > 1990
        difference = (f(x + h, *params) - f(x - h, *params)) / (2 * h)
        third_derivative = max(1, *np.abs(params)) ** 2 if params else 1
        np.testing.assert_allclose(
            call(activation, "backward", x, params), difference, rtol=1e-8, atol=1e-9 * third_derivative
        )


@per_dtype
@per_activation
def test_backward_from_y_agrees_with_backward_from_x(activation, dtype):
    if "backward_y" not in activation.directions:
        return
    params = DEFAULTS[activation.name]
    x = np.random.default_rng(7).uniform(-3, 3, 1000).astype(dtype)
    grad = np.random.default_rng(8).normal(size=1000).astype(dtype)
    y = call(activation, "forward", x, params)
    from_y = call(activation, "backward_y", y, params, grad)
    # 1 - y, 1 - y**2 and y + alpha have lost up to 2**9 of the digits where f' is as small as here.
    np.testing.assert_allclose(from_y, call(activation, "backward", x, params, grad), rtol=500 * np.finfo(dtype).eps)


# ----------------------------------------------------------------------------------------------------------------
# Known values


KNOWN = [
    # name, parameters, x, f(x), f'(x): worked out by hand or taken from textbooks
    ("relu", (), (-2.5, 0.0, 3.0), (0, 0, 3), (0, 0, 1)),
    ("leaky_relu", (0.1,), (-20.0, 0.0, 20.0), (-2, 0, 20), (0.1, 0.1, 1)),
    ("prelu", (-0.5,), (-8.0, 0.0, 8.0), (4, 0, 8), (-0.5, -0.5, 1)),
    ("relu6", (), (-2.0, 0.0, 3.0, 6.0, 7.0), (0, 0, 3, 6, 6), (0, 0, 1, 0, 0)),
    ("relu2", (), (-2.0, 0.0, 0.5, 3.0), (0, 0, 0.25, 9), (0, 0, 1, 6)),
    ("hard_swish", (), (-4.0, -3.0, -1.5, 0.0, 1.0, 3.0, 5.0), (0, 0, -0.375, 0, 2 / 3, 3, 5),
     (0, 0, 0, 0.5, 5 / 6, 1, 1)),
    ("threshold", (1.0, 0.0), (-2.0, 0.5, 1.0, 2.0), (0, 0, 0, 2), (0, 0, 0, 1)),
    ("threshold", (-1.0, -5.0), (-2.0, -1.0, -0.5, 2.0), (-5, -5, -0.5, 2), (0, 0, 1, 1)),
    ("hard_tanh", (-1.0, 1.0), (-2.0, -1.0, 0.5, 1.0, 7.0), (-1, -1, 0.5, 1, 1), (0, 0, 1, 0, 0)),
    ("hard_tanh", (0.0, 6.0), (-2.0, 0.0, 0.5, 6.0, 7.0), (0, 0, 0.5, 6, 6), (0, 0, 1, 0, 0)),
    ("hard_sigmoid", (1 / 6, 0.5), (-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0), (0, 0, 0.25, 0.5, 0.75, 1, 1),
     (0, 0, 1 / 6, 1 / 6, 1 / 6, 0, 0)),
    ("hard_sigmoid", (0.2, 0.5), (-2.5, -1.25, 0.0, 2.0, 2.5), (0, 0.25, 0.5, 0.9, 1), (0, 0.2, 0.2, 0.2, 0)),
    ("elu", (2.0,), (-1.0, 0.0, 5.0), (-1.2642411176571153, 0, 5), (0.7357588823428847, 2, 1)),
    ("elu", (1.0,), (-1e-10,), (-9.9999999995e-11,), (0.9999999999,)),
    ("selu", (), (-1.0, 0.0, 1.0), (-1.1113307378125625, 0, 1.0507009873554805),
     (0.6467686030348143, 1.7580993408473768, 1.0507009873554805)),
    ("celu", (2.0,), (-2.0, 0.0, 5.0), (-1.2642411176571153, 0, 5), (0.36787944117144233, 1, 1)),
    ("softplus", (1.0,), (0.0, -40.0), (0.6931471805599453, 4.248354255291589e-18), (0.5, 4.248354255291589e-18)),
    ("softplus", (2.0,), (0.0, 0.5), (0.34657359027997264, 0.6566308437591114), (0.5, 0.7310585786300049)),
    ("log_sigmoid", (), (0.0, 40.0), (-0.6931471805599453, -4.248354255291589e-18), (0.5, 4.248354255291589e-18)),
    ("squareplus", (4.0,), (-1.5, 0.0, 1.5, -1e10), (0.5, 1, 2, 1e-10), (0.2, 0.5, 0.8, 1e-20)),
    ("squareplus", (9.0,), (-4.0, 0.0, 4.0), (0.5, 1.5, 4.5), (0.1, 0.5, 0.9)),
    ("sparse_plus", (), (-2.0, -1.0, -0.5, 0.0, 1.0, 3.0), (0, 0, 1 / 16, 0.25, 1, 3), (0, 0, 0.25, 0.5, 1, 1)),
    ("sparse_sigmoid", (), (-2.0, -1.0, -0.5, 0.0, 1.0, 3.0), (0, 0, 0.25, 0.5, 1, 1), (0, 0, 0.5, 0.5, 0, 0)),
    ("exponential", (), (-1.0, 0.0, 1.0), (0.36787944117144233, 1, 2.718281828459045),
     (0.36787944117144233, 1, 2.718281828459045)),
    ("xielu", (0.8, 0.8, 0.5, -1e-6), (-3.0, 0.0, 2.0), (0.139829654694291245, -7.999996000001333e-07, 4.2),
     (-0.260170345305708888, 0.5, 3.7)),
    ("sigmoid", (), (-1.0, 0.0, 1.0, 0.6931471805599453), (0.2689414213699951, 0.5, 0.7310585786300049, 2 / 3),
     (0.19661193324148185, 0.25, 0.19661193324148185, 2 / 9)),
    ("tanh", (), (-0.5, 0.0, 1.0), (-0.46211715726000973, 0, 0.7615941559557649),
     (0.7864477329659274, 1, 0.41997434161402614)),
    ("scaled_tanh", (2.0, 0.5), (-1.0, 0.0, 2.0), (-0.9242343145200195, 0, 1.5231883119115297),
     (0.7864477329659274, 1, 0.41997434161402614)),
    ("step", (-1.0,), (-2.0, -0.0, 0.0, 1e-30), (-1, -1, -1, 1), (0, 0, 0, 0)),
    ("softsign", (), (-3.0, 0.0, 1.0), (-0.75, 0, 0.5), (1 / 16, 1, 1 / 4)),
    ("silu", (1.0,), (-1.0, 0.0, 1.0), (-0.2689414213699951, 0, 0.7310585786300049),
     (0.07232948812851325, 0.5, 0.9276705118714869)),
    ("silu", (0.0,), (-7.0, 3.0), (-3.5, 1.5), (0.5, 0.5)),
    ("quick_gelu", (), (-10.0, -1.0, 0.0, 3.0),
     (-4.05796129485530999e-7, -0.154204234067178704, 0, 2.98192869029221403),
     (-6.50085371408901781e-7, -0.0677796065563340566, 0.5, 1.02454832390565235)),
    ("gelu", (), (-10.0, -2.0, -1.0, 0.0, 1.0, 3.0, 3e38),
     (-7.61985302416052607e-23, -0.0455002638963584144, -0.158655253931457051, 0, 0.841344746068542949,
      2.99595030590510972, 3e38),
     (-7.61840009646481409e-22, -0.0852318010781968967, -0.0833154705876862984, 0.5, 1.0833154705876863,
      1.01194564720418393, 1)),
    ("gelu_tanh", (), (-10.0, -2.0, -1.0, 0.0, 1.0, 3.0, 3e38),
     (-1.20409234820980599e-37, -0.0454023059122249812, -0.158808009391723295, 0, 0.841191990608276705,
      2.99636260791822698, 3e38),
     (-2.75763806385403161e-36, -0.0860992566236183816, -0.0829640838457825551, 0.5, 1.08296408384578256,
      1.01158416663096973, 1)),
    ("mish", (), (-1.0, 0.0, 1.0, 30.0), (-0.3034014613741089, 0, 0.8650983882673103, 30),
     (0.05921675587739495, 0.6, 1.0490362200997922, 1)),
    ("dish", (), (-1.875, -1e10, 0.0, 0.75, 1e10), (-15 / 136, -2.5e-11, 0, 0.6, 1e10),
     (-191 / 4913, -2.5e-21, 0.5, 0.992, 1)),
    ("hard_shrink", (0.5,), (-2.0, -0.5, 0.25, 0.75), (-2, 0, 0, 0.75), (1, 0, 0, 1)),
    ("soft_shrink", (0.5,), (-2.0, -0.5, 0.25, 0.75), (-1.5, 0, 0, 0.25), (1, 0, 0, 1)),
    ("tanh_shrink", (), (-0.5, 0.0, 1e-5), (-0.03788284273999027, 0, 3.33333333320e-16),
     (0.2135522670340726, 0, 9.9999999993333333e-11)),
]  # fmt: skip


@per_dtype
@pytest.mark.parametrize(("name", "params", "x", "y", "slope"), KNOWN, ids=[f"{k[0]}{k[1]}" for k in KNOWN])
def test_known_values(name, params, x, y, slope, dtype):
    x = np.array(x, dtype)
    rtol = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(call(BY_NAME[name], "forward", x, params), y, rtol=rtol)
    np.testing.assert_allclose(call(BY_NAME[name], "backward", x, params), slope, rtol=rtol)


def test_far_parameters():
    """Beyond those that the oracle can tell: nothing overflows or cancels on the way."""
    for eps in (-10.0, -100.0, -1e10):
        x = np.float32([-0.3, -5.0])
        want = 0.8 * (np.expm1(eps) - x.astype(float)) + 0.5 * x
        np.testing.assert_allclose(pyacts.xielu(x, eps=eps), want, rtol=2.0**-22)
    assert pyacts.softplus(6.6e234, 8e-234) == 6.6e234
    for dtype, parameter in ((np.float32, 1e10), (np.float64, 1e150)):
        assert (pyacts.scaled_tanh_backward(np.ones(2, dtype), dtype([-inf, inf]), parameter, parameter) == 0).all()


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("silu", -1.2784645427610738, -0.2784645427610738),
        ("mish", -1.1924312145154952, -0.30884341301725043),
        ("dish", -0.7861513777574233, -0.1501415530003888),
    ],
)
def test_the_minimum_is_where_the_slope_is_zero(name, x, y):
    x = np.array([x])
    assert abs(call(BY_NAME[name], "forward", x, DEFAULTS[name])[0] - y) < 1e-15
    assert abs(call(BY_NAME[name], "backward", x, DEFAULTS[name])[0]) < 1e-16


@per_dtype
def test_slope_of_gelu_has_all_its_digits_at_its_zero(dtype):
    """An ULP of f' itself, not of the terms that cancel."""
    gelu = BY_NAME["gelu"]
    root = dtype(-0.7517915246935645)
    x = root + np.spacing(root) * np.r_[-1000:1000, 10.0 ** np.arange(3, 6)].astype(dtype)
    want = exact(gelu, "backward", x, (), EXACT)
    check("gelu near its minimum", x, call(gelu, "backward", x, ()), want, bound_of(gelu, "backward", dtype))


@per_dtype
def test_slope_of_sigmoid_is_largest_at_zero(dtype):
    sigmoid = BY_NAME["sigmoid"]
    assert call(sigmoid, "backward", np.zeros(1, dtype), ()) == 0.25
    slopes = call(sigmoid, "backward", everywhere(dtype, *SMALL[dtype]), ())
    assert slopes.max() <= 0.25 + bound_of(sigmoid, "backward", dtype) * np.spacing(dtype(0.25))


# ----------------------------------------------------------------------------------------------------------------
# Shape: symmetry, order, saturation


@per_dtype
@pytest.mark.parametrize(
    "name", ["identity", "tanh", "scaled_tanh", "softsign", "hard_shrink", "soft_shrink", "tanh_shrink"]
)
def test_odd_functions_are_odd_and_their_slopes_even(name, dtype):
    activation, params = BY_NAME[name], DEFAULTS[name]
    x = everywhere(dtype, *SMALL[dtype])
    y, mirrored = call(activation, "forward", x, params), call(activation, "forward", -x, params)
    assert y.tobytes() == (-mirrored).tobytes()
    slope, mirrored = call(activation, "backward", x, params), call(activation, "backward", -x, params)
    assert slope.tobytes() == mirrored.tobytes()


@per_dtype
def test_slope_of_sigmoid_is_even(dtype):
    x = everywhere(dtype, *SMALL[dtype])
    slope, mirrored = (call(BY_NAME["sigmoid"], "backward", at, ()) for at in (x, -x))
    assert slope.tobytes() == mirrored.tobytes()


@per_dtype
@per_activation
def test_monotone_functions_never_go_down_by_more_than_their_error(activation, dtype):
    """And not at all where the result is the rounded exact one."""
    if activation.derivative_y is None or activation.limits[0] > activation.limits[1]:
        return  # not monotone, or falling
    params = DEFAULTS[activation.name]
    y = np.minimum(call(activation, "forward", np.sort(everywhere(dtype, *SMALL[dtype])), params), np.finfo(dtype).max)
    bound = bound_of(activation, "forward", dtype)
    slack = 0.0 if bound <= 0.5 else 2 * bound
    highest = np.maximum.accumulate(y)
    size = np.minimum(np.maximum(abs(highest), abs(y)), np.finfo(dtype).max / 2)
    assert (highest - y <= slack * np.spacing(size)).all()


def doublings(start, dtype):
    """Numbers from start to near the largest, a few in each binade."""
    exponents = np.arange(0, np.finfo(dtype).maxexp - np.log2(start) - 1, 0.23)
    return (start * 2.0**exponents).astype(dtype)


SATURATED = {  # name: where y has become 1, for float32 and float64
    "sigmoid": {np.float32: 17.4, np.float64: 37.5},
    "tanh": {np.float32: 9.1, np.float64: 19.1},
    "softsign": {np.float32: 2.0**25, np.float64: 2.0**54},
}


@per_dtype
@pytest.mark.parametrize("name", SATURATED)
def test_saturation_is_exact_and_not_early(name, dtype):
    start = SATURATED[name][dtype]
    assert (call(BY_NAME[name], "forward", doublings(start, dtype), ()) == 1).all()
    assert call(BY_NAME[name], "forward", np.array([start * 0.45], dtype), ()) < 1


@per_dtype
def test_sigmoid_underflows_to_zero_and_not_early(dtype):
    start = 104.0 if dtype == np.float32 else 745.2  # e**-start is half the smallest subnormal
    assert (pyacts.sigmoid(-doublings(start, dtype)) == 0).all()
    assert pyacts.sigmoid(dtype(1 - start)) > 0


@per_dtype
def test_softplus_and_elu_become_linear(dtype):
    x = doublings(50, dtype)
    np.testing.assert_array_equal(pyacts.softplus(x), x)
    np.testing.assert_array_equal(pyacts.elu(x), x)
    np.testing.assert_array_equal(pyacts.elu(-x), -np.ones_like(x))
