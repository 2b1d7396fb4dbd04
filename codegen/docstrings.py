"""The docstrings of the Python functions, as templates that the catalogue fills in."""

import math
import textwrap

import numpy

from codegen import ACTIVATIONS, DTYPES

WIDTH = 108


def paragraph(text, indent=""):
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def equation(left, right):
    return textwrap.fill(f"{left} = {right}", WIDTH, initial_indent="    ", subsequent_indent=" " * (7 + len(left)))


def bound(parameter):
    """What a parameter must be, as the start of a sentence."""
    if parameter.domain in ("finite", "positive"):
        return f"A {parameter.domain} number"
    return f"A number {parameter.domain}"


def parameters(activation):
    """The entries of an activation's own parameters in a Parameters section."""
    lines = []
    x = " and ".join(activation.operands("forward")[0])
    for p in activation.parameters:
        default = "" if p.default is None else f", default {p.default:g}"
        also = "" if p.minimum_y is None else f", at least {p.minimum_y:g} when starting from y"
        meaning = f"{p.meaning[0].upper()}{p.meaning[1:]}. {bound(p)}{also}, or an array that broadcasts to {x}."
        lines += [f"{p.name} : float or array_like{default}", paragraph(meaning, "    ")]
    if activation.approximation:
        lines += ['approximate : {"none", "tanh"}, default "none"', f'    "tanh" makes it {activation.approximation}.']
    return "".join(line + "\n" for line in lines)


def error(activation, *directions):
    """The sentence on accuracy."""
    figures = activation.max_ulp
    if all(figures[t][d] == 0 for d in directions for t in figures):
        return "Exact."
    start = {"forward": "", "backward": "from x ", "backward_y": "from y "}
    parts = [start[d] + " and ".join(f"{figures[t][d]:g} ({DTYPES[t].name})" for t in figures) for d in directions]
    return f"Error: at most {', '.join(parts)} units in the last place, with the default parameters; halves 0.501."


def notes(*sentences):
    return paragraph(" ".join(s for s in sentences if s))


def reference(activation):
    return "\n" + paragraph(f"Proposed by: {activation.reference}.") + "\n" if activation.reference else ""


def saved(activation):
    """The entries of x and y in the Parameters section of a backward."""
    y = "y : array_like, optional\n" + paragraph(
        "The output of the forward, for when the input is gone (after an in-place forward). Give x or y, not both.",
        "    ",
    )
    if activation.derivative_y is None:
        y = "y : None\n" + paragraph(f"Not supported: {activation.no_y}.", "    ")
    return f"x : array_like, optional\n    The input of the forward; same shape and dtype as grad.\n{y}\n"


def fields(activation):
    """What the templates of all kinds may use."""
    a = activation
    found = {
        "name": a.name,
        "summary": paragraph(a.summary),
        "in_place_summary": paragraph(f"In place: {a.summary[0].lower()}{a.summary[1:]}"),
        "formula": a.formula,
        "formula_lines": equation("f(x)", a.formula),
        "derivative_lines": equation("f'(x)", a.derivative),
        "derivative": a.derivative,
        "derivative_y": a.derivative_y,
        "range": a.range,
        "parameters": parameters(a),
        "saved": saved(a),
        "reference": reference(a),
        "call": ", 0.25" if any(p.default is None for p in a.parameters) else "",
        "error": error(a, "forward"),
    }
    if a.kind == "gated":
        found |= gated_fields(a)
    if a.kind in ("softmax", "logsumexp"):
        found["options"] = (OPTIONS + ("" if a.kind == "logsumexp" else EMPTY)) if a.options else ""
    if a.kind == "softmax":
        found |= softmax_fields(a)
    if a.kind in ("cross_entropy", "binary_cross_entropy"):
        found |= loss_fields(a)
    if a.learned:
        found |= parameter_grad_fields(a)
    if a.samples:
        limits = f"f(-inf) = {a.limits[0]:g} and f(inf) = {a.limits[1]:g}; NaN gives NaN."
        kinks = " ".join(f"f'({x:g}) is taken as {d:g}." for x, d in a.kinks.items())
        found["notes"] = notes(limits, error(a, "forward"))
        found["backward_notes"] = notes(kinks, error(a, *a.directions[1:]))
        found["from_y"] = equation("     ", f"{a.derivative_y}, where y = f(x)") + "\n" if a.derivative_y else ""
        found["values"], found["slopes"] = (repr(numpy.array(row)) for row in a.samples)
    return found


GATED_SAMPLES = numpy.array([-1.0, 0.0, 2.0]), numpy.array([3.0, 4.0, 5.0])


def gated_fields(activation):
    """What the templates of gated units use. The samples are worked out with the formulas of the catalogue."""
    gate, up = GATED_SAMPLES
    names = {"np": numpy, "erf": numpy.vectorize(math.erf), "gate": gate, "up": up, "grad": numpy.ones(3)}
    value, slopes = (eval(activation.numpy[direction], names) for direction in ("forward", "backward"))
    shown = [repr(array.round(4) + 0.0) for array in (value, *slopes)]  # 0.0 for -0.0
    while_usual = f"This holds while {activation.gate}(gate) is not subnormal{{}}."
    return {
        "values": shown[0],
        "dgate": shown[1],
        "dup": shown[2],
        "gate": activation.gate,
        "derivative": paragraph(activation.derivative),
        "notes": notes(error(activation, "forward"), while_usual.format("")),
        "backward_notes": notes(
            error(activation, "backward").replace("from x ", ""),
            while_usual.format(", and grad * up neither subnormal nor infinite"),
        ),
    }


def parameter_grad_fields(activation):
    learned = [p.name for p in activation.learned]
    where = "In the parameter's shape and the dtype of x."
    kind = "ndarray or scalar" if len(learned) == 1 else f"tuple of {len(learned)} ndarrays or scalars"
    return {
        "learned": " and ".join(learned),
        "parameter_terms": "\n".join(equation(f"df/d{p.name}", p.gradient) for p in activation.learned),
        "parameter_grads": f"{kind}\n    {where}",
        "ones": ", ".join("np.ones(2)" if p.learned else f"{p.default:g}" for p in activation.parameters),
        "first": "" if len(learned) == 1 else "[0]",
    }


OPTIONS = """\
scale : float, default 1
    A factor of x, the inverse of a temperature.
where : array_like of bool, optional
    Which numbers take part; broadcasts to x, and is not expanded.
bias : array_like, optional
    What is added to scale * x; broadcasts to x, and is not expanded. -inf hides. softmin is the softmax of
    -scale * x + bias.
causal : bool or int, default False
    True: row i of the last two axes sees columns j <= i only. A number is an offset: j <= i + causal.
sink : float or array_like, optional
    A further number in the sum, of which there is no result; broadcasts to the lines, the shape of x without axis.
"""
EMPTY = """\
empty : {"nan", "zero"}, default "nan"
    What a line with nothing left is: NaN, or probabilities of 0.
"""


HIDING = (
    "What where, causal or a bias of -inf hides has the probability 0, whatever it is, NaN included. With a sink the "
    "probabilities have a sum below 1."
)
RECOMPUTED = "From x the forward is computed again: y is what to keep."
BACKWARD_OPTIONS = (
    "The options are to be those of the forward: scale is a factor of the gradient, hidden numbers get 0 and their "
    "grad is not looked at. The gradient with respect to bias is this one divided by scale."
)


def softmax_example(name, x):
    """A function along an axis, for the examples: exponentials, or a tau found by bisection."""
    if name == "hardmax":
        return (x == x.max()).astype(float)
    power = {"sparsemax": 1, "entmax15": 2}.get(name)
    if power:
        low, high = -1.0, 0.0
        for _ in range(60):
            tau = (low + high) / 2
            y = numpy.maximum((x - x.max()) / power - tau, 0) ** power
            low, high = (tau, high) if y.sum() > 1 else (low, tau)
        return y
    e = numpy.exp(-x if name == "softmin" else x)
    return numpy.log(e / e.sum()) if name == "log_softmax" else e / e.sum()


def softmax_fields(activation):
    """The examples: values of [1, 1.5, 2], the same with the last hidden, and the gradient for grad = [0, 1, 0]."""
    name, x = activation.name, numpy.array([1.0, 1.5, 2.0])
    steps = 1e-5 * numpy.eye(3)
    slopes = numpy.array([(softmax_example(name, x + h) - softmax_example(name, x - h))[1] / 2e-5 for h in steps])
    edges = "A row with +inf is shared among its infinities; a row of nothing but -inf, or with a NaN, becomes NaN."
    if name == "hardmax":
        edges = "Of equals the first is taken, and NaN before any number, as np.argmax does."
    masked = numpy.append(softmax_example(name, x[:2]), -numpy.inf if name == "log_softmax" else 0)
    call = f">>> pyacts.{name}(np.array([1.0, 1.5, 2.0]), where=np.array([True, True, False])).round(4)"
    return {
        "values": repr(softmax_example(name, x).round(4)),
        "slopes": repr(slopes.round(4) + 0),
        "edges": paragraph(f"{edges} {HIDING}" if activation.options else edges),
        "backward_notes": paragraph(f"{RECOMPUTED} {BACKWARD_OPTIONS}" if activation.options else RECOMPUTED),
        "masked_example": f"\n{call}\n{masked.round(4)!r}" if activation.options else "",
    }


def docstring(template, activation):
    return template.strip("\n").format_map(fields(activation))


# ----------------------------------------------------------------------------------------------------------------
# Elementwise

FORWARD = """
{summary}

{formula_lines}

Parameters
----------
x : array_like
    float16, bfloat16, float32 and float64 are kept; integers and booleans become floating-point.
{parameters}out : ndarray, optional
    Where to put the result; it may be x.
**ufunc_kwargs
    where, casting, order, dtype, subok: as for any NumPy ufunc.

Returns
-------
ndarray or scalar
    f(x), in {range}.

Raises
------
TypeError
    If x is complex, longdouble or object.
ValueError
    If a parameter is out of its domain, or the shapes do not fit.

See Also
--------
{name}_ : the same in place
{name}_backward : its gradient

Notes
-----
{notes}
{reference}
Examples
--------
>>> import numpy as np
>>> import pyacts
>>> x = np.array([-1.0, 0.0, 1.0])
>>> pyacts.{name}(x{call}).round(4)
{values}
"""

IN_PLACE = """
{in_place_summary}

{formula_lines}

Parameters
----------
x : ndarray
    float16, bfloat16, float32 or float64, any strides, writeable.
{parameters}
Returns
-------
ndarray
    x itself, changed.

Raises
------
TypeError
    If x is not a NumPy array of such a dtype, or has rules of its own (a MaskedArray).
ValueError
    If x is read-only, its elements share memory, or a parameter is out of its domain. Nothing is written.

See Also
--------
{name} : the same into a new array

Notes
-----
{notes}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> x = np.array([-1.0, 0.0, 1.0])
>>> pyacts.{name}_(x{call}) is x
True
>>> x.round(4)
{values}
"""

BACKWARD = """
Gradient of {name} with respect to its input: grad * f'(x).

{derivative_lines}
{from_y}
Parameters
----------
grad : array_like
    Gradient of the loss with respect to the output.
{saved}{parameters}out : ndarray, optional
    Where to put the result; it may be grad.

Returns
-------
ndarray or scalar
    In the shape and dtype of x.

Raises
------
TypeError
    If both or neither of x and y are given, or the dtypes differ.
ValueError
    If the shapes differ, or a parameter is out of its domain.

See Also
--------
{name} : the forward
{name}_backward_ : the same in place

Notes
-----
{backward_notes}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> x = np.array([-1.0, 0.0, 1.0])
>>> pyacts.{name}_backward(np.ones(3), x{call}).round(4)
{slopes}
"""

BACKWARD_IN_PLACE = """
Gradient of {name} with respect to its input, in place in grad: grad * f'(x).

{derivative_lines}
{from_y}
Parameters
----------
grad : ndarray
    Gradient of the loss with respect to the output: float16, bfloat16, float32 or float64, any strides, writeable.
{saved}{parameters}
Returns
-------
ndarray
    grad itself, changed.

Raises
------
TypeError
    If grad is not a NumPy array of a supported dtype, both or neither of x and y are given, or the dtypes differ.
ValueError
    If the shapes differ, grad is read-only or its elements share memory, x or y partly overlaps it, or a parameter
    is out of its domain. Nothing is written.

See Also
--------
{name}_backward : the same into a new array

Notes
-----
{backward_notes}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> x = np.array([-1.0, 0.0, 1.0])
>>> grad = np.ones(3)
>>> pyacts.{name}_backward_(grad, x{call}) is grad
True
>>> grad.round(4)
{slopes}
"""

PARAMETER_GRAD = """
Gradient of {name} with respect to {learned}: a sum over the axes that the parameter was broadcast along.

    grad * df/dp, summed, where
{parameter_terms}

Parameters
----------
grad : array_like
    Gradient of the loss with respect to the output.
x : array_like
    The input of the forward; same shape and dtype as grad.
{parameters}
Returns
-------
{parameter_grads}

Raises
------
TypeError
    If the dtypes differ.
ValueError
    If a parameter is out of its domain, or the shapes do not fit.

See Also
--------
{name}_backward : the gradient with respect to the input

Notes
-----
Summed in double, in an order that does not depend on the instruction set.

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> x = np.array([[-1.0, 2.0], [-3.0, -4.0]])
>>> per_column = pyacts.{name}_parameter_grad(np.ones((2, 2)), x, {ones})
>>> np.shape(per_column{first})
(2,)
"""

# ----------------------------------------------------------------------------------------------------------------
# Gated units

GATED = """
{summary}

    y = {formula}

Parameters
----------
gate : array_like
    What opens and closes the gate. float16, bfloat16, float32 and float64 are kept; integers and booleans become
    floating-point.
up : array_like
    What goes through it; broadcast with gate. split_gate finds the two in one array.
{parameters}out : ndarray, optional
    Where to put the result; it may be gate or up.
**ufunc_kwargs
    where, casting, order, dtype, subok: as for any NumPy ufunc.

Returns
-------
ndarray or scalar
    {gate}(gate) * up.

Raises
------
TypeError
    If gate or up is complex, longdouble or object.
ValueError
    If a parameter is out of its domain, or the shapes do not fit.

See Also
--------
{name}_ : the same in place
{name}_backward : its gradients
{gate} : the activation of the gate

Notes
-----
{notes}
{reference}
Examples
--------
>>> import numpy as np
>>> import pyacts
>>> gate, up = np.array([-1.0, 0.0, 2.0]), np.array([3.0, 4.0, 5.0])
>>> pyacts.{name}(gate, up).round(4)
{values}
"""

GATED_IN_PLACE = """
{in_place_summary}

    y = {formula}

Parameters
----------
gate : array_like
    What opens and closes the gate; same shape and dtype as up.
up : ndarray
    What goes through it, and what the result replaces: float16, bfloat16, float32 or float64, any strides,
    writeable.
{parameters}
Returns
-------
ndarray
    up itself, changed.

Raises
------
TypeError
    If up is not a NumPy array of such a dtype, or has rules of its own (a MaskedArray), or the dtypes differ.
ValueError
    If up is read-only, its elements share memory, gate partly overlaps it, the shapes differ, or a parameter is
    out of its domain. Nothing is written.

See Also
--------
{name} : the same into a new array

Notes
-----
{notes}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> gate, up = np.array([-1.0, 0.0, 2.0]), np.array([3.0, 4.0, 5.0])
>>> pyacts.{name}_(gate, up) is up
True
>>> up.round(4)
{values}
"""

GATED_BACKWARD = """
Gradients of {name} with respect to gate and up, in one pass.

{derivative}

Parameters
----------
grad : array_like
    Gradient of the loss with respect to the output.
gate : array_like
    An input of the forward; same shape and dtype as grad.
up : array_like
    The other input, likewise.
{parameters}out : pair of ndarray, optional
    Where to put dgate and dup.

Returns
-------
dgate, dup : ndarray or scalar
    In the shape and dtype of grad.

Raises
------
TypeError
    If the dtypes differ.
ValueError
    If the shapes differ, or a parameter is out of its domain.

See Also
--------
{name} : the forward
{name}_backward_ : the same in place

Notes
-----
{backward_notes}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> gate, up = np.array([-1.0, 0.0, 2.0]), np.array([3.0, 4.0, 5.0])
>>> dgate, dup = pyacts.{name}_backward(np.ones(3), gate, up)
>>> dgate.round(4)
{dgate}
>>> dup.round(4)
{dup}
"""

GATED_BACKWARD_IN_PLACE = """
Gradients of {name} with respect to gate and up, in place in these, in one pass.

{derivative}

Parameters
----------
grad : array_like
    Gradient of the loss with respect to the output; same shape and dtype as gate and up. It may be one of them.
gate : ndarray
    An input of the forward, which its gradient replaces: float16, bfloat16, float32 or float64, any strides,
    writeable.
up : ndarray
    The other input, likewise.
{parameters}
Returns
-------
gate, up : ndarray
    These very arrays, changed: dgate and dup.

Raises
------
TypeError
    If gate or up is not a NumPy array of a supported dtype, or the dtypes differ.
ValueError
    If the shapes differ, gate or up is read-only or has elements that share memory, the two share memory, grad
    partly overlaps one of them, or a parameter is out of its domain. Nothing is written.

See Also
--------
{name}_backward : the same into new arrays

Notes
-----
{backward_notes}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> gate, up = np.array([-1.0, 0.0, 2.0]), np.array([3.0, 4.0, 5.0])
>>> dgate, dup = pyacts.{name}_backward_(np.ones(3), gate, up)
>>> dgate is gate and dup is up
True
>>> dgate.round(4)
{dgate}
"""

# ----------------------------------------------------------------------------------------------------------------
# softmax

SOFTMAX = """
{summary}

    y = {formula}

Parameters
----------
x : array_like
    float16, bfloat16, float32 and float64 are kept; integers and booleans become floating-point.
axis : int, default -1
    The axis to work along. A contiguous array is not copied, whichever axis it is.
{options}out : ndarray, optional
    Where to put the result; it may be x.
**ufunc_kwargs
    casting, order, dtype, subok: as for any NumPy gufunc.

Returns
-------
ndarray
    In the shape of x, in {range}.

Raises
------
TypeError
    If x is complex, longdouble, object, or a MaskedArray.
ValueError
    If the axis has length 0.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name}_ : the same in place
{name}_backward : its gradient

Notes
-----
{edges}
{error}
{reference}
Examples
--------
>>> import numpy as np
>>> import pyacts
>>> pyacts.{name}(np.array([1.0, 1.5, 2.0])).round(4)
{values}{masked_example}
"""

SOFTMAX_IN_PLACE = """
{in_place_summary}

    y = {formula}

Parameters
----------
x : ndarray
    float16, bfloat16, float32 or float64, any strides, writeable. If it is not contiguous, lines are copied, a few
    at a time.
axis : int, default -1
    The axis to work along.
{options}
Returns
-------
ndarray
    x itself, changed.

Raises
------
TypeError
    If x is not a NumPy array of such a dtype, or has rules of its own (a MaskedArray).
ValueError
    If x is read-only, its elements share memory, or the axis has length 0. Nothing is written.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name} : the same into a new array

Notes
-----
{error}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> x = np.array([1.0, 1.5, 2.0])
>>> pyacts.{name}_(x) is x
True
>>> x.round(4)
{values}
"""

SOFTMAX_BACKWARD = """
Gradient of {name} with respect to its input.

    {derivative_y}, where y = {name}(x)

Parameters
----------
grad : array_like
    Gradient of the loss with respect to the output.
{saved}axis : int, default -1
    The axis of the forward.
{options}out : ndarray, optional
    Where to put the result; it may be grad.

Returns
-------
ndarray
    In the shape and dtype of grad.

Raises
------
TypeError
    If both or neither of x and y are given, or the dtypes differ.
ValueError
    If the shapes differ, or the axis has length 0.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name} : the forward
{name}_backward_ : the same in place

Notes
-----
{backward_notes}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> y = pyacts.{name}(np.array([1.0, 1.5, 2.0]))
>>> pyacts.{name}_backward(np.array([0.0, 1.0, 0.0]), y=y).round(4) + 0
{slopes}
"""

SOFTMAX_BACKWARD_IN_PLACE = """
Gradient of {name} with respect to its input, in place in grad.

    {derivative_y}, where y = {name}(x)

Parameters
----------
grad : ndarray
    Gradient of the loss with respect to the output: float16, bfloat16, float32 or float64, any strides, writeable.
{saved}axis : int, default -1
    The axis of the forward.
{options}
Returns
-------
ndarray
    grad itself, changed.

Raises
------
TypeError
    If grad is not a NumPy array of a supported dtype, both or neither of x and y are given, or the dtypes differ.
ValueError
    If the shapes differ, grad is read-only or its elements share memory, x or y partly overlaps it, or the axis has
    length 0. Nothing is written.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name}_backward : the same into a new array

Notes
-----
From x, y is computed first, into a new array. From y, lines are copied, a few at a time, if the arrays are not
contiguous, and nothing else.

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> y = pyacts.{name}(np.array([1.0, 1.5, 2.0]))
>>> grad = np.array([0.0, 1.0, 0.0])
>>> pyacts.{name}_backward_(grad, y=y) is grad
True
>>> grad.round(4) + 0
{slopes}
"""

LOGSUMEXP = """
{summary}

    y = {formula}

Parameters
----------
x : array_like
    float16, bfloat16, float32 and float64 are kept; integers and booleans become floating-point.
axis : int, default -1
    The axis to work along. A contiguous array is not copied, whichever axis it is.
keepdims : bool, default False
    Whether the result keeps the axis, with length 1.
{options}
Returns
-------
ndarray or scalar
    A number for each line along axis.

Raises
------
TypeError
    If x is complex, longdouble, object, or a MaskedArray.
ValueError
    If the axis has length 0, or an option does not fit.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name}_backward : its gradient

Notes
-----
A line with +inf gives +inf, one of nothing but -inf or one that is hidden throughout gives -inf, NaN gives NaN.
{error}
Units are those of the larger of the result and max(x).

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> pyacts.{name}(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])).round(4)
array([3.4076, 1.0986])
"""

LOGSUMEXP_BACKWARD = """
Gradient of {name} with respect to its input.

    {derivative}

Parameters
----------
grad : array_like
    Gradient of the loss with respect to the output, in its shape.
x : array_like
    The input of the forward; same dtype as grad.
axis : int, default -1
    As in the forward.
keepdims : bool, default False
    As in the forward.
{options}
Returns
-------
ndarray
    In the shape and dtype of x.

Raises
------
TypeError
    If the dtypes differ.
ValueError
    If the shapes do not fit, or the axis has length 0.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name} : the forward

Notes
-----
The gradient of a line with nothing left is 0. With a scale it is grad * scale * softmax(x, scale=scale).

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> pyacts.{name}_backward(1.0, np.array([1.0, 2.0, 3.0])).round(4)
array([0.09  , 0.2447, 0.6652])
"""

# ----------------------------------------------------------------------------------------------------------------
# Losses

REDUCTION = """\
reduction : {"mean", "sum", "none"}, default "mean"
    What is made of the losses: one number, or all of them. A mean is over the sum of the weights of the classes
    (without a weight: the number of labels that are not ignored); over the lines if labels are probabilities.
"""
CLASSES = """\
logits : array_like
    Numbers of any size, one for each class along axis.
labels : array_like
    Classes as integers, in the shape of logits without axis; or a probability for each class, in the shape of
    logits.
axis : int, default -1
    The axis of the classes.
label_smoothing : float, default 0
    How much of the labels is spread over all classes, from 0 to 1.
ignore_index : int, optional
    A class, or any other number, whose labels count for nothing: loss 0, gradient 0.
weight : array_like, optional
    A factor for each class.
"""
SINGLE = """\
logits : array_like
    Numbers of any size.
labels : array_like
    From 0 to 1, in the shape of logits.
"""

LOSS = """
{summary}

    loss = {formula}

Parameters
----------
{loss_parameters}
Returns
-------
scalar or ndarray
    In the dtype of logits.

Raises
------
TypeError
    If the labels are of another kind.
ValueError
    If the shapes do not fit, a class does not exist, or a parameter is out of its domain.

See Also
--------
{name}_backward : its gradient

Notes
-----
Accurate also where the loss is nearly 0, however far the logits are apart.
{error}

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> logits = np.array([[1.0, 2.0, 3.0], [3.0, 0.0, 1.0]])
>>> float(pyacts.{name}(logits, {labels}).round(4))
{loss}
"""

LOSS_BACKWARD = """
Gradient of {name} with respect to the logits.

    {derivative}, divided by the number of them for a mean

Parameters
----------
grad : array_like
    Gradient with respect to the loss: a number (1.0 if the loss is what is minimised), or with reduction="none" an
    array in the shape of the loss.
{loss_parameters}
Returns
-------
ndarray
    In the shape and dtype of logits.

Raises
------
TypeError
    If the labels are of another kind.
ValueError
    If the shapes do not fit, a class does not exist, or a parameter is out of its domain.

See Also
--------
{name} : the forward

Notes
-----
No probabilities are stored: what is read is the logits.

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> logits = np.array([[1.0, 2.0, 3.0], [3.0, 0.0, 1.0]])
>>> pyacts.{name}_backward(1.0, logits, {labels}).round(4)
{loss_slopes}
"""


def loss_fields(activation):
    x = numpy.array([[1.0, 2.0, 3.0], [3.0, 0.0, 1.0]])
    t = numpy.array([[0.0, 0, 1], [1, 0, 0]])
    single = activation.kind == "binary_cross_entropy"
    if single:
        loss, slopes = (numpy.log1p(numpy.exp(x)) - x * t).mean(), (1 / (1 + numpy.exp(-x)) - t) / 6
    else:
        p = numpy.exp(x) / numpy.exp(x).sum(1, keepdims=True)
        loss, slopes = -(t * numpy.log(p)).sum() / 2, (p - t) / 2
    return {
        "loss_parameters": (SINGLE if single else CLASSES) + REDUCTION,
        "labels": "np.array([[0, 0, 1], [1, 0, 0]])" if single else "np.array([2, 0])",
        "loss": repr(float(loss.round(4))),
        "loss_slopes": repr(slopes.round(4)),
    }


# ----------------------------------------------------------------------------------------------------------------
# maxout

MAXOUT = """
{summary}

    y[k] = {formula}

Parameters
----------
x : array_like
    float16, bfloat16, float32 and float64 are kept; integers and booleans become floating-point.
pool_size : int
    How many consecutive entries make one output. It divides the length of the axis.
axis : int, default -1
    The axis to work along.
return_index : bool, default False
    Also return where in its pool each maximum was, which the backward needs.

Returns
-------
y : ndarray
    Like x, the axis shorter by the factor pool_size.
index : ndarray of intp
    From 0 to pool_size - 1, in the shape of y; only with return_index.

Raises
------
ValueError
    If pool_size is less than 1 or does not divide the length of the axis.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name}_backward : its gradient

Notes
-----
Of equals the first is taken, and NaN before any number, as np.argmax does. Exact.
{reference}
Examples
--------
>>> import numpy as np
>>> import pyacts
>>> pyacts.{name}(np.array([1.0, 5.0, 2.0, 4.0, 3.0, 0.0]), 2)
array([5., 4., 3.])
"""

MAXOUT_BACKWARD = """
Gradient of {name} with respect to its input: grad where the maximum was taken, 0 elsewhere.

Parameters
----------
grad : array_like
    Gradient of the loss with respect to the output.
index : array_like of int
    What {name} gave with return_index=True; same shape as grad.
pool_size : int
    As in the forward.
axis : int, default -1
    As in the forward.

Returns
-------
ndarray
    Like grad, the axis longer by the factor pool_size.

Raises
------
TypeError
    If index does not hold integers.
ValueError
    If the shapes differ, or an index is not from 0 to pool_size - 1.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name} : the forward

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> y, index = pyacts.{name}(np.array([1.0, 5.0, 2.0, 4.0]), 2, return_index=True)
>>> pyacts.{name}_backward(np.array([1.0, 1.0]), index, 2)
array([0., 1., 0., 1.])
"""

# ----------------------------------------------------------------------------------------------------------------
# crelu

CRELU = """
{summary}

    y = {formula}

Parameters
----------
x : array_like
    float16, bfloat16, float32 and float64 are kept; integers and booleans become floating-point.
axis : int, default -1
    The axis to work along.

Returns
-------
ndarray
    Like x, the axis twice as long.

Raises
------
TypeError
    If x is complex, longdouble, object, or a MaskedArray.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name}_backward : its gradient
relu : its halves

Notes
-----
{error}
{reference}
Examples
--------
>>> import numpy as np
>>> import pyacts
>>> pyacts.{name}(np.array([1.0, -2.0, 3.0]))
array([1., 0., 3., 0., 2., 0.])
"""

CRELU_BACKWARD = """
Gradient of {name} with respect to its input.

    {derivative}

Parameters
----------
grad : array_like
    Gradient of the loss with respect to the output.
x : array_like, optional
    The input of the forward; the dtype of grad, and its shape but for the axis, which is half as long.
y : array_like, optional
    The output of the forward, for when the input is gone; same shape and dtype as grad. Give x or y, not both.
axis : int, default -1
    As in the forward.

Returns
-------
ndarray
    Like grad, the axis half as long.

Raises
------
TypeError
    If both or neither of x and y are given, or the dtypes differ.
ValueError
    If the shapes do not fit.
numpy.exceptions.AxisError
    If axis is out of range.

See Also
--------
{name} : the forward

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> x, grad = np.array([1.0, -2.0, 0.0]), np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
>>> pyacts.{name}_backward(grad, x)
array([ 10., -50.,   0.])
>>> pyacts.{name}_backward(grad, y=pyacts.{name}(x))
array([ 10., -50.,   0.])
"""

# How to tell which template belongs to which function: by kind and by what follows the activation's name.
TEMPLATES = {
    "elementwise": {"": FORWARD, "_": IN_PLACE, "_backward": BACKWARD, "_backward_": BACKWARD_IN_PLACE},
    "gated": {
        "": GATED,
        "_": GATED_IN_PLACE,
        "_backward": GATED_BACKWARD,
        "_backward_": GATED_BACKWARD_IN_PLACE,
    },
    "softmax": {
        "": SOFTMAX,
        "_": SOFTMAX_IN_PLACE,
        "_backward": SOFTMAX_BACKWARD,
        "_backward_": SOFTMAX_BACKWARD_IN_PLACE,
    },
    "logsumexp": {"": LOGSUMEXP, "_backward": LOGSUMEXP_BACKWARD},
    "cross_entropy": {"": LOSS, "_backward": LOSS_BACKWARD},
    "binary_cross_entropy": {"": LOSS, "_backward": LOSS_BACKWARD},
    "maxout": {"": MAXOUT, "_backward": MAXOUT_BACKWARD},
    "crelu": {"": CRELU, "_backward": CRELU_BACKWARD},
}
TEMPLATES["channelwise"] = TEMPLATES["elementwise"]


def templates(activation):
    return {**TEMPLATES[activation.kind], **({"_parameter_grad": PARAMETER_GRAD} if activation.learned else {})}


DOCSTRINGS = {a.name + ending: docstring(template, a) for a in ACTIVATIONS for ending, template in templates(a).items()}


EXACT = """\
{function} in the exact tier: float32 is computed in float64 and rounded once.

{equation}

Parameters, results and errors are those of pyacts.{function}, but that float64, which has nothing wider to be
computed in, raises TypeError. float16 and bfloat16 are as there.

Notes
-----
Error: at most 0.51 units in the last place, also where the result is subnormal or near a zero.

Examples
--------
>>> import numpy as np
>>> import pyacts
>>> x, grad = np.array([-1.0, 0.5, 2.0], np.float32), np.ones({grad}, np.float32)
>>> wide = pyacts.{plain}({wide})
>>> narrow = pyacts.exact.{function}({narrow})
>>> np.allclose(wide, narrow, rtol=1e-6)
True
"""


def exact_docstring(activation, function):
    """The docstring of a function of the exact tier."""
    ending = function.removeprefix(activation.name)
    backward, plain = ending.startswith("_backward"), function.removesuffix("_")
    if backward and activation.kind not in ("gated", "softmax", "logsumexp"):
        shown = equation("f'(x)", activation.derivative)
    else:
        shown = equation("f(x)" if activation.kind != "gated" else "f(gate, up)", activation.formula)
    inputs = ["grad"] * backward + ["x"] * (2 if activation.kind == "gated" else 1)
    required = "".join(", 0.25" for p in activation.parameters if p.default is None)
    return EXACT.format(
        function=function,
        plain=plain,
        equation=shown,
        grad="()" if activation.kind == "logsumexp" else 3,
        wide=", ".join(f"{name}.astype(np.float64)" for name in inputs) + required,
        narrow=", ".join(f"{name}.copy()" if ending.endswith("_") else name for name in inputs) + required,
    )
