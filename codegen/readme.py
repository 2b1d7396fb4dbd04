"""README.md: its table of functions, the rest is kept."""

import re

from codegen import ACTIVATIONS, ROOT

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


def readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    head = "| function | f(x) | backward from | in NumPy |\n|---|---|---|---|\n"
    table = "\n".join(row(activation) for activation in ACTIVATIONS)
    return re.sub(re.escape(head) + r"(\|.*\n)+", lambda _: f"{head}{table}\n", text)
