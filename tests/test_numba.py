"""pyacts inside @njit: the same results, the same errors, cached code, and scalar forms that vectorise."""

import doctest
import inspect
import itertools
import os
import re
import sys
import tomllib

import numpy as np
import pytest
from common import CALLS, ELEMENTWISE_CALLS, ROOT, assert_same, drawn, numbers, required, run, suffix

numba = pytest.importorskip("numba")

from numba import njit, prange, types  # noqa: E402
from numba.core.errors import TypingError  # noqa: E402

import pyacts  # noqa: E402
import pyacts.numba  # noqa: E402
from pyacts.catalog import ACTIVATIONS  # noqa: E402
from pyacts.numba import _overloads, _real, _runtime, scalar  # noqa: E402

DTYPES = {"f32": np.float32, "f64": np.float64}
BY_NAME = {a.name: a for a in ACTIVATIONS}

# Whether compiled loops and the library agree about fused multiply-adds, and so have the same bits.
SAME_BITS = (pyacts.isa() != "baseline") == _real.FUSED


def from_text(arguments, body, **names):
    """A function with this body."""
    scope = {"np": np, "pyacts": pyacts, "scalar": scalar} | names
    exec(f"def function({arguments}):\n    {body}", scope)
    return scope["function"]


def assert_compiles_to_the_same(function, *arguments, **options):
    """What Numba makes of a function gives what the function gives."""
    copies = [[a.copy() if isinstance(a, np.ndarray) else a for a in arguments] for _ in range(2)]
    expected, found = function(*copies[0]), njit(**options)(function)(*copies[1])
    expected, found = ([r] if not isinstance(r, tuple) else r for r in (expected, found))
    for result, wanted in zip((*found, *copies[1]), (*expected, *copies[0]), strict=True):
        if isinstance(result, float):  # what float32 becomes on its way to Python
            result = np.asarray(result, np.asarray(wanted).dtype)
        assert_same(result, wanted, inspect.getsource(function) if function.__name__ == "<lambda>" else function)


# ----------------------------------------------------------------------------------------------------------------
# Everything is there (that Numba knows every function is in test_faces.py)


def given_types(activation, function, array, from_y):
    """Types for the arguments of a function by name; what may be left out has its default."""
    lines = types.Array(array.dtype, array.ndim - 1, "C") if array.ndim > 1 else array.dtype
    found = dict.fromkeys(("x", "y", "grad", "gate", "up", "logits"), array)
    found |= {"index": types.Array(types.int64, array.ndim, "C"), "pool_size": types.int64}
    if activation.kind == "channelwise":
        found["weight"] = array.dtype
    if activation.kind == "logsumexp":
        found["grad"] = lines
    if activation.kind.endswith("cross_entropy"):
        found |= {"labels": array, "grad": array.dtype}
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    if {"x", "y"} <= {p.name for p in parameters}:
        found["x" if from_y else "y"] = None
    return {p.name: found.get(p.name, p.default) for p in parameters}


def test_code_for_every_function(monkeypatch):
    """There is code for each function, dtype and layout, and all in all it calls every C function."""
    called = set()
    original = _runtime.c_function
    monkeypatch.setattr(_runtime, "c_function", lambda name: called.add(name) or original(name))
    for activation, ending, exact, maker in _overloads.forms():
        function = getattr(pyacts.exact if exact else pyacts, activation.name + ending)
        dtypes = (types.float32,) if exact else (types.float32, types.float64)
        starts = (False, True) if "backward" in ending and activation.derivative_y else (False,)
        for dtype, layout, from_y in itertools.product(dtypes, "CA", starts):
            given = given_types(activation, function, types.Array(dtype, 2, layout), from_y)
            call = _overloads.Call(activation, ending, exact, given)
            maker(call)
            assert call.implementation(", ".join(given))
    assert called == {name for name in dir(pyacts.lib) if re.fullmatch(r"pyacts_\w+_f(32|64)", name)}


@pytest.mark.parametrize("module", [pyacts.numba, scalar], ids=lambda m: m.__name__)
def test_examples_in_module(module):
    assert doctest.testmod(module).failed == 0
    assert module.__doc__.count(">>>") > 2


# ----------------------------------------------------------------------------------------------------------------
# Arrays

X = numbers((5, 8), np.float64)
G = numbers((5, 8), np.float64, seed=1)
Y = numbers((5, 8), np.float64, seed=2)
BULK = numbers((3, 4, 6), np.float32, special=False)
LABELS = np.array([0, 1, 2, 7, 3])

# Each kind of implementation. The slow tests have the whole catalogue, and those of MORE.
FUNCTIONS = {
    "new": lambda x: (pyacts.relu(x), pyacts.elu(x), pyacts.elu(x, 0.25), pyacts.hard_tanh(x, max_val=2)),
    "in place": lambda x, g: (pyacts.mish_(x), pyacts.elu_(g, alpha=0.25)),
    "out": lambda x, y: (pyacts.elu(x, 2.0, out=y), pyacts.relu(x, out=x)),
    "backward": lambda g, x: (pyacts.silu_backward(g, x), pyacts.elu_backward(g, y=x), pyacts.elu_backward(g, x, 0.5)),
    "strided": lambda g, x: (pyacts.elu_(x[:, ::2], 0.5), pyacts.relu_backward(g[::-1, 1:], x[:, :-1])),
    "take turns": lambda x: (pyacts.elu(x[:, ::2], out=x[:, 1::2]), pyacts.relu_backward_(x[:, 0], x[:, 1])),
    "prelu": lambda g, x: (pyacts.prelu(x, 0.25), pyacts.prelu_backward(g, x, x[0])),
    "parameter_grad": lambda g, x: (pyacts.elu_parameter_grad(g, x, 0.5), pyacts.prelu_parameter_grad(g, x, x[0])),
    "gated": lambda g, x: (pyacts.swiglu(g, x, 0.5), pyacts.geglu(g, x, out=g), pyacts.glu_(g, x)),
    "gated backward in place": lambda g, x, y: pyacts.glu_backward_(g[:, ::2], x[:, 4:], y[:, :4]),
    "axes": lambda x: (pyacts.softmax(x), pyacts.softmax(x, 0), pyacts.log_softmax(x.T, axis=0)),
    "softmax backward": lambda g, x: (pyacts.softmax_backward(g, x, axis=0), pyacts.log_softmax_backward(g, y=x)),
    "softmax backward in place": lambda g, x: (
        pyacts.softmin_backward_(g, x),
        pyacts.softmax_backward_(g, y=x, axis=0),
    ),
    "options": lambda g, x: (
        pyacts.softmax(x, where=g > 0, scale=0.5, bias=g[0], causal=True, sink=0.5),
        pyacts.softmax_backward_(g, y=x, axis=0, bias=x[0], where=x[0] > 0),
    ),
    "logsumexp": lambda x: (pyacts.logsumexp(x), pyacts.logsumexp(x, 0, keepdims=True), pyacts.logsumexp(x[0])),
    "maxout": lambda x: (pyacts.maxout(x, 2), *pyacts.maxout(x.T, 4, axis=0, return_index=True)),
    "crelu": lambda x: (pyacts.crelu(x), pyacts.crelu(x.T, 0), pyacts.crelu_backward(x, y=x)),
    "exact": lambda b: (pyacts.exact.gelu(b), pyacts.exact.softmax_(b), pyacts.exact.elu_backward(b, y=b)),
    "empty": lambda x: (pyacts.relu_(x[:0]), pyacts.softmax(x[:0]), pyacts.glu(x[:0], x[:0])),
}
MORE = {
    "axis of options": lambda x, g: pyacts.softmin_(x, axis=0, where=x[:, :1] > 0, sink=g[4], empty="zero"),
    "largest offsets": lambda x: (pyacts.softmax(x, causal=2**63 - 1), pyacts.logsumexp(x, causal=-(2**63))),
    "options of a row": lambda x: (pyacts.log_softmax(x[0], where=x[1] > 0, sink=2), pyacts.logsumexp(x[0], scale=2)),
    "options of lines": lambda x: (pyacts.softmax(x, sink=x[:, 2], causal=2), pyacts.logsumexp(x, causal=x.size < 3)),
    "options of gradients": lambda g, x: (
        pyacts.logsumexp_backward(g[:, 0], x, bias=g),
        pyacts.softmax_backward(g, x, sink=1),
    ),
    "alias": lambda x: (pyacts.swish(x, 2), pyacts.expit_(x)),
    "approximate": lambda x, g: (pyacts.gelu(x, approximate="tanh"), pyacts.gelu_backward_(x, g, approximate="tanh")),
    "backward out": lambda g, x, y: (pyacts.elu_backward(g, None, 0.5, y=x, out=y), pyacts.relu_backward_(g, y=x)),
    "strided out": lambda g, x, y: (pyacts.elu(x[:, 0], out=y[:, 0]), pyacts.elu_backward(g.T, x.T, out=y.T)),
    "prelu strided": lambda g, x: (
        pyacts.prelu_(x[:, ::2], 0.25),
        pyacts.prelu_(x, g[:, :1]),
        pyacts.prelu_backward(g.T, y=x.T, weight=0.5),
    ),
    "parameter_grads": lambda g, x: pyacts.xielu_parameter_grad(g, x),
    "gated backward": lambda g, x, y: pyacts.swiglu_backward(g, x, y),
    "gated backward out": lambda g, x, y: pyacts.glu_backward(g, x, y, out=(x, y)),
    "axes of three": lambda b: (pyacts.softmax_(b.T, 1), pyacts.softmin(b[:, ::2], axis=1), pyacts.hardmax(b)),
    "softmax row": lambda x: (pyacts.softmax_(x[0]), pyacts.softmax(x[:, 0]), pyacts.sparsemax_(x[::2, 1])),
    "softmax out": lambda x, y: (pyacts.softmax(x, out=y), pyacts.softmax(x.T, out=y.T), pyacts.softmax(x, out=x)),
    "softmax backward strided": lambda b: (pyacts.softmax_backward_(b[:, ::2], b[:, 1::2], axis=2), b),
    "logsumexp backward": lambda b: (pyacts.logsumexp_backward(b[0], b, 0), pyacts.logsumexp_backward(2.0, b[0, 0])),
    "maxout backward": lambda x, i: pyacts.maxout_backward(x, i, 9, axis=0),
    "crelu backward": lambda x: pyacts.crelu_backward(x, x[:, :4]),
}
ARGUMENTS = {"x": X, "g": G, "y": Y, "b": BULK, "i": LABELS[:, None] + np.zeros(8, int)}


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(f, id=name, marks=[pytest.mark.slow] if name in MORE else [])
        for name, f in (FUNCTIONS | MORE).items()
    ],
)
def test_arrays(function):
    assert_compiles_to_the_same(function, *(ARGUMENTS[name] for name in inspect.signature(function).parameters))


def test_numbers():
    """A number gives a number, of its type."""
    x, single = -0.7, np.float32(-0.7)
    assert_compiles_to_the_same(lambda x, y: (pyacts.elu(x, 0.5), pyacts.elu_backward(y, y=y)), x, single)
    assert njit(lambda: (pyacts.relu(3), pyacts.reglu(2.0, 3.0)))() == (3.0, 6.0)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_every_function(call, dtype):
    """Every form on contiguous arrays, and in place on strided ones, with the bits that Python gives."""
    name = f"pyacts.{call.activation.name}" + ("" if call.direction == "forward" else "_backward")
    parameters = "".join(f", {p}={value!r}" for p, value in required(call.activation).items())
    arguments = parameters if call.direction == "forward" else f", {call.saved}=b{parameters}"
    a, b, c = (call.inputs((37, 53), dtype, seed)[-1] for seed in range(3))
    body = f"return {name}(a{arguments}), {name}(a{arguments}, out=c), {name}_(a{arguments})"
    assert_compiles_to_the_same(from_text("a, b, c", body), a, b, c)
    arguments = arguments.replace("=b", "=b[:, ::2]")
    assert_compiles_to_the_same(from_text("a, b", f"return {name}_(a[:, ::2]{arguments})"), a, b)


@pytest.mark.slow
@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a.parameters], ids=lambda a: a.name)
def test_every_parameter(activation):
    names = [p.name for p in activation.parameters]
    values = drawn(activation, names, ())
    keywords = ", ".join(f"{name}={float(value)!r}" for name, value in values.items())
    arrays = "x, x" if activation.kind == "gated" else "x"
    for dtype in DTYPES.values():
        x = numbers(1000, dtype)
        body = f"return pyacts.{activation.name}({arrays}, {keywords})"
        if activation.kind != "gated":
            body += f", pyacts.{activation.name}_backward(x, {arrays}, {keywords})"
        assert_compiles_to_the_same(from_text("x", body), x)


def test_losses():
    """The sums are in double, in another order than NumPy's."""
    logits = np.random.default_rng(0).normal(size=(5, 8))
    arguments = logits, LABELS, np.arange(1.0, 9.0), pyacts.softmax(logits)
    functions = [
        lambda x, k, w, p: pyacts.softmax_cross_entropy(x, k, weight=w, ignore_index=7, label_smoothing=0.1),
        lambda x, k, w, p: pyacts.softmax_cross_entropy(x.T, p.T, axis=0, reduction="sum"),
        lambda x, k, w, p: pyacts.softmax_cross_entropy_backward(2.0, x, k, ignore_index=1),
        lambda x, k, w, p: pyacts.softmax_cross_entropy_backward(w[:5], x, k, reduction="none"),
        lambda x, k, w, p: pyacts.sigmoid_cross_entropy(x, p, reduction="none"),
        lambda x, k, w, p: pyacts.sigmoid_cross_entropy_backward(x, x, p, reduction="none"),
    ]
    for function in functions:
        np.testing.assert_allclose(njit(function)(*arguments), function(*arguments), rtol=1e-15)


# ----------------------------------------------------------------------------------------------------------------
# Errors

WRONG_TYPES = {
    "pyacts.relu(k)": "x has dtype int64, not float32 or float64: convert it with astype(np.float64)",
    "pyacts.relu([1.0])": "must be",
    "pyacts.relu_(0.5)": "only arrays can be changed in place: use pyacts.relu()",
    "pyacts.relu_(r)": "x is read-only",
    "pyacts.elu(x, x)": "alpha must be a number, not array",
    "pyacts.elu(x, None)": "alpha must be a number, not none",
    "pyacts.gelu(x, approximate='erf')": "approximate must be 'none' or 'tanh', not 'erf'",
    "pyacts.silu_backward(x, y=x)": f"cannot start from y: {BY_NAME['silu'].no_y}; pass x",
    "pyacts.relu_backward(x)": "needs exactly one of x",
    "pyacts.relu_backward(x, x, y=x)": "needs exactly one of x",
    "pyacts.relu_backward(x, s)": "same dtype, not float64 and float32",
    "pyacts.relu_backward(x, x[0])": "same number of dimensions, not 2 and 1",
    "pyacts.relu(x, out=s)": "same dtype",
    "pyacts.prelu(x)": "weight",
    "pyacts.prelu_backward(x, x)": "missing the argument weight",
    "pyacts.prelu(x[:, ::2], x[0, ::2])": "all arrays must be contiguous",
    "pyacts.softmax(x[:, ::2], where=x[:, ::2] > 0)": "with where, arrays must be contiguous",
    "pyacts.softmax(x, bias=s)": "bias must be an array of float64",
    "pyacts.softmax(x, axis=0.5)": "axis must be an integer",
    "pyacts.softmax(0.5)": "x must be an array",
    "pyacts.logsumexp(x, keepdims=k[0] > 0)": "keepdims must be a constant",
    "pyacts.exact.relu(x)": "nothing wider for float64",
    "pyacts.softmax_cross_entropy(x, k, reduction='max')": "reduction must be 'mean', 'sum' or 'none'",
    "scalar.relu(x)": "takes numbers",
}


@pytest.mark.parametrize("expression", WRONG_TYPES)
def test_errors_when_compiled(expression):
    x = np.ones((5, 5))
    read_only = x.copy()
    read_only.flags.writeable = False
    function = njit(from_text("x, s, k, r", f"return {expression}"))
    arguments = x, x.astype(np.float32), LABELS, read_only
    with pytest.raises(TypingError, match=re.escape(WRONG_TYPES[expression])):
        function(*arguments)


WRONG_VALUES = {
    "pyacts.elu(s, 1e300)": "alpha must be finite",
    "pyacts.softplus(x, 0)": "beta must be positive",
    "pyacts.hard_tanh(x, 3.0)": "max_val must be at least min_val",
    "pyacts.elu_backward(x, y=x, alpha=-1.0)": "from y, alpha must be at least 0",
    "pyacts.relu_backward(x, x[:2])": "grad and x must have the same shape",
    "pyacts.relu(x, out=x[:2])": "x and out must have the same shape",
    "pyacts.relu(x[:-1], out=x[1:])": "out overlaps x in memory",
    "pyacts.relu_backward_(x[0, :-1], x[0, 1:])": "grad overlaps x in memory",
    "pyacts.glu_backward_(x, k, k)": "gate and up share memory",
    "pyacts.relu_(np.lib.stride_tricks.as_strided(x, (3, 3), (8, 8)))": "elements of x share memory",
    "pyacts.softmax(x, axis=2)": "axis is out of bounds",
    "pyacts.softmax(x[:, :0])": "the axis has length 0",
    "pyacts.softmax(x, axis=0, causal=True)": "causal needs axis to be the last",
    "pyacts.softmax_(x, bias=x[0])": "bias overlaps x in memory",
    "pyacts.maxout_backward(x[:, :4], np.zeros((5, 4), np.int64), 2**62)": "pool_size makes the axis longer",
    "pyacts.maxout(x, 3)": "not a multiple of pool_size",
    "pyacts.prelu(x, x[0, :3])": "the weight does not broadcast",
    "pyacts.softmax_cross_entropy(x, i)": "labels must be from 0",
}


@pytest.mark.parametrize("expression", WRONG_VALUES)
def test_errors_when_run(expression):
    """ValueErrors, before anything is written."""
    x, other, single = np.full((5, 5), -1.0), np.full((5, 5), -1.0), np.full((5, 5), -1, np.float32)
    with pytest.raises(ValueError, match=re.escape(WRONG_VALUES[expression])):
        njit(from_text("x, k, s, i", f"return {expression}"))(x, other, single, LABELS)
    assert (x == -1).all()
    assert (other == -1).all()


# ----------------------------------------------------------------------------------------------------------------
# Numbers in a loop


def loop_of(names, calls, **options):
    """A compiled loop over the elements of the arrays with these names, which puts what each call gives into a row."""
    body = "for i in range(out.shape[1]):\n"
    body += "".join(f"        out[{k}, i] = scalar.{call}\n" for k, call in enumerate(calls))
    return njit(**options)(from_text(f"{names}, out", body))


def assert_like_the_kernels(directions, dtype):
    """The scalar forms of these (activation, direction) on numbers of every kind."""
    x, grad = numbers(2000, dtype), numbers(2000, dtype, seed=1)
    calls = []
    for activation, direction in directions:
        inputs = {"forward": "x[i]"}.get(direction, "grad[i], x[i]")
        parameters = "".join(f", {value}" for value in required(activation).values())
        calls.append(f"{activation.name}{suffix(direction)}({inputs}{parameters})")
    out = np.empty((len(calls), x.size), dtype)
    loop_of("x, grad", calls)(x, grad, out)
    for (activation, direction), found in zip(directions, out, strict=True):
        if direction == "forward":
            expected = getattr(pyacts, activation.name)(x, **required(activation))
        else:
            saved = {"y" if direction == "backward_y" else "x": x}
            expected = getattr(pyacts, f"{activation.name}_backward")(grad, **saved, **required(activation))
        assert_same(found, expected, activation.name, direction)


@pytest.mark.skipif(not SAME_BITS, reason="the library and Numba differ in fused multiply-adds")
def test_scalars():
    """A function of each way of computing, in both types; the slow tests have them all."""
    names = {"forward": ("hard_swish", "softplus", "gelu", "tanh_shrink"), "backward": ("relu", "elu", "dish")}
    directions = [(BY_NAME[name], direction) for direction in names for name in names[direction]]
    assert_like_the_kernels(directions, np.float32)
    assert_like_the_kernels([(BY_NAME["gelu_tanh"], "forward")], np.float64)


@pytest.mark.slow
@pytest.mark.skipif(not SAME_BITS, reason="the library and Numba differ in fused multiply-adds")
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("call", ELEMENTWISE_CALLS, ids=str)
def test_every_scalar(call, dtype):
    assert_like_the_kernels([(call.activation, call.direction)], dtype)


@pytest.mark.slow
@pytest.mark.skipif(_real.platform.machine() != "x86_64", reason="elsewhere there are always fused multiply-adds")
def test_scalars_without_fused_multiply_adds():
    """Compiled for the least of processors, they have the bits of the kernels for that."""
    environment = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "PYACTS_ISA": "baseline"}
    found = run(sys.executable, "-m", "pytest", "-q", __file__, "-k", "test_scalars", env=environment)
    assert "2 passed" in found


@pytest.mark.slow
@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a.kind == "gated"], ids=lambda a: a.name)
def test_every_gated_scalar(activation):
    """A pair is what the backward gives."""
    grad, gate, up = (numbers(1000, np.float64, seed) for seed in range(3))
    out = np.empty((3, gate.size))
    calls = [f"{activation.name}(gate[i], up[i])"]
    calls += [f"{activation.name}_backward(grad[i], gate[i], up[i])[{k}]" for k in range(2)]
    loop_of("grad, gate, up", calls)(grad, gate, up, out)
    assert_same(out[0], getattr(pyacts, activation.name)(gate, up))
    for found, expected in zip(out[1:], getattr(pyacts, f"{activation.name}_backward")(grad, gate, up), strict=True):
        assert_same(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("activation", [c.activation for c in ELEMENTWISE_CALLS], ids=lambda a: a.name)
def test_every_scalar_with_parameters(activation):
    values = drawn(activation, [p.name for p in activation.parameters], ())
    x = numbers(2000, np.float32)
    out = np.empty((1, x.size), np.float32)
    arguments = "".join(f", {float(value)!r}" for value in values.values())
    loop_of("x", [f"{activation.name}(x[i]{arguments})"])(x, out)
    assert_same(out[0], getattr(pyacts, activation.name)(x, **values), activation.name)


@pytest.mark.skipif(_real.platform.machine() != "x86_64" or not _real.FUSED, reason="looks for instructions of AVX2")
def test_scalars_vectorise():
    """The loop has vector instructions and calls nothing."""
    loop = loop_of("a, b", ["gelu(a[i] * np.float32(0.5) + b[i])"])
    a = numbers(1000, np.float32, special=False)
    out = np.empty((1, a.size), np.float32)
    loop(a, a, out)
    (assembly,) = loop.inspect_asm().values()
    assert len(re.findall(r"vfn?madd\w+ps", assembly)) > 10
    assert not re.findall(r"call\w*\s+\S*(exp|fma|erf)", assembly)
    assert_same(out[0], pyacts.gelu(a * np.float32(0.5) + a))


def test_scalars_keep_their_bits_under_fastmath():
    """A loop compiled with fastmath may not rearrange what is inside them."""
    x = numbers(2000, np.float32)
    out, fast = np.empty((1, x.size), np.float32), np.empty((1, x.size), np.float32)
    loop_of("x", ["elu(x[i])"])(x, out)
    loop_of("x", ["elu(x[i])"], fastmath=True)(x, fast)
    assert_same(fast, out)


FASTMATH_FIRST = """
import numpy as np
import pyacts
import pyacts.numba
from numba import njit
from pyacts.numba import scalar

@njit(fastmath=True)
def theirs(x, y, alpha):
    pyacts.elu(x, alpha, out=y)
    return scalar.identity_backward(1.0, y[0]) + scalar.log_sigmoid(y[1]) + scalar.squareplus(y[1])

@njit
def identity_backward(grad, x):
    return scalar.identity_backward(grad, x), pyacts.identity_backward(grad, x)

@njit
def edges(x):
    return scalar.log_sigmoid(x), scalar.squareplus(x)

x = np.ones(2)
theirs(x, x, 1.0)
assert np.isnan(identity_backward(1.0, np.nan)).all()
assert str(edges(np.inf)) == "(-0.0, inf)"
for alpha in (np.nan, np.inf):
    try:
        theirs(x, x, alpha)
    except ValueError:
        continue
    raise AssertionError("alpha is not checked")
print("ok")
"""


def test_fastmath_of_the_first_caller_stays_with_it():
    """Numba compiles what is called with the caller's options: whoever is first decides for all, and for caches."""
    assert run(sys.executable, "-c", FASTMATH_FIRST) == "ok\n"


def test_types_of_scalars():
    """float32 if all numbers are; what is mixed is float64."""
    function = njit(lambda x, z: (np.array([scalar.elu(z)]), np.array([scalar.elu_backward(x, z)]), scalar.relu(2)))
    single, double, number = function(0.5, np.float32(0.5))
    assert (single.dtype, double.dtype, number) == (np.float32, np.float64, 2.0)
    assert scalar.elu(-1.0, alpha=0.5) == pyacts.elu(-1.0, 0.5)  # from Python as well


# ----------------------------------------------------------------------------------------------------------------
# Options of njit


def test_parallel():
    """In parallel loops: numbers, rows, and the functions on arrays."""

    def function(x, bias):
        for i in prange(x.shape[0]):
            for j in range(x.shape[1]):
                x[i, j] = scalar.elu(x[i, j] + bias[j], 0.5)
            pyacts.softmax_(x[i])
        return pyacts.gelu(x)

    x = numbers((40, 50), np.float64, special=False)
    wanted = pyacts.gelu(pyacts.softmax(pyacts.elu(x + x[0], 0.5)))
    assert_same(njit(parallel=True, nogil=True)(function)(x.copy(), x[0].copy()), wanted)


CACHED = """
import numpy as np
import pyacts
from numba import njit
IMPORT

@njit(cache=True, nogil=True)
def layer(x, w, out):
    z = x @ w
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = pyacts.elu(z[i, j] + 1.0)
    pyacts.softmax_(z)
    return pyacts.hard_swish(z, out=out)
"""

RUN = """
import numpy as np, layer
x, out = np.eye(3), np.empty((3, 3))
print(layer.layer(x, x, out).sum())
print(sum(layer.layer.stats.cache_hits.values()), sum(layer.layer.stats.cache_misses.values()))
"""


def test_caching(tmp_path):
    """A second process compiles nothing. It need not import pyacts.numba: Numba calls the entry point."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
    (tmp_path / "layer.py").write_text(CACHED.replace("IMPORT", "import pyacts.numba"))
    compiled = run(sys.executable, "-c", RUN, env=environment).split()
    assert compiled[1:] == ["0", "1"]
    assert run(sys.executable, "-c", RUN, env=environment).split() == [compiled[0], "1", "0"]
    entry_points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    module, _, function = entry_points["numba_extensions"]["init"].partition(":")
    start = f"import {module}; {module}.{function}()"
    found = run(sys.executable, "-c", start + RUN.replace("import numpy", "\nimport sys, numpy"), env=environment)
    assert found.split() == [compiled[0], "1", "0"]


def test_without_numba():
    program = "import sys; sys.modules['numba'] = None; import pyacts.numba"
    with pytest.raises(AssertionError, match="needs Numba: pip install numba"):
        run(sys.executable, "-c", program)


def test_sizes_of_every_integer_type():
    """np.uint64 and np.int64 together would be a float."""
    x, grad = np.arange(8.0), np.arange(4.0)
    pooled, index = pyacts.maxout(x, 2, return_index=True)
    forward = njit(lambda x, p: pyacts.maxout(x, p, return_index=True))
    backward = njit(lambda g, i, p: pyacts.maxout_backward(g, i, p))
    softmax = njit(lambda x, axis: pyacts.softmax(x, axis))
    for kind in (np.uint64, np.uint8, np.int32):
        for got, want in zip(forward(x, kind(2)), (pooled, index), strict=True):
            assert_same(got, want)
        assert_same(backward(grad, index, kind(2)), pyacts.maxout_backward(grad, index, 2))
        assert_same(softmax(x.reshape(2, 4), kind(1)), pyacts.softmax(x.reshape(2, 4), 1))


def test_one_label_is_for_one_line():
    loss = njit(lambda x, label: pyacts.softmax_cross_entropy(x, label))
    assert loss(np.zeros(4), 1) == np.log(4)
    with pytest.raises(TypingError, match="shape of logits without the axis"):
        loss(np.zeros((3, 4)), 1)


@pytest.mark.parametrize("option", ["bias", "sink"])
def test_fields_of_packed_records(option):
    record = np.zeros(6, [("a", "f4"), ("b", "f8")])["b"]
    function = njit(
        {"bias": lambda x, b: pyacts.softmax(x, bias=b), "sink": lambda x, b: pyacts.softmax(x, sink=b)}[option]
    )
    with pytest.raises(ValueError, match=f"{option} has elements that are not a multiple of their size apart"):
        function(np.zeros((6, 6)), record)
