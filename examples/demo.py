"""What pyacts is, in two minutes: ``python examples/demo.py`` (``make demo`` installs it first).

Shows what is installed, races the in-place functions against NumPy, builds a C program with the library and runs it,
and trains a network with six activations.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyacts
from bench import speed  # which has NumPy's statements and the way to time them

EXAMPLES = Path(__file__).resolve().parent
IN_CACHE, IN_MEMORY = 1 << 15, 1 << 22


def title(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}\n", flush=True)


def show_installation() -> None:
    """What was built, and which of the library's instruction sets this machine uses."""
    library = Path(pyacts.get_library())
    names = [activation.name for activation in pyacts.catalog.ACTIVATIONS]
    print(f"pyacts {pyacts.__version__}, {len(names)} activation functions, forward and backward:")
    print(f"    {', '.join(names)}")
    print(f"C library:       {library} ({library.stat().st_size / 1e6:.1f} MB)")
    print(f"instruction set: {pyacts.isa()}")


def race() -> None:
    """The in-place functions against NumPy's plain expression."""
    print(
        f"Nanoseconds per element, float32, in place, one thread: an array that fits the cache ({IN_CACHE:,} elements)"
    )
    print(f"and one that does not fit the second-level cache ({IN_MEMORY:,} elements).\n")
    print(f"{'':23}{'in cache':^28} {'from memory':^28}")
    print(f"{'':23}{'pyacts':>8}{'NumPy':>9}{'ratio':>10}  {'pyacts':>8}{'NumPy':>9}{'ratio':>10}   what NumPy runs")
    for case in speed.cases(directions=["inplace"]):
        print(f"{case.label:22}", end=" ", flush=True)
        for n in (IN_CACHE, IN_MEMORY):
            row = speed.measure(case, n, seconds=0.25)
            ours, numpy, ratio = row["ns_per_element"], row["plain_ns_per_element"], row["plain_ratio"]
            print(f"{ours:8.3f}{numpy:9.3f}{ratio:9.1f}x", end="  ", flush=True)
        print(f" {case.plain}")
    print("\nThe ratios say how many times as long NumPy's expression takes. `make bench` measures every function,")
    print("direction and size, also against the best that NumPy can do without allocating.")


def run_c_program() -> None:
    """Build the C example with the options that pyacts gives, and run it."""
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None:
        print(f"There is no C compiler ({compiler}) here: set CC, or try it another time.")
        return
    folder = EXAMPLES / "c"
    program = Path("build", "classifier")
    (folder / program).parent.mkdir(exist_ok=True)
    print(f"{compiler} classifier.c $(python -m pyacts --cflags --libs) -o {program}\n\nwhich is\n")
    # In that folder, because python -m prefers a pyacts in the current one to the one that is installed.
    ask = [sys.executable, "-m", "pyacts", "--cflags", "--libs"]
    options = subprocess.run(ask, cwd=folder, check=True, capture_output=True, text=True).stdout.split()
    command = [compiler, "classifier.c", *options, "-o", str(program)]
    print(shlex.join(command), end="\n\n", flush=True)
    subprocess.run(command, cwd=folder, check=True)
    subprocess.run([folder / program], check=True)


def main() -> None:
    title("1. What is installed")
    show_installation()
    title("2. In place, against NumPy")
    race()
    title("3. From C, without Python")
    run_c_program()
    title("4. Training with six activations")
    subprocess.run([sys.executable, str(EXAMPLES / "digits.py")], check=True)


if __name__ == "__main__":
    main()
