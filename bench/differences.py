"""Where torch, JAX and SciPy differ, and by how much: ``python -m bench.differences``.

Every elementwise function of the catalogue that one of them has, in float32, forward and backward with grad = 1
(theirs by their own differentiation), against the definitions in tests/oracle.py in float64; and softmax and its
relatives. What is counted:

- the largest error in units in the last place (ULP; near a zero of a derivative, of the larger of the terms that cancel
  there), the share of results that are off by more than 16, and the worst. The inputs are 2**20 numbers spread evenly
  over the bit patterns, so that all exponents count alike. Of subnormal results only whether they become zero, of
  subnormal inputs nothing.
- results at -inf, inf, NaN, -0.0 and the kinks that are other than docs/edges.md says.

It needs what the tests need, and takes those of torch, JAX and SciPy that are installed. ``--write`` puts the tables
into docs/differences.md.
"""

import argparse
import importlib
import re
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))

import oracle  # noqa: E402

import pyacts  # noqa: E402
from bench.systems import jax_functions  # noqa: E402
from pyacts.catalog import Activation  # noqa: E402

TINY = np.finfo(np.float32).smallest_normal
BAD = 16  # ULP
BITS = 20
PAGE = ROOT / "docs" / "differences.md"


# ----------------------------------------------------------------------------------------------------------------
# The systems: f(x) and f'(x) of arrays


class Pyacts:
    name, version = "pyacts", pyacts.__version__

    def forward(self, f, x):
        return f[0](x)

    def backward(self, f, x):
        return f[1](np.ones_like(x), x)


class Torch:
    name = "torch"

    def __init__(self):
        self.module = importlib.import_module("torch")
        self.version = self.module.__version__
        self.module.set_num_threads(1)

    def forward(self, f, x):
        return f(self.module.from_numpy(x)).numpy()

    def backward(self, f, x):
        x = self.module.from_numpy(x.copy()).requires_grad_()
        f(x).backward(self.module.ones_like(x))
        return x.grad.numpy()

    def functions(self):
        torch, nn = self.module, self.module.nn.functional
        return {
            "relu": nn.relu,
            "leaky_relu": nn.leaky_relu,
            "prelu": lambda x: nn.prelu(x, torch.tensor([0.25], dtype=x.dtype)),
            "relu6": nn.relu6,
            "threshold": lambda x: nn.threshold(x, 1.0, 0.0),
            "hard_tanh": nn.hardtanh,
            "hard_sigmoid": nn.hardsigmoid,
            "hard_swish": nn.hardswish,
            "elu": nn.elu,
            "selu": nn.selu,
            "celu": nn.celu,
            "softplus": nn.softplus,
            "log_sigmoid": nn.logsigmoid,
            "exponential": torch.exp,
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "softsign": nn.softsign,
            "silu": nn.silu,
            "gelu": nn.gelu,
            "gelu_tanh": partial(nn.gelu, approximate="tanh"),
            "mish": nn.mish,
            "hard_shrink": nn.hardshrink,
            "soft_shrink": nn.softshrink,
            "tanh_shrink": nn.tanhshrink,
            "softmax": partial(torch.softmax, dim=-1),
            "log_softmax": partial(torch.log_softmax, dim=-1),
            "logsumexp": partial(torch.logsumexp, dim=-1),
        }


class Jax:
    name = "JAX"

    def __init__(self):
        self.module = importlib.import_module("jax")
        self.version = self.module.__version__

    def forward(self, f, x):
        return np.asarray(f(x))

    def backward(self, f, x):
        y, vjp = self.module.vjp(f, x)
        return np.asarray(vjp(self.module.numpy.ones_like(y))[0])

    def functions(self):
        return jax_functions(self.module)


class Scipy:
    name = "SciPy"

    def __init__(self):
        self.module = importlib.import_module("scipy.special")
        self.version = importlib.import_module("scipy").__version__

    def forward(self, f, x):
        with np.errstate(all="ignore"):
            return f(x)

    backward = None

    def functions(self):
        special = self.module
        return {
            "softplus": special.softplus,
            "log_sigmoid": special.log_expit,
            "sigmoid": special.expit,
            "gelu": lambda x: x * special.ndtr(x),
            "softmax": partial(special.softmax, axis=-1),
            "log_softmax": partial(special.log_softmax, axis=-1),
            "logsumexp": partial(special.logsumexp, axis=-1),
        }


class Numpy:
    """The plain expressions of the catalogue."""

    name, version = "NumPy", np.__version__

    def forward(self, f, x):
        return self.value(f["forward"], x)

    def backward(self, f, x):
        return self.value(f["backward"], x)

    def value(self, expression, x):
        names = {"np": np, "x": x, "grad": np.ones_like(x), "weight": x.dtype.type(0.25)}
        with np.errstate(all="ignore"):
            return eval(expression, names).astype(x.dtype)

    def functions(self):
        return {a.name: a.numpy for a in oracle.ELEMENTWISE if "erf(" not in a.numpy["forward"]}  # that is SciPy's


PEERS = {kind.name: kind for kind in (Torch, Jax, Scipy, Numpy)}

# ----------------------------------------------------------------------------------------------------------------
# Measuring


@dataclass
class Found:
    """What one system does with one function in one direction."""

    error: float  # the largest
    share: float  # per cent that are off by more
    worst: str
    flushes: bool
    special: list[str] = field(default_factory=list)

    def __str__(self):
        if self.error <= BAD:
            return f"{self.error:.2g}"
        size = f"**{self.error:.2g}**, " if np.isfinite(self.error) else ""
        return f"{size}{self.share:.2g} %{self.worst}"


def found(errors, x, got, want, name):
    """What the errors amount to. The worst is shown if the function has a name."""
    errors = np.where((abs(want) < TINY) & (abs(got) <= TINY), 0, errors)
    worst = errors.argmax()
    value = got.flat[worst]
    shown = f", {name}({x.flat[worst]:.4g}) = {written(value)}, not {want.flat[worst]:.4g}" if name else ""
    small = (abs(want) < TINY) & (abs(want) > TINY / 2**20)
    return Found(
        error=np.inf if np.isinf(value) else errors.flat[worst],
        share=100 * (errors > BAD).mean(),
        worst=shown,
        flushes=bool(small.any() and (got[small] == 0).mean() > 0.5),
    )


def spread(bits):
    """One random float32 out of each of 2**bits equal ranges of bit patterns, if it is finite."""
    shift = np.uint32(32 - bits)
    random = np.random.default_rng(bits).integers(2**shift, size=2**bits, dtype=np.uint32)
    x = (np.arange(2**bits, dtype=np.uint32) << shift | random).view(np.float32)
    return x[np.isfinite(x)]


def specials(activation, direction):
    """Inputs, and what the table in docs/edges.md has there."""
    a = activation
    ends = a.limits if direction == "forward" else a.slopes
    found = {-np.inf: ends[0], np.inf: ends[1], np.nan: np.nan}
    return found | ({-0.0: a.zero} if direction == "forward" else a.kinks)


def written(value):
    return "-0.0" if value == 0 and np.signbit(value) else f"{value:.4g}"


def different(got, want, at):
    """Whether they differ by more than rounding; the sign of a zero counts at a zero."""
    same = np.isclose(got, want, rtol=1e-5, atol=0, equal_nan=True)
    return not same or (got == want == at == 0 and np.signbit(got) != np.signbit(want))


def measured(system, f, activation: Activation, direction, x):
    call = getattr(system, direction)
    params = tuple(0.25 if p.default is None else p.default for p in activation.parameters)
    want = oracle.exact(activation, direction, x, params)
    got = call(f, x)
    errors = oracle.error(got, want, oracle.unit_of(activation, direction, x, params, want))
    name = "f" if direction == "forward" else "f'"
    result = found(np.where(abs(x) < TINY, 0, errors), x, got, want, name)
    at = specials(activation, direction)
    padded = np.resize(np.array(list(at), np.float32), 4096)  # enough for the loops over vectors
    for value, wanted, y in zip(at, at.values(), call(f, padded), strict=False):
        if different(y, np.float32(wanted), value):
            result.special.append(f"{name}({written(value)}) = {written(y)}")
    return result


FAMILY = {"softmax": oracle.softmax, "log_softmax": oracle.log_softmax, "logsumexp": oracle.logsumexp}


def lines():
    """Rows of 128 numbers, narrow and wide."""
    random = np.random.default_rng(0)
    return np.concatenate([random.normal(scale=scale, size=(512, 128)) for scale in (1, 4, 16, 64)]).astype(np.float32)


def measured_line(system, f, definition, x):
    want = definition(oracle.FAST, x.astype(float))
    got = system.forward(f, x)
    return found(oracle.error(got, want), x, got, want, "")


# ----------------------------------------------------------------------------------------------------------------
# Reporting


def systems():
    yield Pyacts()
    for kind in (Torch, Jax, Scipy):
        try:
            yield kind()
        except ImportError:
            print(f"{kind.name} is not installed", file=sys.stderr)


def functions_of(system, names):
    if isinstance(system, Pyacts):
        return {n: (pyacts.get(n), pyacts.get(n, direction="backward")) for n in names}
    return {n: f for n, f in system.functions().items() if n in names}


def required(f, activation):
    """pyacts' functions with the parameters that have no default."""
    if any(p.default is None for p in activation.parameters):
        return (lambda x: f[0](x, 0.25), lambda grad, x: f[1](grad, x, 0.25))
    return f


def results():
    """(system, {(function, direction): Found}) of all that are installed."""
    x = spread(BITS)
    activations = {a.name: a for a in oracle.ELEMENTWISE}
    for system in systems():
        functions = functions_of(system, (*activations, *FAMILY))
        measurements = {}
        for name, activation in activations.items():
            if name in functions:
                f = required(functions[name], activation) if isinstance(system, Pyacts) else functions[name]
                for direction in ("forward", "backward"):
                    if getattr(system, direction):
                        measurements[name, direction] = measured(system, f, activation, direction, x)
        for name, definition in FAMILY.items():
            if name in functions:
                measurements[name, "forward"] = measured_line(system, functions[name], definition, lines())
        print(f"measured {system.name} {system.version}", file=sys.stderr)
        yield system, measurements


def table(head, rows):
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)) + "\n"


def report(measurements):
    ours, *peers = measurements
    if not peers:
        sys.exit("there is nothing to compare with")
    rows = [row for row in ours[1] if any(row in found for _, found in peers)]
    names = [f"{system.name} {system.version}" for system, _ in measurements]
    labels = {row: f"`{row[0]}`" + ("" if row[1] == "forward" else " backward") for row in rows}
    errors = [[labels[row], *(str(found.get(row, "")) for _, found in measurements)] for row in rows]
    special = [
        [labels[row], *(", ".join(found[row].special) if row in found else "" for _, found in peers)] for row in rows
    ]
    flushing = [
        f"{system.name} returns 0 where the result is subnormal in: "
        + ", ".join(labels[row] for row in rows if row in found and found[row].flushes)
        + ".\n"
        for system, found in measurements
        if any(f.flushes for f in found.values())
    ]
    assert not any(found.special for found in ours[1].values())
    return (
        f"Level of pyacts: {pyacts.isa()}.\n\n"
        + table(["largest error in ULP", *names], errors)
        + "\n"
        + "\n".join(flushing)
        + "\nResults that are other than in [edges.md](edges.md):\n\n"
        + table(["function", *names[1:]], [row for row in special if any(row[1:])])
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    text = report(list(results()))
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        start, end = "<!-- written by bench/differences.py -->\n", "<!-- until here -->\n"
        page = re.sub(f"({start}).*({end})", lambda m: f"{m[1]}\n{text}\n{m[2]}", page, flags=re.DOTALL)
        PAGE.write_text(page, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
