"""The benchmark against peers: it knows every function, its statements do the same, and it runs with NumPy alone."""

import json

import numpy as np
import pytest
from common import DTYPES

import pyacts
from bench import page, peers, systems
from bench.timing import parse_size
from pyacts.catalog import ACTIVATIONS

NAMES = {a.name for a in ACTIVATIONS}


def options(*arguments):
    made = peers.parser().parse_args([*arguments, "--peers", "numpy", "--seconds", "0"])
    made.levels = [pyacts.isa()]
    return made


def test_every_function_is_measured():
    chosen = options()
    found = {(row.function, row.direction) for row in peers.rows(chosen, pyacts.isa())}
    assert found >= {(a.name, d) for a in ACTIVATIONS for d in a.directions}
    assert {(row.dtype, row.n) for row in peers.rows(chosen, pyacts.isa()) if row.function == "relu"} == {
        *(("float32", parse_size(n)) for n in ("16", "32Ki", "16Mi")),
        *((dtype, parse_size("32Ki")) for dtype in ("float64", "float16", "bfloat16")),
    }


@pytest.mark.parametrize("spellings", [systems.TORCH, systems.ONNX, systems.NUMEXPR, systems.THINC])
def test_peers_spell_what_there_is(spellings):
    assert set(spellings) <= NAMES


def test_goals_name_what_there_is():
    for names in (page.PIECEWISE, page.TWO_AND_A_HALF, page.TWICE_TORCH, page.THRICE_TORCH, page.WITH_EXP):
        assert names <= NAMES


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_statements(dtype):
    """NumPy's results are compared with those of pyacts, in every row."""
    known = [systems.Pyacts(), systems.Exact(), systems.Numpy()]
    chosen = options("--sizes", "256", "--dtypes", dtype)
    for row in peers.rows(chosen, pyacts.isa()):
        dropped = []
        found = peers.contenders(row, known, dropped, set())
        assert dropped == []
        if row.form != "out":
            assert {"pyacts", "numpy"} <= {system.name for system, _ in found}, row


@pytest.mark.parametrize("dtype", sorted({"float16", "bfloat16"} & set(DTYPES)))
def test_halves_run(dtype):
    for row in peers.rows(options("--sizes", "256", "--dtypes", dtype), pyacts.isa()):
        peers.contenders(row, [systems.Pyacts()], [], set())


def test_softmax_statements_along_an_axis(monkeypatch):
    """The same for the shapes of softmax, made smaller."""
    smaller = {name: (tuple(min(n, 24) for n in shape), axis) for name, (shape, axis) in systems.SHAPES.items()}
    monkeypatch.setattr(peers, "SHAPES", smaller)
    rows = [row for row in peers.rows(options("--functions", "softmax"), pyacts.isa()) if row.variant in smaller]
    assert {row.axis for row in rows} == {-1, 0, 1}
    for row in rows:
        dropped = []
        assert len(peers.contenders(row, [systems.Pyacts(), systems.Numpy()], dropped, set())) >= 2
        assert dropped == []


def test_a_different_result_is_left_out():
    class Wrong(systems.System):
        name = "wrong"

        def __init__(self):
            pass

        def statements(self, row):
            return ["y = x + 1", "y = nothing"]

    row = systems.Row("relu", "", "forward", "new", "float32", (64,))
    dropped = []
    (ours,) = peers.contenders(row, [systems.Pyacts(), Wrong()], dropped, set())
    assert ours[0].name == "pyacts"
    assert [left_out["reason"].partition(":")[0] for left_out in dropped] == ["ValueError", "NameError"]


def test_a_small_run(tmp_path):
    chosen = options("--functions", "relu", "silu", "swiglu", "maxout", "--sizes", "16", "4Ki", "--no-growth")
    level = peers.measure_level(chosen, pyacts.isa())
    assert not level["dropped"]
    assert {row["function"] for row in level["rows"]} == {"relu", "silu", "swiglu", "maxout"}
    for row in level["rows"]:
        assert row["figures"]["pyacts"]["ns"] > 0
        assert peers.line(row).startswith(row["function"])
        assert ("memory_ns" in row) == (row["n"] == 4096 and pyacts.isa() in peers.instructions.WIDTHS)
    report = json.loads(json.dumps({**peers.state(), "seconds": 0, "levels": [level], "clock": "wall"}))
    assert "| goal |" in page.goals(report)
    assert "`swiglu`" in page.tables(report)
    charts = pytest.importorskip("bench.charts", exc_type=ImportError)
    charts.draw(report, tmp_path)
    assert (tmp_path / f"peers-{pyacts.isa()}.png").stat().st_size > 10_000


def test_bound():
    """A loop of 2 operations, one of them a division, per element."""
    loop = peers.instructions.Loop(64, 16, {"division": 1.0, "other": 1.0, "move": 5.0}, 0, (), ())
    row = {"function": "softsign", "direction": "forward", "dtype": "float32", "n": 4096, "memory_ns": 0.5}
    limit = {"mixed": 4.0, "multiply_adds": 2.0, "divisions": 0.5}
    found = peers.bound(row, {"softsign forward f32": [loop]}, limit)
    assert found == {"operations": 2.0, "bound_ns": 2.0, "bound_by": "divisions"}
    row["memory_ns"] = 3.0
    assert peers.bound(row, {"softsign forward f32": [loop]}, limit)["bound_by"] == "copying"


def test_goal_says_what_misses_it():
    figures = {"pyacts": {"ns": 1.0}, "torch": {"ns": 0.5}, "numpy": {"ns": 3.0}, "pyacts.exact": {"ns": 0.1}}
    row = {"function": "relu", "variant": "", "direction": "forward", "form": "out", "figures": figures}
    assert page.fastest(row) == (0.5, "torch")
    assert page.fastest(row, "numpy") == (3.0, "numpy")
    assert "not met: 1 of 1 | relu out= 0.50 (torch)" in str(page.Goal("g", page.against([row], 1)))
    assert "**met** (1)" in str(page.Goal("g", page.against([row], 0.5)))
    assert np.isclose(page.within([row], 1.5, lambda row: 0.5)[0][0], 0.75)
