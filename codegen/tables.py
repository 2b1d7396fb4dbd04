"""The tables in README.md, docs/edges.md and docs/names.md; the rest of these files is kept."""

import re

from codegen import ACTIVATIONS, ROOT, catalog

ARGUMENTS = {
    "softmax": ", axis=-1",
    "logsumexp": ", axis=-1",
    "cross_entropy": ", labels, axis=-1",
    "binary_cross_entropy": ", labels",
    "maxout": ", pool_size, axis=-1",
    "crelu": ", axis=-1",
}


def row(activation):
    arguments = "".join(
        f", {p.name}" if p.default is None else f", {p.name}={p.default:g}" for p in activation.parameters
    )
    arguments += ARGUMENTS.get(activation.kind, "")
    aliases = "".join(f", `{alias}`" for alias in activation.aliases)
    x = ", ".join(activation.operands("forward")[0])
    start = "index" if activation.kind == "maxout" else f"{x} or y" if activation.derivative_y else x
    formula, numpy = (text.replace("|", "\\|") for text in (activation.formula, activation.numpy["forward"]))
    return f"| `{activation.name}({x}{arguments})`{aliases} | {formula} | {start} | `{numpy}` |"


def replaced(name, head, rows):
    """The text of a file with other rows in the table that has this head."""
    text = (ROOT / name).read_text(encoding="utf-8")
    head += "\n|" + "---|" * (head.count("|") - 1) + "\n"
    return re.sub(re.escape(head) + r"(\|.*\n)*", lambda _: head + "".join(row + "\n" for row in rows), text)


def readme():
    return replaced("README.md", "| function | f(x) | backward from | in NumPy |", map(row, ACTIVATIONS))


def number(value):
    return "-0.0" if str(value) == "-0.0" else repr(value).removesuffix(".0")


def edges_row(activation):
    a = activation
    arguments = "x, 0.25" if any(p.default is None for p in a.parameters) else "x"
    kinks = ", ".join(f"f'({number(x)}) = {number(slope)}" for x, slope in a.kinks.items())
    flat = ", ".join(f"[{number(low)}, {number(high)}]" for low, high in a.flat)
    cells = [a.limits[0], a.zero, a.limits[1], *a.slopes]
    return " | ".join((f"| `{a.name}({arguments})`", *map(number, cells), kinks, flat)) + " |"


def edges():
    head = "| function | f(-inf) | f(-0.0) | f(inf) | f'(-inf) | f'(inf) | kinks | f' is 0 throughout |"
    elementwise = [a for a in ACTIVATIONS if a.kind in ("elementwise", "channelwise")]
    return replaced("docs/edges.md", head, map(edges_row, elementwise))


def names_cell(function, system):
    """What a system calls a function, with the defaults that are others there."""
    cell = []
    for name in catalog.NAMES[system].split():
        meant, defaults = catalog.meaning(f"{system}.{name}")
        if meant == function:
            values = ", ".join(f"{parameter}={value:g}" for parameter, value in defaults.items())
            cell.append(f"`{name}` ({values})" if values else f"`{name}`")
    return ", ".join(cell)


def names():
    functions = [*(a.name for a in ACTIVATIONS), "gumbel_softmax"]
    rows = (" | ".join((f"| `{f}`", *(names_cell(f, s) for s in catalog.NAMES))) + " |" for f in functions)
    head = "| pyacts | Keras | TensorFlow | TensorFlow.js | Theano | PyTorch | JAX | ONNX |"
    return replaced("docs/names.md", head, rows)
