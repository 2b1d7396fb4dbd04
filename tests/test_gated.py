"""Gated units, act(gate) * up: values, edges, layouts, in place, what is refused, the C functions; split_gate."""

import itertools

import numpy as np
import pytest
from common import DTYPES, LAYOUTS, SUFFIXES, assert_same, laid_out, numbers, parameter_type

import pyacts
from pyacts import _ufuncs
from pyacts.catalog import ACTIVATIONS

UNITS = [a for a in ACTIVATIONS if a.kind == "gated"]
WITH_PARAMETER = [a for a in UNITS if a.parameters]
BY_NAME = {a.name: a for a in ACTIVATIONS}
HALVES = ("float16", "bfloat16")
nan, inf = np.nan, np.inf

every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda a: a.name)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
unit_with_parameter = pytest.mark.parametrize("unit", WITH_PARAMETER, ids=lambda a: a.name)


def functions(unit):
    """f, f_, f_backward, f_backward_"""
    return tuple(getattr(pyacts, unit.name + ending) for ending in ("", "_", "_backward", "_backward_"))


def operands(dtype, shape=(500,), seed=0, special=True):
    """grad, gate, up"""
    return [numbers(shape, dtype, seed + k, special) for k in range(3)]


def half(name):
    return np.dtype(np.float16) if name == "float16" else np.dtype(pytest.importorskip("ml_dtypes").bfloat16)


# ----------------------------------------------------------------------------------------------------------------
# Values


def bound(unit, direction, dtype):
    return unit.max_ulp[SUFFIXES[dtype]][direction]


def moderate(dtype, seed, size):
    """Numbers of any sign and significand whose products neither overflow nor become subnormal."""
    random = np.random.default_rng(seed)
    return (random.choice([-1, 1], size) * random.uniform(1, 2, size) * 2.0 ** random.integers(-8, 9, size)).astype(
        dtype
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_unit
@pytest.mark.parametrize("params", [(), (0.7,), (-2.3,)], ids=str)
def test_error_is_within_the_bound(unit, dtype, params):
    """Relative to the exact result, while the activation's value and derivative are not subnormal."""
    oracle = pytest.importorskip("oracle")
    from test_values import DEFAULTS, everywhere

    if params and not unit.parameters:
        return
    kind = np.dtype(dtype).type
    gate = everywhere(kind, *((16, 2**14) if dtype == "float32" else (10, 1500)))
    grad, up = (moderate(dtype, seed, gate.size) for seed in (1, 2))
    act = BY_NAME[oracle.GATED[unit.name]]
    act_params = params or DEFAULTS[act.name]
    y = functions(unit)[0](gate, up, *params)
    dgate, dup = functions(unit)[2](grad, gate, up, *params)
    m = oracle.EXACT if dtype == "float64" else oracle.FAST
    value, slope = (oracle.exact(act, direction, gate, act_params) for direction in ("forward", "backward"))
    slope_unit = oracle.unit_of(act, "backward", gate, act_params, slope)
    tiny = np.finfo(kind).tiny
    slack = 1 if params else 0
    for what, got, factors, units in (
        ("y", y, (value, up), None),
        ("dup", dup, (value, grad), None),
        ("dgate", dgate, (slope, grad, up), slope_unit),
    ):
        want, size = factors[0], abs(factors[0]).astype(float)
        for factor in factors[1:]:
            want = oracle.precisely(np.multiply)(want, m.number(factor))
        unit_of_want = oracle.ulp(abs(want), kind)
        if units is not None:
            size = units * 2.0 ** np.finfo(kind).nmant
            unit_of_want = np.maximum(unit_of_want, oracle.ulp(size * abs(grad.astype(float) * up), kind))
        usual = (size >= tiny) & (abs(want).astype(float) >= tiny) & (abs(want).astype(float) < np.finfo(kind).max)
        usual |= factors[0] == 0
        direction = "forward" if what == "y" else "backward"
        oracle.check(
            f"{unit.name}{params} {what}",
            gate[usual],
            got[usual],
            want[usual],
            bound(unit, direction, dtype) + slack,
            unit_of_want[usual],
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_unit
def test_made_of_the_activation(unit, dtype):
    """The activation's own numbers, times what is given: nothing is computed in two ways."""
    grad, gate, up = operands(dtype, special=False)
    act, slope = getattr(pyacts, unit.gate), getattr(pyacts, f"{unit.gate}_backward")
    np.testing.assert_array_equal(functions(unit)[0](gate, up), act(gate) * up)
    dgate, dup = functions(unit)[2](grad, gate, up)
    np.testing.assert_array_equal(dgate, slope(grad * up, gate))
    np.testing.assert_array_equal(dup, grad * act(gate))


@every_unit
@pytest.mark.parametrize("name", HALVES)
def test_halves(unit, name):
    """Computed in float32 and rounded once: every gate there is, in the typed results and in place."""
    dtype = half(name)
    gate = np.arange(2**16, dtype=np.uint16).view(dtype)
    random = np.random.default_rng(1)
    grad, up = (random.normal(size=gate.size).astype(dtype) for _ in range(2))
    new, in_place, backward, backward_in_place = functions(unit)
    wide = [a.astype(np.float32) for a in (grad, gate, up)]
    with np.errstate(all="ignore"):
        y, dgate, dup = (a.astype(dtype) for a in (new(*wide[1:]), *backward(*wide)))
    for expected, got in zip((y, dgate, dup), (new(gate, up), *backward(grad, gate, up)), strict=True):
        assert got.dtype == dtype
        assert_bits(got, expected)
    changed = up.copy()
    assert in_place(gate, changed) is changed
    assert_bits(changed, y)
    targets = gate.copy(), up.copy()
    assert backward_in_place(grad, *targets)[0] is targets[0]
    assert_bits(targets[0], dgate)
    assert_bits(targets[1], dup)
    strided = np.stack([gate, up], axis=1)
    assert_bits(new(strided[:, 0], strided[:, 1]), y)
    for parameter in unit.parameters:
        array = np.full(gate.shape, parameter.default)
        assert_bits(new(gate, up, array), y)


def assert_bits(got, expected):
    same = (got.view(np.uint16) == expected.view(np.uint16)) | (np.isnan(got) & np.isnan(expected))
    assert same.all(), f"{got[~same][:3]}, not {expected[~same][:3]}"


@every_unit
def test_backward_agrees_with_finite_differences(unit):
    new, _, backward, _ = functions(unit)
    random = np.random.default_rng(3)
    grad, gate, up = (random.uniform(-4, 4, 2000) for _ in range(3))
    gate = gate[abs(gate) > 1e-3]
    grad, up = grad[: gate.size], up[: gate.size]
    for params in ((), *(((0.7,), (-1.5,)) if unit.parameters else ())):
        h = 1e-5
        dgate, dup = backward(grad, gate, up, *params)
        by_gate = grad * (new(gate + h, up, *params) - new(gate - h, up, *params)) / (2 * h)
        by_up = grad * (new(gate, up + h, *params) - new(gate, up - h, *params)) / (2 * h)
        np.testing.assert_allclose(dgate, by_gate, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(dup, by_up, rtol=1e-7, atol=1e-8)


def test_known_values():
    gate, up, grad = np.array([0.0, 1.0, -1.0]), np.array([3.0, 2.0, 5.0]), np.array([1.0, 2.0, -1.0])
    half_open = 0.7310585786300049  # sigmoid(1)
    shut = 1 - half_open
    slope = half_open * shut
    np.testing.assert_allclose(pyacts.glu(gate, up), [1.5, 2 * half_open, 5 * shut], rtol=1e-15)
    np.testing.assert_allclose(pyacts.swiglu(gate, up), [0, 2 * half_open, -5 * shut], rtol=1e-15)
    np.testing.assert_array_equal(pyacts.reglu(gate, up), [0, 2, 0])
    dgate, dup = pyacts.glu_backward(grad, gate, up)
    np.testing.assert_allclose(dgate, [0.75, 4 * slope, -5 * slope], rtol=1e-15)
    np.testing.assert_allclose(dup, [0.5, 2 * half_open, -shut], rtol=1e-15)
    dgate, dup = pyacts.swiglu_backward(grad, gate, up)
    np.testing.assert_allclose(dgate, [1.5, 4 * (half_open + slope), -5 * (shut - slope)], rtol=1e-14)
    np.testing.assert_allclose(dup, [0, 2 * half_open, shut], rtol=1e-15)
    dgate, dup = pyacts.reglu_backward(grad, gate, up)
    np.testing.assert_array_equal(dgate, [0, 4, 0])
    np.testing.assert_array_equal(dup, [0, 2, 0])


# ----------------------------------------------------------------------------------------------------------------
# Edges

EDGES = [
    # unit, gate, up, grad, then y, dgate, dup
    ("glu", -inf, 2, 1, 0.0, 0.0, 0.0),
    ("glu", inf, 2, 3, 2, 0.0, 3),
    ("glu", inf, inf, 1, inf, nan, 1),
    ("glu", -inf, inf, 1, nan, nan, 0.0),
    ("glu", 0, inf, 1, inf, inf, 0.5),
    ("glu", 0, -0.0, 1, -0.0, -0.0, 0.5),
    ("reglu", -1, 2, 3, 0.0, 0.0, 0.0),
    ("reglu", -1, -inf, inf, 0.0, 0.0, 0.0),
    ("reglu", 0, inf, inf, 0.0, 0.0, 0.0),
    ("reglu", -0.0, -1, -1, 0.0, 0.0, 0.0),
    ("reglu", -inf, inf, 0, 0.0, 0.0, 0.0),
    ("reglu", 2, inf, 0, inf, nan, 0.0),
    ("reglu", inf, 0, 1, nan, 0.0, inf),
    ("reglu", inf, -2, 3, -inf, -6, inf),
    ("swiglu", -inf, 2, 3, -0.0, -0.0, -0.0),
    ("swiglu", inf, 2, 3, inf, 6, inf),
    ("swiglu", inf, 0, 1, nan, 0.0, inf),
    ("swiglu", -inf, inf, 1, nan, nan, -0.0),
    ("swiglu", 0.0, 2, 3, 0.0, 3, 0.0),
    ("swiglu", -0.0, 2, 3, -0.0, 3, -0.0),
    ("geglu", -inf, 2, 3, -0.0, -0.0, -0.0),
    ("geglu", inf, 2, 3, inf, 6, inf),
    ("geglu", inf, 0, 1, nan, 0.0, inf),
    ("geglu", -inf, inf, 1, nan, nan, -0.0),
    ("geglu", 0.0, 2, 3, 0.0, 3, 0.0),
    ("geglu", -0.0, 2, 3, -0.0, 3, -0.0),
    ("geglu_tanh", -inf, 2, 3, -0.0, -0.0, -0.0),
    ("geglu_tanh", inf, 2, 3, inf, 6, inf),
    ("geglu_tanh", inf, 0, 1, nan, 0.0, inf),
    ("geglu_tanh", -inf, inf, 1, nan, nan, -0.0),
    ("geglu_tanh", 0.0, 2, 3, 0.0, 3, 0.0),
    ("geglu_tanh", -0.0, 2, 3, -0.0, 3, -0.0),
]


def test_every_unit_has_edges():
    names = dict.fromkeys(name for name, *_ in EDGES)
    assert set(names) <= {a.name for a in UNITS}
    assert {BY_NAME[name].gate for name in names} >= {"sigmoid", "relu", "silu"}


@every_dtype
@pytest.mark.parametrize("row", EDGES, ids=str)
def test_edges(row, dtype):
    name, gate, up, grad, *expected = row
    new, in_place, backward, backward_in_place = functions(BY_NAME[name])
    for n in (1, 37):
        arrays = [np.full(n, v, dtype) for v in (grad, gate, up)]
        y, dgate, dup = (np.full(n, v, dtype) for v in expected)
        assert_same(new(*arrays[1:]), y, row)
        for got, want in zip(backward(*arrays), (dgate, dup), strict=True):
            assert_same(got, want, row)
        assert_same(in_place(arrays[1], arrays[2].copy()), y, row, "in place")
        for got, want in zip(backward_in_place(*arrays), (dgate, dup), strict=True):
            assert_same(got, want, row, "in place")


@every_dtype
@every_unit
def test_nan(unit, dtype):
    """NaN wherever a result is made of one."""
    new, _, backward, _ = functions(unit)
    others = (nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 5.0)
    for a, b in itertools.product(others, others):
        first, second = np.full(17, a, dtype), np.full(17, b, dtype)
        bad = np.full(17, nan, dtype)
        assert np.isnan(new(bad, first)).all()
        assert np.isnan(new(first, bad)).all()
        for got in backward(bad, first, second):
            assert np.isnan(got).all(), (a, b)
        for got in backward(first, bad, second):
            assert np.isnan(got).all(), (a, b)
        assert np.isnan(backward(first, second, bad)[0]).all(), (a, b)


@every_dtype
@every_unit
def test_no_floating_point_warnings(unit, dtype):
    new, in_place, backward, backward_in_place = functions(unit)
    grad, gate, up = operands(dtype, (30, 40))
    with np.errstate(all="raise"):
        for layout in LAYOUTS:
            arrays = [laid_out(a, layout)[0] for a in (grad, gate, up)]
            new(*arrays[1:])
            backward(*arrays)
            in_place(*arrays[1:])
            backward_in_place(*arrays)
            np.add(np.ones(3), 1.0)


# ----------------------------------------------------------------------------------------------------------------
# Where things lie in memory


@every_dtype
@every_unit
def test_lengths_and_positions(unit, dtype):
    new, in_place, backward, _ = functions(unit)
    arrays = operands(dtype, (5000,))
    y, (dgate, dup) = new(*arrays[1:]), backward(*arrays)
    for n in (*range(40), 511, 512, 513, 4095, 4096, 4097):
        for first in (0, 1, 7, 63):
            part = slice(first, first + n)
            own = [a[part].copy() for a in arrays]
            where = (unit.name, dtype, first, n)
            assert_same(new(*own[1:]), y[part], *where)
            for got, want in zip(backward(*own), (dgate, dup), strict=True):
                assert_same(got, want[part], *where)
            assert_same(in_place(*own[1:]), y[part], "in place", *where)


@every_dtype
@every_unit
@pytest.mark.parametrize("shape", [(37,), (5, 7, 9), (2, 600, 3)], ids=str)
def test_layouts(unit, dtype, shape):
    """The same bits for layouts of every kind side by side; no memory beside them changes."""
    new, in_place, backward, backward_in_place = functions(unit)
    values = operands(dtype, shape)
    y, gradients = new(*values[1:]), backward(*values)
    for k, shift in itertools.product(range(len(LAYOUTS)), (0, 1, 4)):
        layouts = [LAYOUTS[(k + i * shift) % len(LAYOUTS)] for i in range(3)]
        made = [laid_out(a, layout) for a, layout in zip(values, layouts, strict=True)]
        grad, gate, up = (view for view, _ in made)
        before = [base.tobytes() for _, base in made]
        where = (unit.name, dtype, *layouts)
        assert_same(new(gate, up), y, *where)
        for got, want in zip(backward(grad, gate, up), gradients, strict=True):
            assert_same(got, want, *where)
        assert before == [base.tobytes() for _, base in made], where
        assert in_place(gate, up) is up
        assert_same(up, y, "in place", *where)
        up[...] = values[2]
        assert before == [base.tobytes() for _, base in made], ("memory beside it", *where)
        targets = backward_in_place(grad, gate, up)
        assert targets[0] is gate
        assert targets[1] is up
        for got, want in zip(targets, gradients, strict=True):
            assert_same(got, want, "in place", *where)
        gate[...], up[...] = values[1:]
        assert before == [base.tobytes() for _, base in made], ("memory beside it", *where)


@every_dtype
@every_unit
def test_halves_of_one_array(unit, dtype):
    """gate and up side by side or interleaved, as one matrix product gives them: in place, without a copy."""
    new, in_place, backward, backward_in_place = functions(unit)
    packed = numbers((20, 60), dtype)
    grad = numbers((20, 30), dtype, 1)
    for gate, up in (
        (np.s_[:, :30], np.s_[:, 30:]),
        (np.s_[:, 30:], np.s_[:, :30]),
        (np.s_[:, ::2], np.s_[:, 1::2]),
        (np.s_[:, 1::2], np.s_[:, ::2]),
    ):
        y = new(packed[gate].copy(), packed[up].copy())
        gradients = backward(grad, packed[gate].copy(), packed[up].copy())
        memory = packed.copy()
        in_place(memory[gate], memory[up])
        assert_same(memory[up], y, unit.name, gate)
        assert_same(memory[gate], packed[gate], "what is only read")
        memory = packed.copy()
        backward_in_place(grad, memory[gate], memory[up])
        for where, want in zip((gate, up), gradients, strict=True):
            assert_same(memory[where], want, unit.name, where)


@every_dtype
@every_unit
def test_inputs_may_be_one_array(unit, dtype):
    new, in_place, backward, backward_in_place = functions(unit)
    for layout in LAYOUTS:
        x, _ = laid_out(numbers((5, 6), dtype), layout)
        first, second = x.copy(), numbers((5, 6), dtype, 1)
        expected = new(first, first.copy())
        assert_same(in_place(x, x), expected, unit.name, layout)
        for which in range(2):  # grad is gate, grad is up
            targets = [laid_out(a, layout)[0] for a in (first, second)]
            grad = targets[which]
            gradients = backward(grad.copy(), first, second)
            for got, want in zip(backward_in_place(grad, *targets), gradients, strict=True):
                assert_same(got, want, unit.name, layout, "grad is", which)


@every_dtype
@every_unit
def test_empty_and_scalars(unit, dtype):
    new, in_place, backward, backward_in_place = functions(unit)
    for shape in ((0,), (0, 3), (4, 0, 3)):
        arrays = [np.ones(shape, dtype) for _ in range(3)]
        for made in (arrays, [a[..., ::-2] for a in arrays], [a.astype(a.dtype.newbyteorder()) for a in arrays]):
            assert new(*made[1:]).shape == made[0].shape
            assert [a.shape for a in backward(*made)] == [made[0].shape] * 2
            assert in_place(*made[1:]) is made[2]
            assert all(a is b for a, b in zip(backward_in_place(*made), made[1:], strict=True))
    grad, gate, up = (a[0] for a in operands(dtype, (1,), seed=5))
    y, gradients = new(np.array([gate]), np.array([up])), backward(*(np.array([v]) for v in (grad, gate, up)))
    for convert in (lambda v: v, np.array):
        assert type(new(convert(gate), convert(up))) is np.dtype(dtype).type
        assert_same(new(convert(gate), convert(up)), y[0])
        for got, want in zip(backward(*map(convert, (grad, gate, up))), gradients, strict=True):
            assert type(got) is np.dtype(dtype).type
            assert_same(got, want[0])
    zero_d = [np.array(v) for v in (grad, gate, up)]
    assert in_place(*zero_d[1:]) is zero_d[2]
    assert_same(zero_d[2], y[0])
    assert type(new(1.0, 2)) is np.float64


# ----------------------------------------------------------------------------------------------------------------
# The rules of ufuncs


@every_dtype
@every_unit
def test_out(unit, dtype):
    new, _, backward, _ = functions(unit)
    values = operands(dtype, (5, 7, 9))
    y, gradients = new(*values[1:]), backward(*values)
    for layout in LAYOUTS:
        out, second = (laid_out(np.zeros_like(y), layout)[0] for _ in range(2))
        assert new(*values[1:], out=out) is out
        assert_same(out, y, layout)
        assert new(*values[1:], out=(out,)) is out
        assert all(a is b for a, b in zip(backward(*values, out=(out, second)), (out, second), strict=True))
        for got, want in zip((out, second), gradients, strict=True):
            assert_same(got, want, layout)
    dgate, dup = backward(*values, out=(None, second))
    assert dup is second
    assert_same(dgate, gradients[0])
    for bad in (np.zeros(3, dtype), [np.zeros((5, 7, 9), dtype)], (np.zeros((5, 7, 9), int), None)):
        with pytest.raises((TypeError, ValueError)):
            backward(*values, out=bad)
    fixed = np.zeros_like(y)
    fixed.flags.writeable = False
    for function, arguments in ((new, (values[1:], fixed)), (backward, (values, (None, fixed)))):
        with pytest.raises(ValueError, match="read-only"):
            function(*arguments[0], out=arguments[1])
    right, wrong = np.zeros_like(y), np.zeros((2, *y.shape), dtype)
    for out in ((right, wrong), (wrong, right), (None, wrong)):
        with pytest.raises(ValueError, match="shape mismatch"):
            backward(*values, out=out)
    assert not right.any()
    assert not wrong.any()


@every_dtype
@every_unit
def test_overlapping_out(unit, dtype):
    """out may overlap the inputs in any way."""
    new, _, backward, _ = functions(unit)
    n = 3000
    for which, (start, step) in itertools.product(range(3), ((1, 1), (0, -1), (0, 1), (500, 1))):
        values = operands(dtype, (n,))
        y, gradients = new(*values[1:]), backward(*values)
        memory = np.zeros(2 * n, dtype)
        memory[:n] = values[which]
        values[which] = memory[:n]
        out = memory[start : start + n][::step]
        other = np.empty(n, dtype)
        assert_same(backward(*values, out=(other, out))[1], gradients[1], which, start, step)
        assert_same(other, gradients[0], which, start, step)
        memory[:n] = operands(dtype, (n,))[which]
        if which:
            assert_same(new(*values[1:], out=out), y, which, start, step)


@every_dtype
@every_unit
def test_ufunc_keywords_and_broadcasting(unit, dtype):
    new = functions(unit)[0]
    _, gate, up = operands(dtype, (4, 5))
    expected = new(gate, up)
    mask = np.arange(20).reshape(4, 5) % 3 > 0
    out = np.full((4, 5), 99, dtype)
    assert new(gate, up, where=mask, out=out) is out
    assert_same(out, np.where(mask, expected, np.array(99, dtype)))
    with np.errstate(over="ignore"):
        for other in (d for d in DTYPES if np.can_cast(dtype, d, "same_kind")):
            assert_same(new(gate, up, dtype=other), new(gate.astype(other), up.astype(other)), dtype, other)
    assert new(gate.T, up.T).flags.f_contiguous
    for a, b in ((gate, up[0]), (gate[:, :1], up), (gate[0], up[:, :1])):
        assert_same(new(a, b), new(*(c.copy() for c in np.broadcast_arrays(a, b))), "broadcast")
    with pytest.raises(ValueError, match="broadcast"):
        new(gate, up[:3])
    with pytest.raises(TypeError, match="nonsense"):
        new(gate, up, nonsense=1)
    assert getattr(_ufuncs, unit.name).nin == 2 + len(unit.parameters)
    assert getattr(_ufuncs, f"{unit.name}_backward").nout == 2


@every_dtype
@every_unit
def test_lists_and_other_dtypes(unit, dtype):
    """A list beside an array takes its dtype; integers become floating-point, and two dtypes the larger."""
    new, in_place, backward, _ = functions(unit)
    gate, up = np.array([1, -2, 3], dtype), np.array([0.5, 2, -1], dtype)
    expected = new(gate, up)
    assert_same(new(gate.tolist(), up), expected)
    assert_same(new(gate, up.tolist()), expected)
    assert_same(new(gate.tolist(), up.tolist()), new(gate.astype(float), up.astype(float)))
    assert_same(new(gate, 2), new(gate, np.full(3, 2, dtype)))
    assert_same(new(gate, 0.5), new(gate, np.full(3, 0.5, dtype)))
    assert_same(
        new(gate.astype(int), up.astype("f8")),
        expected.astype("f8") if dtype == "float64" else new(gate.astype("f8"), up.astype("f8")),
    )
    assert new(np.ones(3, "f4"), np.ones(3, "f8")).dtype == np.float64
    assert new(np.ones(3, "i1"), np.ones(3, "f4")).dtype == np.float32
    assert_same(in_place(gate.tolist(), up.copy()), expected)
    for got, want in zip(backward([1, 1, 1], gate, up), backward(np.ones(3, dtype), gate, up), strict=True):
        assert_same(got, want)


@unit_with_parameter
@every_dtype
def test_parameters(unit, dtype):
    """A number, or an array that broadcasts; nothing but numbers in the domain."""
    new, in_place, backward, backward_in_place = functions(unit)
    (parameter,) = unit.parameters
    values = operands(dtype, (4, 3, 5))
    assert_same(new(*values[1:], parameter.default), new(*values[1:]))
    assert_same(new(*values[1:], **{parameter.name: 0.5}), new(*values[1:], 0.5))
    for shape in ((4, 1, 1), (3, 1), (5,), (4, 3, 5), (1,), ()):
        given = np.random.default_rng(3).uniform(0.1, 2.0, shape).astype(dtype)
        everywhere = np.broadcast_to(given, (4, 3, 5))
        y, dgate, dup = (np.empty((4, 3, 5), dtype) for _ in range(3))
        for index in np.ndindex(y.shape):
            grad, gate, up = (a[index] for a in values)
            y[index] = new(gate, up, everywhere[index])
            dgate[index], dup[index] = backward(grad, gate, up, everywhere[index])
        for layout in LAYOUTS:
            arrays = [laid_out(a, layout)[0] for a in values]
            for parameters in (given, given.astype("f8"), given.tolist()):
                assert_same(new(*arrays[1:], parameters), y, layout, shape)
                for got, want in zip(backward(*arrays, parameters), (dgate, dup), strict=True):
                    assert_same(got, want, layout, shape)
            assert_same(in_place(*arrays[1:], given), y, layout, shape, "in place")
            arrays[2][...] = values[2]
            for got, want in zip(backward_in_place(*arrays, given), (dgate, dup), strict=True):
                assert_same(got, want, layout, shape, "in place")
    for bad, error in ((nan, ValueError), (inf, ValueError), ("1", TypeError), (None, TypeError), (1j, TypeError)):
        for layout in ("contiguous", "strided"):
            arrays = [laid_out(a, layout)[0] for a in values]
            before = [a.tobytes() for a in arrays]
            for function, count in ((new, 2), (in_place, 2), (backward, 3), (backward_in_place, 3)):
                with pytest.raises(error, match=parameter.name):
                    function(*arrays[3 - count :], bad)
            assert before == [a.tobytes() for a in arrays]
    larger = np.ones((2, 4, 3, 5))
    assert new(*values[1:], larger).shape == larger.shape
    for function, count in ((in_place, 2), (backward, 3), (backward_in_place, 3)):
        with pytest.raises(ValueError, match="broadcast"):
            function(*values[3 - count :], larger)


# ----------------------------------------------------------------------------------------------------------------
# What is refused


def refused(function, error, word, *arguments):
    before = [np.asarray(a).tobytes() for a in arguments]
    with pytest.raises(error, match=word):
        function(*arguments)
    assert before == [np.asarray(a).tobytes() for a in arguments], "written in spite of the error"


@every_dtype
@every_unit
def test_refused_in_place(unit, dtype):
    _, in_place, _, backward_in_place = functions(unit)
    plain = np.linspace(-1, 1, 12).astype(dtype).reshape(3, 4)
    fixed = plain.copy()
    fixed.flags.writeable = False
    repeated = np.lib.stride_tricks.as_strided(plain.copy(), (3, 4), (0, plain.itemsize))
    for target, error, word in (
        (fixed, ValueError, "read-only"),
        (fixed[:, ::2], ValueError, "read-only"),
        (repeated, ValueError, "share memory"),
        (plain.tolist(), TypeError, "list"),
        (1.0, TypeError, "float"),
        (np.ma.masked_array(plain.copy()), TypeError, "MaskedArray"),
        (plain.astype(complex), TypeError, "complex128"),
        (plain.astype(int), TypeError, "int64"),
    ):
        other = np.ones(np.shape(target), dtype)
        refused(in_place, error, f"up.*{word}|{word}.*up", other, target)
        refused(backward_in_place, error, f"up.*{word}|{word}.*up", other, other.copy(), target)
        refused(backward_in_place, error, f"gate.*{word}|{word}.*gate", other, target, other.copy())
    masked = np.ma.masked_array(plain)
    refused(in_place, TypeError, "mask of gate", masked, plain.copy())
    refused(backward_in_place, TypeError, "mask of grad", masked, plain.copy(), plain.copy())


@every_dtype
@every_unit
def test_shapes_and_dtypes_that_differ(unit, dtype):
    new, in_place, backward, backward_in_place = functions(unit)
    ones, other = np.ones((3, 4), dtype), DTYPES[1 - DTYPES.index(dtype)]
    for bad, error, word in (
        (np.ones(4, dtype), ValueError, "shape"),
        (np.ones((3, 1), dtype), ValueError, "shape"),
        (np.ones((4, 3), dtype), ValueError, "shape"),
        (np.ones((), dtype), ValueError, "shape"),
        (ones.astype(other), TypeError, "dtype"),
        (ones.astype(int), TypeError, "dtype"),
    ):
        refused(in_place, error, word, bad, ones)
        refused(backward_in_place, error, word, bad, ones.copy(), ones.copy())
        for position in range(3):
            arrays = [ones.copy() for _ in range(3)]
            arrays[position] = bad
            refused(backward, error, word, *arrays)
    for kind in (complex, object, np.longdouble, str):
        with pytest.raises(TypeError):
            new(ones.astype(kind), ones)
        with pytest.raises(TypeError):
            new(ones.astype(kind), ones.astype(kind))
        with pytest.raises(TypeError):
            backward(*[ones.astype(kind)] * 3)
    for function in (new, in_place, backward, backward_in_place):
        with pytest.raises(TypeError):
            function(ones)
        with pytest.raises(TypeError):
            function(*[ones] * 6)


@every_dtype
@every_unit
def test_partial_overlap_refused(unit, dtype):
    _, in_place, _, backward_in_place = functions(unit)
    n = 600
    for second in (lambda m: m[1 : n + 1], lambda m: m[:n][::-1], lambda m: m[50 : n + 50].reshape(20, 30)):
        memory = numbers(n + 64, dtype)
        other = second(memory)
        first = memory[:n].reshape(other.shape)
        apart = np.ones(other.shape, dtype)
        refused(in_place, ValueError, "overlap", first, other)
        refused(in_place, ValueError, "overlap", other, first)
        refused(backward_in_place, ValueError, "overlap", first, apart, other)
        refused(backward_in_place, ValueError, "overlap", first, other, apart)
        refused(backward_in_place, ValueError, "share memory", apart, first, other)
    same = np.ones(20, dtype)
    for view in (same, same.view(), same[:]):
        refused(backward_in_place, ValueError, "share memory", np.ones(20, dtype), same, view)
    refused(backward_in_place, ValueError, "share memory", np.ones(10, dtype), same[::2], same[::2])


@every_unit
def test_other_kinds_of_array(unit):
    new, in_place, backward, backward_in_place = functions(unit)
    grad, gate, up = operands("float64", (6,), special=False)
    mask = np.array([True, False] * 3)
    result = new(np.ma.masked_array(gate, mask), up)
    assert isinstance(result, np.ma.MaskedArray)
    assert result.mask.tolist() == mask.tolist()
    assert_same(result.data[~mask], new(gate, up)[~mask])

    class Duck:
        """No array at all, but it takes part in ufuncs: it answers with what it was asked."""

        dtype, shape = np.dtype("float64"), (6,)

        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            return self, ufunc, method, inputs

    duck = Duck()
    answer, ufunc, method, inputs = new(duck, up)
    assert answer is duck
    assert ufunc is getattr(_ufuncs, unit.name)
    assert method == "__call__"
    assert inputs[0] is duck

    class Named(np.ndarray):
        pass

    named = [a.view(Named) for a in (grad, gate, up)]
    assert type(new(*named[1:])) is Named
    assert [type(a) for a in backward(*named)] == [Named, Named]
    expected = new(gate, up)
    assert in_place(*named[1:]) is named[2]
    assert_same(up, expected)
    assert all(a is b for a, b in zip(backward_in_place(*named), named[1:], strict=True))


def test_pandas():
    pandas = pytest.importorskip("pandas")
    _, gate, up = operands("float32", (6, 8), special=False)
    for unit in UNITS:
        new = functions(unit)[0]
        frame = new(pandas.DataFrame(gate), pandas.DataFrame(up))
        assert isinstance(frame, pandas.DataFrame)
        dtype = frame.to_numpy().dtype  # pandas 3 makes float64 of a number beside float32
        assert_same(frame.to_numpy(), new(gate.astype(dtype), up.astype(dtype)))


def test_dask():
    array = pytest.importorskip("dask.array")
    grad, gate, up = operands("float32", (6, 8), special=False)
    for unit in UNITS:
        new, _, backward, _ = functions(unit)
        lazy = [array.from_array(a, chunks=(2, 8)) for a in (grad, gate, up)]
        assert_same(new(*lazy[1:]).compute(scheduler="sync"), new(gate, up))
        with pytest.raises(TypeError):  # dask has no ufuncs with two results
            backward(*lazy)


# ----------------------------------------------------------------------------------------------------------------
# split_gate


@pytest.mark.parametrize("shape", [(2,), (6,), (0,), (4, 6), (2, 4, 3)], ids=str)
def test_split_gate(shape):
    """Views, of every even axis, in whichever order."""
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    for axis in range(-len(shape), len(shape)):
        if shape[axis] % 2:
            with pytest.raises(ValueError, match="odd"):
                pyacts.split_gate(x, axis)
            continue
        first, second = np.split(x, 2, axis)
        even, odd = (np.take(x, range(start, shape[axis], 2), axis) for start in (0, 1))
        for place, expected in (("first", (first, second)), ("second", (second, first)), ("interleaved", (even, odd))):
            for array in (x, np.asfortranarray(x), x[::-1].copy()[::-1], x.view(np.ma.MaskedArray)):
                views = pyacts.split_gate(array, axis, gate=place)
                for view, want in zip(views, expected, strict=True):
                    assert type(view) is type(array)
                    assert np.shares_memory(view, array) or not x.size
                    np.testing.assert_array_equal(view, want)
        np.testing.assert_array_equal(pyacts.split_gate(x, axis), (first, second))
    assert [a.tolist() for a in pyacts.split_gate([1, 2, 3, 4])] == [[1, 2], [3, 4]]


def test_split_gate_refuses():
    x = np.ones((2, 3))
    for axis in (2, -3, 2**70):
        with pytest.raises(np.exceptions.AxisError):
            pyacts.split_gate(x, axis)
    with pytest.raises(np.exceptions.AxisError):
        pyacts.split_gate(np.float32(1))
    for axis in (0.0, None, "0"):
        with pytest.raises(TypeError, match="integer"):
            pyacts.split_gate(x, axis)
    for gate in ("third", "", None, 0, ["first"]):
        with pytest.raises(ValueError, match="first, second, interleaved"):
            pyacts.split_gate(x, 0, gate)


# ----------------------------------------------------------------------------------------------------------------
# C


def c_call(function, *arguments):
    types = pyacts.ffi.typeof(function).args
    pairs = zip(arguments, types, strict=True)
    function(*(pyacts.ffi.cast(t, a.ctypes.data) if isinstance(a, np.ndarray) else a for a, t in pairs))


@every_dtype
@every_unit
def test_c_functions(unit, dtype):
    """The same bits as from Python, at any alignment, and with every output that is exactly one of the inputs."""
    new, _, backward, _ = functions(unit)
    params = [p.default for p in unit.parameters]
    for n, offset in itertools.product((0, 1, 5, 16, 33, 1000), (0, 1, 4)):
        values = operands(dtype, (n,), seed=n)
        memory = [np.zeros(values[0].nbytes + 64, "u1") for _ in range(5)]
        arrays = [m[offset : offset + values[0].nbytes].view(dtype) for m in memory]
        y, gradients = new(*values[1:]), backward(*values)
        name = f"pyacts_{unit.name}_{SUFFIXES[dtype]}"
        for out in (3, 1, 2):
            for array, value in zip(arrays, values, strict=False):
                array[...] = value
            c_call(getattr(pyacts.lib, name), n, arrays[1], arrays[2], arrays[out], *params)
            assert_same(arrays[out], y, name, n, offset, "output", out)
        name = f"pyacts_{unit.name}_backward_{SUFFIXES[dtype]}"
        for outs in itertools.permutations(range(5), 2):
            for array, value in zip(arrays, values, strict=False):
                array[...] = value
            c_call(getattr(pyacts.lib, name), n, *arrays[:3], *(arrays[o] for o in outs), *params)
            for out, want in zip(outs, gradients, strict=True):
                assert_same(arrays[out], want, name, n, offset, "outputs", outs)
        assert not any(m[:offset].any() or m[offset + values[0].nbytes :].any() for m in memory)


@every_unit
@pytest.mark.parametrize("name", HALVES)
def test_c_functions_of_halves(unit, name):
    dtype, suffix = half(name), {"float16": "f16", "bfloat16": "bf16"}[name]
    grad, gate, up = (np.random.default_rng(k).normal(size=100).astype(dtype) for k in range(3))
    params = [p.default for p in unit.parameters]
    y, dgate, dup = (np.empty(100, dtype) for _ in range(3))
    c_call(getattr(pyacts.lib, f"pyacts_{unit.name}_{suffix}"), 100, gate, up, y, *params)
    c_call(getattr(pyacts.lib, f"pyacts_{unit.name}_backward_{suffix}"), 100, grad, gate, up, dgate, dup, *params)
    assert_bits(y, functions(unit)[0](gate, up))
    for got, want in zip((dgate, dup), functions(unit)[2](grad, gate, up), strict=True):
        assert_bits(got, want)


@every_dtype
@every_unit
def test_found_kernels(unit, dtype):
    values = operands(dtype, (37,))
    new, _, backward, _ = functions(unit)
    y, gradients = new(*values[1:]), backward(*values)
    for arrays in (False, True) if unit.parameters else (False,):
        inputs = values + [np.full(37, p.default, parameter_type(dtype)) for p in unit.parameters] * arrays
        numbers_given = pyacts.ffi.new("double[]", [p.default for p in unit.parameters] or 1)
        for direction, given, expected in (("forward", inputs[1:], [y]), ("backward", inputs, gradients)):
            words = (unit.name, SUFFIXES[dtype], direction + "_arrays" * arrays)
            kernel = pyacts.lib.pyacts_find(*(word.encode() for word in words))
            results = [np.empty(37, dtype) for _ in expected]
            pointers = [[pyacts.ffi.cast("void *", a.ctypes.data) for a in group] for group in (given, results)]
            kernel(37, *pointers, pyacts.ffi.NULL if arrays else numbers_given)
            for got, want in zip(results, expected, strict=True):
                assert_same(got, want, *words)
