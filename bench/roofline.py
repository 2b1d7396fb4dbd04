"""What this machine can do at the most, measured: vector operations and divisions a second, memory.

Compiles roofline.c for a level with the compiler that Python was built with (or $CC).
"""

import os
import shlex
import subprocess
import sysconfig
import tempfile
from functools import cached_property
from pathlib import Path
from time import perf_counter_ns

import cffi

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = {"avx2": ["-march=x86-64-v3"], "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}
ITEMSIZES = {"float": 4, "double": 8}


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


class Roofline:
    """The limits of one core at an instruction-set level, for ``real`` numbers: ``"float"`` or ``"double"``."""

    def __init__(self, level: str, real: str) -> None:
        self.ffi = cffi.FFI()
        self.ffi.cdef(f"""
            int vector_bytes(void);
            void multiply_adds(size_t rounds);
            void mixed(size_t rounds);
            void divisions(size_t rounds);
            void calls(size_t rounds, void (*)(size_t, const {real} *, {real} *), size_t n, const {real} *x, {real} *y);
            void copy(size_t n, const {real} *x, {real} *y);
            void scale(size_t n, {real} *x, {real} factor);
        """)
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "roofline.so"
            options = ["-O3", "-shared", "-fPIC", f"-DREAL={real}", *FLAGS.get(level, [])]
            subprocess.run([*compiler(), *options, SOURCE, "-o", library], check=True)
            self.library = self.ffi.dlopen(str(library))
        self.real = real
        self.itemsize = ITEMSIZES[real]
        self.lanes = self.library.vector_bytes() // self.itemsize

    def rate(self, name: str, operations: int) -> float:
        """Vector operations a nanosecond."""
        function, rounds, best = getattr(self.library, name), 100_000, 0.0
        for _ in range(50):
            start = perf_counter_ns()
            function(rounds)
            best = max(best, operations * rounds / (perf_counter_ns() - start))
        return best

    @cached_property
    def multiply_adds(self) -> float:
        return self.rate("multiply_adds", 8)

    @cached_property
    def mixed(self) -> float:
        return self.rate("mixed", 16)

    @cached_property
    def divisions(self) -> float:
        return self.rate("divisions", 8)

    def call(self, address: int, n: int) -> float:
        """Nanoseconds that an elementwise function of n numbers takes when C calls it."""
        function = self.ffi.cast(f"void (*)(size_t, const {self.real} *, {self.real} *)", address)
        x, rounds, best = self.ffi.new(f"{self.real}[]", n), 10_000, float("inf")
        for _ in range(50):
            start = perf_counter_ns()
            self.library.calls(rounds, function, n, x, x)
            best = min(best, (perf_counter_ns() - start) / rounds)
        return best

    def pointer(self, array):
        return self.ffi.cast(f"{self.real} *", array.ctypes.data)

    def about(self) -> dict[str, float]:
        """What was measured, in billions a second."""
        return {
            "lanes": self.lanes,
            "multiply_adds": self.multiply_adds,
            "mixed": self.mixed,
            "divisions": self.divisions,
        }
