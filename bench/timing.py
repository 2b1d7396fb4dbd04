"""What the benchmarks share: fair timing of several contenders, and how figures are named."""

import argparse
import gc
import itertools
import math
import platform
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

PIECE = 50_000  # ns: the least that is timed at once, so that the clock's own cost and grain do not count
QUICK, TRIALS = 2_000_000, 5  # ns: what takes less is tried so often, for some trials meet a disturbance
SLOW = 50_000_000  # ns: what takes longer when called first, and is hopeless, is not even tried again
CALLS_PER_FILL = 8  # calls in place before an array is filled again
INPLACE_BYTES = 16 << 10  # what the arrays of an in-place measurement take together, if they are small


Clock = Callable[[], int]  # of nanoseconds


@dataclass(frozen=True)
class Contender:
    """A statement to time, with the names that it uses: ``x`` among them, which NumPy's array is made by ``wrap``."""

    statement: str
    names: dict[str, Any] = field(repr=False)
    wrap: Callable[[np.ndarray], Any] = lambda array: array


def timed(
    contender: Contender, visits: list[np.ndarray], fill: Callable[[], Any], clock: Clock
) -> Callable[[int], int]:
    """A function of a number of rounds: the nanoseconds that the statement takes, once for each x in visits."""
    source = f"""
def piece(rounds):
    elapsed = 0
    for _ in range(rounds):
        fill()
        start = clock()
        for x in visits:
            {contender.statement}
        elapsed += clock() - start
    return elapsed
"""
    own = {**contender.names, "visits": list(map(contender.wrap, visits)), "fill": fill, "clock": clock}
    exec(source, own)
    return own["piece"]


def trial(piece: Callable[[int], int]) -> int:
    """What it takes about."""
    first = piece(1)
    return max(min(first, *(piece(1) for _ in range(TRIALS))) if first < QUICK else first, 1)


def compare(
    contenders: Sequence[Contender],
    x: np.ndarray,
    inplace: bool,
    seconds: float,
    least: int,
    hopeless: float = math.inf,
    clock: Clock = perf_counter_ns,
) -> list[list[float]]:
    """Time statements in x against each other: for each, the nanoseconds per call, one figure per repetition, sorted.

    One that takes ``hopeless`` times as long as the first when tried is not timed again: the trial is its only figure.
    """
    if inplace:
        count = min(max(INPLACE_BYTES // x.nbytes, 1), 32)
        buffers = np.broadcast_to(x, (count, *x.shape)).copy()
        each, fill = list(buffers), partial(np.copyto, buffers, x)
    else:
        each, fill = [x], int

    once = [timed(contender, each, fill, clock) for contender in contenders]
    warm = [max(piece(1), 1) for piece in once]
    trials = [ns if ns > max(hopeless * warm[0], SLOW) else trial(piece) for piece, ns in zip(once, warm, strict=True)]
    passes = max(PIECE // min(trials), 1)
    visits = each * min(passes, CALLS_PER_FILL if inplace else passes)
    samples: list[list[float]] = [[] for _ in contenders]
    pieces = []
    for contender, ns, own in zip(contenders, trials, samples, strict=True):
        if ns > hopeless * trials[0]:
            own.append(ns / len(each))
        else:
            rounds = math.ceil(PIECE * len(each) / (ns * len(visits)))
            pieces.append((timed(contender, visits, fill, clock), rounds, own))

    end = clock() + seconds * 1e9
    gc.disable()
    try:
        for repetition in itertools.count():
            if repetition >= least and clock() > end:
                break
            for piece, rounds, own in pieces:
                own.append(piece(rounds) / (rounds * len(visits)))
    finally:
        gc.enable()
    return [sorted(own) for own in samples]


def quartile(values: list[float]) -> float:
    """The first quartile of sorted figures: most disturbances only ever add time."""
    return values[len(values) // 4]


def random(shape: tuple[int, ...], dtype: type, seed: int) -> np.ndarray:
    """Normally distributed numbers; after a million, too many for the branch predictor to learn, the same again."""
    kind = dtype if np.dtype(dtype).itemsize > 2 else np.float32
    return np.resize((2 * np.random.default_rng(seed).standard_normal(1 << 20, dtype=kind)).astype(dtype), shape)


def short(n: int) -> str:
    """32768 as 32 Ki."""
    for unit, name in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if n >= unit and n % unit == 0:
            return f"{n // unit} {name}"
    return str(n)


def parse_size(text: str) -> int:
    """32Ki as 32768."""
    number = re.fullmatch(r"(\d+)\s*(Ki|Mi)?", text)
    if not number or not int(number[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 16, 32Ki or 1Mi")
    return int(number[1]) * {None: 1, "Ki": 1 << 10, "Mi": 1 << 20}[number[2]]


def cpu_model() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


class Progress:
    """What is being measured, on one line of a terminal that is written over, else a line each."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.number = 0
        self.terminal = sys.stderr.isatty()

    def show(self, what: str) -> None:
        self.number += 1
        text = f"[{self.number}/{self.total}] measuring {what} ..."
        print(
            f"\r\x1b[K{text}" if self.terminal else text, end="" if self.terminal else "\n", file=sys.stderr, flush=True
        )

    def clear(self) -> None:
        if self.terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
