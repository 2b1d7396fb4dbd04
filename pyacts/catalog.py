"""The catalogue: every activation pyacts has, declared once.

The C header, the exported symbols, the dispatch table, the Python functions with their signatures and docstrings, the
type stubs, the tests, the benchmark and the tables in the documentation are all made from ``ACTIVATIONS``. This module
needs nothing but the standard library, so that the build can read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ACTIVATIONS", "DTYPES", "Activation", "Dtype", "Parameter"]


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
        ``"softmax"`` (along an axis); ``"logsumexp"`` (along an axis, which goes); ``"cross_entropy"`` and
        ``"binary_cross_entropy"`` (losses); ``"maxout"`` (along an axis, which gets shorter).
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
    kinks : dict of float to float
        Where f' jumps: the value it has there, with the default parameters.
    max_ulp : dict of str to dict of str to float
        Largest error in units in the last place, for float32 and float64, by direction, default parameters, grad = 1.
        (Halves are computed in float32 and rounded: half a unit and what is left of that error.) A backward
        near a zero of its derivative is measured against the larger of the terms that cancel there.
    samples : pair of tuple of float
        f and f' at -1, 0 and 1, with the default parameters, to four decimals: the examples in the docstrings.
    reference : str
        Where it was proposed.
    options : bool
        Whether it has those of the softmax family: scale, where, bias, causal, sink.
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
    kinks: dict[float, float] = field(default_factory=dict)
    samples: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    reference: str = ""
    options: bool = False

    @property
    def learned(self) -> tuple[Parameter, ...]:
        """The parameters that have a gradient."""
        return tuple(p for p in self.parameters if p.learned)

    @property
    def directions(self) -> tuple[str, ...]:
        """What ``pyacts_find`` has for it: ``forward``, ``backward``, and ``backward_y`` where it exists."""
        return tuple(self.max_ulp["f32"])


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
        samples=((0.0, 0.0, 1.0), (0.0, 0.0, 1.0)),
        kinks={0.0: 0.0},
        reference="Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010",
        max_ulp={
            "f32": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
            "f64": {"forward": 0.0, "backward": 0.0, "backward_y": 0.0},
        },
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
        slopes=(0.0, 1.0),
        samples=((0.3133, 0.6931, 1.3133), (0.2689, 0.5, 0.7311)),
        reference="Dugas, Bengio, Belisle, Nadeau and Garcia, Incorporating second-order functional knowledge for "
        "better option pricing, NIPS 2000",
        max_ulp={
            "f32": {"forward": 1.75, "backward": 2.5, "backward_y": 1.5},
            "f64": {"forward": 1.75, "backward": 1.25, "backward_y": 1.5},
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
        aliases=("logistic", "expit"),
        limits=(0.0, 1.0),
        slopes=(0.0, 0.0),
        samples=((0.2689, 0.5, 0.7311), (0.1966, 0.25, 0.1966)),
        max_ulp={
            "f32": {"forward": 2.5, "backward": 4.0, "backward_y": 1.5},
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
        limits=(-1.0, 1.0),
        slopes=(0.0, 0.0),
        samples=((-0.7616, 0.0, 0.7616), (0.42, 1.0, 0.42)),
        max_ulp={
            "f32": {"forward": 1.05, "backward": 4.0, "backward_y": 1.5},
            "f64": {"forward": 1.5, "backward": 4.0, "backward_y": 1.5},
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
        "silu",
        kind="elementwise",
        module="self_gated",
        summary="Sigmoid-weighted linear unit, or swish: smooth, not monotone, like relu far from zero.",
        formula="x / (1 + exp(-beta * x))",
        derivative="s * (1 + beta * x * (1 - s)) with s = 1 / (1 + exp(-beta * x))",
        no_y="it is not monotone, so the output does not determine the input",
        numpy={
            "forward": "x / (1 + np.exp(-x))",
            "backward": "grad * (s := 1 / (1 + np.exp(-x))) * (1 + x * (1 - s))",
        },
        range="[-0.2785, inf) for beta = 1",
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
            "f32": {"forward": 3.5, "backward": 4.0},
            "f64": {"forward": 2.0, "backward": 5.0},
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
)
