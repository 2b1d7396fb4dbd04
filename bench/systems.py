"""The systems that pyacts is measured against, and how each spells the functions of the catalogue.

A system has, for a row of the benchmark, statements that do what pyacts does, in names of its own arrays. They are
looked up by the name of the activation; what is not there, a system does not have. ``{axis}`` is the row's.
"""

import ctypes.util
import importlib
import re
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cffi
import numpy as np

import pyacts
from bench import speed
from pyacts.catalog import ACTIVATIONS


@dataclass(frozen=True)
class Row:
    """What is measured in one line: a function in one direction and form, on arrays of a shape and dtype.

    The forms are "new" (the result in a new array), "out" (in an existing one) and "inplace" (in that of the input).
    """

    function: str
    variant: str
    direction: str
    form: str
    dtype: str
    shape: tuple[int, ...]
    axis: int = -1

    @property
    def n(self) -> int:
        return int(np.prod(self.shape))

    @property
    def label(self) -> str:
        return f"{self.function}, {self.variant}" if self.variant else self.function

    @property
    def case(self) -> speed.Case:
        """The row of make bench that it is: pyacts' call, and NumPy's."""
        return CASES[self.function, self.variant, "inplace" if self.form == "inplace" else self.direction]

    @property
    def result(self) -> str:
        """What the statements make."""
        return "x" if self.form == "inplace" else self.case.result


BY_NAME = {activation.name: activation for activation in ACTIVATIONS}
CASES: dict[tuple[str, str, str], speed.Case] = {}
for _case in speed.cases():
    CASES[_case.name, _case.variant, _case.direction] = _case
# Softmax over the shapes of networks: (rows, length) or more axes.
SHAPES = {
    "512 x 10": ((512, 10), -1),
    "256 x 128": ((256, 128), -1),
    "256 x 1024": ((256, 1024), -1),
    "16384 x 1024": ((16384, 1024), -1),
    "16 x 1 Mi": ((16, 1 << 20), -1),
    "1024 x 1024, axis 0": ((1024, 1024), 0),
    "64 x 128 x 56, axis 1": ((64, 128, 56), 1),
}
for _shape in SHAPES:
    for _direction in ("forward", "inplace", "backward", "backward_y"):
        CASES["softmax", _shape, _direction] = CASES["softmax", speed.SOFTMAX_VARIANTS[0], _direction]

Names = dict[str, Any]


class System:
    """A system with arrays of NumPy's."""

    name = ""

    def __init__(self) -> None:
        self.version = importlib.import_module(self.name).__version__

    def wrap(self, array: Any) -> Any:
        """Its array with the memory of NumPy's."""
        return array

    def unwrap(self, array: Any) -> np.ndarray:
        return np.asarray(array)

    def names(self, row: Row, names: Names) -> Names:
        """What its statements use, made of the arrays of NumPy."""
        return names

    def statements(self, row: Row) -> list[str]:
        raise NotImplementedError


def new(call: str, result: str) -> str:
    """A call of pyacts without out=."""
    bare = re.sub(r", out=(\w+|\([^)]*\))", "", call)
    return bare if re.match(r"\w+ = ", bare) else f"{result} = {bare}"


class Pyacts(System):
    name = "pyacts"

    def __init__(self):
        self.version = pyacts.__version__

    def statements(self, row):
        call = row.case.ours
        if row.axis != -1:
            call = re.sub(r"\b(x|y=y)([,)])", rf"\1, axis={row.axis}\2", call)
        if row.form == "new":
            return [new(call, row.result)]
        return [call] if row.form == "inplace" or ", out=" in call else []


class Exact(Pyacts):
    """The exact tier."""

    name = "pyacts.exact"

    def statements(self, row):
        if row.dtype != "float32" or not BY_NAME[row.function].exact:
            return []
        return [statement.replace("pyacts.", "pyacts.exact.") for statement in super().statements(row)]


class Numpy(System):
    """The ways of make bench: the plain expression makes a new array, the others have scratch arrays."""

    name = "numpy"

    def statements(self, row):
        if row.axis != -1:
            return self.along_axis(row)
        if row.form == "new":
            return [row.case.plain]
        # Statements in place and in existing arrays are right for any dtype; the plain one is there if they are not.
        return list(row.case.best) or [row.case.plain]

    def along_axis(self, row):
        """The plain expression, along another axis than the last."""
        target = {"new": f"{row.result} = ", "out": f"{row.result}[...] = ", "inplace": "x[...] = "}[row.form]
        softmax = f"(e := np.exp(x - x.max(axis={row.axis}, keepdims=True))) / e.sum(axis={row.axis}, keepdims=True)"
        before, y = {"backward": (f"s = {softmax}; ", "s"), "backward_y": ("", "y")}.get(row.direction, ("", ""))
        if not y:
            return [f"{target}{softmax}"]
        return [f"{before}{target}{y} * (grad - (grad * {y}).sum(axis={row.axis}, keepdims=True))"]


# ----------------------------------------------------------------------------------------------------------------
# torch


@dataclass(frozen=True)
class Spelling:
    """How torch spells a function: calls of operators, or "= expression" for what makes a new array only.

    A backward that is not here is had from autograd, whose record of the forward is part of what is timed.
    """

    forward: tuple[str, ...]
    backward: tuple[str, ...] = ()
    backward_y: tuple[str, ...] = ()


def native(forward: str, backward: str = "", backward_y: str = "", *others: str) -> Spelling:
    return Spelling((forward, *others), (backward,) if backward else (), (backward_y,) if backward_y else ())


SELU = "1.6732632423543772, 1.0507009873554805, 1"


def softmax_like(op: str) -> Spelling:
    return Spelling(
        (f"{op}(x, {{axis}})", f"_{op}(x, {{axis}}, False)"),
        (f"_{op}_backward_data(grad, torch.{op}(x, {{axis}}), {{axis}}, x.dtype)",),
        (f"_{op}_backward_data(grad, y, {{axis}}, x.dtype)",),
    )


TORCH: dict[str, Spelling] = {
    "identity": native("clone(x)"),
    "relu": native("relu(x)", "threshold_backward(grad, x, 0)", "threshold_backward(grad, y, 0)"),
    "leaky_relu": native(
        "leaky_relu(x, 0.01)", "leaky_relu_backward(grad, x, 0.01, False)", "leaky_relu_backward(grad, y, 0.01, True)"
    ),
    "prelu": native("prelu(x, weight)"),
    "relu6": native(
        "relu6(x)", "hardtanh_backward(grad, x, 0, 6)", "hardtanh_backward(grad, y, 0, 6)", "hardtanh(x, 0, 6)"
    ),
    "relu2": native("square(torch.relu(x))"),
    "threshold": native("threshold(x, 1, 0)", "threshold_backward(grad, x, 1)"),
    "hard_tanh": native("hardtanh(x, -1, 1)", "hardtanh_backward(grad, x, -1, 1)", "hardtanh_backward(grad, y, -1, 1)"),
    "hard_sigmoid": native("hardsigmoid(x)", "hardsigmoid_backward(grad, x)"),
    "hard_swish": native("hardswish(x)", "hardswish_backward(grad, x)"),
    "elu": native("elu(x, 1)", "elu_backward(grad, 1, 1, 1, False, x)", "elu_backward(grad, 1, 1, 1, True, y)"),
    "selu": native(
        "selu(x)",
        f"elu_backward(grad, {SELU}, False, x)",
        f"elu_backward(grad, {SELU}, True, y)",
        f"elu(x, {SELU})",
    ),
    "celu": native(
        "celu(x, 1)", "elu_backward(grad, 1, 1, 1, False, x)", "elu_backward(grad, 1, 1, 1, True, y)", "elu(x, 1, 1, 1)"
    ),
    "softplus": native("softplus(x, 1, 20)", "softplus_backward(grad, x, 1, 20)"),
    "log_sigmoid": native("log_sigmoid(x)", "log_sigmoid_backward(grad, x, aten.log_sigmoid_forward(x)[1])"),
    "exponential": native("exp(x)", "mul(grad, torch.exp(x))", "mul(grad, y)"),
    "sigmoid": native("sigmoid(x)", "sigmoid_backward(grad, torch.sigmoid(x))", "sigmoid_backward(grad, y)"),
    "tanh": native("tanh(x)", "tanh_backward(grad, torch.tanh(x))", "tanh_backward(grad, y)"),
    "softsign": native("= F.softsign(x)"),
    "silu": native("silu(x)", "silu_backward(grad, x)"),
    "quick_gelu": native("mul(x, torch.sigmoid(1.702 * x))"),
    "gelu": native("gelu(x)", "gelu_backward(grad, x)"),
    "gelu_tanh": native("gelu(x, approximate='tanh')", "gelu_backward(grad, x, approximate='tanh')"),
    "mish": native("mish(x)", "mish_backward(grad, x)"),
    "hard_shrink": native("hardshrink(x, 0.5)", "hardshrink_backward(grad, x, 0.5)"),
    "soft_shrink": native("softshrink(x, 0.5)", "softshrink_backward(grad, x, 0.5)"),
    "tanh_shrink": native("sub(x, torch.tanh(x))"),
    "glu": native("mul(torch.sigmoid(gate), up)"),
    "reglu": native("mul(torch.relu(gate), up)"),
    "swiglu": native("mul(nn.silu(gate), up)"),
    "geglu": native("mul(nn.gelu(gate), up)"),
    "geglu_tanh": native("mul(nn.gelu(gate, approximate='tanh'), up)"),
    "softmax": softmax_like("softmax"),
    "softmin": native("softmax(-x, {axis})"),
    "log_softmax": softmax_like("log_softmax"),
    "logsumexp": native("logsumexp(x, {axis})"),
    "softmax_cross_entropy": native("= F.cross_entropy(x, labels, reduction='none')"),
    "sigmoid_cross_entropy": native("= F.binary_cross_entropy_with_logits(x, labels, reduction='none')"),
    "maxout": native("amax(pools, -1)"),
    "crelu": native("= torch.cat((torch.relu(x), torch.relu(-x)))"),
}


class Torch(System):
    name = "torch"

    def __init__(self):
        super().__init__()
        self.torch = importlib.import_module("torch")
        self.torch.set_num_threads(1)
        self.operators = self.torch.ops.aten
        self.nn = self.torch._C._nn

    def wrap(self, array):
        if array.dtype.name == "bfloat16":
            return self.torch.from_numpy(array.view(np.int16)).view(self.torch.bfloat16)
        return self.torch.from_numpy(array)

    def unwrap(self, array):
        array = array.detach()
        return (array.float() if array.dtype == self.torch.bfloat16 else array).numpy()

    def names(self, row, names):
        torch = self.torch
        own = {"torch": torch, "aten": self.operators, "nn": self.nn, "F": torch.nn.functional}
        for name in ("x", "y", "dx", "grad", "gate", "up", "dgate", "dup", "labels", "pools"):
            if isinstance(names.get(name), np.ndarray):
                own[name] = self.wrap(names[name])
        if "weight" in names:
            own["weight"] = self.wrap(np.atleast_1d(names["weight"]).astype(names["x"].dtype))
        own |= {f"{name}_leaf": own[name].detach().requires_grad_() for name in ("x", "gate", "up") if name in own}
        return own

    def statements(self, row):
        spelled = TORCH.get(row.function)
        if not spelled:
            return []
        calls = [call.replace("{axis}", str(row.axis)) for call in getattr(spelled, row.direction)]
        found = [self.written(call, row) for call in calls]
        if row.direction == "backward" and not calls:
            found = [self.recorded(spelled.forward[0].replace("{axis}", str(row.axis)), row)]
        # A new array is what one has where nothing can be written into, and a backward with out= may copy from one.
        if row.form == "out" and (row.direction == "backward" or not any(found)):
            found += [self.written(call, row, "new") for call in calls]
        return list(dict.fromkeys(filter(None, found)))

    def function(self, operator):
        """The quickest way to call it."""
        for module, prefix in ((self.torch, "torch"), (self.nn, "nn")):
            if hasattr(module, operator) and "backward" not in operator:
                return f"{prefix}.{operator}"
        return f"aten.{operator}"

    def written(self, call, row, form=""):
        form = form or row.form
        if call.startswith("= "):
            return f"{row.result} {call}" if form == "new" else ""
        operator, arguments = call.removesuffix(")").split("(", 1)
        function = self.function(operator)
        if form == "new":
            return f"{row.result} = {function}({arguments})"
        if form == "inplace":
            if arguments.startswith("x") and not self.function(f"{operator}_").startswith("aten"):
                return f"{function}_({arguments})"
            arguments = re.sub(r"\bup\b", "x", arguments)
        overloads = getattr(self.operators, operator)
        found = [o for o in ("grad_input", "out", "int_out") if o in overloads.overloads()]
        if not found:
            return ""
        if not function.startswith("aten") and operator not in ("relu", "celu", "clone"):  # these take no out=
            return f"{function}({arguments}, out={row.result})"
        (name,) = (a.name for a in getattr(overloads, found[0])._schema.arguments if a.is_out)
        return f"aten.{operator}.{found[0]}({arguments}, {name}={row.result})"

    def recorded(self, call, row):
        """The backward of what autograd records of a forward call."""
        expression = self.written(call, row, "new").partition(" = ")[2]
        inputs = ("gate", "up") if row.case.gated else ("x",)
        leaves = ", ".join(f"{name}_leaf" for name in inputs)
        source = "x_leaf.reshape(pools.shape)" if "pools" in expression else r"\1_leaf"
        expression = re.sub(r"(?<!\.)\b(x|gate|up|pools)\b", source, expression)
        results = row.result if row.case.gated else f"{row.result},"
        return f"{results} = torch.autograd.grad({expression}, ({leaves},), grad)"


# ----------------------------------------------------------------------------------------------------------------
# JAX


def jax_functions(jax) -> dict[str, Any]:
    nn, jnp = jax.nn, jax.numpy
    return {
        "relu": nn.relu,
        "leaky_relu": nn.leaky_relu,
        "relu6": nn.relu6,
        "hard_tanh": nn.hard_tanh,
        "hard_sigmoid": nn.hard_sigmoid,
        "hard_swish": nn.hard_swish,
        "elu": nn.elu,
        "selu": nn.selu,
        "celu": nn.celu,
        "softplus": nn.softplus,
        "log_sigmoid": nn.log_sigmoid,
        "squareplus": nn.squareplus,
        "sparse_plus": nn.sparse_plus,
        "sparse_sigmoid": nn.sparse_sigmoid,
        "exponential": jnp.exp,
        "sigmoid": nn.sigmoid,
        "tanh": jnp.tanh,
        "softsign": nn.soft_sign,
        "silu": nn.silu,
        "gelu": partial(nn.gelu, approximate=False),
        "gelu_tanh": nn.gelu,
        "mish": nn.mish,
        "softmax": nn.softmax,
        "log_softmax": nn.log_softmax,
        "logsumexp": partial(nn.logsumexp, axis=-1),
    }


class Jax(System):
    """Compiled functions, which make new arrays; backward is the compiled derivative."""

    name = "jax"

    def __init__(self):
        super().__init__()
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)
        nn = self.jax.nn
        gated = {
            "glu": lambda gate, up: nn.sigmoid(gate) * up,
            "reglu": lambda gate, up: nn.relu(gate) * up,
            "swiglu": lambda gate, up: nn.silu(gate) * up,
            "geglu": lambda gate, up: nn.gelu(gate, approximate=False) * up,
            "geglu_tanh": lambda gate, up: nn.gelu(gate) * up,
        }
        own = {"quick_gelu": lambda x: x * nn.sigmoid(1.702 * x), "relu2": lambda x: nn.relu(x) ** 2}
        self.functions = jax_functions(self.jax) | own | gated

    def names(self, row, names):
        f, jnp = self.functions[row.function], self.jax.numpy
        if row.axis != -1:
            f = partial(f, axis=row.axis)
        own = {name: jnp.asarray(names[name]) for name in ("x", "grad", "gate", "up") if name in names}
        own["f"] = self.jax.jit(f)
        own["g"] = self.jax.jit(lambda grad, *inputs: self.jax.vjp(f, *inputs)[1](grad))
        own["wait"] = self.jax.block_until_ready
        return own

    def statements(self, row):
        if row.function not in self.functions or row.form == "inplace" or row.direction == "backward_y":
            return []
        inputs = "gate, up" if row.case.gated else "x"
        if row.direction == "forward":
            return [f"y = wait(f({inputs}))"]
        return [f"{row.result if row.case.gated else f'{row.result},'} = wait(g(grad, {inputs}))"]


# ----------------------------------------------------------------------------------------------------------------
# The others: forward

ONNX: dict[str, tuple[str, Names]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "threshold": ("ThresholdedRelu", {"alpha": 1.0}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_swish": ("HardSwish", {}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}),
    "celu": ("Celu", {"alpha": 1.0}),
    "softplus": ("Softplus", {}),
    "exponential": ("Exp", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softsign": ("Softsign", {}),
    "gelu": ("Gelu", {}),
    "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
    "mish": ("Mish", {}),
    "hard_shrink": ("Shrink", {"lambd": 0.5}),
    "soft_shrink": ("Shrink", {"lambd": 0.5, "bias": 0.5}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "hardmax": ("Hardmax", {"axis": -1}),
}


class Onnxruntime(System):
    """Models of one operator: run() makes a new array, a binding writes into one."""

    name = "onnxruntime"

    def __init__(self):
        super().__init__()
        self.runtime = importlib.import_module(self.name)
        self.onnx = importlib.import_module("onnx")

    def names(self, row, names):
        helper = self.onnx.helper
        operator, attributes = ONNX[row.function]
        attributes = attributes | ({"axis": row.axis} if "axis" in attributes else {})
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(row.dtype))
        arrays = [helper.make_tensor_value_info(name, kind, row.shape) for name in "xy"]
        graph = helper.make_graph(
            [helper.make_node(operator, ["x"], ["y"], **attributes)], "one", arrays[:1], arrays[1:]
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = self.runtime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        binding = session.io_binding()
        x, y = names["x"], names["y"]
        binding.bind_input("x", "cpu", 0, x.dtype, x.shape, x.ctypes.data)
        binding.bind_output("y", "cpu", 0, y.dtype, y.shape, y.ctypes.data)
        return {"x": x, "y": y, "session": session, "binding": binding}

    def statements(self, row):
        if row.function not in ONNX or row.direction != "forward" or row.form == "inplace" or row.dtype == "bfloat16":
            return []
        return ["(y,) = session.run(None, {'x': x})" if row.form == "new" else "session.run_with_iobinding(binding)"]


class Scipy(System):
    name = "scipy"
    ufuncs: dict[str, str] = {"softplus": "softplus", "log_sigmoid": "log_expit", "sigmoid": "expit"}  # noqa: RUF012
    along: tuple[str, ...] = ("softmax", "log_softmax", "logsumexp")

    def __init__(self):
        super().__init__()
        self.special = importlib.import_module("scipy.special")

    def names(self, row, names):
        return names | {"special": self.special}

    def statements(self, row):
        if row.direction != "forward":
            return []
        out = {"new": "", "out": ", out=y", "inplace": ", out=x"}[row.form]
        before = "y = " if row.form == "new" else ""
        if function := self.ufuncs.get(row.function):
            return [f"{before}special.{function}(x{out})"] if hasattr(self.special, function) else []
        if row.function == "gelu":
            return [f"{before}np.multiply(x, special.ndtr(x){out})"]
        if row.function in self.along and row.form == "new":
            return [f"y = special.{row.function}(x, axis={row.axis})"]
        return []


# Integers: a float in an expression makes it a double one.
NUMEXPR = {
    "relu": "where(x > 0, x, 0)",
    "elu": "where(x > 0, x, expm1(x))",
    "softplus": "log1p(exp(x))",
    "log_sigmoid": "-log1p(exp(-x))",
    "exponential": "exp(x)",
    "sigmoid": "1 / (1 + exp(-x))",
    "tanh": "tanh(x)",
    "softsign": "x / (1 + abs(x))",
    "silu": "x / (1 + exp(-x))",
    "mish": "x * tanh(log1p(exp(x)))",
    "tanh_shrink": "x - tanh(x)",
}


class Numexpr(System):
    name = "numexpr"

    def __init__(self):
        super().__init__()
        self.module = importlib.import_module(self.name)
        self.module.set_num_threads(1)

    def names(self, row, names):
        return names | {"evaluate": self.module.evaluate}

    def statements(self, row):
        if row.function not in NUMEXPR or row.direction != "forward" or row.dtype not in ("float32", "float64"):
            return []
        out = {"new": "", "out": ", out=y", "inplace": ", out=x"}[row.form]
        before = "y = " if row.form == "new" else ""
        return [f"{before}evaluate({NUMEXPR[row.function]!r}, {{'x': x}}, {{}}{out})"]


# By direction: the method and what it is given.
THINC = {
    "relu": {"forward": "relu(x{})", "backward_y": "backprop_relu(grad, y{})"},
    "hard_tanh": {"forward": "hard_tanh(x{})"},
    "sigmoid": {"forward": "sigmoid(x{})", "backward_y": "backprop_sigmoid(grad, y{})"},
    "silu": {"forward": "swish(x{})"},
    "gelu": {"forward": "gelu(x{})", "backward": "backprop_gelu(grad, x{})"},
    "gelu_tanh": {"forward": "gelu_approx(x{})", "backward": "backprop_gelu_approx(grad, x{})"},
    "mish": {"forward": "mish(x{})", "backward": "backprop_mish(grad, x{})"},
    "dish": {"forward": "dish(x{})", "backward": "backprop_dish(grad, x{})"},
    "softmax": {"forward": "softmax(x{})", "backward_y": "backprop_softmax(y, grad{})"},
}


class Thinc(System):
    """Its functions make new arrays or work in place."""

    name = "thinc"

    def __init__(self):
        super().__init__()
        self.ops = importlib.import_module("thinc.api").NumpyOps()

    def names(self, row, names):
        return names | {"ops": self.ops}

    def statements(self, row):
        call = THINC.get(row.function, {}).get(row.direction)
        if not call or row.axis != -1 or row.dtype not in ("float32", "float64"):
            return []
        if row.form == "inplace":
            return [f"ops.{call.format(', inplace=True')}"]
        return [f"{row.result} = ops.{call.format('')}"]


class Mkl(System):
    """The vector functions of Intel MKL, at high and at low accuracy (1 and 4 ULP)."""

    name = "mkl"
    functions: dict[str, str] = {"exponential": "Exp", "tanh": "Tanh"}  # noqa: RUF012

    def __init__(self):
        candidates = sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*")) or [ctypes.util.find_library("mkl_rt")]
        if not candidates[0]:
            raise ImportError("no libmkl_rt")
        self.ffi = cffi.FFI()
        for function in self.functions.values():
            for letter, real in (("s", "float"), ("d", "double")):
                self.ffi.cdef(f"void vm{letter}{function}(int n, const {real} *a, {real} *r, int64_t mode);")
        self.ffi.cdef("void mkl_get_version_string(char *text, int length);")
        try:
            self.library = self.ffi.dlopen(str(candidates[0]))
        except OSError as error:
            raise ImportError(str(error)) from error
        text = self.ffi.new("char[200]")
        self.library.mkl_get_version_string(text, 199)
        self.version = re.search(r"Version ([\d.]+)", self.ffi.string(text).decode())[1]

    def wrap(self, array):
        return Pointer(self.ffi, array)

    def unwrap(self, array):
        return array.array

    def names(self, row, names):
        return {"mkl": self.library} | {name: self.wrap(names[name]) for name in "xy"} | {"n": names["x"].size}

    def statements(self, row):
        function = self.functions.get(row.function)
        letter = {"float32": "s", "float64": "d"}.get(row.dtype)
        if not function or not letter or row.direction != "forward" or row.form == "new":
            return []
        return [f"mkl.vm{letter}{function}(n, x.at, {row.result}.at, {mode})" for mode in (2, 1)]


class Pointer:
    """An array with its address."""

    def __init__(self, ffi: cffi.FFI, array: np.ndarray) -> None:
        self.array = array
        self.at = ffi.cast("float *" if array.dtype == np.float32 else "double *", array.ctypes.data)


PEERS: tuple[type[System], ...] = (Numpy, Torch, Jax, Onnxruntime, Scipy, Numexpr, Thinc, Mkl)


def available(names: tuple[str, ...]) -> tuple[list[System], dict[str, str]]:
    """The peers of these names that there are; and why the others are missing."""
    found, missing = [], {}
    for kind in PEERS:
        if kind.name in names:
            try:
                found.append(kind())
            except ImportError as error:
                missing[kind.name] = str(error)
    return found, missing
