"""What the functions that Numba compiles are made of: a call of the C library, and checks that need the values."""

import llvmlite.ir
import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

AxisError = np.exceptions.AxisError


# Not with the fastmath of the function that calls it, if that is compiled first: there would be no infinity to refuse.
compiled = njit(fastmath=False)


def c_function(name):
    """A function of libpyacts. It takes one tuple: an array stands for the pointer to its memory, None for NULL.

    Compiled code refers to it by name, and so can be cached.
    """

    @intrinsic
    def call(typing_context, arguments):
        def codegen(context, builder, signature, given):
            pointer = context.get_value_type(types.voidptr)
            values = []
            for kind, value in zip(arguments, cgutils.unpack_tuple(builder, given[0]), strict=True):
                if isinstance(kind, types.Array):
                    value = builder.bitcast(make_array(kind)(context, builder, value).data, pointer)
                elif isinstance(kind, types.NoneType):
                    value = cgutils.get_null_value(pointer)
                values.append(value)
            shape = llvmlite.ir.FunctionType(llvmlite.ir.VoidType(), [value.type for value in values])
            builder.call(cgutils.get_or_insert_function(builder.module, shape, name), values)
            return context.get_dummy_value()

        return types.void(arguments), codegen

    return call


@intrinsic
def address(typing_context, array):
    """Where an array's first element is."""

    def codegen(context, builder, signature, given):
        data = make_array(array)(context, builder, given[0]).data
        return builder.ptrtoint(data, context.get_value_type(types.intp))

    return types.intp(array), codegen


def parameter_check(function, parameter, real, from_y):
    """How a parameter is rounded to its type, and refused."""
    not_finite = f"{function}: {parameter.name} must be finite"
    not_in_domain = f"{function}: {parameter.name} must be {parameter.domain}"
    not_from_y = (
        f"{function}: from y, {parameter.name} must be at least {parameter.minimum_y}: the output does not tell the "
        "sides of the kink apart; pass x instead"
    )
    minimum = -np.inf if parameter.minimum is None or isinstance(parameter.minimum, str) else parameter.minimum
    minimum_y = parameter.minimum_y if from_y and parameter.minimum_y is not None else -np.inf
    exclusive = parameter.exclusive

    @compiled
    def checked(value):
        rounded = real(value)
        if not np.isfinite(rounded):
            raise ValueError(not_finite)
        if rounded < minimum or (exclusive and rounded == minimum):
            raise ValueError(not_in_domain)
        if rounded < minimum_y:
            raise ValueError(not_from_y)
        return rounded

    return checked


@compiled
def span(a):
    """The lowest and the highest address of an array's elements."""
    low = high = address(a)
    for k in range(a.ndim):
        reach = a.strides[k] * (a.shape[k] - 1)
        if reach < 0:
            low += reach
        else:
            high += reach
    return low, high + a.itemsize


@compiled
def spans_meet(a, b):
    """Whether an array begins before the other ends, and the other way round."""
    (low, high), (other_low, other_high) = span(a), span(b)
    return a.size > 0 and b.size > 0 and low < other_high and other_low < high


@compiled
def largest_below(strides, bound):
    """The axis of the largest stride that is less than that of the axis `bound`; of equal ones, one after the other."""
    found = -1
    for k in range(len(strides)):
        own = abs(strides[k])
        below = bound < 0 or own < abs(strides[bound]) or (own == abs(strides[bound]) and k < bound)
        if below and (found < 0 or own >= abs(strides[found])):
            found = k
    return found


@compiled
def shares_memory(a, b):
    """Whether two arrays of one shape may have elements at the same address.

    With the same strides s, element i of b is where element i + t of a is if the distance of the arrays is the sum of
    s t, |t| < n. Each larger stride goes beyond all that the smaller ones reach, so t is the quotient, rounded down or
    up, from the largest on. (Where it does not, elements of one array share memory, and that is refused.)
    """
    if not spans_meet(a, b):
        return False
    for k in range(a.ndim):
        if a.shape[k] > 1 and a.strides[k] != b.strides[k]:
            return True
    for choice in range(1 << a.ndim):
        rest = span(b)[0] - span(a)[0]
        axis = -1
        inside = True
        for k in range(a.ndim):
            axis = largest_below(a.strides, axis)
            if a.shape[axis] > 1:
                stride = abs(a.strides[axis])
                t = rest // stride + (choice >> k & 1)
                rest -= t * stride
                inside &= abs(t) < a.shape[axis]
        if inside and abs(rest) < a.itemsize:
            return True
    return False


@compiled
def overlaps_partly(a, b):
    """Whether two arrays of one shape share memory without being the same elements in the same places."""
    same = address(a) == address(b)
    for k in range(a.ndim):
        same &= a.shape[k] <= 1 or a.strides[k] == b.strides[k]
    return not same and shares_memory(a, b)


@compiled
def contiguous_overlap(a, b):
    """The same of contiguous arrays in the same order."""
    distance = abs(address(a) - address(b))
    return 0 < distance < a.size * a.itemsize


@compiled
def elements_share_memory(a):
    """Whether two elements of a view may lie at the same address: stride 0, sliding windows."""
    for k in range(a.ndim):
        own = abs(a.strides[k])
        reach = a.itemsize
        for j in range(a.ndim):
            other = abs(a.strides[j])
            if a.shape[j] > 1 and (other < own or (other == own and j < k)):
                reach += other * (a.shape[j] - 1)
        if a.shape[k] > 1 and own < reach:
            return a.size > 0
    return False


@compiled
def has_uneven_strides(a):
    """Whether elements are not a multiple of their size apart, as a field of a packed record may be."""
    uneven = False
    for stride in a.strides:
        uneven |= stride % a.itemsize != 0
    return uneven


@compiled
def counted_axis(axis, ndim):
    """The axis counted from the front."""
    if axis < -ndim or axis >= ndim:
        raise AxisError("axis is out of bounds for the array")
    return axis + ndim if axis < 0 else axis


@compiled
def lines_of(shape, axis, fortran):
    """(outer, n, inner) of an axis of a contiguous array."""
    outer = inner = 1
    for k in range(len(shape)):
        if k < axis:
            outer *= shape[k]
        elif k > axis:
            inner *= shape[k]
    # Fortran order is C order of the axes reversed.
    return (inner, shape[axis], outer) if fortran else (outer, shape[axis], inner)


@compiled
def channels_of(shape, own):
    """(outer, channels, inner) of an array in C order, for weights of the shape `own` that broadcast to it."""
    first = len(shape) - len(own)
    axis = -1
    for k in range(len(own)):
        if own[k] != 1:
            if own[k] != shape[first + k]:
                raise ValueError("prelu: the weight does not broadcast to the shape of x")
            if axis >= 0:
                raise ValueError("prelu: inside @njit only one axis of the weight may be longer than 1")
            axis = first + k
    if axis < 0:
        return 1, 1, np.prod(np.array(shape))
    return lines_of(shape, axis, False)
