"""bias_act: the bits of the bias added and the activation applied one after the other, and their gradients."""

import itertools

import numpy as np
import pytest
from common import LAYOUTS, REQUIRED, assert_same, is_elementwise, laid_out, numbers

import pyacts
from pyacts import _bias
from pyacts.catalog import ACTIVATIONS, PRESETS

ELEMENTWISE = [a for a in ACTIVATIONS if is_elementwise(a)]

every_activation = pytest.mark.parametrize("activation", ELEMENTWISE, ids=lambda a: a.name)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_tile = pytest.mark.parametrize("tile", [1, 7, 24, 32768])

SHAPES = [(5,), (1, 1), (7, 5), (5, 1), (64, 3), (2, 3, 4), (3, 1, 2, 5), (0, 4), (3, 0), (0,)]


def required(activation):
    return {p.name: REQUIRED[p.name] for p in activation.parameters if p.default is None}


def expected_forward(activation, z, bias, *parameters, **named):
    with np.errstate(all="ignore"):
        return pyacts.get(activation)(z + bias, *parameters, **named)


def expected_backward(activation, grad, *parameters, y=None, z=None, bias=None, **named):
    """(dz, dbias); the sums in long double."""
    function = pyacts.get(activation, "backward")
    if y is None:
        with np.errstate(all="ignore"):
            dz = function(grad, z + bias, *parameters, **named)
    else:
        dz = function(grad, None, *parameters, y=y, **named)
    return dz, dz.astype(np.longdouble).sum(axis=tuple(range(dz.ndim - 1)))


def assert_sum(dbias, want, dz):
    """Equal but for the rounding of the result, and of sums in double."""
    assert dbias.shape == want.shape
    size = abs(dz.astype(float)).sum(axis=tuple(range(dz.ndim - 1)))
    assert (abs(dbias - want) <= 0.51 * np.finfo(dbias.dtype).eps * abs(want) + 1e-15 * size + 1e-300).all()


# ----------------------------------------------------------------------------------------------------------------
# Values


@every_dtype
@every_activation
def test_every_activation(activation, dtype):
    """In place and out of place, with numbers of every kind, bit for bit."""
    z, bias = numbers((300, 200), dtype), numbers(200, dtype, 1)
    named = required(activation)
    y = expected_forward(activation.name, z, bias, **named)
    assert_same(pyacts.bias_act(z, bias, activation.name, **named), y)
    changed = z.copy()
    assert pyacts.bias_act_(changed, bias, activation.name, **named) is changed
    assert_same(changed, y, activation.name)
    z, bias, grad = (numbers(s, dtype, k, special=False) for k, s in enumerate(((300, 200), (200,), (300, 200))))
    y = pyacts.bias_act(z, bias, activation.name, **named)
    for saved in ({"z": z, "bias": bias}, {"y": y}):
        if "y" in saved and activation.derivative_y is None:
            for function in (pyacts.bias_act_backward, pyacts.bias_act_backward_):
                with pytest.raises(TypeError, match="cannot start from y"):
                    function(grad, activation.name, **saved)
            continue
        dz, want = expected_backward(activation.name, grad, **saved, **named)
        got, dbias = pyacts.bias_act_backward(grad, activation.name, **saved, **named)
        assert_same(got, dz, activation.name)
        assert dbias.dtype == dtype
        assert_sum(dbias, want, dz)
        changed = grad.copy()
        got, same = pyacts.bias_act_backward_(changed, activation.name, **saved, **named)
        assert got is changed
        assert_same(got, dz, activation.name, "in place")
        assert_same(same, dbias)


@every_tile
@every_dtype
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_layouts_and_tiles(shape, dtype, tile, monkeypatch):
    """The same bits, the bias's gradient included, in every layout; no memory beside the arrays changes."""
    monkeypatch.setattr(_bias, "TILE", tile)
    values = [numbers(shape, dtype, k) for k in range(2)]
    bias = numbers(shape[-1:], dtype, 3)
    y = expected_forward("elu", values[0], bias)
    with np.errstate(all="ignore"):
        dz, dbias = pyacts.bias_act_backward(values[1], "silu", z=values[0], bias=bias)
        assert_same(dz, expected_backward("silu", values[1], z=values[0], bias=bias)[0])
    from_y = pyacts.bias_act_backward(values[1], "elu", y=y)
    for first, second in itertools.product(LAYOUTS, LAYOUTS[:5]):
        where = (dtype, shape, tile, first, second)
        (z, z_base), (grad, grad_base), (laid_y, y_base) = (
            laid_out(a, layout) for a, layout in zip((*values, y), (first, second, first), strict=True)
        )
        before = [base.tobytes() for base in (z_base, grad_base, y_base)]
        assert_same(pyacts.bias_act(z, bias, "elu"), y, *where)
        got = pyacts.bias_act_backward(grad, "silu", z=z, bias=bias)
        assert_same(got[0], dz, *where)
        assert_same(got[1], dbias, *where)
        assert before == [base.tobytes() for base in (z_base, grad_base, y_base)]
        assert pyacts.bias_act_backward_(grad, "silu", z=z, bias=bias)[0] is grad
        assert_same(grad, dz, *where)
        grad[...] = values[1]
        got = pyacts.bias_act_backward_(grad, "elu", y=laid_y)
        assert got[0] is grad
        for a, b in zip(got, from_y, strict=True):
            assert_same(a, b, *where)
        assert pyacts.bias_act_(z, bias, "elu") is z
        assert_same(z, y, *where)
        z[...], grad[...] = values
        assert before == [base.tobytes() for base in (z_base, grad_base, y_base)], ("memory beside it", *where)
        out = laid_out(np.zeros_like(y), second)[0]
        assert pyacts.bias_act(z, bias, "elu", out=out) is out
        assert_same(out, y, *where)
        got = pyacts.bias_act_backward(grad, "elu", y=laid_y, out=out)
        assert got[0] is out
        assert_same(out, from_y[0], *where)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@every_tile
def test_halves(name, tile, monkeypatch):
    """Computed in float32, the sum too, and rounded once."""
    monkeypatch.setattr(_bias, "TILE", tile)
    dtype = np.dtype(np.float16) if name == "float16" else np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    random = np.random.default_rng(4)
    z, grad, bias = (random.normal(size=s).astype(dtype) for s in ((40, 6), (40, 6), (6,)))
    wide = [a.astype(np.float32) for a in (z, grad, bias)]
    y = expected_forward("silu", wide[0], wide[2]).astype(dtype)
    dz = pyacts.silu_backward(wide[1], wide[0] + wide[2])
    for arrays in ((z, grad), (np.repeat(z, 2, 1)[:, ::2], np.repeat(grad, 2, 1)[:, ::2])):
        assert (pyacts.bias_act(arrays[0], bias, "silu") == y).all()
        changed = arrays[0].copy()
        assert pyacts.bias_act_(changed, bias, "silu") is changed
        assert (changed == y).all()
        got, dbias = pyacts.bias_act_backward(arrays[1], "silu", z=arrays[0], bias=bias)
        assert got.dtype == dbias.dtype == dtype
        assert (got == dz.astype(dtype)).all()
        assert (dbias == dz.sum(axis=0, dtype=float).astype(dtype)).all()
        from_y = pyacts.tanh_backward(grad, y=y)
        assert (pyacts.bias_act_backward(arrays[1], "tanh", y=y)[0] == from_y).all()


def test_finite_differences():
    random = np.random.default_rng(5)
    z, grad, bias = random.normal(size=(6, 4)), random.normal(size=(6, 4)), random.normal(size=4)
    h = 1e-6
    for name in ("elu", "silu", "tanh"):
        dz, dbias = pyacts.bias_act_backward(grad, name, z=z, bias=bias)
        difference = grad * (pyacts.bias_act(z + h, bias, name) - pyacts.bias_act(z - h, bias, name)) / (2 * h)
        np.testing.assert_allclose(dz, difference, rtol=1e-6, atol=1e-8)
        for k in range(4):
            step = h * (np.arange(4) == k)
            change = pyacts.bias_act(z, bias + step, name) - pyacts.bias_act(z, bias - step, name)
            np.testing.assert_allclose(dbias[k], (grad * change).sum() / (2 * h), rtol=1e-6, atol=1e-8)


def test_bias_gradient_is_summed_in_double():
    """A million terms that float32 could not add up."""
    grad = np.full((1_000_000, 1), 1e-3, np.float32)
    _, dbias = pyacts.bias_act_backward_(grad, "identity", y=grad)
    assert dbias[0] == np.float32(1_000_000 * float(np.float32(1e-3)))


def test_nan_and_infinities():
    z = np.array([[np.nan, np.inf, -np.inf], [1, 2, 3]], np.float32)
    assert_same(pyacts.bias_act(z, [0, -np.inf, 1], "relu"), np.array([[np.nan, np.nan, 0], [1, 0, 4]], np.float32))
    grad = np.array([[1, np.inf, 1], [1, -np.inf, np.nan]], np.float32)
    _, dbias = pyacts.bias_act_backward(grad, "relu", y=np.ones((2, 3), np.float32))
    assert_same(dbias, np.array([2, np.nan, np.nan], np.float32))


def test_no_floating_point_warnings():
    z, bias, grad = numbers((30, 40), "float32"), numbers(40, "float32", 1), numbers((30, 40), "float32", 2)
    with np.errstate(all="raise"):
        pyacts.bias_act(z, bias, "silu")
        pyacts.bias_act_backward(grad, "silu", z=z, bias=bias)
        pyacts.bias_act_(z, np.full(40, 1e300), "silu")
        pyacts.bias_act_backward_(grad, "silu", z=z, bias=bias)


# ----------------------------------------------------------------------------------------------------------------
# Arguments


@every_dtype
def test_parameters(dtype):
    """By position and by name; arrays with one for each unit; the names of activations in any spelling."""
    z, grad = numbers((6, 4), dtype, special=False), numbers((6, 4), dtype, 1, special=False)
    bias, alpha = numbers(4, dtype, 2, special=False), np.array([0.5, 1, 2, 3])
    for value in (0.5, alpha, alpha.tolist(), alpha[None], alpha.astype("f4")):
        y = expected_forward("elu", z, bias, value)
        dz, _ = expected_backward("elu", grad, value, y=y)
        assert_same(pyacts.bias_act(z, bias, "elu", value), y)
        assert_same(pyacts.bias_act(z, bias, "ELU", alpha=value), y)
        assert_same(pyacts.bias_act_backward(grad, "elu", value, y=y)[0], dz)
        assert_same(pyacts.bias_act_backward(grad, "elu", y=y, alpha=value)[0], dz)
        dz, _ = expected_backward("elu", grad, value, z=z, bias=bias)
        assert_same(pyacts.bias_act_backward(grad, "elu", value, z=z, bias=bias)[0], dz)
    assert_same(pyacts.bias_act(z, bias, "LeakyReLU", 0.2), expected_forward("leaky_relu", z, bias, 0.2))
    assert_same(pyacts.bias_act(z, bias, "prelu", alpha), expected_forward("prelu", z, bias, alpha))
    shared = z.copy()  # parameters and bias may be views of what is changed
    expected = expected_forward("prelu", z, z[0], z[1])
    assert_same(pyacts.bias_act_(shared, shared[0], "prelu", shared[1]), expected)


@pytest.mark.parametrize(
    ("name", "canonical", "defaults"),
    [
        (f"{system}.{spelling}".strip("."), *meaning)
        for system, names in PRESETS.items()
        for spelling, meaning in names.items()
        if not isinstance(meaning, str)
    ],
)
def test_parameters_of_presets(name, canonical, defaults):
    """A system's defaults hold unless the call has others, by position or by name."""
    z, bias, grad = (numbers(s, "float32", k, special=False) for k, s in enumerate(((6, 4), (4,), (6, 4))))
    calls = [((), {}, defaults)]
    for parameter in defaults:
        calls += [((0.125,), {}, {parameter: 0.125}), ((), {parameter: 0.125}, {parameter: 0.125})]
    for positional, named, meant in calls:
        y = expected_forward(canonical, z, bias, **meant)
        dz, _ = expected_backward(canonical, grad, z=z, bias=bias, **meant)
        assert_same(pyacts.bias_act(z, bias, name, *positional, **named), y)
        assert_same(pyacts.bias_act_(z.copy(), bias, name, *positional, **named), y)
        assert_same(pyacts.bias_act_backward(grad, name, *positional, z=z, bias=bias, **named)[0], dz)
        assert_same(pyacts.bias_act_backward_(grad.copy(), name, *positional, z=z, bias=bias, **named)[0], dz)


def test_lists_and_other_dtypes():
    assert pyacts.bias_act([[1, -2], [3, 4]], [1, 1], "relu").tolist() == [[2, 0], [4, 5]]
    assert pyacts.bias_act([1, -2], [1, 1], "relu").tolist() == [2, 0]
    assert pyacts.bias_act(np.ones((2, 2), "i1"), [1, 1], "relu").dtype == np.float16
    assert pyacts.bias_act(np.ones((2, 2), "f4"), np.ones(2), "relu").dtype == np.float32
    dz, dbias = pyacts.bias_act_backward([[1, 2], [3, 4]], "relu", y=[[1, 0], [1, 1]])
    assert dz.tolist() == [[1, 0], [3, 4]]
    assert dbias.tolist() == [4, 4]


def refused(function, error, words, *arguments, **named):
    arrays = [a for a in (*arguments, *named.values()) if isinstance(a, np.ndarray)]
    before = [a.tobytes() for a in arrays]
    with pytest.raises(error, match=words):
        function(*arguments, **named)
    assert before == [a.tobytes() for a in arrays], "written in spite of the error"


@every_dtype
def test_refuses(dtype):
    forwards = (pyacts.bias_act, pyacts.bias_act_)
    z, bias = np.full((3, 4), -1, dtype), np.ones(4, dtype)
    for function in forwards:
        for bad in (np.ones(3, dtype), np.ones((1, 4), dtype), np.ones((3, 4), dtype), 1.0, np.ones(1, dtype)):
            refused(function, ValueError, "bias must have the shape", z, bad, "relu")
        for name, words in (("relo", "relu"), *((n, "not elementwise") for n in ("softmax", "maxout", "swiglu"))):
            refused(function, ValueError, words, z, bias, name)
        refused(function, TypeError, "str", z, bias, pyacts.relu)
        refused(function, ValueError, "alpha must be finite", z, bias, "elu", np.nan)
        refused(function, ValueError, "beta must be positive", z, bias, "softplus", beta=-1)
        refused(function, TypeError, "nonsense", z, bias, "elu", nonsense=1)
        refused(function, TypeError, "argument", z, bias, "elu", 1.0, 2.0)
        refused(function, TypeError, "prelu", z, bias, "prelu")
        for shape in ((3,), (3, 1), (3, 4), (0, 4), (2, 1, 4)):
            refused(function, ValueError, "broadcast", z, bias, "elu", np.ones(shape))
        refused(function, ValueError, r"\(\.\.\., units\)", np.ones((), dtype), bias, "relu")
        refused(function, TypeError, "mask of bias", z, np.ma.masked_array(bias), "relu")
        refused(function, TypeError, "complex", z, bias + 1j, "relu")
        refused(function, TypeError, "object", z, bias.astype(object), "relu")
        for kind in (complex, object, np.longdouble, str):
            refused(function, TypeError, "bias_act|z has dtype", z.astype(kind), bias, "relu")
        refused(function, TypeError, "Mask", np.ma.masked_array(z), bias, "relu")
    fixed = z.copy()
    fixed.flags.writeable = False
    refused(pyacts.bias_act_, ValueError, "read-only", fixed, bias, "relu")
    refused(pyacts.bias_act_, TypeError, "list", z.tolist(), bias, "relu")
    refused(
        pyacts.bias_act_, ValueError, "share memory", np.lib.stride_tricks.as_strided(z, (3, 4), (0, 8)), bias, "elu"
    )
    refused(pyacts.bias_act, ValueError, "read-only", z, bias, "relu", out=fixed)
    refused(pyacts.bias_act, ValueError, "shape", z, bias, "relu", out=np.ones(4, dtype))
    refused(pyacts.bias_act, TypeError, "dtype", z, bias, "relu", out=np.ones((3, 4), np.float16))


@every_dtype
def test_backward_refuses(dtype):
    grad, bias = np.full((3, 4), -1, dtype), np.ones(4, dtype)
    other = np.ones((3, 4), "float64" if dtype == "float32" else "float32")
    for function in (pyacts.bias_act_backward, pyacts.bias_act_backward_):
        for given in (
            {},
            {"z": grad},
            {"bias": bias},
            {"y": grad, "z": grad},
            {"y": grad, "z": grad, "bias": bias},
            {"y": grad, "bias": bias},
        ):
            refused(function, TypeError, "either y", grad, "relu", **given)
        refused(function, ValueError, "shape", grad, "relu", y=np.ones(4, dtype))
        refused(function, ValueError, "shape", grad, "relu", z=np.ones((1, 4), dtype), bias=bias)
        refused(function, ValueError, "bias must have the shape", grad, "relu", z=grad, bias=np.ones(3, dtype))
        refused(function, TypeError, "dtype", grad, "relu", y=other)
        refused(function, TypeError, "cannot start from y", grad, "silu", y=grad)
        refused(function, ValueError, "from y, alpha", grad, "elu", -1, y=grad)
        refused(function, ValueError, "elementwise", grad, "softmax", y=grad)
        refused(function, ValueError, "broadcast", grad, "elu", np.ones(3), y=grad)
        refused(function, TypeError, "mask of y", grad, "relu", y=np.ma.masked_array(grad))
        refused(function, TypeError, "Mask", np.ma.masked_array(grad), "relu", y=grad)
    memory = np.ones(20, dtype)
    overlapping = memory[:12].reshape(3, 4), memory[2:14].reshape(3, 4)
    refused(pyacts.bias_act_backward_, ValueError, "grad overlaps y", overlapping[0], "relu", y=overlapping[1])
    expected = pyacts.bias_act_backward(overlapping[0].copy(), "relu", y=overlapping[1].copy())
    got = pyacts.bias_act_backward(overlapping[0].copy(), "relu", y=overlapping[1], out=overlapping[0])
    assert_same(got[0], expected[0], "overlapping out")
    same = np.ones((3, 4), dtype)
    got, _ = pyacts.bias_act_backward_(same, "relu", y=same)
    assert_same(got, np.ones((3, 4), dtype))


@every_dtype
def test_overlapping_out(dtype):
    z = numbers((20, 30), dtype)
    bias = numbers(30, dtype, 1)
    y = pyacts.bias_act(z, bias, "relu")
    memory = np.zeros(2000, dtype)
    for start in (0, 1, 30, 300):
        own = memory[:600].reshape(20, 30)
        own[...] = z
        out = memory[start : start + 600].reshape(20, 30)
        assert pyacts.bias_act(own, bias, "relu", out=out) is out
        assert_same(out, y, start)


def test_memmap_and_subclasses(tmp_path):
    z, bias = numbers((5, 6), "float32"), numbers(6, "float32", 1)
    y = pyacts.bias_act(z, bias, "relu")
    mapped = np.memmap(tmp_path / "data", "float32", "w+", shape=(5, 6))
    mapped[...] = z
    assert pyacts.bias_act_(mapped, bias, "relu") is mapped
    mapped.flush()
    assert_same(np.fromfile(tmp_path / "data", "float32").reshape(5, 6), y)


class Copying(np.ndarray):
    """What ufuncs return for it is another array than the one that they wrote."""

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return np.asarray(array).copy()


@pytest.mark.parametrize(
    "wrap", [np.asarray, np.asfortranarray, lambda a: a.view(Copying)], ids=["C", "Fortran", "subclass"]
)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3)])
def test_parameters_and_biases_that_are_parts_of_z(shape, wrap):
    values = np.where(np.arange(np.prod(shape)) == 0, 0.5, -1.0).reshape(shape)
    for part in (
        lambda z: z.reshape(-1, 3)[0],
        lambda z: z.reshape(-1, 3)[:1],
        lambda z: z.reshape(-1)[:1].reshape(()),
    ):
        z = wrap(values.copy())
        want = pyacts.leaky_relu(values + values.reshape(-1, 3)[0], part(values))
        if shape == (3,):
            want = want.reshape(shape)
        assert pyacts.bias_act_(z, z.reshape(-1, 3)[0], "leaky_relu", part(z)) is z
        np.testing.assert_array_equal(np.asarray(z), want)


def test_names_that_are_none():
    with pytest.raises(TypeError, match="name must be a str, not list"):
        pyacts.bias_act(np.ones((2, 2)), [1, 1], ["relu"])
