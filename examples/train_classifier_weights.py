"""Make ``examples/c/classifier_weights.h``: ``python examples/train_classifier_weights.py``.

Trains a 64-32-10 network with relu and softmax as in ``digits.py``, and writes its weights and the test images as C.
"""

from pathlib import Path

import numpy as np
from digits import accuracy, load, train

HEADER = Path(__file__).resolve().parent / "c" / "classifier_weights.h"


def numbers(name: str, values: np.ndarray) -> str:
    """A C array, its numbers wrapped at 120 columns."""
    lines, current = [], "   "
    for value in values.ravel():
        text = f" {value:.5f}f,"
        if len(current) + len(text) > 120:
            lines.append(current)
            current = "   "
        current += text
    return f"static const float {name}[{values.size}] = {{\n" + "\n".join([*lines, current]) + "\n};\n"


def main() -> None:
    data = load()
    layers = train("relu", (32,), data)
    (w1, b1), (w2, b2) = layers
    pixels = (data.test_x * 16).astype(int)
    images = [f'    "{"".join(chr(ord("A") + pixel) for pixel in image)}",' for image in pixels]
    correct = accuracy(layers, "relu", data.test_x, data.test_digit)
    parts = [
        "/* Made by examples/train_classifier_weights.py: a network that reads digits of 8 x 8 pixels, and the",
        "   images it was tested with, from the Optical Recognition of Handwritten Digits data set (E. Alpaydin and",
        "   C. Kaynak, UCI Machine Learning Repository), as scikit-learn has them. */",
        "#ifndef CLASSIFIER_WEIGHTS_H",
        "#define CLASSIFIER_WEIGHTS_H",
        "",
        f"enum {{ PIXELS = {w1.shape[0]}, HIDDEN = {w1.shape[1]}, CLASSES = {w2.shape[1]}, IMAGES = {len(pixels)} }};",
        "",
        "/* Weights: a row per input. */",
        numbers("hidden_weights", w1),
        numbers("hidden_biases", b1),
        numbers("output_weights", w2),
        numbers("output_biases", b2),
        "/* Pixels from 'A' (white) to 'Q' (black), row by row. */",
        f"static const char *const images[{len(pixels)}] = {{",
        *images,
        "};",
        "",
        f'static const char digits[] = "{"".join(map(str, data.test_digit))}";',
        "",
        "#endif",
    ]
    HEADER.write_text("\n".join(parts) + "\n")
    print(f"{HEADER.name}: {HEADER.stat().st_size / 1000:.1f} kB, reads {correct:.1%} of the test images")


if __name__ == "__main__":
    main()
