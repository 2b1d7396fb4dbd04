"""The Python face: every function gives the same bits whatever the array's layout, and refuses what it must refuse."""

import inspect
import pickle
import pydoc
import re
import threading
import warnings

import numpy as np
import pytest
from common import (
    CALLS,
    CALLS_WITH_PARAMETER,
    CHANGING_SHAPE,
    DTYPES,
    ELEMENTWISE_CALLS,
    ENDINGS,
    LAYOUTS,
    Call,
    assert_same,
    bounded_by,
    defaults,
    drawn,
    is_elementwise,
    laid_out,
    numbers,
    parameter_type,
    required,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import pyacts
from pyacts import _array, _ufuncs
from pyacts.catalog import ACTIVATIONS

GIL_THRESHOLD = 4096
LENGTHS = (*range(2 * 16 + 2), 511, 512, 513, GIL_THRESHOLD - 1, GIL_THRESHOLD, GIL_THRESHOLD + 1)
PUBLIC = [getattr(pyacts, name) for name in _array.FUNCTIONS]

every_call = pytest.mark.parametrize("call", CALLS, ids=str)
elementwise_call = pytest.mark.parametrize("call", ELEMENTWISE_CALLS, ids=str)
forward_call = pytest.mark.parametrize("call", [c for c in CALLS if c.direction == "forward"], ids=str)
backward_call = pytest.mark.parametrize("call", [c for c in CALLS if c.direction != "forward"], ids=str)
call_with_parameters = pytest.mark.parametrize("call", [c for c in CALLS if c.activation.parameters], ids=str)
call_with_parameter = pytest.mark.parametrize(
    ("call", "parameter"), CALLS_WITH_PARAMETER, ids=[f"{call}-{p.name}" for call, p in CALLS_WITH_PARAMETER]
)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def castable(dtype, other):
    """Whether NumPy casts an out or an input of the one to the other; for halves that are not the same it does not."""
    return np.can_cast(dtype, other, "same_kind")


def copies(arrays):
    return [a.copy() for a in arrays]


# ----------------------------------------------------------------------------------------------------------------
# One result per number


@elementwise_call
@every_dtype
def test_lengths_and_positions(call, dtype):
    """A number's result does not depend on the length of the array nor on its place in it."""
    inputs = call.inputs(GIL_THRESHOLD + 64, dtype)
    expected = call(*inputs)
    for n in LENGTHS:
        for first in (0, 1, 7, 16, 63):
            part = slice(first, first + n)
            where = (call, dtype, f"[{first}:{first + n}]")
            assert_same(call(*(a[part].copy() for a in inputs)), expected[part], "new", *where)
            changed = copies(a[part] for a in inputs)
            assert call(*changed, inplace=True) is changed[0]
            assert_same(changed[0], expected[part], "in place", *where)
            every_second = [laid_out(a[part], "strided")[0] for a in inputs]
            assert_same(call(*every_second), expected[part], "strided", *where)


@every_call
@every_dtype
def test_byte_offsets(call, dtype):
    """Arrays may start at any byte, and nothing beside them is touched."""
    n = 37
    inputs = call.inputs(n, dtype)
    expected = call(*inputs)
    size = inputs[0].nbytes
    for offset in range(64):
        memory = [bytearray(b"\x5a" * (offset + size + 64)) for _ in inputs]
        arrays = [np.frombuffer(m, dtype, n, offset) for m in memory]
        for array, values in zip(arrays, inputs, strict=True):
            array[...] = values
        where = (call, dtype, f"byte offset {offset}")
        assert_same(call(*arrays), expected, *where)
        out = np.frombuffer(bytearray(size + 64), dtype, n, offset)
        assert call(*arrays, out=out) is out
        assert_same(out, expected, "out=", *where)
        assert call(*arrays, inplace=True) is arrays[0]
        assert_same(arrays[0], expected, "in place", *where)
        for array in memory:
            assert set(array[:offset] + array[offset + size :]) <= {0x5A}, where


@every_call
@every_dtype
@pytest.mark.parametrize("shape", [(37,), (5, 7, 9), (2, 600, 3)], ids=str)
def test_layouts(call, dtype, shape):
    """The same bits for every pair of layouts, in place and out of place; no memory beside it changes."""
    inputs = call.inputs(shape, dtype)
    expected = call(*inputs)
    for k, layout in enumerate(LAYOUTS):
        for shift in range(len(LAYOUTS) if len(inputs) == 2 else 1):
            layouts = (layout, LAYOUTS[(k + shift) % len(LAYOUTS)])
            where = (call, dtype, shape, layouts[: len(inputs)])
            made = [laid_out(a, which) for a, which in zip(inputs, layouts, strict=False)]
            arrays = [view for view, _ in made]
            before = [base.tobytes() for _, base in made]
            assert_same(call(*arrays), expected, "new", *where)
            assert before == [base.tobytes() for _, base in made], where
            assert call(*arrays, inplace=True) is arrays[0], where
            assert_same(arrays[0], expected, "in place", *where)
            arrays[0][...] = inputs[0]
            assert before == [base.tobytes() for _, base in made], ("memory beside it", *where)


@every_call
@every_dtype
def test_out_layouts(call, dtype):
    inputs = call.inputs((5, 7, 9), dtype)
    expected = call(*inputs)
    for layout in LAYOUTS:
        out, _ = laid_out(np.zeros_like(expected), layout)
        assert call(*inputs, out=out) is out
        assert_same(out, expected, call, dtype, layout)
        assert call(*inputs, out=(out,)) is out


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_view(data):
    """Any view that basic indexing and transposing can make."""
    call = data.draw(st.sampled_from(CALLS))
    dtype = data.draw(st.sampled_from(DTYPES))
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    slices = [slice(None, None, data.draw(st.sampled_from([1, 2, 3, -1, -2]))) for _ in sizes]
    order = data.draw(st.permutations(range(len(sizes))))
    views = [a[tuple(slices)].transpose(order) for a in call.inputs(sizes, dtype)]
    expected = call(*(np.ascontiguousarray(v) for v in views))
    where = (call, dtype, sizes, slices, order)
    assert_same(call(*views), expected, *where)
    call(*views, inplace=True)
    assert_same(views[0], expected, "in place", *where)


@every_call
@every_dtype
def test_broadcast_inputs(call, dtype):
    """Inputs of which elements share memory are fine where nothing is changed."""
    inputs = [np.broadcast_to(a, (3, 4, 5)) for a in call.inputs((4, 1), dtype)]
    assert_same(call(*inputs), call(*copies(inputs)), call, dtype, "broadcast")
    windows = [np.lib.stride_tricks.sliding_window_view(a, 4) for a in call.inputs(20, dtype)]
    assert_same(call(*windows), call(*copies(windows)), call, dtype, "sliding windows")


@every_call
@every_dtype
def test_empty(call, dtype):
    for shape in ((0, 3), (4, 0, 3)):
        inputs = [np.ones(shape, dtype) for _ in call.inputs(1, dtype)]
        for arrays in (inputs, [a[..., ::-2] for a in inputs], [a.astype(a.dtype.newbyteorder()) for a in inputs]):
            result = call(*arrays)
            assert result.shape == arrays[0].shape, (call, dtype, shape)
            assert result.dtype == dtype
            assert call(*arrays, inplace=True) is arrays[0]


@elementwise_call
@every_dtype
def test_scalars(call, dtype):
    """Scalars and 0-d arrays in, scalars out; in place on a 0-d array works."""
    inputs = [a[:1] for a in call.inputs(1, dtype, seed=5)]
    expected = call(*inputs)[0]
    for scalars in ([a[0] for a in inputs], [a.reshape(()) for a in inputs]):
        result = call(*scalars)
        assert type(result) is np.dtype(dtype).type, (call, dtype, type(result))
        assert_same(result, expected, call, dtype, "scalar")
    result = call(*(float(a[0]) for a in inputs))
    assert type(result) is np.float64
    zero_d = [a.reshape(()).copy() for a in inputs]
    assert call(*zero_d, inplace=True) is zero_d[0]
    assert_same(zero_d[0], expected, call, dtype, "0-d in place")
    swapped = [a.astype(a.dtype.newbyteorder()) for a in zero_d]
    call(*swapped, inplace=True)
    assert swapped[0].dtype.newbyteorder() == dtype


@every_call
def test_lists_and_integers(call):
    """Integers become floating-point, as for np.exp; a list is an array."""
    values = [[1, 0, 1, 1], [1, 1, 0, 0]]
    expected = call(*(np.array(v, float) for v in values[: len(call.inputs(1, "f8"))]))
    for kind in "?bBhHiIlLqQ":
        inputs = [np.array(v, kind) for v in values[: len(call.inputs(1, "f8"))]]
        result = call(*inputs)
        wanted = np.exp(inputs[0]).dtype
        assert result.dtype == wanted, (call, kind, result.dtype)
        assert_same(result, call(*(a.astype(wanted) for a in inputs)), call, kind)
    for lists in (values, [tuple(v) for v in values], [[float(e) for e in v] for v in values]):
        assert_same(call(*lists[: len(inputs)]), expected, call, "list")


@backward_call
def test_backward_of_lists(call):
    """Lists of integers beside fractions do not take the fractions away; a list beside an array takes its dtype."""
    for lists in (([1, 2], [0.25, 0.75]), ([0.5, 0.75], [1, 0]), ([1, 2], [1, 0])):
        assert_same(call(*lists), call(*(np.array(a, float) for a in lists)), call, "lists", lists)
        for dtype in DTYPES:
            arrays = [np.array(a, dtype) for a in lists]
            expected = call(*arrays)
            assert_same(call(lists[0], arrays[1]), expected, call, dtype, "a list and an array", lists)
            assert_same(call(arrays[0], lists[1]), expected, call, dtype, "an array and a list", lists)


@backward_call
@pytest.mark.parametrize("which", ["grad", "saved"])
def test_backward_of_integer_array_and_fractions(call, which):
    """An integer array beside a list of fractions: the fractions count, or it is refused."""
    arrays = [np.array([1, 0]), [0.25, 0.75]] if which == "grad" else [[0.25, 0.75], np.array([1, 0])]
    expected = call(*(np.array(a, float) for a in arrays))
    try:
        result = call(*arrays)
    except TypeError:
        return
    assert_same(result, expected, call, which, "is an integer array")


@every_call
@every_dtype
def test_overlapping_out(call, dtype):
    """out may overlap an input in any way."""
    n = 3000
    for which in range(len(call.inputs(1, dtype))):
        for start, step in ((1, 1), (0, -1), (0, 1), (500, 1)):
            inputs = call.inputs(n, dtype)
            expected = call(*inputs)
            memory = np.zeros(2 * n, dtype)
            memory[:n] = inputs[which]
            inputs[which] = memory[:n]
            out = memory[start : start + n][::step]
            assert call(*inputs, out=out) is out
            assert_same(out, expected, call, dtype, f"out = input {which}, from {start}, step {step}")


@every_call
@every_dtype
def test_out_dtype_and_shape(call, dtype):
    """A wider or narrower float out is allowed, as for any ufunc; other dtypes and shapes are not."""
    inputs = call.inputs(6, dtype, seed=2)
    expected = call(*inputs)
    with np.errstate(over="ignore", under="ignore"):
        for other in DTYPES:
            out = np.zeros(6, other)
            if castable(dtype, other):
                call(*inputs, out=out)
                assert_same(out, expected.astype(other), call, dtype, "out", other)
            else:
                with pytest.raises(TypeError, match="cast"):
                    call(*inputs, out=out)
                assert not out.any()
    for bad in (np.zeros(6, int), np.zeros(6, bool)):
        with pytest.raises(TypeError, match=r"(?i)cast"):
            call(*inputs, out=bad)
        assert not bad.any()
    for bad in (np.zeros(5, dtype), np.zeros((6, 1), dtype), np.zeros((), dtype), np.zeros((0, 5), dtype)):
        with pytest.raises(ValueError, match=r"broadcast|mismatch|shape|dimension"):
            call(*inputs, out=bad)
        assert not bad.any()
    fixed = np.zeros(6, dtype)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        call(*inputs, out=fixed)
    assert not fixed.any()
    for bad in ([0.0] * 6, "out", 3):
        with pytest.raises(TypeError, match=r"ArrayType|array"):
            call(*inputs, out=bad)


@backward_call
def test_out_of_another_shape(call):
    inputs = call.inputs(3, "float64")
    for shape in ((2, 3), (1, 3), (2,)):
        out = np.zeros(shape)
        for way in (out, (out,)):
            with pytest.raises(ValueError, match="shape mismatch"):
                call(*inputs, out=way)
        assert not out.any()


@elementwise_call
@every_dtype
def test_ufunc_keywords(call, dtype):
    if call.direction != "forward":
        for keyword in ("where", "dtype", "casting", "order"):
            with pytest.raises(TypeError, match=keyword):
                call(*call.inputs(3, dtype), **{keyword: None})
        return
    (x,) = call.inputs((4, 5), dtype)
    expected = call(x)
    mask = np.arange(20).reshape(4, 5) % 3 > 0
    out = np.full((4, 5), 99, dtype)
    assert call(x, where=mask, out=out) is out
    assert_same(out, np.where(mask, expected, np.array(99, dtype)), call, dtype, "where")
    changed = x.copy()
    call(changed, where=mask[0], out=changed)
    assert_same(changed, np.where(mask[0], expected, x), call, dtype, "where broadcast, in place")
    with np.errstate(over="ignore", under="ignore"):
        for other in DTYPES:
            if castable(dtype, other):
                for name in (other, np.dtype(other), np.dtype(other).type, type(np.dtype(other))):
                    assert_same(call(x, dtype=name), call(x.astype(other)), call, dtype, "dtype", other)
            else:
                with pytest.raises(TypeError, match="cast"):
                    call(x, dtype=other)
    for other in ("i4", "complex64", "O"):
        with pytest.raises(TypeError):
            call(x, dtype=other)
    if dtype == "float64":
        with pytest.raises(TypeError, match="cast"):
            call(x, dtype="float32", casting="safe")
    with pytest.raises(TypeError, match="cast"):
        call(np.arange(3), casting="no")
    assert call(x, order="F").flags.f_contiguous
    assert call(x.T, order="C").flags.c_contiguous
    assert call(x.T).flags.f_contiguous
    with pytest.raises(TypeError, match="nonsense"):
        call(x, nonsense=1)
    with pytest.raises(TypeError):
        call(x, axis=0)


@every_call
@every_dtype
def test_result_order(call, dtype):
    """A new array lies like its input."""
    for inputs in (call.inputs((6, 5), dtype), [a.T for a in call.inputs((6, 5), dtype)]):
        result = call(*inputs)
        assert result.strides == inputs[0].strides, (call, dtype)
        assert result.base is None
        assert not any(np.shares_memory(result, a) for a in inputs)


# ----------------------------------------------------------------------------------------------------------------
# Parameters


def one_by_one(call, inputs, parameters):
    """The results for every number alone, each with its numbers out of arrays of parameters."""
    expected = np.empty_like(inputs[0])
    everywhere = {name: np.broadcast_to(values, expected.shape) for name, values in parameters.items()}
    for index in np.ndindex(expected.shape):
        expected[index] = call(*(a[index] for a in inputs), **{name: v[index] for name, v in everywhere.items()})
    return expected


@call_with_parameter
@every_dtype
@pytest.mark.parametrize("shape", [(4, 1, 1), (3, 1), (1, 3, 1), (5,), (4, 1, 5), (4, 3, 5), (1,)], ids=str)
def test_array_parameters(call, parameter, dtype, shape):
    """An array parameter broadcasts against x, and gives the bits that its numbers would give one by one."""
    inputs = call.inputs((4, 3, 5), dtype)
    values = drawn(call.activation, [parameter.name], shape, 3)[parameter.name].astype(parameter_type(dtype))
    expected = one_by_one(call, inputs, {parameter.name: values})
    kinds = {
        "as it is": values,
        "list": values.tolist(),
        "float64": values.astype("float64"),
        "byteswapped": values.astype(values.dtype.newbyteorder()),
        "reversed": np.flip(np.flip(values).copy()),
        "read-only": np.broadcast_to(values, (4, 3, 5)),
        "longdouble": values.astype(np.longdouble),
    }
    for kind, given_values in kinds.items():
        for layout in LAYOUTS:
            where = (call, dtype, layout, parameter.name, shape, kind)
            arrays = [laid_out(a, layout)[0] for a in inputs]
            assert_same(call(*arrays, **{parameter.name: given_values}), expected, *where)
            call(*arrays, inplace=True, **{parameter.name: given_values})
            assert_same(arrays[0], expected, "in place", *where)


@call_with_parameters
@every_dtype
def test_parameters_together(call, dtype):
    """All of them arrays, of the same shape or of different ones; one an array and the others any numbers."""
    names = [p.name for p in call.activation.parameters]
    inputs = call.inputs((4, 3, 5), dtype)
    full = drawn(call.activation, names, (4, 3, 5), 1)
    cases = [full, drawn(call.activation, names, (3, 1), 2), {n: v.tolist() for n, v in full.items()}]
    # Slices of the same numbers, and numbers out of them, keep an order that the parameters may have to have.
    rows = drawn(call.activation, names, (1, 1, 1), 3)
    for which, values in rows.items():
        cases.append({n: v.item() for n, v in rows.items()} | {which: np.broadcast_to(values, (4, 1, 5))})
    for k, parameters in enumerate(cases):
        expected = one_by_one(call, inputs, parameters)
        for layout in ("contiguous", "strided", "byteswapped"):
            arrays = [laid_out(a, layout)[0] for a in inputs]
            assert_same(call(*arrays, **parameters), expected, call, dtype, layout, k)
            call(*arrays, inplace=True, **parameters)
            assert_same(arrays[0], expected, "in place", call, dtype, layout, k)


@call_with_parameters
@every_dtype
def test_positional_parameters(call, dtype):
    """In the order of the catalogue, after the input."""
    inputs = call.inputs(5, dtype)
    for shape in ((), (5,)):
        parameters = drawn(call.activation, [p.name for p in call.activation.parameters], shape, 5)
        expected = call(*inputs, **parameters)
        for inplace in (False, True):
            arrays = copies(inputs)
            if call.direction == "backward_y":
                result = call.function(inplace)(arrays[0], None, *parameters.values(), y=arrays[1])
            else:
                result = call.function(inplace)(*arrays, *parameters.values())
            assert_same(result, expected, call, dtype, shape)


@call_with_parameter
@every_dtype
def test_parameter_kinds(call, parameter, dtype):
    """A number is a number in any type, is rounded to the type of the parameters of x, and x alone decides the dtype.

    Halves have float parameters, but a half is as good a number as any other.
    """
    own = parameter_type(dtype)
    others = {p.name: 2.0**65 for p in bounded_by(call.activation, parameter)}
    for shape in ((7,), ()):
        inputs = call.inputs(shape, dtype, seed=4)
        for values in (
            (1, 1.0, True, np.int8(1), np.uint64(1), np.float32(1), np.longdouble(1), np.array(1), np.array(1.0)),
            tuple(kind for name in DTYPES for kind in (np.dtype(name).type(0.5), np.array(0.5, name))),
            (0.3, np.float64(0.3), np.array(0.3)),
        ):
            expected = call(*inputs, **others, **{parameter.name: own(values[0])})
            assert expected.dtype == dtype
            for value in values:
                keywords = {**others, parameter.name: value}
                assert_same(call(*inputs, **keywords), expected, call, dtype, repr(value))
                changed = copies(np.asarray(a) for a in inputs)
                call(*changed, inplace=True, **keywords)
                assert_same(changed[0], expected, "in place", call, dtype, repr(value))
        big = call(*inputs, **{**others, parameter.name: 2**64})
        assert_same(big, call(*inputs, **{**others, parameter.name: 2.0**64}), call, dtype, "2**64")


@call_with_parameter
@every_dtype
def test_default_parameter(call, parameter, dtype):
    """The default, the same number given, and an array of it all give the same bits."""
    default, own = defaults(call.activation)[parameter.name], parameter_type(dtype)
    for n in (1, 37, GIL_THRESHOLD + 5):
        inputs = call.inputs(n, dtype, seed=6)
        expected = call(*inputs)
        for value in (default, np.array(default, own), [default], np.full(n, default, own)):
            for layout in ("contiguous", "strided"):
                arrays = [laid_out(a, layout)[0] for a in inputs]
                where = (call, dtype, n, layout, type(value), np.shape(value))
                assert_same(call(*arrays, **{parameter.name: value}), expected, *where)
                call(*arrays, inplace=True, **{parameter.name: value})
                assert_same(arrays[0], expected, "in place", *where)


@call_with_parameters
@every_dtype
def test_default_parameters_give_the_bits_of_any_others(call, dtype):
    """The defaults have a loop of their own, in which the compiler knows them; arrays of them take the general one."""
    tails = [np.linspace(-110, 110, 100_001), np.linspace(-760, -690, 20_001), np.linspace(-20, -5, 2001)]
    tails = np.concatenate(tails).astype(dtype)
    arrays = {n: np.full(tails.shape, v, parameter_type(dtype)) for n, v in defaults(call.activation).items()}
    inputs = (tails,) if call.direction == "forward" else (tails + np.dtype(dtype).type(1), tails)
    assert_same(call(*inputs), call(*inputs, **arrays), call, dtype, "defaults")


@call_with_parameter
@every_dtype
def test_parameter_larger_than_x(call, parameter, dtype):
    """The forward grows to the parameter's shape, as a ufunc does; in place and backward cannot."""
    inputs = call.inputs(3, dtype)
    values = drawn(call.activation, [parameter.name], (2, 3), 6)[parameter.name]
    before = copies(inputs)
    if call.direction == "forward":
        expected = np.stack([call(*inputs, **{parameter.name: row}) for row in values])
        assert_same(call(*inputs, **{parameter.name: values}), expected, call, dtype)
    else:
        with pytest.raises(ValueError, match="broadcast"):
            call(*inputs, **{parameter.name: values})
    for bad in (values, np.ones(4), np.ones((3, 1)), np.ones((1, 3)), []):
        with pytest.raises(ValueError, match=r"broadcast|shape"):
            call(*inputs, inplace=True, **{parameter.name: bad})
        for array, old in zip(inputs, before, strict=True):
            assert_same(array, old, call, dtype, "nothing written")


@call_with_parameter
def test_bad_parameters(call, parameter):
    """Numbers out of the domain, and what is no number: an error that names the parameter; nothing is written."""
    name = parameter.name
    bad = [(np.nan, ValueError), (np.inf, ValueError), (-np.inf, ValueError), (np.float32("nan"), ValueError)]
    bad += [(np.array(np.nan), ValueError), (np.array(np.inf, "f4"), ValueError), ("0.5", TypeError), (b"1", TypeError)]
    bad += [(1j, TypeError), (np.array([1j]), TypeError), (None, TypeError), (object(), TypeError), ({}, TypeError)]
    bad += [(["a"], TypeError), (np.datetime64("2020"), TypeError), (np.array([None]), TypeError)]
    usual = defaults(call.activation)
    if parameter.minimum is not None:
        least = usual.get(parameter.minimum, parameter.minimum)
        bad += [(least - 1, ValueError), (np.array(least - 0.5), ValueError)]
        bad += [(least, ValueError), (float(least), ValueError)] if parameter.exclusive else []
    if parameter.minimum_y is not None and call.direction == "backward_y":
        bad += [(parameter.minimum_y - d, ValueError) for d in (0.5, 1, np.float32(1))]
    bad += [(usual[p.name] + d, ValueError) for p in bounded_by(call.activation, parameter) for d in (0.5, np.array(1))]
    for dtype in DTYPES:
        too_large = [] if dtype == "float64" else [(1e39, ValueError)]
        for layout in ("contiguous", "strided", "byteswapped"):
            for value, error in bad + too_large:
                arrays = [laid_out(a, layout)[0] for a in call.inputs(5, dtype)]
                before = [a.tobytes() for a in arrays]
                for inplace in (False, True):
                    with pytest.raises(error, match=name):
                        call(*arrays, inplace=inplace, **{name: value})
                assert before == [a.tobytes() for a in arrays], (call, dtype, layout, value)


@call_with_parameter
@every_dtype
def test_array_parameters_are_not_scanned(call, parameter, dtype):
    """NaN in an array parameter propagates, and a number too large for float32 is infinite: no error, no warning.

    It propagates to where the result depends on the parameter: where another number in its place makes a difference.
    """
    x = np.linspace(-8, 8, 65).astype(dtype)
    inputs = [x] if call.direction == "forward" else [np.ones_like(x), x]
    if call.saved == "y":
        inputs[1] = Call(call.activation, "forward")(x)
    value = drawn(call.activation, [parameter.name], (), 8)[parameter.name]
    depends = call(*inputs, **{parameter.name: value}) != call(*inputs, **{parameter.name: value * (1 + 2.0**-10)})
    values = np.where(np.arange(65) % 3 == 1, np.nan, value)
    result = call(*inputs, **{parameter.name: values})
    assert np.isnan(result[depends & np.isnan(values)]).all(), (call, dtype, result)
    assert_same(result[::3], call(*inputs, **{parameter.name: value})[::3], call, dtype, "beside NaN")
    for extreme in (1e300, -1e300, 1e-300, np.inf, -np.inf):
        values = np.where(np.arange(65) % 3 == 1, extreme, value)
        result = call(*inputs, **{parameter.name: values})
        assert_same(result[::3], call(*inputs, **{parameter.name: value})[::3], call, dtype, "beside", extreme)
        call(*copies(inputs), inplace=True, **{parameter.name: values})


@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if required(a)], ids=lambda a: a.name)
def test_required_parameter(activation):
    name = activation.name
    for function in (getattr(pyacts, name), getattr(pyacts, f"{name}_")):
        with pytest.raises(TypeError, match=rf"{name}_?\(\)"):
            function(np.ones(3))
    for function in (getattr(pyacts, f"{name}_backward"), getattr(pyacts, f"{name}_backward_")):
        for saved in ("x", "y") if "backward_y" in activation.directions else ("x",):
            with pytest.raises(TypeError, match=rf"{name}_backward_?\(\).*{next(iter(required(activation)))}"):
                function(np.ones(3), **{saved: np.ones(3)})


# ----------------------------------------------------------------------------------------------------------------
# Bad input: design, the table in "The Python face"


def refused(call, error, words, *inputs, **keywords):
    """In place raises, the message says the words, and nothing is written."""
    before = [np.asarray(a).tobytes() for a in inputs]
    with pytest.raises(error) as caught:
        call(*inputs, inplace=True, **keywords)
    for word in words:
        assert word in str(caught.value), f"{call}: no {word!r} in {caught.value}"
    assert before == [np.asarray(a).tobytes() for a in inputs], f"{call}: written in spite of the error"


def in_place_targets(dtype):
    """What cannot be changed in place: (label, array, error, a word of the message)."""
    plain = np.linspace(-1, 1, 12).astype(dtype).reshape(3, 4)
    fixed = plain.copy()
    fixed.flags.writeable = False
    windows = np.lib.stride_tricks.sliding_window_view(plain.ravel().copy(), 3, writeable=True)
    repeated = np.lib.stride_tricks.as_strided(plain.copy(), (3, 4), (0, plain.itemsize))
    half_step = np.lib.stride_tricks.as_strided(plain.copy(), (4,), (plain.itemsize // 2,))

    class Own(np.ndarray):
        def __array_ufunc__(self, *args, **keywords):
            raise AssertionError("not to be called")

    return [
        ("read-only", fixed, ValueError, "read-only"),
        ("read-only strided", fixed[:, ::2], ValueError, "read-only"),
        ("broadcast", np.broadcast_to(plain[0], (3, 4)), ValueError, "read-only"),
        ("stride 0", repeated, ValueError, "share memory"),
        ("sliding windows", windows, ValueError, "share memory"),
        ("overlapping elements", half_step, ValueError, "share memory"),
        ("list", plain.tolist(), TypeError, "list"),
        ("number", 1.0, TypeError, "float"),
        ("NumPy scalar", np.dtype(dtype).type(1), TypeError, dtype),
        ("None", None, TypeError, "NoneType"),
        ("memoryview", memoryview(np.ones((3, 4))), TypeError, "memoryview"),
        ("masked", np.ma.masked_array(plain.copy(), plain > 0), TypeError, "MaskedArray"),
        ("class with __array_ufunc__", plain.copy().view(Own), TypeError, "Own"),
        ("complex", plain.astype(complex), TypeError, "complex128"),
        ("longdouble", plain.astype(np.longdouble), TypeError, str(np.dtype(np.longdouble))),
        ("object", plain.astype(object), TypeError, "object"),
        ("integers", plain.astype(int), TypeError, "int64"),
        ("booleans", plain.astype(bool), TypeError, "bool"),
        ("strings", np.full((3, 4), "a"), TypeError, "<U"),
        ("variable-width strings", np.full((3, 4), "a", np.dtypes.StringDType()), TypeError, "StringDType"),
        ("dates", np.zeros((3, 4), "M8[s]"), TypeError, "datetime64"),
        ("structured", np.zeros((3, 4), [("a", dtype)]), TypeError, "'a'"),
        ("integers, 0-d", np.array(1), TypeError, "int64"),
        ("integers, empty", np.zeros(0, int), TypeError, "int64"),
        ("read-only 0-d", np.broadcast_to(np.ones((), dtype), ()), ValueError, "read-only"),
    ]


@every_call
@every_dtype
def test_refused_in_place(call, dtype):
    argument = call.inplace_argument
    remedy = f"pyacts.{call.function().__name__}("
    wrong = []
    for label, target, error, word in in_place_targets(dtype):
        other = [] if call.direction == "forward" else [np.ones(np.shape(target), dtype)]
        if not is_elementwise(call.activation) and np.ndim(target) == 0 and isinstance(target, np.ndarray):
            continue  # the axis is wrong too
        before = np.asarray(target).tobytes()
        try:
            call(target, *other, inplace=True)
            message = "no error"
        except (TypeError, ValueError) as caught:
            message = f"{type(caught).__name__}: {caught}"
        right = message.startswith(error.__name__) and word in message and remedy in message
        if not (right and re.search(rf"\b{argument}\b", message) and np.asarray(target).tobytes() == before):
            wrong.append(f"{label}: {message}")
    assert not wrong, f"{call} {dtype}:\n" + "\n".join(wrong)


@every_call
@every_dtype
def test_dtypes_refused(call, dtype):
    """complex, longdouble, object and strings raise TypeError out of place too, under the name of the function."""
    for kind in ("complex64", "complex128", np.longdouble, object, str, "M8[s]"):
        inputs = [np.zeros(3, kind) for _ in call.inputs(3, dtype)]
        with pytest.raises(TypeError) as caught:
            call(*inputs)
        assert call.activation.name in str(caught.value), (call, kind, str(caught.value))


@backward_call
@every_dtype
def test_pairs_refused(call, dtype):
    """grad and x or y: same shape, same dtype, exactly one of x and y."""
    others = [d for d in (*DTYPES, int, "c8") if d != dtype]
    ones = np.ones((3, 4), dtype)
    for bad in (
        np.ones(4, dtype),
        np.ones((3, 1), dtype),
        np.ones((4, 3), dtype),
        np.ones((1, 3, 4), dtype),
        np.ones((), dtype),
        np.ones(12, dtype),
        np.ones((0, 4), dtype),
    ):
        refused(call, ValueError, ["grad", call.saved, "shape"], ones, bad)
        with pytest.raises(ValueError, match="shape"):
            call(ones, bad)
        with pytest.raises(ValueError, match="shape"):
            call(bad, ones)
    for bad in (ones.astype(other) for other in others):
        refused(call, TypeError, ["grad", call.saved, "dtype"], ones, bad)
        with pytest.raises(TypeError, match="dtype"):
            call(ones, bad)
        with pytest.raises(TypeError, match="dtype"):
            call(bad, ones)
    for bad in (ones.astype(complex), ones.astype(object), np.full((3, 4), "a")):
        refused(call, TypeError, [], ones, bad)
        with pytest.raises(TypeError):
            call(ones, bad)
    parameters = required(call.activation)
    for inplace in (False, True):
        before = ones.copy()
        with pytest.raises(TypeError, match="exactly one of x"):
            call.function(inplace)(ones, **parameters)
        with pytest.raises(TypeError, match="exactly one of x"):
            call.function(inplace)(ones, ones, y=ones, **parameters)
        assert_same(ones, before, call)


@pytest.mark.parametrize(
    "activation", [a for a in ACTIVATIONS if is_elementwise(a) and a.derivative_y is None], ids=lambda a: a.name
)
def test_y_refused(activation):
    for ending in ("_backward", "_backward_"):
        grad = np.ones(3)
        with pytest.raises(TypeError, match=activation.no_y) as caught:
            getattr(pyacts, activation.name + ending)(grad, y=np.ones(3))
        assert "pass x" in str(caught.value)
        assert grad.tolist() == [1, 1, 1]


@backward_call
@every_dtype
def test_partial_overlap_refused(call, dtype):
    """grad in place may be x or y itself, or apart, but not overlap it."""
    inputs = call.inputs((40, 50), dtype)
    n = inputs[0].size
    for second in (
        lambda m: m[1 : n + 1],
        lambda m: m[50 : n + 50],
        lambda m: m[:n][::-1],
        lambda m: m.view("u1")[2 : n * m.itemsize + 2].view(dtype),
    ):
        memory = np.zeros(n + 64, dtype)
        memory[:n] = inputs[0].ravel()
        refused(call, ValueError, ["grad", "overlap", call.saved], memory[:n], second(memory))
        shape = (40, 50)
        refused(call, ValueError, ["grad", "overlap"], memory[:n].reshape(shape), second(memory).reshape(shape))
    square = numbers((20, 20), dtype, special=False)
    refused(call, ValueError, ["grad", "overlap"], square, square.T)
    both = numbers((20, 40), dtype)
    refused(call, ValueError, ["grad", "overlap"], both[:, :30], both[:, 10:])
    expected = call(both[:, ::2].copy(), both[:, 1::2].copy())
    call(both[:, ::2], both[:, 1::2], inplace=True)
    assert_same(both[:, ::2], expected, call, dtype, "interleaved")


@backward_call
@every_dtype
def test_grad_may_be_the_saved_array(call, dtype):
    """The same memory is no partial overlap, whatever the strides of axes of length 1 are."""
    for layout in LAYOUTS:
        same, _ = laid_out(call.inputs((5, 6), dtype)[1], layout)
        expected = call(same.copy(), same.copy())
        call(same, same.view(), inplace=True)
        assert_same(same, expected, call, dtype, layout)
    row = call.inputs((1, 6), dtype)[1].astype(np.dtype(dtype).newbyteorder())
    alias = np.lib.stride_tricks.as_strided(row, row.shape, (row.itemsize, row.itemsize))
    expected = call(row.copy(), row.copy())
    call(row, alias, inplace=True)
    assert_same(row, expected, call, dtype, "the stride of an axis of length 1 differs")


@every_call
def test_too_many_arguments(call):
    """A second array is not taken for out."""
    a = np.ones(3)
    count = len(call.inputs(1, "f8")) + max(1, len(call.activation.parameters))
    if call.activation.kind == "softmax":
        count = 3
    for inplace in (False, True):
        with pytest.raises(TypeError):
            call.function(inplace)(*[a] * (count + 1 if call.activation.parameters else count))
    assert a.tolist() == [1, 1, 1]


# ----------------------------------------------------------------------------------------------------------------
# Other kinds of array


class Negated(np.ndarray):
    """A subclass with rules of its own: it changes the sign of what every ufunc gives."""

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        assert "out" not in keywords
        plain = [i.view(np.ndarray) if isinstance(i, Negated) else i for i in inputs]
        return (-getattr(ufunc, method)(*plain, **keywords)).view(Negated)


class Duck:
    """No array at all, but it takes part in ufuncs: it answers with what it was asked."""

    def __init__(self, dtype="float32", shape=(3,)):
        self.dtype, self.shape = np.dtype(dtype), shape

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return self, ufunc, method, inputs, keywords


class BareDuck:
    """The least there is: only __array_ufunc__."""

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return self, ufunc, method, inputs, keywords


@every_call
@every_dtype
def test_subclass_with_rules(call, dtype):
    inputs = call.inputs((3, 4), dtype)
    result = call(*(a.view(Negated) for a in inputs))
    assert type(result) is Negated, call
    assert_same(result, -call(*inputs), call, dtype, "subclass")


@every_call
def test_duck_arrays(call):
    duck = Duck()
    arrays = [duck] if call.direction == "forward" else [duck, Duck()]
    answer, ufunc, method, inputs, keywords = call(*arrays)
    assert answer is duck, call
    assert ufunc is getattr(
        _ufuncs, call.activation.name + ("" if call.direction == "forward" else f"_{call.direction}")
    )
    assert method == "__call__"
    assert inputs[: len(arrays)] == tuple(arrays), call
    out = Duck()
    answer, *_, keywords = call(*(np.ones(3, "f4") for _ in arrays), out=out)
    assert answer is out
    assert keywords["out"] == (out,)
    with pytest.raises(TypeError, match=f"{call.inplace_argument} must be a NumPy array"):
        call(*arrays, inplace=True)


@forward_call
def test_bare_duck(call):
    if call.activation.kind == "softmax":
        pytest.skip("needs the shape, for the axis")
    duck = BareDuck()
    answer, ufunc, *_ = call(duck)
    assert answer is duck
    assert ufunc is getattr(_ufuncs, call.activation.name)


def test_bare_duck_beside_an_array_in_place():
    for name in ("x", "y"):
        x = np.ones(3, np.float32)
        with pytest.raises(TypeError, match=f"takes {name} as a NumPy array"):
            pyacts.softmax_backward_(x, **{name: Duck()})
        assert (x == 1).all()


@forward_call
def test_unwilling_duck(call):
    class Unwilling:
        __array_ufunc__ = None

    with pytest.raises(TypeError):
        call(Unwilling())


@every_call
@every_dtype
def test_memmap(call, dtype, tmp_path):
    """A memmap is changed in place, on the disk."""
    inputs = call.inputs((5, 6), dtype)
    expected = call(*inputs)
    mapped = np.memmap(tmp_path / "data", dtype, "w+", shape=(5, 6))
    mapped[...] = inputs[0]
    assert_same(call(mapped, *inputs[1:]), expected, call, dtype, "memmap")
    assert call(mapped, *inputs[1:], inplace=True) is mapped
    mapped.flush()
    assert_same(np.fromfile(tmp_path / "data", dtype).reshape(5, 6), expected, call, dtype, "file")
    read_only = np.memmap(tmp_path / "data", dtype, "r", shape=(5, 6))
    with pytest.raises(ValueError, match="read-only"):
        call(read_only, *inputs[1:], inplace=True)


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@every_call
@every_dtype
def test_subclass_without_rules(call, dtype):
    """np.matrix and other subclasses that only look different: changed in place, and their class is kept."""

    class Named(np.ndarray):
        pass

    inputs = call.inputs((5, 6), dtype)
    expected = call(*inputs)
    for kind in (Named, np.matrix, np.recarray):
        for layout in ("contiguous", "strided", "byteswapped"):
            arrays = [laid_out(a, layout)[0].view(kind) for a in inputs]
            result = call(*arrays)
            assert type(result) is kind, (call, dtype, layout, kind)
            assert_same(result, expected, call, dtype, layout, kind)
            assert call(*arrays, inplace=True) is arrays[0]
            assert_same(arrays[0], expected, call, dtype, layout, kind, "in place")


@elementwise_call
def test_masked_arrays(call):
    """Elementwise, a mask goes through to the result; where it would be lost, TypeError."""
    inputs = call.inputs(4, "float64", seed=7)
    mask = np.array([True, False, True, False])
    for which in range(len(inputs)):
        arrays = list(inputs)
        arrays[which] = np.ma.masked_array(inputs[which], mask)
        result = call(*arrays)
        assert isinstance(result, np.ma.MaskedArray), call
        assert (np.ma.getmaskarray(result) >= mask).all(), call
        assert_same(result.data[~mask], call(*inputs)[~mask], call)
        refused(call, TypeError, ["Mask"], *arrays)
    for parameter in call.activation.parameters:
        refused(call, TypeError, ["Mask"], *inputs, **{parameter.name: np.ma.masked_array(np.ones(4), mask)})


def test_remedies_for_masked_arrays():
    """The call that the message advises leaves the masked entries out."""
    x = np.ma.masked_array([1.0, 5.0, 2.0], [False, True, False])
    for activation in (a for a in ACTIVATIONS if a.kind == "softmax"):
        function = getattr(pyacts, activation.name)
        with pytest.raises(TypeError, match=f"pass {activation.name}") as caught:
            function(x)
        advice = re.search(r"pass (\w+\(.*\)) to leave", str(caught.value))[1]
        y = eval(f"pyacts.{advice}", {"pyacts": pyacts, "np": np, "x": x})
        np.testing.assert_array_equal(y[~x.mask], function(x.compressed()))


def test_masked_arrays_are_not_ignored():
    masked = np.ma.masked_array(np.ones((2, 4)), np.eye(2, 4, dtype=bool))
    plain = np.ones((2, 4))
    index = np.zeros((2, 2), int)
    for function, arguments in (
        (pyacts.softmax, (masked,)),
        (pyacts.softmax_, (masked,)),
        (pyacts.softmax_backward, (masked, plain)),
        (pyacts.softmax_backward, (plain, masked)),
        (pyacts.softmax_backward_, (plain, masked)),
        (pyacts.maxout, (masked, 2)),
        (pyacts.maxout_backward, (masked[:, :2], index, 2)),
        (pyacts.maxout_backward, (plain[:, :2], np.ma.masked_array(index, index == 0), 2)),
    ):
        with pytest.raises(TypeError, match=r"(?i)mask"):
            function(*arguments)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    values = np.array([[1.0, -2.0], [-1.0, 2.0]], "f4")
    series, frame = pandas.Series(values[0], name="s"), pandas.DataFrame(values, columns=["a", "b"])
    for call in ELEMENTWISE_CALLS:
        arrays = [series] * (1 if call.direction == "forward" else 2)
        result = call(*arrays)
        assert isinstance(result, pandas.Series), call
        assert result.name == "s"
        assert_same(result.to_numpy(), call(*(a.to_numpy() for a in arrays)), call, "Series")
        if call.direction == "forward":
            result = call(frame)
            assert isinstance(result, pandas.DataFrame), call
            # A number beside a frame makes float64 of its float32, as in np.hypot(frame, 0.5) of pandas 3.
            assert_same(result.to_numpy(), call(values.astype(result.to_numpy().dtype)), call, "DataFrame")
        else:
            assert isinstance(call(frame, frame), pandas.DataFrame), call


def test_dask():
    dask_array = pytest.importorskip("dask.array")
    for call in CALLS:
        inputs = call.inputs((6, 8), "float32")
        lazy = [dask_array.from_array(a, chunks=(2, 8)) for a in inputs]
        result = call(*lazy)
        assert isinstance(result, dask_array.Array), call
        assert_same(result.compute(scheduler="sync"), call(*inputs), call, "dask")


# ----------------------------------------------------------------------------------------------------------------
# Axes


@pytest.mark.parametrize("call", [c for c in CALLS if c.activation.kind == "softmax"], ids=str)
@every_dtype
def test_softmax_axes(call, dtype):
    """Every axis in every layout gives the bits that each row alone gives."""
    shape = (3, 34, 5)
    inputs = call.inputs(shape, dtype)
    for axis in range(-3, 3):
        expected = np.empty(shape, dtype)
        rows = [np.moveaxis(a, axis, -1) for a in (*inputs, expected)]
        for index in np.ndindex(rows[0].shape[:-1]):
            rows[-1][index] = call(*(np.ascontiguousarray(r[index]) for r in rows[:-1]))
        for layout in LAYOUTS:
            arrays = [laid_out(a, layout)[0] for a in inputs]
            where = (call, dtype, layout, "axis", axis)
            assert_same(call(*arrays, axis=axis), expected, *where)
            assert call(*arrays, axis=np.int8(axis), inplace=True) is arrays[0]
            assert_same(arrays[0], expected, "in place", *where)


@pytest.mark.parametrize("call", [c for c in CALLS if c.activation.kind == "softmax"], ids=str)
def test_softmax_refuses(call):
    for shape, axis, error, words in (
        ((2, 3), 2, np.exceptions.AxisError, "out of bounds"),
        ((2, 3), -3, np.exceptions.AxisError, "out of bounds"),
        ((2, 3), 2**40, np.exceptions.AxisError, "out of bounds"),
        ((), -1, np.exceptions.AxisError, "out of bounds"),
        ((), 0, np.exceptions.AxisError, "out of bounds"),
        ((2, 0), -1, ValueError, "length 0"),
        ((0,), 0, ValueError, "length 0"),
        ((2, 3), 1.0, TypeError, "integer"),
        ((2, 3), None, TypeError, "integer"),
        ((2, 3), "1", TypeError, "integer"),
        ((2, 3), (0, 1), TypeError, "integer"),
    ):
        for dtype in (*DTYPES, ">f4"):
            arrays = [np.full(shape, 0.5, dtype) for _ in call.inputs(1, "f8")]
            for inplace in (False, True):
                with pytest.raises(error, match=words):
                    call(*arrays, axis=axis, inplace=inplace)
            assert all((a == 0.5).all() for a in arrays), (call, shape, axis)
    for keywords in ({"where": 1}, {"keepdims": True}, {"axes": [-1, -1]}):
        with pytest.raises(TypeError):
            call(*(np.ones(3) for _ in call.inputs(1, "f8")), **keywords)


@every_dtype
def test_softmax_backward_from_x(dtype):
    grad, x = (numbers((6, 7), dtype, seed, special=False) for seed in (1, 2))
    for axis in (0, 1):
        expected = pyacts.softmax_backward(grad, y=pyacts.softmax(x, axis), axis=axis)
        assert_same(pyacts.softmax_backward(grad, x, axis=axis), expected, dtype, axis)
        changed = grad.copy()
        assert pyacts.softmax_backward_(changed, x, axis=axis) is changed
        assert_same(changed, expected, dtype, axis, "in place")
    for second in (slice(1, 6), slice(None, None, -1)):
        memory = numbers(6, dtype, special=False)
        first = memory[:5] if second.start else memory
        before = memory.copy()
        with pytest.raises(ValueError, match="overlap"):
            pyacts.softmax_backward_(first, memory[second])
        assert_same(memory, before, "nothing written")


@every_dtype
@pytest.mark.parametrize("pool_size", [1, 2, 3, 4, 6, 12])
def test_maxout_layouts(dtype, pool_size):
    x = numbers((12, 24, 36), dtype)
    for axis in range(-3, 3):
        moved = np.moveaxis(x, axis, -1)
        pools = moved.reshape(*moved.shape[:-1], -1, pool_size)
        which = pools.argmax(-1)
        expected = np.moveaxis(np.take_along_axis(pools, which[..., None], -1)[..., 0], -1, axis)
        which = np.moveaxis(which, -1, axis)
        grad = numbers(expected.shape, dtype, 1)
        dx = np.zeros_like(pools)
        np.put_along_axis(dx, np.moveaxis(which, axis, -1)[..., None], np.moveaxis(grad, axis, -1)[..., None], -1)
        dx = np.moveaxis(dx.reshape(moved.shape), -1, axis)
        for layout in LAYOUTS:
            where = (dtype, layout, "axis", axis, "pool_size", pool_size)
            assert_same(pyacts.maxout(laid_out(x, layout)[0], pool_size, axis), expected, *where)
            y, index = pyacts.maxout(laid_out(x, layout)[0], pool_size, axis, return_index=True)
            assert_same(y, expected, *where)
            assert index.dtype == np.intp
            np.testing.assert_array_equal(index, which)
            laid_index = laid_out(index.astype("i4"), layout)[0]
            assert_same(
                pyacts.maxout_backward(laid_out(grad, layout)[0], laid_index, pool_size, axis), dx, "dx", *where
            )


def test_maxout_refuses():
    x, grad, index = np.ones((2, 6)), np.ones((2, 3)), np.zeros((2, 3), int)
    for pool_size, error, words in (
        (0, ValueError, "pool_size"),
        (-1, ValueError, "pool_size"),
        (4, ValueError, "pool_size"),
        (7, ValueError, "pool_size"),
        (2**62, ValueError, "pool_size"),
        (2.0, TypeError, "integer"),
        ("2", TypeError, "integer"),
        (None, TypeError, "integer"),
    ):
        with pytest.raises(error, match=words):
            pyacts.maxout(x, pool_size)
        if not (isinstance(pool_size, int) and 0 < pool_size < 8):
            with pytest.raises((ValueError, TypeError, MemoryError)):
                pyacts.maxout_backward(grad, index, pool_size)
    for axis in (2, -3, 2**40):
        with pytest.raises(np.exceptions.AxisError):
            pyacts.maxout(x, 2, axis)
        with pytest.raises(np.exceptions.AxisError):
            pyacts.maxout_backward(grad, index, 2, axis)
    with pytest.raises(np.exceptions.AxisError):
        pyacts.maxout(1.0, 1)
    for bad in (index - 1, index + 2, np.full((2, 3), 2**63, np.uint64), np.full((2, 3), -(2**63))):
        with pytest.raises(ValueError, match="index"):
            pyacts.maxout_backward(grad, bad, 2)
    for bad in (index.astype(float), index.astype(bool), index.astype(str), index.astype(object)):
        with pytest.raises(TypeError, match="index"):
            pyacts.maxout_backward(grad, bad, 2)
    for bad in (index[0], index.T, np.zeros((2, 0), int)):
        with pytest.raises(ValueError, match="shape"):
            pyacts.maxout_backward(grad, bad, 2)
    for kind in (complex, object, np.longdouble, str):
        with pytest.raises(TypeError, match="maxout"):
            pyacts.maxout(x.astype(kind), 2)
        with pytest.raises(TypeError, match="maxout"):
            pyacts.maxout_backward(grad.astype(kind), index, 2)
    assert pyacts.maxout(np.ones((2, 0)), 2).shape == (2, 0)
    assert pyacts.maxout(np.ones((0, 4)), 2).shape == (0, 2)
    assert pyacts.maxout([1, 5, 2, 4], 2).tolist() == [5, 4]


def test_huge_axis_and_pool_size():
    """Numbers that no C integer holds are out of range like any other."""
    x = np.ones((2, 6))
    for function, arguments in ((pyacts.softmax, ()), (pyacts.softmax_, ()), (pyacts.softmax_backward, (x,))):
        for axis in (2**70, -(2**70)):
            with pytest.raises(np.exceptions.AxisError):
                function(x, *arguments, axis=axis)
    with pytest.raises(np.exceptions.AxisError):
        pyacts.maxout(x, 2, 2**70)
    for axis in (2**31, 2**70, -(2**70)):
        with pytest.raises(np.exceptions.AxisError):
            pyacts.softmax(x, axis, scale=2.0)
    for pool_size in (2**64, 2**70, -(2**70)):
        with pytest.raises(ValueError, match="pool_size"):
            pyacts.maxout(x, pool_size)
        with pytest.raises(ValueError, match=r"pool_size|dimension"):
            pyacts.maxout_backward(x, np.zeros((2, 6), int), pool_size)
    assert pyacts.maxout(x[:, :0], 2**70).shape == (2, 0)
    assert pyacts.maxout_backward(x[:, :0], np.zeros((2, 0), int), 2**70).shape == (2, 0)


@every_dtype
def test_softmax_out_of_more_dimensions(dtype):
    """An out that x would have to be repeated in is filled with softmax(x) again and again, or refused."""
    x = numbers((3, 3), dtype, special=False)
    for axis in (-1, 0):
        out = np.zeros((3, 3, 3), dtype)
        try:
            pyacts.softmax(x, axis, out=out)
        except ValueError:
            assert not out.any()
        else:
            assert_same(out, np.broadcast_to(pyacts.softmax(x, axis), out.shape), dtype, axis)


# ----------------------------------------------------------------------------------------------------------------
# The process: threads, warnings


def test_threads():
    """Two threads in the same functions at once."""
    work = [(c, c.inputs((8, 4096), dtype)) for c in CALLS for dtype in DTYPES]
    work = [(c, inputs, c(*inputs)) for c, inputs in work]
    errors = []

    def loop(shift):
        try:
            for k in range(2 * len(work)):
                call, inputs, expected = work[(k + shift) % len(work)]
                assert_same(call(*inputs), expected, call, "in a thread")
                views = [a[:, ::2] for a in inputs]
                assert_same(call(*views), call(*copies(views)), call, "strided, in a thread")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=loop, args=(shift,)) for shift in (0, 0, 17)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors[0]


@every_call
@every_dtype
def test_no_floating_point_warnings(call, dtype):
    """Whatever the numbers and the path, and no status flag is left behind for NumPy to find."""
    shape = (30, 40)
    inputs = [numbers(shape, dtype, seed) for seed in range(len(call.inputs(1, dtype)))]
    others = {"array": {p.name: numbers(40, dtype, 9) for p in call.activation.parameters}}
    if call.activation.parameters:
        others["number"] = {p.name: 1e30 * k for k, p in enumerate(call.activation.parameters, 1)}
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for layout in LAYOUTS:
            for keywords in ({}, *others.values()):
                arrays = [laid_out(a, layout)[0] for a in inputs]
                call(*arrays, **keywords)
                np.add(np.ones(3), 1.0)
                assert np.float64(1) + np.float64(2) == 3
                call(*arrays, inplace=True, **keywords)
                np.add(np.ones(3), 1.0)
        if is_elementwise(call.activation):
            for index in np.ndindex(shape):
                call(*(a[index] for a in inputs))
        call(*(a.tolist() for a in inputs))


@every_dtype
def test_no_floating_point_warnings_of_casts(dtype):
    """Nor from casts to the dtype of out, or to the one that is asked for."""
    x, narrow = np.array([1e300, 1e-300, 1.0]), np.empty(3, dtype)
    with np.errstate(all="raise"):
        for function in (pyacts.relu, pyacts.elu, pyacts.log_softmax):
            function(x, out=narrow)
            function(x, out=(narrow,))
            function(x, dtype=dtype, casting="unsafe")
        pyacts.relu(x, sig="f->f", casting="unsafe")
        pyacts.glu(narrow, x, out=narrow)
        pyacts.log_softmax(x, scale=2.0, out=narrow)
        pyacts.elu(narrow, np.array([1e300, 1e-300, 1.0]))


# ----------------------------------------------------------------------------------------------------------------
# Introspection


@pytest.mark.parametrize("function", PUBLIC, ids=lambda f: f.__name__)
def test_function_is_documented(function):
    name = function.__name__
    assert function.__module__ == "pyacts"
    assert function.__qualname__ == name
    text = pydoc.render_doc(function, renderer=pydoc.plaintext)
    parameters = list(inspect.signature(function).parameters)
    for parameter in parameters:
        assert f"{parameter} : " in text or f"**{parameter}" in text, f"{name} does not document {parameter}"
    for section in ("Parameters", "Returns", "Raises", "See Also", "Examples"):
        assert f"\n    {section}\n    {'-' * len(section)}" in text, f"{name} has no section {section}"
    assert max(len(line) for line in function.__doc__.split("\n")) <= 120


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gelu_with_the_keyword_of_torch(dtype):
    """approximate="tanh" is gelu_tanh, in all forms and on all paths; "none" is gelu itself."""
    grad, x = np.random.default_rng(1).normal(size=(2, 40)).astype(dtype)
    for choice, name in (("none", "gelu"), ("tanh", "gelu_tanh")):
        f, backward = getattr(pyacts, name), getattr(pyacts, f"{name}_backward")
        for part in (slice(None), slice(None, None, 3)):
            y, dx = f(x[part]), backward(grad[part], x[part])
            out = np.empty_like(y)
            assert pyacts.gelu(x[part], approximate=choice, out=out) is out
            assert (out == y).all()
            assert (pyacts.gelu_(x.copy()[part], approximate=choice) == y).all()
            assert (pyacts.gelu_backward(grad[part], x[part], approximate=choice) == dx).all()
            assert (pyacts.gelu_backward_(grad.copy()[part], x[part], approximate=choice) == dx).all()
        assert pyacts.gelu(dtype(-1.5), approximate=choice) == f(dtype(-1.5))
    assert (pyacts.gelu(x) != pyacts.gelu(x, approximate="tanh")).any()
    untouched = x.copy()
    for wrong in ("erf", "", "Tanh", True, None, 1.0):
        for call in (
            lambda w: pyacts.gelu(x, approximate=w),
            lambda w: pyacts.gelu_(x, approximate=w),
            lambda w: pyacts.gelu_backward(grad, x, approximate=w),
            lambda w: pyacts.gelu_backward_(grad, x, approximate=w),
        ):
            with pytest.raises(ValueError, match="approximate must be 'none' or 'tanh'"):
                call(wrong)
    assert (x == untouched).all()
    with pytest.raises(TypeError, match="cannot start from y"):
        pyacts.gelu_backward(grad, y=x, approximate="tanh")


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_signatures(activation):
    """Positional or keyword where it says so, the catalogue's defaults."""
    for direction, ending in ENDINGS.items():
        if activation.kind in CHANGING_SHAPE and direction != "forward":
            continue
        signature = inspect.signature(getattr(pyacts, activation.name + ending))
        for parameter in activation.parameters:
            found = signature.parameters[parameter.name]
            required = inspect.Parameter.empty if not ending.startswith("_backward") else None
            assert found.default == (required if parameter.default is None else parameter.default)
            assert found.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        first = next(iter(signature.parameters))
        given = "logits" if "cross_entropy" in activation.kind else activation.operands("forward")[0][0]
        assert first == ("grad" if "backward" in ending else given)
        if "out" in signature.parameters:
            assert signature.parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY


def test_pickle():
    for name in _array.FUNCTIONS:
        assert pickle.loads(pickle.dumps(getattr(pyacts, name))) is getattr(pyacts, name), name
    for name in _ufuncs.__all__:
        ufunc = getattr(_ufuncs, name)
        assert isinstance(ufunc, np.ufunc)
        assert ufunc.__name__ == name
        assert pickle.loads(pickle.dumps(ufunc)) is ufunc, name


def test_get():
    for activation in ACTIVATIONS:
        for name in (activation.name, *activation.aliases):
            camel = "".join(part.capitalize() for part in name.split("_"))
            for spelling in (
                name,
                camel,
                name.upper(),
                name.replace("_", "-"),
                name.replace("_", " "),
                name.replace("_", ""),
            ):
                for direction, ending in ENDINGS.items():
                    function = getattr(pyacts, activation.name + ending, None)
                    if function is None:
                        with pytest.raises(ValueError, match=f"{activation.name} has no {direction} form"):
                            pyacts.get(spelling, direction)
                    else:
                        assert pyacts.get(spelling, direction=direction) is function, (spelling, direction)
                assert pyacts.get(spelling) is getattr(pyacts, activation.name)
            for ending in ENDINGS.values():
                assert getattr(pyacts, name + ending, None) is getattr(pyacts, activation.name + ending, None)


def test_get_refuses():
    for name, words in (
        ("relo", "relu"),
        ("lekyrelu", "leaky_relu"),
        ("sofmax", "softmax"),
        ("zzz", "sigmoid"),
        ("", "tanh"),
        ("relu_", "relu"),
        ("relu_backward", "relu"),
    ):
        with pytest.raises(ValueError, match="unknown activation") as caught:
            pyacts.get(name)
        assert repr(name) in str(caught.value)
        assert words in str(caught.value)
    for direction in ("forwards", "", None, "backward_y", 0, []):
        with pytest.raises(ValueError, match="direction must be one of forward, inplace, backward, backward_inplace"):
            pyacts.get("relu", direction)
    for name in (None, 3, b"relu", ["relu"]):
        with pytest.raises(TypeError, match="name must be a str"):
            pyacts.get(name)


def test_version_and_isa():
    assert pyacts.__version__ == _array.version()
    assert pyacts.isa() in ("baseline", "avx2", "avx512", "neon")


def test_namespace():
    """dir() and __all__ have what there is, and all of it is there."""
    assert sorted(pyacts.__all__) == sorted(set(pyacts.__all__))
    assert set(dir(pyacts)) == set(pyacts.__all__)
    for name in pyacts.__all__:
        getattr(pyacts, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        pyacts.nonsense  # noqa: B018


class Resizing:
    """An argument whose conversion to a number changes the array it comes with."""

    def __init__(self, array):
        self.array = array

    def __index__(self):
        self.array.resize(1, refcheck=False)
        return 0

    def __float__(self):
        return float(self.__index__())


def test_arguments_that_change_the_array():
    """No call may use what it saw of an array before the argument's code ran."""

    class Number(np.float64):
        def __float__(self):
            target.flags.writeable = False
            return 1.0

    target = np.full(1000, -1.0, np.float32)
    with pytest.raises(ValueError, match="read-only"):
        pyacts.elu_(target, Number(1))
    assert (target == -1).all()
    x = np.ones(1000)
    with pytest.raises((ValueError, TypeError)):
        pyacts.maxout(x, Resizing(x))
    grad, x = np.ones(1000), np.ones(1000)
    with pytest.raises((ValueError, TypeError)):
        pyacts.prelu_parameter_grad(grad, x, Resizing(grad))


# ----------------------------------------------------------------------------------------------------------------
# Arrays that do not fit the caches

LARGE = 2**24 + 37  # elements; twice 64 MiB
PIECE = 2**16


@pytest.mark.parametrize("offset", [0, 5])
@pytest.mark.parametrize(
    ("function", "n_arrays", "dtype"),
    [
        (pyacts.relu, 1, np.float32),
        (pyacts.softsign, 1, np.float16),
        (pyacts.leaky_relu, 1, np.float64),
        (pyacts.exact.softsign, 1, np.float32),
        (lambda x, out: pyacts.prelu(x, x, out=out), 1, np.float32),
        (pyacts.relu_backward, 2, np.float32),
        (pyacts.reglu, 2, np.float32),
        (lambda grad, x, out: pyacts.relu_backward_(grad, x), 2, np.float32),
    ],
)
def test_large_arrays_have_the_bits_of_their_pieces(function, n_arrays, dtype, offset):
    tile = np.random.default_rng(1).normal(size=(n_arrays, PIECE + 8)).astype(dtype)
    arrays = [np.resize(a, LARGE + offset)[offset:] for a in tile]
    starts = range(0, LARGE, PIECE)
    pieces = [function(*(a[k : k + PIECE].copy() for a in arrays), out=None).tobytes() for k in starts]
    result = function(*arrays, out=np.zeros(LARGE, dtype))
    assert all(result[k : k + PIECE].tobytes() == piece for k, piece in zip(starts, pieces, strict=True))


def test_large_gated_gradients_have_the_bits_of_their_pieces():
    tile = np.random.default_rng(1).normal(size=(3, PIECE + 8)).astype(np.float32)
    grad, gate, up = (np.resize(a, LARGE) for a in tile)
    whole = pyacts.reglu_backward(grad, gate, up)
    for k in range(0, LARGE, PIECE):
        part = np.s_[k : k + PIECE]
        for own, expected in zip(whole, pyacts.reglu_backward(grad[part], gate[part], up[part]), strict=True):
            assert own[part].tobytes() == expected.tobytes()
