"""Speed inside @njit: ``python -m bench.numba_speed`` (part of ``make bench``).

Every elementwise function, forward and backward, on contiguous numbers in cache, one thread:

kernel
    ``pyacts.f(x, out=y)`` in compiled code: a call of the C library. Nanoseconds per element; the others are given
    as multiples of it.
scalar
    ``y[i] = scalar.f(x[i])`` in a loop, which Numba compiles.
fused
    ``y[i] = scalar.f(x[i] * scale + bias[i])``, which the kernel cannot do in one pass.
plain
    The formula as the catalogue writes it for NumPy, in such a loop with fastmath=True, its numbers being of the type
    of the array. Numba vectorises what needs no exp; the rest calls the C library for each element.

At the end, functions that are called for one tile after the other of an array that does not fit the cache, against
one call for all of it. All contenders of a row are timed in turn in each repetition; the figure is the least.
"""

import argparse
import ast
import math
import re
from time import perf_counter_ns

import numpy as np
from numba import njit

import pyacts
import pyacts.numba
from codegen.scalars import rewritten
from pyacts.catalog import ACTIVATIONS
from pyacts.numba import scalar

PIECE = 200_000  # ns that are timed at once
TILE = 4096
REQUIRED = {"weight": 0.25}


@njit
def where(condition, a, b):
    return a if condition else b


@njit
def clip(x, low, high):
    return min(max(x, low), high)


@njit
def heaviside(x, at_zero):
    return where(x > 0, x / x, at_zero)


# What of NumPy is slow on numbers, or not there.
FOR_NUMBERS = {"where": where, "clip": clip, "heaviside": heaviside, "erf": math.erf}


def rows():
    """(activation, direction) of what is measured."""
    return [(a, d) for a in ACTIVATIONS if a.kind in ("elementwise", "channelwise") for d in ("forward", "backward")]


def loop(body, **names):
    """A compiled loop over the elements of x, grad and bias, which writes y."""
    scope = {"np": np, "scalar": scalar, "pyacts": pyacts} | FOR_NUMBERS | names
    exec(f"def loop(x, grad, bias, y):\n    {body}", scope)
    return njit(fastmath="real" in names, nogil=True)(scope["loop"])


def plain(activation, direction, real):
    """The catalogue's expression for NumPy as one for numbers of this type."""
    text = activation.numpy[direction].replace(".copy()", "").replace("np.zeros_like(grad)", "0")
    text = re.sub(r"\*\* ?real\((\d)\)", r"** \1", rewritten(text, {}))
    text = re.sub(rf"\bnp\.({'|'.join(FOR_NUMBERS)})\b", r"\1", text)
    given = [f"{name} = real({value})" for name, value in REQUIRED.items() if re.search(rf"\b{name}\b", text)]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.NamedExpr):  # what Numba finds no type for
            given.append(f"{node.target.id} = {ast.unparse(node.value)}")
            text = text.replace(f"({ast.get_source_segment(text, node)})", node.target.id)
    text = re.sub(r"\b(x|grad)\b", r"\1[i]", "; ".join([*given, f"y[i] = {text}"]))
    return loop(f"for i in range(x.size): {text}", real=real)


def contenders(activation, direction, real):
    parameters = "".join(f", {p.name}={REQUIRED[p.name]}" for p in activation.parameters if p.default is None)
    if direction == "forward":
        name, arrays, element, fused = activation.name, "x", "x[i]", "x[i] * scale + bias[i]"
    else:
        name, arrays = f"{activation.name}_backward", "grad, x"
        element, fused = "grad[i], x[i]", "grad[i], x[i] * scale + bias[i]"
    return {
        "kernel": loop(f"pyacts.{name}({arrays}{parameters}, out=y)"),
        "scalar": loop(f"for i in range(x.size): y[i] = scalar.{name}({element}{parameters})"),
        "fused": loop(f"for i in range(x.size): y[i] = scalar.{name}({fused}{parameters})", scale=real(0.5)),
        "plain": plain(activation, direction, real),
    }


def timed(functions, arguments, repetitions):
    """Nanoseconds that each of the functions takes, the least of several repetitions."""
    counts = {}
    for name, function in functions.items():
        function(*arguments)  # compiles
        start = perf_counter_ns()
        function(*arguments)
        counts[name] = 1 + PIECE // max(1, perf_counter_ns() - start)
    best = dict.fromkeys(functions, math.inf)
    for _ in range(repetitions):
        for name, function in functions.items():
            start = perf_counter_ns()
            for _ in range(counts[name]):
                function(*arguments)
            best[name] = min(best[name], (perf_counter_ns() - start) / counts[name])
    return best


def tiles(name, real, repetitions):
    """A line that compares tile by tile with all at once."""
    x = np.random.default_rng(0).normal(size=1 << 22).astype(real)
    functions = {
        "at once": loop(f"pyacts.{name}(x, out=y)"),
        "tiles": loop(
            f"for k in range(0, x.size, {TILE}): pyacts.{name}(x[k:k + {TILE}], out=y[k:k + {TILE}])",
        ),
    }
    found = timed(functions, (x, x, x, np.empty_like(x)), repetitions)
    return f"{name:20} {found['at once'] / x.size:9.3f} ns   tiles {found['tiles'] / found['at once']:5.2f}x"


def main():
    names = sorted({a.name for a, _ in rows()})
    parser = argparse.ArgumentParser(description="The speed of pyacts inside @njit against plain Numba.")
    parser.add_argument("--functions", nargs="+", choices=names, metavar="NAME", help="default: all")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--size", type=int, default=1 << 15)
    parser.add_argument("--repetitions", type=int, default=20)
    chosen = parser.parse_args()
    real = getattr(np, chosen.dtype)
    random = np.random.default_rng(0)
    x, grad, bias = (random.normal(scale=2, size=chosen.size).astype(real) for _ in range(3))
    print(f"pyacts {pyacts.__version__} ({pyacts.isa()}) inside @njit, {chosen.dtype}, {chosen.size} elements")
    print(f"{'function':20} {'direction':10} {'kernel, ns':>10} {'scalar':>8} {'fused':>8} {'plain':>8}")
    for activation, direction in rows():
        if chosen.functions and activation.name not in chosen.functions:
            continue
        functions = contenders(activation, direction, real)
        found = timed(functions, (x, grad, bias, np.empty_like(x)), chosen.repetitions)
        ratios = "".join(f" {found[name] / found['kernel']:7.2f}x" for name in ("scalar", "fused", "plain"))
        print(f"{activation.name:20} {direction:10} {found['kernel'] / x.size:10.3f}{ratios}", flush=True)
    print(f"\n{1 << 22} elements, at once and in tiles of {TILE}:")
    for name in ("relu", "elu", "gelu"):
        print(tiles(name, real, chosen.repetitions))


if __name__ == "__main__":
    main()
