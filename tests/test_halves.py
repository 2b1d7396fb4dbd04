"""float16 and bfloat16: all 65,536 numbers of each, and bfloat16 that comes into the process late."""

import os
import sys

import numpy as np
import pytest
from common import ELEMENTWISE_CALLS, HALVES, TESTS, assert_same, defaults, drawn, everything, finfo, finite, run
from oracle import check, exact, product, ulp, unit_of

import pyacts

elementwise_call = pytest.mark.parametrize("call", ELEMENTWISE_CALLS, ids=str)
backward_call = pytest.mark.parametrize("call", [c for c in ELEMENTWISE_CALLS if c.direction != "forward"], ids=str)
per_half = pytest.mark.parametrize("dtype", HALVES.values(), ids=HALVES)


def values(call):
    """The parameters' defaults."""
    return tuple(defaults(call.activation).values())


def shuffled(numbers, seed):
    return np.random.default_rng(seed).permutation(numbers)


# ----------------------------------------------------------------------------------------------------------------
# Against the oracle


def where_defined(call, dtype):
    """All finite numbers that the direction can be asked about; from y, those that the function can give."""
    x = finite(dtype)
    if call.saved == "x":
        return x
    ends = finfo(dtype).min, finfo(dtype).max
    low, high = exact(call.activation, "forward", np.array(ends, dtype), values(call))
    return x[(x.astype(float) >= low) & (x.astype(float) <= high)]


def float_unit(call, at, want):
    """The unit that the bounds of the catalogue for float32 are in."""
    return unit_of(call.activation, call.direction, at.astype(np.float32), values(call), want)


@per_half
@elementwise_call
def test_result_is_the_exact_one_rounded(call, dtype):
    """Half an ULP, and what the error of the float that is rounded adds to that."""
    at = where_defined(call, dtype)
    want = exact(call.activation, call.direction, at, values(call))
    bound = 0.5 + call.activation.max_ulp["f32"][call.direction] * float_unit(call, at, want) / ulp(abs(want), dtype)
    got = call(at) if call.direction == "forward" else call(np.ones_like(at), at)
    check(str(call), at, got, want, bound)


@per_half
@backward_call
@pytest.mark.parametrize("seed", [1, 2])
def test_backward_is_grad_times_slope(call, dtype, seed):
    """For grads that are all the finite numbers too."""
    at = where_defined(call, dtype)
    grad = shuffled(np.resize(finite(dtype), at.size), seed)
    slope = exact(call.activation, call.direction, at, values(call))
    at, grad, slope = (v[abs(slope) <= np.finfo(np.float32).max] for v in (at, grad, slope))
    bound = call.activation.max_ulp["f32"][call.direction]
    want, unit, allowed = product(slope, float_unit(call, at, slope), bound, grad)
    # product() allows for the rounding to a half: the float has been rounded before.
    check(f"{call} with grad", at, call(grad, at), want, allowed + 2.0**-13, unit)


# ----------------------------------------------------------------------------------------------------------------
# Against the float32 kernels


@per_half
@elementwise_call
def test_result_is_that_of_float32_rounded(call, dtype):
    """To nearest, ties to even, for every input, grad and parameter: NaN, infinities and numbers out of range too."""
    x = everything(dtype)
    names = [p.name for p in call.activation.parameters]
    for seed in range(4 if names else 2):
        inputs = [x] if call.direction == "forward" else [shuffled(x, seed) if seed else np.ones_like(x), x]
        parameters = drawn(call.activation, names, (), seed) if seed > 1 else {}
        if seed == 3:
            parameters = drawn(call.activation, names, x.shape, seed)
        with np.errstate(all="ignore"):
            expected = call(*(a.astype(np.float32) for a in inputs), **parameters).astype(dtype)
        assert_same(call(*inputs, **parameters), expected, call, np.dtype(dtype), seed)


@pytest.mark.parametrize("level", ["baseline", "avx2"])
def test_at_level(level):
    """The tests above in a process of that level: it converts halves in its own way."""
    if pyacts.isa() in (level, "neon"):
        pytest.skip("is this process")
    command = [sys.executable, "-m", "pytest", "-q", TESTS / "test_halves.py", "-k", "rounded or grad_times_slope"]
    run(*command, env={**os.environ, "PYACTS_ISA": level})


# ----------------------------------------------------------------------------------------------------------------
# bfloat16 that comes late: NumPy does not know it when pyacts is imported, nor pyacts before the call

LATE = {
    "direct": "pyacts.elu(x)",
    "in place": "pyacts.elu_(x)",
    "backward": "pyacts.elu_backward(grad, x)",
    "backward in place": "pyacts.elu_backward_(grad, y=x)",
    "strided": "pyacts.tanh(x[::2])",
    "strided in place": "pyacts.tanh_(x[::2])",
    "strided backward": "pyacts.tanh_backward(grad[::2], x[::2])",
    "strided backward in place": "pyacts.tanh_backward_(grad[::2], x[::2])",
    "byteswapped": "pyacts.tanh(x.astype(x.dtype.newbyteorder())).astype(kind)",
    "integer parameter": "pyacts.elu(x, 2)",
    "array parameter": "pyacts.elu(x, [1, 2, 3, 4, 5, 6])",
    "parameter of its own": "pyacts.elu(x, kind(0.5))",
    "parameter beside float32": "pyacts.elu(x.astype(np.float32), x[3:4]).astype(kind)",
    "parameter_grad": "np.asarray(pyacts.elu_parameter_grad(grad, x)).astype(kind)",
    "scalar": "pyacts.elu(x[0])",
    "0-d": "pyacts.elu(x[0, ...])",
    "list of scalars": "pyacts.tanh(list(x))",
    "list beside an array": "pyacts.tanh_backward([1, 2, 3, 4, 5, 6], x)",
    "list of scalars beside an array": "pyacts.tanh_backward(list(grad), x)",
    "out": "pyacts.tanh(x.astype(np.float32), out=np.empty_like(x))",
    "where": "pyacts.tanh(x, where=np.arange(6) > 2, out=np.zeros_like(x))",
    "dtype": "pyacts.elu(x.astype(np.float32), dtype=kind)",
    "dtype without parameters": "pyacts.tanh(x.astype(np.float32), dtype=kind)",
    "softmax": "pyacts.softmax(x)",
    "softmax in place": "pyacts.softmax_(x)",
    "softmax strided": "pyacts.softmax(x[::2])",
    "softmax strided in place": "pyacts.softmax_(x[::2])",
    "softmax backward": "pyacts.softmax_backward(grad, y=x)",
    "softmax backward in place": "pyacts.softmax_backward_(grad, y=x)",
    "softmax of a list": "pyacts.softmax(list(x))",
    "softmax dtype": "pyacts.softmax(x.astype(np.float32), dtype=kind)",
    "maxout": "pyacts.maxout(x, 2)",
    "maxout strided": "pyacts.maxout(x[::-1], 3)",
    "maxout backward": "pyacts.maxout_backward(grad, [0, 1, 0, 1, 0, 1], 2)",
}
PROGRAM = """
import pickle, sys
import numpy as np
import pyacts
from pyacts import _ufuncs

assert "ml_dtypes" not in sys.modules
from ml_dtypes import bfloat16

def result(kind):
    x = np.array([-1.5, -0.25, 0, 0.5, 1.75, 3], kind)
    grad = np.array([3, -1, 0.5, -0.5, 2, 1], kind)
    return {expression}

late, expected = result(bfloat16), np.asarray(result(np.float32)).astype(bfloat16)
assert late.dtype == bfloat16, late.dtype
assert late.tobytes() == expected.tobytes(), (late, expected)
pyacts.tanh(np.ones(1, bfloat16))  # an out of it is not enough for the ufuncs to know it
for name in _ufuncs.__all__:
    ufunc = getattr(_ufuncs, name)
    types = ufunc.types[0].partition("->")[0]  # e for x and grad, f for parameters
    arguments = [np.ones(3, bfloat16 if t == "e" else np.float32) for t in types]
    results = ufunc(*arguments)
    assert all(r.dtype == bfloat16 for r in (results if isinstance(results, tuple) else (results,))), name
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc
"""


@pytest.mark.skipif("bf16" not in HALVES, reason="no ml_dtypes")
@pytest.mark.parametrize("expression", LATE.values(), ids=LATE)
def test_bfloat16_that_comes_late(expression):
    run(sys.executable, "-W", "error", "-c", PROGRAM.replace("{expression}", expression))


def test_without_ml_dtypes():
    """It is optional: everything else works where it is not installed."""
    program = """
import sys
sys.modules["ml_dtypes"] = None
import numpy as np
import pyacts
assert pyacts.tanh(np.ones(2, np.float16)).dtype == np.float16
for wrong in (np.zeros(2, "V2"), np.zeros(2, np.uint16).view("V2")):
    try:
        pyacts.tanh(wrong)
    except TypeError:
        continue
    raise AssertionError("bits without a type")
"""
    run(sys.executable, "-W", "error", "-c", program)
