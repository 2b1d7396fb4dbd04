"""include/pyacts.h: the C ABI."""

import textwrap

from codegen import ACTIVATIONS, VERSION
from codegen.kernels import SOFTMAX_OPTIONS, builds_of, public_functions

HEAD = """\
/* pyacts.h: neural-network activation functions for arrays, forward and backward.

   Link with libpyacts:    cc program.c $(python -m pyacts --cflags --libs)

   Most functions apply one activation to n contiguous numbers:

       forward      y[i]  = f(x[i])
       backward     dx[i] = grad[i] * f'(x[i])      from the forward's input x
       backward_y   dx[i] = grad[i] * f'(x[i])      from the forward's output y = f(x)

   - f32 is float, f64 is double; f16 (IEEE half) and bf16 (bfloat16) are passed as their bits, computed in float and
     rounded once, to nearest even. Their parameters are float.
   - The functions with "exact" in their names take float, compute in double and round once: at most 0.51 ULP.
   - An output may be exactly one of the inputs (in place), except for maxout and crelu. Other overlap is not allowed.
   - Any alignment. Nothing outside the arrays is read or written. An array of no elements may be NULL.
   - Functions never fail, allocate nothing, set no errno, keep no state, start no threads, and may be called from any
     number of threads at once. The floating-point control bits are left alone; status flags may be raised.
   - NaN in gives NaN out; infinities give the mathematical limit; subnormal numbers are computed, not flushed. Where a
     derivative is zero throughout, the gradient is +0 for any grad but NaN.
   - An element's result does not depend on where in the array it is, nor on the instruction set among those with
     fused multiply-add (all but baseline x86-64).
   - "Error" is what the tests hold it to, in units in the last place (ULP) of float / double, with the default
     parameters and grad = 1; for halves, half a unit and what is left of float's error: 0.501. A backward near a zero
     of its derivative is measured against the larger of the terms that cancel there.

{index}

   This file is generated from pyacts/catalog.py by `python -m codegen`. Each prototype is one line that starts with
   PYACTS_API, so that cffi and other tools can read it. */
#ifndef PYACTS_H
#define PYACTS_H

#include <stddef.h>
#include <stdint.h>

{version}
#ifndef PYACTS_API
#define PYACTS_API
#endif

#ifdef __cplusplus
extern "C" {{
#endif

/* The version of the library, "major.minor.patch". */
PYACTS_API const char *pyacts_version(void);

/* The instruction set in use, chosen when the library was loaded: "baseline", "avx2", "avx512", or "neon". The
   environment variable PYACTS_ISA, set before that, narrows the choice. */
PYACTS_API const char *pyacts_isa(void);

/* One shape for all elementwise kernels, for drivers and other languages: inputs and outputs in the order of the typed
   function, the parameters as numbers (rounded to the dtype). */
typedef void (*pyacts_kernel)(size_t n, const void *const *inputs, void *const *outputs, const double *params);

/* The kernel of an elementwise activation or a gated unit by its name here ("silu", not "swish"; that of the exact tier
   has "_exact" behind it), or NULL if there is none. dtype: "f32", "f64", "f16", "bf16". direction: "forward",
   "backward", "backward_y"; for an activation with parameters also "forward_arrays" and so on, which read each
   parameter from an array of n, given as further inputs, and ignore params. prelu takes one weight for all. */
PYACTS_API pyacts_kernel pyacts_find(const char *name, const char *dtype, const char *direction);

/* Options of the softmax family, on an (outer, n, inner) array. NULL: none of them. Else start from

       pyacts_softmax_options options = PYACTS_SOFTMAX_OPTIONS;

   and set what is wanted: a pointer that stays NULL asks for nothing. What is worked with is z = scale * x + bias, in
   softmin -scale * x + bias, of which it is the softmax. Strides count elements, from one to the next along outer, n
   and inner; 0 repeats. A hidden number is never looked at (nor is its grad): its probability is 0, its gradient too.

   size             sizeof(pyacts_softmax_options), so that members can be added: what is beyond it counts as not given,
                    and with 0 nothing is
   scale            a factor, 1 if it is not wanted
   mask             bytes: 0 hides
   bias             of the type of x; -inf hides
   sink             a further term of the sum, e**sink, of which there is no result: float, double for f64; strides
                    along outer and inner
   causal_rows      not 0: row i hides what comes after i + causal_offset, i counting from 0 along the last
   causal_offset    causal_rows of outer (again and again); inner must be 1; what is hidden is not even read
   empty            what a line with nothing left is: 0 for NaN, 1 for probabilities of 0 (logsumexp is -inf there) */
typedef struct pyacts_softmax_options {{
{options}}} pyacts_softmax_options;

#define PYACTS_SOFTMAX_OPTIONS {{sizeof(pyacts_softmax_options), 1.0, {nothing}}}
"""

TAIL = """
#ifdef __cplusplus
}
#endif

#endif
"""

KIND_NOTES = {
    "gated": "backward: {derivative}. The error is that of {gate} and of products: it holds while {gate}(gate) and "
    "grad * up are neither subnormal nor infinite.",
    "channelwise": "x is (outer, channels, inner) in C order, one weight per channel (channels = 1: one for all).",
    "softmax": "Along the middle axis of (outer, n, inner) in C order; the rows of a matrix have inner = 1.",
    "logsumexp": "Along the middle axis of (outer, n, inner) in C order, of which y and grad are (outer, inner).",
    "cross_entropy": "Along the middle axis of (outer, n, inner) in C order. A class from 0 to n - 1 for each line is "
    "in labels, (outer, inner), and any other number there is ignored: loss and gradient 0. Or labels is NULL, and "
    "probabilities has the shape of x. weight: n numbers, or NULL. loss and grad are (outer, inner).",
    "binary_cross_entropy": "labels are from 0 to 1. loss has a number for each; grad is that of their sum.",
    "crelu": "Along the middle axis of (outer, n, inner) in C order, whose length is 2 n in y and grad. {derivative}.",
    "maxout": "Along the middle axis of (outer, n, inner) in C order, whose length becomes n / pool_size; "
    "pool_size >= 1 divides n. index (may be NULL) receives the place of each maximum in its pool, from 0: "
    "backward needs it.",
}


def errors(activation):
    directions = activation.directions
    if all(v == 0 for by_direction in activation.max_ulp.values() for v in by_direction.values()):
        return "Exact."
    parts = [f"{d} {' / '.join(format(activation.max_ulp[t][d], 'g') for t in activation.max_ulp)}" for d in directions]
    return "Error: " + ", ".join(parts) + " ULP."


def comment(activation):
    lines = [f"{activation.name}: {activation.formula}."]
    for p in activation.parameters:
        default = "" if p.default is None else f", usually {p.default:g}"
        also = "" if p.minimum_y is None else f"; backward_y needs {p.name} >= {p.minimum_y:g}"
        lines.append(f"{p.name} is {p.domain}{default}{also}.")
    if activation.kind == "softmax" and not activation.options:
        lines.append("options is NULL: there are none yet.")
    if activation.kind in KIND_NOTES:
        lines += textwrap.wrap(KIND_NOTES[activation.kind].format_map(vars(activation)), 110)
    if activation.learned:
        sums = ", ".join(f"d{p.name}[c] = sum of grad * ({p.gradient})" for p in activation.learned)
        lines.append(f"parameter_grad: {sums}, over channel c.")
    if activation.derivative_y is None:
        lines.append(f"No backward_y: {activation.no_y}.")
    lines.append(errors(activation))
    return "/* " + "\n   ".join(lines) + " */"


INDEX = (
    ("of each number", ("elementwise", "channelwise")),
    ("gated units", ("gated",)),
    ("along an axis", ("softmax", "logsumexp", "maxout", "crelu")),
    ("losses", ("cross_entropy", "binary_cross_entropy")),
)


def index():
    """The names, as far as possible in one place."""
    lines = ["   Functions"]
    for title, kinds in INDEX:
        names = ", ".join(a.name for a in ACTIVATIONS if a.kind in kinds)
        lines += textwrap.wrap(names, 117, initial_indent=f"   {title:15} ", subsequent_indent=" " * 19)
    return "\n".join(lines)


def header():
    major, minor, patch = VERSION.split(".")
    version = "".join(
        f"#define PYACTS_VERSION_{part} {number}\n"
        for part, number in zip(("MAJOR", "MINOR", "PATCH"), (major, minor, patch), strict=True)
    )
    options = "".join(
        f"    {kind}{'' if kind.endswith('*') else ' '}{name}{rest};\n" for kind, name, rest in SOFTMAX_OPTIONS
    )
    nothing = ", ".join(
        "{0}" if rest else "NULL" if kind.endswith("*") else "0" for kind, _, rest in SOFTMAX_OPTIONS[2:]
    )
    parts = [HEAD.format(index=index(), version=version, options=options, nothing=nothing)]
    for activation in ACTIVATIONS:
        parts.append("\n" + comment(activation))
        for build in builds_of(activation):
            for name, arguments, _ in public_functions(activation, build):
                parts.append(f"PYACTS_API void {name}({', '.join(arguments)});")
    return "\n".join(parts) + "\n" + TAIL
