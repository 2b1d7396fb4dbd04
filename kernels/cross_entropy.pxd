"""Cross-entropy of logits, without the probabilities.

Along an axis, with classes c, weights w and labels given as probabilities p, or as one class t (p = 1 there):

    q = w ((1 - label_smoothing) p + label_smoothing / n)
    loss = sum(q * -log_softmax(x)) = sum(q (m - x)) + log(s) sum(q)       m = max(x), s = sum(e**(x - m))
    dx = grad (softmax(x) sum(q) - q)

The terms of the loss are not negative, so it is accurate near 0 too. So is the gradient for one class t: at t, softmax
- 1 is minus the share of the others. Everything but the exponentials is double.

Of a single logit (sigmoid_cross_entropy), with t in [0, 1],

    loss = log(1 + e**x) - x t = log1p(e**-|x|) + x ([x > 0] - t)
    dx = grad (1 / (1 + e**-x) - t)
"""
from libc.stdint cimport int64_t
from lines cimport give, line_top, spans, take
from real cimport (INFINITE, NEGATIVE_ZERO, NOT_A_NUMBER, ONE, ZERO, absolute, packed_real, parameter, real, storage,
                   widened)
from softmax cimport LOGSUMEXP, terms_of
from sums cimport LANES, Total, added, chunk, clear, fold, value_of
from terms cimport Terms, exp_below, plain_top
from vmath cimport Sum, exp_negative_raised, log1p_double, log1p_unit, logistic, raised


cdef struct Line:
    const int64_t *label        # one of label and p is NULL
    const storage *p
    const parameter *weight     # NULL: all 1
    double smoothing
    size_t n
    size_t step


cdef struct Exponentials:       # of x - top, in a line
    Sum top
    double others               # the sum without the first of the largest, relative to that
    double without              # the sum without class t
    double at_label             # the term of class t


cdef inline double q_of(double p, double weight, const Line *line) noexcept nogil:
    return weight * ((1 - line.smoothing) * p + line.smoothing / <double>line.n)


cdef inline void weigh(const Line *line, size_t at, double *q) noexcept nogil:
    """q of LANES classes from `at`."""
    cdef real buffer[LANES]
    cdef const packed_real *values = buffer
    cdef size_t i
    if line.p != NULL:
        values = take(line.n, line.p, line.step, at, ZERO, buffer)
    for i in range(LANES):
        q[i] = 0
        if at + i < line.n:
            q[i] = q_of(<double>values[i] if line.p != NULL else (1.0 if <int64_t>(at + i) == line.label[0] else 0.0),
                        <double>line.weight[at + i] if line.weight != NULL else 1.0, line)


cdef inline Exponentials exponentials_of(const storage *x, const Line *line) noexcept nogil:
    """The sums, those without the largest and without the label, so that what is left of 1 keeps its digits."""
    cdef Exponentials y
    cdef Terms terms
    cdef real at_label = ZERO
    cdef double total
    y.top = plain_top(line_top(line.n, x, line.step))
    terms = terms_of(LOGSUMEXP, True, 0, 0, line.n, x, line.step, NULL, NULL, NULL, y.top)
    total = value_of(terms.total)
    y.others = total / <double>raised() + (terms.ties - 1)
    y.at_label = 0
    if line.p == NULL:
        at_label = widened(x[<size_t>line.label[0] * line.step])
        y.at_label = <double>exp_below(at_label, ZERO, y.top)
    if line.p == NULL and at_label == y.top.high:
        y.without = total + (terms.ties - 1) * y.at_label
    else:       # the largest is among the others: they are no less than what is subtracted
        y.without = (total - y.at_label) + terms.ties * <double>raised()
    return y


cdef inline double below(real x, real top) noexcept nogil:
    """top - x; 0 for the equals of an infinite top."""
    return 0.0 if x == top else <double>top - <double>x


cdef inline bint is_ignored(const Line *line) noexcept nogil:
    return line.p == NULL and not 0 <= line.label[0] < <int64_t>line.n


cdef inline bint is_one_class(const Line *line) noexcept nogil:
    return line.p == NULL and line.smoothing == 0


cdef inline double weight_of_class(const Line *line) noexcept nogil:
    return <double>line.weight[line.label[0]] if line.weight != NULL else 1.0


cdef inline double loss_of(const storage *x, const Line *line) noexcept nogil:
    cdef double q[LANES]
    cdef double lanes[LANES]
    cdef double q_lanes[LANES]
    cdef real buffer[LANES]
    cdef const packed_real *values
    cdef Exponentials e
    cdef Total total = Total(0, 0), whole = Total(0, 0)
    cdef size_t start = 0, k, i
    cdef double log_sum
    if is_ignored(line):
        return 0
    e = exponentials_of(x, line)
    if e.top.high == -INFINITE:
        return <double>NOT_A_NUMBER
    log_sum = log1p_double(e.others)
    if is_one_class(line):
        return weight_of_class(line) * (below(widened(x[<size_t>line.label[0] * line.step]), e.top.high) + log_sum)
    while start < line.n:
        clear(LANES, 1, 1, lanes)
        clear(LANES, 1, 1, q_lanes)
        for k in range(start // LANES, spans(min(start + chunk(), line.n))):
            values = take(line.n, x, line.step, k * LANES, ZERO, buffer)
            weigh(line, k * LANES, q)
            for i in range(LANES):
                # 0 times infinity is no loss
                lanes[i] += 0.0 if q[i] == 0 else q[i] * below(values[i], e.top.high)
                q_lanes[i] += q[i]
        start += chunk()
        fold(LANES, 1, 1, lanes)
        fold(LANES, 1, 1, q_lanes)
        total = added(total, lanes[0])
        whole = added(whole, q_lanes[0])
    return value_of(total) + log_sum * value_of(whole)


cdef inline void gradient_of(double grad, const storage *x, storage *dx, const Line *line) noexcept nogil:
    cdef double q[LANES]
    cdef double lanes[LANES]
    cdef real buffer[LANES]
    cdef real results[LANES]
    cdef const packed_real *values
    cdef Exponentials e
    cdef Total whole = Total(0, 0)
    cdef size_t start = 0, k, i, label
    cdef double share, mass, factor
    cdef bint one_class = is_one_class(line)
    if is_ignored(line):
        for i in range(LANES):
            results[i] = ZERO
        for k in range(spans(line.n)):
            give(line.n, results, dx, line.step, k * LANES)
        return
    e = exponentials_of(x, line)
    mass = weight_of_class(line) if one_class else 0
    while start < line.n and not one_class:
        clear(LANES, 1, 1, lanes)
        for k in range(start // LANES, spans(min(start + chunk(), line.n))):
            weigh(line, k * LANES, q)
            for i in range(LANES):
                lanes[i] += q[i]
        start += chunk()
        fold(LANES, 1, 1, lanes)
        whole = added(whole, lanes[0])
        mass = value_of(whole)
    share = mass / (e.without + e.at_label)
    if e.top.high == -INFINITE:
        share = <double>NOT_A_NUMBER
    factor = grad * share
    for k in range(spans(line.n)):
        values = take(line.n, x, line.step, k * LANES, -INFINITE, buffer)
        for i in range(LANES):
            results[i] = exp_below(values[i], ZERO, e.top)
        if one_class:
            for i in range(LANES):
                results[i] = <real>(factor * <double>results[i])
            label = <size_t>line.label[0]
            if k == label // LANES:
                results[label % LANES] = <real>(grad * (-share * e.without))
        else:
            weigh(line, k * LANES, q)
            for i in range(LANES):
                results[i] = <real>(grad * (share * <double>results[i] - q[i]))
        give(line.n, results, dx, line.step, k * LANES)


cdef inline Line line_at(size_t n, size_t step, size_t which, size_t at, const int64_t *labels,
                         const storage *probabilities, const parameter *weight, double smoothing) noexcept nogil:
    cdef Line line
    line.label = labels + which if labels != NULL else NULL
    line.p = probabilities + at if labels == NULL else NULL
    line.weight, line.smoothing, line.n, line.step = weight, smoothing, n, step
    return line


cdef inline void softmax_cross_entropy(size_t outer, size_t n, size_t inner, const storage *x, const int64_t *labels,
                                       const storage *probabilities, const parameter *weight, double label_smoothing,
                                       parameter *loss) noexcept nogil:
    cdef size_t k, at
    cdef Line line
    for k in range(outer * inner):
        at = k // inner * n * inner + k % inner
        line = line_at(n, inner, k, at, labels, probabilities, weight, label_smoothing)
        loss[k] = <parameter>loss_of(x + at, &line)


cdef inline void softmax_cross_entropy_backward(size_t outer, size_t n, size_t inner, const parameter *grad,
                                                const storage *x, const int64_t *labels, const storage *probabilities,
                                                const parameter *weight, double label_smoothing,
                                                storage *dx) noexcept nogil:
    cdef size_t k, at
    cdef Line line
    for k in range(outer * inner):
        at = k // inner * n * inner + k % inner
        line = line_at(n, inner, k, at, labels, probabilities, weight, label_smoothing)
        gradient_of(<double>grad[k], x + at, dx + at, &line)


# ----------------------------------------------------------------------------------------------------------------
# A single logit: functions of an element, as loops.pxd takes them

cdef inline real sigmoid_cross_entropy(real x, real t) noexcept nogil:
    """float32 2.5 ULP for t in [0, 1], where neither term is negative."""
    cdef real e = exp_negative_raised(absolute(x), NEGATIVE_ZERO) * (ONE / raised())
    cdef real factor = (ONE - t) if x > ZERO else -t
    return log1p_unit(e).high + (ZERO if factor == ZERO else x * factor)


cdef inline real sigmoid_cross_entropy_backward(real x, real t, real grad) noexcept nogil:
    """From the side where the logistic function is at most 1/2, which loses nothing for t = 0 or 1."""
    cdef real p = logistic(-absolute(x), NEGATIVE_ZERO)
    return grad * ((ONE - t) - p if x > ZERO else p - t)
