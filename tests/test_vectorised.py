"""Every loop of every elementwise kernel is full-width vector code, as the disassembly shows."""

import functools

import pytest
from common import is_elementwise

from bench import instructions
from pyacts.catalog import ACTIVATIONS

pytestmark = pytest.mark.skipif(not instructions.OBJDUMP, reason="needs objdump")

DTYPES = ("f32", "f64", "exact")
WIDTHS = instructions.WIDTHS


@functools.cache
def loops():
    return instructions.loops(WIDTHS, DTYPES)


@pytest.mark.parametrize("level", WIDTHS)
@pytest.mark.parametrize(
    "activation", [a for a in ACTIVATIONS if is_elementwise(a) or a.kind == "gated"], ids=lambda a: a.name
)
def test_loops(activation, level):
    if not any(key.startswith(f"{level} ") for key in loops()):
        pytest.skip(f"this machine does not run {level}")
    for direction in activation.directions:
        for dtype in DTYPES:
            kernel = f"{level} {activation.name} {direction} {dtype}"
            found = loops()[kernel]
            assert found, f"{kernel}: no loop that stores results"
            for loop in found:
                least = 32 if dtype == "exact" else WIDTHS[level]  # GCC keeps to 32 in some of those that widen
                assert loop.width >= least, f"{kernel}: {8 * loop.width} bits: {loop}"
                assert loop.elements * instructions.COMPUTED[dtype] >= 64, f"{kernel}: less than a block: {loop}"
                assert not loop.scalar, f"{kernel}: {loop.scalar}"
                assert "gather" not in loop.per_element, kernel
                if dtype == "f32":
                    assert not loop.to_double, f"{kernel}: {loop.to_double}"
