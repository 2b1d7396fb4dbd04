"""The cross-entropies: against their definitions, gradients, torch's conventions, edges and refusals."""

import numpy as np
import pytest
from oracle import DTYPES, EXACT, FAST, check, evaluate

import pyacts

nan, inf = np.nan, np.inf
per_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)


def log_probabilities(x):
    """In long double, along the last axis."""
    x = x.astype(np.longdouble)
    top = x.max(-1, keepdims=True)
    e = np.exp(x - top)
    np.put_along_axis(e, x.argmax(-1)[..., None], 0, -1)
    return (x - top) - np.log1p(e.sum(-1, keepdims=True))


def shares(labels, n, weight, smoothing):
    """q of each class: labels are classes, -1 for an ignored one, or probabilities."""
    p = labels if labels.dtype.kind == "f" else np.arange(n) == labels[..., None]
    keep = 1 if labels.dtype.kind == "f" else (labels >= 0)[..., None]
    return (np.ones(n) if weight is None else weight) * ((1 - smoothing) * p + smoothing / n) * keep


CASES = [
    (shape, scale, kind, smoothing, weighted)
    for shape in ((50, 3), (7, 10), (3, 130), (2, 5000))
    for scale in (1, 30)
    for kind in ("classes", "probabilities")
    for smoothing in (0.0, 0.1)
    for weighted in (False, True)
]


@per_dtype
@pytest.mark.parametrize(("shape", "scale", "kind", "smoothing", "weighted"), CASES)
def test_softmax_cross_entropy(shape, scale, kind, smoothing, weighted, dtype):
    random = np.random.default_rng(shape[1])
    n = shape[1]
    x = random.normal(scale=scale, size=shape).astype(dtype)
    labels = random.integers(-1, n, shape[0])
    if kind == "probabilities":
        labels = random.dirichlet(np.ones(n), shape[0]).astype(dtype)
    weight = random.uniform(0.5, 2, n).astype(dtype) if weighted else None
    q = shares(labels, n, weight, smoothing)
    given = {"label_smoothing": smoothing, "weight": weight}
    if kind == "classes":
        given["ignore_index"] = -1
    loss = pyacts.softmax_cross_entropy(x, labels, reduction="none", **given)
    logs = log_probabilities(x)
    want = -(q * logs).sum(-1)
    few = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(loss, want.astype(float), rtol=few)
    count = q.sum() if kind == "classes" and smoothing == 0 else shape[0]
    if kind == "classes" and smoothing:
        count = np.ones(n)[labels[labels >= 0]].sum() if weight is None else weight[labels[labels >= 0]].sum()
    for reduction, total in (("sum", want.sum()), ("mean", want.sum() / count)):
        got = pyacts.softmax_cross_entropy(x, labels, reduction=reduction, **given)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, float(total), rtol=few)
    grad = random.normal(size=shape[0]).astype(dtype)
    slope = (np.exp(logs) * q.sum(-1, keepdims=True) - q).astype(float)
    dx = pyacts.softmax_cross_entropy_backward(grad, x, labels, reduction="none", **given)
    np.testing.assert_allclose(dx, grad[:, None] * slope, rtol=few, atol=4 * few * abs(q).max())
    dx = pyacts.softmax_cross_entropy_backward(1.5, x, labels, **given)
    np.testing.assert_allclose(dx, 1.5 * slope / count, rtol=few, atol=4 * few * abs(q).max() / count)
    # the same along another axis, bit for bit
    turned = np.stack([x.T, -x.T], 2)
    both = np.stack([labels, labels], 1) if kind == "classes" else np.stack([labels.T, labels.T], 2)
    got = pyacts.softmax_cross_entropy(
        turned.transpose(1, 0, 2).copy(),
        both if kind == "classes" else both.transpose(1, 0, 2),
        1,
        reduction="none",
        **given,
    )
    assert np.ascontiguousarray(got[:, 0]).tobytes() == loss.tobytes()


@per_dtype
def test_small_losses_and_gradients_keep_their_digits(dtype):
    for gap in (10.0, 40, 80):
        x = np.array([[gap, 0, 0.5]], dtype)
        labels = np.array([0])
        want = -log_probabilities(x)[:, 0]
        np.testing.assert_allclose(
            pyacts.softmax_cross_entropy(x, labels), float(want[0]), rtol=4 * np.finfo(dtype).eps
        )
        dx = pyacts.softmax_cross_entropy_backward(1.0, x, labels)
        np.testing.assert_allclose(dx[0, 0], float(np.expm1(-want[0])), rtol=8 * np.finfo(dtype).eps)
        single = pyacts.sigmoid_cross_entropy(np.array([gap, -gap], dtype), [1, 0], reduction="none")
        np.testing.assert_allclose(single, np.log1p(np.exp(-np.longdouble(gap))).astype(float), rtol=1e-6)


@per_dtype
def test_sigmoid_cross_entropy(dtype):
    random = np.random.default_rng(0)
    x = np.concatenate([random.normal(scale=s, size=3000) for s in (0.01, 3, 60)]).astype(dtype)
    m = FAST if dtype == np.float32 else EXACT
    for t in (np.zeros_like(x), np.ones_like(x), random.random(x.size).astype(dtype)):
        a = abs(x)
        want = evaluate(m, lambda m, a, f: m.log1p(m.exp(-a)) + a * f, a, np.where(x > 0, 1 - t, t).astype(dtype))
        check("loss", x, pyacts.sigmoid_cross_entropy(x, t, reduction="none"), want, 2.5)
        slope = (1 / (1 + np.exp(-x.astype(np.longdouble))) - t).astype(float)
        dx = pyacts.sigmoid_cross_entropy_backward(np.ones_like(x), x, t, reduction="none")
        np.testing.assert_allclose(dx, slope, rtol=1e-6 if dtype == np.float32 else 1e-14, atol=np.finfo(dtype).eps)
        np.testing.assert_allclose(pyacts.sigmoid_cross_entropy_backward(3.0, x, t, reduction="sum"), 3 * dx, rtol=1e-6)
        np.testing.assert_allclose(pyacts.sigmoid_cross_entropy_backward(1, x, t), dx / x.size, rtol=1e-6)
        np.testing.assert_allclose(pyacts.sigmoid_cross_entropy(x, t), float(want.sum()) / x.size, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves(dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    random = np.random.default_rng(0)
    x = random.normal(scale=4, size=(40, 10)).astype(dtype)
    wide, labels = x.astype(np.float32), random.integers(0, 10, 40)
    for reduction in ("none", "sum", "mean"):
        got = pyacts.softmax_cross_entropy(x, labels, reduction=reduction)
        assert got.dtype == dtype
        assert np.array_equal(got, pyacts.softmax_cross_entropy(wide, labels, reduction=reduction).astype(dtype))
        got = pyacts.sigmoid_cross_entropy(x, x > 0, reduction=reduction)
        assert np.array_equal(got, pyacts.sigmoid_cross_entropy(wide, x > 0, reduction=reduction).astype(dtype))
    assert np.array_equal(
        pyacts.softmax_cross_entropy_backward(1, x, labels),
        pyacts.softmax_cross_entropy_backward(1, wide, labels).astype(dtype),
    )


@pytest.mark.parametrize(
    ("labels", "left_out"),
    [
        (np.array([1, 2**64 - 1], np.uint64), 2**64 - 1),
        (np.array([1, 2**63], np.uint64), 2**63),
        (np.array([1, -(2**63)]), -(2**63)),
        (np.array([1, -100], np.int8), -100),
        (np.array([1, 255], ">u2"), 255),
    ],
    ids=str,
)
def test_labels_left_out(labels, left_out):
    x = np.array([[0.0, 1, 2], [3, 1, 2]])
    loss = pyacts.softmax_cross_entropy(x, labels, ignore_index=left_out)
    assert loss == pyacts.softmax_cross_entropy(x[:1], [1])
    dx = pyacts.softmax_cross_entropy_backward(1.0, x, labels, ignore_index=left_out)
    assert dx[0].any()
    assert not dx[1].any()


@pytest.mark.parametrize("left_out", [None, -1, 300, -(2**70), 2**70])
@pytest.mark.parametrize("label", [2**64 - 1, 2**63, 3])
def test_labels_that_are_no_classes(label, left_out):
    """Not even if they are ignore_index in another type of integer."""
    labels = np.array([0, label], np.uint64)
    with pytest.raises(ValueError, match=f"from 0 to 2, got {label}"):
        pyacts.softmax_cross_entropy(np.zeros((2, 3)), labels, ignore_index=left_out)


@per_dtype
def test_grad_in_any_order(dtype):
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(dtype)
    labels, grad = np.ones((3, 4), int), x[..., 0].copy()
    wanted = pyacts.softmax_cross_entropy_backward(grad, x, labels, reduction="none")
    for laid in (np.asfortranarray(grad), grad.repeat(2, 1)[:, ::2], grad.astype(grad.dtype.newbyteorder())):
        got = pyacts.softmax_cross_entropy_backward(laid, x, labels, reduction="none")
        np.testing.assert_array_equal(got, wanted)
    wanted = pyacts.sigmoid_cross_entropy_backward(x, x, x, reduction="none")
    got = pyacts.sigmoid_cross_entropy_backward(np.asfortranarray(x), x.T.copy().T, x, reduction="none")
    np.testing.assert_array_equal(got, wanted)


def test_numbers_give_numbers():
    for reduction in ("mean", "sum", "none"):
        assert type(pyacts.sigmoid_cross_entropy(1.0, 1, reduction=reduction)) is np.float64
        assert type(pyacts.sigmoid_cross_entropy_backward(1.0, 1.0, 0, reduction=reduction)) is np.float64


class Resizing:
    """What resizes the logits when it is converted to an array."""

    def __init__(self, logits, value):
        self.logits, self.value = logits, value

    def __array__(self, dtype=None, copy=None):
        self.logits.resize(1, refcheck=False)
        return np.array(self.value)

    def __index__(self):
        self.logits.resize(1, refcheck=False)
        return self.value


@pytest.mark.parametrize(("name", "value"), [("labels", [0, 1]), ("weight", [1.0] * 1000), ("ignore_index", 5)])
def test_arguments_that_change_the_logits(name, value):
    """No call may use what it saw of the logits before the argument's code ran."""
    for function, grad in ((pyacts.softmax_cross_entropy, ()), (pyacts.softmax_cross_entropy_backward, (1.0,))):
        x = np.ones((2, 1000))
        given = {"labels": [0, 1], name: Resizing(x, value)}
        with pytest.raises(ValueError, match=r"shape of logits|weight needs one number for each of the 1 classes"):
            function(*grad, x, **given)


def test_grads_and_probabilities_that_change_the_logits():
    x = np.ones((2, 1000))
    with pytest.raises(ValueError, match="shape of logits"):
        pyacts.softmax_cross_entropy_backward(Resizing(x, 1.0), x, [0, 1])
    for arguments in ((1.0, None), (None, 1.0)):
        x = np.ones((2, 1000))
        grad, labels = (Resizing(x, np.ones((2, 1000))) if a is None else np.ones((2, 1000)) for a in arguments)
        with pytest.raises(ValueError, match="same shape"):
            pyacts.sigmoid_cross_entropy_backward(grad, x, labels, reduction="none")


def test_no_floating_point_warnings():
    """Neither from conversions of what is too large or too small for the dtype nor from what is made of the losses."""
    x, labels = np.zeros((2, 2), np.float32), [0, 1]
    with np.errstate(all="raise"):
        for large in (1e300, 1e-300):
            probabilities = np.full((2, 2), large)
            for dtype in (np.float16, np.float32):
                half = x.astype(dtype)
                pyacts.softmax_cross_entropy(half, labels, weight=[large, 1.0])
                pyacts.softmax_cross_entropy(half, probabilities)
                pyacts.softmax_cross_entropy_backward(large, half, labels)
                pyacts.softmax_cross_entropy_backward([large, 1.0], half, labels, reduction="none")
                pyacts.sigmoid_cross_entropy(half, probabilities)
                for reduction, grad in (("mean", large), ("sum", large), ("none", probabilities)):
                    pyacts.sigmoid_cross_entropy_backward(grad, half, half, reduction=reduction)
        pyacts.softmax_cross_entropy(np.array([[-inf, 0], [0, -inf]]), labels, weight=[1, -1], reduction="sum")
        assert np.isnan(pyacts.sigmoid_cross_entropy(np.array([inf, inf]), np.array([0.0, 2])))
        one = np.array([inf])
        assert np.isnan(pyacts.sigmoid_cross_entropy_backward(one, one, np.array([1.0]), reduction="none"))
        pyacts.sigmoid_cross_entropy_backward(np.array([1e300]), np.ones(1), np.array([-1e300]), reduction="none")


def test_edges():
    f, backward = pyacts.softmax_cross_entropy, pyacts.softmax_cross_entropy_backward
    assert f(np.array([[inf, 0, 1]]), [0]) == 0
    assert f(np.array([[inf, 0, 1]]), [1]) == inf
    assert f(np.array([[-inf, 0, 0]]), [0]) == inf
    assert f(np.array([[-inf, 0, 0]]), np.array([[0, 0.5, 0.5]])) == pytest.approx(np.log(2))
    assert np.isnan(f(np.array([[nan, 0, 0]]), [1]))
    assert np.isnan(f(np.full((1, 3), -inf), [1]))
    assert np.isnan(f(np.zeros((2, 3)), [5, 5], ignore_index=5))
    assert f(np.zeros((2, 3)), [5, 5], ignore_index=5, reduction="sum") == 0
    assert not backward(1.0, np.array([[nan, 0, 0]]), [5], ignore_index=5, reduction="sum").any()
    assert f(np.zeros((0, 3)), np.zeros(0, int), reduction="sum") == 0
    assert pyacts.sigmoid_cross_entropy(np.array([inf, -inf]), [1, 0]) == 0
    assert pyacts.sigmoid_cross_entropy(np.array([inf]), [0]) == inf
    assert np.isnan(pyacts.sigmoid_cross_entropy(np.array([nan]), [0]))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((np.zeros((2, 3)), [0, 3]), {}, ValueError, "labels must be from 0 to 2, got 3"),
        ((np.zeros((2, 3)), [0, -1]), {}, ValueError, "got -1"),
        ((np.zeros((2, 3)), [0, 1, 2]), {}, ValueError, "shape of logits without axis"),
        ((np.zeros((2, 3)), np.zeros((3, 2))), {}, ValueError, "probabilities need the shape"),
        ((np.zeros((2, 3)), [True, False]), {}, TypeError, "labels must be classes"),
        ((np.zeros((2, 3)), np.zeros((2, 3))), {"ignore_index": 1}, ValueError, "ignore_index is for"),
        ((np.zeros((2, 3)), [0, 1]), {"label_smoothing": 1.5}, ValueError, "label_smoothing must be"),
        ((np.zeros((2, 3)), [0, 1]), {"label_smoothing": nan}, ValueError, "label_smoothing must be"),
        ((np.zeros((2, 3)), [0, 1]), {"weight": [1, 2]}, ValueError, "weight needs one number"),
        ((np.zeros((2, 3)), [0, 1]), {"reduction": "max"}, ValueError, "reduction must be"),
        ((np.zeros((2, 0)), [0, 1]), {}, ValueError, "length 0"),
        ((np.zeros((2, 3)), [0, 1], 2), {}, np.exceptions.AxisError, "out of bounds"),
        ((np.ma.zeros((2, 3)), [0, 1]), {}, TypeError, "MaskedArray"),
        ((np.zeros((2, 3), complex), [0, 1]), {}, TypeError, "complex"),
    ],
)
def test_refused(arguments, options, error, words):
    with pytest.raises(error, match=words):
        pyacts.softmax_cross_entropy(*arguments, **options)
    with pytest.raises(error, match=words):
        pyacts.softmax_cross_entropy_backward(1.0, *arguments, **options)


def test_refused_grads():
    x, labels = np.zeros((2, 3)), [0, 1]
    for grad in (None, "1"):
        with pytest.raises(TypeError, match="grad must be a number"):
            pyacts.softmax_cross_entropy_backward(grad, x, labels)
        with pytest.raises(TypeError, match="grad must be a number"):
            pyacts.sigmoid_cross_entropy_backward(grad, x, x)
    with pytest.raises(ValueError, match="grad in the shape of the loss"):
        pyacts.softmax_cross_entropy_backward(np.ones(2), x, labels)
    with pytest.raises(ValueError, match="grad in the shape of the loss"):
        pyacts.softmax_cross_entropy_backward(1.0, x, labels, reduction="none")
    with pytest.raises(ValueError, match="same shape"):
        pyacts.sigmoid_cross_entropy(x, labels)
