"""Run by test_c_face.py in a process for each instruction-set level: python level_results.py FILE saves the results of
every function on the same numbers."""

import sys

import numpy as np
from common import CALLS, DTYPES, REQUIRED, is_elementwise, numbers

import pyacts

random = np.random.default_rng(3)
OPTIONS = {
    "scale": {"scale": 0.3},
    "where": {"where": random.random((40, 1, 33)) < 0.7},
    "bias": {"bias": random.normal(size=(24, 33)), "scale": -1.7},
    "causal": {"causal": 2},
    "sink": {"sink": 1.5, "causal": True},
}


def results():
    found = {"isa": np.array(pyacts.isa())}
    for dtype in DTYPES:
        for call in CALLS:
            for kind, shape in (("row", (20_011,)), ("rows", (40, 25)), ("columns", (3, 50, 37))):
                inputs = call.inputs(shape, dtype, seed=11)
                if call.direction == "backward_y":  # not the y of the forward, which differs from level to level
                    inputs[1] = np.abs(numbers(shape, dtype, 12, is_elementwise(call.activation)))
                axis = {"axis": 1} if call.activation.kind == "softmax" and kind == "columns" else {}
                found[f"{call} {dtype} {kind} first input"] = inputs[0]
                found[f"{call} {dtype} {kind}"] = call(*inputs, **axis)
                for parameter in call.activation.parameters:
                    array = np.array(np.random.default_rng(1).uniform(0.1, 3, shape), dtype)
                    found[f"{call} {dtype} {kind} {parameter.name} array"] = call(*inputs, **{parameter.name: array})
                    if parameter.name not in REQUIRED:
                        found[f"{call} {dtype} {kind} {parameter.name}"] = call(*inputs, **{parameter.name: 1.7})
        x = np.random.default_rng(2).normal(size=(40, 24, 33)).astype(dtype)
        for axis in range(3):
            weight = np.full(np.where(np.arange(3) == axis, x.shape, 1), 0.5, dtype)
            found[f"prelu_parameter_grad {dtype} {axis}"] = pyacts.prelu_parameter_grad(x, x[::-1], weight)
        found[f"prelu_parameter_grad {dtype}"] = pyacts.prelu_parameter_grad(x, x[::-1], 0.5)
        for kind, keywords in OPTIONS.items():
            found[f"softmax {dtype} {kind}"] = y = pyacts.softmax(x, **keywords)
            found[f"softmax_backward {dtype} {kind}"] = pyacts.softmax_backward(x[::-1], y=abs(x), **keywords)
            found[f"softmax {dtype} {kind} columns"] = pyacts.softmax(x, 1, **keywords | {"causal": False})
            found[f"log_softmax {dtype} {kind}"] = pyacts.log_softmax(x, **keywords)
            found[f"logsumexp {dtype} {kind}"] = pyacts.logsumexp(x, **keywords)
            found[f"logsumexp_backward {dtype} {kind}"] = pyacts.logsumexp_backward(y[..., 0], x, **keywords)
        y, index = pyacts.maxout(x, 4, 1, return_index=True)
        found[f"maxout {dtype}"], found[f"maxout index {dtype}"] = y, index
        found[f"maxout_backward {dtype}"] = pyacts.maxout_backward(y, index, 4, 1)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **results())
