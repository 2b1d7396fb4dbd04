"""The C library: the same bits as from Python, nothing touched outside the arrays, used as documented."""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from common import (
    CALLS,
    DTYPES,
    ELEMENTWISE_CALLS,
    HALVES,
    ROOT,
    SUFFIXES,
    TESTS,
    Call,
    assert_same,
    c_call,
    defaults,
    drawn,
    finfo,
    is_elementwise,
    numbers,
    parameter_type,
    pointer,
    run,
    suffix,
)

import pyacts
from pyacts.catalog import ACTIVATIONS

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
COMPILERS = {c: shutil.which(c) for c in ("gcc", "g++", "clang", "clang++")}
C_COMPILERS = [c for c in ("gcc", "clang") if COMPILERS[c]]
CXX_COMPILERS = [c for c in ("g++", "clang++") if COMPILERS[c]]
EXAMPLES = sorted((ROOT / "examples" / "c").glob("*.c"))
X86 = platform.machine() in ("x86_64", "AMD64")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ELF")

every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def flags(*options):
    return run(sys.executable, "-m", "pyacts", *options).split()


# ----------------------------------------------------------------------------------------------------------------
# The same bits as from Python


@pytest.mark.parametrize("call", ELEMENTWISE_CALLS, ids=str)
@every_dtype
def test_elementwise(call, dtype):
    """The C function, and the kernel that pyacts_find gives, at odd lengths and any alignment, in place too."""
    name = call.activation.name + suffix(call.direction)
    parameters = list(defaults(call.activation).values())
    for n in (0, 1, 5, 16, 17, 33, 1000, 5001):
        inputs = call.inputs(n, dtype, seed=n)
        expected = call(*inputs)
        for offset in (0, 1, 3, 4, 8, 33):
            where = (call, dtype, f"n = {n}", f"byte offset {offset}")
            memory = [np.zeros(a.nbytes + 64, "u1") for a in (*inputs, inputs[0])]
            arrays = [m[offset : offset + inputs[0].nbytes].view(dtype) for m in memory]
            for array, values in zip(arrays, inputs, strict=False):
                array[...] = values
            if call.activation.kind == "channelwise":
                weights = [np.array([v], parameter_type(dtype)) for v in parameters]
                last = (1, 1, n), (*weights, arrays[-1])
            else:
                last = (n,), (arrays[-1], *parameters)
            c_call(f"pyacts_{name}_{SUFFIXES[dtype]}", *last[0], *arrays[:-1], *last[1])
            assert_same(arrays[-1], expected, *where)
            kernel = pyacts.lib.pyacts_find(
                call.activation.name.encode(), SUFFIXES[dtype].encode(), call.direction.encode()
            )
            pointers = [pointer(a, "void *") for a in arrays]
            numbers_given = pyacts.ffi.new("double[]", parameters) if parameters else pyacts.ffi.NULL
            for out in (len(inputs), *range(len(inputs))):
                for array, values in zip(arrays, inputs, strict=False):
                    array[...] = values
                kernel(n, pointers[: len(inputs)], [pointers[out]], numbers_given)
                assert_same(arrays[out], expected, "pyacts_find, output", out, *where)
            assert not any(m[:offset].any() or m[offset + inputs[0].nbytes :].any() for m in memory), where


@pytest.mark.parametrize("call", [c for c in ELEMENTWISE_CALLS if c.activation.parameters], ids=str)
@every_dtype
def test_array_kernels(call, dtype):
    """The kernels that take an array of n for each parameter."""
    names = [p.name for p in call.activation.parameters]
    direction = f"{call.direction}_arrays".encode()
    kernel = pyacts.lib.pyacts_find(call.activation.name.encode(), SUFFIXES[dtype].encode(), direction)
    for n in (0, 1, 16, 37):
        inputs = call.inputs(n, dtype)
        arrays = {k: v.astype(parameter_type(dtype)) for k, v in drawn(call.activation, names, n, n).items()}
        out = np.zeros(n, dtype)
        pointers = [pointer(a, "void *") for a in (*inputs, *arrays.values())]
        kernel(n, pointers, [pointer(out, "void *")], pyacts.ffi.NULL)
        assert_same(out, call(*inputs, **arrays), call, dtype, n)


SHAPES = [
    (1, 1, 1),
    (3, 4, 5),
    (2, 40, 1),
    (40, 3, 1),
    (1, 7, 70),
    (2, 1, 33),
    (70, 30, 1),
    (5, 5000, 1),
    (1, 5000, 3),
    (0, 3, 2),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a.kind == "channelwise"], ids=lambda a: a.name)
@every_dtype
def test_channels(activation, shape, dtype):
    """(outer, channels, inner) with a parameter for each channel, in place too."""
    grad, x = numbers(shape, dtype, 1), numbers(shape, dtype, 2)
    names = [p.name for p in activation.parameters]
    values = {k: v.astype(parameter_type(dtype)) for k, v in drawn(activation, names, shape[1], 3).items()}
    spread = {k: v[:, None] for k, v in values.items()}
    for direction in activation.directions:
        call = Call(activation, direction)
        inputs = [x] if direction == "forward" else [grad, x]
        name = f"pyacts_{activation.name}{suffix(direction)}_{SUFFIXES[dtype]}"
        expected = call(*inputs, **spread)
        out = np.zeros(shape, dtype)
        c_call(name, *shape, *inputs, *values.values(), out)
        assert_same(out, expected, call, dtype, shape)
        out = inputs[0].copy()
        c_call(name, *shape, out, *inputs[1:], *values.values(), out)
        assert_same(out, expected, call, dtype, shape, "in place")


@pytest.mark.parametrize("shape", [*SHAPES, (3, 5000, 2), (33, 32, 1), (64, 33, 1)], ids=str)
@every_dtype
def test_softmax(shape, dtype):
    for call in (c for c in CALLS if c.activation.kind == "softmax"):
        inputs = call.inputs(shape, dtype)
        expected = call(*inputs, axis=1)
        name = f"pyacts_{call.activation.name}{suffix(call.direction)}_{SUFFIXES[dtype]}"
        for out in (np.zeros(shape, dtype), *inputs):
            c_call(name, *shape, *inputs, out, pyacts.ffi.NULL)
            assert_same(out, expected, call, dtype, shape)
            inputs = call.inputs(shape, dtype)


@pytest.mark.parametrize("shape", [(6, 40, 1), (64, 7, 1), (2, 9, 70), (1, 3000, 1)], ids=str)
@every_dtype
def test_softmax_options(shape, dtype):
    """The struct, with strides over outer, n and inner, against the keywords of Python."""
    outer, n, inner = shape
    random = np.random.default_rng(0)
    x, bias = numbers(shape, dtype, special=False), numbers((n, inner), dtype, 5, special=False)
    mask = random.random((outer, n)) < 0.8
    sink = numbers(inner, parameter_type(dtype), 6, special=False)
    options = pyacts.ffi.new("pyacts_softmax_options *")
    options.size, options.scale = pyacts.ffi.sizeof("pyacts_softmax_options"), 0.3
    options.mask, options.mask_strides = pyacts.ffi.cast("unsigned char *", mask.ctypes.data), (n, 1, 0)
    options.bias, options.bias_strides = pyacts.ffi.cast("void *", bias.ctypes.data), (0, inner, 1)
    options.sink, options.sink_strides = pyacts.ffi.cast("void *", sink.ctypes.data), (0, 1)
    given = {"scale": 0.3, "where": mask[:, :, None], "bias": bias, "sink": sink}
    for name in ("softmax", "softmin", "log_softmax"):
        y = np.zeros(shape, dtype)
        c_call(f"pyacts_{name}_{SUFFIXES[dtype]}", *shape, x, y, options)
        assert_same(y, getattr(pyacts, name)(x, 1, **given), name, dtype, shape)
    short = pyacts.ffi.new("pyacts_softmax_options *", {"size": pyacts.ffi.sizeof("size_t")})
    c_call(f"pyacts_softmax_{SUFFIXES[dtype]}", *shape, x, y, short)
    assert_same(y, pyacts.softmax(x, 1), "a struct of an older header")


@pytest.mark.parametrize("rows", [2, 3, 2**63, 2**64 - 1])
@pytest.mark.parametrize("offset", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_causal_bounds_of_any_size(rows, offset):
    """Counts and offsets near the ends of their types: how much a row shows does not overflow."""
    x, y = np.zeros((5, 4), np.float32), np.empty((5, 4), np.float32)
    options = pyacts.ffi.new(
        "pyacts_softmax_options *",
        {
            "size": pyacts.ffi.sizeof("pyacts_softmax_options"),
            "scale": 1.0,
            "causal_rows": rows,
            "causal_offset": offset,
            "empty": 1,
        },
    )
    c_call("pyacts_softmax_f32", 5, 4, 1, x, y, options)
    shown = [min(max(k % rows + offset + 1, 0), 4) for k in range(5)]
    np.testing.assert_array_equal((y > 0).sum(axis=1), shown)


def test_find_nothing():
    null, find = pyacts.ffi.NULL, pyacts.lib.pyacts_find
    assert find(b"relu", b"f32", b"forward") != null
    for arguments in (
        (null, b"f32", b"forward"),
        (b"relu", null, b"forward"),
        (b"relu", b"f32", null),
        (b"", b"", b""),
    ):
        assert find(*arguments) == null


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@every_dtype
def test_maxout(shape, dtype):
    outer, n, inner = shape
    x = numbers(shape, dtype)
    for pool_size in (p for p in (1, 2, 4, 5) if n % p == 0):
        expected, which = pyacts.maxout(x, pool_size, 1, return_index=True)
        y, index = np.zeros_like(expected), np.zeros_like(which)
        c_call(f"pyacts_maxout_{SUFFIXES[dtype]}", outer, n, inner, pool_size, x, y, index)
        assert_same(y, expected, dtype, shape, pool_size)
        np.testing.assert_array_equal(index, which)
        y[...] = 0
        c_call(f"pyacts_maxout_{SUFFIXES[dtype]}", outer, n, inner, pool_size, x, y, pyacts.ffi.NULL)
        assert_same(y, expected, dtype, shape, pool_size, "without index")
        dx = np.zeros_like(x)
        c_call(f"pyacts_maxout_backward_{SUFFIXES[dtype]}", outer, n, inner, pool_size, y, index, dx)
        assert_same(dx, pyacts.maxout_backward(y, which, pool_size, 1), "backward", dtype, shape, pool_size)


def test_version_and_isa():
    assert pyacts.ffi.string(pyacts.lib.pyacts_version()).decode() == pyacts.__version__
    assert pyacts.ffi.string(pyacts.lib.pyacts_isa()).decode() == pyacts.isa()


# ----------------------------------------------------------------------------------------------------------------
# Memory, state, symbols


def environment(level=None):
    variables = {k: v for k, v in os.environ.items() if k != "PYACTS_ISA"}
    return variables if level is None else {**variables, "PYACTS_ISA": level}


def levels():
    """The levels this machine has, from the least to the best."""
    known = ["baseline", "avx2", "avx512"]
    return known[: known.index(isa(None)) + 1] if X86 else [isa(None)]


def isa(level):
    return run(sys.executable, "-c", "import pyacts; print(pyacts.isa())", env=environment(level)).strip()


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"] if X86 else [None])
def test_guard_pages(level):
    """Nothing outside the arrays is touched, no input is written, and NULL will do for no elements."""
    if level is not None and isa(level) != level:
        pytest.skip(f"no {level} here")
    output = run(sys.executable, TESTS / "guard_pages.py", env=environment(level))
    assert re.search(r"^\d{4,} calls$", output, re.MULTILINE), output


@pytest.mark.skipif(not C_COMPILERS, reason="no C compiler")
def test_state(tmp_path):
    """errno and the control bits of the floating-point environment stay, whatever the rounding mode."""
    program = tmp_path / "state"
    run(
        C_COMPILERS[0],
        "-std=gnu99",
        *STRICT,
        TESTS / "c" / "state.c",
        *flags("--cflags", "--libs"),
        "-lm",
        "-o",
        program,
    )
    kernels = [(a.name, d) for a in ACTIVATIONS if is_elementwise(a) or a.kind == "gated" for d in a.directions]
    words = [(name, dtype, direction) for name, direction in kernels for dtype in SUFFIXES.values()]
    assert run(program, *(word for triple in words for word in triple)) == "ok\n"


@linux
def test_symbols():
    """Only pyacts_* is exported, and only libc and libm are needed: nothing that allocates or starts threads."""
    library = pyacts.get_library()
    exported = run("nm", "-D", "--defined-only", library).split("\n")
    assert all(line.split()[-1].startswith("pyacts_") for line in exported if line)
    undefined = {
        line.split()[-1].partition("@")[0] for line in run("nm", "-D", "--undefined-only", library).split("\n") if line
    }
    assert not {s for s in undefined if s.lstrip("_").startswith(("Py", "pyx"))}
    weak = {"_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__cxa_finalize", "__gmon_start__"}
    assert undefined - weak <= {"getenv", "strcmp", "memcpy", "memset", "memmove", "__stack_chk_fail"}, undefined
    dynamic = run("readelf", "-d", library)
    assert set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)) <= {"libc.so.6", "libm.so.6"}, dynamic
    assert re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) == [Path(library).name]
    assert "RPATH" not in dynamic
    assert "RUNPATH" not in dynamic
    assert "TEXTREL" not in dynamic
    stack = re.search(r"GNU_STACK.*\n?.* (RWE|RW) ", run("readelf", "-lW", library))
    assert stack is not None
    assert stack.group(1) == "RW"


@linux
def test_module_loads_the_library_beside_it():
    """The Python module and C programs share one file, found by $ORIGIN."""
    module = Path(pyacts._array.__file__)
    dynamic = run("readelf", "-d", module)
    assert Path(pyacts.get_library()).name in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    path = re.search(r"\(R(?:UN)?PATH\).*\[(.*)\]", dynamic).group(1).split(":")
    assert "$ORIGIN/lib" in path
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libpyacts" in line}
    assert loaded == {str(Path(pyacts.get_library()).resolve())}


# ----------------------------------------------------------------------------------------------------------------
# Instruction-set levels

# Near a zero of the derivative two terms cancel, and near one of xielu itself: there it is units of grad, or x, that
# count.
CANCELLING = (
    "silu-backward",
    "quick_gelu-backward",
    "gelu_tanh-backward",
    "swiglu-backward",
    "geglu_tanh-backward",
    "mish-backward",
    "dish-backward",
    "xielu-",
)


@pytest.fixture(scope="module")
def by_level(tmp_path_factory):
    """The results of every function at each level: level -> name -> array."""
    found = {}
    for level in levels():
        file = tmp_path_factory.mktemp(level) / "results.npz"
        run(sys.executable, TESTS / "level_results.py", file, env=environment(level))
        with np.load(file) as results:
            found[level] = {name: a.view(HALVES["bf16"]) if a.dtype.kind == "V" else a for name, a in results.items()}
        assert found[level].pop("isa") == level
    return found


@pytest.mark.skipif(not X86, reason="one level")
def test_isa_variable():
    """PYACTS_ISA narrows the choice; what is unknown or not to be had is ignored."""
    best = isa(None)
    assert best in ("baseline", "avx2", "avx512")
    for level in ("", "nonsense", "AVX2", "avx2 ", "neon", "avx1024", "avx512"):
        assert isa(level) == best, level
    assert isa("baseline") == "baseline"
    assert isa("avx2") == min("avx2", best, key=["baseline", "avx2", "avx512"].index)
    assert levels()[-1] == best


def test_levels_with_fma_give_the_same_bits(by_level):
    if "avx512" not in by_level:
        pytest.skip("one level with FMA")
    for name, expected in by_level["avx512"].items():
        if expected.dtype.kind in "iu":
            np.testing.assert_array_equal(by_level["avx2"][name], expected, name)
        else:
            assert_same(by_level["avx2"][name], expected, name, "avx2 and avx512")


@pytest.mark.skipif(not X86, reason="one level")
def test_baseline_is_close(by_level):
    """Without FMA results are rounded differently, by a few units in the last place of what was added up."""
    best = by_level[levels()[-1]]
    for name, result in by_level["baseline"].items():
        if result.dtype.kind in "iu":
            np.testing.assert_array_equal(result, best[name], name)
            continue
        limits = finfo(result.dtype)
        units, tiny = (1, 1) if result.dtype.itemsize == 2 else (16, 4)  # halves are rounded from floats that are close
        atol = tiny * float(limits.smallest_subnormal)
        if name.startswith(CANCELLING):
            grad = best[" ".join(name.split()[:3]) + " first input"].astype(float)
            atol = atol + 4 * np.finfo(parameter_type(name.split()[1])).eps * np.abs(np.nan_to_num(grad))
        got, wanted = result.astype(float), best[name].astype(float)
        near = np.isclose(got, wanted, rtol=units * float(limits.eps), atol=atol, equal_nan=True)
        k = int((~near).argmax())
        assert near.all(), f"{name}: {(~near).sum()} far, first {result.flat[k]!r}, not {best[name].flat[k]!r}"


# ----------------------------------------------------------------------------------------------------------------
# Compiling and linking as documented


@pytest.mark.parametrize("compiler", [*C_COMPILERS, *CXX_COMPILERS])
def test_header_alone(compiler, tmp_path):
    """pyacts.h needs nothing included before it, and may be included twice."""
    extension, standards = ("cpp", ("c++11", "c++17")) if compiler in CXX_COMPILERS else ("c", ("c99", "c17"))
    source = tmp_path / f"alone.{extension}"
    source.write_text('#include "pyacts.h"\n#include "pyacts.h"\nint main(void) { return pyacts_isa() == NULL; }\n')
    for standard in standards:
        run(compiler, f"-std={standard}", *STRICT, *flags("--cflags"), "-fsyntax-only", source)


@pytest.mark.parametrize("compiler", [*C_COMPILERS, *CXX_COMPILERS])
@pytest.mark.parametrize("source", [TESTS / "c" / "consumer.c", *EXAMPLES], ids=lambda p: p.name)
def test_programs(compiler, source, tmp_path):
    """Programs compile as C99 and as C++17 without a warning, from anywhere, and run."""
    language = ["-x", "c++", "-std=c++17"] if compiler in CXX_COMPILERS else ["-std=c99"]
    program = tmp_path / "program"
    options = [*language, *STRICT, "-O1", "-c", source, "-o", tmp_path / "program.o"]
    run(compiler, *flags("--cflags"), *options, cwd=tmp_path)
    run(compiler, tmp_path / "program.o", *flags("--libs"), "-lm", "-o", program, cwd=tmp_path)
    output = run(program, cwd=tmp_path)
    assert output == "ok\n" if source.name == "consumer.c" else output


@pytest.mark.skipif(not shutil.which("cc"), reason="no cc")
def test_documented_command(tmp_path):
    shutil.copy(TESTS / "c" / "consumer.c", tmp_path / "demo.c")
    command = f"cc demo.c $({shlex.quote(sys.executable)} -m pyacts --cflags --libs) -o demo && ./demo"
    assert run("sh", "-c", command, cwd=tmp_path) == "ok\n"


@pytest.mark.skipif(not (shutil.which("pkg-config") and C_COMPILERS), reason="no pkg-config")
def test_pkg_config(tmp_path):
    (folder,) = flags("--pkgconfigdir")
    assert folder == pyacts.get_pkgconfig_dir()
    variables = {**os.environ, "PKG_CONFIG_PATH": folder}
    assert run("pkg-config", "--modversion", "pyacts", env=variables).strip() == pyacts.__version__
    found = run("pkg-config", "--cflags", "--libs", "pyacts", env=variables).split()
    run(C_COMPILERS[0], TESTS / "c" / "consumer.c", *found, "-o", tmp_path / "program")
    assert run(tmp_path / "program") == "ok\n"


CMAKE_PROJECT = """\
cmake_minimum_required(VERSION 3.16)
project(consumer C)
find_package(pyacts ${WANTED} CONFIG REQUIRED)
add_executable(consumer ${SOURCE})
target_link_libraries(consumer pyacts::pyacts)
message(STATUS "pyacts version ${pyacts_VERSION}")
"""


@pytest.mark.skipif(not (shutil.which("cmake") and C_COMPILERS), reason="no cmake")
def test_cmake(tmp_path):
    (folder,) = flags("--cmakedir")
    assert folder == pyacts.get_cmake_dir()
    (tmp_path / "CMakeLists.txt").write_text(CMAKE_PROJECT)
    source = f"-DSOURCE={TESTS / 'c' / 'consumer.c'}"
    configure = ("cmake", "-B", "build", f"-DCMAKE_PREFIX_PATH={folder}", source)
    major, minor, _ = pyacts.__version__.split(".")
    output = run(*configure, f"-DWANTED={major}.{minor}", cwd=tmp_path)
    assert f"pyacts version {pyacts.__version__}" in output
    run("cmake", "--build", "build", cwd=tmp_path)
    assert run(tmp_path / "build" / "consumer") == "ok\n"
    for other in (f"{major}.{int(minor) + 1}", f"{int(major) + 1}.0"):
        with pytest.raises(AssertionError, match="compatible"):
            run(*configure, f"-DWANTED={other}", cwd=tmp_path)


def test_white_space_in_the_path_is_refused(tmp_path):
    """$(python -m pyacts ...) would be split there: nothing is printed, and a message says what to do."""
    package = tmp_path / "two words" / "pyacts"
    shutil.copytree(Path(pyacts.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    variables = {**os.environ, "PYTHONPATH": str(package.parent)}
    for option in ("--cflags", "--libs", "--pkgconfigdir", "--cmakedir"):
        command = [sys.executable, "-m", "pyacts", option]
        done = subprocess.run(command, capture_output=True, text=True, cwd=package.parent, env=variables, check=False)
        assert done.returncode == 1, done
        assert done.stdout == ""
        assert "white space" in done.stderr
        assert "two words" in done.stderr


def test_command_line():
    assert flags("--cflags") == [f"-I{pyacts.get_include()}"]
    library = pyacts.get_library()
    assert flags("--libs") == [library, f"-Wl,-rpath,{Path(library).parent}"]
    assert flags("--cflags", "--libs") == flags("--cflags") + flags("--libs")
    listed = run(sys.executable, "-m", "pyacts", "--list").splitlines()
    assert [line.split()[0] for line in listed] == [a.name for a in ACTIVATIONS]
    width = max(len(a.name) for a in ACTIVATIONS)
    assert [line[width + 1 :] for line in listed] == [a.formula for a in ACTIVATIONS]
    assert run(sys.executable, "-m", "pyacts", "--version").strip() == f"pyacts {pyacts.__version__} ({pyacts.isa()})"
    assert "--cflags" in run(sys.executable, "-m", "pyacts")


def test_released_symbols_stay():
    """Programs are linked with them: the list may grow, at a release, and never shrink while the soname is the same."""
    released = (ROOT / "tests" / "released_symbols.txt").read_text().split()
    listed = run("nm", "-D", "--defined-only", pyacts.get_library())
    assert set(released) <= set(listed.split())
