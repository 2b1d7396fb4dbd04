"""The catalogue: every activation pyacts has, declared once.

The C header, the exported symbols, the dispatch table, the Python functions with their signatures and docstrings, the
type stubs, the tests, the benchmark and the tables in the documentation are all made from ``ACTIVATIONS``. What other
systems call them is at the end, and ``meaning``, which looks a name up. This module needs nothing but the standard
library, so that the build can read it.
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass, field

__all__ = [
    *("ACTIVATIONS", "DTYPES", "NAMES", "PRESETS", "SPELLINGS", "SYSTEMS"),
    *("Activation", "Dtype", "Parameter", "meaning"),
]


@dataclass(frozen=True)
class Dtype:
    """An element type.

    Attributes
    ----------
    name : str
        In NumPy (``bfloat16``: in ml_dtypes).
    c_type : str
        In C, where halves are passed as their bits.
    c_parameter : str
        The C type of the parameters that come with it.
    """

    name: str
    c_type: str
    c_parameter: str


# By the suffix of the C functions.
DTYPES: dict[str, Dtype] = {
    "f32": Dtype("float32", "float", "float"),
    "f64": Dtype("float64", "double", "double"),
    "f16": Dtype("float16", "uint16_t", "float"),
    "bf16": Dtype("bfloat16", "uint16_t", "float"),
}


@dataclass(frozen=True)
class Parameter:
    """A number (or, in Python, an array that broadcasts) that an activation takes.

    Attributes
    ----------
    name : str
    default : float or None
        None for a parameter that must be given.
    meaning : str
        What it is, as the docstrings say it.
    minimum : float, str or None
        The least value it may have: a number, or that of the parameter with this name, which comes earlier. None: any.
        Every parameter must be finite.
    exclusive : bool
        Whether the minimum itself is too small.
    minimum_y : float or None
        The least value with which backward can start from the output: with a smaller one the output does not tell
        which side of the kink the input was on.
    gradient : str
        The derivative of f(x) with respect to it, for one that networks learn.
    """

    name: str
    default: float | None
    meaning: str
    minimum: float | str | None = None
    exclusive: bool = False
    minimum_y: float | None = None
    gradient: str = ""

    @property
    def learned(self) -> bool:
        """Whether there is a gradient with respect to it."""
        return bool(self.gradient)

    @property
    def domain(self) -> str:
        """What it must be, in words."""
        if self.minimum is None:
            return "finite"
        if self.minimum == 0 and self.exclusive:
            return "positive"
        return f"{'greater than' if self.exclusive else 'at least'} {self.minimum}"


@dataclass(frozen=True)
class Activation:
    """One activation function.

    Attributes
    ----------
    name : str
        The name on every face: ``pyacts.<name>``, ``pyacts_<name>_f32`` and so on.
    kind : str
        ``"elementwise"``; ``"channelwise"`` (elementwise with a parameter that C takes per channel);
        ``"gated"`` (elementwise in two arrays, act(gate) * up); ``"softmax"`` (along an axis); ``"logsumexp"`` (along
        an axis, which goes); ``"cross_entropy"`` and ``"binary_cross_entropy"`` (losses); ``"maxout"`` (along an axis,
        which gets shorter); ``"crelu"`` (along an axis, which gets twice as long).
    module : str
        The file in ``kernels/`` with the mathematics.
    summary, formula, derivative, range : str
        For the documentation. The derivative is written in ``x``.
    derivative_y : str or None
        The derivative written in ``y = f(x)``, for those whose backward can start from the output.
    no_y : str
        Why it cannot, for those whose backward can not.
    numpy : dict of str to str
        By direction: the NumPy expression that one would write without pyacts, in ``x``, ``y``, ``grad`` and the
        parameters (those with a default at that value). What the benchmark compares with.
    parameters : tuple of Parameter
    aliases : tuple of str
        Other names of the same function, available in Python beside the canonical one.
    limits, slopes : pair of float or None
        f and f' at -inf and +inf, with the default parameters (for prelu: a weight of 0.25).
    zero : float
        f(-0.0), with the default parameters; +0.0 has the same but for the sign of a zero.
    flat : tuple of pairs of float
        Where f' is zero throughout, ends included, with the default parameters.
    kinks : dict of float to float
        Where f' jumps: the value it has there, with the default parameters.
    max_ulp : dict of str to dict of str to float
        Largest error in units in the last place, for float32 and float64, by direction, default parameters, grad = 1.
        (Halves are computed in float32 and rounded: half a unit and what is left of that error.) A backward
        near a zero of its derivative is measured against the larger of the terms that cancel there.
    samples : pair of tuple of float
        f and f' at -1, 0 and 1, with the default parameters, to four decimals: the examples in the docstrings.
    approximation : str
        The activation that the keyword ``approximate="tanh"`` of the Python functions stands for.
    gate : str
        For a gated unit: the activation of its gate.
    reference : str
        Where it was proposed.
    options : bool
        Whether it has those of the softmax family: scale, where, bias, causal, sink.
    rounds_once : bool
        Whether all that it computes in float32 is one rounding, so that the exact tier is the default one.
    heavy : tuple of str
        Of what works on single numbers: the directions that take longer than to read and write what they do, as an
        exponential or a square root does. Their results are not stored past the caches, and fewer of them are worth
        two threads.
    """

    name: str
    kind: str
    module: str
    summary: str
    formula: str
    derivative: str
    numpy: dict[str, str]
    range: str
    max_ulp: dict[str, dict[str, float]]
    derivative_y: str | None = None
    no_y: str = ""
    parameters: tuple[Parameter, ...] = ()
    aliases: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    slopes: tuple[float, float] | None = None
    zero: float = -0.0
    flat: tuple[tuple[float, float], ...] = ()
    kinks: dict[float, float] = field(default_factory=dict)
    samples: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    approximation: str = ""
    gate: str = ""
    reference: str = ""
    options: bool = False
    rounds_once: bool = False
    heavy: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the exact tier has it: the others choose, or are losses, which are summed in double in any case."""
        return self.kind in ("elementwise", "channelwise", "gated", "softmax", "logsumexp")

    @property
    def learned(self) -> tuple[Parameter, ...]:
        """The parameters that have a gradient."""
        return tuple(p for p in self.parameters if p.learned)

    @property
    def directions(self) -> tuple[str, ...]:
        """What ``pyacts_find`` has for it: ``forward``, ``backward``, and ``backward_y`` where it exists."""
        return tuple(self.max_ulp["f32"])

    def operands(self, direction: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The arrays that a direction reads, and those that it writes, by their names in C."""
        return (GATED_OPERANDS if self.kind == "gated" else OPERANDS)[direction]


OPERANDS = {
    "forward": (("x",), ("y",)),
    "backward": (("grad", "x"), ("dx",)),
    "backward_y": (("grad", "y"), ("dx",)),
}
GATED_OPERANDS = {
    "forward": (("gate", "up"), ("y",)),
    "backward": (("grad", "gate", "up"), ("dgate", "dup")),
}

inf = float("inf")

NEGATIVE_SLOPE = Parameter(
    "negative_slope",
    0.01,
    "factor for x < 0; the usual ones are 0.01, 0.2 and 0.3",
    minimum_y=0,
    gradient="x for x < 0, else 0",
)
WEIGHT = Parameter(
    "weight", None, "factor for x < 0; learning often starts at 0.25", minimum_y=0, gradient="x for x < 0, else 0"
)

# Why a backward cannot start from the output.
NOT_MONOTONE = "it is not monotone, so the output does not determine the input"
TWO_INPUTS = "the output does not determine gate and up"

GELU = "Hendrycks and Gimpel, Gaussian error linear units, 2016 (arXiv:1606.08415)"

ACTIVATIONS: tuple[Activation, ...] = (
    Activation(
        "identity",
        kind="elementwise",
        module="rectifiers",
        summary="The input itself: what a layer without an activation, or a regression's output layer, has.",
        formula="x",
        derivative="1",
        derivative_y="1",
        numpy={
            "forward": "x.copy()",
            "backward": "grad.copy()",
            "backward_y": "grad.copy()",
        },
        range="(-inf, inf)",
        aliases=("linear",),
        limits=(-inf, inf),
        slopes=(1.0, 1.0),
        samples=((-1.0, 0.0, 1.0), (1.0, 1.0, 1.0)),
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "relu",
        kind="elementwise",
        module="rectifiers",
        summary="Rectified linear unit: the positive part. The usual first choice for hidden layers; a unit whose "
        "input stays negative gets no gradient and is dead.",
        formula="max(x, 0)",
        derivative="1 for x > 0, 0 for x <= 0",
        derivative_y="1 for y > 0, 0 for y <= 0",
        numpy={
            "forward": "np.maximum(x, 0)",
            "backward": "grad * (x > 0)",
            "backward_y": "grad * (y > 0)",
        },
        range="[0, inf)",
        limits=(0.0, inf),
        slopes=(0.0, 1.0),
        flat=((-inf, 0.0),),
        samples=((0.0, 0.0, 1.0), (0.0, 0.0, 1.0)),
        kinks={0.0: 0.0},
        reference="Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "leaky_relu",
        kind="elementwise",
        module="rectifiers",
        summary="relu with a small slope on the left, so that no unit dies.",
        formula="x for x > 0, negative_slope * x for x <= 0",
        derivative="1 for x > 0, negative_slope for x <= 0",
        derivative_y="1 for y > 0, negative_slope for y <= 0",
        numpy={
            "forward": "np.where(x > 0, x, 0.01 * x)",
            "backward": "np.where(x > 0, grad, 0.01 * grad)",
            "backward_y": "np.where(y > 0, grad, 0.01 * grad)",
        },
        range="(-inf, inf)",
        parameters=(NEGATIVE_SLOPE,),
        limits=(-inf, inf),
        slopes=(0.01, 1.0),
        samples=((-0.01, 0.0, 1.0), (0.01, 0.01, 1.0)),
        kinks={0.0: 0.01},
        reference="Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, ICML 2013",
        max_ulp={
            "f32": {"forward": 0.5, "backward": 0.5, "backward_y": 0.5},
            "f64": {"forward": 0.5, "backward": 0.5, "backward_y": 0.5},
        },
        rounds_once=True,
    ),
    Activation(
        "prelu",
        kind="channelwise",
        module="rectifiers",
        summary="leaky_relu whose slope is learned, one for all or one per channel.",
        formula="x for x > 0, weight * x for x <= 0",
        derivative="1 for x > 0, weight for x <= 0",
        derivative_y="1 for y > 0, weight for y <= 0",
        numpy={
            "forward": "np.where(x > 0, x, weight * x)",
            "backward": "np.where(x > 0, grad, weight * grad)",
            "backward_y": "np.where(y > 0, grad, weight * grad)",
            "parameter_grad": "np.where(x < 0, grad * x, 0).sum(axis)",
        },
        range="(-inf, inf)",
        parameters=(WEIGHT,),
        limits=(-inf, inf),
        slopes=(0.25, 1.0),
        samples=((-0.25, 0.0, 1.0), (0.25, 0.25, 1.0)),
        kinks={0.0: 0.25},
        reference="He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015",
        max_ulp={
            "f32": {"forward": 0.5, "backward": 0.5, "backward_y": 0.5},
            "f64": {"forward": 0.5, "backward": 0.5, "backward_y": 0.5},
        },
        rounds_once=True,
    ),
    Activation(
        "relu6",
        kind="elementwise",
        module="rectifiers",
        summary="relu cut off at 6, which leaves few bits to the integer part in low-precision arithmetic.",
        formula="min(max(x, 0), 6)",
        derivative="1 for 0 < x < 6, 0 for x <= 0 or x >= 6",
        derivative_y="1 for 0 < y < 6, 0 for y <= 0 or y >= 6",
        numpy={
            "forward": "np.clip(x, 0, 6)",
            "backward": "grad * ((x > 0) & (x < 6))",
            "backward_y": "grad * ((y > 0) & (y < 6))",
        },
        range="[0, 6]",
        limits=(0.0, 6.0),
        slopes=(0.0, 0.0),
        flat=((-inf, 0.0), (6.0, inf)),
        samples=((0.0, 0.0, 1.0), (0.0, 0.0, 1.0)),
        kinks={0.0: 0.0, 6.0: 0.0},
        reference="Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "relu2",
        kind="elementwise",
        module="rectifiers",
        summary="Squared relu: without a kink, and growing faster than its input.",
        formula="max(x, 0)**2",
        derivative="2 * max(x, 0)",
        derivative_y="2 * sqrt(y)",
        numpy={
            "forward": "np.maximum(x, 0) ** 2",
            "backward": "grad * 2 * np.maximum(x, 0)",
            "backward_y": "grad * 2 * np.sqrt(y)",
        },
        range="[0, inf)",
        heavy=("backward_y",),
        aliases=("squared_relu",),
        limits=(0.0, inf),
        zero=0.0,
        slopes=(0.0, inf),
        flat=((-inf, 0.0),),
        samples=((0.0, 0.0, 1.0), (0.0, 0.0, 2.0)),
        reference="So et al., Primer: searching for efficient transformers for language modeling, NeurIPS 2021",
        max_ulp={
            "f32": {"forward": 0.5, "backward": 0.0, "backward_y": 0.5},
            "f64": {"forward": 0.5, "backward": 0.0, "backward_y": 0.5},
        },
    ),
    Activation(
        "threshold",
        kind="elementwise",
        module="rectifiers",
        summary="x above a threshold, a given value up to it.",
        formula="x for x > threshold, value for x <= threshold",
        derivative="1 for x > threshold, 0 for x <= threshold",
        no_y="a value above the threshold may be the output on either side",
        numpy={
            "forward": "np.where(x > 1, x, 0)",
            "backward": "grad * (x > 1)",
        },
        range="[min(threshold, value), inf)",
        parameters=(
            Parameter("threshold", 1.0, "what x must be greater than to pass"),
            Parameter("value", 0.0, "the result elsewhere"),
        ),
        aliases=("thresholded_relu",),
        limits=(0.0, inf),
        zero=0.0,
        slopes=(0.0, 1.0),
        flat=((-inf, 1.0),),
        samples=((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        kinks={1.0: 0.0},
        reference="Konda, Memisevic and Krueger, Zero-bias autoencoders and the benefits of co-adapting features, 2014",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "hard_tanh",
        kind="elementwise",
        module="rectifiers",
        summary="x cut off at both ends: a tanh of three straight pieces.",
        formula="min(max(x, min_val), max_val)",
        derivative="1 for min_val < x < max_val, 0 for x <= min_val or x >= max_val",
        derivative_y="1 for min_val < y < max_val, 0 for y <= min_val or y >= max_val",
        numpy={
            "forward": "np.clip(x, -1, 1)",
            "backward": "grad * ((x > -1) & (x < 1))",
            "backward_y": "grad * ((y > -1) & (y < 1))",
        },
        range="[min_val, max_val]",
        parameters=(
            Parameter("min_val", -1.0, "the least result"),
            Parameter("max_val", 1.0, "the largest result", minimum="min_val"),
        ),
        limits=(-1.0, 1.0),
        slopes=(0.0, 0.0),
        flat=((-inf, -1.0), (1.0, inf)),
        samples=((-1.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
        kinks={-1.0: 0.0, 1.0: 0.0},
        reference="Collobert, Large scale machine learning, PhD thesis, Paris 6, 2004",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "hard_sigmoid",
        kind="elementwise",
        module="rectifiers",
        summary="A sigmoid of three straight pieces, which is 0 up to -3 and 1 from 3 on (with the other usual slope, "
        "0.2: up to -2.5 and from 2.5 on).",
        formula="min(max(slope * x + offset, 0), 1)",
        derivative="slope for 0 < slope * x + offset < 1, 0 for slope * x + offset <= 0 or slope * x + offset >= 1",
        derivative_y="slope for 0 < y < 1, 0 for y <= 0 or y >= 1",
        numpy={
            "forward": "np.clip(x / 6 + 0.5, 0, 1)",
            "backward": "np.where((x > -3) & (x < 3), grad / 6, 0)",
            "backward_y": "np.where((y > 0) & (y < 1), grad / 6, 0)",
        },
        range="[0, 1]",
        parameters=(
            Parameter("slope", 1 / 6, "the slope between the ends", minimum=0, exclusive=True),
            Parameter("offset", 0.5, "the value at 0"),
        ),
        limits=(0.0, 1.0),
        zero=0.5,
        slopes=(0.0, 0.0),
        flat=((-inf, -3.0), (3.0, inf)),
        samples=((0.3333, 0.5, 0.6667), (0.1667, 0.1667, 0.1667)),
        kinks={-3.0: 0.0, 3.0: 0.0},
        reference="Courbariaux, Bengio and David, BinaryConnect, NIPS 2015",
        max_ulp={
            "f32": {"forward": 1.5, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 1.5, "backward": 0.0, "backward_y": 0.0},
        },
    ),
    Activation(
        "hard_swish",
        kind="elementwise",
        module="rectifiers",
        summary="silu with a piecewise linear gate: no exponential, the limits reached at -3 and 3.",
        formula="x * min(max(x + 3, 0), 6) / 6",
        derivative="0 for x <= -3, (2 * x + 3) / 6 for -3 < x < 3, 1 for x >= 3",
        no_y=NOT_MONOTONE,
        numpy={
            "forward": "x * np.clip(x + 3, 0, 6) / 6",
            "backward": "grad * np.where(x <= -3, 0, np.where(x < 3, (2 * x + 3) / 6, 1))",
        },
        range="[-0.375, inf)",
        aliases=("hard_silu",),
        limits=(-0.0, inf),
        slopes=(0.0, 1.0),
        flat=((-inf, -3.0),),
        samples=((-0.3333, 0.0, 0.6667), (0.1667, 0.5, 0.8333)),
        kinks={-3.0: 0.0, 3.0: 1.0},
        reference="Howard et al., Searching for MobileNetV3, ICCV 2019",
        max_ulp={
            "f32": {"forward": 1.5, "backward": 1.5},
            "f64": {"forward": 1.5, "backward": 1.5},
        },
    ),
    Activation(
        "elu",
        kind="elementwise",
        module="exponentials",
        summary="Exponential linear unit: linear on the right, saturating smoothly on the left.",
        formula="x for x > 0, alpha * (exp(x) - 1) for x <= 0",
        derivative="1 for x > 0, alpha * exp(x) for x <= 0",
        derivative_y="1 for y > 0, y + alpha for y <= 0",
        numpy={
            "forward": "np.where(x > 0, x, np.exp(x) - 1)",
            "backward": "np.where(x > 0, grad, grad * np.exp(x))",
            "backward_y": "np.where(y > 0, grad, grad * (y + 1))",
        },
        range="(-alpha, inf)",
        heavy=("forward", "backward"),
        parameters=(
            Parameter(
                "alpha",
                1.0,
                "the value approached on the left is -alpha",
                minimum_y=0,
                gradient="exp(x) - 1 for x < 0, else 0",
            ),
        ),
        limits=(-1.0, inf),
        slopes=(0.0, 1.0),
        samples=((-0.6321, 0.0, 1.0), (0.3679, 1.0, 1.0)),
        kinks={0.0: 1.0},
        reference="Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by ELUs, ICLR 2016",
        max_ulp={
            "f32": {"forward": 1.0, "backward": 1.05, "backward_y": 0.5},
            "f64": {"forward": 1.2, "backward": 1.2, "backward_y": 0.5},
        },
    ),
    Activation(
        "selu",
        kind="elementwise",
        module="exponentials",
        summary="elu with a given alpha, times a scale: they lead the activations of a deep network of dense layers to "
        "mean 0 and variance 1.",
        formula="scale * x for x > 0, scale * alpha * (exp(x) - 1) for x <= 0 with "
        "scale = 1.0507009873554804934193349852946 and alpha = 1.6732632423543772848170429916717",
        derivative="scale for x > 0, scale * alpha * exp(x) for x <= 0 with "
        "scale = 1.0507009873554804934193349852946 and alpha = 1.6732632423543772848170429916717",
        derivative_y="scale for y > 0, y + scale * alpha for y <= 0 with "
        "scale = 1.0507009873554804934193349852946 and alpha = 1.6732632423543772848170429916717",
        numpy={
            "forward": "1.0507009873554805 * np.where(x > 0, x, 1.6732632423543773 * (np.exp(x) - 1))",
            "backward": "1.0507009873554805 * np.where(x > 0, grad, grad * 1.6732632423543773 * np.exp(x))",
            "backward_y": "grad * np.where(y > 0, 1.0507009873554805, y + 1.7580993408473768)",
        },
        range="(-1.7581, inf)",
        heavy=("forward", "backward"),
        limits=(-1.7580993408473768, inf),
        slopes=(0.0, 1.0507009873554805),
        samples=((-1.1113, 0.0, 1.0507), (0.6468, 1.7581, 1.0507)),
        kinks={0.0: 1.7580993408473768},
        reference="Klambauer, Unterthiner, Mayr and Hochreiter, Self-normalizing neural networks, NIPS 2017",
        max_ulp={
            "f32": {"forward": 1.75, "backward": 2.0, "backward_y": 1.0},
            "f64": {"forward": 1.75, "backward": 2.5, "backward_y": 1.0},
        },
    ),
    Activation(
        "celu",
        kind="elementwise",
        module="exponentials",
        summary="Continuously differentiable elu: its derivative does not jump at 0, whatever alpha is.",
        formula="x for x > 0, alpha * (exp(x / alpha) - 1) for x <= 0",
        derivative="1 for x > 0, exp(x / alpha) for x <= 0",
        derivative_y="1 for y > 0, 1 + y / alpha for y <= 0",
        numpy={
            "forward": "np.where(x > 0, x, np.exp(x) - 1)",
            "backward": "np.where(x > 0, grad, grad * np.exp(x))",
            "backward_y": "np.where(y > 0, grad, grad * (y + 1))",
        },
        range="(-alpha, inf)",
        heavy=("forward", "backward"),
        parameters=(
            Parameter(
                "alpha",
                1.0,
                "the value approached on the left is -alpha",
                minimum=0,
                exclusive=True,
                gradient="exp(x / alpha) * (1 - x / alpha) - 1 for x < 0, else 0",
            ),
        ),
        limits=(-1.0, inf),
        slopes=(0.0, 1.0),
        samples=((-0.6321, 0.0, 1.0), (0.3679, 1.0, 1.0)),
        reference="Barron, Continuously differentiable exponential linear units, 2017",
        max_ulp={
            "f32": {"forward": 1.0, "backward": 1.05, "backward_y": 0.5},
            "f64": {"forward": 1.2, "backward": 1.2, "backward_y": 0.5},
        },
    ),
    Activation(
        "softplus",
        kind="elementwise",
        module="exponentials",
        summary="A smooth relu, positive everywhere; its derivative is the sigmoid.",
        formula="log(1 + exp(beta * x)) / beta",
        derivative="1 / (1 + exp(-beta * x))",
        derivative_y="1 - exp(-beta * y)",
        numpy={
            "forward": "np.log1p(np.exp(x))",
            "backward": "grad / (1 + np.exp(-x))",
            "backward_y": "grad * (1 - np.exp(-y))",
        },
        range="(0, inf)",
        heavy=("forward", "backward", "backward_y"),
        parameters=(
            Parameter(
                "beta",
                1.0,
                "sharpness: the larger, the closer to relu",
                minimum=0,
                exclusive=True,
                gradient="(x * s - f(x)) / beta with s = 1 / (1 + exp(-beta * x))",
            ),
        ),
        limits=(0.0, inf),
        zero=0.6931471805599453,
        slopes=(0.0, 1.0),
        samples=((0.3133, 0.6931, 1.3133), (0.2689, 0.5, 0.7311)),
        reference="Dugas, Bengio, Belisle, Nadeau and Garcia, Incorporating second-order functional knowledge for "
        "better option pricing, NIPS 2000",
        max_ulp={
            "f32": {"forward": 1.75, "backward": 2.5, "backward_y": 1.25},
            "f64": {"forward": 2.0, "backward": 1.25, "backward_y": 1.5},
        },
    ),
    Activation(
        "log_sigmoid",
        kind="elementwise",
        module="exponentials",
        summary="Logarithm of the sigmoid, a log-probability: right where the sigmoid itself rounds to 0 or 1.",
        formula="log(1 / (1 + exp(-x)))",
        derivative="1 / (1 + exp(x))",
        derivative_y="1 - exp(y)",
        numpy={
            "forward": "-np.log1p(np.exp(-x))",
            "backward": "grad / (1 + np.exp(x))",
            "backward_y": "grad * (1 - np.exp(y))",
        },
        range="(-inf, 0)",
        heavy=("forward", "backward", "backward_y"),
        aliases=("log_expit",),
        limits=(-inf, -0.0),
        zero=-0.6931471805599453,
        slopes=(1.0, 0.0),
        samples=((-1.3133, -0.6931, -0.3133), (0.7311, 0.5, 0.2689)),
        max_ulp={
            "f32": {"forward": 1.75, "backward": 2.5, "backward_y": 1.25},
            "f64": {"forward": 2.0, "backward": 1.25, "backward_y": 1.5},
        },
    ),
    Activation(
        "squareplus",
        kind="elementwise",
        module="exponentials",
        summary="A smooth relu made of a square root instead of an exponential.",
        formula="(x + sqrt(x**2 + b)) / 2",
        derivative="(1 + x / sqrt(x**2 + b)) / 2",
        derivative_y="y**2 / (y**2 + b / 4)",
        numpy={
            "forward": "(x + np.sqrt(x**2 + 4)) / 2",
            "backward": "grad * 0.5 * (1 + x / np.sqrt(x**2 + 4))",
            "backward_y": "grad * y**2 / (y**2 + 1)",
        },
        range="(0, inf)",
        heavy=("forward", "backward"),
        parameters=(
            Parameter(
                "b", 4.0, "how round the corner is; 4 log(2)**2 gives softplus's value at 0", minimum=0, exclusive=True
            ),
        ),
        limits=(0.0, inf),
        zero=1.0,
        slopes=(0.0, 1.0),
        samples=((0.618, 1.0, 1.618), (0.2764, 0.5, 0.7236)),
        reference="Barron, Squareplus: a softplus-like algebraic rectifier, 2021",
        max_ulp={
            "f32": {"forward": 1.5, "backward": 3.25, "backward_y": 1.75},
            "f64": {"forward": 1.5, "backward": 3.0, "backward_y": 1.75},
        },
    ),
    Activation(
        "sparse_plus",
        kind="elementwise",
        module="rectifiers",
        summary="A relu whose corner is rounded by a parabola: smooth like softplus, but zero on the left.",
        formula="0 for x <= -1, (x + 1)**2 / 4 for -1 < x < 1, x for x >= 1",
        derivative="0 for x <= -1, (x + 1) / 2 for -1 < x < 1, 1 for x >= 1",
        derivative_y="min(sqrt(y), 1)",
        numpy={
            "forward": "np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x))",
            "backward": "grad * np.clip((x + 1) / 2, 0, 1)",
            "backward_y": "grad * np.minimum(np.sqrt(y), 1)",
        },
        range="[0, inf)",
        heavy=("backward_y",),
        limits=(0.0, inf),
        zero=0.25,
        slopes=(0.0, 1.0),
        flat=((-inf, -1.0),),
        samples=((0.0, 0.25, 1.0), (0.0, 0.5, 1.0)),
        max_ulp={
            "f32": {"forward": 0.51, "backward": 0.5, "backward_y": 0.5},
            "f64": {"forward": 0.51, "backward": 0.5, "backward_y": 0.5},
        },
    ),
    Activation(
        "sparse_sigmoid",
        kind="elementwise",
        module="rectifiers",
        summary="A sigmoid of three straight pieces, the derivative of sparse_plus: exactly 0 or 1 outside of (-1, 1).",
        formula="min(max(x + 1, 0), 2) / 2",
        derivative="0.5 for -1 < x < 1, 0 for x <= -1 or x >= 1",
        no_y="it rounds to 1 before the input is there, where the derivative changes",
        numpy={
            "forward": "np.clip((x + 1) / 2, 0, 1)",
            "backward": "grad * np.where(np.abs(x) < 1, 0.5, 0)",
        },
        range="[0, 1]",
        limits=(0.0, 1.0),
        zero=0.5,
        slopes=(0.0, 0.0),
        flat=((-inf, -1.0), (1.0, inf)),
        samples=((0.0, 0.5, 1.0), (0.0, 0.5, 0.0)),
        kinks={-1.0: 0.0, 1.0: 0.0},
        max_ulp={
            "f32": {"forward": 0.5, "backward": 0.0},
            "f64": {"forward": 0.5, "backward": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "exponential",
        kind="elementwise",
        module="exponentials",
        summary="The exponential function, for outputs that must be positive.",
        formula="exp(x)",
        derivative="exp(x)",
        derivative_y="y",
        numpy={
            "forward": "np.exp(x)",
            "backward": "grad * np.exp(x)",
            "backward_y": "grad * y",
        },
        range="(0, inf)",
        heavy=("forward", "backward"),
        aliases=("exp",),
        limits=(0.0, inf),
        zero=1.0,
        slopes=(0.0, inf),
        samples=((0.3679, 1.0, 2.7183), (0.3679, 1.0, 2.7183)),
        max_ulp={
            "f32": {"forward": 1.05, "backward": 1.05, "backward_y": 0.0},
            "f64": {"forward": 1.05, "backward": 1.05, "backward_y": 0.0},
        },
    ),
    Activation(
        "xielu",
        kind="elementwise",
        module="exponentials",
        summary="The integral of an elu: quadratic on the right, linear far on the left, with two learned parameters.",
        formula="alpha_p * x**2 + beta * x for x > 0, alpha_n * (exp(min(x, eps)) - 1 - x) + beta * x for x <= 0",
        derivative="2 * alpha_p * x + beta for x > 0, alpha_n * (exp(x) - 1) + beta for x <= 0",
        no_y=NOT_MONOTONE,
        numpy={
            "forward": "np.where(x > 0, 0.8 * x**2, 0.8 * (np.expm1(np.minimum(x, -1e-6)) - x)) + 0.5 * x",
            "backward": "grad * (np.where(x > 0, 1.6 * x, 0.8 * np.expm1(x)) + 0.5)",
        },
        range="[-0.2058, inf) for the default parameters",
        heavy=("forward", "backward"),
        parameters=(
            Parameter(
                "alpha_p",
                0.8,
                "half the growth of the derivative on the right",
                minimum=0,
                gradient="x**2 for x > 0, else 0",
            ),
            Parameter(
                "alpha_n",
                0.8,
                "how far the derivative falls on the left, to beta - alpha_n",
                minimum=0,
                gradient="exp(min(x, eps)) - 1 - x for x <= 0, else 0",
            ),
            Parameter("beta", 0.5, "the derivative at 0"),
            Parameter("eps", -1e-6, "the exponential is taken of no more; the derivative is that for 0"),
        ),
        limits=(inf, inf),
        zero=-7.999996000001333e-07,
        slopes=(-0.30000000000000004, inf),
        samples=((-0.2057, -0.0, 1.3), (-0.0057, 0.5, 2.1)),
        reference="Huang and Schlag, Deriving activation functions using integration, 2024",
        max_ulp={
            "f32": {"forward": 1.75, "backward": 0.75},
            "f64": {"forward": 2.0, "backward": 0.75},
        },
    ),
    Activation(
        "sigmoid",
        kind="elementwise",
        module="sigmoids",
        summary="The logistic function: squashes to (0, 1), a probability. In hidden layers its gradient, at most 1/4, "
        "vanishes from layer to layer.",
        formula="1 / (1 + exp(-x))",
        derivative="exp(-|x|) / (1 + exp(-|x|))**2",
        derivative_y="y * (1 - y)",
        numpy={
            "forward": "1 / (1 + np.exp(-x))",
            "backward": "grad * (s := 1 / (1 + np.exp(-x))) * (1 - s)",
            "backward_y": "grad * y * (1 - y)",
        },
        range="(0, 1)",
        heavy=("forward", "backward"),
        aliases=("logistic", "expit"),
        limits=(0.0, 1.0),
        zero=0.5,
        slopes=(0.0, 0.0),
        samples=((0.2689, 0.5, 0.7311), (0.1966, 0.25, 0.1966)),
        max_ulp={
            "f32": {"forward": 2.5, "backward": 2.75, "backward_y": 1.5},
            "f64": {"forward": 1.25, "backward": 4.0, "backward_y": 1.5},
        },
    ),
    Activation(
        "tanh",
        kind="elementwise",
        module="sigmoids",
        summary="Hyperbolic tangent: squashes to (-1, 1), with a mean near zero and a gradient of 1 at zero.",
        formula="(exp(x) - exp(-x)) / (exp(x) + exp(-x))",
        derivative="1 / cosh(x)**2",
        derivative_y="(1 - y) * (1 + y)",
        numpy={
            "forward": "np.tanh(x)",
            "backward": "grad * (1 - np.tanh(x) ** 2)",
            "backward_y": "grad * (1 - y**2)",
        },
        range="(-1, 1)",
        heavy=("forward", "backward"),
        limits=(-1.0, 1.0),
        slopes=(0.0, 0.0),
        samples=((-0.7616, 0.0, 0.7616), (0.42, 1.0, 0.42)),
        max_ulp={
            "f32": {"forward": 1.05, "backward": 2.75, "backward_y": 1.5},
            "f64": {"forward": 1.5, "backward": 4.0, "backward_y": 1.5},
        },
    ),
    Activation(
        "scaled_tanh",
        kind="elementwise",
        module="sigmoids",
        summary="tanh stretched so that it maps -1 and 1 to themselves, nearly, and has its strongest curvature there.",
        formula="alpha * (exp(beta * x) - exp(-beta * x)) / (exp(beta * x) + exp(-beta * x))",
        derivative="alpha * beta / cosh(beta * x)**2",
        derivative_y="beta / alpha * (alpha - y) * (alpha + y)",
        numpy={
            "forward": "1.7159 * np.tanh(2 / 3 * x)",
            "backward": "grad * (1.7159 * 2 / 3) * (1 - np.tanh(2 / 3 * x) ** 2)",
            "backward_y": "grad * (2 / 3 / 1.7159) * (1.7159 - y) * (1.7159 + y)",
        },
        range="(-alpha, alpha)",
        heavy=("forward", "backward"),
        parameters=(
            Parameter("alpha", 1.7159, "the value approached on the right", minimum=0, exclusive=True),
            Parameter("beta", 2 / 3, "steepness", minimum=0, exclusive=True),
        ),
        limits=(-1.7159, 1.7159),
        slopes=(0.0, 0.0),
        samples=((-1.0, 0.0, 1.0), (0.7554, 1.1439, 0.7554)),
        reference="LeCun, Bottou, Orr and Mueller, Efficient backprop, 1998",
        max_ulp={
            "f32": {"forward": 2.0, "backward": 3.5, "backward_y": 1.5},
            "f64": {"forward": 1.75, "backward": 2.5, "backward_y": 1.5},
        },
    ),
    Activation(
        "softsign",
        kind="elementwise",
        module="sigmoids",
        summary="Like tanh, but approaches its limits slowly, as a quotient without an exponential.",
        formula="x / (1 + |x|)",
        derivative="1 / (1 + |x|)**2",
        derivative_y="(1 - |y|)**2",
        numpy={
            "forward": "x / (1 + np.abs(x))",
            "backward": "grad / (1 + np.abs(x)) ** 2",
            "backward_y": "grad * (1 - np.abs(y)) ** 2",
        },
        range="(-1, 1)",
        limits=(-1.0, 1.0),
        slopes=(0.0, 0.0),
        samples=((-0.5, 0.0, 0.5), (0.25, 1.0, 0.25)),
        reference="Bergstra, Desjardins, Lamblin and Bengio, Quadratic polynomials learn better image features, 2009",
        max_ulp={
            "f32": {"forward": 1.5, "backward": 3.5, "backward_y": 2.0},
            "f64": {"forward": 1.5, "backward": 3.75, "backward_y": 2.0},
        },
    ),
    Activation(
        "step",
        kind="elementwise",
        module="sigmoids",
        summary="The first artificial neuron's threshold. Its derivative is zero: nothing is learned through it.",
        formula="1 for x > 0, alpha for x <= 0",
        derivative="0",
        no_y="the derivative is zero, whatever the output",
        numpy={
            "forward": "np.heaviside(x, 0)",
            "backward": "np.zeros_like(grad)",
        },
        range="[0, 1] for alpha = 0",
        parameters=(Parameter("alpha", 0.0, "the value for x <= 0"),),
        limits=(0.0, 1.0),
        zero=0.0,
        slopes=(0.0, 0.0),
        flat=((-inf, inf),),
        samples=((0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
        reference="McCulloch and Pitts, A logical calculus of the ideas immanent in nervous activity, 1943",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "silu",
        kind="elementwise",
        module="self_gated",
        summary="Sigmoid-weighted linear unit, or swish: smooth, not monotone, like relu far from zero.",
        formula="x / (1 + exp(-beta * x))",
        derivative="s * (1 + beta * x * (1 - s)) with s = 1 / (1 + exp(-beta * x))",
        no_y=NOT_MONOTONE,
        numpy={
            "forward": "x / (1 + np.exp(-x))",
            "backward": "grad * (s := 1 / (1 + np.exp(-x))) * (1 + x * (1 - s))",
        },
        range="[-0.2785, inf) for beta = 1",
        heavy=("forward", "backward"),
        parameters=(
            Parameter(
                "beta",
                1.0,
                "steepness of the gate; 0 makes x / 2, large values approach relu",
                gradient="x**2 * s * (1 - s) with s = 1 / (1 + exp(-beta * x))",
            ),
        ),
        aliases=("swish",),
        limits=(-0.0, inf),
        slopes=(-0.0, 1.0),
        samples=((-0.2689, 0.0, 0.7311), (0.0723, 0.5, 0.9277)),
        reference="Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, 2017; Ramachandran, Zoph and Le, "
        "Searching for activation functions, 2017",
        max_ulp={
            "f32": {"forward": 2.75, "backward": 4.0},
            "f64": {"forward": 2.0, "backward": 5.0},
        },
    ),
    Activation(
        "quick_gelu",
        kind="elementwise",
        module="self_gated",
        summary="gelu with a sigmoid for the normal distribution: what CLIP was trained with.",
        formula="x / (1 + exp(-1.702 * x))",
        derivative="s * (1 + 1.702 * x * (1 - s)) with s = 1 / (1 + exp(-1.702 * x))",
        no_y=NOT_MONOTONE,
        numpy={
            "forward": "x / (1 + np.exp(-1.702 * x))",
            "backward": "grad * (s := 1 / (1 + np.exp(-1.702 * x))) * (1 + 1.702 * x * (1 - s))",
        },
        range="[-0.1637, inf)",
        heavy=("forward", "backward"),
        limits=(-0.0, inf),
        slopes=(-0.0, 1.0),
        samples=((-0.1542, 0.0, 0.8458), (-0.0678, 0.5, 1.0678)),
        reference=GELU,
        max_ulp={
            "f32": {"forward": 2.75, "backward": 3.5},
            "f64": {"forward": 2.0, "backward": 4.0},
        },
    ),
    Activation(
        "gelu",
        kind="elementwise",
        module="self_gated",
        summary="Gaussian error linear unit: x times the probability that a normally distributed number is less than "
        "x. The activation of BERT and of most transformers since.",
        formula="x / 2 * (1 + erf(x / sqrt(2)))",
        derivative="(1 + erf(x / sqrt(2))) / 2 + x * exp(-x**2 / 2) / sqrt(2 * pi)",
        no_y=NOT_MONOTONE,
        numpy={
            "forward": "x / 2 * (1 + erf(x / np.sqrt(2)))",
            "backward": "grad * ((1 + erf(x / np.sqrt(2))) / 2 + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))",
        },
        range="[-0.17, inf)",
        heavy=("forward", "backward"),
        approximation="gelu_tanh",
        limits=(-0.0, inf),
        slopes=(-0.0, 1.0),
        samples=((-0.1587, 0.0, 0.8413), (-0.0833, 0.5, 1.0833)),
        reference=GELU,
        max_ulp={
            "f32": {"forward": 4.0, "backward": 3.5},
            "f64": {"forward": 5.0, "backward": 4.0},
        },
    ),
    Activation(
        "gelu_tanh",
        kind="elementwise",
        module="self_gated",
        summary="gelu with a tanh for the normal distribution, x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))"
        ": what GPT-2 and Gemma were trained with.",
        formula="x / (1 + exp(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3)))",
        derivative="s * (1 + z * (1 - s)) with s = 1 / (1 + exp(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3))) "
        "and z = 2 * sqrt(2 / pi) * (x + 0.134145 * x**3)",
        no_y=NOT_MONOTONE,
        numpy={
            "forward": "x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))",
            "backward": "grad * (s := 1 / (1 + np.exp(-np.sqrt(8 / np.pi) * (x + 0.044715 * x**3)))) "
            "* (1 + np.sqrt(8 / np.pi) * (x + 0.134145 * x**3) * (1 - s))",
        },
        range="[-0.1701, inf)",
        heavy=("forward", "backward"),
        limits=(-0.0, inf),
        slopes=(-0.0, 1.0),
        samples=((-0.1588, 0.0, 0.8412), (-0.083, 0.5, 1.083)),
        reference=GELU,
        max_ulp={
            "f32": {"forward": 2.75, "backward": 4.0},
            "f64": {"forward": 2.0, "backward": 4.0},
        },
    ),
    Activation(
        "mish",
        kind="elementwise",
        module="self_gated",
        summary="Smooth, not monotone, close to silu, with a slightly deeper minimum and a steeper middle.",
        formula="x * tanh(log(1 + exp(x)))",
        derivative="t + x * (1 - t**2) / (1 + exp(-x)) with t = tanh(log(1 + exp(x)))",
        no_y="it is not monotone, so the output does not determine the input",
        numpy={
            "forward": "x * np.tanh(np.log1p(np.exp(x)))",
            "backward": "grad * ((t := np.tanh(np.log1p(np.exp(x)))) + x * (1 - t**2) / (1 + np.exp(-x)))",
        },
        range="[-0.3089, inf)",
        heavy=("forward", "backward"),
        limits=(-0.0, inf),
        slopes=(-0.0, 1.0),
        samples=((-0.3034, 0.0, 0.8651), (0.0592, 0.6, 1.049)),
        reference="Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020",
        max_ulp={
            "f32": {"forward": 4.0, "backward": 4.0},
            "f64": {"forward": 4.0, "backward": 4.0},
        },
    ),
    Activation(
        "dish",
        kind="elementwise",
        module="self_gated",
        summary="Like mish and silu, but made of a square root instead of exponentials; its tail on the left is that "
        "of 1 / (4 * x).",
        formula="x / 2 * (1 + x / sqrt(1 + x**2))",
        derivative="(1 + q * (2 - q**2)) / 2 with q = x / sqrt(1 + x**2)",
        no_y="it is not monotone, so the output does not determine the input",
        numpy={
            "forward": "x / 2 * (1 + x / np.sqrt(1 + x * x))",
            "backward": "grad * (1 + (q := x / np.sqrt(1 + x * x)) * (2 - q * q)) / 2",
        },
        range="[-0.1502, inf)",
        heavy=("forward", "backward"),
        limits=(-0.0, inf),
        slopes=(-0.0, 1.0),
        samples=((-0.1464, 0.0, 0.8536), (-0.0303, 0.5, 1.0303)),
        reference="thinc, a library of Explosion, 2022",
        max_ulp={
            "f32": {"forward": 1.75, "backward": 3.75},
            "f64": {"forward": 1.75, "backward": 4.0},
        },
    ),
    Activation(
        "hard_shrink",
        kind="elementwise",
        module="shrinkage",
        summary="x where it is large, zero where it is small: what sparse coding and wavelet denoising keep.",
        formula="x for |x| > lambd, 0 for |x| <= lambd",
        derivative="1 for |x| > lambd, 0 for |x| <= lambd",
        derivative_y="1 for |y| > 0, 0 for y == 0",
        numpy={
            "forward": "np.where(np.abs(x) > 0.5, x, 0)",
            "backward": "grad * (np.abs(x) > 0.5)",
            "backward_y": "grad * (y != 0)",
        },
        range="(-inf, inf)",
        parameters=(Parameter("lambd", 0.5, "what |x| must be greater than to pass", minimum=0),),
        limits=(-inf, inf),
        slopes=(1.0, 1.0),
        flat=((-0.5, 0.5),),
        samples=((-1.0, 0.0, 1.0), (1.0, 0.0, 1.0)),
        kinks={-0.5: 0.0, 0.5: 0.0},
        reference="Donoho and Johnstone, Ideal spatial adaptation by wavelet shrinkage, Biometrika 1994",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "soft_shrink",
        kind="elementwise",
        module="shrinkage",
        summary="x moved towards zero by lambd, and zero where it would pass it: the proximal map of lambd |x|.",
        formula="x - lambd for x > lambd, x + lambd for x < -lambd, 0 for |x| <= lambd",
        derivative="1 for |x| > lambd, 0 for |x| <= lambd",
        derivative_y="1 for |y| > 0, 0 for y == 0",
        numpy={
            "forward": "np.sign(x) * np.maximum(np.abs(x) - 0.5, 0)",
            "backward": "grad * (np.abs(x) > 0.5)",
            "backward_y": "grad * (y != 0)",
        },
        range="(-inf, inf)",
        parameters=(Parameter("lambd", 0.5, "how far x is moved", minimum=0),),
        limits=(-inf, inf),
        slopes=(1.0, 1.0),
        flat=((-0.5, 0.5),),
        samples=((-0.5, 0.0, 0.5), (1.0, 0.0, 1.0)),
        kinks={-0.5: 0.0, 0.5: 0.0},
        reference="Donoho, De-noising by soft-thresholding, IEEE Transactions on Information Theory 1995",
        max_ulp={
            "f32": {"forward": 0.5, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.5, "backward": 0.0, "backward_y": 0.0},
        },
        rounds_once=True,
    ),
    Activation(
        "tanh_shrink",
        kind="elementwise",
        module="shrinkage",
        summary="What tanh takes away: flat near zero, where tanh is the identity, and x less 1 far from it.",
        formula="x - (exp(x) - exp(-x)) / (exp(x) + exp(-x))",
        derivative="((exp(x) - exp(-x)) / (exp(x) + exp(-x)))**2",
        no_y="there is no formula for it",
        numpy={
            "forward": "x - np.tanh(x)",
            "backward": "grad * np.tanh(x) ** 2",
        },
        range="(-inf, inf)",
        heavy=("forward", "backward"),
        limits=(-inf, inf),
        slopes=(1.0, 1.0),
        samples=((-0.2384, 0.0, 0.2384), (0.58, 0.0, 0.58)),
        max_ulp={
            "f32": {"forward": 1.5, "backward": 3.5},
            "f64": {"forward": 5.0, "backward": 5.0},
        },
    ),
    Activation(
        "glu",
        kind="gated",
        module="gated",
        gate="sigmoid",
        summary="Gated linear unit: what goes up through the network, times how far the gate is open for it.",
        formula="up / (1 + exp(-gate))",
        derivative="dgate = grad * up * s * (1 - s), dup = grad * s, with s = 1 / (1 + exp(-gate))",
        no_y=TWO_INPUTS,
        numpy={
            "forward": "up / (1 + np.exp(-gate))",
            "backward": "(grad * up * (s := 1 / (1 + np.exp(-gate))) * (1 - s), grad * s)",
        },
        range="(-inf, inf)",
        heavy=("forward", "backward"),
        reference="Dauphin, Fan, Auli and Grangier, Language modeling with gated convolutional networks, ICML 2017",
        max_ulp={
            "f32": {"forward": 3.5, "backward": 5.0},
            "f64": {"forward": 2.5, "backward": 4.25},
        },
    ),
    Activation(
        "reglu",
        kind="gated",
        module="gated",
        gate="relu",
        summary="Gated unit with relu: up times the positive part of the gate.",
        formula="gate * up for gate > 0, 0 for gate <= 0",
        derivative="dgate = grad * up and dup = grad * gate for gate > 0, 0 for gate <= 0",
        no_y=TWO_INPUTS,
        numpy={
            "forward": "np.maximum(gate, 0) * up",
            "backward": "(grad * up * (gate > 0), grad * np.maximum(gate, 0))",
        },
        range="(-inf, inf)",
        reference="Shazeer, GLU variants improve transformer, 2020",
        max_ulp={
            "f32": {"forward": 0.5, "backward": 0.5},
            "f64": {"forward": 0.5, "backward": 0.5},
        },
        rounds_once=True,
    ),
    Activation(
        "swiglu",
        kind="gated",
        module="gated",
        gate="silu",
        summary="Gated unit with silu, the usual feed-forward layer of language models.",
        formula="up * gate / (1 + exp(-beta * gate))",
        derivative="dgate = grad * up * s * (1 + beta * gate * (1 - s)), dup = grad * gate * s, "
        "with s = 1 / (1 + exp(-beta * gate))",
        no_y=TWO_INPUTS,
        numpy={
            "forward": "gate / (1 + np.exp(-gate)) * up",
            "backward": "(grad * up * (s := 1 / (1 + np.exp(-gate))) * (1 + gate * (1 - s)), grad * gate * s)",
        },
        range="(-inf, inf)",
        heavy=("forward", "backward"),
        parameters=(Parameter("beta", 1.0, "steepness of the gate, as in silu"),),
        reference="Shazeer, GLU variants improve transformer, 2020",
        max_ulp={
            "f32": {"forward": 4.0, "backward": 7.5},
            "f64": {"forward": 3.0, "backward": 5.5},
        },
    ),
    Activation(
        "geglu",
        kind="gated",
        module="gated",
        gate="gelu",
        summary="Gated unit with gelu.",
        formula="up * gate / 2 * (1 + erf(gate / sqrt(2)))",
        derivative="dgate = grad * up * (p + gate * exp(-gate**2 / 2) / sqrt(2 * pi)), dup = grad * gate * p, "
        "with p = (1 + erf(gate / sqrt(2))) / 2",
        no_y=TWO_INPUTS,
        numpy={
            "forward": "gate / 2 * (1 + erf(gate / np.sqrt(2))) * up",
            "backward": "(grad * up * ((p := (1 + erf(gate / np.sqrt(2))) / 2) "
            "+ gate * np.exp(-gate * gate / 2) / np.sqrt(2 * np.pi)), grad * gate * p)",
        },
        range="(-inf, inf)",
        heavy=("forward", "backward"),
        reference="Shazeer, GLU variants improve transformer, 2020",
        max_ulp={
            "f32": {"forward": 5.0, "backward": 7.5},
            "f64": {"forward": 5.5, "backward": 5.5},
        },
    ),
    Activation(
        "geglu_tanh",
        kind="gated",
        module="gated",
        gate="gelu_tanh",
        summary="Gated unit with gelu_tanh: the feed-forward layer of Gemma.",
        formula="up * gate / (1 + exp(-2 * sqrt(2 / pi) * (gate + 0.044715 * gate**3)))",
        derivative="dgate = grad * up * s * (1 + 2 * sqrt(2 / pi) * (gate + 0.134145 * gate**3) * (1 - s)), "
        "dup = grad * gate * s, with s = 1 / (1 + exp(-2 * sqrt(2 / pi) * (gate + 0.044715 * gate**3)))",
        no_y=TWO_INPUTS,
        numpy={
            "forward": "gate / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3))) * up",
            "backward": "(grad * up * (s := 1 / (1 + np.exp(-np.sqrt(8 / np.pi) * (gate + 0.044715 * gate**3)))) "
            "* (1 + np.sqrt(8 / np.pi) * (gate + 0.134145 * gate**3) * (1 - s)), grad * gate * s)",
        },
        range="(-inf, inf)",
        heavy=("forward", "backward"),
        reference="Shazeer, GLU variants improve transformer, 2020",
        max_ulp={
            "f32": {"forward": 4.0, "backward": 7.5},
            "f64": {"forward": 3.0, "backward": 5.5},
        },
    ),
    Activation(
        "softmax",
        kind="softmax",
        module="softmax",
        options=True,
        summary="Turns the numbers along an axis into probabilities, positive and with the sum 1.",
        formula="exp(x - max(x)) / sum(exp(x - max(x)))",
        derivative="y * (grad - sum(grad * y)) for y = softmax(x)",
        derivative_y="y * (grad - sum(grad * y))",
        numpy={
            "forward": "(e := np.exp(x - x.max(-1, keepdims=True))) / e.sum(-1, keepdims=True)",
            "backward": "(s := (e := np.exp(x - x.max(-1, keepdims=True))) / e.sum(-1, keepdims=True))"
            " * (grad - (grad * s).sum(-1, keepdims=True))",
            "backward_y": "y * (grad - (grad * y).sum(-1, keepdims=True))",
        },
        range="(0, 1)",
        reference="Bridle, Training stochastic model recognition algorithms as networks, NIPS 1989",
        max_ulp={
            "f32": {"forward": 2.0, "backward_y": 4.0},
            "f64": {"forward": 8.0, "backward_y": 8.0},
        },
    ),
    Activation(
        "softmin",
        kind="softmax",
        module="softmax",
        options=True,
        summary="softmax of the negative: the smallest number gets the largest probability.",
        formula="exp(min(x) - x) / sum(exp(min(x) - x))",
        derivative="-y * (grad - sum(grad * y)) for y = softmin(x)",
        derivative_y="-y * (grad - sum(grad * y))",
        numpy={
            "forward": "(e := np.exp(x.min(-1, keepdims=True) - x)) / e.sum(-1, keepdims=True)",
            "backward": "(s := (e := np.exp(x.min(-1, keepdims=True) - x)) / e.sum(-1, keepdims=True))"
            " * ((grad * s).sum(-1, keepdims=True) - grad)",
            "backward_y": "y * ((grad * y).sum(-1, keepdims=True) - grad)",
        },
        range="(0, 1)",
        max_ulp={
            "f32": {"forward": 2.0, "backward_y": 4.0},
            "f64": {"forward": 8.0, "backward_y": 8.0},
        },
    ),
    Activation(
        "log_softmax",
        kind="softmax",
        module="softmax",
        options=True,
        summary="The logarithm of softmax, also where that rounds to 0 or 1.",
        formula="x - max(x) - log(sum(exp(x - max(x))))",
        derivative="grad - exp(y) * sum(grad) for y = log_softmax(x)",
        derivative_y="grad - exp(y) * sum(grad)",
        numpy={
            "forward": "(a := x - x.max(-1, keepdims=True)) - np.log(np.exp(a).sum(-1, keepdims=True))",
            "backward": "grad - (e := np.exp(x - x.max(-1, keepdims=True))) / e.sum(-1, keepdims=True)"
            " * grad.sum(-1, keepdims=True)",
            "backward_y": "grad - np.exp(y) * grad.sum(-1, keepdims=True)",
        },
        range="(-inf, 0)",
        max_ulp={
            "f32": {"forward": 2.0, "backward_y": 4.0},
            "f64": {"forward": 8.0, "backward_y": 8.0},
        },
    ),
    Activation(
        "logsumexp",
        kind="logsumexp",
        module="softmax",
        options=True,
        summary="The logarithm of the sum of the exponentials along an axis: a smooth maximum.",
        formula="max(x) + log(sum(exp(x - max(x))))",
        derivative="grad * softmax(x)",
        no_y="that is one number per line, which does not determine the line",
        numpy={
            "forward": "(m := x.max(-1)) + np.log(np.exp(x - m[:, None]).sum(-1))",
            "backward": "grad[:, None] * (e := np.exp(x - x.max(-1, keepdims=True))) / e.sum(-1, keepdims=True)",
        },
        range="[max(x), inf)",
        max_ulp={
            "f32": {"forward": 2.0, "backward": 4.0},
            "f64": {"forward": 8.0, "backward": 10.0},
        },
    ),
    Activation(
        "sparsemax",
        kind="softmax",
        module="sparsemax",
        summary="The nearest probabilities to the numbers along an axis, many of them exactly 0.",
        formula="max(x - tau, 0), with tau such that the sum is 1",
        derivative="s * (grad - sum(s * grad) / sum(s)) with s = 1 where y > 0, else 0",
        derivative_y="s * (grad - sum(s * grad) / sum(s)) with s = 1 where y > 0, else 0",
        numpy={
            "forward": "np.maximum(x - ((np.sort(x)[:, ::-1].cumsum(-1) - 1) / np.arange(1, x.shape[-1] + 1))"
            ".max(-1, keepdims=True), 0)",
            "backward_y": "(s := y > 0) * (grad - (s * grad).sum(-1, keepdims=True) / s.sum(-1, keepdims=True))",
        },
        range="[0, 1]",
        reference="Martins and Astudillo, From softmax to sparsemax, ICML 2016",
        max_ulp={
            "f32": {"forward": 2.0, "backward_y": 4.0},
            "f64": {"forward": 8.0, "backward_y": 8.0},
        },
    ),
    Activation(
        "entmax15",
        kind="softmax",
        module="sparsemax",
        summary="Between softmax and sparsemax: smooth, and yet small numbers get exactly 0.",
        formula="max(x / 2 - tau, 0)**2, with tau such that the sum is 1",
        derivative="s * (grad - sum(s * grad) / sum(s)) with s = sqrt(y)",
        derivative_y="s * (grad - sum(s * grad) / sum(s)) with s = sqrt(y)",
        numpy={
            "forward": "np.maximum(x / 2 - entmax15_tau(x), 0) ** 2",
            "backward_y": "(s := np.sqrt(y)) * (grad - (s * grad).sum(-1, keepdims=True) / s.sum(-1, keepdims=True))",
        },
        range="[0, 1]",
        reference="Peters, Niculae and Martins, Sparse sequence-to-sequence models, ACL 2019",
        max_ulp={
            "f32": {"forward": 2.0, "backward_y": 4.0},
            "f64": {"forward": 8.0, "backward_y": 8.0},
        },
    ),
    Activation(
        "hardmax",
        kind="softmax",
        module="sparsemax",
        summary="1 at the largest of the numbers along an axis (the first of equals; a NaN counts as the largest), 0 "
        "elsewhere.",
        formula="1 where x is the first max(x), else 0",
        derivative="0",
        derivative_y="0",
        numpy={
            "forward": "(np.arange(x.shape[-1]) == x.argmax(-1)[:, None]).astype(x.dtype)",
            "backward_y": "np.zeros_like(grad)",
        },
        range="{0, 1}",
        max_ulp={
            "f32": {"forward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.0, "backward_y": 0.0},
        },
    ),
    Activation(
        "softmax_cross_entropy",
        kind="cross_entropy",
        module="cross_entropy",
        summary="The cross-entropy of classes, or of probabilities, with softmax(logits), without making that.",
        formula="-sum(labels * log_softmax(x))",
        derivative="grad * (softmax(x) - labels)",
        no_y="the loss does not determine the logits",
        numpy={
            "forward": "np.log(np.exp(x - (m := x.max(-1, keepdims=True))).sum(-1)) - (x - m)[rows, labels]",
            "backward": "grad[:, None] * ((e := np.exp(x - x.max(-1, keepdims=True))) / e.sum(-1, keepdims=True)"
            " - hot)",
        },
        range="[0, inf)",
        max_ulp={
            "f32": {"forward": 2.0, "backward": 4.0},
            "f64": {"forward": 8.0, "backward": 16.0},
        },
    ),
    Activation(
        "sigmoid_cross_entropy",
        kind="binary_cross_entropy",
        module="cross_entropy",
        summary="The cross-entropy of probabilities with sigmoid(logits), each for itself.",
        formula="log(1 + exp(x)) - x * labels",
        derivative="grad * (1 / (1 + exp(-x)) - labels)",
        no_y="the loss does not determine the logit",
        numpy={
            "forward": "np.logaddexp(0, x) - x * labels",
            "backward": "grad * (1 / (1 + np.exp(-x)) - labels)",
        },
        range="[0, inf)",
        heavy=("forward", "backward"),
        max_ulp={
            "f32": {"forward": 2.5, "backward": 4.0},
            "f64": {"forward": 2.5, "backward": 4.0},
        },
    ),
    Activation(
        "maxout",
        kind="maxout",
        module="maxout",
        summary="The largest of every pool_size consecutive numbers along an axis; with them learned, any convex "
        "function.",
        formula="max(x[k * pool_size : (k + 1) * pool_size])",
        derivative="1 at the place of the maximum (the first of equals), 0 elsewhere",
        no_y="the place of the maximum is needed, which the forward gives as index",
        numpy={
            "forward": "x.reshape(-1, pool_size).max(-1)",
            "backward": "np.where(np.arange(pool_size) == index[:, None], grad[:, None], 0).ravel()",
        },
        range="(-inf, inf)",
        reference="Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout networks, ICML 2013",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0},
        },
    ),
    Activation(
        "crelu",
        kind="crelu",
        module="crelu",
        summary="Concatenated relu: the positive parts of x and of -x, one after the other along an axis, so that no "
        "information is lost.",
        formula="concatenate(max(x, 0), max(-x, 0))",
        derivative="dx = first half of grad for x > 0, minus the second half for x < 0, 0 for x = 0",
        derivative_y="dx = first half of grad where that of y is > 0, minus the second half where that is",
        numpy={
            "forward": "np.concatenate((np.maximum(x, 0), np.maximum(-x, 0)), -1)",
            "backward": "grad[: x.size] * (x > 0) - grad[x.size :] * (x < 0)",
            "backward_y": "(d := grad * (y > 0))[: x.size] - d[x.size :]",
        },
        range="[0, inf)",
        reference="Shang, Sohn, Almeida and Lee, Understanding and improving convolutional neural networks via "
        "concatenated rectified linear units, ICML 2016",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
        },
    ),
)

# Names that other systems give to these functions, beside the canonical ones and the aliases. Case, underscores,
# hyphens and spaces do not count.
SPELLINGS: dict[str, str] = {
    "rectifier": "relu",
    "rectify": "relu",
    "eltwise_relu": "relu",
    "lrelu": "leaky_relu",
    "parametric_relu": "prelu",
    "eltwise_elu": "elu",
    "soft_relu": "softplus",
    "eltwise_soft_relu": "softplus",
    "log1pexp": "softplus",
    "eltwise_logistic": "sigmoid",
    "ultra_fast_sigmoid": "sigmoid",
    "eltwise_tanh": "tanh",
    "eltwise_swish": "silu",
    "geglu_erf": "geglu",
    "gelu_quick": "quick_gelu",
    "gelu_fast_approx": "quick_gelu",
    "gelu_erf": "gelu",
    "eltwise_gelu_erf": "gelu",
    "eltwise_gelu_tanh": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gelu_approx": "gelu_tanh",
    "approx_gelu": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "eltwise_mish": "mish",
    "relu_squared": "relu2",
    "eltwise_hardsigmoid": "hard_sigmoid",
    "hard_swish_mobilenet": "hard_swish",
    "eltwise_hardswish": "hard_swish",
    "eltwise_exp": "exponential",
    "softmax_log": "log_softmax",
    "softmax_accurate": "softmax",
    "reduce_logsumexp": "logsumexp",
    "softmax_cross_entropy_loss": "softmax_cross_entropy",
    "cross_entropy": "softmax_cross_entropy",
    "cross_entropy_loss": "softmax_cross_entropy",
    "softmax_cross_entropy_with_logits": "softmax_cross_entropy",
    "sparse_softmax_cross_entropy_with_logits": "softmax_cross_entropy",
    "binary_cross_entropy_with_logits": "sigmoid_cross_entropy",
    "bce_with_logits_loss": "sigmoid_cross_entropy",
    "sigmoid_cross_entropy_with_logits": "sigmoid_cross_entropy",
    "sigmoid_binary_crossentropy": "sigmoid_cross_entropy",
}

# What a system means by a name where that is not the function above with its defaults: by system, the function and its
# parameters there; "" is for names without a system. The spelling counts where two differ in nothing else, as Keras's
# leaky_relu and LeakyReLU. A text instead says why there is no such function.
PRESETS: dict[str, dict[str, tuple[str, dict[str, float]] | str]] = {
    # In training rrelu draws slopes between 1/8 and 1/3 (prelu with an array of them); this is their mean.
    "": {"rrelu": ("leaky_relu", {"negative_slope": 11 / 48})},
    "torch": {},
    # torch's, when it has a capital: the functions in lower case are those of an nn of JAX, Flax or TensorFlow.
    "nn": {
        "GELU": ("gelu", {}),
        "gelu": "it is gelu_tanh in jax.nn and flax.linen, and gelu in tf.nn: write which",
        "LeakyReLU": ("leaky_relu", {}),
        "leaky_relu": "its slope is 0.01 in jax.nn and flax.linen, and 0.2 in tf.nn: write which",
    },
    "keras": {
        "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}),
        "LeakyReLU": ("leaky_relu", {"negative_slope": 0.3}),
        "ops.gelu": ("gelu_tanh", {}),
        "ops.nn.gelu": ("gelu_tanh", {}),
    },
    "keras2": {
        "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}),
        "LeakyReLU": ("leaky_relu", {"negative_slope": 0.3}),
        "hard_sigmoid": ("hard_sigmoid", {"slope": 0.2}),
    },
    "jax": {"gelu": ("gelu_tanh", {})},
    "flax": {"gelu": ("gelu_tanh", {})},
    # Programs for TensorFlow.js call it tf as well.
    "tf": {
        "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}),
        "leakyRelu": ("leaky_relu", {"negative_slope": 0.2}),
        "leakyReLU": ("leaky_relu", {"negative_slope": 0.3}),
        "LeakyReLU": ("leaky_relu", {"negative_slope": 0.3}),
        "hardSigmoid": ("hard_sigmoid", {"slope": 0.2}),
    },
    "tfjs": {
        "leakyRelu": ("leaky_relu", {"negative_slope": 0.2}),
        "leakyReLU": ("leaky_relu", {"negative_slope": 0.3}),
        "LeakyReLU": ("leaky_relu", {"negative_slope": 0.3}),
        "hardSigmoid": ("hard_sigmoid", {"slope": 0.2}),
    },
    "theano": {
        "hard_sigmoid": ("hard_sigmoid", {"slope": 0.2}),
        "ultra_fast_sigmoid": ("sigmoid", {}),
    },
    "onnx": {"HardSigmoid": ("hard_sigmoid", {"slope": 0.2}), "Shrink": ("hard_shrink", {})},
    "onednn": {"eltwise_linear": "it has a slope and an offset; without them it is identity"},
    "thinc": {
        "hard_sigmoid": ("hard_sigmoid", {"slope": 0.2}),
        "hard_swish": "it is x * clip(0.2 * x + 0.5, 0, 1); the usual one is thinc.hard_swish_mobilenet",
        "clipped_linear": "it has a slope and an offset; without them it is hard_tanh(x, 0, 1)",
    },
    "ggml": {"gelu": ("gelu_tanh", {})},
    "mlx": {},
    "candle": {"gelu": ("gelu_tanh", {})},
    "scipy": {},
}

# Other ways to write a system, in lower case: what programs import it as, and modules that are a system of their own.
SYSTEMS: dict[str, str] = {
    "f": "torch",
    "nn.functional": "torch",
    "layers": "keras",
    "tf.keras": "keras",
    "tensorflow": "tf",
    "tensorflow.keras": "keras",
    "tensorflowjs": "tfjs",
}


# The names in docs/names.md, by system. One that differs from another in nothing but case, underscores and hyphens, and
# means the same, is left out.
NAMES: dict[str, str] = {
    "keras": """
        linear relu leaky_relu LeakyReLU PReLU relu6 threshold hard_tanh hard_sigmoid hard_swish hard_silu elu selu celu
        softplus log_sigmoid squareplus sparse_plus sparse_sigmoid exponential sigmoid tanh softsign silu swish gelu
        ops.gelu mish hard_shrink soft_shrink tanh_shrink glu softmax log_softmax logsumexp sparsemax
        """,
    "tf": """
        identity relu leaky_relu relu6 crelu elu selu softplus log_sigmoid exp sigmoid tanh softsign silu swish gelu
        softmax log_softmax reduce_logsumexp softmax_cross_entropy_with_logits sparse_softmax_cross_entropy_with_logits
        sigmoid_cross_entropy_with_logits
        """,
    "tfjs": """
        linear relu leakyRelu leakyReLU prelu relu6 thresholdedReLU hardSigmoid elu selu softplus logSigmoid exp sigmoid
        tanh softsign step swish gelu gelu_new mish softmax logSoftmax logSumExp softmaxCrossEntropy sigmoidCrossEntropy
        """,
    "theano": """
        relu hard_sigmoid elu selu softplus exp sigmoid ultra_fast_sigmoid tanh softsign softmax logsoftmax
        sigmoid_binary_crossentropy
        """,
    "torch": """
        Identity relu leaky_relu rrelu prelu relu6 threshold hardtanh hardsigmoid hardswish elu selu celu softplus
        logsigmoid exp sigmoid tanh softsign silu gelu mish hardshrink softshrink tanhshrink glu softmax softmin
        log_softmax logsumexp gumbel_softmax cross_entropy CrossEntropyLoss binary_cross_entropy_with_logits
        BCEWithLogitsLoss
        """,
    "jax": """
        identity relu leaky_relu relu6 hard_tanh hard_sigmoid hard_swish hard_silu elu selu celu softplus log_sigmoid
        squareplus sparse_plus sparse_sigmoid exp sigmoid tanh soft_sign silu swish gelu mish glu softmax log_softmax
        logsumexp
        """,
    "onnx": """
        Identity Relu LeakyRelu PRelu ThresholdedRelu HardSigmoid HardSwish Elu Selu Celu Softplus Exp Sigmoid Tanh
        Softsign Swish Gelu Mish Shrink SwiGLU Softmax LogSoftmax ReduceLogSumExp Hardmax SoftmaxCrossEntropyLoss
        """,
}


def plain(name: str) -> str:
    """A name without what spellings differ in: LeakyReLU, leaky_relu and leaky-relu are the same."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


CANONICAL = {plain(spelling): name for spelling, name in SPELLINGS.items()}
CANONICAL |= {plain(name): a.name for a in ACTIVATIONS for name in (a.name, *a.aliases)}
CANONICAL |= {"gumbelsoftmax": "gumbel_softmax"}  # no row: it is made of softmax and of NumPy's random numbers


@functools.lru_cache
def meaning(name: str) -> tuple[str, dict[str, float]]:
    """The canonical name for a name, and the parameters that the system it names has for defaults."""
    if name.endswith("_") and plain(name):
        own = name.rstrip("_")
        meaning(own)  # raises what is to be said if that is unknown as well
        raise ValueError(f"unknown activation {name!r}: for the function in place, get({own!r}, direction='inplace')")
    parts = name.split(".")
    for n in reversed(range(len(parts))):  # as many of the modules as name a system; none are ""
        system = ".".join(parts[:n]).lower()
        system = SYSTEMS.get(system, system)
        if system in PRESETS:
            break
    # With its modules first: keras.ops.gelu is another one than keras.activations.gelu.
    tails = [".".join(parts[k:]) for k in range(n, len(parts))] if system else [name]
    for presets in (PRESETS[system], PRESETS[""]):
        for tail in tails:
            # The exact spelling, or any other of a name that has only one meaning there.
            spelled = [tail] if tail in presets else [s for s in presets if plain(s) == plain(tail)]
            meanings = [presets[s] for s in spelled]
            if len({str(m) for m in meanings}) > 1:
                raise ValueError(f"{name!r} could be {' or '.join(spelled)}, which differ: spell it as one of them")
            if meanings:
                found = meanings[0]
                if isinstance(found, str):
                    raise ValueError(f"no function for {name!r}: {found}")
                return found
    own = plain(tails[-1])
    if own not in CANONICAL:
        near = dict.fromkeys(CANONICAL[n] for n in difflib.get_close_matches(own, CANONICAL, cutoff=0.5))
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(a.name for a in ACTIVATIONS)}"
        raise ValueError(f"unknown activation {name!r}: {hint}")
    return CANONICAL[own], {}
