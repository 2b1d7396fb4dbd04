"""The softmax family with its options: against the definition in long double, and what is hidden stays unseen."""

import functools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyacts

FAMILY = ("softmax", "softmin", "log_softmax")
DTYPES = (np.float32, np.float64)

family = pytest.mark.parametrize("name", FAMILY)
per_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
nan, inf = np.nan, np.inf


def hidden(shape, where=None, bias=None, causal=False, **_):
    """What the options leave out, in the shape of x."""
    found = np.zeros(shape, bool)
    if where is not None:
        found |= ~np.asarray(where)
    if bias is not None:
        found |= np.isneginf(bias)
    if causal is not False:
        row, column = np.ogrid[: shape[-2], : shape[-1]]
        found |= column > row + int(causal) - (causal is True)
    return found


def expected(name, x, axis, scale=1.0, where=None, bias=None, causal=False, sink=None, empty="nan"):
    """By the definition, in long double; scale, bias and sink rounded to the dtype of x."""
    dtype = x.dtype.type
    z = x.astype(np.longdouble) * dtype(scale) * (-1 if name == "softmin" else 1)
    if bias is not None:
        z = z + np.asarray(bias, dtype)
    out = hidden(x.shape, where, bias, causal)
    z[out] = -inf
    terms = np.moveaxis(z, axis, -1)
    lines = terms.shape[:-1]
    if sink is not None:
        terms = np.concatenate([terms, np.broadcast_to(np.asarray(sink, dtype), lines)[..., None]], -1)
    top = terms.max(-1, keepdims=True)
    place = terms.argmax(-1)[..., None]
    with np.errstate(all="ignore"):
        e = np.exp(terms - top)
        rest = e.copy()
        np.put_along_axis(rest, place, 0, -1)
        log_sum = np.log1p(rest.sum(-1, keepdims=True))
        if name == "logsumexp":
            return np.where(np.isneginf(top), top, top + log_sum)[..., 0]
        y = (terms - top) - log_sum if name == "log_softmax" else e / e.sum(-1, keepdims=True)
    nothing = -inf if name == "log_softmax" else 0
    y = np.moveaxis(y[..., : x.shape[axis]], -1, axis)
    y[out] = nothing
    empties = np.broadcast_to(np.moveaxis(np.isneginf(top), -1, axis), y.shape)
    return np.where(empties, nan if empty == "nan" else nothing, y)


def check(got, want, ulp, unit=None):
    """Within ulp units in the last place of want (or of unit), infinities and NaN exactly."""
    assert got.shape == want.shape
    finite = np.isfinite(want)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_array_equal(got[np.isinf(want)], want[np.isinf(want)].astype(got.dtype))
    size = abs(want if unit is None else np.broadcast_to(unit, want.shape))[finite].astype(got.dtype)
    error = abs(got[finite] - want[finite]) / np.spacing(size)
    assert error.size == 0 or error.max() <= ulp, f"{error.max()} ULP"


SHAPES = [((40, 7), -1), ((70, 20), 1), ((5, 40), -1), ((3, 2, 33, 50), -1), ((70, 45), 0), ((4, 37, 40), 1)]
SHAPES += [((2, 5000), 1), ((2, 3, 64, 64), -1), ((5, 6, 7), 0), ((1,), 0), ((33, 16), -1)]


@st.composite
def calls(draw):
    """(x, axis, options): any combination, shapes with ones where something is broadcast."""
    shape, axis = draw(st.sampled_from(SHAPES))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = random.normal(scale=draw(st.sampled_from((1, 10, 50))), size=shape)

    def smaller(shape):
        return tuple(n if draw(st.booleans()) else 1 for n in shape)[draw(st.integers(0, 1)) * (len(shape) > 1) :]

    options = {}
    if draw(st.booleans()):
        options["scale"] = draw(st.sampled_from((0.125, 0.3, -1.7, 0)))
    if draw(st.booleans()):
        options["where"] = random.random(smaller(shape)) < draw(st.sampled_from((0.1, 0.7)))
    if draw(st.booleans()):
        bias = random.normal(scale=3, size=smaller(shape))
        options["bias"] = np.where(random.random(bias.shape) < 0.2, -inf, bias)
    if draw(st.booleans()) and len(shape) > 1 and axis % len(shape) == len(shape) - 1:
        options["causal"] = draw(st.sampled_from((True, 0, 2, -3)))
    if draw(st.booleans()):
        lines = tuple(np.delete(shape, axis))
        options["sink"] = random.normal(scale=4, size=smaller(lines)) if lines and draw(st.booleans()) else 1.5
    return x, axis, options


many = settings(max_examples=60, deadline=None)


@per_dtype
@many
@given(call=calls(), empty=st.sampled_from(("nan", "zero")))
def test_forward(dtype, call, empty):
    """Every combination, in place, strided and in Fortran order too."""
    x, axis, options = call[0].astype(dtype), *call[1:]
    for name in FAMILY:
        f, f_ = getattr(pyacts, name), getattr(pyacts, f"{name}_")
        y = f(x, axis, **options, empty=empty)
        check(y, expected(name, x, axis, **options, empty=empty), 2 if dtype == np.float32 else 8)
        for other in (
            x.copy(),
            np.repeat(x, 2, -1)[..., ::2],
            np.array(x, order="F"),
            x.astype(x.dtype.newbyteorder()),
        ):
            assert f(other, axis, **options, empty=empty).tobytes() == y.tobytes()
            assert f_(other, axis, **options, empty=empty) is other
            assert np.ascontiguousarray(other, dtype).tobytes() == y.tobytes()
        unseen = x.copy()
        unseen[hidden(x.shape, **options)] = nan
        assert f(unseen, axis, **options, empty=empty).tobytes() == y.tobytes()
        out = np.empty_like(x)
        assert f(x, axis, **options, empty=empty, out=out) is out
        assert out.tobytes() == y.tobytes()


@per_dtype
@many
@given(call=calls())
def test_logsumexp(dtype, call):
    x, axis, options = call[0].astype(dtype), *call[1:]
    y = pyacts.logsumexp(x, axis, **options)
    want = expected("logsumexp", x, axis, **options)
    z = x * dtype(options.get("scale", 1)) + np.asarray(options.get("bias", 0), dtype)
    top = np.where(hidden(x.shape, **options), -inf, z).max(axis)
    top = np.maximum(top, np.asarray(options.get("sink", -inf), dtype))
    unit = np.where(np.isfinite(top), np.maximum(abs(top), abs(want)), 1)
    check(np.asarray(y), np.asarray(want), 2 if dtype == np.float32 else 8, unit)
    assert np.array_equal(pyacts.logsumexp(x, axis, keepdims=True, **options), np.expand_dims(y, axis))
    grad = np.random.default_rng(0).normal(size=want.shape).astype(dtype)
    dx = pyacts.logsumexp_backward(grad, x, axis, **options)
    p = expected("softmax", x, axis, **options, empty="zero")
    want = np.expand_dims(grad, axis) * p * dtype(options.get("scale", 1))
    np.testing.assert_allclose(dx, want.astype(dtype), rtol=20 * np.finfo(dtype).eps, atol=1e-35)
    unseen = x.copy()
    unseen[hidden(x.shape, **options)] = nan
    assert pyacts.logsumexp_backward(grad, unseen, axis, **options).tobytes() == dx.tobytes()


@per_dtype
@many
@given(call=calls())
def test_backward(dtype, call):
    """Against the formula, and unseen where hidden; from x it is that from y."""
    x, axis, options = call[0].astype(dtype), *call[1:]
    out = hidden(x.shape, **options)
    grad = np.random.default_rng(1).normal(size=x.shape).astype(dtype)
    scale = dtype(options.get("scale", 1))
    for name in FAMILY:
        f, backward, backward_ = (getattr(pyacts, name + ending) for ending in ("", "_backward", "_backward_"))
        y = f(x, axis, **options, empty="zero")
        g, own = (np.where(out, 0, a).astype(np.longdouble) for a in (grad, y))
        if name == "log_softmax":
            want = scale * (g - np.exp(own) * g.sum(axis, keepdims=True))
        else:
            want = (-scale if name == "softmin" else scale) * own * (g - (g * own).sum(axis, keepdims=True))
        want[out] = 0
        unseen_grad, unseen_x, unseen_y = (np.where(out, nan, a).astype(dtype) for a in (grad, x, y))
        dx = backward(unseen_grad, y=unseen_y, axis=axis, **options)
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(dx, want.astype(dtype), rtol=30 * eps, atol=30 * eps * abs(scale) * abs(g).max())
        assert not dx[out].any()
        assert backward(unseen_grad, unseen_x, axis=axis, **options, empty="zero").tobytes() == dx.tobytes()
        for changed in (unseen_grad.copy(), np.repeat(unseen_grad, 2, -1)[..., ::2]):
            assert backward_(changed, y=unseen_y, axis=axis, **options) is changed
            assert np.ascontiguousarray(changed).tobytes() == dx.tobytes()


@family
@pytest.mark.parametrize("options", [{"scale": 0.3}, {"sink": 0.7}, {"where": np.arange(12) % 3 > 0}, {"bias": 1 / 3}])
def test_finite_differences(name, options):
    random = np.random.default_rng(5)
    x, grad = random.normal(size=(2, 12))
    f, h = getattr(pyacts, name), 1e-6 * np.eye(12)
    with np.errstate(invalid="ignore"):
        change = np.nan_to_num(f(x + h, **options) - f(x - h, **options))
    slope = getattr(pyacts, f"{name}_backward")(grad, x, **options)
    np.testing.assert_allclose(slope, (change * grad).sum(1) / 2e-6, rtol=0, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@family
def test_halves(name, dtype):
    """Computed in float32 and rounded once: the bias and x are halves, scale and sink are not."""
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    random = np.random.default_rng(0)
    for shape, axis in (((40, 7), 1), ((3, 70), 1), ((9, 50), 0)):
        x, bias, grad = (random.normal(scale=3, size=shape).astype(dtype) for _ in range(3))
        options = {"scale": 0.3, "bias": bias, "where": random.random(shape) < 0.8, "sink": 0.7}
        wide = {**options, "bias": bias.astype(np.float32)}
        y = getattr(pyacts, name)(x, axis, **options)
        want = getattr(pyacts, name)(x.astype(np.float32), axis, **wide)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, want.astype(dtype))
        dx = getattr(pyacts, f"{name}_backward")(grad, y=y, axis=axis, **options)
        want = getattr(pyacts, f"{name}_backward")(grad.astype(np.float32), y=y.astype(np.float32), axis=axis, **wide)
        np.testing.assert_array_equal(dx, want.astype(dtype))
        wide_y = pyacts.logsumexp(x.astype(np.float32), axis, **wide)
        np.testing.assert_array_equal(pyacts.logsumexp(x, axis, **options), wide_y.astype(dtype))


# ----------------------------------------------------------------------------------------------------------------
# Edges


@per_dtype
@pytest.mark.parametrize("n", [3, 17, 40])
def test_lines_with_nothing_left(n, dtype):
    x = np.random.default_rng(0).normal(size=(34, n)).astype(dtype)
    mask = np.ones((34, 1), bool)
    mask[[2, 33]] = False
    for array, axis, where in ((x, 1, mask), (x.T.copy(), 0, mask.T)):
        for name in FAMILY:
            f = getattr(pyacts, name)
            y = np.moveaxis(f(array, axis, where=where), axis, 1)
            assert np.isnan(y[[2, 33]]).all()
            assert np.isfinite(np.delete(y, [2, 33], 0)).all()
            y = np.moveaxis(f(array, axis, where=where, empty="zero"), axis, 1)
            assert (y[[2, 33]] == (-inf if name == "log_softmax" else 0)).all()
        assert np.isneginf(pyacts.logsumexp(array, axis, where=where)[[2, 33]]).all()
        dx = pyacts.logsumexp_backward(np.ones(34, dtype), array, axis, where=where)
        assert not np.moveaxis(dx, axis, 1)[[2, 33]].any()
    nothing = np.full(n, -inf, dtype)
    assert (pyacts.softmax(nothing, empty="zero") == 0).all()
    assert (pyacts.softmax(nothing, sink=0.0) == 0).all()
    assert pyacts.logsumexp(nothing, sink=2.0) == 2
    assert np.isneginf(pyacts.logsumexp(nothing))
    nothing[1] = nan
    assert np.isnan(pyacts.softmax(nothing, empty="zero")).all()
    assert np.isnan(pyacts.logsumexp(nothing))


@per_dtype
def test_infinities_and_nan(dtype):
    row = np.array([inf, 1, inf, -inf], dtype)
    for x, axis in ((row, 0), (np.tile(row, (40, 1)), 1), (np.tile(row[:, None], (1, 40)), 0), (np.tile(row, 12), 0)):
        repeats = x.size // 4 if x.ndim == 1 else 1
        k = 2 * repeats
        want = np.where(x == inf, -np.log(dtype(k)), -inf).astype(dtype)
        np.testing.assert_allclose(pyacts.log_softmax(x, axis), want, rtol=1e-7)
        np.testing.assert_allclose(pyacts.log_softmax(x, axis, scale=2), want, rtol=1e-7)
        assert np.isposinf(pyacts.logsumexp(x, axis)).all()
        assert np.isposinf(pyacts.logsumexp(x, axis, sink=3)).all()
        assert (pyacts.softmax(x, axis, sink=inf) == np.where(x == inf, dtype(1) / dtype(k + 1), 0).astype(dtype)).all()
        assert (pyacts.softmin(x, axis) == np.where(np.isneginf(x), dtype(1) / dtype(repeats), 0).astype(dtype)).all()
        assert (pyacts.softmax(x, axis, where=x != inf) == np.where(x == 1, dtype(1) / dtype(repeats), 0)).all()
    x = np.array([nan, 1, 2, 3], dtype)
    for f in (pyacts.softmax, pyacts.softmin, pyacts.log_softmax):
        assert np.isnan(f(x)).all()
        hiding = f(x, where=[True, True, True, False])
        assert np.isnan(hiding[:3]).all()
        assert hiding[3] == (-inf if f is pyacts.log_softmax else 0)
    assert np.isnan(pyacts.softmax(x[1:], sink=nan)).all()


@per_dtype
@pytest.mark.parametrize("name", [*FAMILY, "logsumexp"])
def test_infinities_with_a_bias(name, dtype):
    """Whichever of scale * x and bias is infinite, or their sum when rounded; a bias of -inf hides."""
    largest = np.finfo(dtype).max
    rows = [
        ([-inf, 1, 2, 3], [0.5, 0, 1, -1]),
        ([inf, 1, -inf, inf], [1, 2, 3, 4]),
        ([1, 2, 3, 4], [inf, 0, -1, inf]),
        ([-inf, inf, 3, 4], [1, -inf, -1, 0]),
        ([largest, largest / 2, 0, -largest], [largest, largest / 2, 0, 0]),
    ]
    for x, bias in np.array(rows, dtype):
        with np.errstate(all="ignore"):
            z = np.where(np.isneginf(bias), -inf, (-x if name == "softmin" else x) + bias)
            want = expected(name, x, -1, bias=bias)
        top = z == inf
        if top.any():
            shares = {"logsumexp": inf, "log_softmax": np.where(top, -np.log(top.sum()), -inf)}
            want = shares.get(name, top / top.sum())
        for repeats in (1, 40):  # alone, and rows and columns side by side
            got = getattr(pyacts, name)(np.tile(x, (repeats, 1)), bias=bias)
            np.testing.assert_allclose(got, np.broadcast_to(want, got.shape), rtol=1e-6)
            got = getattr(pyacts, name)(np.tile(x[:, None], (1, repeats)), 0, bias=bias[:, None])
            np.testing.assert_allclose(got.T, np.broadcast_to(want, got.T.shape), rtol=1e-6)


@per_dtype
def test_large_gradients_that_cancel(dtype):
    """Added up from the first, float32 would be infinite on the way, which double is not."""
    n = 64
    large = np.finfo(dtype).max / (1 if dtype == np.float32 else n)
    grad = np.repeat(np.array([large, -large], dtype), n // 2)
    y = np.full(n, -np.log(n), dtype)
    assert (pyacts.log_softmax_backward(grad, y=y) == grad).all()
    columns = np.tile(grad[:, None], (1, 70)), np.tile(y[:, None], (1, 70))
    assert (pyacts.log_softmax_backward(columns[0], y=columns[1], axis=0) == columns[0]).all()


@per_dtype
def test_log_softmax_near_zero(dtype):
    """The largest has almost all: its logarithm is that of 1 - tiny, to the last place."""
    ulp = 2 if dtype == np.float32 else 4
    for gap in (5.0, 20, 40, 80):
        for x, axis in (([gap, 0], 0), ([gap] + [0] * 40, 0), ([[gap, 0, 0.5]] * 40, 1)):
            x = np.array(x, dtype)
            for other, along in ((x, axis), (np.moveaxis(x, axis, 0).copy(), 0)):
                check(pyacts.log_softmax(other, along), expected("log_softmax", other, along), ulp)
                check(pyacts.log_softmax(other, along, scale=0.7), expected("log_softmax", other, along, 0.7), ulp)
    x = np.array([0.3, -1e-3], dtype)
    want = expected("logsumexp", np.array([-1.0, -0.45867515], dtype), 0)
    assert abs(pyacts.logsumexp(np.array([-1.0, -0.45867515], dtype)) - want) <= 2 * np.spacing(dtype(1))


@per_dtype
@pytest.mark.parametrize("n", [5, 33, 100, 5000])
def test_options_that_do_nothing(n, dtype):
    """The bits are those of the call without options."""
    x = np.random.default_rng(n).normal(scale=4, size=(40, n)).astype(dtype)
    grad = x[::-1].copy()
    for name in FAMILY:
        f, backward = getattr(pyacts, name), getattr(pyacts, f"{name}_backward")
        for options in ({"where": True}, {"bias": 0}, {"causal": n}, {"sink": -inf}, {"scale": 1}, {"empty": "zero"}):
            for array, axis in ((x, 1), (x.T.copy(), 0)):
                if "causal" in options and axis == 0:
                    continue
                assert f(array, axis, **options).tobytes() == f(array, axis).tobytes(), (name, options)
                assert (
                    pyacts.logsumexp(array, axis, **{k: v for k, v in options.items() if k != "empty"}).tobytes()
                    == pyacts.logsumexp(array, axis).tobytes()
                )
            y = f(x)
            got, want = backward(grad, y=y, **options), backward(grad, y=y)
            np.testing.assert_array_equal(got, want)


@per_dtype
def test_ways_to_say_the_same(dtype):
    x = np.random.default_rng(0).normal(size=(2, 3, 60, 60)).astype(dtype)
    below = np.tri(60, dtype=bool)
    y = pyacts.softmax(x, causal=True)
    assert pyacts.softmax(x, where=below).tobytes() == y.tobytes()
    assert pyacts.softmax(x, bias=np.where(below, 0, -inf)).tobytes() == y.tobytes()
    assert (
        pyacts.softmax(x[:, :, ::2], causal=0).tobytes()
        == pyacts.softmax(x[:, :, ::2], where=np.tri(30, 60) > 0).tobytes()
    )
    np.testing.assert_array_equal(pyacts.softmin(x), pyacts.softmax(-x))
    np.testing.assert_array_equal(pyacts.softmin(x, scale=2), pyacts.softmax(x, scale=-2))
    with_sink = np.concatenate([x, np.full((2, 3, 60, 1), 0.5, dtype)], -1)
    np.testing.assert_allclose(pyacts.softmax(x, sink=0.5), pyacts.softmax(with_sink)[..., :-1], rtol=1e-6)
    per_head = np.array([0.5, -1, 2], dtype)
    y = pyacts.softmax(x, sink=per_head[:, None])
    for head in range(3):
        np.testing.assert_array_equal(y[:, head], pyacts.softmax(x[:, head], sink=per_head[head]))


def test_lines_are_copied_a_few_at_a_time():
    for x in (np.zeros((1000, 2, 500))[:, 0], np.zeros((500, 1000), ">f8"), np.zeros((1000, 500)).T[::-1]):
        for change in (pyacts.softmax_, lambda x: pyacts.softmax_backward_(x, y=x)):
            change(x)
            tracemalloc.start()
            change(x)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < x.nbytes / 4


def test_masks_are_not_expanded():
    """A mask for each batch, the same for all heads and rows, next to an x that is much larger."""
    x = np.zeros((4, 16, 64, 256), np.float32)
    where = np.random.default_rng(0).random((4, 1, 1, 256)) < 0.5
    pyacts.softmax_(x, where=where)
    tracemalloc.start()
    pyacts.softmax_(x, where=where, bias=np.zeros((64, 1)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


# ----------------------------------------------------------------------------------------------------------------
# What is refused, with nothing written

x = np.ones((3, 4), np.float32)
REFUSED = [
    ({"scale": nan}, ValueError, "scale must be finite"),
    ({"scale": 1e300}, ValueError, "which is inf in float32"),
    ({"scale": "2"}, TypeError, "scale must be a number"),
    ({"scale": np.ones(2)}, TypeError, "scale must be a number"),
    ({"where": np.ones((3, 4))}, TypeError, "where must be a boolean array"),
    ({"where": np.ones(3, bool)}, ValueError, "does not broadcast to the shape of x"),
    ({"where": np.ones((2, 3, 4), bool)}, ValueError, "does not broadcast"),
    ({"where": np.ma.ones(4, bool)}, TypeError, "MaskedArray"),
    ({"bias": np.ones(3)}, ValueError, "bias of shape"),
    ({"bias": "no"}, TypeError, "bias must be an array of numbers"),
    ({"sink": np.ones(4)}, ValueError, "does not broadcast to the lines of x"),
    ({"sink": 1j}, TypeError, "sink must be a number"),
    ({"causal": 1.5}, TypeError, "causal must be"),
    ({"causal": True, "axis": 0}, ValueError, "causal needs axis to be the last"),
    ({"empty": "none"}, ValueError, "empty must be"),
]


@pytest.mark.parametrize(("options", "error", "words"), REFUSED, ids=[str(r[0])[:40] for r in REFUSED])
def test_refused(options, error, words):
    changed = x.copy()
    calls = [getattr(pyacts, name + ending) for name in FAMILY for ending in ("", "_")]
    calls += [
        functools.partial(getattr(pyacts, name + ending), y=x)
        for name in FAMILY
        for ending in ("_backward", "_backward_")
    ]
    if "empty" not in options:
        calls.append(pyacts.logsumexp)
    for call in calls:
        with pytest.raises(error, match=words):
            call(changed, **options)
        assert (changed == 1).all(), call


def test_causal_needs_rows():
    with pytest.raises(ValueError, match="causal needs"):
        pyacts.softmax(np.ones(3), causal=True)


def test_overlapping_options():
    """An option in the memory of the result is read before it is written over."""
    a = np.random.default_rng(0).normal(size=(5, 6))
    want = pyacts.softmax(a, bias=a.copy())
    assert pyacts.softmax_(a, bias=a) is a
    np.testing.assert_array_equal(a, want)


def test_out_in_a_tuple():
    y = np.empty_like(x)
    assert pyacts.softmax(x, scale=2, out=(y,)) is y
    np.testing.assert_array_equal(y, pyacts.softmax(x, scale=2))
    assert pyacts.softmax_backward(x, y=x, scale=2, out=(y,)) is y
    np.testing.assert_array_equal(pyacts.softmax(x, scale=2, out=(None,)), pyacts.softmax(x, scale=2))
    with pytest.raises(TypeError, match="out must be a NumPy array, not tuple"):
        pyacts.softmax(x, scale=2, out=(y, y))


def test_other_libraries_arrays_are_refused_with_options():
    class Other:
        __array_ufunc__ = None

    with pytest.raises(TypeError, match="NumPy array"):
        pyacts.softmax(Other(), scale=2)


# ----------------------------------------------------------------------------------------------------------------
# Lines that are taken in segments, each with its own maximum


LONG = 70_001


def long_lines(dtype):
    """name: line. What differs between segments of 4096 numbers: how far their maxima are apart, and where."""
    random = np.random.default_rng(31)
    noise = random.normal(size=LONG)
    level = np.repeat(random.permutation(18), 4096)[:LONG]
    lines = {
        "equals": np.round(noise),
        "N(0, 10)": 10 * noise,
        "N(1e4, 1)": noise + 1e4,
        "N(0, 1e37)": 1e37 * noise,
        "rising": np.linspace(-3, 3, LONG),
        "falling": np.linspace(900, -900, LONG),
        "one number": np.where(np.arange(LONG) == 50_000, 30, noise),
        "the last number": np.where(np.arange(LONG) == LONG - 1, 3000, noise),
    }
    for gap in (0.1, 3, 15, 40, 50, 90, 100, 120, 600, 750):
        lines[f"levels {gap} apart"] = noise + gap * level
    return {name: line.astype(dtype) for name, line in lines.items()}


@per_dtype
def test_long_lines(dtype):
    ulp = {"softmax": 2, "log_softmax": 2, "softmin": 2} if dtype == np.float32 else dict.fromkeys(FAMILY, 8)
    for x in long_lines(dtype).values():
        for name in FAMILY:
            want = expected(name, x, 0)
            check(getattr(pyacts, name)(x), want, ulp[name])
            if dtype == np.float32:
                check(getattr(pyacts.exact, name)(x), want, 0.51)
        want = expected("logsumexp", x, 0)
        check(pyacts.logsumexp(x), want, 2, max(abs(want), abs(x.max())))
        one_sided = expected("softmax", x, 0, where=x > 0, bias=x / 8, scale=0.7, sink=1.5)
        check(pyacts.softmax(x, where=x > 0, bias=x / dtype(8), scale=0.7, sink=1.5), one_sided, ulp["softmax"])


@per_dtype
def test_bits_of_long_lines(dtype):
    """Rows, columns, in place, with options that do nothing: the same."""
    lines = np.stack(list(long_lines(dtype).values()))
    columns = lines.T.copy()
    for name in (*FAMILY, "logsumexp"):
        f = getattr(pyacts, name)
        want = f(lines)
        for line, one in zip(lines, want, strict=True):
            assert f(line).tobytes() == one.tobytes()
        assert f(columns, 0).T.tobytes() == want.tobytes()
        for options in ({"where": True}, {"bias": 0}, {"sink": -inf}):
            assert f(lines, **options).tobytes() == want.tobytes(), options
            assert f(columns, 0, **options).T.tobytes() == want.tobytes(), options
        if name != "logsumexp":
            in_place = getattr(pyacts, f"{name}_")
            assert in_place(columns.copy(), 0).T.tobytes() == want.tobytes()
            assert in_place(lines.copy()).tobytes() == want.tobytes()
    within = np.arange(LONG) <= 50_000
    causal = {"causal": 50_000}
    assert pyacts.softmax(lines[:1], **causal).tobytes() == pyacts.softmax(lines[:1], where=within).tobytes()
    grad = lines[:1, 0].copy()
    assert (
        pyacts.logsumexp_backward(grad, lines[:1]).tobytes()
        == pyacts.logsumexp_backward(grad, columns[:, :1].copy(), 0).tobytes()
    )


@per_dtype
def test_edges_of_long_lines(dtype):
    x = np.zeros(LONG, dtype)
    x[:5000] = -inf
    assert np.isclose(pyacts.softmax(x)[-1], 1 / (LONG - 5000), rtol=1e-6)
    assert not pyacts.softmax(x)[:5000].any()
    x[[7, 60_000]] = inf
    assert np.flatnonzero(pyacts.softmax(x)).tolist() == [7, 60_000]
    assert pyacts.softmax(x)[7] == 0.5
    np.testing.assert_allclose(pyacts.log_softmax(x)[[7, 60_000]], -np.log(2), rtol=1e-6)
    assert np.isposinf(pyacts.logsumexp(x))
    for place in (0, 40_000, LONG - 1):
        x = np.zeros(LONG, dtype)
        x[place] = nan
        for array, axis in ((x, 0), (np.stack([x] * 3, 1), 0)):
            for name in FAMILY:
                assert np.isnan(getattr(pyacts, name)(array, axis)).all()
            assert np.isnan(pyacts.logsumexp(array, axis)).all()
    nothing = np.full((LONG, 2), -inf, dtype)
    for array, axis in ((nothing, 0), (nothing.T.copy(), 1)):
        assert np.isnan(pyacts.softmax(array, axis)).all()
        assert np.isnan(pyacts.log_softmax(array, axis)).all()
        assert np.isneginf(pyacts.logsumexp(array, axis)).all()
        assert not pyacts.softmax(array, axis, empty="zero").any()
        assert not pyacts.softmax(array, axis, sink=0.0).any()
        assert (pyacts.logsumexp(array, axis, sink=2.0) == 2).all()


def test_more_segments_than_there_is_room_for():
    x = np.random.default_rng(32).normal(size=5_000_000).astype(np.float32)
    x[::700_000] += np.arange(8) * 10
    check(pyacts.softmax(x), expected("softmax", x, 0), 2)
    assert pyacts.softmax(x[:, None], 0).tobytes() == pyacts.softmax(x).tobytes()
