"""Speed against the peers: ``make bench-peers`` (in an environment that has them: ``python -m bench.peers``).

Every function of the catalogue against torch, JAX, ONNX Runtime, NumPy, SciPy, MKL, numexpr and thinc, as far as they
are installed, on one core: forward into a new array, into an existing one (out=) and in place, backward from the input
and from the output, each into an existing array, and backward from the input into a new one.

How it is measured. All that compete in a row are timed in turn in each repetition, so that drift of the machine meets
all alike; figures are first quartiles, in nanoseconds per element, and the JSON has the spread. A timed piece lasts at
least 50 microseconds. A peer's figure is that of its fastest way; one that makes a new array where it cannot write into
an existing one is compared as it is. Results are compared first (up to 32 Ki elements); a peer whose result differs
or that fails is left out of the row, and listed. What takes five times as long as pyacts when tried is not timed again,
and what takes ten times as long at 32 Ki is not tried on more.

Each level (avx512, avx2, baseline) has a process of its own, in which pyacts and those peers that can be are narrowed
to it. The others take part at the widest level only. At baseline the default is float32 in cache.

Beside the times stand the limits of the machine, measured in the same run:

bound (elementwise functions, from 4 Ki elements)
    what the loop takes at the least, from the instructions counted in its disassembly (bench/instructions.py): all
    vector operations, those of the multiplier, divisions, each at the rate that bench/roofline.c reaches, or moving
    the data through the cache at the rate of memcpy, whichever takes longest.
memory (from 4 Ki elements)
    the share of the bandwidth of memcpy (in place: of scaling by a constant) in the same row.

--write puts the table of goals and figures into docs/performance.md.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, perf_counter_ns, process_time_ns
from typing import Any

import numpy as np

import pyacts
from bench import instructions, page, speed
from bench.page import IN_CACHE, LARGE, SMALL
from bench.roofline import Roofline, compiler
from bench.systems import CASES, PEERS, SHAPES, Exact, Pyacts, Row, System, available
from bench.timing import Clock, Contender, Progress, compare, cpu_model, parse_size, quartile, short

RESULTS = Path(__file__).resolve().parent / "results"
LEVELS = ("avx512", "avx2", "baseline")
DTYPES = ("float32", "float64", "float16", "bfloat16")
SUFFIXES = {"float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16"}
DIRECTIONS = {"forward": ("new", "out", "inplace"), "backward": ("new", "out"), "backward_y": ("out",)}
GROWTH = tuple(1 << k for k in range(12, 25, 2))  # elements: 4 Ki to 16 Mi
CHECKED = IN_CACHE  # elements up to which results are compared
HOPELESS = 5
LEAST = 4  # repetitions
CLOCKS = {"wall": perf_counter_ns, "cpu": process_time_ns}
SMALLEST_COPY = 1 << 12  # elements from which a row is compared with memcpy

# What holds the peers to a level and to one thread; they read it when they are imported.
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "BLIS")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in LIBRARIES}
ONE_THREAD |= {"MKL_THREADING_LAYER": "SEQUENTIAL", "JAX_PLATFORMS": "cpu"}
XLA_FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
NARROWED = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "xla": "AVX2", "numpy": ("X86_V3",)},
    "baseline": {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "xla": "SSE4_2", "numpy": ()},
}
NOT_NARROWED = ("onnxruntime",)


def environment(level: str) -> dict[str, str]:
    """What the environment of a process that measures a level is changed by."""
    narrowed = dict(NARROWED.get(level, {}))
    flags = XLA_FLAGS
    if narrowed:
        flags += f" --xla_cpu_max_isa={narrowed.pop('xla')}"
        kept = narrowed.pop("numpy")
        umath = np._core._multiarray_umath
        dropped = [f for f in umath.__cpu_dispatch__ if f not in kept and umath.__cpu_features__.get(f)]
        narrowed["NPY_DISABLE_CPU_FEATURES"] = " ".join(dropped)
    return {"PYACTS_ISA": level, "XLA_FLAGS": flags, **ONE_THREAD, **narrowed}


# ----------------------------------------------------------------------------------------------------------------
# What is measured


def rows(options: argparse.Namespace, level: str) -> Iterator[Row]:
    """The rows of a level, forms of a function on the same arrays next to each other."""
    for function, variant in dict.fromkeys((name, variant) for name, variant, _ in CASES):
        if function not in options.functions or variant in speed.SOFTMAX_VARIANTS[1:] or function == "bias_act":
            continue
        for dtype, n in selection(options, level, function, variant):
            shape, axis = shape_of(function, variant, n)
            for direction in options.directions:
                for form in DIRECTIONS[direction]:
                    case = "inplace" if form == "inplace" else direction
                    if (function, variant, case) not in CASES or form not in options.forms:
                        continue
                    if n == LARGE and (direction, form) == ("backward", "new") and not options.sizes:
                        continue  # page faults, as in forward
                    yield Row(function, variant, direction, form, dtype, shape, axis)


def selection(options: argparse.Namespace, level: str, function: str, variant: str) -> list[tuple[str, int]]:
    """(dtype, elements) that a function is measured with; a shape of softmax has its own number."""
    if level == "baseline" and not options.sizes and not options.dtypes:
        return [] if variant in SHAPES else [("float32", IN_CACHE)]
    if variant in SHAPES:
        dtypes = options.dtypes or ("float32",)
        return [(dtype, 0) for dtype in dtypes if not options.sizes]
    if options.sizes or options.dtypes:
        return [(dtype, n) for dtype in options.dtypes or DTYPES[:1] for n in options.sizes or (SMALL, IN_CACHE, LARGE)]
    sizes = (SMALL, IN_CACHE, LARGE) if level == options.levels[0] else (IN_CACHE,)
    return [("float32", n) for n in sizes] + [(dtype, IN_CACHE) for dtype in DTYPES[1:]]


def growth_rows(options: argparse.Namespace) -> Iterator[Row]:
    """Each function on more and more elements."""
    for function in options.functions:
        variant = next(variant for name, variant, _ in CASES if name == function)
        for n in GROWTH:
            shape, axis = shape_of(function, variant, n)
            form = "new" if ", out=" not in CASES[function, variant, "forward"].ours else "out"
            yield Row(function, variant, "forward", form, "float32", shape, axis)


def shape_of(function: str, variant: str, n: int) -> tuple[tuple[int, ...], int]:
    if variant in SHAPES:
        return SHAPES[variant]
    return speed.shape_of(CASES[function, variant, "forward"], n), -1


@lru_cache(maxsize=1)
def arrays(function: str, variant: str, shape: tuple[int, ...], dtype: str) -> dict[str, Any]:
    """What the statements of make bench name, y being the function of x."""
    case = CASES[function, variant, "forward"]
    names = speed.arrays(case, shape, np.dtype(dtype).type)
    row = Row(function, variant, "forward", "new", dtype, shape, SHAPES[variant][1] if variant in SHAPES else -1)
    own = dict(names)
    exec(Pyacts().statements(row)[0], own)
    names["y"][...] = own["y"]
    return names


# ----------------------------------------------------------------------------------------------------------------
# Measuring


Hopeless = set[tuple[str, str, str]]  # what took too long in cache: label, direction, statement


def contenders(
    row: Row, systems: Iterable[System], dropped: list[dict[str, str]], hopeless: Hopeless
) -> list[tuple[System, Contender]]:
    """All statements of all systems for a row, in their own names; first pyacts'."""
    names = arrays(row.function, row.variant, row.shape, row.dtype)
    found: list[tuple[System, Contender]] = []
    expected = None
    for system in systems:
        for statement in system.statements(row):
            if row.n > IN_CACHE and (row.label, row.direction, statement) in hopeless:
                continue
            try:
                contender = Contender(statement, system.names(row, names), system.wrap)
                if row.n <= CHECKED:
                    got = result(row, system, contender, names["x"])
                    expected = got if expected is None else expected
                    compare_values(got, expected, row.dtype)
            except Exception as error:
                if system.name == "pyacts":
                    raise
                reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
                dropped.append({"row": describe(row), "peer": system.name, "statement": statement, "reason": reason})
            else:
                found.append((system, contender))
    return found


def result(row: Row, system: System, contender: Contender, x: np.ndarray) -> np.ndarray:
    """What a statement makes."""
    own = dict(contender.names)
    if row.form == "inplace":
        own["x"] = contender.wrap(x.copy())
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(contender.statement, own)
    made = [system.unwrap(own[name]) for name in row.result.split(", ")]
    return np.concatenate([np.ravel(a).astype(np.float64) for a in made])


TOLERANCES = {"float32": 1e-4, "float64": 1e-6, "float16": 2e-2, "bfloat16": 1e-1}


def compare_values(got: np.ndarray, expected: np.ndarray, dtype: str) -> None:
    tolerance = TOLERANCES[dtype]
    if not np.allclose(got, expected, rtol=tolerance, atol=tolerance):
        raise ValueError(f"differs by up to {abs(got - expected).max():.2g}")


def describe(row: Row) -> str:
    return f"{row.label} {row.direction} {row.form}, {row.dtype}, {' x '.join(map(short, row.shape))}"


def limits(row: Row, rooflines: dict[str, Roofline]) -> list[Contender]:
    """memcpy, and scaling by a constant, of the memory of a row."""
    roofline = rooflines.get("float64" if row.dtype == "float64" else "float32")
    if roofline is None or row.n < SMALLEST_COPY:
        return []
    names = arrays(row.function, row.variant, row.shape, row.dtype)
    own = {
        "limit": roofline.library,
        "n": names["x"].nbytes // roofline.itemsize,
        "y": roofline.pointer(names["dx"]),
        "x": None,
    }
    statement = "limit.scale(n, x, 1)" if row.form == "inplace" else "limit.copy(n, x, y)"
    return [Contender(statement, own, roofline.pointer)]


def measure(
    row: Row,
    systems: Iterable[System],
    rooflines: dict[str, Roofline],
    dropped: list[dict[str, str]],
    hopeless: Hopeless,
    seconds: float,
    clock: Clock,
) -> dict[str, Any] | None:
    """One row: by system, the figures of its fastest way. None if pyacts has no such form."""
    competing = contenders(row, systems, dropped, hopeless)
    if not competing or competing[0][0].name != "pyacts":
        return None
    names = arrays(row.function, row.variant, row.shape, row.dtype)
    x, edge = names["x"], limits(row, rooflines)
    every = [contender for _, contender in competing]
    samples = compare([*every, *edge], x, row.form == "inplace", seconds, LEAST, HOPELESS, clock)
    figures: dict[str, Any] = {}
    for (system, contender), own in zip(competing, samples, strict=False):
        quartile_ns = quartile(own) / x.size
        if row.n == IN_CACHE and row.dtype == "float32" and quartile(own) > 2 * HOPELESS * quartile(samples[0]):
            hopeless.add((row.label, row.direction, contender.statement))
        if system.name not in figures or quartile_ns < figures[system.name]["ns"]:
            figures[system.name] = {
                "ns": quartile_ns,
                "min": own[0] / x.size,
                "median": statistics.median(own) / x.size,
                "third_quartile": own[len(own) * 3 // 4] / x.size,
                "repetitions": len(own),
                "code": contender.statement,
            }
    found = {
        "function": row.function,
        "variant": row.variant,
        "direction": row.direction,
        "form": row.form,
        "dtype": row.dtype,
        "shape": row.shape,
        "axis": row.axis,
        "n": x.size,
        "figures": figures,
    }
    if edge:
        moved = speed.bytes_moved(row.case, names) / x.size
        copied = 2 * x.itemsize
        found["memory_ns"] = quartile(samples[-1]) / x.size * moved / copied
    return found


def bound(row: dict[str, Any], loops: dict[str, list[instructions.Loop]], limit: dict[str, float]) -> dict[str, Any]:
    """What the instructions of a row's loop take at the least, in nanoseconds per element."""
    found = loops.get(f"{row['function']} {row['direction']} {SUFFIXES[row['dtype']]}")
    if not found or row["n"] < SMALLEST_COPY:
        return {}
    loop = instructions.usual(found)
    needs = {
        "operations": loop.operations / limit["mixed"],
        "multiplications": loop.per_element.get("multiply", 0) / limit["multiply_adds"],
        "divisions": loop.divisions / limit["divisions"],
        "copying": row.get("memory_ns", 0.0),
    }
    by = max(needs, key=lambda name: needs[name])
    return {"operations": loop.operations, "bound_ns": needs[by], "bound_by": by}


def keep_to_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure_level(options: argparse.Namespace, level: str) -> dict[str, Any]:
    """All rows of a level, in a process that is narrowed to it."""
    if pyacts.isa() != level:
        raise ValueError(f"pyacts runs at {pyacts.isa()} here, not at {level}")
    wanted = tuple(name for name in options.peers if level == options.levels[0] or name not in NOT_NARROWED)
    peers, missing = available(wanted)
    systems = [Pyacts(), Exact(), *peers]
    for name, reason in missing.items():
        print(f"not installed: {name} ({reason})", file=sys.stderr)
    rooflines, loops = {}, {}
    if level in instructions.WIDTHS:
        rooflines = {"float32": Roofline(level, "float"), "float64": Roofline(level, "double")}
        if instructions.OBJDUMP:
            found = instructions.loops([level], SUFFIXES.values(), options.functions)
            loops = {key.partition(" ")[2]: value for key, value in found.items()}
    todo = list(rows(options, level))
    growing = list(growth_rows(options)) if level == options.levels[0] and options.growth else []
    progress = Progress(len(todo) + len(growing) + 1)
    dropped: list[dict[str, str]] = []
    hopeless: Hopeless = set()
    done = []
    about = {dtype: roofline.about() for dtype, roofline in rooflines.items()}
    for row in todo:
        progress.show(f"{level}: {describe(row)}")
        found = measure(row, systems, rooflines, dropped, hopeless, options.seconds, CLOCKS[options.clock])
        progress.clear()
        if found:
            limit = about.get("float64" if row.dtype == "float64" else "float32")
            found |= {"level": level} | (bound(found, loops, limit) if limit else {})
            done.append(found)
            print(line(found), flush=True)
    growth = []
    for row in growing:
        progress.show(f"{level}: growth of {describe(row)}")
        growth.append(measure(row, systems[:1], rooflines, dropped, hopeless, options.seconds, CLOCKS[options.clock]))
        progress.clear()
    progress.show("small calls")
    small_calls = speed.measure_small_calls(seconds=1)
    if rooflines:
        relu = int(pyacts.ffi.cast("uintptr_t", pyacts.lib.pyacts_relu_f32))
        about["float32"]["c_call"] = rooflines["float32"].call(relu, SMALL)
    progress.clear()
    return {
        "level": level,
        "versions": {system.name: system.version for system in peers},
        "missing": missing,
        "limits": about,
        "small_calls": small_calls,
        "dropped": dropped,
        "rows": done,
        "growth": growth,
    }


# ----------------------------------------------------------------------------------------------------------------
# Telling

OURS = ("pyacts", "pyacts.exact")
HEADING = (
    f"{'function':30} {'direction':10} {'form':8} {'dtype':9} {'n':>6} {'ns/element':>11} {'bound':>6} {'memory':>7}  "
    "fastest peer, and how many times as long it and the others take"
)


def peers_of(row: dict[str, Any]) -> list[tuple[str, float]]:
    """How many times as long as pyacts the peers take, the fastest first."""
    ours = row["figures"]["pyacts"]["ns"]
    others = ((name, figure["ns"] / ours) for name, figure in row["figures"].items() if name not in OURS)
    return sorted(others, key=lambda other: other[1])


def line(row: dict[str, Any]) -> str:
    """A row of the printed table."""
    ours = row["figures"]["pyacts"]["ns"]
    label = f"{row['function']}, {row['variant']}" if row["variant"] else row["function"]
    over = f"{ours / row['bound_ns']:.2f}x" if row.get("bound_ns") else ""
    memory = f"{row['memory_ns'] / ours:.0%}" if row.get("memory_ns") else ""
    others = ", ".join(f"{name} {ratio:.2f}" for name, ratio in peers_of(row))
    return (
        f"{label:30} {row['direction']:10} {row['form']:8} {row['dtype']:9} {short(row['n']):>6} {ours:11.4f} "
        f"{over:>6} {memory:>7}  {others}"
    )


def state() -> dict[str, Any]:
    """Of the machine and of what runs on it."""
    version = subprocess.run([*compiler(), "--version"], capture_output=True, text=True, check=False).stdout
    load = os.getloadavg() if hasattr(os, "getloadavg") else ()
    return {
        "version": pyacts.__version__,
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in load],
        "system": platform.platform(),
        "compiler": version.partition("\n")[0],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def parser() -> argparse.ArgumentParser:
    names = list(dict.fromkeys(name for name, _, _ in CASES if name != "bias_act"))
    made = argparse.ArgumentParser(description="The speed of every pyacts function against its peers.")
    made.add_argument("--functions", nargs="+", choices=names, default=names, metavar="NAME")
    made.add_argument("--directions", nargs="+", choices=tuple(DIRECTIONS), default=tuple(DIRECTIONS))
    made.add_argument("--forms", nargs="+", choices=("new", "out", "inplace"), default=("new", "out", "inplace"))
    made.add_argument("--dtypes", nargs="+", choices=DTYPES, default=())
    made.add_argument("--sizes", nargs="+", type=parse_size, default=(), metavar="N", help="16, 32Ki, 1Mi, ...")
    made.add_argument("--peers", nargs="+", choices=[kind.name for kind in PEERS], default=[k.name for k in PEERS])
    made.add_argument("--levels", nargs="+", choices=LEVELS, help="default: all that the machine has")
    made.add_argument("--seconds", type=float, default=0.1, help="for a row, at the least")
    made.add_argument(
        "--clock",
        choices=tuple(CLOCKS),
        default="wall",
        help="cpu: the time that the process runs, all its threads together, for a machine that has other things to do",
    )
    made.add_argument("--no-growth", dest="growth", action="store_false", help="leave out how times grow with size")
    made.add_argument("--write", action="store_true", help="put the results into docs/performance.md")
    return made


def main() -> None:
    options = parser().parse_args()
    own = pyacts.isa()
    below = LEVELS[LEVELS.index(own) :] if own in LEVELS else ()
    options.levels = options.levels or below or (own,)
    report = state()
    print(f"pyacts {report['version']}, {report['cpu']}, load {report['load']}")
    print("bound: how many times what the instructions need at the least. memory: share of the copying rate.\n")
    print(HEADING)
    start = perf_counter()
    report |= {"clock": options.clock, "levels": []}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "peers.json"
    inherited = dict(os.environ)
    for level in options.levels:
        os.environ.clear()
        os.environ.update(inherited | environment(level))
        with ProcessPoolExecutor(1, get_context("spawn"), keep_to_one_core) as process:
            report["levels"].append(process.submit(measure_level, options, level).result())
        report["seconds"] = round(perf_counter() - start)
        path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\n{report['seconds']} s. Figures: {path}")
    try:
        from bench import charts

        charts.draw(report, RESULTS)
    except ImportError:
        print("No charts: they need matplotlib (pip install matplotlib)")
    else:
        print(f"Charts:  {RESULTS}/peers-*.png")
    for left_out in {(d["peer"], d["statement"], d["reason"]) for e in report["levels"] for d in e["dropped"]}:
        print("left out:", *left_out)
    print("\n" + page.goals(report))
    if options.write:
        page.write(report)
        if (chart := RESULTS / f"peers-growth-{options.levels[0]}.png").exists():
            shutil.copy(chart, page.PAGE.with_name("growth.png"))


if __name__ == "__main__":
    main()
