"""Run by test_c_face.py in a process of its own: every C function on arrays between pages that can't be touched.

Inputs are made read-only for the call. A read or write outside the arrays, or a write into an input, ends the process
with a segmentation fault; the function it was in is the last one printed.
"""

import ctypes
import mmap

import numpy as np
from common import SUFFIXES, parameter_type

import pyacts
from pyacts.catalog import ACTIVATIONS

PAGE = mmap.PAGESIZE
NONE, READ, READ_WRITE = 0, 1, 3  # PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE
LENGTHS = (*range(41), 63, 64, 65, 127, 511, 1000, 4097)
SHAPES = [(1, n, 1) for n in LENGTHS] + [
    (outer, n, inner) for outer in (1, 2, 5) for n in (0, 1, 6, 34) for inner in (0, 1, 2, 31, 33, 70)
]
SHAPES += [(33, 6, 1), (70, 32, 1), (70, 33, 1), (1, 1, 300), (300, 1, 1), (0, 6, 2)]

libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
ffi, lib = pyacts.ffi, pyacts.lib


def protect(address, size, access):
    if libc.mprotect(address, size, access):
        raise OSError(ctypes.get_errno(), "mprotect")


class Fenced:
    """Pages with an untouchable page on either side, in which an array can be put against either fence."""

    def __init__(self, pages=50):
        self.memory = mmap.mmap(-1, (pages + 2) * PAGE)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory)) + PAGE
        self.size = pages * PAGE
        protect(self.start - PAGE, PAGE, NONE)
        protect(self.start + self.size, PAGE, NONE)

    def put(self, array, at_end):
        """The address of a copy of the array."""
        protect(self.start, self.size, READ_WRITE)
        address = self.start + (self.size - array.nbytes if at_end else 0)
        ctypes.memmove(address, array.ctypes.data, array.nbytes)
        return address

    def freeze(self):
        protect(self.start, self.size, READ)


class Caller:
    """Calls C functions with every array argument in pages of its own."""

    def __init__(self):
        most = max(len(a.parameters) + len(a.learned) for a in ACTIVATIONS)
        self.fenced = [Fenced() for _ in range(7 + most)]
        self.calls = 0

    def __call__(self, name, *arguments):
        """Arguments: numbers, NULL, (array, True) for what the function writes, (array, False) for what it reads."""
        function = getattr(lib, name)
        types = ffi.typeof(function).args
        for at_end in (True, False):
            converted, fences = [], iter(self.fenced)
            for argument, c_type in zip(arguments, types, strict=True):
                if isinstance(argument, tuple):
                    array, written = argument
                    fence = next(fences)
                    converted.append(ffi.cast(c_type, fence.put(array, at_end)))
                    if not written:
                        fence.freeze()
                else:
                    converted.append(argument)
            function(*converted)
            self.calls += 1


def numbers(count, dtype):
    return np.linspace(-3, 3, count, dtype=dtype)


def causal(call):
    """What a causal bound hides is not even there: x, grad and y end where it begins."""
    options = ffi.new("pyacts_softmax_options *", {"size": ffi.sizeof("pyacts_softmax_options"), "scale": 1.0})
    options.causal_rows = 1
    for dtype, kind in (("f32", np.float32), ("f64", np.float64)):
        for kept in (0, 1, 15, 16, 17, 33, 100):
            options.causal_offset = kept - 1
            for n in (kept + 1, kept + 20):
                seen, whole = (numbers(kept, kind), False), (numbers(n, kind), True)
                for name in ("softmax", "log_softmax", "softmin"):
                    call(f"pyacts_{name}_{dtype}", 1, n, 1, seen, whole, options)
                    call(f"pyacts_{name}_backward_y_{dtype}", 1, n, 1, seen, seen, whole, options)
                line = (numbers(1, kind), False)
                call(f"pyacts_logsumexp_{dtype}", 1, n, 1, seen, (line[0], True), options)
                call(f"pyacts_logsumexp_backward_{dtype}", 1, n, 1, line, seen, whole, options)


def main():
    call = Caller()
    print("causal", flush=True)
    causal(call)
    for activation in ACTIVATIONS:
        for kind, dtype in SUFFIXES.items():
            value = parameter_type(kind)
            for direction in (
                *activation.directions,
                *(["parameter_grad"] if activation.learned else []),
            ):
                name = f"pyacts_{activation.name}{'' if direction == 'forward' else '_' + direction}_{dtype}"
                print(name, flush=True)
                inputs, outputs = 1 if direction == "forward" else 2, 1
                if activation.kind == "binary_cross_entropy":
                    for n in LENGTHS:
                        a = numbers(n, kind)
                        call(name, n, *[1.5] * (inputs - 1), (a, False), (a, False), (a, True))
                    call(name, 0, *[1.5] * (inputs - 1), ffi.NULL, ffi.NULL, ffi.NULL)
                    continue
                if activation.kind in ("elementwise", "gated") and direction != "parameter_grad":
                    inputs, outputs = map(len, activation.operands(direction))
                    params = [1.5 for _ in activation.parameters]
                    for n in LENGTHS:
                        a = numbers(n, kind)
                        call(name, n, *[(a, False)] * inputs, *[(a, True)] * outputs, *params)
                    call(name, 0, *[ffi.NULL] * (inputs + outputs), *params)
                    continue
                for outer, n, inner in SHAPES:
                    a = numbers(outer * n * inner, kind)
                    if direction == "parameter_grad":
                        values = [(np.abs(numbers(n, value)) + 1, False) for _ in activation.parameters]
                        out = [(numbers(n, value), True) for _ in activation.learned]
                        call(name, outer, n, inner, *[(a, False)] * inputs, *values, *out)
                    elif activation.kind == "channelwise":
                        values = [(numbers(n, value), False) for _ in activation.parameters]
                        call(name, outer, n, inner, *[(a, False)] * inputs, *values, (a, True))
                    elif activation.kind == "softmax":
                        call(name, outer, n, inner, *[(a, False)] * inputs, (a, True), ffi.NULL)
                    elif activation.kind == "crelu":
                        doubled = numbers(2 * a.size, kind)
                        saved = doubled if direction == "backward_y" else a
                        if direction == "forward":
                            call(name, outer, n, inner, (a, False), (doubled, True))
                        else:
                            call(name, outer, n, inner, (doubled, False), (saved, False), (a, True))
                    elif activation.kind == "cross_entropy":
                        if n == 0:
                            continue
                        line, weight = numbers(outer * inner, value), (numbers(n, value), False)
                        classes = np.arange(outer * inner, dtype=np.int64) % n
                        first = [(a, False)] if inputs == 1 else [(line, False), (a, False)]
                        out = (line, True) if inputs == 1 else (a, True)
                        call(name, outer, n, inner, *first, (classes, False), ffi.NULL, ffi.NULL, 0.1, out)
                        call(name, outer, n, inner, *first, (classes, False), ffi.NULL, ffi.NULL, 0.0, out)
                        call(name, outer, n, inner, *first, ffi.NULL, (a, False), weight, 0.0, out)
                    elif activation.kind == "logsumexp":
                        line = numbers(outer * inner, kind)
                        given = [(a, False), (line, True)] if inputs == 1 else [(line, False), (a, False), (a, True)]
                        call(name, outer, n, inner, *given, ffi.NULL)
                    else:
                        for pool_size in (p for p in (1, 2, 3, 17, 34) if n % p == 0):
                            pooled = numbers(a.size // pool_size, kind)
                            index = np.zeros(pooled.size, np.uintp)
                            sizes = (outer, n, inner, pool_size)
                            if direction == "forward":
                                call(name, *sizes, (a, False), (pooled, True), (index, True))
                                call(name, *sizes, (a, False), (pooled, True), ffi.NULL)
                            else:
                                call(name, *sizes, (pooled, False), (index, False), (a, True))
                if direction == "parameter_grad":
                    call(name, 0, 0, 0, *[ffi.NULL] * (inputs + len(activation.parameters) + len(activation.learned)))
                elif activation.kind == "channelwise":
                    call(name, 0, 0, 0, *[ffi.NULL] * (inputs + len(activation.parameters) + 1))
                elif activation.kind == "cross_entropy":
                    call(name, 0, 3, 2, *[ffi.NULL] * (inputs + 3), 0.0, ffi.NULL)
                elif activation.kind == "logsumexp":
                    call(name, 0, 3, 2, *[ffi.NULL] * (inputs + 2))
                elif activation.kind == "softmax":
                    call(name, 3, 0, 1, *[ffi.NULL] * (inputs + 2))
                    call(name, 0, 3, 2, *[ffi.NULL] * (inputs + 2))
                elif activation.kind == "crelu":
                    call(name, 3, 0, 1, *[ffi.NULL] * (inputs + 1))
                    call(name, 0, 3, 2, *[ffi.NULL] * (inputs + 1))
                else:
                    call(name, 3, 0, 1, 1, *[ffi.NULL] * 3)
    print(call.calls, "calls")


if __name__ == "__main__":
    main()
