"""All faces have the same functions: catalogue, Python, stubs, C, ufuncs, Numba, oracle, benchmark, README."""

import ast
import doctest
import inspect
import pickle
import re
import sys
from pathlib import Path

import pytest
from common import CHANGING_SHAPE, ENDINGS, ROOT, is_elementwise, run, suffix

import pyacts
from bench import speed
from codegen.__main__ import CHECKED_IN
from codegen.gallery import PICTURES
from codegen.header import index
from pyacts import _array, _names, _paths, _ufuncs
from pyacts.catalog import ACTIVATIONS, DTYPES, plain

NAMES = {a.name for a in ACTIVATIONS}
HELPERS = {"get", "get_cmake_dir", "get_include", "get_library", "get_pkgconfig_dir", "isa", "split_gate"}
HELPERS |= {"bias_act", "bias_act_", "bias_act_backward", "bias_act_backward_", "gumbel_softmax", "gumbel_softmax_"}
HELPERS |= {"get_num_threads", "num_threads", "set_num_threads"}
OTHER_NAMES = {"__version__", "catalog", "exact", "ffi", "lib", "parallel"}
MODULES = (pyacts.exact, pyacts.parallel)
FUNCTIONS = [getattr(pyacts, name) for name in sorted({*_array.FUNCTIONS, *HELPERS})]
FUNCTIONS += [getattr(pyacts.exact, name) for name in pyacts.exact.__all__]


def python_names(exact=False):
    """The functions that the catalogue calls for."""
    names = set()
    for activation in ACTIVATIONS:
        if exact and not activation.exact:
            continue
        endings = {"", "_backward"} if activation.kind in CHANGING_SHAPE else set(ENDINGS.values())
        if activation.learned and not exact:
            endings.add("_parameter_grad")
        names |= {name + ending for name in (activation.name, *activation.aliases) for ending in endings}
    return names


def c_names():
    names = {"pyacts_version", "pyacts_isa", "pyacts_find"}
    for activation in ACTIVATIONS:
        directions = [suffix(d) for d in activation.directions]
        if activation.exact:
            names |= {f"pyacts_{activation.name}_exact{d}_f32" for d in directions}
        if activation.learned:
            directions.append("_parameter_grad")
        names |= {f"pyacts_{activation.name}{d}_{dtype}" for d in directions for dtype in DTYPES}
    return names


def prototypes(header):
    return re.findall(r"^PYACTS_API .*?(\w+)\(.*\);$", header, re.MULTILINE)


def stub_names(file="__init__.pyi"):
    tree = ast.parse((Path(pyacts.__file__).parent / file).read_text())
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    aliases = {
        t.id: node.value.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for t in node.targets
        if isinstance(node.value, ast.Name)
    }
    imported = {a.asname for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names if a.asname}
    declared = {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign)}
    return functions, aliases, imported, declared


# ----------------------------------------------------------------------------------------------------------------
# Names


def test_catalogue_names_are_unique():
    every = [name for a in ACTIVATIONS for name in (a.name, *a.aliases)]
    assert len(every) == len(set(every))
    assert len({plain(name) for name in every}) == len(every)


def test_python_names():
    assert set(_array.FUNCTIONS) == python_names()
    assert len(_array.FUNCTIONS) == len(python_names())
    assert set(pyacts.__all__) == python_names() | HELPERS | OTHER_NAMES
    public = {n for n, v in vars(pyacts).items() if callable(v) and not n.startswith("_")}
    assert public == python_names() | HELPERS
    assert set(pyacts.exact.__all__) == python_names(exact=True)
    assert set(pyacts.parallel.__all__) == python_names()


@pytest.mark.parametrize(
    ("module", "name"), [pytest.param(m, n, id=f"{m.__name__}.{n}") for m in MODULES for n in m.__all__]
)
def test_functions_of_modules_are_like_the_ordinary_ones(module, name):
    ordinary, own = getattr(pyacts, name), getattr(module, name)
    assert own is not ordinary
    assert inspect.signature(own) == inspect.signature(ordinary)
    assert (own.__module__, own.__qualname__) == (module.__name__, ordinary.__name__)
    assert own is getattr(module, ordinary.__name__)
    assert pickle.loads(pickle.dumps(own)) is own


def test_stub_names():
    functions, aliases, imported, declared = stub_names()
    assert set(functions) | set(aliases) == python_names() | {"isa"}
    assert imported == (HELPERS - {"isa"}) | {"catalog", "exact", "parallel"}
    assert declared == {"__version__", "__all__", "ffi", "lib"}
    for alias, name in aliases.items():
        assert getattr(pyacts, alias) is getattr(pyacts, name)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_stub_names_of_modules(module):
    functions, aliases, _, _ = stub_names(module.__name__.removeprefix("pyacts.") + ".pyi")
    assert set(functions) | set(aliases) == set(module.__all__)
    for alias, name in aliases.items():
        assert getattr(module, alias) is getattr(module, name)
    for name, node in stub_names()[0].items():
        if name in functions:
            assert ast.dump(node) == ast.dump(functions[name])


def test_stub_signatures():
    """The stubs have the parameters of the functions: names, order, kinds, and defaults where there are defaults."""
    functions, *_ = stub_names()
    kinds = inspect.Parameter
    for name, node in functions.items():
        arguments = node.args
        defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
        stub = [
            (a.arg, kinds.POSITIONAL_OR_KEYWORD, d is not None) for a, d in zip(arguments.args, defaults, strict=True)
        ]
        stub += [
            (a.arg, kinds.KEYWORD_ONLY, d is not None)
            for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        ]
        if arguments.kwarg:
            stub.append((arguments.kwarg.arg, kinds.VAR_KEYWORD, False))
        signature = inspect.signature(getattr(pyacts, name))
        actual = [(p.name, p.kind, p.default is not kinds.empty) for p in signature.parameters.values()]
        assert stub == actual, name


def test_header_names():
    found = prototypes((ROOT / "include" / "pyacts.h").read_text())
    assert len(found) == len(set(found))
    assert set(found) == c_names()
    assert set(re.findall(r"\w+", index())) >= {a.name for a in ACTIVATIONS}


def test_exported_symbols():
    listed = run("nm", "-D", "--defined-only", pyacts.get_library())
    assert {line.split()[-1] for line in listed.splitlines()} == c_names()


def test_cffi_names():
    assert {name for name in dir(pyacts.lib) if name.startswith("pyacts_")} == c_names()


def test_find_names():
    """pyacts_find has every elementwise kernel in every direction, and nothing else."""
    directions = ["forward", "backward", "backward_y"]
    directions += [f"{d}_arrays" for d in directions]
    every = [name for a in ACTIVATIONS for name in (a.name, *a.aliases)] + [
        "",
        "nonsense",
        "relu_f32",
        "Relu",
        "rel",
        "relu ",
    ]
    dtypes = [*DTYPES, "f8", "f", "float32", ""]
    every += [f"{name}_exact" for name in every]
    expected = {
        (name, dtype, d + ending)
        for a in ACTIVATIONS
        if is_elementwise(a) or a.kind == "gated"
        for name, dtype in [*((a.name, dtype) for dtype in DTYPES), (f"{a.name}_exact", "f32")]
        for d in a.directions
        for ending in (("", "_arrays") if a.parameters else ("",))
    }
    found = {
        (name, dtype, direction)
        for name in every
        for dtype in dtypes
        for direction in [*directions, "", "inplace", "forward_", "parameter_grad"]
        if pyacts.lib.pyacts_find(name.encode(), dtype.encode(), direction.encode())
    }
    assert found == expected


def test_ufunc_names():
    expected = {}
    for a in ACTIVATIONS:
        if a.kind not in CHANGING_SHAPE:
            expected |= {a.name + suffix(d): (a, ("ef", "ff", "dd")) for d in a.directions}
            expected |= {f"{a.name}_exact" + suffix(d): (a, ("ef", "ff")) for d in a.directions}
    assert set(_ufuncs.__all__) == set(expected)
    for name, (activation, types) in expected.items():
        ufunc = getattr(_ufuncs, name)
        n_params = len(activation.parameters)
        own, out = ufunc.nin - n_params, ufunc.nout
        assert ufunc.types == [f"{own * t}{n_params * p}->{out * t}" for t, p in types]


def test_numba_names():
    """Numba knows every function of pyacts and of pyacts.exact, and nothing else that they have."""
    pytest.importorskip("numba")
    from numba.core.registry import cpu_target

    import pyacts.numba

    cpu_target.typing_context.refresh()
    for module, names in ((pyacts, python_names()), (pyacts.exact, python_names(exact=True))):
        found = {n for n in module.__all__ if cpu_target.typing_context._lookup_global(getattr(module, n)) is not None}
        assert found == names


def test_scalar_names():
    """The functions of numbers, in the module and in its stub: one per direction, with the parameters of the others."""
    pytest.importorskip("numba")
    from pyacts.numba import scalar

    wanted = {}
    for activation in ACTIVATIONS:
        if is_elementwise(activation) or activation.kind == "gated":
            for direction in activation.directions:
                operands, _ = activation.operands(direction)
                parameters = {
                    p.name: inspect.Parameter.empty if p.default is None else p.default for p in activation.parameters
                }
                for name in (activation.name, *activation.aliases):
                    wanted[name + suffix(direction)] = dict.fromkeys(operands, inspect.Parameter.empty) | parameters
    found = {name: inspect.signature(getattr(scalar, name).py_func).parameters for name in scalar.__all__}
    assert {name: {p.name: p.default for p in own.values()} for name, own in found.items()} == wanted
    functions, aliases, _, _ = stub_names("numba/scalar.pyi")
    assert set(functions) | set(aliases) == set(wanted)
    for name, node in functions.items():
        assert [a.arg for a in node.args.args] == list(wanted[name])
    for alias, name in aliases.items():
        assert getattr(scalar, alias) is getattr(scalar, name)


def test_oracle_names():
    pytest.importorskip("gmpy2")
    import oracle

    assert set(oracle.ORACLES) | set(oracle.GATED) | set(oracle.ALONG_AN_AXIS) | oracle.ELSEWHERE == NAMES
    assert {a.name: a.gate for a in ACTIVATIONS if a.kind == "gated"} == oracle.GATED
    for activation in ACTIVATIONS:
        if is_elementwise(activation):
            found = oracle.ORACLES[activation.name]
            assert (found.slope_y is not None) == ("backward_y" in activation.directions)
            assert set(found.gradients) == {p.name for p in activation.learned}


def test_benchmark_names():
    assert speed.missing_rows() == []
    assert set(speed.PEERS) <= NAMES
    rows = {(case.name, case.direction) for case in speed.cases()}
    assert rows >= {(a.name, d) for a in ACTIVATIONS for d in a.directions}


def test_numba_benchmark_names():
    pytest.importorskip("numba")
    from bench import numba_speed

    assert {activation.name for activation, _ in numba_speed.rows()} == {
        a.name for a in ACTIVATIONS if is_elementwise(a)
    }


def test_readme_names():
    """The table under "Functions" has a row for each, in the catalogue's order."""
    section = re.split(r"^## ", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    (table,) = [s for s in section if s.startswith("Functions\n")]
    assert re.findall(r"^\|\W*(\w+)", table, re.MULTILINE)[1:] == [a.name for a in ACTIVATIONS]


def test_what_takes_longer_than_memory_is_heavy():
    """At least what NumPy needs one of these for."""
    slow = re.compile(r"\b(exp|expm1|log|log1p|logaddexp|sqrt|tanh|erf)\(")
    for a in ACTIVATIONS:
        if a.kind in ("elementwise", "channelwise", "gated", "binary_cross_entropy"):
            assert {d for d in a.directions if slow.search(a.numpy[d])} <= set(a.heavy) <= set(a.directions), a.name


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: a.name)
def test_catalogue_row(activation):
    """What a row says of itself is consistent."""
    assert set(activation.max_ulp) == {"f32", "f64"}
    for by_direction in activation.max_ulp.values():
        assert tuple(by_direction) == activation.directions
    assert activation.directions[0] == "forward"
    assert (activation.derivative_y is None) == ("backward_y" not in activation.directions)
    assert bool(activation.no_y) == (activation.derivative_y is None)
    assert (ROOT / "kernels" / f"{activation.module}.pxd").exists()


# ----------------------------------------------------------------------------------------------------------------
# Text


@pytest.mark.parametrize("name", CHECKED_IN)
def test_generated_file_is_fresh(name):
    """Else: python -m codegen."""
    assert (ROOT / name).read_bytes() == CHECKED_IN[name]().encode()


def test_gallery_has_no_other_pictures():
    assert {f"docs/gallery/{path.name}" for path in (ROOT / "docs" / "gallery").iterdir()} == set(PICTURES)


def test_installed_header_is_the_one_of_the_source_tree():
    assert (Path(pyacts.get_include()) / "pyacts.h").read_bytes() == (ROOT / "include" / "pyacts.h").read_bytes()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_examples_in_docstring(function):
    test = doctest.DocTestParser().get_doctest(function.__doc__, {}, function.__name__, None, 0)
    assert test.examples, f"{function.__name__} has no example"
    failures = []
    doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
    assert not failures, "".join(failures)


@pytest.mark.parametrize("module", [pyacts, _paths, _names], ids=lambda m: m.__name__)
def test_examples_in_module(module):
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


PROGRAM = """\
from typing import Any

import numpy as np
import pyacts
from pyacts.numba import scalar

x: np.ndarray[Any, np.dtype[np.float32]] = np.zeros(3, np.float32)
same: np.ndarray[Any, np.dtype[np.float32]] = pyacts.elu_(x, alpha=0.5)
reveal_type(pyacts.relu_(x))
y = pyacts.elu(x, 0.5, out=x, where=[True, False, True])
dx = pyacts.elu_backward(np.ones(3), x, alpha=[1.0, 2.0, 3.0])
dy = pyacts.elu_backward(np.ones(3), y=y)
pyacts.softmax_backward_(x, y=y, axis=0)
pooled = pyacts.maxout([1, 2], 2, return_index=True)
gated = pyacts.swiglu_(x, pyacts.swiglu(x, x, beta=2.0, out=y))
dgate, dup = pyacts.swiglu_backward_(x, x, x.copy(), 2.0)
activated: np.ndarray[Any, np.dtype[np.float32]] = pyacts.bias_act_(x, [1.0, 2.0, 3.0], "elu", alpha=0.5)
dz, dbias = pyacts.bias_act_backward_(x, "elu", 0.5, y=y)
halves = pyacts.split_gate(x, axis=0, gate="interleaved")
name: str = pyacts.catalog.ACTIVATIONS[0].name
f = pyacts.get("relu", "inplace")
pyacts.set_num_threads(1)
with pyacts.num_threads(1):
    threads: int = pyacts.get_num_threads()
    pyacts.parallel.elu_(x, alpha=0.5)
where: str = pyacts.get_include() + pyacts.isa() + pyacts.__version__
pyacts.expit_(x)
number: float = scalar.swish_backward(1.0, 2.0, beta=3.0) + scalar.glu_backward(1, 2, 3)[0]
"""
WRONG = {
    "pyacts.relu(x, x)": "Too many positional arguments",
    "pyacts.relu_([1.0])": "cannot be",
    "pyacts.nonsense": "has no attribute",
    "pyacts.elu(x, {})": "incompatible type",
    "pyacts.maxout(x)": "Missing positional argument",
    'pyacts.get("relu", "sideways")': "incompatible type",
    "pyacts.softmax(x, axis=1.5)": "incompatible type",
    'pyacts.split_gate(x, gate="third")': "incompatible type",
    "pyacts.set_num_threads(None)": "incompatible type",
    "pyacts.parallel.relu_([1.0])": "cannot be",
}


def test_stubs_with_mypy(tmp_path):
    """mypy accepts a right program, keeps the type of what is changed in place, and finds each mistake."""
    api = pytest.importorskip("mypy.api")
    (tmp_path / "right.py").write_text(PROGRAM)
    wrong = "import numpy as np\nimport pyacts\n\nx = np.zeros(3)\n" + "".join(f"{line}\n" for line in WRONG)
    (tmp_path / "wrong.py").write_text(wrong)
    options = ["--strict", "--python-executable", sys.executable, "--cache-dir", str(tmp_path / "cache")]
    files = [str(tmp_path / "right.py"), str(tmp_path / "wrong.py"), pyacts.catalog.__file__]
    output, errors, status = api.run([*options, *files])
    lines = (output + errors).splitlines()
    assert status == 1, output
    assert [line for line in lines if "error" in line and ("right.py" in line or "catalog.py" in line)] == []
    assert any('Revealed type is "numpy.ndarray' in line and "32" in line for line in lines), output
    for number, (statement, words) in enumerate(WRONG.items(), 5):
        assert any(f"wrong.py:{number}: error" in line and words in line for line in lines), f"{statement}: {output}"
