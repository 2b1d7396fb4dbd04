"""The elementary operations of a number type, for Numba: what kernels/real.h and kernels/real.pxd are for Cython.

Those that Python cannot spell are LLVM's, which vectorises them.
"""

import platform
from typing import Any

import llvmlite.ir
import numpy as np
from numba import njit, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

# As the kernels are compiled: a division does not raise, nothing is rearranged (else the fastmath of whoever calls a
# function first would hold for all), and everything becomes part of the caller's loop.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "nogil": True, "forceinline": True}
inlined = njit(**OPTIONS)

# Whether the processor that Numba compiles for, which NUMBA_CPU_NAME may have chosen, has fused multiply-adds.
FUSED = "+fma" in cpu_target.target_context.codegen().magic_tuple()[2].split(",") or platform.machine() in (
    "aarch64",
    "arm64",
)


def llvm_function(name, count):
    """The LLVM intrinsic of that name, of `count` numbers of one type, as a function."""

    def typed(*operands):
        def codegen(context, builder, signature, arguments):
            kind = arguments[0].type
            shape = llvmlite.ir.FunctionType(kind, [kind] * count)
            return builder.call(builder.module.declare_intrinsic(name, [kind], shape), arguments)

        return operands[0](*[operands[0]] * count), codegen

    scope = {"typed": typed}
    names = ", ".join("abc"[:count])
    exec(f"def function(typing_context, {names}):\n    return typed({names})", scope)
    return intrinsic(scope["function"])


absolute = llvm_function("llvm.fabs", 1)
square_root = llvm_function("llvm.sqrt", 1)
copy_sign = llvm_function("llvm.copysign", 2)
fused_multiply_add = llvm_function("llvm.fma", 3)


def bitcast(source, target):
    """The bits of a number of one type as one of another."""

    @intrinsic
    def function(typing_context, x):
        def codegen(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), codegen

    return function


@inlined
def unordered(a, b):
    return (a != a) | (b != b)


@inlined
def at_most(x, bound):
    """The smaller of the two; NaN passes."""
    return bound if x > bound else x


@inlined
def at_least(x, bound):
    """The larger of the two; NaN passes."""
    return bound if x < bound else x


@inlined
def KNOWN_ONE(a):  # noqa: N802
    """Never: LLVM simplifies what is multiplied by a constant 1 by itself."""
    return False


def operations(real):
    """What the kernels take from real.pxd, for np.float32 or np.float64, by name."""
    single = real is np.float32
    real_type, bits_type = (types.float32, types.uint32) if single else (types.float64, types.uint64)
    zero = real(0)

    @inlined
    def zero_or_nan(grad, x):
        """The gradient where the derivative is zero throughout: +0, for an infinite grad too, but NaN stays NaN."""
        return grad + x if unordered(grad, x) else zero

    @inlined
    def vanishing_with(param, product, grad, x):
        """The gradient `product` of a branch that a parameter of 0 makes constant: then zero_or_nan."""
        y = product if param != zero else zero
        return grad + x if unordered(grad, x) else y

    @inlined
    def multiply_add(a, b, c):
        return a * b + c

    @inlined
    def fused_in_double(a, b, c):
        return real(np.float64(a) * np.float64(b) + np.float64(c))

    # Without the instruction, that of doubles is a call of libm's fma: right, and slow.
    fused = fused_in_double if single and not FUSED else fused_multiply_add

    @inlined
    def product_error(a, b, product):
        """The rounding error of product = a * b, exactly."""
        return fused(a, b, -product)

    return {
        "SINGLE": single,
        "EXACT": False,
        "FUSED": FUSED,
        "SIGNIFICAND_BITS": np.uint64(23 if single else 52),
        "LARGEST": np.finfo(real).max,
        "INFINITE": real(np.inf),
        "ZERO": zero,
        "ONE": real(1),
        "NEGATIVE_ZERO": real(-0.0),
        "KNOWN_ONE": KNOWN_ONE,
        "absolute": absolute,
        "at_least": at_least,
        "at_most": at_most,
        "copy_sign": copy_sign,
        "from_bits": bitcast(bits_type, real_type),
        "fused": fused,
        "muladd": fused_multiply_add if FUSED else multiply_add,
        "product_error": product_error,
        "square_root": square_root,
        "to_bits": bitcast(real_type, bits_type),
        "unordered": unordered,
        "vanishing_with": vanishing_with,
        "zero_or_nan": zero_or_nan,
    }
