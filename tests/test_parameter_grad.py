"""The gradients with respect to learned parameters: shares against the oracle, sums in double, shapes, layouts, C."""

import gmpy2
import numpy as np
import pytest
from common import (
    LAYOUTS,
    SUFFIXES,
    TYPES,
    assert_same,
    c_call,
    defaults,
    drawn,
    finfo,
    finite,
    laid_out,
    numbers,
    parameter_grads,
    parameter_type,
)
from oracle import check, exact, precisely, product, rounded, ulp
from test_values import SMALL, everywhere, written

import pyacts
from pyacts.catalog import ACTIVATIONS

LEARNING = [a for a in ACTIVATIONS if a.learned]

per_activation = pytest.mark.parametrize("activation", LEARNING, ids=lambda a: a.name)
per_parameter = pytest.mark.parametrize(
    ("activation", "parameter"), [pytest.param(a, p, id=f"{a.name}-{p.name}") for a in LEARNING for p in a.learned]
)
per_dtype = pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)

# ----------------------------------------------------------------------------------------------------------------
# One element's share


def shares(activation, name, grad, x, params):
    """What every element gives to the gradient: that of parameters in x's shape."""
    values = dict(zip((p.name for p in activation.parameters), rounded(params, x.dtype), strict=True))
    full = {n: np.full(x.shape, v) for n, v in values.items()}
    return parameter_grads(activation, grad, x, **full)[name]


def places(dtype):
    if np.dtype(dtype).itemsize == 2:
        return finite(dtype)
    return everywhere(dtype, *SMALL[dtype])


@precisely
def unit_of(want, dtype):
    """An ULP of a share, but of no share that is nothing beside the largest."""
    own = parameter_type(dtype)
    largest = abs(want[abs(want) < float(np.finfo(own).max)]).max()
    return ulp(np.maximum(abs(want), largest * 2.0**-100), own)


@per_dtype
@per_parameter
def test_error_is_small(activation, parameter, dtype):
    """4 ULP, and one more for parameters other than the defaults, of float32 for halves."""
    x = places(dtype)
    names = [p.name for p in activation.parameters]
    others = [tuple(drawn(activation, names, (), seed).values()) for seed in range(4)]
    far = [tuple(v * 2.0**k for v in others[0]) for k in (-20, 20)]
    for bound, all_params in ((4, [defaults(activation).values()]), (5, [*others, *far])):
        for params in all_params:
            want = exact(activation, parameter.name, x, params)
            got = shares(activation, parameter.name, np.ones_like(x), x, params)
            check(f"{activation.name}{tuple(params)} {parameter.name}", x, got, want, bound, unit_of(want, dtype))


@per_dtype
@per_parameter
def test_share_is_grad_times_derivative(activation, parameter, dtype):
    """For any grad, rounded once more."""
    x = places(dtype)
    grad = np.random.default_rng(1).permutation(x)
    params = defaults(activation).values()
    derivative = exact(activation, parameter.name, x, params)
    unit = unit_of(derivative, dtype)
    grad = grad.astype(parameter_type(dtype))
    want, unit, allowed = product(derivative, unit, 4, grad)
    got = shares(activation, parameter.name, grad.astype(dtype), x, params)
    check(f"{activation.name} {parameter.name} with grad", x, got, want, allowed, unit)


@per_parameter
def test_formula_of_the_catalogue_agrees_with_the_oracle(activation, parameter):
    params = rounded(defaults(activation).values(), np.float64)
    x = np.concatenate([np.random.default_rng(5).uniform(-30, 30, 60), [0.0, 1e-9, -1e-9]])
    want = exact(activation, parameter.name, x, params)
    text = parameter.gradient.replace(", else 0", ", 0 for True")
    with gmpy2.context(precision=2000):
        names = {p.name: gmpy2.mpfr(float(v)) for p, v in zip(activation.parameters, params, strict=True)}
        names["f"] = lambda x: written(activation.formula, "x", x, names)
        for value, w in zip(x, want, strict=True):
            got = written(text, "x", gmpy2.mpfr(float(value)), names)
            assert abs(got - w) <= abs(w) * 2.0**-150, (activation.name, parameter.name, value, float(got), float(w))


@per_parameter
def test_gradient_agrees_with_finite_differences(activation, parameter):
    names = [p.name for p in activation.parameters]
    random = np.random.default_rng(6)
    x, grad = random.uniform(-6, 6, 2000), random.normal(size=2000)
    f = getattr(pyacts, activation.name)
    h = 1e-5
    for params in (defaults(activation), drawn(activation, names, (), 7)):
        up, down = (f(x, **{**params, parameter.name: params[parameter.name] + step}) for step in (h, -h))
        expected = grad * (up - down) / (2 * h)
        got = shares(activation, parameter.name, grad, x, tuple({**defaults(activation), **params}.values()))
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)


# ----------------------------------------------------------------------------------------------------------------
# Policy


@per_dtype
@per_activation
def test_special_numbers(activation, dtype):
    """NaN in x or grad gives NaN; an infinity what the shares near it tend to; neither spoils another channel."""
    for params in (defaults(activation), drawn(activation, [p.name for p in activation.parameters], (), 1)):
        own = {**defaults(activation), **params}
        for name in (p.name for p in activation.learned):

            def share(grad, x, name=name, own=own):
                return float(parameter_grads(activation, np.array([grad], dtype), np.array([x], dtype), **own)[name])

            for ordinary in (-1.0, 0.0, 1.0, np.inf, -np.inf):
                assert np.isnan(share(np.nan, ordinary)), (activation.name, name, ordinary)
                assert np.isnan(share(ordinary, np.nan)), (activation.name, name, ordinary)
            for end in (-np.inf, np.inf):
                near = [share(1.0, end if k is None else np.sign(end) * 2.0**k) for k in (12, 14, None)]
                growing = abs(near[1]) > 2 * abs(near[0])
                assert near[2] == (np.sign(near[1]) * np.inf if growing else near[1]), (activation.name, name, near)
    x = np.ones((4, 3), dtype)
    x[1, 0], x[2, 1] = np.nan, -np.inf
    full = {n: np.full(3, v) for n, v in defaults(activation).items()}
    for name, got in parameter_grads(activation, np.ones_like(x), x, **full).items():
        alone = parameter_grads(activation, np.ones(4, dtype), x[:, 2].copy(), **defaults(activation))[name]
        assert np.isnan(got[0])
        assert got[2] == alone


@per_dtype
@per_parameter
def test_no_grad_counts_where_the_derivative_is_zero(activation, parameter, dtype):
    """Not an infinite one either."""
    for side in (np.array([1, 2, 30], dtype), np.array([-1, -2, -30], dtype)):
        if not exact(activation, parameter.name, side, defaults(activation).values()).any():
            grad = np.array([np.inf, -np.inf, finfo(dtype).max], dtype)
            assert parameter_grads(activation, grad, side)[parameter.name] == 0


# ----------------------------------------------------------------------------------------------------------------
# Sums

SHAPES = [  # shape of x, shape of the parameters
    ((), ()),
    ((1,), ()),
    ((1000,), ()),
    ((6,), (6,)),
    ((7, 5), (5,)),
    ((7, 5), (1,)),
    ((7, 5), (1, 5)),
    ((7, 5), (7, 1)),
    ((7, 5), (7, 5)),
    ((2, 3), (1, 1)),
    ((3, 100), (100,)),
    ((5000, 3), (3,)),
    ((2, 3, 4, 5), ()),
    ((2, 3, 4, 5), (3, 1, 1)),
    ((2, 3, 4, 5), (1, 3, 1, 1)),
    ((2, 3, 4, 5), (1, 3, 1, 5)),
    ((2, 3, 4, 5), (2, 1, 1, 5)),
    ((2, 3, 4, 5), (2, 1, 4, 1)),
    ((2, 3, 4, 5), (3, 4, 5)),
    ((2, 3, 4, 5), (2, 3, 1, 1)),
    ((2, 3, 4, 5), (2, 3, 4, 5)),
    ((2, 3, 1, 5), (3, 1, 5)),
    ((4, 1, 5), (4, 1, 5)),
    ((2, 40, 1), (40, 1)),
    ((1, 3, 1, 1), (3, 1, 1)),
    ((2, 33, 40, 41), (33, 1, 1)),
    ((2, 1, 9000), ()),
    ((0, 3), (3,)),
    ((3, 0), (1,)),
    ((3, 0), (3, 1)),
]
per_shape = pytest.mark.parametrize(("shape", "own"), SHAPES, ids=[f"{x}-{p}" for x, p in SHAPES])


def tolerance(dtype):
    """The relative error of a sum whose terms have one sign: that of the terms, and of up to 256 of them in a lane."""
    return max(4 * np.finfo(parameter_type(dtype)).eps, 1e-14)


def summed_to(terms, shape):
    """The sum of terms over the axes that an array of that shape is broadcast along."""
    terms = terms.sum(axis=tuple(range(terms.ndim - len(shape))))
    axes = tuple(k for k, length in enumerate(shape) if length == 1)
    return terms.sum(axis=axes, keepdims=True)


def check_sums(activation, grad, x, parameters, got):
    """The sums of the shares that elements with parameters of their own have, each to the rounding of the result."""
    spread = {n: np.broadcast_to(v, x.shape).astype(float) for n, v in parameters.items()}
    # float64 kernels give the shares; that of float32 has its own error, which test_error_is_small bounds.
    terms = parameter_grads(activation, grad.astype(float), x.astype(float), **spread)
    assert got.keys() == terms.keys()
    for name, found in got.items():
        shape = np.shape(parameters[name])
        want, size = summed_to(terms[name], shape), summed_to(abs(terms[name]), shape)
        own = parameter_type(x.dtype)
        assert np.shape(found) == shape, (activation.name, name)
        assert found.dtype == own
        assert (abs(found - want) <= np.finfo(own).eps * abs(want) / 2 + tolerance(own) * size).all(), name


@per_dtype
@per_shape
@per_activation
def test_shapes(activation, shape, own, dtype):
    """In the parameter's shape, summed over what it was broadcast along; the same bits in every layout."""
    names = [p.name for p in activation.parameters]
    grad, x = numbers(shape, dtype, 1, special=False), numbers(shape, dtype, 2, special=False)
    parameters = {n: v.astype(parameter_type(dtype)) for n, v in drawn(activation, names, own, 3).items()}
    got = parameter_grads(activation, grad, x, **parameters)
    check_sums(activation, grad, x, parameters, got)
    for layout in LAYOUTS if shape else ():
        arrays = [laid_out(a, layout)[0] for a in (grad, x)]
        laid = {n: laid_out(v, layout)[0] if own else v for n, v in parameters.items()}
        for name, values in parameter_grads(activation, *arrays, **laid).items():
            assert_same(values, got[name], activation.name, name, np.dtype(dtype), layout)


@per_dtype
@per_activation
def test_parameters_of_different_shapes(activation, dtype):
    """Each gradient in its own parameter's shape: one an array and the others numbers, and all different."""
    names = [p.name for p in activation.parameters]
    grad, x = numbers((4, 3, 5), dtype, 1, special=False), numbers((4, 3, 5), dtype, 2, special=False)
    parts = [np.s_[:1, :, :1], np.s_[0, 0, :], np.s_[:, :1, :1], np.s_[:]]
    full = drawn(activation, names, (4, 3, 5), 4)
    number = {n: v.flat[0] for n, v in full.items()}
    cases = [dict(zip(names, (full[n][part] for n, part in zip(names, parts * 2, strict=False)), strict=True))]
    cases += [number | {n: np.broadcast_to(number[n], full[n][part].shape)} for n in names for part in parts]
    for parameters in cases:
        check_sums(activation, grad, x, parameters, parameter_grads(activation, grad, x, **parameters))


def test_no_floating_point_warnings():
    """From the sum over what one parameter is broadcast along, when another is not; from parameters out of range."""
    grad, x = np.array([[np.inf, -np.inf]], np.float32), np.full((1, 2), 9, np.float32)
    with np.errstate(all="raise"):
        alpha_p, _ = pyacts.xielu_parameter_grad(grad, x, np.ones((1, 1), np.float32), np.ones(2, np.float32))
        assert np.isnan(alpha_p)
        pyacts.elu_parameter_grad(grad, x, np.array([1e300, 1e-300]))


@per_activation
def test_number_given_in_any_way(activation):
    """A default, positional or by name, a NumPy scalar, a list; a tuple comes out where several are learned."""
    grad, x = numbers(50, "float32", 1, special=False), numbers(50, "float32", 2, special=False)
    function = getattr(pyacts, f"{activation.name}_parameter_grad")
    values = defaults(activation)
    expected = function(grad, x, *values.values())
    assert isinstance(expected, tuple) == (len(activation.learned) > 1)
    given_ways = [
        function(grad, x, **values),
        function(grad, x, *(np.float64(v) for v in values.values())),
        function(grad.tolist(), x, **values),
        function(grad, x.tolist(), **values),
        function(grad[::-1][::-1], np.array(x), *(np.array(v) for v in values.values())),
    ]
    if all(p.default is not None for p in activation.parameters):
        given_ways.append(function(grad, x))
    for given in given_ways:
        for found, wanted in zip(np.atleast_1d(given), np.atleast_1d(expected), strict=True):
            assert found == wanted
            assert found.dtype == np.float32
    integers = function([1, 2, 3], [-1, 0, 2], **values)
    assert np.asarray(integers).dtype == np.float64


@per_activation
def test_refused(activation):
    x = np.ones((2, 3))
    function = getattr(pyacts, f"{activation.name}_parameter_grad")
    values = defaults(activation)
    for parameter in activation.parameters:
        for bad, error_type in (
            (np.ones(4), ValueError),
            (np.ones((4, 2, 3)), ValueError),
            (np.ones((2, 1, 3)), ValueError),
            (np.nan, ValueError),
            (np.inf, ValueError),
            ("a", TypeError),
            (None, TypeError),
            (np.ma.masked_array(np.ones(3), [0, 1, 0]), TypeError),
        ):
            with pytest.raises(error_type):
                function(x, x, **{**values, parameter.name: bad})
    with pytest.raises(ValueError, match="shape"):
        function(np.ones(3), x, **values)
    with pytest.raises(TypeError, match="dtype"):
        function(x.astype("f4"), x, **values)
    with pytest.raises(TypeError, match="mask"):
        function(x, np.ma.masked_array(x), **values)
    for kind in ("c16", "O", np.longdouble):
        with pytest.raises(TypeError, match=activation.name):
            function(x.astype(kind), x.astype(kind), **values)


def place_of_a_share(activation, name, dtype):
    """An x, of the same value in every dtype, with a share, and what that is."""
    for x in (-1.0, 1.0, -2.0, 2.0):
        share = shares(activation, name, np.ones(1, dtype), np.array([x], dtype), defaults(activation).values())[0]
        if share:
            return x, share
    raise AssertionError(f"{activation.name}: no share in {name}")


@per_dtype
@per_parameter
def test_summed_in_double(activation, parameter, dtype):
    """A million terms that float32 could not add up, in one sum and in three."""
    n = 1_000_000
    at, _ = place_of_a_share(activation, parameter.name, dtype)
    x, grad = np.full((n, 3), at, dtype), np.full((n, 3), 1e-3, dtype)
    _, share = place_of_a_share(activation, parameter.name, parameter_type(dtype))
    for view, own in ((np.s_[:, 0], ()), (np.s_[:], (3,))):
        spread = {k: np.full(own, v) for k, v in defaults(activation).items()}
        got = parameter_grads(activation, grad[view], x[view], **spread)[parameter.name]
        want = n * float(grad[0, 0]) * float(share)
        assert (abs(got - want) <= tolerance(dtype) * abs(want)).all()


@per_dtype
@per_parameter
def test_what_is_lost_beside_a_large_term_is_kept(activation, parameter, dtype):
    """Blocks of terms are added with their rounding errors."""
    at, share = place_of_a_share(activation, parameter.name, dtype)
    large = min(1e30, float(finfo(dtype).max) / 4)
    x, grad = np.full((3, 4096), at, dtype), np.zeros((3, 4096), dtype)
    grad[0, 0], grad[1], grad[2, 7] = large, 1, -large
    got = parameter_grads(activation, grad.ravel(), x.ravel())[parameter.name]
    assert abs(got - 4096 * float(share)) <= tolerance(dtype) * 4096 * abs(share)
    columns = np.stack([grad.ravel(), -grad.ravel()], axis=1)
    spread = {k: np.full(2, v) for k, v in defaults(activation).items()}
    both = parameter_grads(activation, columns, np.full((3 * 4096, 2), at, dtype), **spread)[parameter.name]
    assert both.tolist() == [got, -got]


# ----------------------------------------------------------------------------------------------------------------
# From C

SIZES = [(1, 1, 1), (1, 1, 100), (100, 1, 1), (3, 5, 1), (3, 5, 7), (2, 40, 33), (7, 33, 1), (70, 30, 1), (1, 4, 5000)]
SIZES += [(9000, 2, 1), (1, 7, 70), (2, 1, 33), (0, 3, 2), (2, 3, 0)]


@per_dtype
@per_activation
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_in_c(activation, sizes, dtype):
    """pyacts_f_parameter_grad_<dtype>(outer, channels, inner, grad, x, parameters, their gradients): Python's bits."""
    names = [p.name for p in activation.parameters]
    grad, x = numbers(sizes, dtype, 1), numbers(sizes, dtype, 2)
    parameters = {n: v.astype(parameter_type(dtype)) for n, v in drawn(activation, names, sizes[1], 3).items()}
    found = {p.name: np.full(sizes[1], 9, parameter_type(dtype)) for p in activation.learned}
    name = f"pyacts_{activation.name}_parameter_grad_{SUFFIXES[np.dtype(dtype).name]}"
    c_call(name, *sizes, grad, x, *parameters.values(), *found.values())
    expected = parameter_grads(activation, grad, x, **{n: v[:, None] for n, v in parameters.items()})
    for learned, values in found.items():
        assert_same(values, expected[learned][:, 0], name, learned, sizes)


@per_activation
def test_in_c_without_elements(activation):
    null, n_params = pyacts.ffi.NULL, len(activation.parameters)
    for outer, inner in ((0, 4), (2, 0)):
        found = [np.ones(3, np.float32) for _ in activation.learned]
        ones = [np.ones(3, np.float32)] * n_params
        c_call(f"pyacts_{activation.name}_parameter_grad_f32", outer, 3, inner, null, null, *ones, *found)
        assert all(f.tolist() == [0, 0, 0] for f in found), "the sum of nothing"
    c_call(f"pyacts_{activation.name}_parameter_grad_f32", 2, 0, 3, *[null] * (2 + n_params + len(activation.learned)))
