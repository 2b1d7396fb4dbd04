"""Run by test_c_face.py in a process for each instruction-set level: python level_results.py FILE saves the results of
every function on the same numbers."""

import sys

import numpy as np
from common import CALLS, DTYPES, EXACT_CALLS, drawn, is_elementwise, numbers, parameter_grads

import pyacts
from pyacts.catalog import ACTIVATIONS

random = np.random.default_rng(3)
OPTIONS = {
    "scale": {"scale": 0.3},
    "where": {"where": random.random((40, 1, 33)) < 0.7},
    "bias": {"bias": random.normal(size=(24, 33)), "scale": -1.7},
    "causal": {"causal": 2},
    "sink": {"sink": 1.5, "causal": True},
}


def results():
    found = {}
    for dtype in DTYPES:
        for call in CALLS + (EXACT_CALLS if dtype == "float32" else []):
            for kind, shape in (("row", (20_011,)), ("rows", (40, 25)), ("columns", (3, 50, 37))):
                inputs = call.inputs(shape, dtype, seed=11)
                if call.direction == "backward_y":  # not the y of the forward, which differs from level to level
                    inputs[1] = np.abs(numbers(shape, dtype, 12, is_elementwise(call.activation)))
                axis = {"axis": 1} if call.activation.kind == "softmax" and kind == "columns" else {}
                found[f"{call} {dtype} {kind} first input"] = inputs[0]
                found[f"{call} {dtype} {kind}"] = call(*inputs, **axis)
                names = [p.name for p in call.activation.parameters]
                if names:
                    arrays = drawn(call.activation, names, shape, 1)
                    found[f"{call} {dtype} {kind} arrays"] = call(*inputs, **arrays)
                    found[f"{call} {dtype} {kind} others"] = call(*inputs, **drawn(call.activation, names, (), 2))
        for activation in (a for a in ACTIVATIONS if a.kind == "gated"):
            grad, gate, up = (numbers(20_011, dtype, seed) for seed in (13, 14, 15))
            dgate, dup = getattr(pyacts, f"{activation.name}_backward")(grad, gate, up)
            with np.errstate(all="ignore"):
                found[f"{activation.name}-backward {dtype} gate first input"] = grad * up
            found[f"{activation.name}-backward {dtype} gate"] = dgate
            found[f"{activation.name}-dup {dtype}"] = dup
            found[f"{activation.name} {dtype}"] = getattr(pyacts, activation.name)(gate, up)
        x = np.random.default_rng(2).normal(size=(40, 24, 33)).astype(dtype)
        for activation in (a for a in ACTIVATIONS if a.learned):
            names = [p.name for p in activation.parameters]
            for shape in ((), (40, 1, 1), (24, 1), (33,)):
                parameters = drawn(activation, names, shape, 3)
                grad = np.abs(x)  # of one sign, so that no sum cancels
                for name, values in parameter_grads(activation, grad, x[::-1], **parameters).items():
                    found[f"{activation.name}_parameter_grad {dtype} {shape} {name}"] = values
        for kind, keywords in OPTIONS.items():
            found[f"softmax {dtype} {kind}"] = y = pyacts.softmax(x, **keywords)
            found[f"softmax_backward {dtype} {kind}"] = pyacts.softmax_backward(x[::-1], y=abs(x), **keywords)
            found[f"softmax {dtype} {kind} columns"] = pyacts.softmax(x, 1, **keywords | {"causal": False})
            found[f"log_softmax {dtype} {kind}"] = pyacts.log_softmax(x, **keywords)
            found[f"logsumexp {dtype} {kind}"] = pyacts.logsumexp(x, **keywords)
            found[f"logsumexp_backward {dtype} {kind}"] = pyacts.logsumexp_backward(y[..., 0], x, **keywords)
        long_lines = (x.reshape(-1)[:30_000] * np.array([[1], [-3], [1]])).astype(dtype).reshape(1, -1)  # three levels
        for name in ("softmax", "log_softmax", "logsumexp"):
            found[f"{name} {dtype} long row"] = getattr(pyacts, name)(long_lines)
            found[f"{name} {dtype} long column"] = getattr(pyacts, name)(long_lines.T.copy(), 0)
        y, index = pyacts.maxout(x, 4, 1, return_index=True)
        found[f"maxout {dtype}"], found[f"maxout {dtype} index"] = y, index
        found[f"maxout_backward {dtype}"] = pyacts.maxout_backward(y, index, 4, 1)
        y = found[f"crelu {dtype}"] = pyacts.crelu(x, 1)
        found[f"crelu_backward {dtype}"] = pyacts.crelu_backward(y - 1, x, axis=1)
        found[f"crelu_backward_y {dtype}"] = pyacts.crelu_backward(y - 1, y=y, axis=1)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], isa=np.array(pyacts.isa()), **results())
