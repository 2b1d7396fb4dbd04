"""What bench/accuracy has measured keeps the bounds that the catalogue, the header and the docstrings promise."""

import json

import pytest
from common import HALVES, ROOT
from oracle import ELEMENTWISE

KEPT = json.loads((ROOT / "bench" / "accuracy" / "results.json").read_text(encoding="utf-8"))["results"]
BOUNDS = {
    f"{a.name} {direction} {dtype}": a.max_ulp[dtype][direction] if dtype in a.max_ulp else 0.501
    for a in ELEMENTWISE
    for direction in a.directions
    for dtype in ("f32", "f64", *HALVES)
}


@pytest.mark.parametrize("row", KEPT)
def test_measured_errors_keep_the_bounds(row):
    """After a change of a kernel: make accuracy ACCURACY="--functions NAME"."""
    found = KEPT[row]
    assert found["default"]["max_ulp"] <= BOUNDS[row]
    assert found["default"]["nan"] == 0
    if row.endswith(" f32"):
        assert found["exact"]["max_ulp"] <= 0.51
        assert found["exact"]["not_nearest"] <= 0.01 * found["exact"]["inputs"]
        assert found["exact"]["nan"] == 0


def test_page_has_what_was_measured():
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    for row, found in KEPT.items():
        name, direction, dtype = row.split()
        if dtype == "f32":
            label = f"`{name}`" + {"forward": "", "backward": " backward", "backward_y": " backward from y"}[direction]
            errors = [f"{found[tier]['max_ulp']:.3f}" for tier in ("default", "exact")]
            (line,) = [line for line in page.splitlines() if line.startswith(f"| {label} |")]
            assert [cell.split()[0] for cell in line.split("|")[2:4]] == errors
