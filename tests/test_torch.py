"""The same values as torch, where torch is right: on numbers of moderate size. docs/differences.md has the rest."""

import re

import numpy as np
import pytest
from common import ROOT
from oracle import ELEMENTWISE

import pyacts
from pyacts.catalog import ACTIVATIONS

pytest.importorskip("torch")

from bench.differences import FAMILY, Torch

TORCH = Torch()
FUNCTIONS = TORCH.functions()
per_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# In units of the dtype's eps. What torch loses on these numbers it loses next to 1: tanh_shrink near 0, the derivatives
# of sigmoid and tanh where y is near 1, those of silu and hard_swish near their zeros.
RTOL, ATOL = 16, 4
ATOL_OF = {"gelu": 64, "gelu_tanh": 64}  # it loses that next to 1, and multiplies it by x and grad
ATOL_OF["log_softmax"] = 8  # both round e**y sum(grad), up to 10 here, from which grad is subtracted


def x_and_grad(dtype, shape=(20_000,)):
    """Up to 8, with what is special but for the infinities and NaN."""
    random = np.random.default_rng(0)
    x = random.uniform(-8, 8, shape).astype(dtype)
    x.flat[:16] = [0.0, -0.0, 0.5, -0.5, 1, -1, 3, -3, 6, -6, 1e-3, -1e-3, 1e-6, -1e-6, 1e-12, -1e-12]
    return x, random.normal(size=shape).astype(dtype)


def check(got, want, dtype, name=""):
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(got, want, rtol=RTOL * eps, atol=ATOL_OF.get(name, ATOL) * eps)


def gradient(f, grad, x):
    x = TORCH.module.from_numpy(x).requires_grad_()
    f(x).backward(TORCH.module.from_numpy(grad))
    return x.grad.numpy()


@per_dtype
@pytest.mark.parametrize("activation", [a for a in ELEMENTWISE if a.name in FUNCTIONS], ids=lambda a: a.name)
def test_elementwise(activation, dtype):
    f = FUNCTIONS[activation.name]
    parameters = {p.name: 0.25 for p in activation.parameters if p.default is None}
    x, grad = x_and_grad(dtype)
    y = pyacts.get(activation.name)(x, **parameters)
    check(y, TORCH.forward(f, x), dtype, activation.name)
    backward, want = pyacts.get(activation.name, direction="backward"), gradient(f, grad, x)
    if activation.name == "hard_sigmoid":
        dtype = np.float32  # torch's slope is a float32 there
    check(backward(grad, x, **parameters), want, dtype, activation.name)
    if activation.derivative_y:
        check(backward(grad, y=y, **parameters), want, dtype)


@per_dtype
@pytest.mark.parametrize("name", FAMILY)
def test_along_an_axis(name, dtype):
    f = FUNCTIONS[name]
    x, grad = x_and_grad(dtype, (200, 100))
    y = TORCH.forward(f, x)
    grad = grad.reshape(-1)[: y.size].reshape(y.shape)
    check(pyacts.get(name)(x), y, dtype, name)
    check(pyacts.get(name, direction="backward")(grad, x), gradient(f, grad, x), dtype, name)


def test_every_function_has_been_measured():
    """Else: python -m bench.differences --write."""
    page = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    assert {f"`{a.name}`" for a in ACTIVATIONS if a.name in FUNCTIONS} <= set(re.findall(r"(?<=^\| )`\w+`", page, re.M))


@per_dtype
def test_glu(dtype):
    """torch has the gate in the second half."""
    f = TORCH.module.nn.functional.glu
    x, grad = x_and_grad(dtype, (200, 100))
    x /= 4
    gate, up = pyacts.split_gate(x, gate="second")
    grad = grad[:, :50].copy()
    check(pyacts.glu(gate, up), TORCH.forward(f, x), dtype)
    dgate, dup = pyacts.glu_backward(grad, gate, up)
    check(np.concatenate([dup, dgate], 1), gradient(f, grad, x), dtype)


@per_dtype
def test_cross_entropy(dtype):
    f = TORCH.module.nn.functional.cross_entropy
    x, _ = x_and_grad(dtype, (200, 10))
    labels = np.random.default_rng(1).integers(10, size=200)
    for reduction in ("mean", "sum"):
        loss = lambda x: f(x, TORCH.module.from_numpy(labels), reduction=reduction)  # noqa: E731, B023
        got = pyacts.softmax_cross_entropy(x, labels, reduction=reduction)
        check(got, TORCH.forward(loss, x), dtype)
        got = pyacts.softmax_cross_entropy_backward(dtype(1), x, labels, reduction=reduction)
        check(got, gradient(loss, np.ones((), dtype), x), dtype)
