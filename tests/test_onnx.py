"""ONNX's own test vectors, which come with its package, for every operator that has a counterpart here.

Their results were computed with NumPy in the dtype of the input, by formulas that round at every step: they are not
exact themselves, and so compared to a few ULP of the dtype. (ONNX's backends are allowed 1e-3.)
"""

import warnings

import numpy as np
import pytest
from common import TYPES, finfo

import pyacts

onnx = pytest.importorskip("onnx")

ULP = 4  # what they may differ by


def clip(x, minimum=None, maximum=None):
    """With both bounds, in order, as hard_tanh takes them."""
    if minimum is None or maximum is None or minimum > maximum:
        return None
    return pyacts.hard_tanh(x, minimum, maximum)


def gelu(x, approximate=b"none"):
    return pyacts.get("gelu_tanh" if approximate == b"tanh" else "onnx.Gelu")(x)


def selu(x, alpha=None, gamma=None):
    """Ours has no parameters: with others it is a multiple of elu."""
    return pyacts.get("onnx.Selu")(x) if alpha is None else gamma * pyacts.elu(x, alpha)


def shrink(x, lambd=0.5, bias=0.0):
    """Two functions in one."""
    if bias == 0:
        return pyacts.get("onnx.Shrink")(x, lambd)
    return pyacts.soft_shrink(x, lambd) if bias == lambd else None


def reduce_log_sum_exp(x, axes, keepdims=1):
    """Along one axis, or all. Nothing has no largest number."""
    if not x.size:
        return None
    if not axes.size:
        y = pyacts.logsumexp(x.reshape(-1))
        return y.reshape((1,) * x.ndim) if keepdims else y
    return pyacts.logsumexp(x, *axes, keepdims=bool(keepdims))


def softmax_cross_entropy_loss(x, labels, weight=None, reduction=b"mean", ignore_index=None):
    """Its second output are the logarithms of the probabilities."""
    f = pyacts.get("onnx.SoftmaxCrossEntropyLoss")
    loss = f(x, labels, 1, weight=weight, ignore_index=ignore_index, reduction=reduction.decode())
    return loss, pyacts.log_softmax(x, 1)


def renamed(**names):
    """A call of the function that get gives for the operator, its attributes under other names here."""
    return lambda f, *inputs, **attributes: f(*inputs, **{names.get(k, k): v for k, v in attributes.items()})


SAME = renamed()

# The operators, and how they are called here, given the function of that name.
NAMED = {
    "Celu": SAME,
    "Elu": SAME,
    "Exp": SAME,
    "Hardmax": SAME,
    "HardSigmoid": renamed(alpha="slope", beta="offset"),
    "HardSwish": SAME,
    "Identity": SAME,
    "LeakyRelu": renamed(alpha="negative_slope"),
    "LogSoftmax": SAME,
    "Mish": SAME,
    "PRelu": SAME,
    "Relu": SAME,
    "Sigmoid": SAME,
    "Softmax": SAME,
    "Softplus": SAME,
    "Softsign": SAME,
    "SwiGLU": renamed(alpha="beta"),
    "Swish": renamed(alpha="beta"),
    "Tanh": SAME,
    "ThresholdedRelu": renamed(alpha="threshold"),
}
# Those that are not one function here. They give None where there is no counterpart.
OTHERS = {
    "Clip": clip,
    "Gelu": gelu,
    "ReduceLogSumExp": reduce_log_sum_exp,
    "Selu": selu,
    "Shrink": shrink,
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy_loss,
}
# How many tests some of them have at least, so that none gets lost.
RAN = {"Celu": 3, "Elu": 3, "Softmax": 7, "ReduceLogSumExp": 6, "SoftmaxCrossEntropyLoss": 34}


@pytest.fixture(scope="module")
def cases():
    """By operator: name, attributes, inputs and outputs of its tests in our dtypes."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of overflow and the like, in computing the vectors
        found = collect_testcases()
    cases = {operator: [] for operator in (*NAMED, *OTHERS)}
    for case in found:
        node, *more = case.model.graph.node
        ((inputs, outputs),) = case.data_sets
        expanded = more or "_expanded" in case.name
        if node.op_type in cases and not expanded and getattr(inputs[0], "dtype", None) in TYPES.values():
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            cases[node.op_type].append((case.name, attributes, inputs, outputs))
    return cases


def computed(operator, attributes, inputs):
    if operator in OTHERS:
        return OTHERS[operator](*inputs, **attributes)
    return NAMED[operator](pyacts.get(f"onnx.{operator}"), *inputs, **attributes)


@pytest.mark.parametrize("operator", [*NAMED, *OTHERS])
def test_operator(operator, cases):
    ran = 0
    for name, attributes, inputs, outputs in cases[operator]:
        got = computed(operator, attributes, inputs)
        if got is None:
            continue
        for y, want in zip(got if isinstance(got, tuple) else (got,), outputs, strict=False):  # some have one less
            assert y.shape == want.shape, name
            assert y.dtype == want.dtype, name
            np.testing.assert_allclose(y.astype(float), want.astype(float), rtol=ULP * float(finfo(y.dtype).eps))
        ran += 1
    assert ran >= RAN.get(operator, 1)
