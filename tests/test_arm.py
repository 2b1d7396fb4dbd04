"""The same bits on 64-bit Arm: libpyacts cross-compiled (``make arm``), run under user-mode qemu, against this machine.

tests/c/run_calls.c runs the same calls with both libraries. Skipped where the library was not built.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, field

import numpy as np
import pytest
from common import (
    CALLS,
    EXACT_CALLS,
    ROOT,
    SUFFIXES,
    TESTS,
    assert_same,
    defaults,
    drawn,
    is_elementwise,
    numbers,
    parameter_type,
    run,
    suffix,
)

import pyacts
from pyacts.catalog import ACTIVATIONS

LIBRARY = ROOT / "build" / "aarch64" / "libpyacts.so.0"
CC = os.environ.get("ARM_CC", "aarch64-linux-gnu-gcc")
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
SYSTEM = "/usr/aarch64-linux-gnu"  # where distributions put the C library for the cross compiler

pytestmark = [
    pytest.mark.skipif(not LIBRARY.exists(), reason="make arm builds what this needs"),
    pytest.mark.skipif(not (QEMU and shutil.which(CC)), reason="no qemu-aarch64 or no cross compiler"),
    pytest.mark.skipif(pyacts.isa() == "baseline", reason="without FMA results are rounded differently"),
]


@dataclass
class Case:
    """A line for run_calls, with inputs, and arrays like the outputs."""

    line: str
    inputs: list
    outputs: list
    name: str = field(init=False)

    def __post_init__(self):
        self.name = " ".join(self.line.split()[:4])


def kernel(name, dtype, direction, inputs, outputs, params=()):
    n, itemsize = inputs[0].size, inputs[0].itemsize
    words = [name, SUFFIXES[dtype], direction, n, itemsize, len(inputs), outputs, len(params)]
    line = " ".join(map(str, ["kernel", *words, *(float(p).hex() for p in params)]))
    return Case(line, inputs, [np.empty_like(inputs[0]) for _ in range(outputs)])


def function(symbol, sizes, arrays, outputs):
    """A function that takes sizes, arrays, of which None is NULL, and outputs."""
    words = ["function", symbol, len(sizes), *sizes, len(arrays) + len(outputs)]
    words += ["n0" if a is None else f"i{a.nbytes}" for a in arrays] + [f"o{a.nbytes}" for a in outputs]
    return Case(" ".join(map(str, words)), [a for a in arrays if a is not None], outputs)


def elementwise(dtype):
    for call in CALLS + (EXACT_CALLS if dtype == "float32" else []):
        a = call.activation
        if is_elementwise(a):
            inputs = call.inputs(3001, dtype, seed=4)
            name = f"{a.name}_exact" if call.exact else a.name
            yield kernel(name, dtype, call.direction, inputs, 1, defaults(a).values())
            if a.parameters:
                other = drawn(a, [p.name for p in a.parameters], (), 5).values()
                yield kernel(name, dtype, call.direction, inputs, 1, other)


def gated(dtype):
    for a in ACTIVATIONS:
        if a.kind == "gated":
            for name in (a.name, f"{a.name}_exact") if dtype == "float32" else (a.name,):
                inputs = [numbers(3001, dtype, seed) for seed in (6, 7, 8)]
                params = [p.default for p in a.parameters]
                yield kernel(name, dtype, "forward", inputs[1:], 1, params)
                yield kernel(name, dtype, "backward", inputs, 2, params)


def along_an_axis(dtype):
    for call in CALLS + (EXACT_CALLS if dtype == "float32" else []):
        if not is_elementwise(call.activation):
            long_lines = ((1, 70_000, 1),) if "softmax" in call.activation.name else ()
            for shape in ((70, 10, 1), (5, 300, 1), (1, 5000, 1), (3, 50, 37), *long_lines):
                inputs = call.inputs(shape, dtype, seed=9)
                symbol = f"pyacts_{call.activation.name}{'_exact' if call.exact else ''}{suffix(call.direction)}"
                yield function(f"{symbol}_{SUFFIXES[dtype]}", shape, inputs, [np.empty_like(inputs[0])])


def others(dtype):
    d = SUFFIXES[dtype]
    shape = (4, 24, 33)
    x, grad = (numbers(shape, dtype, seed, special=False) for seed in (10, 11))
    pooled, line = np.empty((4, 6, 33), dtype), np.empty((4, 33), dtype)
    yield function(f"pyacts_maxout_{d}", (*shape, 4), [x], [pooled, np.empty(pooled.shape, np.uint64)])
    random = np.random.default_rng(12)
    which = random.integers(4, size=pooled.shape).astype(np.uint64)
    yield function(f"pyacts_maxout_backward_{d}", (*shape, 4), [grad[:, :6].copy(), which], [np.empty_like(x)])
    doubled = np.concatenate([grad, -grad], axis=1)
    yield function(f"pyacts_crelu_{d}", shape, [x], [np.empty_like(doubled)])
    yield function(f"pyacts_crelu_backward_{d}", shape, [doubled, x], [np.empty_like(x)])
    yield function(f"pyacts_crelu_backward_y_{d}", shape, [doubled, abs(doubled)], [np.empty_like(x)])
    own = parameter_type(dtype)
    labels, shares = random.integers(24, size=line.shape), random.random(shape).astype(dtype)
    weight, losses = random.random(24).astype(own), np.empty(line.shape, own)
    for given in ([labels, None, weight], [labels, None, None], [None, shares, None]):
        yield function(f"pyacts_softmax_cross_entropy_{d}", shape, [x, *given], [losses])
        grads = random.normal(size=line.shape).astype(own)
        yield function(f"pyacts_softmax_cross_entropy_backward_{d}", shape, [grads, x, *given], [np.empty_like(x)])
    for direction in ("", "_backward"):
        yield function(f"pyacts_sigmoid_cross_entropy{direction}_{d}", (x.size,), [x, shares], [np.empty_like(x)])
    yield function(f"pyacts_logsumexp_{d}", shape, [x], [line])
    yield function(f"pyacts_logsumexp_backward_{d}", shape, [grad[:, 0].copy(), x], [np.empty_like(x)])
    for a in ACTIVATIONS:
        values = [np.full(24, value, parameter_type(dtype)) for value in defaults(a).values()]
        if a.learned:
            gradients = [np.empty(24, parameter_type(dtype)) for _ in a.learned]
            yield function(f"pyacts_{a.name}_parameter_grad_{d}", shape, [grad, x, *values], gradients)


def results(cases, *command):
    """The outputs of the cases, as a library gives them."""
    sent = b"".join(c.line.encode() + b"\n" + b"".join(a.tobytes() for a in c.inputs) for c in cases)
    done = subprocess.run([str(c) for c in command], input=sent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    at = 0
    for case in cases:
        for like in case.outputs:
            yield case.name, np.frombuffer(done.stdout, like.dtype, like.size, at)
            at += like.nbytes
    assert at == len(done.stdout)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Commands for run_calls with this machine's library and with Arm's."""
    folder = tmp_path_factory.mktemp("programs")
    here, arm = folder / "here", folder / "arm"
    for compiler, program in (("cc", here), (CC, arm)):
        options = ["-std=c99", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{pyacts.get_include()}"]
        run(compiler, *options, TESTS / "c" / "run_calls.c", "-o", program, "-ldl")
    return (here, pyacts.get_library()), (QEMU, "-L", SYSTEM, arm, LIBRARY)


@pytest.mark.parametrize("dtype", SUFFIXES)
@pytest.mark.parametrize("family", [elementwise, gated, along_an_axis, others], ids=lambda f: f.__name__)
def test_same_bits(family, dtype, programs):
    cases = list(family(dtype))
    here, arm = (results(cases, *command) for command in programs)
    for (name, got), (_, expected) in zip(arm, here, strict=True):
        if got.dtype.kind == "u":
            np.testing.assert_array_equal(got, expected, name)
        else:
            assert_same(got, expected, name)
