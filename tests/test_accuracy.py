"""The errors of the elementwise functions keep the bounds that the catalogue, the header and the docstrings promise.

The bounds come from what bench/accuracy has measured over all float32 numbers, which is kept in results.json.
"""

import json

import pytest
from common import HALVES, ROOT
from oracle import ELEMENTWISE

import pyacts
from bench.accuracy import measure

KEPT = json.loads((ROOT / "bench" / "accuracy" / "results.json").read_text(encoding="utf-8"))["results"]
PAGE = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
BOUNDS = {
    f"{a.name} {direction} {dtype}": a.max_ulp[dtype][direction] if dtype in a.max_ulp else 0.501
    for a in ELEMENTWISE
    for direction in a.directions
    for dtype in ("f32", "f64", *HALVES)
}


def check(row, found):
    assert found["default"]["max_ulp"] <= BOUNDS[row]
    assert found["default"]["nan"] == 0
    if row.endswith(" f32"):
        assert found["exact"]["max_ulp"] <= 0.51
        assert found["exact"]["not_nearest"] <= 0.01 * found["exact"]["inputs"]
        assert found["exact"]["nan"] == 0


per_float32_row = pytest.mark.parametrize("row", [row for row in KEPT if row.endswith(" f32")])


@pytest.mark.parametrize("row", KEPT)
def test_measured_errors_keep_the_bounds(row):
    """After a change of a kernel: make accuracy ACCURACY="--functions NAME"."""
    check(row, KEPT[row])


@per_float32_row
def test_bounds_are_not_far_above_what_was_measured(row):
    assert BOUNDS[row] <= KEPT[row]["default"]["max_ulp"] + 0.5


@pytest.mark.parametrize("row", [row for row in BOUNDS if row.endswith(" f32")])
def test_every_509th_float32_keeps_the_bounds(row):
    found = measure.measure(measure.Row(*row.split(), ("default", "exact")), 0, 2**32, 509)
    check(row, {tier: vars(f) for tier, f in found.items()})


@pytest.mark.skipif(pyacts.isa() == "baseline", reason="without FMA results are rounded differently")
@pytest.mark.parametrize("row", KEPT)
def test_bits_are_those_that_were_measured(row):
    """A coefficient that is off in its last digit changes some; so would a machine that computes in another way."""
    name, direction, dtype = row.split()
    for tier in ("default", "exact") if dtype == "f32" else ("default",):
        own = measure.bits_of(measure.Row(name, direction, dtype, (tier,)), tier)
        assert own == KEPT[row][tier]["bits"], tier


@per_float32_row
def test_page_has_what_was_measured(row):
    name, direction, _ = row.split()
    errors = [f"{KEPT[row][tier]['max_ulp']:.3f}" for tier in ("default", "exact")]
    label = f"`{name}`" + {"forward": "", "backward": " backward", "backward_y": " backward from y"}[direction]
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {label} |"))
    assert [cell.split()[0] for cell in line.split("|")[2:4]] == errors
