"""Speed against NumPy: ``python -m bench.speed`` (or ``make bench``).

Every function of the catalogue, forward (``out=``), in place and backward, against what NumPy does:

plain
    the expression one writes, such as ``1 / (1 + np.exp(-x))``;
best
    the fastest way found with NumPy: ufuncs with ``out=`` and scratch arrays made beforehand, so that nothing is
    allocated in the timed part (or the plain expression, where that is faster). Several are tried, each in passes over
    the whole array. In place, both are in place as well.

How it is measured. All contenders of a row are timed in turn in each repetition, so that drift of the machine meets
all alike; the figure is the first quartile over the repetitions. A timed piece lasts at least 50 microseconds. One
thread everywhere, but in the last table, which has each function against itself on all cores, where Numba is
installed: on a machine that is busy it shows how busy it is. PYACTS_ISA=avx2 narrows pyacts only; to hold NumPy to the
same instructions, add what ``np.show_config()`` lists beyond them: NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL".

Calls in place change their input, and values that shrink call after call would end as subnormals, which NumPy is slow
on. So they run over a few small arrays (16 KiB in all, which stay in the first cache; one array if it is larger) that
are filled again outside the timed part after at most 8 calls each: until then the signs are those of the template (but
for relu, where no contender branches on them) and nothing falls below 0.01 ** 8.
"""

import argparse
import datetime
import json
import math
import os
import platform
import re
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

# One thread for NumPy's matrix products too; they read this when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import pyacts
from bench.timing import Contender, Progress, compare, cpu_model, parse_size, quartile, random, short
from pyacts.catalog import Activation

SIZES = (16, 1 << 10, 1 << 15, 1 << 20, 1 << 24)
QUICK_SIZES = (16, 1 << 15, 1 << 20)
THREADED_SIZES = (1 << 17, 1 << 19, 1 << 22)  # twice the limit for either sort of kernels; far beyond
QUICK_THREADED_SIZES = (1 << 22,)
DIRECTIONS = ("forward", "inplace", "backward", "backward_y", "parameter_grad")
RESULTS = Path(__file__).resolve().parent / "results"

POOL_SIZE = 4
CHANNELS = 64


@dataclass(frozen=True)
class Peers:
    """How else than by the catalogue's expression NumPy does what one activation does.

    Each direction is a tuple of statements that make the result in the existing ``y`` (or ``dx``; ``dgate`` and
    ``dup``), with the scratch arrays ``a`` and ``mask``. They are also right if ``y`` is ``x`` (``up``), from which the
    in-place forms are made. The names are those that ``arrays`` provides.

    variants are the shapes or parameters that it is measured with (see ``arrays``); ours replaces the call of pyacts
    where it is not the regular one.
    """

    forward: tuple[str, ...] = ()
    backward: tuple[str, ...] = ()
    backward_y: tuple[str, ...] = ()
    parameter_grad: tuple[str, ...] = ()
    variants: tuple[str, ...] = ("",)
    inplace: bool = True
    ours: dict[str, str] = field(default_factory=dict)


def fill_in(statements: tuple[str, ...], **names: str) -> tuple[str, ...]:
    """The statements with names put in the places of the braces."""
    return tuple(statement.format(**names) for statement in statements)


SOFTMAX_VARIANTS = ("rows of 128", "rows of 10", "rows of 1024")

# {y}: where to. Three ways to add up rows: a ufunc, the matrix product, and turned round, which suits short rows.
SOFTMAX_INTO = (
    "np.maximum.reduce(x, axis=-1, out=m, keepdims=True); np.subtract(x, m, out={y}); np.exp({y}, out={y}); "
    "np.add.reduce({y}, axis=-1, out=m, keepdims=True); np.divide({y}, m, out={y})",
    "np.maximum.reduce(x, axis=-1, out=m, keepdims=True); np.subtract(x, m, out={y}); np.exp({y}, out={y}); "
    "np.matmul({y}, ones, out=m); np.divide({y}, m, out={y})",
    "np.copyto(turned, x.T); np.maximum.reduce(turned, axis=0, out=sums); np.subtract(turned, sums, out=turned); "
    "np.exp(turned, out=turned); np.add.reduce(turned, axis=0, out=sums); np.divide(turned, sums, out=turned); "
    "np.copyto({y}, turned.T)",
)
SOFTMAX_BACKWARD_FROM = (
    "np.vecdot(grad, {y}, out=sums); np.subtract(grad, m, out=dx); np.multiply(dx, {y}, out=dx)",
    "np.multiply(grad, {y}, out=dx); np.matmul(dx, ones, out=m); "
    "np.subtract(grad, m, out=dx); np.multiply(dx, {y}, out=dx)",
    "np.multiply(grad, {y}, out=dx); np.add.reduce(dx, axis=-1, out=m, keepdims=True); "
    "np.subtract(grad, m, out=dx); np.multiply(dx, {y}, out=dx)",
)

# {s}: where to. NumPy's tanh is faster than its exp.
SIGMOID_INTO = (
    "np.negative(x, out={s}); np.exp({s}, out={s}); np.add({s}, 1, out={s}); np.divide(1, {s}, out={s})",
    "np.multiply(x, 0.5, out={s}); np.tanh({s}, out={s}); np.multiply({s}, 0.5, out={s}); np.add({s}, 0.5, out={s})",
)

GATE_INTO = tuple(way.replace("(x,", "(gate,") for way in fill_in(SIGMOID_INTO, s="a"))

# NumPy has no erf: SciPy's, or what one does without.
try:
    from scipy.special import erf
except ImportError:
    erf = np.vectorize(math.erf, otypes=[float])

# {x}: of what, {s}: where to. x**3 is slow in NumPy.
GELU_TANH_GATE_INTO = (
    "np.multiply({x}, {x}, out={s}); np.multiply({s}, -0.07135481627260025, out={s}); "
    "np.subtract({s}, 1.5957691216057308, out={s}); np.multiply({s}, {x}, out={s}); np.exp({s}, out={s}); "
    "np.add({s}, 1, out={s}); np.divide(1, {s}, out={s})"
)
NORMAL_INTO = (
    "np.multiply({x}, 0.7071067811865476, out={s}); {s}[...] = erf({s}); np.add({s}, 1, out={s}); "
    "np.multiply({s}, 0.5, out={s})"
)

# {z}: x or y, of the same sign.
RELU_BACKWARD = (
    "np.greater({z}, 0, out=mask); np.multiply(grad, mask, out=dx)",
    "np.greater({z}, 0, out=mask); np.copyto(dx, mask); np.multiply(grad, dx, out=dx)",
    "np.greater({z}, 0, out=mask); np.copyto(dx, 0); np.copyto(dx, grad, where=mask)",
)
LEAKY_RELU_BACKWARD = (
    "np.greater({z}, 0, out=mask); np.copyto(a, mask); np.multiply(a, 0.99, out=a); np.add(a, 0.01, out=a); "
    "np.multiply(grad, a, out=dx)",
    "np.greater({z}, 0, out=mask); np.multiply(grad, 0.01, out=dx); np.copyto(dx, grad, where=mask)",
)
PRELU_BACKWARD = (
    "np.greater({z}, 0, out=mask); np.copyto(a, mask); np.multiply(a, 1 - weight, out=a); np.add(a, weight, out=a); "
    "np.multiply(grad, a, out=dx)",
    "np.greater({z}, 0, out=mask); np.multiply(grad, weight, out=dx); np.copyto(dx, grad, where=mask)",
)

# NumPy's maximum and minimum are five times as fast with an array of zeros as with the number 0.
PEERS: dict[str, Peers] = {
    # In place it has nothing to do.
    "identity": Peers(
        forward=("np.copyto(y, x)",),
        backward=("np.copyto(dx, grad)",),
        backward_y=("np.copyto(dx, grad)",),
        inplace=False,
    ),
    "relu": Peers(
        forward=("np.maximum(x, 0, out=y)", "np.maximum(x, zeros, out=y)"),
        backward=fill_in(RELU_BACKWARD, z="x"),
        backward_y=fill_in(RELU_BACKWARD, z="y"),
    ),
    "leaky_relu": Peers(
        forward=("np.multiply(x, 0.01, out=a); np.maximum(x, a, out=y)",),
        backward=fill_in(LEAKY_RELU_BACKWARD, z="x"),
        backward_y=fill_in(LEAKY_RELU_BACKWARD, z="y"),
    ),
    # A learned weight may be above 1, so the maximum of x and weight * x, as for leaky_relu, would not do.
    "prelu": Peers(
        forward=(
            "np.minimum(x, zeros, out=a); np.multiply(a, weight, out=a); np.maximum(x, zeros, out=y); "
            "np.add(y, a, out=y)",
        ),
        backward=fill_in(PRELU_BACKWARD, z="x"),
        backward_y=fill_in(PRELU_BACKWARD, z="y"),
        parameter_grad=(
            "np.minimum(x, zeros, out=a); np.multiply(a, grad, out=a); np.add.reduce(a, axis=axis, out=dweight)",
            "np.minimum(x, zeros, out=a); np.einsum(subscripts, a, grad, out=dweight)",
            "np.minimum(x, zeros, out=a); np.vecdot(a.T, grad.T, out=dweight)",
        ),
        variants=("scalar", f"{CHANNELS} channels"),
    ),
    "elu": Peers(
        forward=(
            "np.minimum(x, zeros, out=a); np.expm1(a, out=a); np.maximum(x, a, out=y)",
            "np.minimum(x, zeros, out=a); np.exp(a, out=a); np.subtract(a, 1, out=a); np.maximum(x, a, out=y)",
        ),
        backward=("np.minimum(x, zeros, out=a); np.exp(a, out=a); np.multiply(grad, a, out=dx)",),
        backward_y=("np.minimum(y, zeros, out=a); np.add(a, 1, out=a); np.multiply(grad, a, out=dx)",),
    ),
    "softplus": Peers(
        forward=(
            "np.exp(x, out=y); np.log1p(y, out=y)",
            "np.exp(x, out=y); np.add(y, 1, out=y); np.log(y, out=y)",
            "np.logaddexp(x, 0, out=y)",
        ),
        backward=(
            "np.negative(x, out=a); np.exp(a, out=a); np.add(a, 1, out=a); np.divide(grad, a, out=dx)",
            SIGMOID_INTO[1].format(s="a") + "; np.multiply(grad, a, out=dx)",
        ),
        backward_y=("np.negative(y, out=a); np.exp(a, out=a); np.subtract(1, a, out=a); np.multiply(grad, a, out=dx)",),
    ),
    "sigmoid": Peers(
        forward=fill_in(SIGMOID_INTO, s="y"),
        backward=(
            *(
                f"{way}; np.subtract(1, a, out=dx); np.multiply(a, dx, out=dx); np.multiply(grad, dx, out=dx)"
                for way in fill_in(SIGMOID_INTO, s="a")
            ),
        ),
        backward_y=("np.subtract(1, y, out=dx); np.multiply(y, dx, out=dx); np.multiply(grad, dx, out=dx)",),
    ),
    "tanh": Peers(
        forward=("np.tanh(x, out=y)",),
        backward=(
            "np.tanh(x, out=a); np.multiply(a, a, out=a); np.subtract(1, a, out=a); np.multiply(grad, a, out=dx)",
        ),
        backward_y=("np.multiply(y, y, out=a); np.subtract(1, a, out=a); np.multiply(grad, a, out=dx)",),
    ),
    "softsign": Peers(
        forward=("np.abs(x, out=a); np.add(a, 1, out=a); np.divide(x, a, out=y)",),
        backward=("np.abs(x, out=a); np.add(a, 1, out=a); np.multiply(a, a, out=a); np.divide(grad, a, out=dx)",),
        backward_y=(
            "np.abs(y, out=a); np.subtract(1, a, out=a); np.multiply(a, a, out=a); np.multiply(grad, a, out=dx)",
        ),
    ),
    "silu": Peers(
        forward=(
            "np.negative(x, out=a); np.exp(a, out=a); np.add(a, 1, out=a); np.divide(x, a, out=y)",
            "np.multiply(x, 0.5, out=a); np.tanh(a, out=y); np.add(y, 1, out=y); np.multiply(a, y, out=y)",
        ),
        backward=(
            *(
                f"{way}; np.subtract(1, a, out=dx); np.multiply(x, dx, out=dx); np.add(dx, 1, out=dx); "
                "np.multiply(a, dx, out=dx); np.multiply(grad, dx, out=dx)"
                for way in fill_in(SIGMOID_INTO, s="a")
            ),
        ),
    ),
    "quick_gelu": Peers(
        forward=(
            "np.multiply(x, -1.702, out=a); np.exp(a, out=a); np.add(a, 1, out=a); np.divide(x, a, out=y)",
            "np.multiply(x, 0.851, out=a); np.tanh(a, out=a); np.add(a, 1, out=a); np.multiply(a, 0.5, out=a); "
            "np.multiply(a, x, out=y)",
        ),
        backward=(
            "np.multiply(x, -1.702, out=a); np.exp(a, out=a); np.add(a, 1, out=a); np.divide(1, a, out=a); "
            "np.subtract(1, a, out=dx); np.multiply(x, dx, out=dx); np.multiply(dx, 1.702, out=dx); "
            "np.add(dx, 1, out=dx); np.multiply(a, dx, out=dx); np.multiply(grad, dx, out=dx)",
        ),
    ),
    "gelu": Peers(
        forward=(NORMAL_INTO.format(x="x", s="a") + "; np.multiply(a, x, out=y)",),
        backward=(
            NORMAL_INTO.format(x="x", s="a") + "; np.multiply(x, x, out=dx); np.multiply(dx, -0.5, out=dx); "
            "np.exp(dx, out=dx); np.multiply(dx, 0.3989422804014327, out=dx); np.multiply(dx, x, out=dx); "
            "np.add(a, dx, out=dx); np.multiply(grad, dx, out=dx)",
        ),
    ),
    "gelu_tanh": Peers(
        forward=(GELU_TANH_GATE_INTO.format(x="x", s="a") + "; np.multiply(a, x, out=y)",),
        backward=(
            GELU_TANH_GATE_INTO.format(x="x", s="a") + "; np.multiply(x, x, out=dx); "
            "np.multiply(dx, 0.2140644488178, out=dx); np.add(dx, 1.5957691216057308, out=dx); "
            "np.multiply(dx, x, out=dx); np.multiply(dx, a, out=dx); np.subtract(1, a, out=y); "
            "np.multiply(dx, y, out=dx); np.add(dx, a, out=dx); np.multiply(grad, dx, out=dx)",
        ),
    ),
    # With w = exp(x) it is x (1 - 2 / (1 + (1 + w)**2)), whose square overflows without the bound.
    "mish": Peers(
        forward=(
            "np.minimum(x, 20, out=a); np.exp(a, out=a); np.add(a, 1, out=a); np.multiply(a, a, out=a); "
            "np.add(a, 1, out=a); np.divide(2, a, out=a); np.subtract(1, a, out=a); np.multiply(x, a, out=y)",
        ),
    ),
    "dish": Peers(
        forward=(
            "np.multiply(x, x, out=a); np.add(a, 1, out=a); np.sqrt(a, out=a); np.divide(x, a, out=a); "
            "np.add(a, 1, out=a); np.multiply(a, 0.5, out=a); np.multiply(x, a, out=y)",
        ),
    ),
    "glu": Peers(
        forward=(
            *(f"{way}; np.multiply(a, up, out=y)" for way in GATE_INTO),
            "np.negative(gate, out=a); np.exp(a, out=a); np.add(a, 1, out=a); np.divide(up, a, out=y)",
        ),
        backward=(
            *(
                f"{way}; np.multiply(grad, a, out=dup); np.subtract(1, a, out=a); np.multiply(a, dup, out=dgate); "
                "np.multiply(up, dgate, out=dgate)"
                for way in GATE_INTO
            ),
        ),
    ),
    "reglu": Peers(
        forward=("np.maximum(gate, zeros, out=a); np.multiply(a, up, out=y)",),
        backward=(
            "np.maximum(gate, zeros, out=a); np.multiply(grad, a, out=dup); np.greater(gate, 0, out=mask); "
            "np.multiply(grad, up, out=dgate); np.multiply(dgate, mask, out=dgate)",
        ),
    ),
    "swiglu": Peers(
        forward=(*(f"{way}; np.multiply(a, gate, out=a); np.multiply(a, up, out=y)" for way in GATE_INTO),),
        backward=(
            *(
                f"{way}; np.multiply(grad, a, out=dup); np.subtract(1, a, out=a); np.multiply(a, gate, out=a); "
                "np.add(a, 1, out=a); np.multiply(a, dup, out=dgate); np.multiply(dgate, up, out=dgate); "
                "np.multiply(dup, gate, out=dup)"
                for way in GATE_INTO
            ),
        ),
    ),
    "geglu": Peers(
        forward=(NORMAL_INTO.format(x="gate", s="a") + "; np.multiply(a, gate, out=a); np.multiply(a, up, out=y)",),
    ),
    "geglu_tanh": Peers(
        forward=(
            GELU_TANH_GATE_INTO.format(x="gate", s="a") + "; np.multiply(a, gate, out=a); np.multiply(a, up, out=y)",
        ),
    ),
    "softmax": Peers(
        forward=fill_in(SOFTMAX_INTO, y="y"),
        backward=(
            *(
                f"{forward}; {backward}"
                for forward in fill_in(SOFTMAX_INTO, y="a")
                for backward in fill_in(SOFTMAX_BACKWARD_FROM[:2], y="a")
            ),
        ),
        backward_y=fill_in(SOFTMAX_BACKWARD_FROM, y="y"),
        variants=SOFTMAX_VARIANTS,
    ),
    "softmin": Peers(
        forward=(
            "np.minimum.reduce(x, axis=-1, out=m, keepdims=True); np.subtract(m, x, out=y); np.exp(y, out=y); "
            "np.matmul(y, ones, out=m); np.divide(y, m, out=y)",
        ),
        backward_y=(
            "np.multiply(grad, y, out=dx); np.matmul(dx, ones, out=m); np.subtract(m, grad, out=dx); "
            "np.multiply(dx, y, out=dx)",
        ),
        variants=SOFTMAX_VARIANTS,
    ),
    "log_softmax": Peers(
        forward=(
            "np.maximum.reduce(x, axis=-1, out=m, keepdims=True); np.subtract(x, m, out=y); np.exp(y, out=a); "
            "np.matmul(a, ones, out=m); np.log(m, out=m); np.subtract(y, m, out=y)",
        ),
        backward_y=(
            "np.matmul(grad, ones, out=m); np.exp(y, out=dx); np.multiply(dx, m, out=dx); "
            "np.subtract(grad, dx, out=dx)",
        ),
        variants=SOFTMAX_VARIANTS,
    ),
    "logsumexp": Peers(
        forward=(
            "np.maximum.reduce(x, axis=-1, out=m, keepdims=True); np.subtract(x, m, out=a); np.exp(a, out=a); "
            "np.add.reduce(a, axis=-1, out=y); np.log(y, out=y); np.add(y, sums, out=y)",
        ),
        variants=SOFTMAX_VARIANTS,
        inplace=False,
        ours={"forward": "y = pyacts.logsumexp(x)", "backward": "dx = pyacts.logsumexp_backward(grad, x)"},
    ),
    "sparsemax": Peers(variants=SOFTMAX_VARIANTS),
    "entmax15": Peers(variants=SOFTMAX_VARIANTS),
    "hardmax": Peers(variants=SOFTMAX_VARIANTS),
    "softmax_cross_entropy": Peers(
        variants=SOFTMAX_VARIANTS,
        inplace=False,
        ours={
            "forward": 'y = pyacts.softmax_cross_entropy(x, labels, reduction="none")',
            "backward": 'dx = pyacts.softmax_cross_entropy_backward(grad, x, labels, reduction="none")',
        },
    ),
    "sigmoid_cross_entropy": Peers(
        inplace=False,
        ours={
            "forward": 'y = pyacts.sigmoid_cross_entropy(x, labels, reduction="none")',
            "backward": 'dx = pyacts.sigmoid_cross_entropy_backward(grad, x, labels, reduction="none")',
        },
    ),
    "maxout": Peers(
        forward=(
            "np.maximum.reduce(pools, axis=-1, out=y)",
            "np.maximum(pools[:, 0], pools[:, 1], out=y); np.maximum(y, pools[:, 2], out=y); "
            "np.maximum(y, pools[:, 3], out=y)",
        ),
        backward=("np.copyto(dx, 0); np.add(starts, index, out=places); dx[places] = grad",),
        inplace=False,
        ours={
            "forward": "y = pyacts.maxout(x, pool_size)",
            "backward": "dx = pyacts.maxout_backward(grad, index, pool_size)",
        },
    ),
    "crelu": Peers(
        forward=("np.maximum(x, zeros, out=y[:size]); np.minimum(x, zeros, out=a); np.negative(a, out=y[size:])",),
        backward=(
            "np.greater(x, 0, out=mask); np.multiply(grad[:size], mask, out=dx); np.less(x, 0, out=mask); "
            "np.multiply(grad[size:], mask, out=a); np.subtract(dx, a, out=dx)",
        ),
        backward_y=(
            "np.greater(y[:size], 0, out=mask); np.multiply(grad[:size], mask, out=dx); "
            "np.greater(y[size:], 0, out=mask); np.multiply(grad[size:], mask, out=a); np.subtract(dx, a, out=dx)",
        ),
        inplace=False,
        ours={
            "forward": "y = pyacts.crelu(x)",
            "backward": "dx = pyacts.crelu_backward(grad, x)",
            "backward_y": "dx = pyacts.crelu_backward(grad, y=y)",
        },
    ),
}

# Not activations of their own: a bias and one, on rows of UNITS.
UNITS = 1024

# What a small call costs, next to the smallest that NumPy has: the first of these.
YARDSTICK = "np.maximum(x, 0, out=x)"
SMALL_CALLS = (
    YARDSTICK,
    "pyacts.relu_(x)",
    "pyacts.tanh_(x)",
    "pyacts.softmax_(x)",
    "pyacts.leaky_relu_(x, 0.2)",
    "pyacts.silu_(x, 1.5)",
    "pyacts.prelu_(x, weight)",
    "pyacts.relu(x, out=y)",
    "pyacts.relu_backward(grad, x, out=dx)",
    "pyacts.relu_backward_(grad, x)",
)


@dataclass(frozen=True)
class Case:
    """A row of the table, at any size: an activation in one direction, ours and NumPy's statements."""

    name: str
    direction: str
    variant: str
    ours: str
    plain: str
    best: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.name}, {self.variant}" if self.variant else self.name

    @property
    def gated(self) -> bool:
        return self.name in GATED

    @property
    def result(self) -> str:
        """The name of what the statements make, or several."""
        return result_of(self.name, self.direction)


GATED = [activation.name for activation in pyacts.catalog.ACTIVATIONS if activation.kind == "gated"]


def regular_call(name: str, direction: str) -> str:
    """How pyacts is called, for all but maxout."""
    if name in GATED:
        return {
            "forward": f"pyacts.{name}(gate, up, out=y)",
            "inplace": f"pyacts.{name}_(gate, x)",
            "backward": f"pyacts.{name}_backward(grad, gate, up, out=(dgate, dup))",
        }[direction]
    weight = ", weight" if name == "prelu" else ""
    return {
        "forward": f"pyacts.{name}(x{weight}, out=y)",
        "inplace": f"pyacts.{name}_(x{weight})",
        "backward": f"pyacts.{name}_backward(grad, x{weight}, out=dx)",
        "backward_y": f"pyacts.{name}_backward(grad{', weight=weight' if weight else ''}, y=y, out=dx)",
        "parameter_grad": f"dweight = pyacts.{name}_parameter_grad(grad, x{weight})",
    }[direction]


def result_of(name: str, direction: str) -> str:
    """What the statements for a direction make."""
    if name in GATED and direction == "backward":
        return "dgate, dup"
    if name == "bias_act" and direction != "inplace":
        return "dx, dbias"
    return {"forward": "y", "inplace": "x", "parameter_grad": "dweight"}.get(direction, "dx")


def ways(activation: Activation, direction: str) -> tuple[str, ...]:
    """NumPy's statements for a direction, the plain one first; empty if there is no such direction."""
    peers = PEERS.get(activation.name, Peers())
    if direction == "inplace":
        best = tuple(
            re.sub(r"\b(y|up)\b", "x", way) for way in (f"y[:] = {activation.numpy['forward']}", *peers.forward)
        )
        return best if peers.inplace else ()
    if direction not in activation.numpy:
        return ()
    return f"{result_of(activation.name, direction)} = {activation.numpy[direction]}", *getattr(peers, direction)


BIAS_CASES = (
    Case(
        "bias_act",
        "inplace",
        "relu",
        "pyacts.bias_act_(x, bias, 'relu')",
        "x[:] = np.maximum(x + bias, 0)",
        ("np.add(x, bias, out=x); np.maximum(x, zeros, out=x)", "np.add(x, bias, out=x); pyacts.relu_(x)"),
    ),
    Case(
        "bias_act",
        "backward_y",
        "relu",
        "dbias = pyacts.bias_act_backward(grad, 'relu', y=y, out=dx)[1]",
        "dx = grad * (y > 0); dbias = dx.sum(0, np.float64).astype(dx.dtype)",
        (
            "np.greater(y, 0, out=mask); np.multiply(grad, mask, out=dx); "
            "dbias = np.add.reduce(dx, axis=0, dtype=np.float64).astype(dx.dtype)",
            "pyacts.relu_backward(grad, y=y, out=dx); "
            "dbias = np.add.reduce(dx, axis=0, dtype=np.float64).astype(dx.dtype)",
        ),
    ),
)


def missing_rows() -> list[str]:
    """The names and directions of which the catalogue does not say how they are written in NumPy."""
    return [f"{a.name} {d}" for a in pyacts.catalog.ACTIVATIONS for d in a.directions if d not in a.numpy]


def cases(functions: Iterable[str] | None = None, directions: Iterable[str] = DIRECTIONS) -> Iterator[Case]:
    """The rows to measure, in the catalogue's order."""
    chosen = None if functions is None else set(functions)
    for activation in pyacts.catalog.ACTIVATIONS:
        if chosen is not None and activation.name not in chosen:
            continue
        peers = PEERS.get(activation.name, Peers())
        for variant in peers.variants:
            for direction in directions:
                statements = ways(activation, direction)
                if statements:
                    ours = peers.ours.get(direction) or regular_call(activation.name, direction)
                    yield Case(activation.name, direction, variant, ours, statements[0], statements[1:])
    yield from (c for c in BIAS_CASES if (chosen is None or c.name in chosen) and c.direction in directions)


def shape_of(case: Case, n: int) -> tuple[int, ...] | None:
    """The shape of about n elements that a case is measured with, None if it takes more than n."""
    if PEERS.get(case.name, Peers()).variants == SOFTMAX_VARIANTS:
        length = int(case.variant.rpartition(" ")[2])
        if length > n and case.variant != SOFTMAX_VARIANTS[0]:
            return None
        return max(n // length, 1), min(length, n)
    if case.name == "bias_act":
        return max(n // UNITS, 1), min(UNITS, n)
    if case.variant.endswith("channels"):
        return max(n // CHANNELS, 1), min(CHANNELS, n)
    return (n,)


def entmax15_tau(x: np.ndarray) -> np.ndarray:
    """The threshold of entmax15, from the sorted numbers."""
    z = np.sort(x / 2)[:, ::-1]
    k = np.arange(1, x.shape[-1] + 1)
    mean = z.cumsum(-1) / k
    tau = mean - np.sqrt(np.maximum(1 / k - ((z**2).cumsum(-1) / k - mean**2), 0))
    return np.take_along_axis(tau, (tau <= z).sum(-1, keepdims=True) - 1, -1).astype(x.dtype)


def arrays(case: Case, shape: tuple[int, ...], dtype: type) -> dict[str, Any]:
    """Everything that a case's statements name: inputs, outputs (touched, so that no page is new), scratch arrays."""
    x = random(shape, dtype, seed=1)
    names: dict[str, Any] = {"np": np, "erf": erf, "pyacts": pyacts, "x": x, "alpha": 1.0}
    if case.name == "maxout":
        pools = x.reshape(-1, POOL_SIZE)
        index = pools.argmax(axis=-1)
        return names | {
            "pool_size": POOL_SIZE,
            "pools": pools,
            "index": index,
            "grad": random(index.shape, dtype, seed=2),
            "y": np.ones_like(x, shape=index.shape),
            "dx": np.ones_like(x),
            "starts": np.arange(len(pools)) * POOL_SIZE,
            "places": np.ones_like(index),
        }
    names |= {name: np.ones_like(x) for name in ("y", "dx", "a", "dgate", "dup")}
    names |= {"gate": random(shape, dtype, seed=3), "up": x}
    names |= {"grad": random(shape, dtype, seed=2), "mask": np.ones(shape, bool)}
    # np.zeros would not take memory of its own: all its pages are one.
    names["zeros"] = np.full_like(x, 0)
    if PEERS.get(case.name, Peers()).variants == SOFTMAX_VARIANTS:
        m = np.ones((shape[0], 1), dtype)
        names |= {"m": m, "sums": m[:, 0], "ones": np.ones((shape[1], 1), dtype), "turned": np.ones(shape[::-1], dtype)}
    if case.name in ("logsumexp", "softmax_cross_entropy"):
        names |= {"y": np.ones(shape[0], dtype), "grad": random(shape[:1], dtype, seed=2)}
    if case.name == "softmax_cross_entropy":
        rows, labels = np.arange(shape[0]), np.random.default_rng(3).integers(0, shape[1], shape[0])
        names |= {"rows": rows, "labels": labels, "hot": np.eye(shape[1], dtype=dtype)[labels]}
    if case.name == "sigmoid_cross_entropy":
        names["labels"] = np.random.default_rng(3).random(shape).astype(dtype)
    names["entmax15_tau"] = entmax15_tau
    if case.name == "prelu" and len(shape) == 1:
        names |= {"weight": 0.25, "axis": None, "subscripts": "i,i->", "dweight": np.ones((), dtype)}
    elif case.name == "prelu":
        weight = np.linspace(0.1, 0.5, shape[1], dtype=dtype)
        names |= {"weight": weight, "axis": 0, "subscripts": "ij,ij->j", "dweight": np.ones_like(weight)}
    if case.name == "bias_act":
        names |= {"bias": random(shape[1:], dtype, seed=4), "y": np.maximum(x, 0)}
    elif case.name == "crelu":
        names |= {"grad": random((2 * x.size,), dtype, seed=2), "size": x.size, "y": pyacts.crelu(x)}
    elif case.direction == "backward_y":
        exec(regular_call(case.name, "forward"), names)
    return names


def check(case: Case, names: dict[str, Any]) -> None:
    """Raise unless every statement of a case makes what pyacts makes."""

    def result(statement: str) -> np.ndarray:
        own = dict(names)
        if case.direction == "inplace":
            own["x"] = own["x"].copy()
        exec(statement, own)
        made = eval(case.result, own)
        return np.concatenate([np.ravel(a) for a in made]) if isinstance(made, tuple) else np.array(made)

    expected = result(case.ours)
    double = expected.dtype == np.float64
    # Sums of float32 products over a million elements differ by their order.
    largest = np.abs(names["grad"] * names["x"]).sum() if case.direction == "parameter_grad" else 1
    if case.gated:  # 1 + erf(gate) has lost digits, which are then multiplied
        largest = np.abs(names["grad"] * names["up"]).max()
    atol = (1e-12 if double else 1e-6) * float(largest)
    for statement in (case.plain, *case.best):
        if not np.allclose(result(statement), expected, rtol=1e-9 if double else 1e-4, atol=atol):
            raise AssertionError(f"{case.label} {case.direction}: {statement!r} differs from {case.ours!r}")


def bytes_moved(case: Case, names: dict[str, Any]) -> int:
    """What a case has to read and write at the least."""
    if case.gated:
        return (5 if case.direction == "backward" else 3) * names["x"].nbytes
    moved = {
        "forward": ("x", "y"),
        "inplace": ("x", "x"),
        "backward": ("grad", "index", "dx") if case.name == "maxout" else ("grad", "x", "dx"),
        "backward_y": ("grad", "y", "dx"),
        "parameter_grad": ("grad", "x"),
    }[case.direction]
    return sum(names[name].nbytes for name in moved)


def measure(
    case: Case, n: int, dtype: type = np.float32, seconds: float = 0.4, least: int = 5
) -> dict[str, Any] | None:
    """One row at one size, NumPy's results checked first; None if the case needs more than n elements.

    Times are nanoseconds per element; plain_ratio and best_ratio say how many times as long NumPy takes.
    """
    shape = shape_of(case, n)
    if shape is None:
        return None
    names = arrays(case, shape, dtype)
    check(case, names)
    statements = (case.ours, case.plain, *case.best)
    contenders = [Contender(statement, names) for statement in statements]
    found = compare(contenders, names["x"], case.direction == "inplace", seconds, least)
    samples = dict(zip(statements, found, strict=True))
    size = names["x"].size
    ours = quartile(samples[case.ours])
    plain = quartile(samples[case.plain])
    best_way = min((case.plain, *case.best), key=lambda s: quartile(samples[s]))
    best = quartile(samples[best_way])
    spread = {
        who: {"min": v[0] / size, "median": statistics.median(v) / size, "third_quartile": v[len(v) * 3 // 4] / size}
        for who, v in (("ours", samples[case.ours]), ("plain", samples[case.plain]), ("best", samples[best_way]))
    }
    return {
        "label": case.label,
        "function": case.name,
        "variant": case.variant,
        "direction": case.direction,
        "n": n,
        "shape": shape,
        "ns_per_element": ours / size,
        "gb_per_s": bytes_moved(case, names) / ours,
        "plain_ns_per_element": plain / size,
        "best_ns_per_element": best / size,
        "plain_ratio": plain / ours,
        "best_ratio": best / ours,
        "repetitions": len(samples[case.ours]),
        "spread": spread,
        "code": {"ours": case.ours, "plain": case.plain, "best": best_way},
    }


def measure_small_calls(dtype: type = np.float32, seconds: float = 2.0) -> list[dict[str, Any]]:
    """Calls on 16 elements, in nanoseconds per call and as a share of ``np.maximum(x, 0, out=x)``."""
    relu = next(cases(["relu"], ["inplace"]))
    names = arrays(relu, (16,), dtype) | {"weight": 0.25}
    contenders = [Contender(call, names) for call in SMALL_CALLS]
    times = [quartile(own) for own in compare(contenders, names["x"], inplace=True, seconds=seconds, least=5)]
    return [
        {"call": call, "ns": ns, "of_yardstick": ns / times[0]} for call, ns in zip(SMALL_CALLS, times, strict=True)
    ]


def has_threads() -> bool:
    """Whether there are several, which are started."""
    try:
        with pyacts.num_threads(sys.maxsize):
            return pyacts.get_num_threads() > 1
    except ImportError:
        return False


def on_all_cores(case: Case) -> str:
    """The call of pyacts of a case, in several threads."""
    return case.ours.replace("pyacts.", "pyacts.parallel.")


def threaded_cases(functions: Iterable[str] | None, directions: Iterable[str]) -> list[Case]:
    """What can be divided among threads."""
    return [c for c in cases(functions, directions) if c.name != "bias_act" and c.direction != "parameter_grad"]


def measure_threads(
    case: Case, n: int, dtype: type = np.float32, seconds: float = 0.4, least: int = 5
) -> dict[str, Any]:
    """One row: in one thread and on all cores, in nanoseconds per element."""
    names = arrays(case, shape_of(case, n), dtype)
    calls = case.ours, on_all_cores(case)
    contenders = [Contender(call, names) for call in calls]
    samples = compare(contenders, names["x"], case.direction == "inplace", seconds, least)
    one, several = (quartile(own) / names["x"].size for own in samples)
    return {
        "label": case.label,
        "direction": case.direction,
        "n": n,
        "ns_per_element": one,
        "all_cores_ns_per_element": several,
        "ratio": one / several,
        "code": calls,
    }


HEADING = (
    f"{'function':24} {'direction':14} {'n':>6} {'ns/element':>11} {'GB/s':>7} {'plain NumPy':>12} {'best NumPy':>11}"
)


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    ours = f"{row['ns_per_element']:11.4f} {row['gb_per_s']:7.1f}"
    ratios = f"{row['plain_ratio']:11.1f}x {row['best_ratio']:10.1f}x"
    return f"{row['label']:24} {row['direction']:14} {short(row['n']):>6} {ours} {ratios}"


def draw(report: dict[str, Any], path: Path) -> None:
    """The chart: how many times as long NumPy takes at one size, and the time per element over all sizes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ours_colour, best_colour, plain_colour = "#c2410c", "#1d4ed8", "#94a3b8"
    rows = report["rows"]
    sizes = sorted({row["n"] for row in rows})
    at = min(sizes, key=lambda n: abs(np.log2(n / (1 << 15))))
    titles = {
        "forward": "forward, out=",
        "inplace": "in place",
        "backward": "backward, from x",
        "backward_y": "backward, from y",
        "parameter_grad": "parameter_grad",
    }
    labels = list(dict.fromkeys(row["label"] for row in rows))
    measured = {row["direction"] for row in rows}
    directions = [d for d in titles if d in measured and d != "parameter_grad"] or ["parameter_grad"]
    columns = 5
    panels = -(-len(labels) // columns)
    height = 0.34 * len(labels) + 1.8, 2.1 * panels + 0.9
    figure = plt.figure(figsize=(15, sum(height)), layout="constrained", facecolor="white")
    top, bottom = figure.subfigures(2, 1, height_ratios=height)
    style = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9, "axes.titlesize": 10}

    with plt.rc_context(style):
        top.suptitle(
            f"Times as fast as NumPy at {short(at)} {report['dtype']} elements: pyacts {report['version']} "
            f"({report['isa']}), NumPy {report['numpy']}, {report['cpu']}, one thread",
            fontsize=12,
            fontweight="bold",
        )
        ratios = [row[key] for row in rows if row["n"] == at for key in ("plain_ratio", "best_ratio")]
        drawn = top.subplots(1, len(directions), sharey=True, squeeze=False)[0]
        for axes, direction in zip(drawn, directions, strict=True):
            here = {r["label"]: r for r in rows if r["n"] == at and r["direction"] == direction}
            for k, label in enumerate(labels):
                if label not in here:
                    continue
                bars = (("plain_ratio", plain_colour, -0.2), ("best_ratio", best_colour, 0.2))
                for key, colour, shift in bars:
                    value = here[label][key]
                    axes.barh(k + shift, value - 1, 0.38, left=1, color=colour)
                    axes.annotate(
                        f"{value:.1f}",
                        (value, k + shift),
                        (3 if value >= 1 else -3, 0),
                        textcoords="offset points",
                        ha="left" if value >= 1 else "right",
                        va="center",
                        size=7,
                    )
            axes.axvline(1, color="black", linewidth=0.8)
            axes.set_xscale("log")
            axes.set_xlim(min(*ratios, 0.7) / 2, max(*ratios, 4) * 2)
            ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if min(*ratios, 0.5) <= t <= max(*ratios, 5)]
            axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
            axes.minorticks_off()
            axes.grid(axis="x", color="#e2e8f0", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.set_title(titles[direction])
            axes.set_yticks(range(len(labels)), labels)
            axes.set_ylim(len(labels) - 0.4, -0.6)
        handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in (plain_colour, best_colour)]
        top.legend(
            handles,
            ["than the plain expression", "than the best with out= and scratch arrays"],
            loc="outside lower center",
            ncols=2,
            frameon=False,
        )

        bottom.suptitle(
            f"Nanoseconds per element over the number of elements: {titles[directions[0]]}",
            fontsize=12,
            fontweight="bold",
        )
        grid = bottom.subplots(panels, columns, sharex=True, sharey=True, squeeze=False)
        for k, axes in enumerate(grid.flat):
            if k >= len(labels):
                axes.axis("off")
                continue
            own = [r for r in rows if r["label"] == labels[k] and r["direction"] == directions[0]]
            x = [r["n"] for r in own]
            for key, colour, width in (
                ("plain_ns_per_element", plain_colour, 1.4),
                ("best_ns_per_element", best_colour, 1.4),
                ("ns_per_element", ours_colour, 2.2),
            ):
                axes.plot(x, [r[key] for r in own], color=colour, linewidth=width, marker="o", markersize=3)
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.set_xticks(sizes, [short(n) for n in sizes])
            axes.minorticks_off()
            axes.grid(color="#e2e8f0", linewidth=0.6)
            axes.set_title(labels[k], loc="left")
            axes.tick_params(labelbottom=k + columns >= len(labels))
        lines = [plt.Line2D([], [], color=c, linewidth=2) for c in (ours_colour, best_colour, plain_colour)]
        bottom.legend(
            lines, ["pyacts", "best NumPy", "plain NumPy"], loc="outside lower center", ncols=3, frameon=False
        )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> None:
    names = [*(activation.name for activation in pyacts.catalog.ACTIVATIONS), "bias_act"]
    parser = argparse.ArgumentParser(description="The speed of every pyacts function against NumPy.")
    parser.add_argument("--functions", nargs="+", choices=names, metavar="NAME", help="default: all")
    parser.add_argument("--directions", nargs="+", choices=DIRECTIONS, default=DIRECTIONS, metavar="DIRECTION")
    parser.add_argument("--sizes", nargs="+", type=parse_size, metavar="N", help="elements: 16, 32Ki, 1Mi, ...")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--quick", action="store_true", help="fewer sizes and repetitions, under a minute")
    chosen = parser.parse_args(arguments)
    if missing := missing_rows():
        raise LookupError(f"no NumPy expression in the catalogue for {', '.join(missing)}: add it to `numpy`")

    dtype = getattr(np, chosen.dtype)
    sizes = chosen.sizes or (QUICK_SIZES if chosen.quick else SIZES)
    seconds, least = (0.08, 3) if chosen.quick else (0.4, 5)
    todo = [(c, n) for c in cases(chosen.functions, chosen.directions) for n in sizes if shape_of(c, n)]
    cpu = cpu_model()
    print(f"pyacts {pyacts.__version__} ({pyacts.isa()}), NumPy {np.__version__}, {chosen.dtype}, {cpu}, one thread")
    print("GB/s: bytes read and written. plain NumPy, best NumPy: how many times as long they take.\n")
    print(HEADING)
    start = perf_counter()
    threaded_sizes = chosen.sizes or (QUICK_THREADED_SIZES if chosen.quick else THREADED_SIZES)
    threaded = threaded_cases(chosen.functions, chosen.directions) if has_threads() else []
    threaded = [(case, n) for case in threaded for n in threaded_sizes if shape_of(case, n)]
    progress = Progress(len(todo) + 1 + len(threaded))
    rows = []
    for case, n in todo:
        progress.show(f"{case.label} {case.direction}, {short(n)}")
        rows.append(measure(case, n, dtype, seconds, least))
        progress.clear()
        print(line(rows[-1]), flush=True)

    progress.show("small calls")
    small_calls = measure_small_calls(dtype, seconds=5 * seconds)
    progress.clear()
    print(f"\n{'a call on 16 elements':40} {'ns':>6}   of {YARDSTICK}")
    for call in small_calls:
        print(f"{call['call']:40} {call['ns']:6.0f}   {call['of_yardstick']:.3f}")

    if threaded:
        print(f"\n{'function':24} {'direction':14} {'n':>6} {'one thread':>11} {'all cores':>10}, ns/element")
    threads = []
    for case, n in threaded:
        progress.show(f"{case.label} {case.direction}, {short(n)}, on all cores")
        threads.append(measure_threads(case, n, dtype, seconds, least))
        progress.clear()
        row = threads[-1]
        times = f"{row['ns_per_element']:11.4f} {row['all_cores_ns_per_element']:10.4f} {row['ratio']:7.2f}x"
        print(f"{row['label']:24} {row['direction']:14} {short(n):>6} {times}", flush=True)

    report = {
        "version": pyacts.__version__,
        "isa": pyacts.isa(),
        "dtype": chosen.dtype,
        "cpu": cpu,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(perf_counter() - start, 1),
        "rows": rows,
        "small_calls": small_calls,
        "threads": threads,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"speed-{pyacts.isa()}-{chosen.dtype}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\n{report['seconds']} s. Figures: {path}")
    try:
        draw(report, path.with_suffix(".png"))
    except ImportError:
        print("No chart: it needs matplotlib (pip install matplotlib)")
    else:
        print(f"Chart:   {path.with_suffix('.png')}")


if __name__ == "__main__":
    main()
