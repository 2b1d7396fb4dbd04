"""The largest errors of the softmax family: ``python -m bench.accuracy.lines`` (or ``make accuracy``).

Along lines of 2 to 10,000 random numbers of many kinds (those of test_softmax.py), in every dtype of NumPy's, in both
tiers, and by torch, JAX and SciPy where they are installed; against the definitions of tests/oracle.py in float64, for
float64 in long double. Errors are in units in the last place (ULP)

- of the exact result;
- logsumexp: of the larger of the exact result and the largest number of the line;
- softmax and softmin backward: of y max(|grad|), log_softmax backward: of the sum of |grad|, which cancel;
- sums: how far the results of softmax are from adding up to 1, in ULP of 1.

With --write they go into results.json and docs/accuracy.md. A minute or two.
"""

import argparse

import numpy as np

import pyacts
from bench.accuracy import measure
from bench.accuracy.measure import oracle  # whose folder it has put on the path

from test_softmax import ROWS  # isort: skip

DTYPES = (np.float32, np.float64, np.float16)
LENGTHS = (2, 3, 10, 17, 100, 128, 1000, 10_000)
NUMBERS = 2**17  # of each kind and length
SYSTEMS = ("pyacts", "exact", "torch", "JAX", "SciPy")


def lines_of(dtype):
    """Rows of every kind and length, and gradients for them."""
    for kind in ROWS.values():
        for n in LENGTHS:
            random = np.random.default_rng(n)
            x = kind(random, (NUMBERS // n, n)).astype(dtype)
            yield x, random.normal(size=x.shape).astype(dtype)


def ulp(size, dtype):
    return measure.unit_in_last_place(np.asarray(size), oracle.finfo(dtype))


def wanted(name, m, *inputs):
    """The exact result for a line, and the size whose ULP counts."""
    if name == "logsumexp":
        want = oracle.logsumexp(m, *inputs)
        return want, np.maximum(abs(want), abs(inputs[0]).max(axis=-1))
    if not name.endswith(" backward"):
        want = getattr(oracle, name)(m, *inputs)
        return want, abs(want)
    grad, y = inputs
    if name.startswith("log_softmax"):
        return oracle.log_softmax_gradient(m, grad, y), abs(grad).sum(axis=-1, keepdims=True) * np.ones_like(y)
    sign = -1 if name.startswith("softmin") else 1
    return sign * oracle.softmax_gradient(grad, y), y * abs(grad).max(axis=-1, keepdims=True)


def call(system, name, x, grad):
    """What a system gives, and of which inputs; None if it does not have the function."""
    if system in ("pyacts", "exact"):
        module = pyacts.exact if system == "exact" else pyacts
        forward = getattr(module, name.removesuffix(" backward"))(x)
        if not name.endswith(" backward"):
            return forward, (x,)
        return getattr(module, name.replace(" ", "_"))(grad, y=forward), (grad, forward)
    if system not in measure.installed() or name not in measure.peer(system).functions():
        return None
    return measure.peer(system).forward(measure.peer(system).functions()[name], x), (x,)


NAMES = (
    "softmax",
    "softmin",
    "log_softmax",
    "logsumexp",
    "softmax backward",
    "softmin backward",
    "log_softmax backward",
)


def largest_errors(system, dtype):
    """By function, the largest error, and "sums"; empty for what a system does not have."""
    m = oracle.LONG if dtype == np.float64 else oracle.FAST
    found = {}
    for x, grad in lines_of(dtype):
        for name in NAMES:
            with np.errstate(all="ignore"):
                called = call(system, name, x, grad)
                if called is None:
                    continue
                got, inputs = called
                want, size = wanted(name, m, *(m.number(a) for a in inputs))
                errors = abs(m.number(got) - want) / ulp(size, dtype)
            found[name] = max(found.get(name, 0), float(errors.max()))
            if name == "softmax":
                off = abs(m.number(got).sum(axis=-1) - 1).max() / oracle.finfo(dtype).eps
                found["sums"] = max(found.get("sums", 0), float(off))
    return found


def main():
    parser = argparse.ArgumentParser(description="The largest errors of the softmax family.")
    parser.add_argument("--write", action="store_true", help="put what is found into results.json")
    arguments = parser.parse_args()
    columns = {}
    for system in SYSTEMS:
        for dtype in DTYPES if system == "pyacts" else (np.float32,):
            errors = largest_errors(system, dtype)
            if errors:
                column = np.dtype(dtype).name if system == "pyacts" else system
                about = measure.about_pyacts() if system in ("pyacts", "exact") else measure.about_peers()
                columns[column] = {"about": about, "errors": errors}
                print(column, {name: round(error, 3) for name, error in errors.items()}, flush=True)
    if arguments.write:
        measure.keep("lines", columns)


if __name__ == "__main__":
    main()
