"""The charts of make bench-peers."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from bench.timing import short

STYLE = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9, "axes.titlesize": 10}
GRID = {"color": "#e2e8f0", "linewidth": 0.6}
COLOURS = {"new": "#94a3b8", "out": "#1d4ed8", "inplace": "#c2410c", "backward": "#15803d", "backward_y": "#a16207"}
TITLES = {
    "new": "new array",
    "out": "out=",
    "inplace": "in place",
    "backward": "backward from x",
    "backward_y": "backward from y",
}


def draw(report: dict[str, Any], folder: Path) -> None:
    with plt.rc_context(STYLE):
        for level in report["levels"]:
            ratios(report, level, folder / f"peers-{level['level']}.png")
            if level["growth"]:
                growth(report, level, folder / f"peers-growth-{level['level']}.png")


def label(row: dict[str, Any]) -> str:
    return f"{row['function']}, {row['variant']}" if row["variant"] else row["function"]


def heading(report: dict[str, Any], level: dict[str, Any]) -> str:
    return f"pyacts {report['version']} ({level['level']}), {report['cpu']}, one core"


def ratios(report: dict[str, Any], level: dict[str, Any], path: Path) -> None:
    """How many times as long the fastest peer takes: a panel for each dtype and size, a mark for each form."""
    rows = [row for row in level["rows"] if len(row["figures"]) > 1]
    small = [row for row in rows if not row["variant"] or row["n"] in (16, 1 << 15, 1 << 24)]
    panels = list(dict.fromkeys((row["dtype"], row["n"]) for row in small))[:6]
    labels = list(dict.fromkeys(label(row) for row in small))
    if not panels:
        return
    figure, drawn = plt.subplots(
        1, len(panels), sharey=True, squeeze=False, figsize=(3.2 * len(panels) + 2, 0.26 * len(labels) + 2)
    )
    for axes, (dtype, n) in zip(drawn[0], panels, strict=True):
        for row in small:
            if (row["dtype"], row["n"]) != (dtype, n):
                continue
            others = [f["ns"] for name, f in row["figures"].items() if not name.startswith("pyacts")]
            if others:
                kind = row["form"] if row["direction"] == "forward" else row["direction"]
                ratio = min(others) / row["figures"]["pyacts"]["ns"]
                axes.plot(ratio, labels.index(label(row)), "o", markersize=4, color=COLOURS[kind], alpha=0.8)
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_xscale("log")
        axes.set_xlim(0.25, 40)
        axes.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
        axes.minorticks_off()
        axes.grid(**GRID)
        axes.set_axisbelow(True)
        axes.set_title(f"{dtype}, {short(n)}")
    drawn[0][0].set_yticks(range(len(labels)), labels)
    drawn[0][0].set_ylim(len(labels) - 0.4, -0.6)
    marks = [plt.Line2D([], [], linestyle="", marker="o", color=colour) for colour in COLOURS.values()]
    figure.suptitle(f"Times as fast as the fastest peer: {heading(report, level)}", fontweight="bold")
    figure.legend(marks, TITLES.values(), loc="outside lower center", ncols=len(marks), frameon=False)
    figure.set_layout_engine("constrained")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def growth(report: dict[str, Any], level: dict[str, Any], path: Path) -> None:
    """Nanoseconds per element over the number of elements, next to what memcpy takes for the same bytes."""
    labels = list(dict.fromkeys(label(row) for row in level["growth"]))
    columns = 6
    lines = -(-len(labels) // columns)
    figure, grid = plt.subplots(
        lines, columns, sharex=True, sharey=True, squeeze=False, figsize=(15, 1.7 * lines + 1), layout="constrained"
    )
    for k, axes in enumerate(grid.flat):
        if k >= len(labels):
            axes.axis("off")
            continue
        rows = [row for row in level["growth"] if label(row) == labels[k]]
        sizes = [row["n"] for row in rows]
        axes.plot(sizes, [row["memory_ns"] for row in rows], color="#94a3b8", linewidth=1.2)
        axes.plot(sizes, [row["figures"]["pyacts"]["ns"] for row in rows], color="#c2410c", marker="o", markersize=3)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(sizes[::2], [short(n) for n in sizes[::2]], fontsize=7)
        axes.minorticks_off()
        axes.grid(**GRID)
        axes.set_title(labels[k], loc="left")
    handles = [plt.Line2D([], [], color=colour) for colour in ("#c2410c", "#94a3b8")]
    figure.suptitle(f"Nanoseconds per element, forward, float32: {heading(report, level)}", fontweight="bold")
    figure.legend(handles, ["pyacts", "memcpy of as many bytes"], loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
