"""The goals of speed, as make bench-peers finds them, and docs/performance.md, which it writes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.timing import short
from pyacts.catalog import ACTIVATIONS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
START, END = "<!-- written by bench/page.py -->", "<!-- end -->"
IN_CACHE, LARGE, SMALL = 1 << 15, 1 << 24, 16
SHOWN = 8  # failures that a goal lists

PIECEWISE = {
    *("identity", "relu", "leaky_relu", "prelu", "relu6", "relu2", "threshold", "hard_tanh", "hard_sigmoid"),
    *("hard_swish", "hard_shrink", "soft_shrink", "step", "sparse_sigmoid", "sparse_plus", "reglu", "crelu"),
}
TWO_AND_A_HALF = {"mish", "elu", "selu", "celu"}
TWICE_TORCH = {"softplus", "log_sigmoid", "gelu_tanh"}
THRICE_TORCH = {"gelu", "gelu_tanh", "mish", "softplus", "elu"}
EXACT_AHEAD = {"mish", "gelu_tanh", "softplus", "log_sigmoid", "elu"}
WITH_EXP = {
    *("elu", "selu", "celu", "softplus", "log_sigmoid", "exponential", "xielu", "sigmoid", "tanh", "scaled_tanh"),
    *("silu", "quick_gelu", "gelu", "gelu_tanh", "mish", "tanh_shrink", "glu", "swiglu", "geglu", "geglu_tanh"),
    *("softmax", "softmin", "log_softmax", "logsumexp", "softmax_cross_entropy", "sigmoid_cross_entropy"),
}
ELEMENTWISE = {a.name for a in ACTIVATIONS if a.kind in ("elementwise", "channelwise", "gated")}
WITH_PARAMETERS = {a.name for a in ACTIVATIONS if a.parameters}
EXP_FROM_Y = {"softplus", "log_sigmoid", "log_softmax"}
NAMES = {"backward": "backward", "backward_y": "backward from y"}
FORMS = {"new": "new array", "out": "out=", "inplace": "in place"}

CLOCKS = {"wall": "wall clock", "cpu": "CPU time of the process, since the machine was busy with other things"}

Record = dict[str, Any]


def label(row: Record) -> str:
    name = f"{row['function']}, {row['variant']}" if row["variant"] else row["function"]
    form = FORMS[row["form"]]
    return f"{name} {form}" if row["direction"] == "forward" else f"{name} {NAMES[row['direction']]} {form}"


def ours(row: Record) -> float:
    return row["figures"]["pyacts"]["ns"]


def fastest(row: Record, peer: str = "") -> tuple[float, str]:
    """How many times as long the fastest peer takes, or one of them; (inf, "") if there is none."""
    others = (
        (figure["ns"] / ours(row), name)
        for name, figure in row["figures"].items()
        if not name.startswith("pyacts") and name.startswith(peer)
    )
    return min(others, default=(float("inf"), ""))


def has_exp(row: Record) -> bool:
    return row["function"] in (EXP_FROM_Y if row["direction"] == "backward_y" else WITH_EXP)


# ----------------------------------------------------------------------------------------------------------------
# Goals


@dataclass
class Goal:
    """A goal, and what was found: a score for each row that it is about, which has to be at least 1."""

    text: str
    scores: list[tuple[float, str]]

    def __str__(self) -> str:
        if not self.scores:
            return f"| {self.text} | not measured | |"
        missed = sorted(score for score in self.scores if score[0] < 1)
        if not missed:
            worst = min(self.scores)
            return f"| {self.text} | **met** ({len(self.scores)}) | closest: {worst[1]} |"
        shown = "; ".join(text for _, text in missed[:SHOWN])
        more = f"; and {len(missed) - SHOWN} more" if len(missed) > SHOWN else ""
        return f"| {self.text} | not met: {len(missed)} of {len(self.scores)} | {shown}{more} |"


def against(rows: list[Record], wanted: float | Callable[[Record], float], peer: str = "") -> list[tuple[float, str]]:
    """Scores of being so many times as fast as the fastest peer, or one of them."""
    scores = []
    for row in rows:
        ratio, who = fastest(row, peer)
        needed = wanted(row) if callable(wanted) else wanted
        if who and needed:
            scores.append((ratio / needed, f"{label(row)} {ratio:.2f} ({who})"))
    return scores


def within(rows: list[Record], factor: float, limit: Callable[[Record], float | None]) -> list[tuple[float, str]]:
    """Scores of taking at most a factor of a limit."""
    found = ((row, limit(row)) for row in rows)
    return [(factor * value / ours(row), f"{label(row)} {ours(row) / value:.2f}") for row, value in found if value]


def factor_in_cache(row: Record) -> float:
    """How many times as fast as the best peer a function has to be; 0 for one that need not be."""
    if row["function"] in TWO_AND_A_HALF and row["direction"] in ("forward", "backward"):
        return 2.5
    if row["function"] in ("exponential", "tanh") and row["direction"] == "forward":
        return 1 / 1.3
    return 0.0 if row["function"] == "tanh_shrink" else 1.0


def goals_of(report: Record) -> Iterator[Goal]:
    levels = {level["level"]: level["rows"] for level in report["levels"]}

    def rows(level: str, dtype: str, n: int, **wanted: Any) -> list[Record]:
        """The rows at a level, in a dtype and of a size; other columns as wanted."""
        return [
            row
            for row in levels[level]
            if (row["dtype"], row["n"]) == (dtype, n)
            and " x " not in row["variant"]
            and all(row[name] in value for name, value in wanted.items())
        ]

    first = next(iter(levels))
    calls = report["levels"][0]["small_calls"]
    yardstick = calls[0]["ns"]
    small = rows(first, "float32", SMALL, form={"inplace"}, function=ELEMENTWISE)
    times = [(row, SMALL * ours(row)) for row in small]
    yield Goal(
        f"in place on 16 floats: 1/10 of `{calls[0]['call']}`, 1/7 with a parameter",
        [
            (yardstick / (7 if row["function"] in WITH_PARAMETERS else 10) / ns, f"{label(row)} 1/{yardstick / ns:.1f}")
            for row, ns in times
        ],
    )
    yield Goal("16 floats, every form: no slower than any peer", against(rows(first, "float32", SMALL), 1))
    if call := report["levels"][0]["limits"].get("float32", {}).get("c_call"):
        yield Goal("`pyacts_relu_f32` on 16 floats, called from C: 10 ns", [(10 / call, f"{call:.1f} ns")])
    for level in levels:
        if level == "baseline" and level != first:
            continue
        cached = rows(level, "float32", IN_CACHE)
        yield Goal(
            f"{level}: float32 in cache (32 Ki), no slower than the best peer; mish, elu, selu, celu 2.5 times as "
            "fast; exponential and tanh within 1.3 times; tanh_shrink free",
            against(cached, factor_in_cache),
        )
        twice = [
            row
            for row in cached
            if (row["function"] in TWICE_TORCH and row["direction"] != "backward_y")
            or (row["function"], row["direction"]) == ("gelu", "backward")
        ]
        yield Goal(
            f"{level}: softplus, log_sigmoid, gelu_tanh, backward of gelu: twice torch", against(twice, 2, "torch")
        )
        if level != "baseline":
            yield Goal(
                f"{level}: float32 in cache within 1.6 times of what the instructions and the cache need",
                within([row for row in cached if row["form"] != "new"], 1.6, lambda row: row.get("bound_ns")),
            )
        doubles = rows(level, "float64", IN_CACHE)
        yield Goal(
            f"{level}: float64 in cache no slower than any peer; gelu, gelu_tanh, mish, softplus, elu 3 times torch",
            against(doubles, 1) + against([r for r in doubles if r["function"] in THRICE_TORCH], 3, "torch"),
        )
        halves = [row for dtype in ("float16", "bfloat16") for row in rows(level, dtype, IN_CACHE)]
        yield Goal(
            f"{level}: float16 and bfloat16 in cache no slower than any peer; twice as fast where there is an exp",
            [
                (score, f"{text} {row['dtype']}")
                for row in halves
                for score, text in against([row], 2 if has_exp(row) else 1)
            ],
        )
        singles = {label(row): ours(row) for row in cached}
        yield Goal(
            f"{level}: halves at most 1.3 times float32, where there is an exp",
            [
                (score, f"{text} {row['dtype']}")
                for row in halves
                if has_exp(row) and row["form"] != "new"
                for score, text in within([row], 1.3, lambda row, singles=singles: singles.get(label(row)))
            ],
        )
        exact = [row for row in cached if "pyacts.exact" in row["figures"] and row["form"] != "new"]
        yield Goal(
            f"{level}: the exact tier at most 3 times the default tier",
            [
                (3 * ours(row) / row["figures"]["pyacts.exact"]["ns"], f"{label(row)} {ratio:.2f}")
                for row in exact
                for ratio in [row["figures"]["pyacts.exact"]["ns"] / ours(row)]
            ],
        )
        ahead = [
            (row, row["figures"]["torch"]["ns"] / row["figures"]["pyacts.exact"]["ns"])
            for row in exact
            if "torch" in row["figures"]
            and (
                (row["function"] in EXACT_AHEAD and row["direction"] == "forward")
                or (row["function"], row["direction"]) == ("gelu", "backward")
            )
        ]
        yield Goal(
            f"{level}: the exact tier ahead of torch for mish, gelu_tanh, softplus, log_sigmoid, elu, backward of gelu",
            [(ratio, f"{label(row)} {ratio:.2f}") for row, ratio in ahead],
        )
    if {"avx512", "avx2"} <= set(levels):
        wide = {label(row): ours(row) for row in rows("avx512", "float32", IN_CACHE)}
        narrow = [row for row in rows("avx2", "float32", IN_CACHE) if row["form"] != "new" and label(row) in wide]
        yield Goal(
            "avx2 within 2.5 times avx512 (3.5 below 0.5 ns)",
            [
                ((3.5 if wide[label(row)] < 0.5 else 2.5) / ratio, f"{label(row)} {ratio:.2f}")
                for row in narrow
                for ratio in [ours(row) / wide[label(row)]]
            ],
        )
    if "baseline" in levels:
        yield Goal(
            "baseline: float32 in cache no slower than NumPy's code for the same processors",
            against(rows("baseline", "float32", IN_CACHE), 1, "numpy"),
        )
    large = rows(first, "float32", LARGE)
    piecewise = [row for row in large if row["function"] in PIECEWISE and row["direction"] == "forward"]
    yield Goal(
        "16 Mi, piecewise functions: in place within 1.15 times of scaling in place",
        within([row for row in piecewise if row["form"] == "inplace"], 1.15, lambda row: row["memory_ns"]),
    )
    yield Goal(
        "16 Mi, piecewise functions: out= within 1.15 times of memcpy",
        within([row for row in piecewise if row["form"] == "out"], 1.15, lambda row: row["memory_ns"]),
    )
    cached = {label(row): ours(row) for row in rows(first, "float32", IN_CACHE)}
    rest = [row for row in large if row["function"] not in PIECEWISE and row["form"] != "new"]
    yield Goal(
        "16 Mi, the others: at most their time in cache and that of memcpy together",
        [
            (limit / ours(row), f"{label(row)} {ours(row) / limit:.2f}")
            for row in rest
            if label(row) in cached
            for limit in [cached[label(row)] + row["memory_ns"]]
        ],
    )
    yield Goal("16 Mi: no slower than the best peer", against(large, 1))
    shapes = [row for row in levels[first] if " x " in row["variant"]]
    yield Goal(
        "softmax, rows of 128 and more: no slower than torch",
        against([r for r in shapes if r["axis"] == -1 and r["shape"][-1] >= 128], 1, "torch"),
    )
    eased = [r for r in shapes if r["shape"][-1] == 10 or r["n"] >= LARGE or r["direction"] != "forward"]
    yield Goal(
        "softmax, rows of 10, from memory, and backward: 1.2 times as fast as torch", against(eased, 1.2, "torch")
    )
    yield Goal("softmax along axis 0: 3 times torch", against([r for r in shapes if r["axis"] == 0], 3, "torch"))
    grown = report["levels"][0]["growth"]
    base = {row["function"]: ours(row) for row in grown if row["n"] == IN_CACHE // 2}
    yield Goal(
        "cost grows linearly: at every size from 4 Ki to 16 Mi at most 1.25 times the time per element at 16 Ki, "
        "and that of memcpy at this size",
        [
            (limit / ours(row), f"{row['function']} at {short(row['n'])} {ours(row) / limit:.2f}")
            for row in grown
            for limit in [1.25 * base[row["function"]] + row["memory_ns"]]
        ],
    )


def goals(report: Record) -> str:
    lines = ["| goal | | worst: times as fast as the peer, or times the limit |", "|---|---|---|"]
    return "\n".join([*lines, *map(str, goals_of(report))]) + "\n"


# ----------------------------------------------------------------------------------------------------------------
# Tables

FORM_COLUMNS = {
    ("forward", "new"): "new array",
    ("forward", "out"): "`out=`",
    ("forward", "inplace"): "in place",
    ("backward", "new"): "backward, new array",
    ("backward", "out"): "backward, `out=`",
    ("backward_y", "out"): "backward from y",
}


def table(head: list[str], lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines)) + "\n"


def cell(row: Record) -> str:
    """The ratio to the fastest peer and who that is; what the instructions and the cache need."""
    ratio, who = fastest(row)
    text = f"{ratio:.2f} {who}" if who else "-"
    text = f"**{text}**" if ratio < 1 else text
    over = f", {ours(row) / row['bound_ns']:.2f}b" if row.get("bound_ns") and row["form"] != "new" else ""
    return f"{ours(row):.3f} ns, {text}{over}"


def by_function(rows: list[Record]) -> str:
    """A line for each function, a column for each form."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    operations: dict[str, str] = {}
    for row in rows:
        name = f"{row['function']}, {row['variant']}" if row["variant"] else row["function"]
        found.setdefault(name, {})[row["direction"], row["form"]] = cell(row)
        if row["direction"] == "forward" and "operations" in row:
            operations[name] = f"{row['operations']:.2f}"
    lines = [
        [f"`{name}`", operations.get(name, ""), *(cells.get(column, "") for column in FORM_COLUMNS)]
        for name, cells in found.items()
    ]
    return table(["function", "operations", *FORM_COLUMNS.values()], lines)


def tables(report: Record) -> str:
    parts = []
    for level in report["levels"]:
        kinds = dict.fromkeys((row["dtype"], row["n"]) for row in level["rows"] if " x " not in row["variant"])
        for dtype, n in kinds:
            rows = [
                row for row in level["rows"] if (row["dtype"], row["n"]) == (dtype, n) and " x " not in row["variant"]
            ]
            parts.append(f"### {level['level']}, {dtype}, {short(n)} elements\n\n{by_function(rows)}")
        shapes = [row for row in level["rows"] if " x " in row["variant"]]
        if shapes:
            parts.append(f"### {level['level']}, softmax, float32\n\n{by_function(shapes)}")
    return "\n".join(parts)


def about(report: Record) -> str:
    level = report["levels"][0]
    versions = ", ".join(f"{name} {version}" for name, version in level["versions"].items())
    missing = ", ".join(level["missing"]) or "none"
    limits = "; ".join(
        f"{own['level']} {dtype}: {limit['multiply_adds'] * limit['lanes']:.1f} G multiply-adds/s, "
        f"{limit['mixed'] * limit['lanes']:.1f} G operations/s, {limit['divisions'] * limit['lanes']:.1f} G divisions/s"
        for own in report["levels"]
        for dtype, limit in own["limits"].items()
    )
    copies = [row["memory_ns"] for row in level["growth"] if row["n"] == LARGE and row["form"] == "out"]
    memory = f"; memcpy of 64 MiB: {8 / copies[0]:.1f} GB/s read and written" if copies else ""
    return (
        f"pyacts {report['version']}, {report['date'][:10]}, {report['cpu']}, one of {report['cores']} cores, "
        f"load {report['load']} when it began; {report['system']}; {report['compiler']}; Python {report['python']}. "
        f"Peers: {versions}; not installed: {missing}. {report['seconds']} s, {CLOCKS[report['clock']]}.\n\n"
        f"The core's limits: {limits}{memory}.\n"
    )


def write(report: Record) -> None:
    """Put the report between the markers of docs/performance.md."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(START)
    made = f"\n\n{about(report)}\n## Goals\n\n{goals(report)}\n## Functions\n\n{LEGEND}\n{tables(report)}\n"
    PAGE.write_text(head + START + made + END + rest.partition(END)[2], encoding="utf-8")


LEGEND = """In a cell: nanoseconds per element; how many times as long the fastest peer takes, and which that is (bold:
it takes less); and with a b, how many times what the loop's instructions and the cache need at the least (see above).
operations: vector instructions per element that compute, in the forward loop.
"""
