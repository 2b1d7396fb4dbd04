"""The Python functions (included in pyacts/_array.pyx) and their type stubs.

Both are made of the same list of functions, so the stubs cannot promise what the module does not have.
"""

import textwrap
from dataclasses import dataclass

import numpy

from codegen import ACTIVATIONS, C_TYPES

NAMES = {"f32": "float32", "f64": "float64"}


@dataclass
class Function:
    """A Python function: what its stub and its definition need."""

    name: str
    arguments: str  # as written in the def
    typed: str  # as written in the stub
    returns: str  # in the stub
    doc: str
    body: list


# ----------------------------------------------------------------------------------------------------------------
# Docstrings


def section(title, *entries):
    return [title, "-" * len(title), *entries, ""]


def indented(text):
    return textwrap.indent(textwrap.fill(text, 108), "    ")


def parameter_entries(activation, *, array=True):
    found = []
    for p in activation.parameters:
        kind = "float or array_like" if array else "array_like or float"
        default = "" if p.default is None else f", default {p.default:g}"
        bound = "positive" if p.positive else "finite"
        also = "; at least 0 when starting from y" if p.nonnegative_for_y else ""
        text = f"{p.meaning[0].upper()}{p.meaning[1:]}. A {bound} number{also}, or an array that broadcasts to x."
        found += [f"{p.name} : {kind}{default}", indented(text)]
    return found


def ulp(activation, *directions):
    figures = {f"{activation.max_ulp[t][d]:g} ({NAMES[t]})" for d in directions for t in C_TYPES}
    if all(activation.max_ulp[t][d] == 0 for d in directions for t in C_TYPES):
        return "Exact."
    parts = []
    for d in directions:
        of = {"forward": "", "backward": "from x ", "backward_y": "from y "}[d] if len(directions) > 1 else ""
        parts.append(of + " and ".join(f"{activation.max_ulp[t][d]:g} ({NAMES[t]})" for t in C_TYPES))
    return f"Error: at most {'; '.join(parts)} units in the last place, with the default parameters." if figures else ""


def example(activation, call, values):
    """A doctest of an elementwise function at -1, 0 and 1."""
    shown = repr(numpy.array(values))
    return [">>> import numpy as np", ">>> import pyacts", ">>> x = np.array([-1.0, 0.0, 1.0])", f">>> {call}", shown]


def notes(activation, *texts):
    lines = []
    for text in texts:
        lines += textwrap.fill(text, 112).split("\n")
    reference = ["", *textwrap.fill(f"Proposed by: {activation.reference}.", 112).split("\n")] if activation.reference else []
    return section("Notes", *lines, *reference)


def finish(first, *sections):
    lines = [*textwrap.fill(first, 112).split("\n"), ""]
    for part in sections:
        lines += part
    return "\n".join(lines).rstrip()


ARRAY_LIKE = "Floating-point arrays keep their dtype (float32, float64); integers and booleans become floating-point."
IN_PLACE_RAISES = section(
    "Raises",
    "TypeError",
    indented("If {0} is not a NumPy array of float32 or float64, or has rules of its own (a MaskedArray)."),
    "ValueError",
    indented("If {0} is read-only or its elements share memory{1}. Nothing is written."),
)


def in_place_raises(name, more=""):
    return [line.format(name, more) for line in IN_PLACE_RAISES]


OUT = ["out : ndarray, optional", indented("Where to put the result; it may be the input.")]
UFUNC = [
    "**ufunc_kwargs",
    indented("where, casting, order, dtype, subok: as for any NumPy ufunc."),
]
SAVED_X = ["x : array_like, optional", indented("The input of the forward; same shape and dtype as grad.")]
SAVED_Y = [
    "y : array_like, optional",
    indented("The output of the forward, for when the input is gone (after an in-place forward). Give x or y, not both."),
]
NO_Y = ["y : None", indented("Not supported: {0}.")]
GRAD = ["grad : array_like", indented("Gradient of the loss with respect to the output.")]
BACKWARD_RAISES = section(
    "Raises",
    "TypeError",
    indented("If both or neither of x and y are given, or the dtypes differ."),
    "ValueError",
    indented("If the shapes differ, or a parameter is out of its domain."),
)


def saved_entries(activation):
    if activation.derivative_y is not None:
        return [*SAVED_X, *SAVED_Y] if "backward" in activation.directions or activation.kind == "softmax" else SAVED_Y
    return [*SAVED_X, NO_Y[0], NO_Y[1].format(activation.no_y)]


# ----------------------------------------------------------------------------------------------------------------
# Elementwise


def signature_parts(activation):
    plain = "".join(f", {p.name}" if p.default is None else f", {p.name}={p.default!r}" for p in activation.parameters)
    typed = "".join(
        f", {p.name}: ArrayLike" + ("" if p.default is None else " = ...") for p in activation.parameters
    )
    return plain, typed


def elementwise(activation):
    name = activation.name
    plain, typed = signature_parts(activation)
    given = ["cdef PyObject *given[MOST_PARAMS]"]
    given += [f"given[{k}] = <PyObject *>{p.name}" for k, p in enumerate(activation.parameters)]
    used = ", 0.25" if name == "prelu" else ""
    formula = [f"    f(x) = {activation.formula}", ""]
    slope = [f"    f'(x) = {activation.derivative}"]
    if activation.derivative_y:
        slope.append(f"          = {activation.derivative_y}, where y = f(x)")
    slope.append("")
    limits = f"f(-inf) = {activation.limits[0]:g} and f(inf) = {activation.limits[1]:g}; NaN gives NaN."
    kinks = "".join(f" f'({x:g}) is taken as {d:g}." for x, d in activation.kinks.items())

    yield Function(
        name,
        f"x{plain}, *, out=None, **ufunc_kwargs",
        f"x: ArrayLike{typed}, *, out: Any = ..., **ufunc_kwargs: Any",
        "Any",
        finish(
            activation.summary,
            formula,
            section(
                "Parameters", "x : array_like", indented(ARRAY_LIKE), *parameter_entries(activation), *OUT, *UFUNC
            ),
            section("Returns", "ndarray or scalar", indented(f"f(x), in {activation.range}.")),
            section("Raises", "TypeError", indented("If x is complex, longdouble or object."), "ValueError",
                    indented("If a parameter is out of its domain, or shapes do not fit.")),
            section("See Also", f"{name}_ : the same in place", f"{name}_backward : its gradient"),
            notes(activation, f"{limits} {ulp(activation, 'forward')}"),
            section("Examples", *example(activation, f"pyacts.{name}(x{used}).round(4)", activation.samples[0])),
        ),
        [*given, f"return of_{name}.forward(x, given, out, ufunc_kwargs)"],
    )
    yield Function(
        f"{name}_",
        f"x{plain}",
        f"x: _Array{typed}",
        "_Array",
        finish(
            f"In place: {activation.summary[0].lower()}{activation.summary[1:]}",
            formula,
            section(
                "Parameters",
                "x : ndarray",
                indented("float32 or float64, any strides, writeable."),
                *parameter_entries(activation),
            ),
            section("Returns", "ndarray", indented("x itself, changed.")),
            in_place_raises("x"),
            section("See Also", f"{name} : the same into a new array"),
            notes(activation, ulp(activation, "forward")),
            section(
                "Examples",
                *example(activation, f"pyacts.{name}_(x{used}) is x", activation.samples[0])[:-1],
                "True",
                ">>> x.round(4)",
                repr(numpy.array(activation.samples[0])),
            ),
        ),
        [*given, f"return of_{name}.inplace(x, given)"],
    )
    directions = [d for d in activation.directions if d != "forward"]
    # The forward's parameters follow x, which may be None when y is given; so a required one cannot be required here.
    plain = plain.replace(", weight", ", weight=None")
    typed = typed.replace("weight: ArrayLike", "weight: ArrayLike | None = ...")
    for ending, first, result in (("_backward", "grad: ArrayLike", "Any"), ("_backward_", "grad: _Array", "_Array")):
        in_place = ending == "_backward_"
        out, typed_out = ("", "") if in_place else (", out=None", ", out: Any = ...")
        call = f"pyacts.{name}{ending}(np.ones(3), x{used}).round(4)"
        yield Function(
            name + ending,
            f"grad, x=None{plain}, *, y=None{out}",
            f"{first}, x: ArrayLike | None = ...{typed}, *, y: ArrayLike | None = ...{typed_out}",
            result,
            finish(
                f"Gradient of {name} with respect to its input: grad * f'(x){', in place in grad' if in_place else ''}.",
                slope,
                section(
                    "Parameters",
                    *(["grad : ndarray", indented("Gradient of the loss with respect to the output: float32 or float64, "
                                                  "any strides, writeable.")] if in_place else GRAD),
                    *saved_entries(activation),
                    *parameter_entries(activation),
                    *([] if in_place else OUT),
                ),
                section("Returns", "ndarray" if in_place else "ndarray or scalar",
                        indented("grad itself, changed." if in_place else "The gradient, in the shape and dtype of x.")),
                in_place_raises("grad", " or x partly overlaps it") if in_place else BACKWARD_RAISES,
                section("See Also", f"{name} : the forward"),
                notes(activation, f"{kinks} {ulp(activation, *directions)}".strip()),
                section("Examples", *example(activation, call, activation.samples[1])),
            ),
            [*given, f"return of_{name}.backward(grad, x, given, y, {'None' if in_place else 'out'}, {in_place})"],
        )
    if activation.kind == "channelwise":
        (parameter,) = activation.parameters
        yield Function(
            f"{name}_parameter_grad",
            f"grad, x, {parameter.name}",
            f"grad: ArrayLike, x: ArrayLike, {parameter.name}: ArrayLike",
            "Any",
            finish(
                f"Gradient of {name} with respect to its {parameter.name}.",
                ["    the sum of grad * x where x < 0, over the axes that the weight was broadcast along", ""],
                section("Parameters", *GRAD, "x : array_like",
                        indented("The input of the forward; same shape and dtype as grad."), *parameter_entries(activation)),
                section("Returns", "ndarray or scalar", indented(f"In the shape of {parameter.name} and the dtype of x.")),
                BACKWARD_RAISES,
                section("See Also", f"{name}_backward : the gradient with respect to the input"),
                section("Notes", "Summed in double, in an order that does not depend on the instruction set."),
                section(
                    "Examples",
                    ">>> import numpy as np",
                    ">>> import pyacts",
                    ">>> x = np.array([[-1.0, 2.0], [-3.0, -4.0]])",
                    f">>> pyacts.{name}_parameter_grad(np.ones((2, 2)), x, np.array([0.25, 0.25]))",
                    "array([-4., -4.])",
                    f">>> float(pyacts.{name}_parameter_grad(np.ones((2, 2)), x, 0.25))",
                    "-8.0",
                ),
            ),
            [f"return parameter_grad(of_{name}_parameter_grad, of_{name}, grad, x, {parameter.name})"],
        )


# ----------------------------------------------------------------------------------------------------------------
# softmax and maxout

AXIS = ["axis : int, default -1", indented("The axis to work along.")]
AXIS_RAISES = ["numpy.exceptions.AxisError", indented("If axis is out of range.")]


def softmax(activation):
    name = activation.name
    formula = [f"    y = {activation.formula}", ""]
    zero = ["ValueError", indented("If the axis has length 0.")]
    rows = (
        "A row with +inf is shared among its infinities; a row of nothing but -inf, or with a NaN, becomes NaN. "
        "Any axis is computed where it lies, nothing is transposed."
    )
    yield Function(
        name,
        "x, axis=-1, *, out=None, **ufunc_kwargs",
        "x: ArrayLike, axis: SupportsIndex = ..., *, out: Any = ..., **ufunc_kwargs: Any",
        "Any",
        finish(
            activation.summary,
            formula,
            section("Parameters", "x : array_like", indented(ARRAY_LIKE), *AXIS, *OUT, "**ufunc_kwargs",
                    indented("casting, order, dtype, subok: as for any NumPy gufunc.")),
            section("Returns", "ndarray", indented("In the shape of x, positive, with the sum 1 along axis.")),
            section("Raises", *AXIS_RAISES, *zero, "TypeError",
                    indented("If x is complex, longdouble, object or a MaskedArray.")),
            section("See Also", f"{name}_ : the same in place", f"{name}_backward : its gradient"),
            notes(activation, rows, ulp(activation, "forward")),
            section(
                "Examples",
                ">>> import numpy as np",
                ">>> import pyacts",
                ">>> pyacts.softmax(np.array([1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0])).round(3)",
                "array([0.024, 0.064, 0.175, 0.475, 0.024, 0.064, 0.175])",
            ),
        ),
        [f"return of_{name}.forward(x, axis, out, ufunc_kwargs)"],
    )
    yield Function(
        f"{name}_",
        "x, axis=-1",
        "x: _Array, axis: SupportsIndex = ...",
        "_Array",
        finish(
            f"In place: {activation.summary[0].lower()}{activation.summary[1:]}",
            formula,
            section("Parameters", "x : ndarray", indented("float32 or float64, any strides, writeable."), *AXIS),
            section("Returns", "ndarray", indented("x itself, changed.")),
            in_place_raises("x", ", or the axis has length 0")[:-1] + [*AXIS_RAISES, ""],
            section("See Also", f"{name} : the same into a new array"),
            notes(activation, rows, ulp(activation, "forward")),
            section(
                "Examples",
                ">>> import numpy as np",
                ">>> import pyacts",
                ">>> x = np.array([[2.0, 4.0, 6.0], [1.0, 2.0, 3.0]])",
                ">>> pyacts.softmax_(x) is x",
                "True",
                ">>> x.round(7)",
                "array([[0.0158762, 0.1173104, 0.8668135],",
                "       [0.0900306, 0.2447285, 0.6652409]])",
            ),
        ),
        [f"return of_{name}.inplace(x, axis)"],
    )
    for ending, first, result in (("_backward", "grad: ArrayLike", "Any"), ("_backward_", "grad: _Array", "_Array")):
        in_place = ending == "_backward_"
        out, typed_out = ("", "") if in_place else (", out=None", ", out: Any = ...")
        target = ["grad : ndarray", indented("Gradient with respect to the output: float32 or float64, any strides.")]
        raises = in_place_raises("grad", " or x or y partly overlaps it") if in_place else BACKWARD_RAISES
        yield Function(
            name + ending,
            f"grad, x=None, *, y=None, axis=-1{out}",
            f"{first}, x: ArrayLike | None = ..., *, y: ArrayLike | None = ..., axis: SupportsIndex = ...{typed_out}",
            result,
            finish(
                f"Gradient of {name} with respect to its input{', in place in grad' if in_place else ''}.",
                [f"    {activation.derivative_y}, where y = {name}(x)", ""],
                section("Parameters", *(target if in_place else GRAD), *saved_entries(activation), *AXIS,
                        *([] if in_place else OUT)),
                section("Returns", "ndarray", indented("grad itself, changed." if in_place else "In the shape of x.")),
                raises[:-1] + [*AXIS_RAISES, ""],
                section("See Also", f"{name} : the forward"),
                notes(activation, "From x, the forward is computed again: y is what a network keeps."),
                section(
                    "Examples",
                    ">>> import numpy as np",
                    ">>> import pyacts",
                    ">>> y = pyacts.softmax(np.array([1.0, 2.0, 3.0]))",
                    f">>> pyacts.{name}{ending}(np.array([1.0, 0.0, 0.0]), y=y).round(4)",
                    "array([ 0.0819, -0.022 , -0.0599])",
                ),
            ),
            [f"return of_{name}.backward(grad, x, axis, y, {'None' if in_place else 'out'}, {in_place})"],
        )


def maxout(activation):
    name = activation.name
    pool = ["pool_size : int", indented("How many consecutive entries make one output; divides the length of the axis.")]
    yield Function(
        name,
        "x, pool_size, axis=-1, return_index=False",
        "x: ArrayLike, pool_size: SupportsIndex, axis: SupportsIndex = ..., return_index: bool = ...",
        "Any",
        finish(
            activation.summary,
            [f"    y[k] = {activation.formula}", ""],
            section(
                "Parameters",
                "x : array_like",
                indented(ARRAY_LIKE),
                *pool,
                *AXIS,
                "return_index : bool, default False",
                indented("Also return where in its pool each maximum was, which the backward needs."),
            ),
            section(
                "Returns",
                "y : ndarray",
                indented("Like x, the axis shorter by the factor pool_size."),
                "index : ndarray of intp",
                indented("From 0 to pool_size - 1, in the shape of y; only with return_index."),
            ),
            section("Raises", "ValueError", indented("If pool_size is less than 1 or does not divide the axis."), *AXIS_RAISES),
            section("See Also", f"{name}_backward : its gradient"),
            notes(activation, "The first of equals is taken, and NaN before any number, as np.argmax does. Exact."),
            section(
                "Examples",
                ">>> import numpy as np",
                ">>> import pyacts",
                ">>> pyacts.maxout(np.array([1.0, 5.0, 2.0, 4.0, 3.0, 0.0]), 2)",
                "array([5., 4., 3.])",
            ),
        ),
        [f"return maxout_forward(of_{name}, x, pool_size, axis, return_index)"],
    )
    yield Function(
        f"{name}_backward",
        "grad, index, pool_size, axis=-1",
        "grad: ArrayLike, index: ArrayLike, pool_size: SupportsIndex, axis: SupportsIndex = ...",
        "Any",
        finish(
            f"Gradient of {name} with respect to its input: grad where the maximum was taken, 0 elsewhere.",
            section("Parameters", *GRAD, "index : array_like of int",
                    indented(f"What {name} gave with return_index=True; same shape as grad."), *pool, *AXIS),
            section("Returns", "ndarray", indented("Like grad, the axis longer by the factor pool_size.")),
            section(
                "Raises",
                "TypeError",
                indented("If index does not hold integers."),
                "ValueError",
                indented("If the shapes differ, or an index is not from 0 to pool_size - 1."),
                *AXIS_RAISES,
            ),
            section("See Also", f"{name} : the forward"),
            section(
                "Examples",
                ">>> import numpy as np",
                ">>> import pyacts",
                ">>> y, index = pyacts.maxout(np.array([1.0, 5.0, 2.0, 4.0]), 2, return_index=True)",
                ">>> pyacts.maxout_backward(np.array([1.0, 1.0]), index, 2)",
                "array([0., 1., 0., 1.])",
            ),
        ),
        [f"return maxout_backward_of(of_{name}_backward, grad, index, pool_size, axis)"],
    )


# ----------------------------------------------------------------------------------------------------------------
# The files

MAKERS = {"elementwise": elementwise, "channelwise": elementwise, "softmax": softmax, "maxout": maxout}


def all_functions():
    """(activation, its functions), in the order of the catalogue."""
    return [(activation, list(MAKERS[activation.kind](activation))) for activation in ACTIVATIONS]


def kernel_array(kind, name, c_name):
    """A Cython array of one C function per dtype."""
    lines = [f"cdef {kind} of_{name}[{len(C_TYPES)}]"]
    return lines + [f"of_{name}[{d}] = <{kind}>pyacts_{c_name}_{dtype}" for d, dtype in enumerate(C_TYPES)]


def kernels_of(activation):
    """The statements that connect an activation with its kernels."""
    name = activation.name
    lines = []
    if activation.kind in ("elementwise", "channelwise"):
        lines.append(f"cdef Elementwise of_{name} = Elementwise(catalogue['{name}'])")
    if activation.kind == "channelwise":
        lines += kernel_array("parameter_grad_kernel", f"{name}_parameter_grad", f"{name}_parameter_grad")
    if activation.kind == "softmax":
        lines.append(f"cdef Softmax of_{name} = Softmax()")
        for d, dtype in enumerate(C_TYPES):
            lines.append(f"of_{name}.kernels[{d}] = <softmax_kernel>pyacts_{name}_{dtype}")
            lines.append(f"of_{name}.backward_kernels[{d}] = <softmax_backward_kernel>pyacts_{name}_backward_y_{dtype}")
        lines.append(f"of_{name}.make_ufuncs('{name}')")
    if activation.kind == "maxout":
        lines += kernel_array("maxout_kernel", name, name)
        lines += kernel_array("maxout_backward_kernel", f"{name}_backward", f"{name}_backward")
    return lines


def definition(function):
    doc = textwrap.indent(f'"""{function.doc}\n"""', "    ", lambda line: line.strip() != "")
    body = "".join(f"    {line}\n" for line in function.body)
    return f"def {function.name}({function.arguments}):\n{doc}\n{body}"


def functions():
    """functions.pxi: one def per function, and the aliases."""
    direct = [
        f"    void pyacts_{name}_{dtype}()"
        for activation in ACTIVATIONS
        for name in c_functions(activation)
        for dtype in C_TYPES
    ]
    parts = ["# Generated by codegen/python.py from the catalogue.\n"]
    parts += ['cdef extern from "pyacts.h" nogil:\n' + "\n".join(direct) + "\n"]
    parts += ["catalogue = {activation.name: activation for activation in ACTIVATIONS}\n"]
    names = []
    for activation, made in all_functions():
        parts.append("\n".join(kernels_of(activation)) + "\n")
        for function in made:
            parts.append(definition(function))
            names.append(function.name)
        for alias in activation.aliases:
            for function in made:
                other = alias + function.name.removeprefix(activation.name)
                parts.append(f"{other} = {function.name}\n")
                names.append(other)
    listed = "".join(f'    "{name}",\n' for name in names)
    parts.append(f"FUNCTIONS = [\n{listed}]\n")
    return "\n".join(parts)


def c_functions(activation):
    """The typed C functions that the module calls directly."""
    if activation.kind == "channelwise":
        return [f"{activation.name}_parameter_grad"]
    if activation.kind == "softmax":
        return [activation.name, f"{activation.name}_backward_y"]
    if activation.kind == "maxout":
        return [activation.name, f"{activation.name}_backward"]
    return []


STUB_HEAD = """\
# Generated from the catalogue by `python -m codegen`.
from typing import Any, Literal, SupportsIndex, TypeVar

from _cffi_backend import FFI, Lib
from numpy import ndarray
from numpy.typing import ArrayLike

from pyacts import catalog as catalog
from pyacts._names import get as get
from pyacts._paths import get_cmake_dir as get_cmake_dir
from pyacts._paths import get_include as get_include
from pyacts._paths import get_library as get_library
from pyacts._paths import get_pkgconfig_dir as get_pkgconfig_dir

__version__: str
__all__: list[str]
ffi: FFI
lib: Lib

_Array = TypeVar("_Array", bound=ndarray[Any, Any])

def isa() -> Literal["baseline", "avx2", "avx512", "neon"]: ...
"""


def stubs():
    """pyacts/__init__.pyi."""
    lines = [STUB_HEAD.rstrip()]
    for activation, made in all_functions():
        for function in made:
            lines.append(f"def {function.name}({function.typed}) -> {function.returns}: ...")
        for alias in activation.aliases:
            for function in made:
                lines.append(f"{alias}{function.name.removeprefix(activation.name)} = {function.name}")
    return "\n".join(lines) + "\n"
