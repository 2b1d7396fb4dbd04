"""docs/gallery.md, and its pictures: f and f' drawn as SVG from what pyacts computes."""

import importlib

import numpy as np

from codegen import ACTIVATIONS

HEAD = """\
# Gallery

Every function of the [catalogue](../pyacts/catalog.py), by family. The pictures show **f solid** and **f' dashed**, as
pyacts computes them, with the default parameters (and for prelu a weight of 0.25); a jump is a gap.
[Choosing](choosing.md) says which to take for what, [Edges](edges.md) what they do at infinities, zeros and kinks.

The derivative is written in x, and in y = f(x) where backward can start from the output, as it must after a call in
place. For functions along an axis and for gated units it is the gradient, with `grad` that of the output.
"""

FAMILIES = {
    "rectifiers": "Rectifiers",
    "exponentials": "Exponential units",
    "sigmoids": "Sigmoids",
    "self_gated": "Self-gated units",
    "shrinkage": "Shrinkage functions",
    "gated": "Gated units",
    "softmax": "The softmax family",
    "sparsemax": "The softmax family",
    "cross_entropy": "Losses",
    "maxout": "Functions that change the shape",
    "crelu": "Functions that change the shape",
}

# What is drawn of the functions along an axis and of the losses, where a picture helps.
CAPTIONS = {
    "softmax": "The first of the three numbers f(x, 0, 0), and its derivative with respect to x.",
    "logsumexp": "f(x, 0, 0), and its derivative with respect to x.",
    "cross_entropy": "The loss of the logits (x, 0, 0) where the first class is the right one, and its derivative.",
    "binary_cross_entropy": "The loss of the logit x where the label is 1, and its derivative.",
}
PICTURES = {f"docs/gallery/{a.name}.svg": a for a in ACTIVATIONS if a.kind in ("elementwise", "channelwise", *CAPTIONS)}

STEEP = 5  # a curve that climbs faster has jumped: none that is continuous does where it is shown

LEFT, TOP, WIDTH, HEIGHT = 38, 26, 320, 200  # the plot; left of it, above and below are labels
BLUE, RED = "#0b5cad", "#c2410c"


# ----------------------------------------------------------------------------------------------------------------
# Pictures


def is_built(activation):
    """Whether there is a pyacts that has the function: not before the first build with a new row."""
    try:
        return hasattr(importlib.import_module("pyacts"), activation.name)
    except ImportError:
        return False


def curves(activation, x):
    """f and f' at x."""
    pyacts = importlib.import_module("pyacts")
    f, backward = (getattr(pyacts, activation.name + ending) for ending in ("", "_backward"))
    more = {p.name: 0.25 if p.default is None else p.default for p in activation.parameters}
    if activation.kind == "cross_entropy":
        more = {"labels": np.zeros(x.size, int), "reduction": "none"}
    if activation.kind == "binary_cross_entropy":
        more = {"labels": np.ones(x.size), "reduction": "none"}
    if activation.kind in ("elementwise", "channelwise", "binary_cross_entropy"):
        return f(x, **more), backward(np.ones(x.size), x, **more)
    rows = x[:, None] * [1, 0, 0]
    y = f(rows, **more)
    if y.ndim == 1:
        return y, backward(np.ones(x.size), rows, **more)[:, 0]
    return y[:, 0], backward(np.ones((x.size, 1)) * [1, 0, 0], rows, **more)[:, 0]


def pieces(x, values, low, high):
    """The indices of what is drawn in one line: where the curve can be seen, without its jumps."""
    seen = (values >= low) & (values <= high)
    broken = (abs(np.diff(values)) > STEEP * np.diff(x)) | (seen[1:] != seen[:-1])
    split = np.split(np.arange(x.size), np.flatnonzero(broken) + 1)
    return [piece for piece in split if seen[piece[0]] and piece.size > 1]


def simplified(points):
    """The points that a line needs to be nowhere more than 0.1 off (Douglas and Peucker)."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    off = [abs(y0 + (y1 - y0) * (x - x0) / (x1 - x0) - y) for x, y in points]
    worst = off.index(max(off))
    if off[worst] <= 0.1:
        return [points[0], points[-1]]
    return simplified(points[: worst + 1])[:-1] + simplified(points[worst:])


def path(points, style):
    """A polyline. The points are rounded before any is left out, so that the last bits of the values decide nothing."""
    points = [(round(x, 1), round(y, 1)) for x, y in points]
    line = " ".join(f"{x:g},{y:g}" for x, y in simplified(points))
    return f'<polyline points="{line}" fill="none" {style}/>'


def picture(activation):
    """The SVG. It has a background of its own, to be readable on dark pages too."""
    reach = 8 if any(abs(kink) > 4 for kink in activation.kinks) else 4
    x = np.arange(-400, 401) / 400 * reach  # the kinks are among them
    both = [np.round(values, 6) for values in curves(activation, x)]  # 1 and a bit is 1, at every level
    shown = np.clip(both, -reach, reach)
    low, high = np.floor(2 * shown.min()) / 2, np.ceil(2 * shown.max()) / 2

    def across(x):
        return LEFT + (x + reach) / (2 * reach) * WIDTH

    def down(y):
        return TOP + (high - y) / (high - low) * HEIGHT

    width, height = LEFT + WIDTH + 14, TOP + HEIGHT + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12" fill="#333">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="16">{activation.name}</text>',
        f'<text x="{LEFT + WIDTH - 70}" y="16" fill="{BLUE}">\N{EM DASH} f</text>',
        f'<text x="{LEFT + WIDTH - 30}" y="16" fill="{RED}">- - f\'</text>',
    ]

    def tick(x0, y0, x1, y1, value, label):
        lines.append(f'<path d="M{x0:g},{y0:g}L{x1:g},{y1:g}" stroke="{"#ddd" if value else "#777"}"/>')
        lines.append(f"<text {label}>{value + 0:g}</text>".replace(">-", ">\N{MINUS SIGN}"))

    for value in range(-reach, reach + 1, reach // 4):
        at = round(across(value), 1)
        tick(at, TOP, at, TOP + HEIGHT, value, f'x="{at:g}" y="{TOP + HEIGHT + 16}" text-anchor="middle"')
    step = next(step for step in (0.5, 1, 2, 4) if high - low <= 4.5 * step)
    for value in np.arange(np.ceil(low / step), high / step + 0.1) * step:
        at = round(down(value), 1)
        tick(LEFT, at, LEFT + WIDTH, at, value, f'x="{LEFT - 6}" y="{at + 4:g}" text-anchor="end"')
    styles = f'stroke="{BLUE}" stroke-width="2"', f'stroke="{RED}" stroke-width="2" stroke-dasharray="6 4"'
    for values, style in zip(both, styles, strict=True):
        for piece in pieces(x, values, low, high):
            lines.append(path(zip(across(x[piece]), down(values[piece]), strict=True), style))
    return "\n".join([*lines, "</svg>"]) + "\n"


# ----------------------------------------------------------------------------------------------------------------
# The page


def code(text):
    return "`" + text.replace("|", "\\|") + "`"


def parameter(p):
    start = code(p.name if p.default is None else f"{p.name}={p.default:g}")
    return f"{start}: {p.meaning}; {p.domain}{', can be learned' if p.learned else ''}".replace("|", "\\|")


def facts(activation):
    """The rows of a function's table."""
    a = activation
    elementwise = a.kind in ("elementwise", "channelwise")
    x = ", ".join(a.operands("forward")[0])
    yield f"f({x})", code(a.formula)
    yield "f'(x)" if elementwise else "gradient", code(a.derivative)
    yield "from y", code(a.derivative_y) if a.derivative_y else f"no: {a.no_y}"
    yield "range", a.range
    if a.parameters:
        yield "parameters", "<br>".join(map(parameter, a.parameters))
    if a.aliases:
        yield "aliases", ", ".join(map(code, a.aliases))
    if a.gate:
        yield "gate", f"[{a.gate}](#{a.gate})"
    if a.reference:
        yield "proposed by", a.reference
    yield "mathematics", f"[kernels/{a.module}.pxd](../kernels/{a.module}.pxd)"


def entry(activation):
    name = activation.name
    lines = [f"\n### {name}\n", activation.summary]
    if f"docs/gallery/{name}.svg" in PICTURES:
        lines.append(f"\n![{name} and its derivative](gallery/{name}.svg)")
    if activation.kind in CAPTIONS:
        lines.append(f"\n{CAPTIONS[activation.kind]}")
    rows = [f"| {what} | {value} |" for what, value in facts(activation)]
    return "\n".join([*lines, "\n| | |", "|---|---|", *rows])


def gallery():
    """docs/gallery.md."""
    families = {}
    for a in ACTIVATIONS:
        families.setdefault(FAMILIES.get(a.module, a.module), []).append(a)
    parts = [HEAD]
    for family, members in families.items():
        names = ", ".join(f"[{a.name}](#{a.name})" for a in members)
        parts.append(f"- [{family}](#{family.lower().replace(' ', '-')}): {names}")
    for family, members in families.items():
        parts += [f"\n## {family}", *map(entry, members)]
    return "\n".join(parts) + "\n"
