"""What has sizes beside n: prelu's channels and the gradient of its weight, and maxout, from Python and from C."""

import itertools

import numpy as np
import pytest
from oracle import DTYPES, maxout

import pyacts

per_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)


def suffix(dtype):
    return "f32" if dtype == np.float32 else "f64"


def pointer(array):
    """A pointer for the C library to an array's memory."""
    kind = {np.dtype(np.float32): "float *", np.dtype(np.float64): "double *", np.dtype(np.uintp): "size_t *"}
    return pyacts.ffi.cast(kind[array.dtype], array.ctypes.data)


def random(seed, shape, dtype, scale=1.0):
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(dtype)


# ----------------------------------------------------------------------------------------------------------------
# prelu

WEIGHTS = [  # shape of x, shape of the weight
    ((), ()),
    ((1,), ()),
    ((1000,), ()),
    ((7, 5), (5,)),
    ((7, 5), (1,)),
    ((7, 5), (1, 5)),
    ((7, 5), (7, 1)),
    ((7, 5), (7, 5)),
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
    ((1, 3, 1, 1), (3, 1, 1)),
    ((2, 33, 40, 41), (33, 1, 1)),
    ((2, 1, 9000), ()),
    ((0, 3), (3,)),
    ((3, 0), (1,)),
]

per_weight = pytest.mark.parametrize(("shape", "weight_shape"), WEIGHTS, ids=[f"{x}-{w}" for x, w in WEIGHTS])


def summed_to(terms, shape):
    """The sum of terms over the axes that an array of that shape is broadcast along."""
    terms = terms.sum(axis=tuple(range(terms.ndim - len(shape))))
    axes = tuple(k for k, length in enumerate(shape) if length == 1)
    return terms.sum(axis=axes, keepdims=True)


@per_dtype
@per_weight
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_gradient_of_the_weight(shape, weight_shape, layout, dtype):
    x, grad, weight = random(1, shape, dtype), random(2, shape, dtype), random(3, weight_shape, dtype)
    if layout == "F":
        x, grad = np.asfortranarray(x), np.asfortranarray(grad)
    if layout == "strided" and shape:
        x, grad = (np.repeat(a, 2, axis=-1)[..., ::2] for a in (x, grad))
    got = pyacts.prelu_parameter_grad(grad, x, weight)
    assert np.shape(got) == weight_shape
    assert got.dtype == dtype
    terms = np.where(x < 0, grad.astype(float) * x, 0)
    want, size = summed_to(terms, weight_shape), summed_to(abs(terms), weight_shape)
    # Summed in double: the rounding of the result, and of the sum relative to the sum of the sizes.
    assert (abs(got - want) <= 0.5 * np.finfo(dtype).eps * abs(want) + 1e-14 * size).all()


@per_dtype
def test_gradient_of_the_weight_does_not_depend_on_the_layout(dtype):
    x, grad = random(1, (6, 40, 50), dtype), random(2, (6, 40, 50), dtype)
    weight = random(3, (40, 1), dtype)
    want = pyacts.prelu_parameter_grad(grad, x, weight).tobytes()
    for layout in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], lambda a: a[::-1].copy()[::-1]):
        assert pyacts.prelu_parameter_grad(layout(grad), layout(x), weight).tobytes() == want


@per_dtype
def test_gradient_of_the_weight_at_special_numbers(dtype):
    """-0.0 and what is positive give nothing; NaN and infinities come through from the left."""
    x = np.array([[-1, 2, -0.0, 0, np.inf, -np.inf]], dtype).T
    cases = [(np.ones(6), [-1, 0, 0, 0, 0, -np.inf]), (np.full(6, np.inf), [-np.inf, 0, 0, 0, 0, -np.inf])]
    for grad, want in cases:
        got = [pyacts.prelu_parameter_grad(grad.astype(dtype)[[k]], x[k], 0.25) for k in range(6)]
        np.testing.assert_array_equal(got, want)
    assert np.isnan(pyacts.prelu_parameter_grad(np.ones(3, dtype), np.array([-1, np.nan, 1], dtype), 0.25))
    assert np.isnan(pyacts.prelu_parameter_grad(np.array([1, np.nan, 1], dtype), np.ones(3, dtype), 0.25))
    x = np.array([[-1, np.nan], [-1, -1]], dtype)
    got = pyacts.prelu_parameter_grad(np.ones((2, 2), dtype), x, np.ones(2, dtype))
    np.testing.assert_array_equal(got, [-2, np.nan])


def test_gradient_of_the_weight_is_summed_in_double():
    """A million terms that float32 could not add up."""
    x = np.full(1_000_000, -1, np.float32)
    grad = np.full(1_000_000, 1e-3, np.float32)
    assert pyacts.prelu_parameter_grad(grad, x, 0.25) == np.float32(-1_000_000 * float(np.float32(1e-3)))


@per_dtype
def test_gradient_of_the_weight_keeps_what_is_lost_beside_a_large_term(dtype):
    """Blocks of 4096 terms are added with their rounding errors."""
    x, grad = np.full((3, 4096), -1, dtype), np.zeros((3, 4096), dtype)
    grad[0, 0], grad[1], grad[2, 7] = 1e30, 1, -1e30
    assert pyacts.prelu_parameter_grad(grad.ravel(), x.ravel(), 0.25) == -4096
    columns = np.stack([grad.ravel(), -grad.ravel()], axis=1)
    got = pyacts.prelu_parameter_grad(columns, np.full((3 * 4096, 2), -1, dtype), np.ones(2, dtype))
    assert got.tolist() == [-4096, 4096]


@per_dtype
@per_weight
def test_weights_broadcast(shape, weight_shape, dtype):
    x, grad, weight = random(1, shape, dtype), random(2, shape, dtype), abs(random(3, weight_shape, dtype))
    y = pyacts.prelu(x, weight)
    np.testing.assert_array_equal(y, np.where(x > 0, x, weight * x))
    np.testing.assert_array_equal(pyacts.prelu_backward(grad, x, weight), np.where(x > 0, grad, weight * grad))
    np.testing.assert_array_equal(pyacts.prelu_backward(grad, None, weight, y=y), np.where(x > 0, grad, weight * grad))
    if shape:
        assert pyacts.prelu_(x, weight) is x
        np.testing.assert_array_equal(x, y)


SIZES = [(1, 1, 1), (1, 1, 100), (100, 1, 1), (3, 5, 1), (3, 5, 7), (2, 40, 33), (7, 33, 1), (1, 4, 5000), (9000, 2, 1)]


@per_dtype
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_prelu_in_c(sizes, dtype):
    x, grad, weight = random(1, sizes, dtype), random(2, sizes, dtype), abs(random(3, sizes[1], dtype))
    y, dx, dx_from_y, dweight = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(weight)

    def run(direction, *arrays):
        getattr(pyacts.lib, f"pyacts_prelu{direction}_{suffix(dtype)}")(*sizes, *map(pointer, arrays))

    run("", x, weight, y)
    run("_backward", grad, x, weight, dx)
    run("_backward_y", grad, y, weight, dx_from_y)
    run("_parameter_grad", grad, x, weight, dweight)
    spread = weight[:, None]
    np.testing.assert_array_equal(y, np.where(x > 0, x, spread * x))
    np.testing.assert_array_equal(dx, np.where(x > 0, grad, spread * grad))
    np.testing.assert_array_equal(dx_from_y, dx)
    np.testing.assert_array_equal(dweight, pyacts.prelu_parameter_grad(grad, x, spread)[:, 0])
    terms = np.where(x < 0, grad.astype(float) * x, 0)
    np.testing.assert_allclose(dweight, terms.sum(axis=(0, 2)), rtol=np.finfo(dtype).eps, atol=1e-14 * abs(terms).sum())
    run("", x, weight, x)  # in place
    np.testing.assert_array_equal(x, y)
    run("_backward_y", grad, y, weight, grad)
    np.testing.assert_array_equal(grad, dx)


def test_prelu_in_c_without_elements():
    null = pyacts.ffi.NULL
    weight, dweight = np.ones(3, np.float32), np.ones(3, np.float32)
    pyacts.lib.pyacts_prelu_f32(0, 3, 4, null, null, null)
    pyacts.lib.pyacts_prelu_f32(0, 0, 0, null, null, null)
    pyacts.lib.pyacts_prelu_f32(2, 3, 0, null, pointer(weight), null)
    for outer, inner in ((0, 4), (2, 0)):
        dweight[:] = 1
        pyacts.lib.pyacts_prelu_parameter_grad_f32(outer, 3, inner, null, null, pointer(weight), pointer(dweight))
        assert dweight.tolist() == [0, 0, 0], "the sum of nothing"


# ----------------------------------------------------------------------------------------------------------------
# maxout

POOLED = [(12,), (1,), (6, 4), (64, 3), (2, 12, 5), (3, 4, 36), (2, 6, 1), (1, 120), (4, 2, 3, 6)]


def pools(shape):
    """(axis, pool_size): every axis, and every size that divides it."""
    for axis in range(-len(shape), len(shape)):
        for size in range(1, shape[axis] + 1):
            if shape[axis] % size == 0:
                yield axis, size


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
        if x is smooth:  # where the maximum is alone, backward is the derivative
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
        forward = getattr(pyacts.lib, f"pyacts_maxout_{suffix(dtype)}")
        forward(*sizes, size, pointer(x), pointer(y), pointer(index))
        want, want_index = pyacts.maxout(x, size, 1, return_index=True)
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(index, want_index)
        y[:] = 0
        forward(*sizes, size, pointer(x), pointer(y), pyacts.ffi.NULL)
        np.testing.assert_array_equal(y, want)
        grad, dx = random(6, y.shape, dtype), np.empty_like(x)
        backward = getattr(pyacts.lib, f"pyacts_maxout_backward_{suffix(dtype)}")
        backward(*sizes, size, pointer(grad), pointer(index), pointer(dx))
        np.testing.assert_array_equal(dx, pyacts.maxout_backward(grad, want_index, size, 1))
