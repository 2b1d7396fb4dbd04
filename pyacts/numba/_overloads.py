"""The functions of pyacts in nopython mode, with the signatures that they have in Python.

When Numba meets one of them, the types of the arguments decide what is compiled in its place: a few lines of Python
around a call of the kernel, put together here, for there is no other way to give them that signature.
"""

import inspect

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload

import pyacts
from pyacts.catalog import ACTIVATIONS
from pyacts.numba import _runtime, scalar

SUFFIXES = {types.float32: "f32", types.float64: "f64"}
ENDINGS = ("", "_", "_backward", "_backward_")

# Elements that strided arrays are gathered in: a few buffers of it fit the first cache.
CHUNK = 512


class Call:
    """A function that Numba has met, with the types of its arguments, and the code for it as it comes together."""

    def __init__(self, activation, ending, exact, given):
        self.activation = activation
        self.exact = exact
        self.name = f"pyacts.{'exact.' if exact else ''}{activation.name}{ending}"
        self.backward = ending.startswith("_backward")
        self.inplace = ending.endswith("_")
        self.given = given
        self.lines = []
        self.scope = {"np": np, "CHUNK": CHUNK}

    def error(self, text):
        return TypingError(f"{self.name}() inside @njit: {text}")

    def add(self, *lines):
        self.lines += lines

    def use(self, name):
        """Make a function of _runtime known to the code."""
        self.scope[name] = getattr(_runtime, name)
        return name

    def raise_if(self, condition, text):
        self.add(f"if {condition}:", f'    raise ValueError("{self.name}(): {text}")')

    # Arguments. One that was left out is there as its default, or as a type that holds it.

    def value(self, name):
        """A constant argument."""
        given = self.given[name]
        if isinstance(given, types.NoneType):
            return None
        if isinstance(given, types.Omitted):
            return given.value
        if isinstance(given, types.Literal):
            return given.literal_value
        if isinstance(given, types.Type):
            raise self.error(f"{name} must be a constant, not {given}")
        return given

    def is_constant(self, name, value):
        """Whether an argument is known to have this value."""
        try:
            found = self.value(name)
        except TypingError:
            return False
        return found is value or (type(found) is type(value) and found == value)

    def is_none(self, name):
        return self.is_constant(name, None)

    def is_number(self, name):
        return isinstance(self.given[name], (types.Float, types.Integer, int, float))

    def check_number(self, name):
        if not self.is_number(name):
            raise self.error(f"{name} must be a number, not {self.given[name]}")

    def check_arrays(self, *names):
        """Raise unless the arguments are arrays of one dtype that the kernels have, and as many dimensions."""
        for name in names:
            kind = self.given[name]
            if not isinstance(kind, types.Array):
                raise self.error(f"{name} must be an array of float32 or float64, not {kind}")
            if self.exact and kind.dtype == types.float64:
                raise self.error("float32 is computed in float64, and there is nothing wider for float64")
            if kind.dtype not in SUFFIXES:
                raise self.error(
                    f"{name} has dtype {kind.dtype}, not float32 or float64: convert it with astype(np.float64)"
                )
            first = self.given[names[0]]
            if kind.dtype != first.dtype:
                raise self.error(f"{names[0]} and {name} must have the same dtype, not {first.dtype} and {kind.dtype}")
            if kind.ndim != first.ndim:
                raise self.error(
                    f"{names[0]} and {name} must have the same number of dimensions, not {first.ndim} and {kind.ndim}"
                )
        self.set_dtype(self.given[names[0]].dtype)

    def set_dtype(self, dtype):
        self.dtype = dtype
        self.scope["real"] = np.float32 if dtype == types.float32 else np.float64

    def check_target(self, name):
        """An array that is written: raise if it cannot be."""
        kind = self.given[name]
        if not kind.mutable:
            raise self.error(f"{name} is read-only, so it can't be changed: copy it")
        if kind.layout == "A":
            self.raise_if(f"{self.use('elements_share_memory')}({name})", f"elements of {name} share memory: copy it")

    def check_shapes(self, *names):
        for name in names[1:]:
            self.raise_if(f"{names[0]}.shape != {name}.shape", f"{names[0]} and {name} must have the same shape")

    def check_overlap(self, target, other):
        test = self.use("contiguous_overlap" if self.are_alike(target, other) else "overlaps_partly")
        self.raise_if(f"{test}({target}, {other})", f"{target} overlaps {other} in memory: copy one")

    def are_alike(self, *names):
        """Whether arrays are known to be contiguous and of one order."""
        layouts = {self.given[name].layout for name in names}
        return len(layouts) == 1 and "A" not in layouts

    def saved(self):
        """What a backward starts from, and the direction that this is."""
        if self.is_none("x") == self.is_none("y"):
            raise self.error("needs exactly one of x (the forward's input) and y (its output)")
        if self.is_none("y"):
            return "x", "backward"
        if self.activation.derivative_y is None:
            raise self.error(f"cannot start from y: {self.activation.no_y}; pass x")
        return "y", "backward_y"

    # Code

    def kernel(self, direction, arguments, indent=""):
        """Call the kernel of a direction."""
        name = f"{self.activation.name}{'_exact' if self.exact else ''}"
        name += "" if direction == "forward" else f"_{direction}"
        self.scope[f"kernel_{direction}"] = _runtime.c_function(f"pyacts_{name}_{SUFFIXES[self.dtype]}")
        self.add(f"{indent}kernel_{direction}(({', '.join(arguments)}))")

    def contiguous(self, name):
        """The name of an array in C order: its own, or that of a copy."""
        if self.given[name].layout == "C":
            return name
        self.add(f"{name}_in_order = np.ascontiguousarray({name})")
        return f"{name}_in_order"

    def axis(self, of):
        """The statement that sets `position` to the axis counted from the front."""
        if not isinstance(self.given["axis"], (types.Integer, int)) and not self.is_constant("axis", -1):
            raise self.error(f"axis must be an integer, not {self.given['axis']}")
        self.add(f"position = {self.use('counted_axis')}(np.intp(axis), {of}.ndim)")

    def with_axis(self, of, length):
        """The shape of an array with another length of the axis; no such axis for None."""
        ndim = self.given[of].ndim
        if length is None:
            sizes = [f"{of}.shape[{k}] if {k} < position else {of}.shape[{k + 1}]" for k in range(ndim - 1)]
        else:
            sizes = [f"{length} if {k} == position else {of}.shape[{k}]" for k in range(ndim)]
        return f"({''.join(f'{size}, ' for size in sizes)})"

    def implementation(self, arguments):
        body = "".join(f"    {line}\n" for line in self.lines)
        exec(f"def implementation({arguments}):\n{body}", self.scope)
        return self.scope["implementation"]


# ----------------------------------------------------------------------------------------------------------------
# Elementwise activations and gated units


def parameters(call, from_y):
    """The names of an activation's parameters in the code, as numbers of their type that have been checked."""
    names, constants = [], set()
    function = call.name.rstrip("_")
    for k, p in enumerate(call.activation.parameters):
        name = f"parameter_{k}"
        names.append(name)
        if call.is_constant(p.name, p.default):
            if p.default is None:
                raise call.error(f"missing the argument {p.name}")
            constants.add(p.name)
            call.add(f"{name} = real({p.default!r})")
        else:
            call.check_number(p.name)
            call.scope[f"checked_{k}"] = _runtime.parameter_check(function, p, call.scope["real"], from_y)
            call.add(f"{name} = checked_{k}({p.name})")
        if isinstance(p.minimum, str) and not {p.name, p.minimum} <= constants:
            (least,) = (
                q for q, other in zip(names, call.activation.parameters, strict=False) if other.name == p.minimum
            )
            call.raise_if(f"{name} < {least}", f"{p.name} must be {p.domain}")
    return names


def of_numbers(call, direction, inputs):
    """The function of numbers instead of arrays."""
    if call.inplace:
        raise call.error(f"only arrays can be changed in place: use {call.name.rstrip('_')}()")
    if call.exact:
        raise call.error("takes arrays of float32, no numbers")
    if "out" in call.given and not call.is_none("out"):
        raise call.error("out is for arrays")
    for name in inputs:
        call.check_number(name)
    is_single = {call.given[name] for name in inputs} == {types.float32}
    call.set_dtype(types.float32 if is_single else types.float64)
    suffix = "" if direction == "forward" else f"_{direction}"
    call.scope["of_numbers"] = getattr(scalar, call.activation.name + suffix)
    arguments = [*inputs, *parameters(call, direction == "backward_y")]
    call.add(f"return of_numbers({', '.join(arguments)})")


def elementwise(call):
    """f(x), f_(x), f_backward(grad, x), f_backward_(grad, x)."""
    if "approximate" in call.given:
        choice = call.value("approximate")
        if choice not in ("none", "tanh"):
            raise call.error(f"approximate must be 'none' or 'tanh', not {choice!r}")
        if choice == "tanh":
            (call.activation,) = (a for a in ACTIVATIONS if a.name == call.activation.approximation)
    gated = call.activation.kind == "gated"
    direction = "backward" if call.backward else "forward"
    if call.backward and not gated:
        _, direction = call.saved()
    inputs, results = call.activation.operands(direction)
    if not any(isinstance(call.given[name], types.Array) for name in inputs):
        of_numbers(call, direction, inputs)
        return
    call.check_arrays(*inputs)
    channels = call.activation.kind == "channelwise" and isinstance(call.given["weight"], types.Array)
    if not channels:
        numbers = parameters(call, direction == "backward_y")
    call.check_shapes(*inputs)
    targets = elementwise_targets(call, inputs, results, gated)
    if channels:
        channelwise(call, direction, inputs, targets)
    else:
        elementwise_kernel(call, direction, inputs, targets, numbers)
    call.add(f"return {', '.join(targets)}")


def elementwise_targets(call, inputs, results, gated):
    """The names of the arrays that are written."""
    if call.inplace:
        targets = inputs[-2:] if gated and call.backward else inputs[-1:] if gated else inputs[:1]
        others = [name for name in inputs if name not in targets]
    elif call.is_none("out"):
        new = call.given[inputs[0]]
        for result in results:
            call.add(f"{result} = np.empty_like({inputs[0]})")
            call.given[result] = new.copy(layout="C" if new.layout == "A" else new.layout)
        return results
    elif len(results) == 1:
        targets, others = ("out",), inputs
    else:
        out = call.given["out"]
        if not isinstance(out, types.BaseTuple) or len(out) != len(results):
            raise call.error(f"out must be a tuple of {len(results)} arrays, not {out}")
        targets, others = results, inputs
        for k, target in enumerate(targets):
            call.given[target] = out[k]
            call.add(f"{target} = out[{k}]")
    call.check_arrays(*inputs, *targets)
    call.check_shapes(inputs[0], *targets)
    for target in targets:
        call.check_target(target)
        for other in others:
            call.check_overlap(target, other)
    if len(targets) > 1:
        first, second = targets
        call.raise_if(f"{call.use('shares_memory')}({first}, {second})", f"{first} and {second} share memory: copy one")
    return targets


def elementwise_arguments(call, count, inputs, targets, numbers):
    if call.activation.kind == "channelwise":  # a channel of all elements, its weight in memory
        return ["1", "1", count, *inputs, "weights", *targets]
    return [count, *inputs, *targets, *numbers]


def elementwise_kernel(call, direction, inputs, targets, numbers):
    if call.activation.kind == "channelwise":
        call.add("weights = np.empty(1, real)", f"weights[0] = {numbers[0]}")
    if call.are_alike(*inputs, *targets):
        count = f"{inputs[0]}.size"
        call.kernel(direction, elementwise_arguments(call, count, inputs, targets, numbers))
        return
    gathered(call, direction, inputs, targets, numbers)


def gathered(call, direction, inputs, targets, numbers):
    """The kernel on arrays that are not contiguous: rows, in pieces, through buffers."""
    first, ndim = inputs[0], call.given[inputs[0]].ndim
    at = "".join(f"index[{k}], " for k in range(ndim - 1)) + "start + k"
    call.add(*(f"{name}_buffer = np.empty(CHUNK, real)" for name in dict.fromkeys((*inputs, *targets))))
    indent = ""
    if ndim > 1:
        call.add(f"for index in np.ndindex({first}.shape[:-1]):")
        indent = "    "
    call.add(
        f"{indent}for start in range(0, {first}.shape[-1], CHUNK):",
        f"{indent}    count = min(CHUNK, {first}.shape[-1] - start)",
        f"{indent}    for k in range(count):",
        *(f"{indent}        {name}_buffer[k] = {name}[{at}]" for name in inputs),
    )
    buffers = [[f"{name}_buffer" for name in group] for group in (inputs, targets)]
    call.kernel(direction, elementwise_arguments(call, "count", *buffers, numbers), indent=f"{indent}    ")
    call.add(
        f"{indent}    for k in range(count):",
        *(f"{indent}        {name}[{at}] = {name}_buffer[k]" for name in targets),
    )


def channelwise(call, direction, inputs, targets):
    """prelu with an array of weights."""
    if {call.given[name].layout for name in (*inputs, *targets)} != {"C"}:
        raise call.error("with an array of weights, all arrays must be contiguous: np.ascontiguousarray makes one")
    channel_weights(call, inputs[-1])
    call.kernel(direction, ["outer", "channels", "inner", *inputs, "weights", *targets])


def channel_weights(call, of):
    weight = call.given["weight"]
    if (
        weight.ndim == 0
        or weight.ndim > call.given[of].ndim
        or not isinstance(weight.dtype, (types.Float, types.Integer))
    ):
        raise call.error(f"weight must be a number or an array that broadcasts to {of}, not {weight}")
    call.add(f"outer, channels, inner = {call.use('channels_of')}({of}.shape, weight.shape)")
    call.add("weights = np.ascontiguousarray(weight).astype(real)")


def parameter_grad(call):
    """f_parameter_grad(grad, x)."""
    call.check_arrays("grad", "x")
    learned = [k for k, p in enumerate(call.activation.parameters) if p.learned]
    channels = call.activation.kind == "channelwise" and isinstance(call.given["weight"], types.Array)
    call.check_shapes("grad", "x")
    if channels:
        names = ["weights"]
        channel_weights(call, "x")
    else:
        names = parameters(call, False)
        call.add("outer, channels, inner = 1, 1, x.size")
        for name in names:
            call.add(f"{name}_array = np.empty(1, real)", f"{name}_array[0] = {name}")
        names = [f"{name}_array" for name in names]
    results = [f"gradient_{k}" for k in learned]
    call.add(*(f"{result} = np.empty_like({names[k]})" for k, result in zip(learned, results, strict=True)))
    arrays = [call.contiguous(name) for name in ("grad", "x")]
    call.kernel("parameter_grad", ["outer", "channels", "inner", *arrays, *names, *results])
    call.add(f"return {', '.join(result + ('' if channels else '[0]') for result in results)}")


# ----------------------------------------------------------------------------------------------------------------
# Along an axis

OPTIONS = {"scale": 1.0, "where": None, "bias": None, "causal": False, "sink": None, "empty": "nan"}

# Where the members of pyacts_softmax_options are, in words of 8 bytes, and behind them a sink that is a number.
MASK, BIAS, SINK, CAUSAL_ROWS, CAUSAL_OFFSET, EMPTY, NUMBER = 2, 6, 10, 13, 14, 15, 16


def check_even(call, array, name):
    """Raise unless the kernels can be told the strides, which they count in elements."""
    call.raise_if(
        f"{call.use('has_uneven_strides')}({array})",
        f"{name} has elements that are not a multiple of their size apart: use np.ascontiguousarray({name})",
    )


def check_apart(call, name):
    """Raise if an option would be overwritten while it is needed."""
    target = ("grad" if call.backward else "x") if call.inplace else "out"
    if isinstance(call.given.get(target), types.Array):
        call.raise_if(f"{call.use('spans_meet')}({name}, {target})", f"{name} overlaps {target} in memory: copy it")


def options_of(call, of, *arrays):
    """The options for the kernel, "None" if there are none. The axis must be known."""
    call.options = "None"
    wanted = [name for name in OPTIONS if name in call.given and not call.is_constant(name, OPTIONS[name])]
    if not wanted:
        return
    ndim = call.given[of].ndim
    if ndim > 2 or {call.given[name].layout for name in arrays} != {"C"}:
        raise call.error(
            f"with {wanted[0]}, arrays must be contiguous and have one or two dimensions: loop over the others"
        )
    call.options = "options"
    call.use("address")
    call.add(f"options = np.zeros({NUMBER + 1}, np.int64)", f"options[0] = {8 * NUMBER}")
    call.check_number("scale")
    call.add("factor = np.float64(real(scale))", "options.view(np.float64)[1] = factor")
    call.raise_if("not np.isfinite(factor)", "scale must be finite")
    # An axis of strides as (outer, n, inner).
    call.add("places = (1,)" if ndim == 1 else "places = (0, 1) if position else (1, 2)")
    for name, word, kind in (("where", MASK, types.boolean), ("bias", BIAS, call.dtype)):
        if name in wanted:
            array = call.given[name]
            if not isinstance(array, types.Array) or array.dtype != kind or array.ndim > ndim:
                raise call.error(f"{name} must be an array of {kind} that broadcasts to {of}, not {array}")
            check_apart(call, name)
            call.add(
                f"spread_{name} = np.broadcast_to({name}, {of}.shape)",
                f"options[{word}] = address(spread_{name})",
            )
            check_even(call, f"spread_{name}", name)
            call.add(
                f"for k in range({ndim}):",
                f"    options[{word + 1} + places[k]] = spread_{name}.strides[k] // {name}.itemsize",
            )
    if "sink" in wanted:
        sink = call.given["sink"]
        if call.is_number("sink"):
            call.add(f"options[{NUMBER}:].view(real)[0] = sink")
            call.add(f"options[{SINK}] = address(options) + {8 * NUMBER}")
        elif isinstance(sink, types.Array) and sink.dtype == call.dtype and sink.ndim == 1 == ndim - 1:
            check_apart(call, "sink")
            call.raise_if(f"sink.size != {of}.shape[1 - position]", "sink needs a number for each line")
            check_even(call, "sink", "sink")
            call.add(f"options[{SINK}] = address(sink)")
            call.add(f"options[{SINK + 1} if position else {SINK + 2}] = sink.strides[0] // sink.itemsize")
        else:
            raise call.error(f"sink must be a number or an array of {call.dtype} with one for each line, not {sink}")
    if "causal" in wanted:
        causal = call.given["causal"]
        if not isinstance(causal, (types.Boolean, types.Integer, bool, int)):
            raise call.error(f"causal must be False, True or an integer, not {causal}")
        call.raise_if(f"{of}.ndim == 1 or position == 0", "causal needs axis to be the last and another before it")
        is_flag = isinstance(causal, (types.Boolean, bool))
        call.add(f"options[{CAUSAL_ROWS}] = {'causal * ' if is_flag else ''}{of}.shape[0]")
        if not is_flag:
            call.add(f"options[{CAUSAL_OFFSET}] = causal")
    if "empty" in wanted:
        if call.value("empty") != "zero":
            raise call.error("empty must be 'nan' or 'zero'")
        call.add(f"options[{EMPTY}] = 1")


def lines(call, of, fortran=False):
    """The statements that set `position`, and `outer`, `n` and `inner`, of an array in this order."""
    call.axis(of)
    call.add(f"outer, n, inner = {call.use('lines_of')}({of}.shape, position, {fortran})")


def filled_lines(call, of, fortran=False):
    """The same where there is no result of nothing."""
    lines(call, of, fortran)
    call.raise_if("n == 0", "the axis has length 0")


def softmax(call):
    """f(x), f_(x), f_backward(grad, x), f_backward_(grad, x) of the softmax family."""
    if not call.backward:
        call.check_arrays("x")
        softmax_forward(call)
        return
    saved, _ = call.saved()
    call.check_arrays("grad", saved)
    call.check_shapes("grad", saved)
    softmax_backward(call, saved)


def softmax_forward(call):
    if call.inplace:
        call.check_target("x")
    in_order = call.given["x"].layout != "A"
    if call.inplace and not in_order:
        call.axis("x")
        options_of(call, "x", "x")
        softmax_rows(call, ["x"])
        call.add("return x")
        return
    if not in_order:
        call.add("x_in_order = np.ascontiguousarray(x)")
        call.given["x_in_order"] = call.given["x"].copy(layout="C")
    x = "x" if in_order else "x_in_order"
    filled_lines(call, x, fortran=call.given[x].layout == "F")
    options_of(call, "x", "x")
    y = "x" if call.inplace else softmax_target(call, x)
    call.kernel("forward", ["outer", "n", "inner", x, y, call.options])
    softmax_result(call, y)


def softmax_target(call, like, *others):
    """The array that the kernel writes: out if it can be, else a new one."""
    if call.is_none("out"):
        call.add(f"result = np.empty_like({like})")
        return "result"
    call.check_arrays("grad" if call.backward else "x", "out")
    call.check_target("out")
    call.check_shapes(like, "out")
    if call.are_alike(like, "out"):
        for other in (like, *others):
            call.check_overlap("out", other)
        return "out"
    call.add(f"result = np.empty_like({like})")
    return "result"


def softmax_result(call, target):
    if target == "result" and not call.is_none("out"):
        call.add("out[...] = result")
        target = "out"
    call.add(f"return {target}")


def softmax_rows(call, names):
    """Line by line through a buffer, in place in the first array."""
    target, saved = names[0], names[-1]
    ndim = call.given[target].ndim
    sizes = "".join(f"1 if position == {k} else {target}.shape[{k}], " for k in range(ndim))
    at = ", ".join(f"k if position == {k} else index[{k}]" for k in range(ndim))
    call.add(f"n = {target}.shape[position]")
    call.raise_if("n == 0", "the axis has length 0")
    call.add(*(f"{name}_line = np.empty(n, real)" for name in names))
    call.add(f"for index in np.ndindex(({sizes})):")
    call.add("    for k in range(n):", *(f"        {name}_line[k] = {name}[{at}]" for name in names))
    if saved == "x":
        call.kernel("forward", ["1", "n", "1", "x_line", "x_line", "None"], indent="    ")
    if call.backward:
        lines = [f"{name}_line" for name in names]
        call.kernel("backward_y", ["1", "n", "1", *lines, lines[0], "None"], indent="    ")
    call.add("    for k in range(n):", f"        {target}[{at}] = {target}_line[k]")


def softmax_backward(call, saved):
    if call.inplace:
        call.check_target("grad")
        call.check_overlap("grad", saved)
        if not call.are_alike("grad", saved):
            call.axis("grad")
            options_of(call, "grad", "grad", saved)
            softmax_rows(call, ["grad", saved])
            call.add("return grad")
            return
    names = ["grad", saved]
    if not call.are_alike(*names):
        for name in names:
            call.add(f"{name}_in_order = np.ascontiguousarray({name})")
            call.given[f"{name}_in_order"] = call.given[name].copy(layout="C")
        names = [f"{name}_in_order" for name in names]
    filled_lines(call, names[0], fortran=call.given[names[0]].layout == "F")
    options_of(call, "grad", "grad", saved)
    target = "grad" if call.inplace else softmax_target(call, *names)
    y = names[1]
    if saved == "x":
        y = "forward_y"
        call.add(f"{y} = np.empty_like({names[1]})")
        call.kernel("forward", ["outer", "n", "inner", names[1], y, call.options])
    call.kernel("backward_y", ["outer", "n", "inner", names[0], y, target, call.options])
    softmax_result(call, target)


def logsumexp(call):
    """logsumexp(x), logsumexp_backward(grad, x)."""
    call.check_arrays("x")
    keepdims = call.value("keepdims")
    x = call.contiguous("x")
    filled_lines(call, "x")
    options_of(call, "x", "x")
    shape = call.with_axis("x", "1" if keepdims else None)
    if not call.backward:
        call.add(f"result = np.empty({shape}, real)")
        call.kernel("forward", ["outer", "n", "inner", x, "result", call.options])
        call.add("return result" if call.given["x"].ndim > 1 or keepdims else "return result[()]")
        return
    if isinstance(call.given["grad"], types.Array):
        ndim = call.given["x"].ndim - (not keepdims)
        if call.given["grad"].dtype != call.dtype or call.given["grad"].ndim != ndim:
            raise call.error("grad must have the dtype and the shape of the result")
        call.raise_if(f"grad.shape != {shape}", "grad must have the shape of the result")
        grad = call.contiguous("grad")
    else:
        call.check_number("grad")
        if call.given["x"].ndim > 1 or keepdims:
            raise call.error("grad must have the dtype and the shape of the result")
        call.add("grad_array = np.empty(1, real)", "grad_array[0] = grad")
        grad = "grad_array"
    call.add(f"result = np.empty_like({x})")
    call.kernel("backward", ["outer", "n", "inner", grad, x, "result", call.options])
    call.add("return result")


def pool_size(call):
    if not isinstance(call.given["pool_size"], (types.Integer, int)):
        raise call.error(f"pool_size must be an integer, not {call.given['pool_size']}")
    call.add("pool = np.intp(pool_size)")
    call.raise_if("pool < 1", "pool_size must be at least 1")


def maxout(call):
    """maxout(x, pool_size), maxout_backward(grad, index, pool_size)."""
    first = "grad" if call.backward else "x"
    call.check_arrays(first)
    pool_size(call)
    array = call.contiguous(first)
    lines(call, first)
    if call.backward:
        index = call.given["index"]
        if not isinstance(index, types.Array) or not isinstance(index.dtype, types.Integer):
            raise call.error(f"index must be an array of integers, as maxout returns, not {index}")
        if index.ndim != call.given["grad"].ndim:
            raise call.error("grad and index must have the same shape")
        call.check_shapes("grad", "index")
        call.add("which = np.ascontiguousarray(index).astype(np.intp)")
        call.raise_if("((which < 0) | (which >= pool)).any()", "index must be from 0 to pool_size - 1")
        call.raise_if("n > (2**63 - 1) // pool", "pool_size makes the axis longer than an array can be")
        call.add(f"result = np.empty({call.with_axis('grad', 'n * pool')}, real)")
        call.kernel("backward", ["outer", "n * pool", "inner", "pool", array, "which", "result"])
        call.add("return result")
        return
    call.raise_if("n % pool", "the length of the axis is not a multiple of pool_size")
    shape = call.with_axis("x", "n // pool")
    call.add("pool = pool if n else 1")  # of nothing, any size makes nothing
    call.add(f"result = np.empty({shape}, real)")
    if call.value("return_index"):
        call.add(f"index = np.empty({shape}, np.intp)")
        call.kernel("forward", ["outer", "n", "inner", "pool", array, "result", "index"])
        call.add("return result, index")
    else:
        call.kernel("forward", ["outer", "n", "inner", "pool", array, "result", "None"])
        call.add("return result")


def crelu(call):
    """crelu(x), crelu_backward(grad, x)."""
    if not call.backward:
        call.check_arrays("x")
        x = call.contiguous("x")
        lines(call, "x")
        call.add(f"result = np.empty({call.with_axis('x', '2 * n')}, real)")
        call.kernel("forward", ["outer", "n", "inner", x, "result"])
        call.add("return result")
        return
    saved, direction = call.saved()
    call.check_arrays("grad", saved)
    grad, other = call.contiguous("grad"), call.contiguous(saved)
    lines(call, "grad")
    call.raise_if("n % 2", "the length of the axis is odd in grad")
    shape = call.with_axis("grad", "n // 2")
    wanted = "grad.shape" if saved == "y" else shape
    call.raise_if(f"{saved}.shape != {wanted}", f"grad and {saved} do not have shapes that go together")
    call.add(f"result = np.empty({shape}, real)")
    call.kernel(direction, ["outer", "n // 2", "inner", grad, other, "result"])
    call.add("return result")


# ----------------------------------------------------------------------------------------------------------------
# Losses


def reduction(call):
    choice = call.value("reduction")
    if choice not in ("mean", "sum", "none"):
        raise call.error(f"reduction must be 'mean', 'sum' or 'none', not {choice!r}")
    return choice


def reduced(call, choice, ndim):
    """Return `losses` as they are wanted; `count` is what the mean divides by."""
    if choice == "none":
        call.add("return losses" if ndim else "return losses[()]")
        return
    call.add("total = 0.0", "for loss in losses.flat:", "    total += loss")
    call.add("return real(total)" if choice == "sum" else "return real(total / count)")


def spread(call, choice, shape, ndim):
    """The statements that set `grads` to the gradient of each loss."""
    if choice == "none" and ndim:
        grad = call.given["grad"]
        if not isinstance(grad, types.Array) or grad.ndim != ndim or grad.dtype not in SUFFIXES:
            raise call.error(f"grad must be an array in the shape of the losses, not {grad}")
        call.raise_if(f"grad.shape != {shape}", "grad must have the shape of the losses")
        call.add("grads = np.ascontiguousarray(grad).astype(real)")
        return
    call.check_number("grad")
    call.add(f"grads = np.full({shape}, real(np.float64(grad){' / count' if choice == 'mean' else ''}))")


def softmax_cross_entropy(call):
    """softmax_cross_entropy(logits, labels), softmax_cross_entropy_backward(grad, logits, labels)."""
    choice = reduction(call)
    call.check_arrays("logits")
    ndim = call.given["logits"].ndim
    call.check_number("label_smoothing")
    x = call.contiguous("logits")
    filled_lines(call, "logits")
    call.add("smoothing = np.float64(label_smoothing)")
    call.raise_if("not 0 <= smoothing <= 1", "label_smoothing must be from 0 to 1")
    weights = "None"
    if not call.is_none("weight"):
        weight, weights = call.given["weight"], "weights"
        if not isinstance(weight, types.Array) or weight.ndim != 1:
            raise call.error(f"weight must be an array with a number for each class, not {weight}")
        call.add("weights = np.ascontiguousarray(weight).astype(real)")
        call.raise_if("weights.size != n", "weight needs one number for each class")
    labels = call.given["labels"]
    kind = labels.dtype if isinstance(labels, types.Array) else labels
    if isinstance(kind, types.Integer):
        classes(call, labels, ndim, weights)
        given = ["which", "None"]
    else:
        probabilities(call, labels, ndim)
        given = ["None", "given"]
    shape = call.with_axis("logits", None)
    arguments = ["outer", "n", "inner", x, *given, weights, "smoothing"]
    if not call.backward:
        call.add(f"losses = np.empty({shape}, real)")
        call.kernel("forward", [*arguments, "losses"])
        reduced(call, choice, ndim - 1)
        return
    spread(call, choice, shape, ndim - 1)
    call.add(f"result = np.empty_like({x})")
    call.kernel("backward", [*arguments[:3], "grads", *arguments[3:], "result"])
    call.add("return result")


def classes(call, labels, ndim, weights):
    """The statements that set `which` to the classes, -1 for one that is ignored, and `count`."""
    if (labels.ndim if isinstance(labels, types.Array) else 0) != ndim - 1:
        raise call.error("labels that are classes need the shape of logits without the axis")
    if not isinstance(labels, types.Array):
        call.add("labels_array = np.array([labels])")
    else:
        call.raise_if(
            f"labels.shape != {call.with_axis('logits', None)}", "labels need the shape of logits without axis"
        )
        call.add("labels_array = labels")
    call.add("which = np.empty(labels_array.size, np.int64)", "count = 0.0")
    call.add("for k, label in enumerate(labels_array.flat):")
    if call.is_none("ignore_index"):
        call.add("    which[k] = label")
    else:
        if not isinstance(call.given["ignore_index"], (types.Integer, int)):
            raise call.error(f"ignore_index must be an integer, not {call.given['ignore_index']}")
        call.add("    which[k] = -1 if label == ignore_index else label")
        call.add("    if label == ignore_index:", "        continue")
    call.add("    if label < 0 or label >= n:")
    call.add(f'        raise ValueError("{call.name}(): labels must be from 0 to the number of classes - 1")')
    call.add("    count += 1" if weights == "None" else "    count += weights[label]")


def probabilities(call, labels, ndim):
    """The statements that set `given` to the probabilities, and `count`."""
    if not isinstance(labels, types.Array) or not isinstance(labels.dtype, types.Float) or labels.ndim != ndim:
        raise call.error(f"labels must be classes, as integers, or probabilities in the shape of logits, not {labels}")
    if not call.is_none("ignore_index"):
        raise call.error("ignore_index is for labels that are classes")
    call.check_shapes("logits", "labels")
    call.add("given = np.ascontiguousarray(labels).astype(real)", "count = outer * inner")


def sigmoid_cross_entropy(call):
    """sigmoid_cross_entropy(logits, labels), sigmoid_cross_entropy_backward(grad, logits, labels)."""
    choice = reduction(call)
    call.check_arrays("logits")
    ndim, labels = call.given["logits"].ndim, call.given["labels"]
    if not isinstance(labels, types.Array) or labels.ndim != ndim:
        raise call.error(f"labels must be an array of numbers from 0 to 1 in the shape of logits, not {labels}")
    call.check_shapes("logits", "labels")
    x = call.contiguous("logits")
    call.add("given = np.ascontiguousarray(labels).astype(real)", "count = logits.size")
    call.add(f"losses = np.empty_like({x})")
    if not call.backward:
        call.kernel("forward", ["count", x, "given", "losses"])
        reduced(call, choice, ndim)
        return
    if choice == "none":
        spread(call, choice, "logits.shape", ndim)
        call.kernel("backward", ["count", "1.0", x, "given", "losses"])
        call.add("return grads * losses")
        return
    call.check_number("grad")
    call.add(f"factor = np.float64(grad){' / count' if choice == 'mean' else ''}")
    call.kernel("backward", ["count", "factor", x, "given", "losses"])
    call.add("return losses")


# ----------------------------------------------------------------------------------------------------------------
# The functions

MAKERS = {
    "elementwise": elementwise,
    "channelwise": elementwise,
    "gated": elementwise,
    "softmax": softmax,
    "logsumexp": logsumexp,
    "cross_entropy": softmax_cross_entropy,
    "binary_cross_entropy": sigmoid_cross_entropy,
    "maxout": maxout,
    "crelu": crelu,
}


def forms():
    """(activation, ending of the name, whether it is in the exact tier, how code for it is made) of every function."""
    for activation in ACTIVATIONS:
        makers = dict.fromkeys(ENDINGS, MAKERS[activation.kind]) | {"_parameter_grad": parameter_grad}
        for exact, module in ((False, pyacts), (True, pyacts.exact)):
            for ending, maker in makers.items():
                if hasattr(module, activation.name + ending):
                    yield activation, ending, exact, maker


def register(activation, ending, exact, maker):
    """Tell Numba how a function is compiled."""
    function = getattr(pyacts.exact if exact else pyacts, activation.name + ending)
    given = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    # Numba has no keyword-only arguments. They follow the others, `out` first.
    given.sort(key=lambda p: (p.kind is p.KEYWORD_ONLY, p.kind is p.KEYWORD_ONLY and p.name != "out"))
    arguments = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in given)

    def chosen(types_given):
        call = Call(activation, ending, exact, types_given)
        maker(call)
        return call.implementation(arguments)

    scope = {"chosen": chosen}
    exec(f"def {function.__name__}({arguments}):\n    return chosen(locals())", scope)
    overload(function, jit_options={"error_model": "numpy", "nogil": True, "fastmath": False})(scope[function.__name__])
