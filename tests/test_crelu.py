"""crelu, from Python and from C: relu(x) and relu(-x) one after the other, and the way back."""

import itertools

import numpy as np
import pytest
from common import DTYPES, LAYOUTS, SUFFIXES, assert_same, laid_out, numbers

import pyacts

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
nan, inf = np.nan, np.inf

SHAPES = [(1,), (7,), (100,), (3, 4), (4, 33), (2, 5, 3), (2, 3, 40), (3, 1, 2, 5), (0, 3), (3, 0)]


def along(axis, function, *arrays):
    """function of the arrays with the axis moved to the end, and the result's moved back."""
    return np.moveaxis(function(*(np.moveaxis(a, axis, -1) for a in arrays)), -1, axis)


def gradient(grad, x):
    """Along the last axis: the definition of the chain rule, NaN wherever there is one."""
    x = x.astype(float)
    first, second = np.split(grad.astype(float), 2, -1)
    dx = np.where(x > 0, first, 0) - np.where(x < 0, second, 0)
    return np.where(np.isnan(first) | np.isnan(second) | np.isnan(x), nan, dx).astype(grad.dtype)


@every_dtype
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_crelu_and_its_backward(shape, dtype):
    oracle = pytest.importorskip("oracle")
    for axis in range(-len(shape), len(shape)):
        x = numbers(shape, dtype, special=False)
        y = pyacts.crelu(x, axis)
        assert y.dtype == dtype
        assert y.shape[axis] == 2 * shape[axis]
        np.testing.assert_array_equal(y, along(axis, oracle.crelu, x))
        x = numbers(shape, dtype)
        y = pyacts.crelu(x, axis)
        grad = numbers(y.shape, dtype, 1)
        expected = along(axis, gradient, grad, x)
        given = x.copy(), y.copy(), grad.copy()
        for dx in (pyacts.crelu_backward(grad, x, axis=axis), pyacts.crelu_backward(grad, y=y, axis=axis)):
            np.testing.assert_array_equal(dx.astype(float), expected.astype(float))
        for array, before in zip((x, y, grad), given, strict=True):
            assert_same(array, before, "inputs are not changed")
        for first, second in itertools.product(LAYOUTS, LAYOUTS[:4]):
            where = (dtype, shape, axis, first, second)
            laid_x, laid_y = laid_out(x, first)[0], laid_out(y, first)[0]
            laid_grad = laid_out(grad, second)[0]
            assert_same(pyacts.crelu(laid_x, axis), y, *where)
            assert_same(pyacts.crelu_backward(laid_grad, laid_x, axis=axis), expected, *where)
            assert_same(pyacts.crelu_backward(laid_grad, y=laid_y, axis=axis), expected, *where)


def test_finite_differences():
    random = np.random.default_rng(2)
    x, grad = random.normal(size=(4, 9)), random.normal(size=(4, 18))
    h = 1e-6
    for k in range(9):
        step = h * (np.arange(9) == k)
        difference = (grad * (pyacts.crelu(x + step) - pyacts.crelu(x - step))).sum(axis=1) / (2 * h)
        np.testing.assert_allclose(pyacts.crelu_backward(grad, x)[:, k], difference, rtol=1e-8)


EDGES = [
    # x, both halves of grad, then both halves of y, dx
    (nan, 1, 1, nan, nan, nan),
    (inf, 2, 3, inf, 0.0, 2),
    (-inf, 2, 3, 0.0, inf, -3),
    (0.0, inf, -inf, 0.0, -0.0, 0.0),
    (-0.0, 2, 3, -0.0, 0.0, 0.0),
    (1, 2, inf, 1, 0.0, 2),
    (1, -inf, 3, 1, 0.0, -inf),
    (-1, inf, 3, 0.0, 1, -3),
    (1, 2, nan, 1, 0.0, nan),
    (-1, nan, 2, 0.0, 1, nan),
    (0, nan, 2, 0.0, -0.0, nan),
    (1, -0.0, 5, 1, 0.0, -0.0),
]


@every_dtype
@pytest.mark.parametrize("row", EDGES, ids=str)
def test_edges(row, dtype):
    """As relu: NaN comes through, and 0 is the derivative at the kink, for an infinite grad too."""
    x, first, second, y_first, y_second, dx = row
    for n in (1, 37):
        y = np.repeat([y_first, y_second], n).astype(dtype)
        grad = np.repeat([first, second], n).astype(dtype)
        assert_same(pyacts.crelu(np.full(n, x, dtype)), y, row)
        assert_same(pyacts.crelu_backward(grad, np.full(n, x, dtype)), np.full(n, dx, dtype), row)
        assert_same(pyacts.crelu_backward(grad, y=y), np.full(n, dx, dtype), row)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_halves(name):
    """Exact: all numbers there are."""
    dtype = np.dtype(np.float16) if name == "float16" else np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    x = np.arange(2**16, dtype=np.uint16).view(dtype)
    grad = np.random.default_rng(1).normal(size=2**17).astype(dtype)
    y = pyacts.crelu(x)
    wide = pyacts.crelu(x.astype(np.float32))
    results = [
        (y, wide),
        (pyacts.crelu_backward(grad, x), pyacts.crelu_backward(grad.astype(np.float32), x.astype(np.float32))),
        (pyacts.crelu_backward(grad, y=y), pyacts.crelu_backward(grad.astype(np.float32), y=wide)),
    ]
    for got, want in results:
        assert got.dtype == dtype
        got = got.astype(np.float32)
        assert ((got == want) & (np.signbit(got) == np.signbit(want)) | np.isnan(got) & np.isnan(want)).all()


def test_lists_and_other_dtypes():
    assert pyacts.crelu([1, -2]).tolist() == [1, 0, 0, 2]
    assert pyacts.crelu([1, -2]).dtype == np.float64
    assert pyacts.crelu(np.array([1, -2], "i1")).dtype == np.float16
    assert pyacts.crelu([[1, -2]], axis=0).tolist() == [[1, 0], [0, 2]]
    grad = np.ones(4, "f4")
    assert pyacts.crelu_backward(grad, [1, -2]).dtype == np.float32
    assert pyacts.crelu_backward([1, 1, 1, 1], [0.5, -2]).tolist() == [1, -1]
    assert pyacts.crelu_backward([1, 1, 1, 1], y=[0.5, 0, 0, 2]).tolist() == [1, -1]


def test_refuses():
    x, grad = np.ones((2, 3)), np.ones((2, 6))
    for axis in (2, -3, 2**70):
        with pytest.raises(np.exceptions.AxisError):
            pyacts.crelu(x, axis)
        with pytest.raises(np.exceptions.AxisError):
            pyacts.crelu_backward(grad, x, axis=axis)
    with pytest.raises(np.exceptions.AxisError):
        pyacts.crelu(1.0)
    for axis in (1.0, None, "1"):
        with pytest.raises(TypeError, match="integer"):
            pyacts.crelu(x, axis)
        with pytest.raises(TypeError, match="integer"):
            pyacts.crelu_backward(grad, x, axis=axis)
    for bad in (np.ones((2, 6)), np.ones((2, 4)), np.ones((1, 3)), np.ones(3), np.ones((1, 2, 3)), np.ones(())):
        with pytest.raises(ValueError, match="shape"):
            pyacts.crelu_backward(grad, bad)
    for bad in (x, np.ones((2, 12)), np.ones(6)):
        with pytest.raises(ValueError, match="shape"):
            pyacts.crelu_backward(grad, y=bad)
    with pytest.raises(ValueError, match="odd"):
        pyacts.crelu_backward(x, y=x)
    for keywords in ({}, {"x": x, "y": grad}):
        with pytest.raises(TypeError, match="exactly one of x"):
            pyacts.crelu_backward(grad, **keywords)
    for bad in (x.astype("f4"), x.astype(int)):
        with pytest.raises(TypeError, match="dtype"):
            pyacts.crelu_backward(grad, bad)
    for kind in (complex, object, np.longdouble, str):
        with pytest.raises(TypeError, match="crelu"):
            pyacts.crelu(x.astype(kind))
        with pytest.raises(TypeError, match="crelu"):
            pyacts.crelu_backward(grad.astype(kind), x.astype(kind))
    masked = np.ma.masked_array(x)
    for function, arguments in (
        (pyacts.crelu, (masked,)),
        (pyacts.crelu_backward, (grad, masked)),
        (pyacts.crelu_backward, (np.ma.masked_array(grad), x)),
    ):
        with pytest.raises(TypeError, match="mask"):
            function(*arguments)


SIZES = [(1, 1, 1), (1, 100, 1), (100, 1, 1), (3, 5, 1), (3, 5, 7), (2, 40, 33), (1, 4, 5000), (0, 3, 2), (2, 0, 3)]


@every_dtype
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_crelu_in_c(sizes, dtype):
    x = numbers(sizes, dtype)
    y = np.full((sizes[0], 2 * sizes[1], sizes[2]), 9, dtype)
    grad = numbers(y.shape, dtype, 1)
    dx, dx_from_y = np.full_like(x, 9), np.full_like(x, 9)

    def run(direction, *arrays):
        function = getattr(pyacts.lib, f"pyacts_crelu{direction}_{SUFFIXES[dtype]}")
        kind = pyacts.ffi.typeof(function).args[3]
        function(
            *sizes,
            *(pyacts.ffi.cast(kind, a.ctypes.data) for a in arrays[:-1]),
            pyacts.ffi.cast(pyacts.ffi.typeof(function).args[-1], arrays[-1].ctypes.data),
        )

    run("", x, y)
    run("_backward", grad, x, dx)
    run("_backward_y", grad, y, dx_from_y)
    assert_same(y, pyacts.crelu(x, 1))
    assert_same(dx, pyacts.crelu_backward(grad, x, axis=1))
    assert_same(dx_from_y, dx)
