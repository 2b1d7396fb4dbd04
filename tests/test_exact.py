"""The exact tier: 0.51 ULP everywhere, and like the ordinary functions in everything else."""

import os
import platform
import sys
from dataclasses import replace

import numpy as np
import pytest
from common import (
    EXACT_CALLS,
    HALVES,
    LAYOUTS,
    assert_same,
    c_call,
    is_elementwise,
    laid_out,
    numbers,
    run,
    suffix,
)
from oracle import (
    ALONG_AN_AXIS,
    EXACT,
    GATED,
    ORACLES,
    check,
    error,
    evaluate,
    exact,
    exact_numbers,
    log_softmax_gradient,
    precisely,
    rounded,
    softmax_gradient,
    ulp,
    unit_of,
)
from test_values import BY_NAME, DEFAULTS, call, everywhere, outputs, per_direction, per_other_parameters

import pyacts
from pyacts.catalog import ACTIVATIONS

BOUND = 0.51
NUMBERS = exact_numbers(np.float32)

# Levels with FMA give the same bits (test_c_face.py); this is the other.
WITHOUT_FMA = "baseline"

per_call = pytest.mark.parametrize("call", EXACT_CALLS, ids=str)


def measure(activation, direction, x, params, unit=None):
    """Check one direction with grad = 1, in ULP of the result or in what unit(...) says."""
    at = outputs(activation, params, x) if direction == "backward_y" else x
    want = exact(activation, direction, at.astype(np.float64), rounded(params, np.float32), NUMBERS)
    got = call(activation, direction, at, params, module=pyacts.exact)
    unit = unit and unit(activation, direction, at, params, want)
    check(f"exact {activation.name}{params} {direction}", at, got, want, BOUND, unit)
    return got, want


@per_direction
def test_error_is_at_most_half_an_ulp_and_a_bit(activation, direction):
    got, want = measure(activation, direction, everywhere(np.float32, 11, 4000), DEFAULTS[activation.name])
    assert np.mean(error(got, want) > 0.5) < 0.01


@per_other_parameters
def test_error_with_other_parameters(name, params, direction):
    measure(BY_NAME[name], direction, everywhere(np.float32, 9, 800), params, unit_of)


@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a.kind == "gated"], ids=lambda a: a.name)
def test_error_of_gated_units(activation):
    params = [p.default for p in activation.parameters]
    gate = everywhere(np.float32, 11, 4000)
    random = np.random.default_rng(5)
    up, grad = (random.permutation(np.resize(everywhere(np.float32, 9, 800), gate.size)) for _ in range(2))
    oracle = ORACLES[GATED[activation.name]]

    @precisely
    def products(*factors):
        return np.prod([EXACT.number(f) if isinstance(f, np.ndarray) else f for f in factors], axis=0)

    f = evaluate(NUMBERS, oracle.f, gate.astype(np.float64), *params)
    slope = evaluate(NUMBERS, oracle.slope, gate.astype(np.float64), *params)
    function, backward = getattr(pyacts.exact, activation.name), getattr(pyacts.exact, f"{activation.name}_backward")
    dgate, dup = backward(grad, gate, up)
    for what, got, want in (
        ("forward", function(gate, up), products(f, up)),
        ("dgate", dgate, products(grad, up, slope)),
        ("dup", dup, products(grad, f)),
    ):
        check(f"exact {activation.name} {what}", gate, got, want, BOUND)


@pytest.mark.parametrize("n", [1, 2, 10, 33, 128, 1000])
@pytest.mark.parametrize("scale", [1, 30])
@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax", "logsumexp"])
def test_error_along_an_axis(name, scale, n):
    x, grad = (
        np.random.default_rng(seed).normal(scale=s, size=(3, n)).astype(np.float32) for seed, s in ((n, scale), (9, 1))
    )
    y = getattr(pyacts.exact, name)(x)
    check(f"exact {name}", y, y, evaluate(EXACT, ALONG_AN_AXIS[name], x), BOUND)
    if name == "logsumexp":
        dx = pyacts.exact.logsumexp_backward(np.ones(3, np.float32), x)
        check("exact logsumexp_backward", x, dx, evaluate(EXACT, ALONG_AN_AXIS["softmax"], x), BOUND)
        return
    dx = getattr(pyacts.exact, f"{name}_backward")(grad, y=y)
    if name == "log_softmax":
        want, size = evaluate(EXACT, log_softmax_gradient, grad, y), abs(grad).sum(axis=-1, keepdims=True)
    else:
        sign = -1 if name == "softmin" else 1
        want = evaluate(EXACT, lambda m, grad, y: sign * softmax_gradient(grad, y), grad, y)
        size = abs(y) * abs(grad).max(axis=-1, keepdims=True)
    # Where the sum cancels a grad, the rounding errors of float64 count.
    allowed = BOUND + 2.0**-50 * size / ulp(abs(want), np.float32)
    check(f"exact {name}_backward", x, dx, want, allowed)


@per_call
def test_every_layout_and_face_gives_the_same_bits(call):
    inputs = call.inputs((7, 37), np.float32, seed=21)
    expected = call(*inputs)
    assert expected.dtype == np.float32
    for layout in LAYOUTS:
        assert_same(call(*(laid_out(a, layout)[0] for a in inputs)), expected, call, layout)
        target, *rest = (laid_out(a, layout)[0] for a in inputs)
        assert call(target, *rest, inplace=True) is target
        assert_same(target, expected, call, layout, "in place")
    names = [p.name for p in call.activation.parameters]
    arrays = names and {
        name: np.full((37,), value) for name, value in zip(names, DEFAULTS[call.activation.name], strict=True)
    }
    if arrays:
        assert_same(call(*inputs, **arrays), expected, call, "arrays of parameters")
    if call.activation.kind != "channelwise":
        function = f"pyacts_{call.activation.name}_exact{suffix(call.direction)}_f32"
        y = np.empty_like(expected)
        if is_elementwise(call.activation):
            c_call(function, y.size, *inputs, y, *DEFAULTS[call.activation.name])
        else:
            c_call(function, 7, 37, 1, *inputs, y, pyacts.ffi.NULL)
        assert_same(y, expected, function)


@per_call
def test_halves_are_those_of_the_ordinary_functions(call):
    ordinary = replace(call, exact=False)
    for dtype in HALVES.values():
        inputs = call.inputs((3, 50), dtype, seed=4)
        assert_same(call(*inputs), ordinary(*inputs), call, dtype)


@per_call
@pytest.mark.parametrize("inplace", [False, True])
def test_float64_raises(call, inplace):
    """Also what would become float64, and nothing is written."""
    inputs = [np.ones((2, 3)) for _ in call.inputs((2, 3), np.float32)]
    with pytest.raises(TypeError, match=r"exact.*nothing wider for float64.*astype\(np\.float32\), or use pyacts\."):
        call(*inputs, inplace=inplace)
    assert (inputs[0] == 1).all()
    if not inplace:
        with pytest.raises(TypeError, match="nothing wider for int64"):
            call(*(np.ones((2, 3), np.int64) for _ in inputs))
        with pytest.raises(TypeError, match="nothing wider for float64"):
            call(*([1.0, 2.0] for _ in inputs))


def test_float64_is_no_dtype_of_its_ufuncs():
    x = numbers(5, np.float32)
    with pytest.raises(TypeError):
        pyacts.exact.tanh(x, dtype=np.float64)
    wide = np.empty(5)
    assert_same(pyacts.exact.tanh(x, out=wide).astype(np.float32), pyacts.exact.tanh(x))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines have one level")
def test_without_fma():
    selection = "half_an_ulp or other_parameters or gated or along_an_axis"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", selection, __file__]
    run(*command, env={**os.environ, "PYACTS_ISA": WITHOUT_FMA})
