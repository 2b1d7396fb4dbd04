"""The number type that one build of the kernels computes in, and its elementary operations (see real.h)."""

from libc.stdint cimport uint64_t

cdef extern from "real.h" nogil:
    ctypedef float real         # float or double: decided when the C is compiled
    ctypedef float packed_real  # the same at any address
    ctypedef float storage      # an element in the caller's memory: a real, or the bits of a half
    ctypedef float parameter    # a parameter there: never a half
    ctypedef unsigned int real_bits

    enum:
        BLOCK                   # elements in 64 bytes
    const bint SINGLE           # whether real is float
    const real LARGEST          # the largest finite number
    const bint CONVERTED        # whether storage is not real
    const bint EXACT            # whether float is computed in double
    const bint FUSED            # whether muladd rounds once
    const int SIGNIFICAND_BITS  # those of the significand that are stored

    const real INFINITE
    const real NOT_A_NUMBER
    const real ZERO
    const real ONE
    const real NEGATIVE_ZERO

    const packed_real *as_real(size_t n, const storage *start, real *buffer) noexcept
    void put(size_t n, const real *start, storage *to) noexcept
    void widen_bytes(size_t n, const unsigned char *start, real_bits *to) noexcept
    void prefetch(size_t n, const storage *x) noexcept
    storage stored_if(bint wanted, storage x) noexcept
    real widened(storage x) noexcept
    storage narrowed(real x) noexcept
    storage negated(storage x) noexcept
    real_bits to_bits(real x) noexcept
    real from_bits(real_bits b) noexcept
    uint64_t double_bits(double x) noexcept
    double double_from(uint64_t b) noexcept
    real absolute(real x) noexcept
    real square_root(real x) noexcept
    real copy_sign(real magnitude, real sign) noexcept
    bint unordered(real a, real b) noexcept
    real muladd(real a, real b, real c) noexcept
    real fused(real a, real b, real c) noexcept
    bint KNOWN_ONE(real a) noexcept
    real BOUND(real x) noexcept
    real product_error(real a, real b, real product) noexcept


cdef inline real at_most(real x, real bound) noexcept nogil:
    """The smaller of the two; NaN passes."""
    bound = BOUND(bound)
    return bound if x > bound else x


cdef inline real at_least(real x, real bound) noexcept nogil:
    """The larger of the two; NaN passes."""
    bound = BOUND(bound)
    return bound if x < bound else x


cdef inline real zero_or_nan(real grad, real x) noexcept nogil:
    """The gradient where the derivative is zero throughout: +0, for an infinite grad too, but NaN stays NaN.

    Bits are masked because of two choices, one in the other, GCC makes twice the instructions.
    """
    return from_bits(to_bits(grad + x) & -<real_bits>unordered(grad, x))


cdef inline real vanishing_with(real param, real product, real grad, real x) noexcept nogil:
    """The gradient `product` of a branch that a parameter of 0 makes constant: then zero_or_nan.

    Bits are masked because a choice on a parameter, the same for all elements, would keep GCC from vectorising.
    """
    cdef real_bits mask = -<real_bits>(param != ZERO)
    return grad + x if unordered(grad, x) else from_bits(to_bits(product) & mask)
