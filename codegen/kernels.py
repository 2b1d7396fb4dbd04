"""The Cython sources between the mathematics in kernels/ and the C functions of pyacts.h.

- ``table``: a struct of function pointers, all the kernels of one build.
- ``exports``: the kernels themselves, each one line that puts an activation's functions into a loop. Compiled once per
  build, which is a dtype or the exact tier, and instruction-set level; all it exports is a function that fills the
  struct.
- ``dispatch``: one struct per build, filled once for the best level when the library is loaded; the public C functions,
  which call through it; and ``pyacts_find``.
"""

from codegen import ACTIVATIONS, DTYPES, VERSION

# What loops.pxd gives the function of an element.
ELEMENT = "real a, real b, real c, real d, const parameter *const *params, size_t i"

# What channels.pxd gives the function of an element's share of a parameter's gradient.
SHARE = "real grad, real x, const parameter *const *params, size_t c"

# Each is compiled from the same source. The exact tier is float32 computed in double.
EXACT = "exact"
BUILDS = (*DTYPES, EXACT)

# The shapes of the kernels in the table. An elementwise one is a pyacts_kernel of pyacts.h.
ELEMENTWISE = "size_t n, const void *const *inputs, void *const *outputs, const double *params"
OPTIONS = "const pyacts_softmax_options *options"
SHAPES = {
    "pyacts": ELEMENTWISE,
    "channels": "size_t outer, size_t channels, size_t inner, const void *a, const void *b, const void *param, "
    "void *out",
    "parameter_grad": "size_t outer, size_t channels, size_t inner, const void *grad, const void *x, "
    "const void *const *params, void *const *dparams",
    "softmax": f"size_t outer, size_t n, size_t inner, const void *x, void *y, {OPTIONS}",
    "softmax_backward_y": f"size_t outer, size_t n, size_t inner, const void *grad, const void *y, void *dx, {OPTIONS}",
    "logsumexp": f"size_t outer, size_t n, size_t inner, const void *x, void *y, {OPTIONS}",
    "cross_entropy": "size_t outer, size_t n, size_t inner, const void *x, const int64_t *labels, "
    "const void *probabilities, const void *weight, double label_smoothing, void *loss",
    "cross_entropy_backward": "size_t outer, size_t n, size_t inner, const void *grad, const void *x, "
    "const int64_t *labels, const void *probabilities, const void *weight, double label_smoothing, void *dx",
    "logsumexp_backward": f"size_t outer, size_t n, size_t inner, const void *grad, const void *x, void *dx, {OPTIONS}",
    "crelu": "size_t outer, size_t n, size_t inner, const void *x, void *y",
    "crelu_backward": "size_t outer, size_t n, size_t inner, const void *grad, const void *x, void *dx",
    "crelu_backward_y": "size_t outer, size_t n, size_t inner, const void *grad, const void *y, void *dx",
    "maxout": "size_t outer, size_t n, size_t inner, size_t pool_size, const void *x, void *y, size_t *index",
    "maxout_backward": "size_t outer, size_t n, size_t inner, size_t pool_size, const void *grad, const size_t *index, "
    "void *dx",
}


# pyacts_softmax_options, as pyacts.h declares it: (type, name, what follows the name).
SOFTMAX_OPTIONS = [
    ("size_t", "size", ""),
    ("double", "scale", ""),
    ("const unsigned char *", "mask", ""),
    ("ptrdiff_t", "mask_strides", "[3]"),
    ("const void *", "bias", ""),
    ("ptrdiff_t", "bias_strides", "[3]"),
    ("const void *", "sink", ""),
    ("ptrdiff_t", "sink_strides", "[2]"),
    ("size_t", "causal_rows", ""),
    ("ptrdiff_t", "causal_offset", ""),
    ("int", "empty", ""),
]


def dtype_of(build):
    return "f32" if build == EXACT else build


def name_in(build, activation):
    """An activation's name in the names of C functions, and for pyacts_find."""
    return f"{activation.name}_exact" if build == EXACT else activation.name


def builds_of(activation):
    return BUILDS if activation.exact else DTYPES


def suffix(direction):
    """The part of a function's name that tells its direction."""
    return "" if direction == "forward" else "_" + direction


def is_elementwise(activation):
    return activation.kind in ("elementwise", "channelwise", "gated")


def entries(activation):
    """The kernels of an activation: (name in the table, shape)."""
    name = activation.name
    if activation.kind == "binary_cross_entropy":
        return [(f"{name}{suffix(d)}", "pyacts") for d in activation.directions]
    if not is_elementwise(activation):
        return [(f"{name}{suffix(d)}", f"{activation.kind}{suffix(d)}") for d in activation.directions]
    found = [(f"{name}_{d}", "pyacts") for d in activation.directions]
    if activation.parameters:
        found += [(f"{name}_{d}_arrays", "pyacts") for d in activation.directions]
    if activation.kind == "channelwise":
        found += [(f"{name}_{d}_channels", "channels") for d in activation.directions]
    if activation.learned:
        found.append((f"{name}_parameter_grad", "parameter_grad"))
    return found


def is_in(build, activation, entry):
    """Whether a build has this entry of an activation."""
    return build != EXACT or (activation.exact and not entry.endswith("_parameter_grad"))


def compiled_in(build, activation):
    """The build whose kernels serve an activation in this one."""
    return dtype_of(EXACT) if build == EXACT and activation.rounds_once else build


def table():
    lines = [
        '"""The kernels of a build, and how much there is at most. Generated by codegen/kernels.py."""\n',
        "from libc.stddef cimport ptrdiff_t",
        "from libc.stdint cimport int64_t\n",
        'cdef extern from "pyacts.h":',
        f"    ctypedef void (*pyacts_kernel)({ELEMENTWISE}) noexcept nogil",
        "    ctypedef struct pyacts_softmax_options:",
        *(f"        {kind} {name}{rest}" for kind, name, rest in SOFTMAX_OPTIONS),
        "",
    ]
    lines.append(f"cdef enum:\n    N_DTYPES = {len(DTYPES)}")
    lines.append(f"    MOST_PARAMS = {max(len(a.parameters) for a in ACTIVATIONS)}\n")
    for shape, arguments in SHAPES.items():
        if shape != "pyacts":
            lines.append(f"ctypedef void (*{shape}_kernel)({arguments}) noexcept nogil")
    lines.append("\ncdef struct Kernels:")
    for activation in ACTIVATIONS:
        lines += [f"    {shape}_kernel {name}" for name, shape in entries(activation)]
    return "\n".join(lines) + "\n"


def elementwise_exports(activation):
    """The functions that put one elementwise activation into the loops."""
    count = len(activation.parameters)
    lines = []
    for direction in activation.directions:
        function = activation.name + suffix(direction)
        inputs, outputs = (len(names) for names in activation.operands(direction))
        arguments = list("abcd"[:inputs])
        result = "{}" if outputs > 1 else "single({})"
        call = ", ".join(arguments + [f"params[{k}][i]" for k in range(count)])
        defaults = [p.default for p in activation.parameters]
        element, kernel = f"element_{function}", f"kernel_{activation.name}_{direction}"
        lines += [
            f"cdef inline Pair {element}({ELEMENT}) noexcept nogil:",
            f"    return {result.format(f'{function}({call})')}",
        ]
        body = [f"cdef void {kernel}({ELEMENTWISE}) noexcept nogil:"]
        loop = f"{kernel}, {inputs}, {outputs}, {direction in activation.heavy}, n, inputs, outputs"
        if count and None not in defaults:
            # The default parameters get a loop of their own, in which the compiler knows them: a factor of 1 is free.
            usual = ", ".join(arguments + [f"<parameter>{d!r}" for d in defaults])
            lines += [
                f"cdef inline Pair usual_{function}({ELEMENT}) noexcept nogil:",
                f"    return {result.format(f'{function}({usual})')}",
            ]
            equal = " and ".join(f"<parameter>params[{k}] == <parameter>{d!r}" for k, d in enumerate(defaults))
            body += [
                f"    if {equal}:",
                f"        map_scalars(usual_{function}, {loop}, params, 0)",
                "        return",
            ]
        lines += [*body, f"    map_scalars({element}, {loop}, params, {count})"]
        if count:
            lines += [
                f"cdef void {kernel}_arrays({ELEMENTWISE}) noexcept nogil:",
                f"    map_arrays({element}, {loop.replace(kernel, f'{kernel}_arrays')}, {count})",
            ]
        if activation.kind == "channelwise":
            lines += [
                f"cdef void {kernel}_channels({SHAPES['channels']}) noexcept nogil:",
                f"    map_channels({kernel}, {kernel}_arrays, {inputs}, outer, channels, inner, "
                "<const storage *>a, <const storage *>b, <const parameter *>param, <storage *>out)",
            ]
    return lines


def parameter_grad_exports(activation):
    """The functions that put the gradients with respect to its parameters into the loops that sum them."""
    name = activation.name
    lines = []
    call = ", ".join(["grad", "x", *(f"params[{k}][c]" for k in range(len(activation.parameters)))])
    kernel = [f"cdef void kernel_{name}_parameter_grad({SHAPES['parameter_grad']}) noexcept nogil:"]
    for k, p in enumerate(activation.learned):
        function = f"{name}_grad_{p.name}"
        lines += [
            f"cdef inline double share_{function}({SHARE}) noexcept nogil:",
            f"    return {function}({call})",
        ]
        kernel.append(
            f"    sum_channels(share_{function}, outer, channels, inner, <const storage *>grad, <const storage *>x, "
            f"<const parameter *const *>params, {len(activation.parameters)}, <parameter *>dparams[{k}])"
        )
    return lines + kernel


def binary_cross_entropy_exports(activation):
    """A loss of two numbers, and its gradient, which has the loss's own gradient as a parameter."""
    name = activation.name
    lines = [f"from {activation.module} cimport {name}, {name}_backward\n"]
    for function, params in ((name, []), (f"{name}_backward", ["params[0][i]"])):
        lines += [
            f"cdef inline Pair element_{function}({ELEMENT}) noexcept nogil:",
            f"    return single({function}({', '.join(['a', 'b', *params])}))",
            f"cdef void kernel_{function}({ELEMENTWISE}) noexcept nogil:",
            f"    map_scalars(element_{function}, kernel_{function}, 2, 1, True, n, inputs, outputs, params, "
            f"{len(params)})",
        ]
    return lines


def cast(argument, shape):
    """A pointer argument of a kernel as the mathematics declares it."""
    kind, name = argument.rsplit(" ", 1)
    if not name.startswith("*"):
        return name
    if shape.startswith("cross_entropy") and name in ("*grad", "*weight", "*loss"):
        return f"<{kind.replace('void', 'parameter')} *>{name.lstrip('*')}"
    return f"<{kind.replace('void', 'storage')} *>{name.lstrip('*')}" if "void" in kind else name.lstrip("*")


# Loops of softmax.pxd that are compiled once and handed to those that call them: loops over columns, and over lines,
# which are handed one of the former and, if they have options, what reads these.
SOFTMAX_COLUMNS = (
    "softmax_columns",
    "log_columns",
    "option_columns",
    "softmax_gradient_columns",
    "log_gradient_columns",
    "option_gradient_columns",
)
SOFTMAX_LINES = {
    "option_lines": ("option_columns", "logits", "hide"),
    "option_gradient_lines": ("option_gradient_columns", "logits", "hide"),
    "softmax_lines": ("softmax_columns",),
    "log_lines": ("log_columns",),
}
# What each function is handed, after the arguments it has in C.
HANDED = {
    "softmax": ("compiled_option_lines", "compiled_softmax_lines"),
    "softmax_backward_y": ("compiled_option_gradient_lines", "compiled_softmax_gradient_columns"),
    "softmin": ("compiled_option_lines", "kernel_softmax"),
    "softmin_backward_y": ("compiled_option_gradient_lines", "kernel_softmax_backward_y"),
    "log_softmax": ("compiled_option_lines", "compiled_log_lines"),
    "log_softmax_backward_y": ("compiled_option_gradient_lines", "compiled_log_gradient_columns"),
    "logsumexp": ("compiled_option_lines", "compiled_log_lines"),
    "logsumexp_backward": ("compiled_option_lines", "compiled_softmax_lines"),
}


def softmax_loops():
    arrays = "const storage *a, const storage *b, storage *out"
    lines = ["from options cimport Options"]
    for loop in SOFTMAX_COLUMNS:
        lines += [
            f"from softmax cimport {loop}",
            f"cdef void compiled_{loop}(int kind, size_t n, size_t inner, size_t width, {arrays}, const Options *o) "
            "noexcept nogil:",
            f"    {loop}(kind, n, inner, width, a, b, out, o)",
        ]
    lines += [
        "from options cimport hide, logits",
        "cdef void compiled_logits(size_t width, const packed_real *x, const Options *o, size_t at, real *high, "
        "real *low) noexcept nogil:",
        "    logits(width, x, o, at, high, low)",
        "cdef void compiled_hide(size_t width, const Options *o, size_t at, real filler, real *values) noexcept nogil:",
        "    hide(width, o, at, filler, values)",
    ]
    for loop, handed in SOFTMAX_LINES.items():
        lines += [
            f"from softmax cimport {loop}",
            f"cdef void compiled_{loop}(int kind, size_t outer, size_t n, size_t inner, {arrays}, {OPTIONS}) "
            "noexcept nogil:",
            f"    {loop}(kind, outer, n, inner, a, b, out, options, {', '.join(f'compiled_{h}' for h in handed)})",
        ]
    return lines


def exports():
    lines = ['"""Every kernel of one build and level. Generated by codegen/kernels.py."""']
    lines += [
        "from channels cimport map_channels, sum_channels",
        "from libc.stdint cimport int64_t",
        "from loops cimport Pair, map_arrays, map_scalars, single",
        "from real cimport EXACT, packed_real, parameter, real, storage",
        "from table cimport Kernels, pyacts_softmax_options",
        *softmax_loops(),
    ]
    fill = []
    for activation in ACTIVATIONS:
        functions = [activation.name + suffix(d) for d in activation.directions]
        functions += [f"{activation.name}_grad_{p.name}" for p in activation.learned]
        if is_elementwise(activation):
            lines.append(f"from {activation.module} cimport {', '.join(functions)}\n")
            lines += elementwise_exports(activation)
            if activation.learned:
                lines += parameter_grad_exports(activation)
        elif activation.kind == "binary_cross_entropy":
            lines += binary_cross_entropy_exports(activation)
        else:
            for name, shape in entries(activation):
                lines.append(f"from {activation.module} cimport {name}")
                lines.append(f"cdef void kernel_{name}({SHAPES[shape]}) noexcept nogil:")
                given = [cast(argument, shape) for argument in SHAPES[shape].split(", ")]
                given += HANDED.get(name, ())
                lines.append(f"    {name}({', '.join(given)})")
        for name, _ in entries(activation):
            own = is_in(EXACT, activation, name) and compiled_in(EXACT, activation) == EXACT
            unless = "" if own else "if not EXACT: "
            fill.append(f"    {unless}kernels.{name} = kernel_{name}")
    lines.append('\ncdef public void fill "PYACTS_FILL"(Kernels *kernels) noexcept nogil:')
    return "\n".join(lines + fill) + "\n"


# ----------------------------------------------------------------------------------------------------------------
# The public C functions: prototype and call through the table. codegen.header declares the same ones.


def public_functions(activation, build):
    """(C name, C arguments, body in Cython that calls the table) of each public function of an activation."""
    dtype = dtype_of(build)
    number, value = DTYPES[dtype].c_type, DTYPES[dtype].c_parameter
    name = activation.name
    parameters = [p.name for p in activation.parameters]
    for direction in activation.directions:
        public = f"pyacts_{name_in(build, activation)}{suffix(direction)}_{dtype}"
        entry = f"{compiled_in(build, activation)}.{name}_{direction}"
        inputs, (output, *others) = activation.operands(direction)
        if activation.kind in ("elementwise", "gated"):
            outputs = [output, *others]
            arguments = ["size_t n", *(f"const {number} *{i}" for i in inputs), *(f"{number} *{o}" for o in outputs)]
            arguments += [f"{value} {p}" for p in parameters]
            body = [f"cdef const void *inputs[{len(inputs)}]", f"cdef void *outputs[{len(outputs)}]"]
            if parameters:
                body.append(f"cdef double params[{len(parameters)}]")
            body += [f"inputs[{k}] = {i}" for k, i in enumerate(inputs)]
            body += [f"outputs[{k}] = {o}" for k, o in enumerate(outputs)]
            body += [f"params[{k}] = <double>{p}" for k, p in enumerate(parameters)]
            body.append(f"{entry}(n, inputs, outputs, {'params' if parameters else 'NULL'})")
        elif activation.kind == "channelwise":
            arguments = ["size_t outer", "size_t channels", "size_t inner"]
            arguments += [f"const {number} *{i}" for i in inputs] + [f"const {value} *{p}" for p in parameters]
            arguments.append(f"{number} *{output}")
            passed = [inputs[0], inputs[-1], *parameters, output]
            body = [f"{entry}_channels(outer, channels, inner, {', '.join(passed)})"]
        elif activation.kind == "crelu":
            arguments = ["size_t outer", "size_t n", "size_t inner", *(f"const {number} *{i}" for i in inputs)]
            arguments.append(f"{number} *{output}")
            body = [f"{build}.{name}{suffix(direction)}(outer, n, inner, {', '.join([*inputs, output])})"]
        elif activation.kind in ("softmax", "logsumexp"):
            arguments = ["size_t outer", "size_t n", "size_t inner", *(f"const {number} *{i}" for i in inputs)]
            arguments += [f"{number} *{output}", OPTIONS]
            body = [f"{build}.{name}{suffix(direction)}(outer, n, inner, {', '.join([*inputs, output])}, options)"]
        elif activation.kind == "cross_entropy":
            sizes = ["outer", "n", "inner"]
            arguments = [f"size_t {s}" for s in sizes] + ([] if direction == "forward" else [f"const {value} *grad"])
            arguments += [f"const {number} *x", "const int64_t *labels", f"const {number} *probabilities"]
            arguments += [f"const {value} *weight", "double label_smoothing"]
            arguments.append(f"{value} *loss" if direction == "forward" else f"{number} *dx")
            passed = [argument.split()[-1].lstrip("*") for argument in arguments]
            body = [f"{build}.{name}{suffix(direction)}({', '.join(passed)})"]
        elif activation.kind == "binary_cross_entropy":
            arguments = ["size_t n"] + ([] if direction == "forward" else ["double grad"])
            arguments += [f"const {number} *x", f"const {number} *labels"]
            arguments.append(f"{number} *loss" if direction == "forward" else f"{number} *dx")
            body = ["cdef const void *inputs[2]", "cdef void *outputs[1]", "inputs[0], inputs[1] = x, labels"]
            body.append(f"outputs[0] = {'loss' if direction == 'forward' else 'dx'}")
            params = "NULL" if direction == "forward" else "&grad"
            body.append(f"{build}.{name}{suffix(direction)}(n, inputs, outputs, {params})")
        else:
            sizes = ["outer", "n", "inner", "pool_size"]
            arguments = [f"size_t {s}" for s in sizes]
            if direction == "forward":
                arguments += [f"const {number} *x", f"{number} *y", "size_t *index"]
                passed = [*sizes, "x", "y", "index"]
            else:
                arguments += [f"const {number} *grad", "const size_t *index", f"{number} *dx"]
                passed = [*sizes, "grad", "index", "dx"]
            body = [f"{build}.{name}{suffix(direction)}({', '.join(passed)})"]
        yield public, arguments, body
    if activation.learned and build != EXACT:
        learned = [p.name for p in activation.learned]
        arguments = ["size_t outer", "size_t channels", "size_t inner", f"const {number} *grad", f"const {number} *x"]
        arguments += [f"const {value} *{p}" for p in parameters] + [f"{value} *d{p}" for p in learned]
        body = [f"cdef const void *params[{len(parameters)}]", f"cdef void *dparams[{len(learned)}]"]
        body += [f"params[{k}] = {p}" for k, p in enumerate(parameters)]
        body += [f"dparams[{k}] = d{p}" for k, p in enumerate(learned)]
        body.append(f"{build}.{name}_parameter_grad(outer, channels, inner, grad, x, params, dparams)")
        yield f"pyacts_{name}_parameter_grad_{dtype}", arguments, body


def dispatch(levels):
    """The dispatcher for a platform's levels, named from the least to the best."""
    found = [
        (
            name_in(build, activation),
            dtype_of(build),
            entry.removeprefix(activation.name + "_"),
            f"{compiled_in(build, activation)}.{entry}",
        )
        for build in BUILDS
        for activation in ACTIVATIONS
        if is_elementwise(activation)
        for entry, shape in entries(activation)
        if shape == "pyacts" and is_in(build, activation, entry)
    ]
    lines = [
        '"""The public C functions. Generated by codegen/kernels.py."""',
        "from libc.stdint cimport int64_t, uint16_t",
        "from libc.stdlib cimport getenv",
        "from libc.string cimport strcmp",
        "from table cimport Kernels, pyacts_kernel, pyacts_softmax_options\n",
        'cdef extern from "cpu.h" nogil:',
        "    size_t cpu_cache_size() noexcept",
        *(f"    bint cpu_has_{level}() noexcept" for level in levels[1:]),
        "",
        "cdef extern from *:",
        '    """',
        '    size_t pyacts_cache_size __attribute__((visibility("hidden")));',
        "    /* Not known where it is read: see BOUND in real.h. */",
        '    __attribute__((visibility("hidden"))) const float pyacts_one_float = 1;',
        '    __attribute__((visibility("hidden"))) const double pyacts_one_double = 1;',
        "    /* Run once by the loader, before anything can call in; nothing is written after. */",
        "    static void pyacts_load(void) __attribute__((constructor));",
        '    """',
        "    size_t pyacts_cache_size\n",
    ]
    for build in BUILDS:
        lines += [
            f'cdef extern void fill_{build}_{level} "pyacts_fill_{build}_{level}"(Kernels *kernels) noexcept nogil'
            for level in levels
        ]
    lines += [
        "",
        "cdef struct Entry:",
        "    const char *name",
        "    const char *dtype",
        "    const char *direction",
        "    pyacts_kernel kernel\n",
        *(f"cdef Kernels {build}" for build in BUILDS),
        f"cdef Entry found[{len(found)}]",
        "cdef const char *isa\n",
        "cdef inline Entry entry(const char *name, const char *dtype, const char *direction, pyacts_kernel kernel) "
        "noexcept nogil:",
        "    cdef Entry e",
        "    e.name, e.dtype, e.direction, e.kernel = name, dtype, direction, kernel",
        "    return e\n",
        'cdef void load "pyacts_load"() noexcept nogil:',
        "    global isa, pyacts_cache_size",
        "    pyacts_cache_size = cpu_cache_size()",
        '    cdef const char *wanted = getenv("PYACTS_ISA")',
        "    cdef int level = 0, most = " + str(len(levels) - 1),
        "    if wanted != NULL:",
    ]
    for k, level in enumerate(levels):
        lines += [f'        {"if" if k == 0 else "elif"} strcmp(wanted, "{level}") == 0:', f"            most = {k}"]
    for k, level in enumerate(levels[1:], 1):
        lines += [f"    if most >= {k} and cpu_has_{level}():", f"        level = {k}"]
    for k, level in enumerate(levels):
        lines += [f"    {'if' if k == 0 else 'elif'} level == {k}:", f'        isa = "{level}"']
        lines += [f"        fill_{build}_{level}(&{build})" for build in BUILDS]
    for k, (name, dtype, direction, kernel) in enumerate(found):
        lines.append(f'    found[{k}] = entry("{name}", "{dtype}", "{direction}", {kernel})')
    for activation in ACTIVATIONS:
        for build in builds_of(activation):
            for name, arguments, body in public_functions(activation, build):
                lines.append(f"\ncdef public void {name}({', '.join(arguments)}) noexcept nogil:")
                lines += [f"    {line}" for line in body]
    lines += [
        "\ncdef public pyacts_kernel pyacts_find(const char *name, const char *dtype, const char *direction) "
        "noexcept nogil:",
        "    cdef size_t k",
        "    if name == NULL or dtype == NULL or direction == NULL:",
        "        return NULL",
        f"    for k in range({len(found)}):",
        "        if (strcmp(found[k].name, name) == 0 and strcmp(found[k].dtype, dtype) == 0",
        "                and strcmp(found[k].direction, direction) == 0):",
        "            return found[k].kernel",
        "    return NULL\n",
        "cdef public const char *pyacts_version() noexcept nogil:",
        f'    return "{VERSION}"\n',
        "cdef public const char *pyacts_isa() noexcept nogil:",
        "    return isa",
    ]
    return "\n".join(lines) + "\n"


def public_names():
    """Every symbol that libpyacts exports."""
    functions = [
        name
        for activation in ACTIVATIONS
        for build in builds_of(activation)
        for name, _, _ in public_functions(activation, build)
    ]
    return ["pyacts_find", "pyacts_isa", "pyacts_version", *functions]
