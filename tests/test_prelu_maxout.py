"""What has sizes beside n: prelu's channels, and maxout, from Python and from C."""

import itertools

import numpy as np
import pytest
from common import SUFFIXES, TYPES, c_call, parameter_type
from oracle import maxout

import pyacts

per_dtype = pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)


def random(seed, shape, dtype, scale=1.0):
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(dtype)


def weights(seed, shape, dtype):
    """Positive, as backward from y needs them, of the type that parameters have."""
    return np.asarray(abs(random(seed, shape, parameter_type(dtype))))


# ----------------------------------------------------------------------------------------------------------------
# prelu

WEIGHTS = [  # shape of x, shape of the weight
    ((), ()),
    ((1000,), ()),
    ((7, 5), (5,)),
    ((7, 5), (7, 1)),
    ((7, 5), (7, 5)),
    ((5000, 3), (3,)),
    ((2, 3, 4, 5), (3, 1, 1)),
    ((2, 3, 4, 5), (1, 3, 1, 5)),
    ((2, 3, 4, 5), (2, 1, 1, 5)),
    ((0, 3), (3,)),
]
per_weight = pytest.mark.parametrize(("shape", "weight_shape"), WEIGHTS, ids=[f"{x}-{w}" for x, w in WEIGHTS])


def prelu(x, value, weight):
    """value where x is positive, weight * value elsewhere, rounded once to the dtype of x."""
    computed = parameter_type(x.dtype)
    return np.where(x > 0, value, weight.astype(computed) * value.astype(computed)).astype(x.dtype)


@per_dtype
@per_weight
def test_weights_broadcast(shape, weight_shape, dtype):
    x, grad, weight = random(1, shape, dtype), random(2, shape, dtype), weights(3, weight_shape, dtype)
    y = pyacts.prelu(x, weight)
    dx = prelu(x, grad, weight)
    np.testing.assert_array_equal(y, prelu(x, x, weight))
    np.testing.assert_array_equal(pyacts.prelu_backward(grad, x, weight), dx)
    np.testing.assert_array_equal(pyacts.prelu_backward(grad, None, weight, y=y), dx)
    if shape:
        assert pyacts.prelu_(x, weight) is x
        np.testing.assert_array_equal(x, y)


@per_dtype
@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed"])
def test_weights_of_channels_in_any_layout(layout, dtype):
    def laid_out(a):
        wide = np.zeros((a.shape[0], 2 * a.shape[1]), a.dtype)
        given = {"C": a, "F": np.asfortranarray(a), "strided": wide[:, ::2], "reversed": a[::-1].copy()[::-1]}[layout]
        given[...] = a
        return given

    x, grad, weight = random(1, (67, 33), dtype), random(2, (67, 33), dtype), weights(3, (33,), dtype)
    y, dx = prelu(x, x, weight), prelu(x, grad, weight)
    saved, upstream, out = laid_out(x.copy()), laid_out(grad.copy()), laid_out(np.empty_like(x))
    assert pyacts.prelu(saved, weight, out=out) is out
    np.testing.assert_array_equal(out, y)
    assert pyacts.prelu_backward(upstream, saved, weight, out=out) is out
    np.testing.assert_array_equal(out, dx)
    assert pyacts.prelu_backward_(upstream, saved, weight) is upstream
    np.testing.assert_array_equal(upstream, dx)
    assert pyacts.prelu_(saved, weight) is saved
    np.testing.assert_array_equal(saved, y)


@pytest.mark.parametrize("part", [np.s_[0], np.s_[:, :1], np.s_[3:4]])
def test_weight_that_is_part_of_the_array(part):
    x, grad = abs(random(1, (7, 5), np.float32)), random(2, (7, 5), np.float32)
    x[2:] *= -1
    y, dx = prelu(x, x, x[part].copy()), prelu(x, grad, x[part].copy())
    out = x.copy()
    np.testing.assert_array_equal(pyacts.prelu_(out, out[part]), y)
    out = x.copy()
    np.testing.assert_array_equal(pyacts.prelu(out, out[part], out=out), y)
    out = x.copy()
    np.testing.assert_array_equal(pyacts.prelu_backward(grad, out, out[part], out=out), dx)


@per_dtype
@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 1, 100), (100, 1, 1), (3, 5, 7), (2, 40, 33), (9000, 2, 1)], ids=str)
def test_prelu_in_c(sizes, dtype):
    x, grad, weight = random(1, sizes, dtype), random(2, sizes, dtype), weights(3, sizes[1], dtype)
    y, dx, dx_from_y = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    name = f"pyacts_prelu{{}}_{SUFFIXES[np.dtype(dtype).name]}"
    c_call(name.format(""), *sizes, x, weight, y)
    c_call(name.format("_backward"), *sizes, grad, x, weight, dx)
    c_call(name.format("_backward_y"), *sizes, grad, y, weight, dx_from_y)
    np.testing.assert_array_equal(y, prelu(x, x, weight[:, None]))
    np.testing.assert_array_equal(dx, prelu(x, grad, weight[:, None]))
    np.testing.assert_array_equal(dx_from_y, dx)


def test_prelu_in_c_without_elements():
    null, weight = pyacts.ffi.NULL, np.ones(3, np.float32)
    c_call("pyacts_prelu_f32", 0, 3, 4, null, null, null)
    c_call("pyacts_prelu_f32", 0, 0, 0, null, null, null)
    c_call("pyacts_prelu_f32", 2, 3, 0, null, weight, null)


# ----------------------------------------------------------------------------------------------------------------
# maxout

POOLED = [(12,), (1,), (6, 4), (64, 3), (2, 12, 5), (3, 4, 36), (2, 6, 1), (1, 120), (4, 2, 3, 6), (4, 301)]


def pools(shape):
    """(axis, pool_size): every axis, and every size that divides it."""
    for axis in range(-len(shape), len(shape)):
        for size in range(1, shape[axis] + 1):
            if shape[axis] % size == 0:
                yield axis, size


@pytest.mark.parametrize("sizes", [(2**40, 3, 0), (0, 3, 4), (2**40, 0, 4), (2**40, 0, 1)])
def test_prelu_of_nothing_in_c(sizes):
    """Returns at once, and arrays may be NULL."""
    null = pyacts.ffi.NULL
    pyacts.lib.pyacts_prelu_f32(*sizes, null, null, null)
    pyacts.lib.pyacts_prelu_backward_f32(*sizes, null, null, null, null)
    pyacts.lib.pyacts_prelu_backward_y_f32(*sizes, null, null, null, null)


@per_dtype
@pytest.mark.parametrize("shape", POOLED, ids=str)
def test_maxout_and_its_backward(shape, dtype):
    smooth = random(1, shape, dtype)
    ties = np.random.default_rng(2).integers(-2, 2, size=shape).astype(dtype)
    for x, (axis, size) in itertools.product((smooth, ties, np.asfortranarray(ties), ties[..., ::-1]), pools(shape)):
        want, want_index = (np.moveaxis(a, -1, axis) for a in maxout(np.moveaxis(x, axis, -1), size))
        y, index = pyacts.maxout(x, size, axis, return_index=True)
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(index, want_index)
        np.testing.assert_array_equal(pyacts.maxout(x, size, axis), want)
        assert y.dtype == dtype
        grad = random(3, y.shape, dtype)
        dx = pyacts.maxout_backward(grad, index, size, axis)
        assert dx.shape == x.shape
        assert dx.dtype == dtype
        taken = np.moveaxis(dx, axis, -1).reshape(*np.moveaxis(y, axis, -1).shape, size)
        at = np.moveaxis(index, axis, -1)[..., None]
        np.testing.assert_array_equal(np.take_along_axis(taken, at, -1)[..., 0], np.moveaxis(grad, axis, -1))
        assert np.count_nonzero(dx) == grad.size
        if x is smooth and x.itemsize > 2:  # where the maximum is alone, backward is the derivative
            step = np.sign(dx) * 2.0**-20
            change = (pyacts.maxout(x + step, size, axis).astype(float) - y) * grad
            np.testing.assert_allclose(change.sum(), abs(dx).sum() * 2.0**-20, rtol=0.2)


@per_dtype
def test_maxout_of_pool_size_one_and_of_the_whole_axis(dtype):
    x = random(4, (5, 8), dtype)
    np.testing.assert_array_equal(pyacts.maxout(x, 1), x)
    np.testing.assert_array_equal(pyacts.maxout(x, 8), x.max(axis=1, keepdims=True))
    np.testing.assert_array_equal(pyacts.maxout(x, 5, axis=0), x.max(axis=0, keepdims=True))


def test_maxout_of_nothing():
    assert pyacts.maxout(np.empty((0, 6)), 2).shape == (0, 3)
    assert pyacts.maxout(np.empty((3, 0)), 2).shape == (3, 0)
    y, index = pyacts.maxout(np.empty((6, 0)), 2, axis=0, return_index=True)
    assert y.shape == index.shape == (3, 0)
    assert pyacts.maxout_backward(y, index, 2, axis=0).shape == (6, 0)


@per_dtype
@pytest.mark.parametrize("sizes", [(1, 12, 1), (5, 12, 1), (3, 12, 7), (2, 24, 100), (40, 6, 1)], ids=str)
def test_maxout_in_c(sizes, dtype):
    outer, n, inner = sizes
    x = random(5, sizes, dtype)
    for size in (1, 2, 3, 6):
        y, index = (np.empty((outer, n // size, inner), kind) for kind in (dtype, np.uintp))
        name = f"pyacts_maxout{{}}_{SUFFIXES[np.dtype(dtype).name]}"
        c_call(name.format(""), *sizes, size, x, y, index)
        want, want_index = pyacts.maxout(x, size, 1, return_index=True)
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(index, want_index)
        y[:] = 0
        c_call(name.format(""), *sizes, size, x, y, pyacts.ffi.NULL)
        np.testing.assert_array_equal(y, want)
        grad, dx = random(6, y.shape, dtype), np.empty_like(x)
        c_call(name.format("_backward"), *sizes, size, grad, index, dx)
        np.testing.assert_array_equal(dx, pyacts.maxout_backward(grad, want_index, size, 1))
