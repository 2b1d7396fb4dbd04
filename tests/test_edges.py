"""The one policy for NaN, infinities, zeros and kinks, as a table: every function, dtype, direction and path."""

import numpy as np
import pytest
from common import TYPES, defaults, finfo, parameter_type
from oracle import ELEMENTWISE

import pyacts

nan, inf = np.nan, np.inf


FLAT = "flat"  # f' is zero throughout: backward is +0.0 for every grad but NaN, infinite ones included

# name, parameters, then f(x) for x =  -inf, -0.0, 0.0, inf
FORWARD = [
    ("identity", (), -inf, -0.0, 0.0, inf),
    ("relu", (), 0.0, -0.0, 0.0, inf),
    ("leaky_relu", (0.01,), -inf, -0.0, 0.0, inf),
    ("leaky_relu", (0.0,), -0.0, -0.0, 0.0, inf),
    ("leaky_relu", (-0.5,), inf, -0.0, 0.0, inf),
    ("prelu", (0.25,), -inf, -0.0, 0.0, inf),
    ("prelu", (0.0,), -0.0, -0.0, 0.0, inf),
    ("relu6", (), 0.0, -0.0, 0.0, 6.0),
    ("relu2", (), 0.0, 0.0, 0.0, inf),
    ("threshold", (1.0, 0.0), 0.0, 0.0, 0.0, inf),
    ("threshold", (-1.0, 2.0), 2.0, -0.0, 0.0, inf),
    ("hard_tanh", (-1.0, 1.0), -1.0, -0.0, 0.0, 1.0),
    ("hard_tanh", (0.0, 6.0), 0.0, -0.0, 0.0, 6.0),
    ("hard_tanh", (1.0, 1.0), 1.0, 1.0, 1.0, 1.0),
    ("hard_sigmoid", (1 / 6, 0.5), 0.0, 0.5, 0.5, 1.0),
    ("hard_sigmoid", (0.2, 0.5), 0.0, 0.5, 0.5, 1.0),
    ("hard_sigmoid", (1.0, 0.0), 0.0, 0.0, 0.0, 1.0),
    ("hard_swish", (), -0.0, -0.0, 0.0, inf),
    ("elu", (1.0,), -1.0, -0.0, 0.0, inf),
    ("elu", (0.5,), -0.5, -0.0, 0.0, inf),
    ("elu", (0.0,), -0.0, -0.0, 0.0, inf),
    ("selu", (), -1.7580993408473768, -0.0, 0.0, inf),
    ("celu", (1.0,), -1.0, -0.0, 0.0, inf),
    ("celu", (0.5,), -0.5, -0.0, 0.0, inf),
    ("softplus", (1.0,), 0.0, None, None, inf),  # log(2) is no matter of policy
    ("softplus", (2.5,), 0.0, None, None, inf),
    ("log_sigmoid", (), -inf, None, None, -0.0),
    ("squareplus", (4.0,), 0.0, 1.0, 1.0, inf),
    ("squareplus", (1.0,), 0.0, 0.5, 0.5, inf),
    ("sparse_plus", (), 0.0, 0.25, 0.25, inf),
    ("sparse_sigmoid", (), 0.0, 0.5, 0.5, 1.0),
    ("exponential", (), 0.0, 1.0, 1.0, inf),
    ("xielu", (0.8, 0.8, 0.5, -1e-6), inf, None, None, inf),  # f(0) = alpha_n expm1(eps)
    ("xielu", (0.0, 0.5, 0.5, 0.0), -0.5, 0.0, 0.0, inf),
    ("xielu", (1.0, 0.1, 1.0, 0.0), -inf, 0.0, 0.0, inf),
    ("sigmoid", (), 0.0, 0.5, 0.5, 1.0),
    ("tanh", (), -1.0, -0.0, 0.0, 1.0),
    ("scaled_tanh", (1.7159, 2 / 3), -1.7159, -0.0, 0.0, 1.7159),
    ("scaled_tanh", (2.0, 0.5), -2.0, -0.0, 0.0, 2.0),
    ("softsign", (), -1.0, -0.0, 0.0, 1.0),
    ("step", (0.0,), 0.0, 0.0, 0.0, 1.0),
    ("step", (-1.0,), -1.0, -1.0, -1.0, 1.0),
    ("silu", (1.0,), -0.0, -0.0, 0.0, inf),
    ("silu", (2.5,), -0.0, -0.0, 0.0, inf),
    ("silu", (-1.0,), -inf, -0.0, 0.0, 0.0),
    ("silu", (0.0,), -inf, -0.0, 0.0, inf),  # x / 2
    ("mish", (), -0.0, -0.0, 0.0, inf),
    ("dish", (), -0.0, -0.0, 0.0, inf),
    ("hard_shrink", (0.5,), -inf, -0.0, 0.0, inf),
    ("hard_shrink", (0.0,), -inf, -0.0, 0.0, inf),
    ("soft_shrink", (0.5,), -inf, -0.0, 0.0, inf),
    ("soft_shrink", (0.0,), -inf, -0.0, 0.0, inf),
    ("tanh_shrink", (), -inf, -0.0, 0.0, inf),
]

# name, parameters, then f'(x) for x =  -inf, 0 of either sign, inf: backward is the IEEE product of grad with it
BACKWARD = [
    ("identity", (), 1, 1, 1),
    ("relu", (), FLAT, FLAT, 1),
    ("leaky_relu", (0.01,), 0.01, 0.01, 1),
    ("leaky_relu", (0.0,), FLAT, FLAT, 1),
    ("leaky_relu", (-0.5,), -0.5, -0.5, 1),
    ("prelu", (0.25,), 0.25, 0.25, 1),
    ("prelu", (0.0,), FLAT, FLAT, 1),
    ("relu6", (), FLAT, FLAT, FLAT),
    ("relu2", (), FLAT, FLAT, inf),
    ("threshold", (1.0, 0.0), FLAT, FLAT, 1),
    ("threshold", (-1.0, 2.0), FLAT, 1, 1),
    ("hard_tanh", (-1.0, 1.0), FLAT, 1, FLAT),
    ("hard_tanh", (0.0, 6.0), FLAT, FLAT, FLAT),
    ("hard_tanh", (1.0, 1.0), FLAT, FLAT, FLAT),
    ("hard_sigmoid", (1 / 6, 0.5), FLAT, 1 / 6, FLAT),
    ("hard_sigmoid", (0.2, 0.5), FLAT, 0.2, FLAT),
    ("hard_sigmoid", (1.0, 0.0), FLAT, FLAT, FLAT),
    ("hard_swish", (), FLAT, 0.5, 1),
    ("elu", (1.0,), 0, 1, 1),
    ("elu", (0.5,), 0, 0.5, 1),
    ("elu", (0.0,), FLAT, FLAT, 1),
    ("selu", (), 0, 1.7580993408473768, 1.0507009873554805),
    ("celu", (1.0,), 0, 1, 1),
    ("celu", (0.5,), 0, 1, 1),
    ("softplus", (1.0,), 0, 0.5, 1),
    ("softplus", (2.5,), 0, 0.5, 1),
    ("log_sigmoid", (), 1, 0.5, 0),
    ("squareplus", (4.0,), 0, 0.5, 1),
    ("squareplus", (1.0,), 0, 0.5, 1),
    ("sparse_plus", (), FLAT, 0.5, 1),
    ("sparse_sigmoid", (), FLAT, 0.5, FLAT),
    ("exponential", (), 0, 1, inf),
    ("xielu", (0.8, 0.8, 0.5, -1e-6), -0.30000000000000004, 0.5, inf),
    ("xielu", (0.0, 0.5, 0.5, 0.0), 0, 0.5, 0.5),
    ("xielu", (1.0, 0.1, 1.0, 0.0), 0.9, 1, inf),
    ("sigmoid", (), 0, 0.25, 0),
    ("tanh", (), 0, 1, 0),
    ("scaled_tanh", (1.7159, 2 / 3), 0, None, 0),
    ("scaled_tanh", (2.0, 0.5), 0, 1, 0),
    ("softsign", (), 0, 1, 0),
    ("step", (0.0,), FLAT, FLAT, FLAT),
    ("step", (-1.0,), FLAT, FLAT, FLAT),
    ("silu", (1.0,), -0.0, 0.5, 1),
    ("silu", (2.5,), -0.0, 0.5, 1),
    ("silu", (-1.0,), 1, 0.5, -0.0),
    ("silu", (0.0,), 0.5, 0.5, 0.5),
    ("mish", (), -0.0, 0.6, 1),
    ("dish", (), -0.0, 0.5, 1),
    ("hard_shrink", (0.5,), 1, FLAT, 1),
    ("hard_shrink", (0.0,), 1, FLAT, 1),
    ("soft_shrink", (0.5,), 1, FLAT, 1),
    ("soft_shrink", (0.0,), 1, FLAT, 1),
    ("tanh_shrink", (), 1, 0, 1),
]

# name, parameters, then f' for y =  f(-inf), 0 of either sign (None: not in the range, or f(-inf)), f(inf)
BACKWARD_Y = [
    ("identity", (), 1, 1, 1),
    ("relu", (), FLAT, FLAT, 1),
    ("leaky_relu", (0.01,), 0.01, 0.01, 1),
    ("leaky_relu", (0.0,), FLAT, FLAT, 1),
    ("prelu", (0.25,), 0.25, 0.25, 1),
    ("prelu", (0.0,), FLAT, FLAT, 1),
    ("relu6", (), FLAT, FLAT, FLAT),
    ("relu2", (), FLAT, FLAT, inf),
    ("hard_tanh", (-1.0, 1.0), FLAT, 1, FLAT),
    ("hard_tanh", (0.0, 6.0), FLAT, FLAT, FLAT),
    ("hard_tanh", (1.0, 1.0), FLAT, None, FLAT),
    ("hard_sigmoid", (1 / 6, 0.5), FLAT, None, FLAT),
    ("hard_sigmoid", (0.2, 0.5), FLAT, None, FLAT),
    ("hard_sigmoid", (1.0, 0.0), FLAT, FLAT, FLAT),
    ("elu", (1.0,), 0, 1, 1),
    ("elu", (0.5,), 0, 0.5, 1),
    ("elu", (0.0,), FLAT, FLAT, 1),
    ("selu", (), None, 1.7580993408473768, 1.0507009873554805),  # f(-inf) is rounded, and y + scale alpha not quite 0
    ("celu", (1.0,), 0, 1, 1),
    ("celu", (0.5,), 0, 1, 1),
    ("softplus", (1.0,), 0, None, 1),
    ("softplus", (2.5,), 0, None, 1),
    ("log_sigmoid", (), 1, 0, 0),
    ("squareplus", (4.0,), 0, None, 1),
    ("squareplus", (1.0,), 0, None, 1),
    ("sparse_plus", (), FLAT, FLAT, 1),
    ("exponential", (), 0, None, inf),
    ("sigmoid", (), 0, None, 0),
    ("tanh", (), 0, 1, 0),
    ("scaled_tanh", (2.0, 0.5), 0, 1, 0),
    ("softsign", (), 0, 1, 0),
    ("hard_shrink", (0.5,), 1, FLAT, 1),
    ("hard_shrink", (0.0,), 1, FLAT, 1),
    ("soft_shrink", (0.5,), 1, FLAT, 1),
    ("soft_shrink", (0.0,), 1, FLAT, 1),
]

GRADS = (1.0, -1.0, 3.0, 0.0, -0.0, inf, -inf)

per_dtype = pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)


def per_row(table):
    rows = [pytest.param(name, params, tuple(row), id=f"{name}{list(params)}") for name, params, *row in table]
    return pytest.mark.parametrize(("name", "params", "row"), rows)


def forward_cases(row):
    """(x, f(x)) of a row of the table, and NaN."""
    return [(nan, nan), *((x, y) for x, y in zip((-inf, -0.0, 0.0, inf), row, strict=True) if y is not None)]


def backward_cases(name, params, row, direction, dtype):
    """(grad, x or y, gradient) of a row of the tables, and NaN."""
    lowest, at_zero, highest = row
    computed = parameter_type(dtype)  # in which the product is formed, to be rounded to the dtype once
    ends = (-inf, inf) if direction == "backward" else pyacts.get(name)(np.array([-inf, inf], dtype), *params).tolist()
    for at, slope in ((ends[0], lowest), (0.0, at_zero), (-0.0, at_zero), (ends[1], highest)):
        if slope is None:
            continue
        yield nan, at, nan
        for grad in GRADS:
            with np.errstate(all="ignore"):
                yield grad, at, 0.0 if slope == FLAT else computed(grad) * computed(slope)
    for grad in (*GRADS, nan):
        yield grad, nan, nan


def test_every_activation_is_in_the_tables():
    names = [a.name for a in ELEMENTWISE]
    assert list(dict.fromkeys(name for name, *_ in FORWARD)) == names
    assert [row[:2] for row in FORWARD] == [row[:2] for row in BACKWARD]
    assert list(dict.fromkeys(name for name, *_ in BACKWARD_Y)) == [
        a.name for a in ELEMENTWISE if a.derivative_y is not None
    ]


def fitting(values, dtype):
    """The finite ones as near as the dtype has them."""
    values, largest = np.array(values, float), float(finfo(dtype).max)
    return np.where(np.isinf(values), values, np.clip(values, -largest, largest)).astype(dtype)


def laid_out(values, dtype):
    """The values repeated in an array of 67 (blocks and a rest), in the layouts that take different paths."""
    values = np.array(values, dtype)
    x = np.resize(values, 67)
    yield x
    yield values[:1].copy()
    strided = np.zeros((67, 2), dtype)[:, 0]
    strided[:] = x
    yield strided
    yield x.astype(x.dtype.newbyteorder())


def forward_paths(name, params, x):
    f, in_place = pyacts.get(name), pyacts.get(name, direction="inplace")
    yield "new", f(x, *params)
    yield "out", f(x, *params, out=np.empty_like(x))
    yield "in place", in_place(x.copy() if x.flags.c_contiguous else x, *params)  # a copy would not be strided


def backward_paths(name, params, grad, at, direction):
    f, in_place = pyacts.get(name, direction="backward"), pyacts.get(name, direction="backward_inplace")
    given = ((at, *params), {}) if direction == "backward" else ((None, *params), {"y": at})
    yield "new", f(grad, *given[0], **given[1])
    yield "out", f(grad, *given[0], **given[1], out=np.empty_like(at))
    yield "in place", in_place(grad.copy() if grad.flags.c_contiguous else grad, *given[0], **given[1])


def assert_same(got, want, what):
    """Bit for bit, but any NaN is NaN."""
    want = np.asarray(want, got.dtype)
    same = np.where(np.isnan(want), np.isnan(got), (got == want) & (np.signbit(got) == np.signbit(want)))
    if not same.all():
        pytest.fail(f"{what} {got.dtype} on {pyacts.isa()}: got {got[~same][0]!r}, want {want[~same][0]!r}")


@per_dtype
@per_row(FORWARD)
def test_forward(name, params, row, dtype):
    at, want = zip(*forward_cases(row), strict=True)
    for x in laid_out(at, dtype):
        given = x.tolist()
        for path, got in forward_paths(name, params, x):
            assert_same(got, np.resize(want, x.shape), f"{name}{params} {path} at {given}")


def check_backward(name, params, row, direction, dtype):
    for grad, at, want in backward_cases(name, params, row, direction, dtype):
        what = f"{name}{params} {direction}, grad {grad}, at {at}"
        for grads, ats in zip(laid_out([grad], dtype), laid_out([at], dtype), strict=True):
            for path, got in backward_paths(name, params, grads, ats, direction):
                assert_same(got, np.full(got.shape, want), f"{what}, {path}")


@per_dtype
@per_row(BACKWARD)
def test_backward_from_x(name, params, row, dtype):
    check_backward(name, params, row, "backward", dtype)


@per_dtype
@per_row(BACKWARD_Y)
def test_backward_from_y(name, params, row, dtype):
    check_backward(name, params, row, "backward_y", dtype)


@per_dtype
@pytest.mark.parametrize("name", dict.fromkeys(name for name, params, *_ in FORWARD if params))
def test_parameters_in_arrays_change_nothing(name, dtype):
    """A parameter may be special in one place (0) and not in the next."""
    rows = [(x, y, *params) for which, params, *row in FORWARD if which == name for x, y in forward_cases(row)]
    x, want, *params = np.array(rows).T
    got = pyacts.get(name)(x.astype(dtype), *params)
    assert_same(got, want, f"{name} with arrays of parameters")
    backward = pyacts.get(name, direction="backward")
    for direction, table in (("backward", BACKWARD), ("backward_y", BACKWARD_Y)):
        rows = [
            (grad, at, want, *params)
            for which, params, *row in table
            if which == name
            for grad, at, want in backward_cases(name, params, row, direction, dtype)
        ]
        if rows:
            grad, at, want, *params = np.array(rows, float).T
            grad, at = grad.astype(dtype), at.astype(dtype)
            got = backward(grad, at, *params) if direction == "backward" else backward(grad, None, *params, y=at)
            assert_same(got, want, f"{name} {direction} with arrays of parameters")


# name, parameters, then the intervals on which f' is zero throughout, ends included
FLAT_PIECES = [
    ("relu", (), (-inf, 0.0)),
    ("leaky_relu", (0.0,), (-inf, 0.0)),
    ("prelu", (0.0,), (-inf, 0.0)),
    ("relu6", (), (-inf, 0.0), (6.0, inf)),
    ("relu2", (), (-inf, 0.0)),
    ("threshold", (1.0, 0.0), (-inf, 1.0)),
    ("hard_tanh", (-1.0, 1.0), (-inf, -1.0), (1.0, inf)),
    ("hard_sigmoid", (1 / 6, 0.5), (-inf, -3.0), (3.0, inf)),
    ("hard_sigmoid", (0.2, 0.5), (-inf, -2.5), (2.5, inf)),
    ("hard_swish", (), (-inf, -3.0)),
    ("elu", (0.0,), (-inf, 0.0)),
    ("sparse_plus", (), (-inf, -1.0)),
    ("sparse_sigmoid", (), (-inf, -1.0), (1.0, inf)),
    ("step", (0.0,), (-inf, inf)),
    ("hard_shrink", (0.5,), (-0.5, 0.5)),
    ("soft_shrink", (0.5,), (-0.5, 0.5)),
]


@per_dtype
@per_row(FLAT_PIECES)
def test_flat_pieces(name, params, row, dtype):
    """A gradient that is infinite, or negative, does not come through a derivative that is zero throughout."""
    backward = pyacts.get(name, direction="backward")
    for low, high in row:
        inside = [*-np.geomspace(1e30, 1e-30, 100), -0.0, 0.0, *np.geomspace(1e-30, 1e30, 100), low, high]
        x = fitting([v for v in inside if low <= v <= high], dtype)
        for grad in fitting((*GRADS, 1e30), dtype):
            got = backward(np.full_like(x, grad), x, *params)
            assert_same(got, np.zeros(x.size), f"{name}{params} backward, grad {grad}")
        beside = np.nextafter(np.array([low, high], dtype), np.array([-inf, inf], dtype))
        outside = beside[np.isfinite(beside)]
        assert np.isinf(backward(np.full_like(outside, inf), outside, *params)).all()


@per_dtype
@pytest.mark.parametrize("activation", ELEMENTWISE, ids=lambda a: a.name)
def test_nothing_is_flushed(activation, dtype):
    """Subnormal x, y, grad and results are numbers like others."""
    info = finfo(dtype)
    tiny = info.smallest_subnormal * np.arange(1, 100).astype(dtype)
    params = tuple(defaults(activation).values())
    f, backward = pyacts.get(activation.name), pyacts.get(activation.name, direction="backward")
    slope = backward(np.ones(1, dtype), np.full(1, tiny[0]), *params)[0]
    value = f(np.zeros(1, dtype), *params)[0]
    if value == 0 and activation.name != "step":  # elsewhere x is lost beside f(0), or f jumps
        want = tiny.astype(float) * float(slope)
        both_roundings = float(tiny[0]) * (0.5 + tiny.size * float(info.eps) / 2)
        np.testing.assert_allclose(f(tiny, *params).astype(float), want, rtol=0, atol=both_roundings)
    near_zero = np.full(99, max(1e-9, float(info.smallest_normal)), dtype)
    np.testing.assert_allclose(backward(tiny, near_zero, *params), tiny * slope, rtol=0, atol=float(tiny[0]))
    if activation.range.startswith("(0,"):
        # Where e**x is subnormal.
        start, end = np.log(float(info.smallest_subnormal)) + 0.05, np.log(float(info.smallest_normal)) - 0.05
        x = np.linspace(start, end, 1000).astype(dtype)
        tail = f(x, *params)
        assert (tail != 0).all()
        assert len(np.unique(tail)) > len(np.unique(x)) / 3


# ----------------------------------------------------------------------------------------------------------------
# softmax

SOFTMAX = [
    # row, result
    ([inf, 1, 2], [1, 0, 0]),
    ([inf, -inf, inf], [0.5, 0, 0.5]),
    ([inf] * 4, [0.25] * 4),
    ([-inf, 0, -inf], [0, 1, 0]),
    ([-inf, 0, 0], [0, 0.5, 0.5]),
    ([-inf] * 3, [nan] * 3),
    ([-inf], [nan]),
    ([inf], [1]),
    ([nan, 1, 2], [nan] * 3),
    ([1, nan, inf], [nan] * 3),
    ([-inf, nan], [nan] * 2),
    ([nan], [nan]),
    ([5], [1]),
    ([0.0, -0.0], [0.5, 0.5]),
    ([1e38, -1e38], [1, 0]),
    ([3e38, 3e38], [0.5, 0.5]),
    ([-3e38, -3e38], [0.5, 0.5]),
    ([3e38, -3e38, 3e38], [0.5, 0, 0.5]),
]


def lines(row, dtype):
    """The row alone and among others, along several axes and in several layouts: (array, axis, index of the row)."""
    row = fitting(row, dtype)
    n = row.size
    yield row.copy(), 0, ...
    block = np.random.default_rng(n).normal(size=(5, n)).astype(dtype)
    block[3] = row
    yield block.copy(), 1, 3
    yield np.asfortranarray(block), 1, 3
    yield block.T.copy(), 0, (slice(None), 3)
    deep = np.random.default_rng(n).normal(size=(2, n, 40)).astype(dtype)
    for column in (0, 31, 32, 39):
        deep[1, :, column] = row
    for column in (0, 31, 32, 39):
        yield deep.copy(), 1, (1, slice(None), column)
    yield np.repeat(block, 2, axis=1)[:, ::2], 1, 3


@per_dtype
@pytest.mark.parametrize(("row", "want"), SOFTMAX, ids=[str(row) for row, _ in SOFTMAX])
def test_softmax(row, want, dtype):
    for x, axis, index in lines(row, dtype):
        given = x.copy()
        want = np.array(want, dtype)
        assert_same(pyacts.softmax(x, axis)[index], want, f"softmax of {row}")
        assert_same(x, given, "the input")
        others = np.ones(x.shape, bool)
        others[index] = False
        got = pyacts.softmax_(x, axis)
        assert_same(got[index], want, f"softmax in place of {row}")
        if axis == 1 and x.ndim == 2:
            assert np.isfinite(got[others]).all(), "a row's NaN is its own"


@per_dtype
@pytest.mark.parametrize("n", [1, 3, 15, 16, 17, 33, 40, 5000])
def test_softmax_nan_and_inf_anywhere(n, dtype):
    random = np.random.default_rng(n)
    for place in {0, n // 2, n - 1}:
        x = random.normal(size=n).astype(dtype)
        x[place] = nan
        assert np.isnan(pyacts.softmax(x)).all()
        assert np.isnan(pyacts.softmax(np.stack([x, x], 1), 0)).all()
        x[place] = inf
        want = np.zeros(n)
        want[place] = 1
        assert_same(pyacts.softmax(x), want, "softmax")
        x[0] = nan
        assert np.isnan(pyacts.softmax(x)).all()
        x[:] = -inf
        assert np.isnan(pyacts.softmax(x)).all()
        x[place] = -1
        assert_same(pyacts.softmax(x), want, "softmax")
    assert_same(pyacts.softmax(np.full(n, inf, dtype)), np.full(n, dtype(1) / dtype(n)), "softmax")


@per_dtype
def test_softmax_terms_that_are_small(dtype):
    """The right subnormal number, or 0 below half the smallest: never the smallest normal number."""
    info = finfo(dtype)
    cut = -np.log(float(info.smallest_normal))
    x = np.array([0, *np.linspace(-cut + 2, -cut - np.log(2.0) * (info.nmant + 1.5), 40)], dtype)
    want = np.exp(x.astype(np.longdouble)) / np.exp(x.astype(np.longdouble)).sum()
    y = pyacts.softmax(x)
    assert (abs(y - want) <= 2 * np.maximum(np.spacing(want.astype(dtype)), info.smallest_subnormal)).all()
    assert ((y > 0) & (y < info.smallest_normal)).sum() > 20
    assert_same(pyacts.softmax(fitting([0, -1.2 * cut - 10, -1e30], dtype)), [1, 0, 0], "softmax")


@per_dtype
def test_softmax_backward_at_the_edges(dtype):
    one_hot = np.array([0, 1, 0], dtype)
    grad = np.array([3, 5, -7], dtype)
    assert (pyacts.softmax_backward(grad, y=one_hot) == 0).all()
    assert (pyacts.softmax_backward(grad, np.array([1, inf, 2], dtype)) == 0).all()
    for bad in ((grad, np.array([0.5, nan, 0.5])), (np.array([1, nan, 1]), np.full(3, 1 / 3))):
        assert np.isnan(pyacts.softmax_backward(*(v.astype(dtype) for v in bad[:1]), y=bad[1].astype(dtype))).all()
    assert np.isnan(pyacts.softmax_backward(grad, np.full(3, -inf, dtype))).all()


# ----------------------------------------------------------------------------------------------------------------
# maxout

MAXOUT = [
    # pool, the place of the maximum: as np.argmax
    ([1, 3, 2], 1),
    ([3, 3, 1], 0),
    ([-0.0, 0.0, 0.0], 0),
    ([0.0, -0.0, -1.0], 0),
    ([1, nan, inf], 1),
    ([nan, inf, nan], 0),
    ([-inf, -inf, -inf], 0),
    ([-inf, inf, inf], 1),
    ([-inf, -inf, -1e30], 2),
]


@per_dtype
@pytest.mark.parametrize(("pool", "place"), MAXOUT, ids=[str(pool) for pool, _ in MAXOUT])
def test_maxout(pool, place, dtype):
    pool = fitting(pool, dtype)
    assert np.argmax(pool) == place
    for x, axis in ((np.tile(pool, 35), 0), (np.tile(pool[:, None], (1, 35)), 0), (np.tile(pool, (4, 3)), 1)):
        y, index = pyacts.maxout(x, 3, axis, return_index=True)
        assert_same(y, np.full(y.shape, pool[place]), f"maxout of {pool}")
        assert (index == place).all()
        assert index.dtype == np.intp
        grad = np.arange(y.size, dtype=dtype).reshape(y.shape) + 1
        dx = pyacts.maxout_backward(grad, index, 3, axis)
        taken = np.moveaxis(dx, axis, -1).reshape(*np.moveaxis(y, axis, -1).shape, 3)
        assert_same(taken[..., place], np.moveaxis(grad, axis, -1), "maxout backward")
        assert_same(np.delete(taken, place, -1), np.zeros((*taken.shape[:-1], 2)), "maxout backward")


@per_dtype
def test_maxout_backward_keeps_special_grads(dtype):
    grad = np.array([nan, inf, -0.0], dtype)
    dx = pyacts.maxout_backward(grad, np.array([1, 0, 1]), 2)
    assert_same(dx, [0, nan, inf, 0, 0, -0.0], "maxout backward")
