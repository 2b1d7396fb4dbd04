"""Builds libpyacts, the C library, and then the Python module that links with it.

codegen writes Cython sources from the catalogue, Cython makes C of them, and that C is compiled once per build (a
dtype, or the exact tier) and instruction-set level. A macro tells which. The one shared link drops whatever touches
Python.
"""

import os
import platform
import shlex
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy
from setuptools import Command, Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # a build front end runs this file from elsewhere
from codegen import VERSION, kernels, python  # noqa: E402

MACOS = sys.platform == "darwin"
LIBRARY = "libpyacts.0.dylib" if MACOS else "libpyacts.so.0"  # the number changes only when the ABI does

# The levels from the least to the best: kernels/cpu.h tests for what they need.
AVX2 = ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mf16c"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512cd", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]
MACHINE = os.environ.get("PYACTS_MACHINE", platform.machine()).lower()  # other than this one: with CC, for make arm
if MACHINE in ("x86_64", "amd64"):
    LEVELS = {"baseline": [], "avx2": AVX2, "avx512": AVX512}
else:
    LEVELS = {"neon" if MACHINE in ("aarch64", "arm64") else "baseline": []}

# For a quick build of fewer levels. The first of them is what the library takes without asking the processor.
WANTED = os.environ.get("PYACTS_LEVELS", "").split()
LEVELS = {level: flags for level, flags in LEVELS.items() if level in WANTED} or LEVELS

# No traps and no errno: without the first nothing vectorises. No contraction: a multiply-add is fused where the source
# says so, and every level that can gives the same bits. Never -ffast-math: it changes results, and linking with it
# changes the floating-point mode of the whole process.
KERNEL_FLAGS = [
    *("-O3", "-fno-trapping-math", "-fno-math-errno", "-ffp-contract=off"),
    *("-fPIC", "-ffunction-sections", "-fdata-sections"),
    "-DCYTHON_INLINE=inline __attribute__((always_inline))",
]
# Unrolling makes short loops up to a quarter faster, and objects a seventh larger.
UNROLLED = [f"f32_{level}" for level in LEVELS if level != "baseline"]
# Both would unroll the loop over a block completely before they look for vectors, and then find none. GCC would make
# chains of branches of two choices in a row, and of those two masks each instead of one minimum (relu6 takes 1.6 times
# as long, exponential 1.1 times); make a loop of its own for each outcome of a test that never changes, here of the
# pointers' alignment; make memcpy of the loops that copy a block, which is half as fast at the avx2 level; and compile
# the loops of softmax that serve several functions once more for some of them.
GCC_KERNEL_FLAGS = [
    "--param=max-completely-peel-times=4",
    "-fno-thread-jumps",
    "-fno-unswitch-loops",
    "-fno-tree-loop-distribute-patterns",
    "-fno-ipa-cp-clone",
]
CLANG_KERNEL_FLAGS = ["-mllvm", "-unroll-full-max-count=4"]
# GCC puts the chains of several vectors side by side before it assigns registers, as it does by itself on Arm: up to a
# fifth faster at avx2, a third at baseline; nothing at avx512, whose vectors keep the units busy. Objects grow by 4 %.
GCC_SCHEDULED_FLAGS = ["-fschedule-insns", "-fsched-pressure"]
SCHEDULED = ["f32_baseline", "f64_baseline", *(f"{build}_avx2" for build in kernels.BUILDS)]

# The kernels divide and index as C does; the Python module as Python does.
C_DIRECTIVES = ["cdivision=True", "boundscheck=False", "wraparound=False"]
PYTHON_DIRECTIVES = ["binding=True", "freethreading_compatible=True"]

COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC"))


def run(*command):
    print(" ".join(map(str, command)) + "\n", end="", flush=True)  # in one piece: several may run at once
    subprocess.run([str(c) for c in command], check=True)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def translate(source, folder, directives):
    """Cython source to C."""
    target = folder / f"{source.stem}.c"
    options = [part for directive in directives for part in ("-X", directive)]
    run(sys.executable, "-m", "cython", "-3", *options, "-I", ROOT / "kernels", "-I", folder, source, "-o", target)
    return target


def is_gcc():
    version = subprocess.run([*COMPILER, "--version"], capture_output=True, text=True, check=True).stdout
    return "Free Software Foundation" in version


def build_library(folder, library):
    """Generate, translate, compile and link libpyacts, working in folder."""
    write(folder / "table.pxd", kernels.table())
    exports = translate(write(folder / "exports.pyx", kernels.exports()), folder, C_DIRECTIVES)
    dispatch = translate(write(folder / "dispatch.pyx", kernels.dispatch(list(LEVELS))), folder, C_DIRECTIVES)
    gcc = is_gcc()
    flags = KERNEL_FLAGS + (GCC_KERNEL_FLAGS if gcc else CLANG_KERNEL_FLAGS)
    includes = ["-I", ROOT / "kernels", "-I", ROOT / "include", "-I", sysconfig.get_paths()["include"]]
    objects = [folder / "dispatch.o"]
    commands = [[*COMPILER, *KERNEL_FLAGS, *includes, "-c", dispatch, "-o", objects[0]]]
    for build in kernels.BUILDS:
        for level, level_flags in LEVELS.items():
            name = f"{build}_{level}"
            distinct = [f"-D{symbol}={symbol}_{name}" for symbol in ("PyInit_exports", "__pyx_module_is_main_exports")]
            macros = [f"-DPYACTS_DTYPE_{build}", f"-DPYACTS_BUILD={name}", *distinct]
            own = ["-funroll-loops"] if name in UNROLLED else []
            own += [] if build == kernels.EXACT else ["-Werror=double-promotion"]
            own += GCC_SCHEDULED_FLAGS if gcc and name in SCHEDULED else []
            objects.append(folder / f"{name}.o")
            options = [*flags, *level_flags, *own, *macros, *includes]
            commands.append([*COMPILER, *options, "-c", exports, "-o", objects[-1]])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda command: run(*command), commands))
    public = kernels.public_names()
    library.parent.mkdir(parents=True, exist_ok=True)
    if MACOS:
        symbols = write(folder / "symbols", "".join(f"_{name}\n" for name in public))
        link = ["-dynamiclib", "-Wl,-dead_strip", f"-Wl,-exported_symbols_list,{symbols}"]
        link.append(f"-Wl,-install_name,@rpath/{LIBRARY}")
    else:
        symbols = write(folder / "symbols", "{ global: " + " ".join(f"{name};" for name in public) + " local: *; };\n")
        link = ["-shared", "-Wl,--gc-sections", f"-Wl,--version-script={symbols}", "-Wl,-z,defs", "-Wl,-s"]
        link.append(f"-Wl,-soname,{LIBRARY}")
    run(*COMPILER, *link, *objects, "-lm", "-o", library)


class Build(build_ext):
    """build_ext that makes the C library, and what C programs need to use it, first."""

    def run(self):
        package = ROOT / "pyacts" if self.inplace else Path(self.build_lib) / "pyacts"
        folder = Path(self.build_temp).resolve() / "pyacts"
        library = package / "lib" / LIBRARY
        build_library(folder, library)
        self.c_files = [library, write(package / "include" / "pyacts.h", (ROOT / "include" / "pyacts.h").read_text())]
        cmake = "lib/cmake/pyacts"
        for source, target in (
            ("pyacts.pc", "lib/pkgconfig"),
            ("pyacts-config.cmake", cmake),
            ("pyacts-config-version.cmake", cmake),
        ):
            text = (ROOT / "packaging" / f"{source}.in").read_text()
            text = text.replace("@VERSION@", VERSION).replace("@LIBRARY@", LIBRARY)
            self.c_files.append(write(package / target / source, text))
        write(folder / "functions.pxi", python.functions())
        (extension,) = self.extensions
        extension.sources = [str(translate(ROOT / "pyacts" / "_array.pyx", folder, PYTHON_DIRECTIVES))]
        extension.extra_objects = [str(library)]
        super().run()

    def get_outputs(self):
        return super().get_outputs() + [str(f) for f in self.c_files]


class Library(Command):
    """Only libpyacts, which may be for another machine."""

    user_options: ClassVar = [("folder=", None, "where to build it")]

    def initialize_options(self):
        self.folder = None

    def finalize_options(self):
        self.ensure_string("folder", "build")

    def run(self):
        folder = Path(self.folder).resolve()
        build_library(folder / "objects", folder / LIBRARY)


setup(
    ext_modules=[
        Extension(
            "pyacts._array",
            ["pyacts/_array.pyx"],
            include_dirs=["include", numpy.get_include()],
            extra_compile_args=["-O2", "-g0"],  # the interpreter's own flags would add 8 MB of debugging information
            extra_link_args=[f"-Wl,-rpath,{'@loader_path' if MACOS else '$ORIGIN'}/lib"],
        )
    ],
    cmdclass={"build_ext": Build, "build_library": Library},
)
