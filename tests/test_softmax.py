"""softmax: values against the oracle, the same bits for every layout, the gradient, and properties."""

import numpy as np
import pytest
from common import HALVES, TYPES, finfo
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracle import LONG, check, evaluate, numbers_for, softmax, softmax_gradient, ulp

import pyacts
from pyacts.catalog import ACTIVATIONS

(BOUNDS,) = (a.max_ulp for a in ACTIVATIONS if a.name == "softmax")

per_dtype = pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)


def bound_of(direction, dtype):
    """For halves, half an ULP for the rounding and what float32's bound is in their ULP."""
    if dtype in HALVES.values():
        return 0.5 + BOUNDS["f32"][direction] * 2.0 ** (finfo(dtype).nmant - 23)
    return BOUNDS["f32" if dtype == np.float32 else "f64"][direction]


def with_one_above(x):
    x[:, 0] += 20
    return x


ROWS = {  # kind: (random, shape) to rows
    "N(0, 1)": lambda random, shape: random.normal(size=shape),
    "N(0, 10)": lambda random, shape: random.normal(scale=10, size=shape),
    "N(0, 30)": lambda random, shape: random.normal(scale=30, size=shape),
    "N(0, 300)": lambda random, shape: random.normal(scale=300, size=shape),
    "N(1e4, 1)": lambda random, shape: random.normal(1e4, 1, size=shape),
    "one +20": lambda random, shape: with_one_above(random.normal(size=shape)),
    "ties": lambda random, shape: random.integers(-3, 3, size=shape).astype(float),
    "tiny": lambda random, shape: random.normal(scale=1e-40, size=shape),
}
SHAPES = {
    np.float32: [*((200, n) for n in range(1, 71)), (400, 128), (200, 1000), (4, 5000), (1, 50_000)],
    np.float64: [*((3, n) for n in range(1, 71)), (2, 1000), (1, 5000)],
}
for half in HALVES.values():
    SHAPES[half] = [*((200, n) for n in (1, 2, 3, 10, 15, 16, 17, 31, 33, 70)), (20, 1000), (4, 5000)]


def wanted(x):
    return evaluate(numbers_for(x.dtype), softmax, x)


@per_dtype
@pytest.mark.parametrize("kind", ROWS)
def test_error_is_within_the_bound(kind, dtype):
    for shape in SHAPES[dtype]:
        x = ROWS[kind](np.random.default_rng(shape[1]), shape).astype(dtype)
        check(f"softmax of {kind}, {shape}", x, pyacts.softmax(x), wanted(x), bound_of("forward", dtype))


@per_dtype
def test_error_of_two_classes_is_within_the_bound(dtype):
    rows = 2000 if dtype == np.float64 else 100_000
    for scale in (1, 8, 50):
        x = np.random.default_rng(scale).normal(scale=scale, size=(rows, 2)).astype(dtype)
        check("softmax of two", x, pyacts.softmax(x), wanted(x), bound_of("forward", dtype))


@pytest.mark.parametrize("kind", ROWS)
def test_error_of_many_float64_is_within_the_bound(kind):
    for n in (17, 100, 1000, 10_000):
        x = ROWS[kind](np.random.default_rng(n), (100_000 // n, n))
        want = evaluate(LONG, softmax, x)
        errors = abs(pyacts.softmax(x) - want) / ulp(want, np.float64)
        assert errors.max() <= bound_of("forward", np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("module", [pyacts, pyacts.exact], ids=["pyacts", "exact"])
def test_rows_add_up_to_one(module, dtype):
    """Within 4 ULP of 1."""
    if module is pyacts.exact and dtype == np.float64:
        return
    for kind, make in ROWS.items():
        for n in (1, 2, 10, 17, 100, 1000, 10_000):
            y = module.softmax(make(np.random.default_rng(n), (20_000 // n, n)).astype(dtype))
            off = abs(y.astype(np.longdouble).sum(axis=-1) - 1)
            assert off.max() <= 4 * np.finfo(dtype).eps, (kind, n)


@pytest.mark.slow
@per_dtype
def test_error_is_within_the_bound_for_many(dtype):
    rows = 100_000 if dtype == np.float64 else 20_000_000
    largest = 0.0
    for kind, make in ROWS.items():
        for n in (2, 3, 10, 17, 100, 1000, 10_000):
            random = np.random.default_rng(n)
            for _ in range(max(1, rows // 2_000_000)):
                x = make(random, (max(1, min(rows, 2_000_000) // n), n)).astype(dtype)
                what = f"softmax of {kind}, {x.shape}"
                largest = max(largest, check(what, x, pyacts.softmax(x), wanted(x), bound_of("forward", dtype)))
    print(f"softmax {np.dtype(dtype)}: {largest:.4f} ULP on {pyacts.isa()}")


# ----------------------------------------------------------------------------------------------------------------
# Known values


def test_known_values():
    y = pyacts.softmax(np.array([1.0, 2, 3, 4, 1, 2, 3]))
    assert y.round(3).tolist() == [0.024, 0.064, 0.175, 0.475, 0.024, 0.064, 0.175]
    y = pyacts.softmax(np.array([[2.0, 4, 6], [1, 2, 3]]))
    textbook = [[0.0158762, 0.1173104, 0.8668135], [0.0900306, 0.2447284, 0.6652408]]
    np.testing.assert_allclose(y, textbook, rtol=0, atol=2e-7)  # which were computed in single precision
    assert pyacts.softmax(np.zeros(8)).tolist() == [0.125] * 8


@per_dtype
def test_two_classes_are_the_sigmoid_of_the_difference(dtype):
    x = np.random.default_rng(0).integers(-40, 40, size=(1000, 2)).astype(dtype)
    eps = float(finfo(dtype).eps)
    np.testing.assert_allclose(pyacts.softmax(x)[:, 0], pyacts.sigmoid(x[:, 0] - x[:, 1]), rtol=8 * eps)


# ----------------------------------------------------------------------------------------------------------------
# The same bits, however the numbers lie


def layouts(rows):
    """(array, axis, function that takes the result's rows out): the same rows in every layout."""
    count, n = rows.shape
    yield "rows", rows.copy(), -1, lambda y: y
    yield "columns", rows.T.copy(), 0, lambda y: y.T
    yield "Fortran rows", np.array(rows, order="F"), 1, lambda y: y
    yield "Fortran columns", np.array(rows.T, order="F"), 0, lambda y: y.T
    yield "middle", np.array([rows.T, -rows.T], order="C"), 1, lambda y: y[0].T
    yield "middle, Fortran", np.array([rows.T, -rows.T], order="F"), 1, lambda y: y[0].T
    yield "first of three", rows.T.copy().reshape(n, 1, count), 0, lambda y: y[:, 0].T
    yield "last of three", rows.copy().reshape(1, count, n), -1, lambda y: y[0]
    yield "every second", np.repeat(rows, 2, axis=1)[:, ::2], 1, lambda y: y
    yield "backwards", rows[::-1, :].copy()[::-1, :], 1, lambda y: y
    yield "every second column", np.repeat(rows.T, 2, axis=1)[:, ::2], 0, lambda y: y.T
    yield "transposed middle", np.stack([rows.T, -rows.T], axis=2).transpose(2, 0, 1), 1, lambda y: y[0].T
    yield "swapped bytes", rows.astype(rows.dtype.newbyteorder()), 1, lambda y: y
    unaligned = np.zeros(rows.nbytes + 1, np.uint8)[1:].view(rows.dtype).reshape(rows.shape)
    unaligned[:] = rows
    yield "unaligned", unaligned, 1, lambda y: y
    yield "one by one", rows.copy(), None, lambda y: y


def along(function, *arrays, axis, **kwargs):
    if axis is None:  # each row for itself
        return np.stack([function(*row, axis=0) for row in zip(*arrays, strict=True)])
    return function(*arrays, axis=axis, **kwargs)


@per_dtype
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (33, 16), (40, 17), (70, 100), (5, 4096), (3, 10_001)], ids=str)
def test_bits_do_not_depend_on_the_layout(shape, dtype):
    rows = np.random.default_rng(1).normal(scale=5, size=shape).astype(dtype)
    grads = np.random.default_rng(2).normal(size=shape).astype(dtype)
    y = pyacts.softmax(rows)
    dx = pyacts.softmax_backward(grads, y=y)
    for (what, x, axis, back), (_, grad, _, _), (_, y_there, _, _) in zip(
        layouts(rows), layouts(grads), layouts(y), strict=True
    ):
        assert back(along(pyacts.softmax, x, axis=axis)).astype(dtype).tobytes() == y.tobytes(), what
        got = along(lambda g, y, axis: pyacts.softmax_backward(g, y=y, axis=axis), grad, y_there, axis=axis)
        assert back(got).astype(dtype).tobytes() == dx.tobytes(), what
        got = along(pyacts.softmax_backward, grad, x, axis=axis)
        assert back(got).astype(dtype).tobytes() == dx.tobytes(), what
        if axis is None:
            continue
        assert pyacts.softmax_(x, axis) is x
        assert back(x).astype(dtype).tobytes() == y.tobytes(), what
        assert pyacts.softmax_backward_(grad, y=y_there, axis=axis) is grad
        assert back(grad).astype(dtype).tobytes() == dx.tobytes(), what


# ----------------------------------------------------------------------------------------------------------------
# The gradient


@per_dtype
def test_gradient_is_as_good_as_its_terms(dtype):
    """y (grad - dot): the difference cancels, so the error is in ULP of y times the largest grad.

    The difference is up to 2 max|grad|, and rounded twice (dot comes in two parts), and so is the product: half of eps
    each. In float64 the rounding errors of dot add to that.
    """
    few = {np.float32: 3, np.float64: 4}.get(dtype, 1)  # halves are rounded once
    eps = float(finfo(dtype).eps)
    for shape in SHAPES[dtype]:
        random = np.random.default_rng(shape[1])
        y = pyacts.softmax(random.normal(scale=3, size=shape).astype(dtype))
        grad = random.normal(size=shape).astype(dtype)
        want = evaluate(numbers_for(y.dtype), lambda m, g, y: softmax_gradient(g, y), grad, y)
        unit = (eps * y * abs(grad).max(axis=1, keepdims=True)).astype(float) + float(finfo(dtype).smallest_subnormal)
        check(f"softmax_backward from y, {shape}", grad, pyacts.softmax_backward(grad, y=y), want, few, unit)


@per_dtype
def test_gradient_from_x_is_that_from_y(dtype):
    x = np.random.default_rng(3).normal(size=(20, 30)).astype(dtype)
    grad = np.random.default_rng(4).normal(size=(20, 30)).astype(dtype)
    want = pyacts.softmax_backward(grad, y=pyacts.softmax(x))
    np.testing.assert_array_equal(pyacts.softmax_backward(grad, x), want)
    np.testing.assert_array_equal(pyacts.softmax_backward_(grad.copy(), x), want)
    before = x.copy()
    np.testing.assert_array_equal(pyacts.softmax_backward(grad, x), want)
    np.testing.assert_array_equal(x, before)


def test_gradient_agrees_with_finite_differences():
    random = np.random.default_rng(5)
    x, grad = random.normal(size=(2, 12))
    h = 1e-6 * np.eye(12)
    difference = ((pyacts.softmax(x + h) - pyacts.softmax(x - h)) * grad).sum(axis=1) / 2e-6
    np.testing.assert_allclose(pyacts.softmax_backward(grad, x), difference, rtol=0, atol=1e-9)


@per_dtype
def test_a_constant_gradient_comes_to_nothing(dtype):
    """Adding a constant to a row changes nothing, and the sum of a row is always 1."""
    y = pyacts.softmax(np.random.default_rng(6).normal(size=(50, 40)).astype(dtype))
    assert abs(pyacts.softmax_backward(np.ones_like(y), y=y)).max() <= 8 * float(finfo(dtype).eps) * y.max()
    grad = np.random.default_rng(7).normal(size=(50, 40)).astype(dtype)
    assert abs(pyacts.softmax_backward(grad, y=y).sum(axis=1)).max() <= 20 * float(finfo(dtype).eps)


# ----------------------------------------------------------------------------------------------------------------
# Properties, for any finite rows


def rows_of(dtype, low=-200, high=200):
    width = 32 if dtype == np.float32 else 64
    return arrays(dtype, st.integers(1, 80), elements=st.floats(low, high, width=width))


@per_dtype
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_result_is_a_distribution(data, dtype):
    x = data.draw(rows_of(dtype, -float(finfo(dtype).max), float(finfo(dtype).max)))
    y = pyacts.softmax(x)
    assert ((y >= 0) & (y <= 1)).all()
    assert abs(float(y.astype(np.longdouble).sum()) - 1) <= 4 * float(finfo(dtype).eps)
    assert y.argmax() == x.argmax() or y[x.argmax()] == y.max()
    order = np.argsort(x, kind="stable")
    assert (y[order][1:] - y[order][:-1] >= -4 * np.spacing(y[order][1:])).all()


@per_dtype
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_exact_shifts_change_nothing(data, dtype):
    """Eighths up to 200 and shifts of up to 1000, fewer for halves: x + shift is exact, and so nothing may change."""
    most = 2 ** finfo(dtype).nmant // 2
    eighths = st.integers(-min(1600, most), min(1600, most)).map(lambda k: k / 8)
    x = data.draw(arrays(dtype, st.integers(1, 80), elements=eighths))
    shift = dtype(data.draw(st.integers(-min(8000, most), min(8000, most))) / 8)
    np.testing.assert_array_equal(pyacts.softmax(x + shift), pyacts.softmax(x))


@per_dtype
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_order_does_not_matter_but_for_rounding(data, dtype):
    x = data.draw(rows_of(dtype))
    order = np.array(data.draw(st.permutations(range(x.size))))
    tiny = float(finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(
        pyacts.softmax(x[order]), pyacts.softmax(x)[order], rtol=4 * float(finfo(dtype).eps), atol=4 * tiny
    )
