"""Six activations learn to read: ``python examples/digits.py`` (needs scikit-learn, for its images).

The same network, 64-64-64-64-64-64-10, is trained on 1,797 handwritten digits of 8 x 8 pixels with each of six
activations in its five hidden layers. NumPy does the matrix products, pyacts the activations, forward and backward.
Five hidden layers are more than this task needs, but enough to show what an activation does to the gradient on its way
back to the first of them.
"""

import sys
import textwrap
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter

import numpy as np

import pyacts

ACTIVATIONS = ("relu", "leaky_relu", "elu", "silu", "tanh", "sigmoid")
HIDDEN = (64,) * 5
CLASSES = 10
EPOCHS = 60
BATCH = 32
MOMENTUM = 0.9
RATE = 0.05

Layer = tuple[np.ndarray, np.ndarray]  # weights (inputs, outputs) and biases (outputs,)


@dataclass(frozen=True)
class Data:
    """Images, one per row with pixels from 0 to 1, and the digits they show."""

    train_x: np.ndarray
    train_digit: np.ndarray
    test_x: np.ndarray
    test_digit: np.ndarray


def load() -> Data:
    """The digits of scikit-learn: one in five for the test, the same ones every time."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        sys.exit("this example needs scikit-learn, which has the images: pip install scikit-learn")
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    x = (images[order] / 16).astype(np.float32)
    digit = digits[order]
    test = len(x) // 5
    return Data(x[test:], digit[test:], x[:test], digit[:test])


def initialise(sizes: tuple[int, ...]) -> list[Layer]:
    """Layers with He's initialisation, made for relu. All activations start from the same weights."""
    random = np.random.default_rng(1)
    return [
        (random.normal(0, np.sqrt(2 / n), (n, m)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in pairwise(sizes)
    ]


def from_output(name: str) -> bool:
    """Whether the activation's backward can start from its output: then its forward can work in place.

    Not for silu: it is not monotone, so that its output does not tell its input, which must be kept.
    """
    activation = next(a for a in pyacts.catalog.ACTIVATIONS if a.name == name)
    return "backward_y" in activation.directions


def forward(layers: list[Layer], name: str, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """The probabilities, and what backward needs: the input of each layer and, of each hidden layer, what its
    activation's derivative is computed from."""
    inputs, kept = [x], []
    for w, b in layers[:-1]:
        z = inputs[-1] @ w
        z += b
        if from_output(name):
            y = pyacts.get(name, "inplace")(z)  # pyacts.relu_(z): z is now relu(z), no other array is made
            kept.append(y)
        else:
            y = pyacts.get(name)(z)
            kept.append(z)
        inputs.append(y)
    w, b = layers[-1]
    return pyacts.softmax_(inputs[-1] @ w + b), inputs, kept


def activation_backward_(grad: np.ndarray, name: str, kept: np.ndarray) -> np.ndarray:
    """Multiply grad by the derivative of the activation, in place."""
    backward_ = pyacts.get(name, "backward_inplace")
    return backward_(grad, y=kept) if from_output(name) else backward_(grad, kept)


def gradients(layers: list[Layer], name: str, x: np.ndarray, digit: np.ndarray) -> tuple[float, list[Layer]]:
    """The loss, and its gradient with respect to every weight and bias."""
    p, inputs, kept = forward(layers, name, x)
    rows = np.arange(len(x))
    right = np.maximum(p[rows, digit], 1e-30)  # never divide by a probability that has become 0

    # The loss is the mean of -log(right). Its gradient with respect to p is -1 / right at the right digit and 0
    # elsewhere; softmax_backward_ takes it through the softmax. The two together come to p - 1 at the right digit and
    # p elsewhere, which is the usual short cut. The long way is no slower here, and works for every loss.
    grad = np.zeros_like(p)
    grad[rows, digit] = -1 / (right * len(x))
    pyacts.softmax_backward_(grad, y=p)

    slopes: list[Layer] = []
    for k in reversed(range(len(layers))):
        slopes.append((inputs[k].T @ grad, grad.sum(axis=0)))
        if k > 0:
            grad = grad @ layers[k][0].T
            activation_backward_(grad, name, kept[k - 1])
    return float(-np.log(right).mean()), slopes[::-1]


def accuracy(layers: list[Layer], name: str, x: np.ndarray, digit: np.ndarray) -> float:
    return float((forward(layers, name, x)[0].argmax(axis=1) == digit).mean())


def gradient_ratio(layers: list[Layer], name: str, data: Data) -> float:
    """How large the gradient of the first hidden layer's weights is, compared with that of the last one's."""
    _, slopes = gradients(layers, name, data.train_x, data.train_digit)
    return float(np.linalg.norm(slopes[0][0]) / np.linalg.norm(slopes[-2][0]))


def dead_share(layers: list[Layer], name: str, data: Data) -> float:
    """The share of hidden units whose derivative is below 0.001 in size for every training image: no image can teach
    them anything any more."""
    _, _, kept = forward(layers, name, data.train_x)
    slopes = [activation_backward_(np.ones_like(values), name, values) for values in kept]
    return float(np.mean([np.abs(slope).max(axis=0) < 1e-3 for slope in slopes]))


def train(name: str, hidden: tuple[int, ...], data: Data, epochs: int = EPOCHS) -> list[Layer]:
    """Stochastic gradient descent with momentum, the step shrinking to nothing towards the end."""
    layers = initialise((data.train_x.shape[1], *hidden, CLASSES))
    steps = [(np.zeros_like(w), np.zeros_like(b)) for w, b in layers]
    random = np.random.default_rng(2)
    for epoch in range(epochs):
        rate = RATE * (1 - epoch / epochs)
        losses = []
        for batch in np.array_split(random.permutation(len(data.train_x)), len(data.train_x) // BATCH):
            loss, slopes = gradients(layers, name, data.train_x[batch], data.train_digit[batch])
            losses.append(loss)
            for layer, step, slope in zip(layers, steps, slopes, strict=True):
                for parameter, s, g in zip(layer, step, slope, strict=True):
                    s *= MOMENTUM
                    s -= rate * g
                    parameter += s
        show_progress(
            name, epoch + 1, epochs, float(np.mean(losses)), accuracy(layers, name, data.test_x, data.test_digit)
        )
    return layers


def show_progress(name: str, epoch: int, epochs: int, loss: float, test: float) -> None:
    """One line that is written over; where that is not possible, only the last epoch's."""
    terminal = sys.stdout.isatty()
    if terminal or epoch == epochs:
        text = f"{name:11} epoch {epoch:3}/{epochs}  loss {loss:7.4f}  test accuracy {test:6.1%}"
        print(f"\r{text}" if terminal else text, end="\n" if epoch == epochs else "", flush=True)


@dataclass(frozen=True)
class Result:
    name: str
    accuracy: float
    dead: float
    ratio_before: float
    ratio_after: float
    seconds: float


def conclusion(results: list[Result]) -> str:
    """What the table shows: only what can be read from its numbers."""
    relu = next(r for r in results if r.name == "relu")
    best = max(results, key=lambda r: r.accuracy)
    weakest = min(results, key=lambda r: r.ratio_before)
    sentences = [f"The best is {best.name}, which reads {best.accuracy:.1%} of the test images."]
    close = [r.name for r in results if r is not best and best.accuracy - r.accuracy < 0.015]
    if close:
        sentences.append(
            f"Within 1.5 points, or five images, of it: {', '.join(close)}. On a task as easy as this the choice among "
            "these hardly matters."
        )
    sentences.append(
        f"With {weakest.name}, the gradient before training is {1 / weakest.ratio_before:,.0f} times smaller in the "
        f"first hidden layer than in the last (with relu it is {relu.ratio_before:.1f} times as large)."
    )
    if weakest.accuracy < 0.5:
        sentences.append(
            f"Each layer on the way back multiplies it by a derivative of at most 1/4: it vanishes, the network hardly "
            f"learns, and reads only {weakest.accuracy:.1%}."
        )
    dying = [f"{r.dead:.1%} of the {r.name} units" for r in results if r.dead > 0]
    if dying:
        sentences.append(f"At the end {' and '.join(dying)} are dead; with the others, none.")
    return " ".join(sentences)


def main() -> None:
    data = load()
    network = "-".join(map(str, (data.train_x.shape[1], *HIDDEN, CLASSES)))
    print(f"{len(data.train_x)} images to learn from, {len(data.test_x)} to test, a {network} network\n")
    results = []
    for name in ACTIVATIONS:
        before = gradient_ratio(initialise((data.train_x.shape[1], *HIDDEN, CLASSES)), name, data)
        start = perf_counter()
        layers = train(name, HIDDEN, data)
        results.append(
            Result(
                name,
                accuracy(layers, name, data.test_x, data.test_digit),
                dead_share(layers, name, data),
                before,
                gradient_ratio(layers, name, data),
                perf_counter() - start,
            )
        )

    print("\n            test      units   gradient, first / last hidden layer")
    print("activation  accuracy  dead    before training   after   seconds")
    for r in results:
        shares = f"{r.accuracy:8.1%}  {r.dead:5.1%}"
        print(f"{r.name:11}{shares}   {r.ratio_before:15.4f} {r.ratio_after:7.2f}   {r.seconds:7.1f}")
    print("\n" + textwrap.fill(conclusion(results), 100))


if __name__ == "__main__":
    main()
