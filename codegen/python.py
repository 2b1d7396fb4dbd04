"""The Python functions (functions.pxi, included in pyacts/_array.pyx) and their stubs (pyacts/*.pyi).

Both are made of one list of functions, so the stubs cannot promise what the module does not have.
"""

import re
import textwrap
from dataclasses import dataclass, replace

from codegen import ACTIVATIONS, DTYPES
from codegen.docstrings import DOCSTRINGS, exact_docstring
from codegen.kernels import EXACT, builds_of, dtype_of, name_in, suffix


@dataclass
class Function:
    """A Python function: its arguments as its def has them and as its stub has them, and its body."""

    name: str
    arguments: str
    typed: str
    returns: str
    body: list[str]


# Forms of a function that are there twice, into a new array and in place: ending, first argument, result, `out`.
NEW = ("_backward", "grad: ArrayLike", "Any", "out")
IN_PLACE = ("_backward_", "grad: _Array", "_Array", None)


def own_parameters(activation):
    """An activation's parameters: as the def has them, as the stub has them, and the statements that gather them."""
    plain = "".join(f", {p.name}" + ("" if p.default is None else f"={p.default!r}") for p in activation.parameters)
    typed = "".join(f", {p.name}: ArrayLike" + ("" if p.default is None else " = ...") for p in activation.parameters)
    given = ["cdef PyObject *given[MOST_PARAMS]"]
    given += [f"given[{k}] = <PyObject *>{p.name}" for k, p in enumerate(activation.parameters)]
    return plain, typed, given


def elementwise(activation):
    name, kernels, choice, typed_choice = activation.name, f"of_{activation.name}", "", ""
    if activation.approximation:
        kernels = f"approximated(approximate, {kernels}, of_{activation.approximation})"
        choice, typed_choice = ', approximate="none"', ', approximate: Literal["none", "tanh"] = ...'
    star = ", *" if choice else ""
    forward, typed_forward, given = own_parameters(activation)
    yield Function(
        name,
        f"x{forward}, *{choice}, out=None, **ufunc_kwargs",
        f"x: ArrayLike{typed_forward}, *{typed_choice}, out: Any = ..., **ufunc_kwargs: Any",
        "Any",
        [*given, f"return {kernels}.forward(x, given, out, ufunc_kwargs)"],
    )
    yield Function(
        f"{name}_",
        f"x{forward}{star}{choice}",
        f"x: _Array{typed_forward}{star}{typed_choice}",
        "_Array",
        [*given, f"return {kernels}.inplace(x, given)"],
    )
    # In a backward the parameters follow x, which is optional: so is then, for Python, one that must be given.
    plain = "".join(f", {p.name}={p.default!r}" for p in activation.parameters)
    typed = "".join(f", {p.name}: ArrayLike = ..." for p in activation.parameters)
    for ending, first, result, out in (NEW, IN_PLACE):
        yield Function(
            name + ending,
            f"grad, x=None{plain}, *, y=None{choice}" + (", out=None" if out else ""),
            f"{first}, x: ArrayLike | None = ...{typed}, *, y: ArrayLike | None = ...{typed_choice}"
            + (", out: Any = ..." if out else ""),
            result,
            [*given, f"return {kernels}.backward(grad, x, given, y, {out}, {out is None})"],
        )
    if activation.learned:
        yield Function(
            f"{name}_parameter_grad",
            f"grad, x{forward}",
            f"grad: ArrayLike, x: ArrayLike{typed_forward}",
            "Any",
            [*given, f"return of_{name}.parameter_grad(grad, x, given, {name}_parameter_grad_kernel)"],
        )


def gated(activation):
    name = activation.name
    plain, typed, given = own_parameters(activation)
    yield Function(
        name,
        f"gate, up{plain}, *, out=None, **ufunc_kwargs",
        f"gate: ArrayLike, up: ArrayLike{typed}, *, out: Any = ..., **ufunc_kwargs: Any",
        "Any",
        [*given, f"return of_{name}.of_two(gate, up, given, out, ufunc_kwargs)"],
    )
    yield Function(
        f"{name}_",
        f"gate, up{plain}",
        f"gate: ArrayLike, up: _Array{typed}",
        "_Array",
        [*given, f"return of_{name}.of_two_inplace(gate, up, given)"],
    )
    yield Function(
        f"{name}_backward",
        f"grad, gate, up{plain}, *, out=None",
        f"grad: ArrayLike, gate: ArrayLike, up: ArrayLike{typed}, *, out: Any = ...",
        "Any",
        [*given, f"return of_{name}.of_two_backward(grad, gate, up, given, out, False)"],
    )
    yield Function(
        f"{name}_backward_",
        f"grad, gate, up{plain}",
        f"grad: ArrayLike, gate: _Array, up: _Array{typed}",
        "tuple[_Array, _Array]",
        [*given, f"return of_{name}.of_two_backward(grad, gate, up, given, None, True)"],
    )


# The keywords of the softmax family, and how they are checked. logsumexp has no choice of what an empty line gives.
OPTIONS = ("scale=1.0, where=None, bias=None, causal=False, sink=None", ', empty="nan"')
TYPED_OPTIONS = (
    "scale: float = ..., where: ArrayLike | None = ..., bias: ArrayLike | None = ..., "
    "causal: SupportsIndex = ..., sink: ArrayLike | None = ...",
    ', empty: Literal["nan", "zero"] = ...',
)


def given_options(name, empty="empty"):
    return f"options_of({name!r}, scale, where, bias, causal, sink, {empty})"


def softmax(activation):
    name = activation.name
    if not activation.options:
        yield from along_an_axis(activation)
        return
    plain, typed = "".join(OPTIONS), "".join(TYPED_OPTIONS)
    yield Function(
        name,
        f"x, axis=-1, *, {plain}, out=None, **ufunc_kwargs",
        f"x: ArrayLike, axis: SupportsIndex = ..., *, {typed}, out: Any = ..., **ufunc_kwargs: Any",
        "Any",
        [f"return of_{name}.forward(x, axis, {given_options(name)}, out, ufunc_kwargs)"],
    )
    yield Function(
        f"{name}_",
        f"x, axis=-1, *, {plain}",
        f"x: _Array, axis: SupportsIndex = ..., *, {typed}",
        "_Array",
        [f"return of_{name}.inplace(x, axis, {given_options(name)})"],
    )
    for ending, first, result, out in (NEW, IN_PLACE):
        yield Function(
            name + ending,
            f"grad, x=None, *, y=None, axis=-1, {plain}" + (", out=None" if out else ""),
            f"{first}, x: ArrayLike | None = ..., *, y: ArrayLike | None = ..., axis: SupportsIndex = ..., {typed}"
            + (", out: Any = ..." if out else ""),
            result,
            [f"return of_{name}.backward(grad, x, axis, y, {given_options(name + '_backward')}, {out}, {out is None})"],
        )


def along_an_axis(activation):
    """The same without options."""
    name = activation.name
    axis = "axis: SupportsIndex = ..."
    yield Function(
        name,
        "x, axis=-1, *, out=None, **ufunc_kwargs",
        f"x: ArrayLike, {axis}, *, out: Any = ..., **ufunc_kwargs: Any",
        "Any",
        [f"return of_{name}.forward(x, axis, None, out, ufunc_kwargs)"],
    )
    yield Function(
        f"{name}_", "x, axis=-1", f"x: _Array, {axis}", "_Array", [f"return of_{name}.inplace(x, axis, None)"]
    )
    for ending, first, result, out in (NEW, IN_PLACE):
        yield Function(
            name + ending,
            "grad, x=None, *, y=None, axis=-1" + (", out=None" if out else ""),
            f"{first}, x: ArrayLike | None = ..., *, y: ArrayLike | None = ..., {axis}"
            + (", out: Any = ..." if out else ""),
            result,
            [f"return of_{name}.backward(grad, x, axis, y, None, {out}, {out is None})"],
        )


def cross_entropy(activation):
    name = activation.name
    reduction = 'Literal["mean", "sum", "none"] = ...'
    plain = 'logits, labels, axis=-1, *, label_smoothing=0.0, ignore_index=None, weight=None, reduction="mean"'
    typed = (
        "logits: ArrayLike, labels: ArrayLike, axis: SupportsIndex = ..., *, label_smoothing: float = ..., "
        f"ignore_index: SupportsIndex | None = ..., weight: ArrayLike | None = ..., reduction: {reduction}"
    )
    passed = "logits, labels, axis, label_smoothing, ignore_index, weight, reduction"
    if activation.kind == "binary_cross_entropy":
        plain = 'logits, labels, *, reduction="mean"'
        typed = f"logits: ArrayLike, labels: ArrayLike, *, reduction: {reduction}"
        passed = "logits, labels, reduction"
    yield Function(name, plain, typed, "Any", [f"return {name}_of(of_{name}, False, None, {passed})"])
    yield Function(
        f"{name}_backward",
        f"grad, {plain}",
        f"grad: ArrayLike, {typed}",
        "Any",
        [f"return {name}_of(of_{name}_backward, True, grad, {passed})"],
    )


def logsumexp(activation):
    name = activation.name
    rest, typed = (
        f"axis=-1, keepdims=False, *, {OPTIONS[0]}",
        (f"axis: SupportsIndex = ..., keepdims: bool = ..., *, {TYPED_OPTIONS[0]}"),
    )
    for function, first, first_typed in (
        (name, "x", "x: ArrayLike"),
        (f"{name}_backward", "grad, x", "grad: ArrayLike, x: ArrayLike"),
    ):
        options = given_options(function, '"nan"')
        yield Function(
            function,
            f"{first}, {rest}",
            f"{first_typed}, {typed}",
            "Any",
            [f"return {function}_of(of_{function}, {function!r}, {first}, axis, keepdims, {options})"],
        )


def maxout(activation):
    name = activation.name
    yield Function(
        name,
        "x, pool_size, axis=-1, return_index=False",
        "x: ArrayLike, pool_size: SupportsIndex, axis: SupportsIndex = ..., return_index: bool = ...",
        "Any",
        [f"return maxout_forward(of_{name}, x, pool_size, axis, return_index)"],
    )
    yield Function(
        f"{name}_backward",
        "grad, index, pool_size, axis=-1",
        "grad: ArrayLike, index: ArrayLike, pool_size: SupportsIndex, axis: SupportsIndex = ...",
        "Any",
        [f"return maxout_backward_of(of_{name}_backward, grad, index, pool_size, axis)"],
    )


def crelu(activation):
    name = activation.name
    yield Function(
        name,
        "x, axis=-1",
        "x: ArrayLike, axis: SupportsIndex = ...",
        "Any",
        [f"return crelu_forward(of_{name}, x, axis)"],
    )
    yield Function(
        f"{name}_backward",
        "grad, x=None, *, y=None, axis=-1",
        "grad: ArrayLike, x: ArrayLike | None = ..., *, y: ArrayLike | None = ..., axis: SupportsIndex = ...",
        "Any",
        [f"return crelu_backward_of(of_{name}_backward, of_{name}_backward_y, grad, x, y, axis)"],
    )


# ----------------------------------------------------------------------------------------------------------------
# The exact tier: the same functions with its kernels


def in_exact(activation, functions):
    """Those of an activation's functions that the exact tier has."""
    return [f for f in functions if activation.exact and not f.name.endswith("_parameter_grad")]


def exact_functions(activation, functions):
    for function in in_exact(activation, functions):
        # What decides about the dtype.
        arrays = [name for name in ("x", "y", "gate", "up", "grad") if re.search(rf"\b{name}\b", function.arguments)]
        body = [line.replace(f"of_{activation.name}", f"of_exact_{activation.name}") for line in function.body]
        check = f'check_exact("{function.name}", ({", ".join(arrays)},))'
        yield replace(function, name=f"exact_{function.name}", body=[*body[:-1], check, body[-1]])


# ----------------------------------------------------------------------------------------------------------------
# The files

MAKERS = {
    "elementwise": elementwise,
    "channelwise": elementwise,
    "gated": gated,
    "softmax": softmax,
    "logsumexp": logsumexp,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": cross_entropy,
    "maxout": maxout,
    "crelu": crelu,
}


def all_functions():
    """(activation, its functions), in the order of the catalogue."""
    return [(activation, list(MAKERS[activation.kind](activation))) for activation in ACTIVATIONS]


def with_aliases(activation, functions, prefix=""):
    """(name, function) for the names of an activation and its aliases."""
    for name in (activation.name, *activation.aliases):
        for function in functions:
            yield prefix + name + function.name.removeprefix(prefix + activation.name), function


def kernel_array(kind, name, c_name, exact=""):
    """A Cython array of one C function per dtype; exact is the name of that for float32 in the exact tier."""
    lines = [f"cdef {kind} of_{'exact_' if exact else ''}{name}[{len(DTYPES)}]"]
    for d, dtype in enumerate(DTYPES):
        function = exact if exact and dtype == dtype_of(EXACT) else c_name
        lines.append(f"of_{'exact_' if exact else ''}{name}[{d}] = <{kind}>pyacts_{function}_{dtype}")
    return lines


def parameter_grad_kernel(activation):
    """A Cython function of one shape for the C functions, which have as many arguments as there are parameters."""
    pointers = [f"params[{k}]" for k in range(len(activation.parameters))]
    pointers += [f"dparams[{k}]" for k in range(len(activation.learned))]
    public = f"pyacts_{activation.name}_parameter_grad"
    declared = ", ".join(["size_t", "size_t", "size_t", "const void *", "const void *"] + ["void *"] * len(pointers))
    lines = ['cdef extern from "pyacts.h" nogil:', *(f"    void {public}_{dtype}({declared})" for dtype in DTYPES)]
    lines += [
        f"cdef void {activation.name}_parameter_grad_kernel(int d, Lines lines, const void *grad, const void *x, "
        "void **params, void **dparams) noexcept nogil:"
    ]
    for d, dtype in enumerate(DTYPES):
        lines.append(f"    {'if' if d == 0 else 'elif'} d == {d}:")
        lines.append(f"        {public}_{dtype}(lines.outer, lines.n, lines.inner, grad, x, {', '.join(pointers)})")
    return lines


def name_at(activation, dtype, exact):
    """An activation's name in the C function of a dtype: the exact tier has float32 of its own."""
    return name_in(EXACT, activation) if exact and dtype == dtype_of(EXACT) else activation.name


def kernels_of(activation):
    """The statements that connect an activation with its kernels."""
    name = activation.name
    lines = []
    for of, exact in ((f"of_{name}", False), (f"of_exact_{name}", True)):
        if activation.kind in ("elementwise", "channelwise"):
            lines.append(f"cdef Elementwise {of} = Elementwise(catalogue['{name}'], {exact})")
        if activation.kind == "channelwise":
            for k, direction in enumerate(("forward", "backward", "backward_y")):
                for d, dtype in enumerate(DTYPES):
                    kernel = f"pyacts_{name_at(activation, dtype, exact)}{suffix(direction)}_{dtype}"
                    lines.append(f"{of}.channels[{k}][{d}] = <untyped_kernel>{kernel}")
        if activation.kind == "gated":
            lines.append(f"cdef Gated {of} = Gated(catalogue['{name}'], {exact})")
        if activation.kind == "softmax":
            lines.append(f"cdef Softmax {of} = Softmax()")
            for d, dtype in enumerate(DTYPES):
                own = name_at(activation, dtype, exact)
                lines.append(f"{of}.kernels[{d}] = <softmax_kernel>pyacts_{own}_{dtype}")
                lines.append(f"{of}.backward_kernels[{d}] = <softmax_backward_kernel>pyacts_{own}_backward_y_{dtype}")
            lines.append(f"{of}.make_ufuncs('{name}', {exact})")
    if activation.learned:
        lines += parameter_grad_kernel(activation)
    if activation.kind == "logsumexp":
        for direction in activation.directions:
            function, exact = name + suffix(direction), name_in(EXACT, activation) + suffix(direction)
            lines += kernel_array("softmax_kernel", function, function)
            lines += kernel_array("softmax_kernel", function, function, exact)
    if activation.kind in ("cross_entropy", "binary_cross_entropy"):
        for direction in activation.directions:
            function = name + suffix(direction)
            lines += kernel_array("untyped_kernel", function, function)
    if activation.kind == "maxout":
        lines += kernel_array("maxout_kernel", name, name)
        lines += kernel_array("maxout_backward_kernel", f"{name}_backward", f"{name}_backward")
    if activation.kind == "crelu":
        lines += kernel_array("crelu_kernel", name, name)
        for direction in ("backward", "backward_y"):
            lines += kernel_array("crelu_backward_kernel", f"{name}_{direction}", f"{name}_{direction}")
    return lines


def definition(function, docstring):
    doc = textwrap.indent(f'"""{docstring}\n"""', "    ", lambda line: line.strip() != "")
    body = "".join(f"    {line}\n" for line in function.body)
    return f"def {function.name}({function.arguments}):\n{doc}\n{body}"


def functions():
    """functions.pxi: one def per function, and the aliases."""
    direct = [
        f"    void pyacts_{name_in(build, activation)}{suffix(direction)}_{dtype_of(build)}()"
        for activation in ACTIVATIONS
        if activation.kind not in ("elementwise", "gated")
        for direction in activation.directions
        for build in builds_of(activation)
    ]
    parts = ["# Generated by codegen/python.py from the catalogue.\n"]
    parts += ['cdef extern from "pyacts.h" nogil:\n' + "\n".join(direct) + "\n"]
    parts += [
        "from pyacts.catalog import ACTIVATIONS\n",
        "catalogue = {activation.name: activation for activation in ACTIVATIONS}\n",
    ]
    names, exact_names = [], {}
    for activation, made in all_functions():
        parts.append("\n".join(kernels_of(activation)) + "\n")
        for function in made:
            parts.append(definition(function, DOCSTRINGS[function.name]))
        exact = list(exact_functions(activation, made))
        for function in exact:
            parts.append(definition(function, exact_docstring(activation, function.name.removeprefix("exact_"))))
        named = {name: function.name for name, function in with_aliases(activation, made)}
        parts += [f"{name} = {function}\n" for name, function in named.items() if name != function]
        names += named
        named = {name: function.name for name, function in with_aliases(activation, exact, "exact_")}
        exact_names |= {name.removeprefix("exact_"): function for name, function in named.items()}
    listed = "".join(f'    "{name}",\n' for name in names)
    parts.append(f"FUNCTIONS = [\n{listed}]\n")
    listed = "".join(f'    "{name}": {function},\n' for name, function in exact_names.items())
    parts.append(f"EXACT_FUNCTIONS = {{\n{listed}}}\n")
    return "\n".join(parts)


STUB_HEAD = """\
# Generated from the catalogue by `python -m codegen`.
from typing import Any, Literal, SupportsIndex, TypeVar

from _cffi_backend import FFI, Lib
from numpy import ndarray
from numpy.typing import ArrayLike

from pyacts import catalog as catalog
from pyacts import exact as exact
from pyacts import parallel as parallel
from pyacts._bias import bias_act as bias_act
from pyacts._bias import bias_act_ as bias_act_
from pyacts._bias import bias_act_backward as bias_act_backward
from pyacts._bias import bias_act_backward_ as bias_act_backward_
from pyacts._gates import split_gate as split_gate
from pyacts._gumbel import gumbel_softmax as gumbel_softmax
from pyacts._gumbel import gumbel_softmax_ as gumbel_softmax_
from pyacts._names import get as get
from pyacts._paths import get_cmake_dir as get_cmake_dir
from pyacts._paths import get_include as get_include
from pyacts._paths import get_library as get_library
from pyacts._paths import get_pkgconfig_dir as get_pkgconfig_dir
from pyacts._threads import get_num_threads as get_num_threads
from pyacts._threads import num_threads as num_threads
from pyacts._threads import set_num_threads as set_num_threads

__version__: str
__all__: list[str]
ffi: FFI
lib: Lib

_Array = TypeVar("_Array", bound=ndarray[Any, Any])

def isa() -> Literal["baseline", "avx2", "avx512", "neon"]: ...
"""


def stub(function):
    return f"def {function.name}({function.typed}) -> {function.returns}: ..."


def stub_lines(functions_of):
    """The stubs of the functions, and of the aliases."""
    for activation, made in all_functions():
        made = functions_of(activation, made)
        yield from map(stub, made)
        named = with_aliases(activation, made)
        yield from (f"{name} = {function.name}" for name, function in named if name != function.name)


def stubs():
    """pyacts/__init__.pyi."""
    return "\n".join([STUB_HEAD.rstrip(), *stub_lines(lambda activation, made: made)]) + "\n"


MODULE_STUB_HEAD = """\
# Generated from the catalogue by `python -m codegen`.
from typing import Any, Literal, SupportsIndex, TypeVar

from numpy import ndarray
from numpy.typing import ArrayLike

__all__: list[str]

_Array = TypeVar("_Array", bound=ndarray[Any, Any])
"""


def exact_stubs():
    """pyacts/exact.pyi."""
    return "\n".join([MODULE_STUB_HEAD.rstrip(), *stub_lines(in_exact)]) + "\n"


def parallel_stubs():
    """pyacts/parallel.pyi."""
    return "\n".join([MODULE_STUB_HEAD.rstrip(), *stub_lines(lambda activation, made: made)]) + "\n"
