"""What is installed, and what the README and the guides show."""

import re
import shlex
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from common import ROOT, TESTS, run

import pyacts

GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITHOUT_PYTHON = [ROOT / "docs" / name for name in ("README.md", "gallery.md", "performance.md")]
per_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))


def blocks_of(guide, language):
    text = guide.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


# ----------------------------------------------------------------------------------------------------------------
# Import


def test_import_loads_little():
    """import pyacts brings NumPy and itself: cffi comes with pyacts.ffi, everything else never."""
    program = "import sys, pyacts; before = list(sys.modules); pyacts.ffi; print(*before, ';', *sys.modules)"
    before, after = (set(modules.split()) for modules in run(sys.executable, "-c", program).split(";"))
    heavy = {"cffi", "_cffi_backend", "numba", "llvmlite", "mpmath", "gmpy2", "scipy", "pandas", "matplotlib", "Cython"}
    assert not heavy & before
    assert heavy & after == {"cffi", "_cffi_backend"}


def test_import_leaves_the_process_alone():
    """No threads, no warnings, no output, no change to NumPy's settings."""
    program = (
        "import os, numpy as np; settings = np.geterr(), np.get_printoptions(), len(os.listdir('/proc/self/task'));"
        "import pyacts; pyacts.softmax(np.ones((300, 300)));"
        "assert settings == (np.geterr(), np.get_printoptions(), len(os.listdir('/proc/self/task')))"
    )
    assert run(sys.executable, "-W", "error", "-c", program) == ""


# ----------------------------------------------------------------------------------------------------------------
# README and docs


@per_guide
def test_python_in_guides(guide, tmp_path, monkeypatch):
    """The Python blocks run, one after the other as a reader would type them."""
    if "import pyacts.numba" in guide.read_text():
        pytest.importorskip("numba")
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in blocks_of(guide, "python"):
        exec(compile(block, guide.name, "exec"), namespace)
    assert namespace or guide in WITHOUT_PYTHON


@pytest.mark.skipif(not shutil.which("cc"), reason="no cc")
def test_readme_c(tmp_path):
    """Each C block compiles with the command beside it, and runs."""
    readme = GUIDES[0]
    blocks = blocks_of(readme, "c")
    commands = re.findall(r"^cc .*", "".join(blocks_of(readme, "sh")), re.MULTILINE)
    assert blocks
    assert commands
    for block in blocks:
        for command in commands:
            (tmp_path / re.search(r"\w+\.c\b", command).group()).write_text(block)
            run("sh", "-c", command.replace("python -m", f"{shlex.quote(sys.executable)} -m"), cwd=tmp_path)


@per_guide
def test_links_in_guides(guide):
    """What they link to in this project is there."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", guide.read_text(encoding="utf-8")):
        assert (guide.parent / target).exists(), target


# ----------------------------------------------------------------------------------------------------------------
# Distributions

SMOKE = """
import numpy as np, pyacts
x = np.array([-1.0, 2.0], np.float32)
assert pyacts.relu_(x) is x and x.tolist() == [0, 2]
assert pyacts.softmax_backward(x, y=x).shape == (2,)
assert pyacts.ffi.string(pyacts.lib.pyacts_isa()).decode() == pyacts.isa()
print(pyacts.__version__)
"""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """(wheel, sdist), the wheel being built from the sdist, in a copy of the source tree."""
    copy = tmp_path_factory.mktemp("source") / "pyacts"
    unwanted = (".git", ".venv", "build", "dist", "lib", "*.so", "*.egg-info", "__pycache__", ".*_cache", "results")
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*unwanted))
    shutil.rmtree(copy / "pyacts" / "include", ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", cwd=copy)
    (wheel,), (sdist,) = (copy / "dist").glob("*.whl"), (copy / "dist").glob("*.tar.gz")
    return wheel, sdist


@pytest.mark.slow
def test_wheel_contents(distributions):
    wheel, _ = distributions
    with zipfile.ZipFile(wheel) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
    names = list(sizes)
    assert not [n for n in names if n.endswith((".c", ".pyx", ".pxd", ".pxi", ".o", ".in"))]
    assert {n.split("/")[0] for n in names} == {"pyacts", f"pyacts-{pyacts.__version__}.dist-info"}
    library = f"pyacts/lib/{Path(pyacts.get_library()).name}"
    wanted = {library, "pyacts/include/pyacts.h"}
    wanted |= {"pyacts/lib/pkgconfig/pyacts.pc", "pyacts/lib/cmake/pyacts/pyacts-config.cmake"}
    wanted |= {"pyacts/lib/cmake/pyacts/pyacts-config-version.cmake"}
    wanted |= {"pyacts/py.typed", "pyacts/__init__.pyi", "pyacts/__main__.py", "pyacts/catalog.py"}
    wanted |= {"pyacts/numba/scalar.pyi", "pyacts/numba/_mathematics.py"}
    assert wanted <= set(names)
    assert sizes[library] < 8 << 20
    assert sum(size for name, size in sizes.items() if "/_array." in name) < 3 << 20
    assert any("licenses/LICENSE" in n for n in names)


@pytest.mark.slow
def test_sdist_contents(distributions):
    _, sdist = distributions
    with tarfile.open(sdist) as archive:
        names = {n.partition("/")[2] for n in archive.getnames()}
    assert {
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "Makefile",
        "include/pyacts.h",
        "docs/edges.md",
        "kernels/real.h",
        "codegen/__main__.py",
        "pyacts/_array.pyx",
        "pyacts/array_face/arrays.pxi",
        "packaging/pyacts.pc.in",
        "tests/common.py",
    } <= names
    assert not [n for n in names if n.endswith((".so", ".so.0", ".o", ".pyc"))]
    assert not [n for n in names if n.startswith(("pyacts/lib", "pyacts/include", "build/"))]


@pytest.mark.slow
def test_wheel_works(distributions, tmp_path):
    """In a fresh environment, from Python, on the command line and in C."""
    wheel, _ = distributions
    run(sys.executable, "-m", "venv", tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    assert run(python, "-c", SMOKE, cwd=tmp_path).strip() == pyacts.__version__
    if shutil.which("cc"):
        shutil.copy(TESTS / "c" / "consumer.c", tmp_path / "demo.c")
        command = f"cc demo.c $({python} -m pyacts --cflags --libs) -o demo && ./demo"
        assert run("sh", "-c", command, cwd=tmp_path) == "ok\n"
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "pyacts")
    assert not list((tmp_path / "env").glob("lib/python*/site-packages/pyacts*")), "files are left behind"


@pytest.mark.parametrize("levels", [["neon"], ["baseline"]])
def test_dispatcher_of_a_platform_with_one_level(levels, tmp_path):
    """What other platforms than x86-64 build translates."""
    sys.path.insert(0, str(ROOT))
    try:
        from codegen import kernels
    finally:
        sys.path.remove(str(ROOT))
    (tmp_path / "table.pxd").write_text(kernels.table())
    (tmp_path / "dispatch.pyx").write_text(kernels.dispatch(levels))
    run(sys.executable, "-m", "cython", "-3", "-I", tmp_path, tmp_path / "dispatch.pyx")


def test_demo_imports():
    """make demo takes too long for a test, but what it needs of bench/ must be there."""
    run(sys.executable, "-c", f"import runpy; runpy.run_path({str(ROOT / 'examples' / 'demo.py')!r}, run_name='demo')")
