"""The largest errors of the elementwise functions: ``python -m bench.accuracy.measure`` (or ``make accuracy``).

Every function, forward, backward from x and from y (with grad = 1), in both tiers, or with --peers as torch, JAX, SciPy
and NumPy (the plain expressions of the catalogue) have it:

float32
    all 2**32 bit patterns, against the definitions of tests/oracle.py in float64, which test_values.py holds to
    2e-4 ULP. What that leaves open is decided in 200-bit numbers: whether a result is the correctly rounded
    one, where the error is next to half an ULP, and the size of the largest error.
float64
    random numbers over all exponents and where the functions are curved, with kinks, range ends and the like, against
    the same definitions in long double, and where these leave something open, as above, in 200-bit numbers.
float16, bfloat16
    all 2**16.

Errors are in units in the last place (ULP) of the exact result; in the default tier, where two terms of a derivative
cancel, of the larger of them (the oracle's ``cancelling``).

Takes about half a minute per function and direction on two cores. Blocks that are done are kept in results/, so a run
that was stopped goes on where it was; --every 509 takes a part of the float32 numbers. With --write the results go to
results.json and into the table of docs/accuracy.md; tests hold the catalogue's bounds to them.
"""

import argparse
import functools
import hashlib
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests"))

import oracle  # noqa: E402
from common import TYPES  # noqa: E402
from test_values import BY_NAME, DEFAULTS, call, dense, hard  # noqa: E402

import pyacts  # noqa: E402
from bench.differences import PEERS  # noqa: E402

BLOCK = 2**22  # bit patterns, or random numbers, that one process takes at a time
PIECE = 2**14  # those that are worked on at once: the arrays fit the second cache
WINDOW = 16  # blocks between two records of what is done
PARTS = HERE / "results"
RESULTS = HERE / "results.json"
PAGE = HERE.parent.parent / "docs" / "accuracy.md"
LIBRARY = hashlib.sha256(Path(pyacts.get_library()).read_bytes()).hexdigest()


@dataclass(frozen=True)
class Row:
    """What is measured at once: one direction of one activation in one dtype, in each tier or by each peer."""

    activation: str
    direction: str
    dtype: str
    tiers: tuple[str, ...]

    def __str__(self):
        return f"{self.activation} {self.direction} {self.dtype}"


@dataclass(frozen=True)
class Found:
    """What was found in some of the inputs."""

    inputs: int = 0
    max_ulp: float = 0.0
    at: str = ""
    not_nearest: int = 0  # results that are not the correctly rounded ones
    nan: int = 0  # results that are NaN and should not be

    def __add__(self, other):
        worst = max(self, other, key=lambda found: found.max_ulp)
        return Found(
            self.inputs + other.inputs,
            worst.max_ulp,
            worst.at,
            self.not_nearest + other.not_nearest,
            self.nan + other.nan,
        )


@functools.cache
def peer(name):
    return PEERS[name]()


def results_of(row, tier, at):
    """What the function of a row gives, at x, or at y."""
    if tier in PEERS:
        function = peer(tier).functions()[row.activation]
        return getattr(peer(tier), row.direction)(function, at)
    module = pyacts.exact if tier == "exact" else pyacts
    return call(BY_NAME[row.activation], row.direction, at, DEFAULTS[row.activation], module=module)


def unit_in_last_place(size, info):
    """The ULP of sizes in a dtype, not below that of the smallest normal number."""
    if size.dtype == np.float64:  # the bits of the exponent: np.frexp takes five times as long
        exponent = ((size.view(np.int64) >> 52) & 0x7FF) - 1023
        return ((np.clip(exponent, info.minexp, info.maxexp - 1) - info.nmant + 1023) << 52).view(np.float64)
    exponent = np.frexp(size)[1] - 1
    return np.ldexp(size.dtype.type(1), np.clip(exponent, info.minexp, info.maxexp - 1) - info.nmant)


def wanted(m, row, at):
    """What is wanted, in FAST or LONG numbers; infinity is the power of two above the largest number."""
    top = np.ldexp(m.number(1), oracle.finfo(at.dtype).maxexp)
    return np.clip(oracle.exact(BY_NAME[row.activation], row.direction, at, DEFAULTS[row.activation], m), -top, top)


def cancelling(row, at, m):
    definition = oracle.ORACLES[row.activation]
    found = {"forward": definition.cancelling_f, "backward": definition.cancelling, "backward_y": None}[row.direction]
    if found is None:
        return 0.0
    return oracle.evaluate(m, found, at, *oracle.rounded(DEFAULTS[row.activation], at.dtype))


def left_open(want, terms, got):
    """Which float32 results may not be the nearest numbers: what is wanted rounds to the others, and a little off, too.

    Where terms cancel, FAST numbers are too far off to say.
    """
    little = CLOSE["f32"] * 2.0**-23
    low, high = (want * (1 - little)).astype(got.dtype), (want * (1 + little)).astype(got.dtype)
    return np.flatnonzero((got != low) | (got != high) | (terms > abs(want)))


def in_numbers(m, row, tier, want, terms, got):
    """The errors of results in FAST or LONG numbers, and how far from the truth they may be."""
    info = oracle.finfo(got.dtype)
    top = np.ldexp(m.number(1), info.maxexp)
    own = unit_in_last_place(abs(want), info)
    unit = unit_in_last_place(np.maximum(abs(want), terms), info)
    error, doubt = abs(np.clip(m.number(got), -top, top) - want), CLOSE[row.dtype]
    return (error / own, doubt * (unit / own)) if tier == "exact" else (error / unit, doubt)


def in_exact_numbers(row, tier, at, got):
    """The errors in 200-bit numbers."""
    activation, params = BY_NAME[row.activation], DEFAULTS[row.activation]
    rounding = oracle.exact_numbers(at.dtype)
    want = oracle.exact(activation, row.direction, at.astype(np.float64), oracle.rounded(params, at.dtype), rounding)
    unit = oracle.unit_of(activation, row.direction, at, params, want) if tier != "exact" else None
    return oracle.error(got, want, unit)


# How far from the truth an error in FAST or LONG numbers may be, in ULP (of the larger of the terms that cancel).
CLOSE = {"f32": 2e-4, "f16": 2e-4, "bf16": 2e-4, "f64": 2e-2}

TIE = 1e-10  # errors that are this near half an ULP are taken to be that

# ----------------------------------------------------------------------------------------------------------------
# A block


def in_range(row, x):
    """Those that a direction can start from: from y, what the function can give."""
    if row.direction != "backward_y":
        return x
    ends = np.array([-1, 1], x.dtype) * oracle.finfo(x.dtype).max
    with np.errstate(over="ignore"):
        low, high = oracle.exact(BY_NAME[row.activation], "forward", ends, DEFAULTS[row.activation]).astype(x.dtype)
    return x[(x >= low) & (x <= high)]


def inputs_of(row, start, stop, every):
    """The inputs of a block."""
    if row.dtype == "f64":
        x = random_float64(start, stop)
    else:
        unsigned = np.dtype(f"u{np.dtype(TYPES[row.dtype]).itemsize}")
        x = np.arange(start, stop, every if row.dtype == "f32" else 1, np.int64).astype(unsigned).view(TYPES[row.dtype])
    with np.errstate(invalid="ignore"):  # signalling NaNs
        x = x[np.isfinite(x)]
    return in_range(row, x)


def bits_of(row, tier):
    """A hash of the bits of results at every 4099th float32 number, 2**20 float64 numbers or all halves.

    They are the same wherever multiply-adds are fused, so this tells of every change of a coefficient.
    """
    if row.dtype == "f64":
        x = in_range(row, np.ldexp(np.arange(2**20) * 2.0**-19 - 1, np.arange(2**20) % 2098 - 1074))
    else:
        x = inputs_of(row, 0, 2**32 if row.dtype == "f32" else 2**16, 4099)
    y = results_of(row, tier, x)
    y[np.isnan(y)] = np.nan
    return hashlib.sha256(y.astype(y.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()[:16]


def random_float64(start, stop):
    """Half of them of any bit pattern, half where the functions are curved: others in each block."""
    half = (stop - start) // 2
    patterns = np.random.default_rng(start).integers(0, 2**64, half, dtype=np.uint64).view(np.float64)
    parts = [patterns, dense(np.float64, half, seed=start + 1)]
    return np.concatenate([*parts, hard(np.float64)] if start == 0 else parts)


@np.errstate(over="ignore")
def measure(row, start, stop, every):
    """By tier, what is found in a block of inputs."""
    found = {tier: Found() for tier in row.tiers}
    x = inputs_of(row, start, stop, every)
    numbers = oracle.LONG if row.dtype == "f64" else oracle.FAST
    for k in range(0, x.size, PIECE):
        at = x[k : k + PIECE]
        want, terms = wanted(numbers, row, at), cancelling(row, at, numbers)
        for tier in row.tiers:
            # Errors of nearest numbers are at most half an ULP: of a block of float32 they are measured in one piece.
            every_error = k == 0 or row.dtype != "f32"
            found[tier] += compare(numbers, row, tier, at, want, terms, found[tier].max_ulp, every_error)
    return found


def compare(numbers, row, tier, at, want, terms, largest, every_error):
    """What is found in a piece of the inputs, when the largest error so far is known."""
    got, inputs = results_of(row, tier, at), at.size
    if not every_error:
        some = left_open(want, terms, got)
        at, want, got = at[some], want[some], got[some]
        terms = terms[some] if np.ndim(terms) else terms
    if not at.size:
        return Found(inputs)
    errors, doubt = in_numbers(numbers, row, tier, want, terms, got)
    nan = np.isnan(errors)
    errors[nan] = 0
    # What these numbers leave open: errors next to half an ULP (at half an ULP, as those of x / 2 are when it is
    # subnormal, both neighbours are the nearest), and the largest if it may be that of all.
    beside = abs(errors - 0.5)
    decided = np.flatnonzero((beside < doubt) & (beside > TIE))
    worst = int(errors.argmax())
    if errors[worst] > largest:
        decided = np.append(decided, worst)
    if decided.size:
        errors[decided] = in_exact_numbers(row, tier, at[decided], got[decided])
        worst = int(errors.argmax())
    return Found(inputs, float(errors[worst]), float(at[worst]).hex(), int((errors > 0.5).sum()), int(nan.sum()))


# ----------------------------------------------------------------------------------------------------------------
# All of it


def rows(arguments):
    for activation in oracle.ELEMENTWISE:
        for dtype in arguments.dtypes:
            for direction in activation.directions:
                if activation.name in arguments.functions and direction in arguments.directions:
                    tiers = ("default", "exact") if dtype == "f32" else ("default",)
                    if arguments.peers:
                        tiers = tuple(name for name in installed() if has(peer(name), activation.name, direction))
                    if tiers:
                        yield Row(activation.name, direction, dtype, tiers)


def has(system, name, direction):
    return bool(getattr(system, direction, None)) and name in system.functions()


@functools.cache
def installed():
    """The names of the peers that can be imported."""
    names = []
    for name in PEERS:
        try:
            peer(name)
        except ImportError:
            print(f"{name} is not installed", file=sys.stderr)
        else:
            names.append(name)
    return names


def blocks_of(row, every, points):
    """(start, stop) of the blocks of a row."""
    total = {"f32": 2**32, "f64": points}.get(row.dtype, 2**16)
    size = BLOCK * every if row.dtype == "f32" else BLOCK // 16
    return [(start, min(start + size, total)) for start in range(0, total, size)]


def measure_row(pool, row, every, points):
    """All blocks of a row, by tier. What is done of it is kept, for this very library."""
    part = PARTS / f"{'-'.join([*str(row).split(), *row.tiers])}.json"
    asked = {"library": LIBRARY, "level": pyacts.isa(), "every": every, "points": points}
    kept = json.loads(part.read_text()) if part.exists() else {}
    if kept.get("asked") != asked:
        kept = {"asked": asked, "blocks": 0, "found": {tier: {} for tier in row.tiers}}
    found = {tier: Found(**fields) for tier, fields in kept["found"].items()}
    blocks = blocks_of(row, every, points)
    for k in range(kept["blocks"], len(blocks), WINDOW):
        window = blocks[k : k + WINDOW]
        for own in pool.map(measure, *zip(*((row, first, last, every) for first, last in window), strict=True)):
            found = {tier: found[tier] + own[tier] for tier in found}
        kept |= {"blocks": k + len(window), "found": {tier: asdict(f) for tier, f in found.items()}}
        part.write_text(json.dumps(kept))
        print(f"\r{row}: {100 * kept['blocks'] // len(blocks)} %  ", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)
    return found


def main():
    names = [a.name for a in oracle.ELEMENTWISE]
    parser = argparse.ArgumentParser(description="The largest error of every elementwise function.")
    parser.add_argument("--functions", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--directions", nargs="+", default=["forward", "backward", "backward_y"], metavar="DIRECTION")
    parser.add_argument("--dtypes", nargs="+", choices=tuple(TYPES), default=tuple(TYPES))
    parser.add_argument("--every", type=int, default=1, help="take every so manieth float32 number")
    parser.add_argument("--points", type=int, default=10**7, help="float64 numbers")
    parser.add_argument("--peers", action="store_true", help="measure torch, JAX, SciPy and NumPy instead, in float32")
    parser.add_argument("--write", action="store_true", help="put what is found into results.json")
    arguments = parser.parse_args()
    if arguments.peers:
        arguments.dtypes = ("f32",)
    PARTS.mkdir(exist_ok=True)
    results = {}
    print(f"{'':38}{'tier':8}{'inputs':>11}{'max ULP':>11}{'not nearest':>12}  at")
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:  # JAX has threads
        for row in rows(arguments):
            found = measure_row(pool, row, arguments.every, arguments.points)
            results[str(row)] = {tier: asdict(f) for tier, f in found.items()}
            if not arguments.peers and pyacts.isa() != "baseline":
                for tier in row.tiers:
                    results[str(row)][tier]["bits"] = bits_of(row, tier)
            for tier, f in found.items():
                share = f.not_nearest / max(f.inputs, 1)
                nan = f", {f.nan} are NaN" if f.nan else ""
                print(f"{row!s:38}{tier:8}{f.inputs:11}{f.max_ulp:11.5g}{share:12.2%}  {f.at}{nan}", flush=True)
    if arguments.write:
        write(results, arguments.every, arguments.peers)


def write(results, every, peers):
    """Put what was found into results.json and the tables of docs/accuracy.md."""
    about = about_peers() if peers else about_pyacts()
    about["every"] = every
    keep("peers" if peers else "results", {row: {"about": about, **found} for row, found in results.items()})


def about_pyacts():
    compiler = subprocess.run([*sysconfig.get_config_var("CC").split(), "--version"], capture_output=True, text=True)
    about = {"version": pyacts.__version__, "level": pyacts.isa(), "machine": platform.machine()}
    return about | {"compiler": compiler.stdout.partition("\n")[0]}


def about_peers():
    return {"machine": platform.machine()} | {name: peer(name).version for name in installed()}


def keep(section, found):
    """Put something into a section of results.json, and the tables that are made of it into docs/accuracy.md."""
    kept = {"results": {}, "peers": {}, "lines": {}}
    if RESULTS.exists():
        kept |= json.loads(RESULTS.read_text())
    kept[section] |= found
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    put_into_page("results", table(kept["results"]))
    put_into_page("peers", table_of_peers(kept))
    put_into_page("lines", table_of_lines(kept["lines"]))


def put_into_page(name, made):
    """Put a table between its marks in docs/accuracy.md."""
    text = PAGE.read_text(encoding="utf-8")
    start, end = f"<!-- {name} written by bench/accuracy -->", f"<!-- end of {name} -->"
    head, tail = text[: text.index(start)], text[text.index(end) :]
    PAGE.write_text(f"{head}{start}\n\n{made}\n{tail}", encoding="utf-8")


LABELS = {"forward": "", "backward": " backward", "backward_y": " backward from y"}


def label(activation, direction):
    return f"`{activation.name}`{LABELS[direction]}"


def table(results):
    """A line for each function and direction."""
    lines = ["| function | float32 | exact | float64 | float16 | bfloat16 |", "|---|---|---|---|---|---|"]
    for activation in oracle.ELEMENTWISE:
        for direction in activation.directions:
            found = [results.get(f"{activation.name} {direction} {dtype}") for dtype in ("f32", "f64", "f16", "bf16")]
            if None in found:
                continue
            single, *others = found
            cells = [single["default"], single["exact"], *(other["default"] for other in others)]
            lines.append(f"| {label(activation, direction)} | {' | '.join(cell(c) for c in cells)} |")
    return "\n".join(lines) + "\n"


def table_of_peers(kept):
    """The largest errors of the peers in float32, and where NaN is wrong."""
    lines = [f"| function | pyacts | exact | {' | '.join(PEERS)} |", "|---" * (3 + len(PEERS)) + "|"]
    for activation in oracle.ELEMENTWISE:
        for direction in activation.directions:
            row = f"{activation.name} {direction} f32"
            if row in kept["peers"] and row in kept["results"]:
                found = kept["results"][row] | kept["peers"][row]
                cells = []
                for name in ("default", "exact", *PEERS):
                    own = found.get(name, {})
                    cells.append(short(own.get("max_ulp")) + (", NaN" if own.get("nan") else ""))
                lines.append(f"| {label(activation, direction)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def table_of_lines(columns):
    """The largest errors of the softmax family."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column["errors"]))
    lines = [f"| function | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    for name in names:
        cells = [short(column["errors"].get(name)) for column in columns.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(found):
    """The largest error, and how many in a thousand results are not the nearest number."""
    share = 1000 * found["not_nearest"] / found["inputs"]
    return f"{found['max_ulp']:.3f}" + (f" ({share:.2g} ‰)" if share else "")


def short(error):
    """An error in few letters; where a result is infinite and should not be, it is larger than any other can be."""
    if error is None:
        return ""
    return f"{error:.2f}" if error < 100 else f"{error:.1e}" if error < 1e20 else "inf"


if __name__ == "__main__":
    main()
