"""sparsemax, entmax15, hardmax and gumbel_softmax."""

import numpy as np
import pytest
from oracle import DTYPES

import pyacts

nan, inf = np.nan, np.inf
per_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
POWER = {"sparsemax": 1, "entmax15": 2}
sparse = pytest.mark.parametrize("name", POWER)


def by_sorting(name, x):
    """Along the last axis, in long double, from the sorted numbers."""
    z = x.astype(np.longdouble)
    z = (z - z.max(-1, keepdims=True)) / POWER[name]
    ordered = -np.sort(-z)
    k = np.arange(1, z.shape[-1] + 1)
    mean = ordered.cumsum(-1) / k
    if name == "sparsemax":
        taus = mean - 1 / k
    else:
        spread = (ordered**2).cumsum(-1) / k - mean**2
        taus = mean - np.sqrt(np.maximum(1 / k - spread, 0))
    count = (ordered > taus).cumprod(-1).sum(-1).astype(int)
    tau = np.take_along_axis(taus, count[..., None] - 1, -1)
    return np.maximum(z - tau, 0) ** POWER[name]


@per_dtype
@sparse
@pytest.mark.parametrize("shape", [(50, 1), (50, 2), (200, 10), (20, 33), (5, 1000), (2, 5000)])
def test_values(name, shape, dtype):
    eps = np.finfo(dtype).eps
    for scale in (0.01, 1, 20):
        x = np.random.default_rng(shape[1]).normal(scale=scale, size=shape).astype(dtype)
        f = getattr(pyacts, name)
        y, want = f(x), by_sorting(name, x)
        np.testing.assert_allclose(y, want.astype(dtype), rtol=2 * eps, atol=1e-15 if dtype == np.float64 else 1e-9)
        np.testing.assert_allclose(y.sum(1), 1, rtol=shape[1] * eps)
        for other, axis in ((x.T.copy(), 0), (np.stack([x.T, x.T], 2), 0), (np.asfortranarray(x), 1)):
            got = np.moveaxis(f(other, axis), axis, -1)
            got = got[:, 0] if got.ndim == 3 else got
            assert np.ascontiguousarray(got).tobytes() == y.tobytes()
        changed = x.copy()
        assert getattr(pyacts, f"{name}_")(changed) is changed
        assert changed.tobytes() == y.tobytes()


@sparse
def test_gradient(name):
    random = np.random.default_rng(1)
    f, backward = getattr(pyacts, name), getattr(pyacts, f"{name}_backward")
    for n in (2, 5, 40):
        x, grad = random.normal(size=(2, n))
        h = 1e-6 * np.eye(n)
        slope = ((f(x + h) - f(x - h)) * grad).sum(1) / 2e-6
        np.testing.assert_allclose(backward(grad, x), slope, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(backward(grad, y=f(x)), backward(grad, x))
        assert abs(backward(grad, x).sum()) < 1e-12


@per_dtype
@sparse
def test_edges(name, dtype):
    f = getattr(pyacts, name)
    for row, want in (
        ([5], [1]),
        ([1, 1, 1, 1], [0.25] * 4),
        ([inf, 0, inf], [0.5, 0, 0.5]),
        ([-inf, 0, -inf], [0, 1, 0]),
        ([-inf, -inf], [nan, nan]),
        ([nan, 1], [nan, nan]),
        ([1, nan, inf], [nan] * 3),
        ([3e38, -3e38], [1, 0]),
    ):
        np.testing.assert_allclose(f(np.array(row, dtype)), np.array(want, dtype), rtol=4 * np.finfo(dtype).eps)


@per_dtype
def test_hardmax(dtype):
    x = np.random.default_rng(0).integers(-2, 3, (60, 7)).astype(dtype)
    x[3, 2] = x[3, 5] = nan
    x[4] = -inf
    for array, axis in ((x, 1), (x.T.copy(), 0)):
        y = np.moveaxis(pyacts.hardmax(array, axis), axis, 1)
        np.testing.assert_array_equal(y, np.arange(7) == np.argmax(x, 1)[:, None])
    grad = np.array([1, inf, -inf, nan, 0], dtype)
    dx = pyacts.hardmax_backward(grad, np.ones(5, dtype))
    np.testing.assert_array_equal(dx, [0, 0, 0, nan, 0])
    assert not np.signbit(dx[[0, 1, 2, 4]]).any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", [*POWER, "hardmax"])
def test_halves(name, dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    x = np.random.default_rng(0).normal(size=(40, 10)).astype(dtype)
    y = getattr(pyacts, name)(x)
    np.testing.assert_array_equal(y, getattr(pyacts, name)(x.astype(np.float32)).astype(dtype))


def test_gumbel_softmax():
    x = np.log(np.tile([0.1, 0.2, 0.7], (20_000, 1))).astype(np.float32)
    y = pyacts.gumbel_softmax(x, 0.5, rng=1)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-6)
    hard = pyacts.gumbel_softmax(x, 0.5, hard=True, rng=1)
    np.testing.assert_array_equal(hard, pyacts.hardmax(y))
    np.testing.assert_allclose(hard.mean(0), [0.1, 0.2, 0.7], atol=0.02)
    np.testing.assert_array_equal(y, pyacts.gumbel_softmax(x, 0.5, rng=np.random.default_rng(1)))
    np.testing.assert_array_equal(pyacts.gumbel_softmax(x.T, axis=0, rng=2).sum(0).round(5), 1)
    for tau in (0, -1, nan, inf, 1e-40, 1e-310):
        with pytest.raises(ValueError, match="tau must be positive"):
            pyacts.gumbel_softmax(x, tau)
    assert pyacts.gumbel_softmax(x.astype(float), 1e-40).sum().round(6) == len(x)
    for kind in (bool, np.int8, np.uint16, int):
        assert pyacts.gumbel_softmax(x.astype(kind)).dtype == pyacts.softmax(x.astype(kind)).dtype
    with np.errstate(all="raise"):
        pyacts.gumbel_softmax(np.array([-inf, 6e4, 1e-7], np.float16))
    with pytest.raises(TypeError, match="mask of x"):
        pyacts.gumbel_softmax(np.ma.masked_less(x, -2))


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_gumbel_softmax_in_place(dtype, hard):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    whole = np.random.default_rng(0).normal(size=(7, 5, 9)).astype(dtype)
    for x, axis in ((whole.copy(), -1), (whole.copy()[:, ::2, ::-1], 0), (whole.copy(), 1)):
        expected = pyacts.gumbel_softmax(x, 0.7, hard, axis, rng=3)
        assert pyacts.gumbel_softmax_(x, 0.7, hard, axis, rng=3) is x
        np.testing.assert_array_equal(x, expected)


def test_gumbel_softmax_in_place_writes_nothing_on_error():
    x = np.ones((3, 4), np.float32)
    for error, match, keywords in (
        (ValueError, "tau must be positive", {"tau": 0.0}),
        (ValueError, "gumbel_softmax_: tau must be .* got 1e-40", {"tau": 1e-40}),
        (ValueError, "gumbel_softmax_: tau must be .* got 1e-310", {"tau": 1e-310}),
        (np.exceptions.AxisError, "out of bounds", {"axis": 2**70}),
        (np.exceptions.AxisError, "out of bounds", {"axis": 2}),
        (TypeError, "integer", {"axis": 0.5}),
        (TypeError, "seed|Seed", {"rng": "seed"}),
    ):
        with pytest.raises(error, match=match):
            pyacts.gumbel_softmax_(x, **keywords)
        assert (x == 1).all()
    for wrong in (np.ones(3, int), [1.0, 2.0], np.broadcast_to(np.float32(1), (2, 3)), np.ma.ones(3)):
        with pytest.raises((TypeError, ValueError), match="gumbel_softmax"):
            pyacts.gumbel_softmax_(wrong)
    for kind in ("<f8", ">f8"):
        with pytest.raises(ValueError, match="tau must be"):
            pyacts.gumbel_softmax_(x.astype(kind), tau=1e-310)
        assert pyacts.gumbel_softmax_(x.astype(kind), tau=1e-40).sum().round(6) == 3
    with pytest.raises(ValueError, match="length 0"):
        pyacts.gumbel_softmax_(np.ones((3, 0)))
