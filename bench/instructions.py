"""What the loops of the kernels are made of: the library is disassembled and their instructions are counted.

``python -m bench.instructions gelu elu`` prints the counts. ``make bench-peers`` takes the bound from them that a
machine sets to the time of a function, and tests/test_vectorised.py holds every loop to full-width vectors.

The library has no symbols of its kernels, but pyacts_find gives the address of the very kernel that is called, one
level to a process (PYACTS_ISA), and the unwind tables say where it ends. In a kernel all innermost loops that store
are looked at: there is one, or one more for the usual value of a parameter, each perhaps once unrolled and once not.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyacts
from pyacts.catalog import ACTIVATIONS

WIDTHS = {"avx2": 32, "avx512": 64}  # bytes of a full register
STORED = {"f32": 4, "f64": 8, "f16": 2, "bf16": 2, "exact": 4}  # bytes of an element in memory
COMPUTED = {"f32": 4, "f64": 8, "f16": 4, "bf16": 4, "exact": 8}  # and of what is computed in
OBJDUMP = shutil.which("objdump")

# Prints {"level": ..., "kernels": {"relu forward f32": offset in the library, ...}} for the level of this process.
FIND = """
import json, sys
import pyacts
from pyacts.catalog import ACTIVATIONS, DTYPES

with open("/proc/self/maps") as maps:
    start = min(int(line.partition("-")[0], 16) for line in maps if pyacts.get_library() in line)
kernels = {}
for activation in ACTIVATIONS:
    for direction in activation.directions:
        for dtype in (*DTYPES, "exact"):
            name, kind = (activation.name + "_exact", "f32") if dtype == "exact" else (activation.name, dtype)
            found = pyacts.lib.pyacts_find(name.encode(), kind.encode(), direction.encode())
            if found:
                kernels[f"{activation.name} {direction} {dtype}"] = int(pyacts.ffi.cast("uintptr_t", found)) - start
print(json.dumps({"level": pyacts.isa(), "kernels": kernels}))
"""

LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S+)\s*([^#<]*)")
JUMP = re.compile(r"^j(?!mp$)")
REGISTER = re.compile(r"%([xyz])mm\d+")
BYTES = {"x": 16, "y": 32, "z": 64}
STORE = re.compile(r"%([xyz])mm\d+,(-?(?:0x)?[0-9a-f]*\(%(\w+).*\))(?:\{|$)")

KINDS = {
    "move": re.compile(r"v(mov(?!msk)|p?broadcast)"),
    "shuffle": re.compile(r"v(p?extract|p?insert|pmov|p?perm|p?unpck|p?shuf|ppack)"),
    "division": re.compile(r"v(div|sqrt)"),
    "multiply": re.compile(r"v(fn?m|mul|pmul)"),
    "conversion": re.compile(r"v?cvt"),
    "gather": re.compile(r"vp?gather"),
}
TO_DOUBLE = re.compile(r"v?cvt(ps2pd|ss2sd|dq2pd|si2sd)")
SCALAR = re.compile(r"v?(fn?m\w+|add|sub|mul|div|sqrt|max|min|cmp\w*)s[sd]$")


@dataclass(frozen=True)
class Loop:
    """An innermost loop of a kernel that stores results.

    Attributes
    ----------
    width : int
        Bytes of the widest register in it.
    elements : float
        Results (of each output) that one round stores.
    per_element : dict of str to float
        Instructions per element, by kind: "move" loads, stores or copies, "integer" has nothing to do with vectors,
        the others of KINDS and "other" compute.
    spills : int
        Stores to the stack, in one round.
    scalar, to_double : tuple of str
        Instructions that compute a single number (to test a parameter, vucomiss, is not to compute), and that make
        doubles of floats.
    """

    width: int
    elements: float
    per_element: dict[str, float]
    spills: int
    scalar: tuple[str, ...]
    to_double: tuple[str, ...]

    @property
    def operations(self) -> float:
        """Vector instructions per element that compute."""
        return sum(count for kind, count in self.per_element.items() if kind not in ("move", "integer"))

    @property
    def divisions(self) -> float:
        return self.per_element.get("division", 0.0)


def narrowed(level: str) -> dict[str, str]:
    """The environment of a process that imports this very pyacts and runs at a level."""
    package = Path(pyacts.__file__).resolve().parent.parent
    return os.environ | {"PYACTS_ISA": level, "PYTHONPATH": str(package), "PYTHONSAFEPATH": "1"}


def kernels(level: str) -> dict[str, int]:
    """Where the kernels of a level start in the library, by "name direction dtype"; none if the machine has it not."""
    done = subprocess.run([sys.executable, "-c", FIND], env=narrowed(level), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return found["kernels"] if found["level"] == level else {}


def ends() -> dict[int, int]:
    """Where each function of the library ends, by where it starts."""
    frames = subprocess.run(
        [OBJDUMP, "--dwarf=frames", pyacts.get_library()], capture_output=True, text=True, check=True
    )
    found = re.findall(r"^.* FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)$", frames.stdout, re.MULTILINE)
    return {int(start, 16): int(end, 16) for start, end in found}


Instruction = tuple[int, str, str]  # address, name, operands


def disassembled(starts: Iterable[int]) -> dict[int, list[Instruction]]:
    """The instructions of the functions that start there."""
    bounds = ends()
    wanted = sorted(starts)
    found: dict[int, list[Instruction]] = {start: [] for start in wanted}
    command = [OBJDUMP, "-d", "--no-show-raw-insn", pyacts.get_library()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for text in process.stdout:
            address, colon, _ = text.partition(":\t")
            if not colon:
                continue
            at = int(address, 16)
            k = bisect(wanted, at) - 1
            if k >= 0 and at < bounds[wanted[k]] and (parts := LINE.match(text)):
                found[wanted[k]].append((at, parts[2], parts[3].strip()))
    return found


def innermost(code: list[Instruction]) -> Iterator[list[Instruction]]:
    """The loops that have no loop in them."""
    first = code[0][0]
    jumps = ((at, int(operands, 16)) for at, name, operands in code if name.startswith("j") and "*" not in operands)
    loops = sorted((at, target) for at, target in jumps if first <= target < at)
    for k, (end, start) in enumerate(loops):
        if not any(start <= inner < end and begin >= start for inner, begin in loops[:k]):
            yield [i for i in code if start <= i[0] <= end]


def kind_of(name: str) -> str:
    return next((kind for kind, pattern in KINDS.items() if pattern.match(name)), "other")


def loop_of(body: list[Instruction], frame: str, dtype: str, outputs: int) -> Loop | None:
    """A loop, if it stores to other than the stack."""
    counts: Counter[str] = Counter()
    stored = spills = width = 0
    scalar, to_double = [], []
    for _, name, operands in body:
        sizes = [BYTES[letter] for letter in REGISTER.findall(operands)]
        width = max([width, *sizes])
        if not sizes:
            counts["integer"] += 1
            continue
        store = STORE.search(operands)
        if store and store[3] in ("rsp", frame):
            spills += 1
        elif store:
            stored += stored_bytes(name, BYTES[store[1]])
        if SCALAR.match(name):
            scalar.append(name)
        if TO_DOUBLE.match(name):
            to_double.append(name)
        counts[kind_of(name)] += 1
    if not stored:
        return None
    elements = stored / STORED[dtype] / outputs
    shares = {kind: count / elements for kind, count in counts.items()}
    return Loop(width, elements, shares, spills, tuple(scalar), tuple(to_double))


def stored_bytes(name: str, register: int) -> int:
    """What an instruction with a register of that size as its source stores."""
    if re.match(r"vcvt(ps2ph|pd2ps)|vpmov(dw|qd)", name):
        return register // 2
    if part := re.match(r"vextract\w(128|32x4|64x2|64x4|32x8)", name):
        return 32 if part[1] in ("64x4", "32x8") else 16
    if part := re.match(r"v?mov(s[sd]|[dq]|[hl]p[sd])$", name):
        return 4 if part[1] in ("ss", "d") else 8
    return register


def loops(levels: Iterable[str], dtypes: Iterable[str] = STORED, names: Iterable[str] = ()) -> dict[str, list[Loop]]:
    """The loops of the elementwise kernels, by "level name direction dtype", for all names or some."""
    chosen, dtypes = set(names), set(dtypes)
    starts = {
        f"{level} {kernel}": start
        for level in levels
        for kernel, start in kernels(level).items()
        if (not chosen or kernel.split()[0] in chosen) and kernel.split()[2] in dtypes
    }
    code = disassembled(starts.values())
    by_name = {activation.name: activation for activation in ACTIVATIONS}
    found = {}
    for key, start in starts.items():
        _, name, direction, dtype = key.split()
        outputs = len(by_name[name].operands(direction)[1])
        own = code[start]
        frame = "rbp" if any(i[1] == "mov" and i[2] == "%rsp,%rbp" for i in own) else "rsp"
        made = (loop_of(body, frame, dtype, outputs) for body in innermost(own))
        found[key] = [loop for loop in made if loop]
    return found


def usual(found: list[Loop]) -> Loop:
    """The loop that the usual parameters take: that of the fewest instructions."""
    return min(found, key=lambda loop: (loop.operations, sum(loop.per_element.values())))


def main() -> None:
    parser = argparse.ArgumentParser(description="Instructions per element of the kernels' loops.")
    parser.add_argument("names", nargs="*", choices=[[], *(a.name for a in ACTIVATIONS)], metavar="NAME")
    parser.add_argument("--levels", nargs="+", choices=tuple(WIDTHS), default=tuple(WIDTHS))
    parser.add_argument("--dtypes", nargs="+", choices=tuple(STORED), default=("f32", "f64"))
    chosen = parser.parse_args()
    print(f"{'kernel':44}{'bytes':>6}{'elements':>9}{'operations':>11}{'divisions':>10}{'spills':>7}  all, per element")
    for key, found in loops(chosen.levels, chosen.dtypes, chosen.names).items():
        for loop in found:
            counts = ", ".join(f"{kind} {count:.3g}" for kind, count in sorted(loop.per_element.items()))
            figures = f"{loop.width:6}{loop.elements:9.4g}{loop.operations:11.3g}{loop.divisions:10.3g}{loop.spills:7}"
            print(f"{key:44}{figures}  {counts}")


if __name__ == "__main__":
    main()
