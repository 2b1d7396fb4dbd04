"""Large arrays on several threads: the bits are those of one thread, and no process is the worse for it.

How an array is divided is tested with a driver that calls the parts one after the other, here; Numba's threads in
processes of their own, which run tests/threads_program.py.
"""

import asyncio
import ctypes
import importlib.metadata
import os
import sys
import threading

import numpy as np
import pytest
from common import (
    CALLS,
    DTYPES,
    EXACT_CALLS,
    LAYOUTS,
    TESTS,
    assert_same,
    is_elementwise,
    laid_out,
    numbers,
    run,
)

import pyacts
from pyacts import _array, _threads
from pyacts.catalog import ACTIVATIONS

PARTS = 3
N = 4801  # just enough for the GIL to be released, and neither a multiple of PARTS nor of a cache line
GATED = [a.name for a in ACTIVATIONS if a.kind == "gated"]


@pytest.fixture
def parts(monkeypatch):
    """Divide every array into PARTS, done one by one from the last to the first. A list: how many parts there were."""
    made = []

    def driver(function, job, count):
        made.append(count)
        do_part = ctypes.CFUNCTYPE(None, ctypes.c_size_t, ctypes.c_size_t)(function)
        for part in reversed(range(count)):
            do_part(job, part)

    monkeypatch.setattr(_threads.threads, "driver", driver)
    monkeypatch.setattr(_threads.threads, "everywhere", PARTS)
    monkeypatch.setattr(_array, "PARALLEL_FROM", (1, 1))
    return made


def compare(parts, function, *arguments, label=(), **keywords):
    """Raise unless a function makes the same of copies of the arguments in one thread and in PARTS."""
    results = []
    for count in (1, PARTS):
        own = [a.copy("K") if isinstance(a, np.ndarray) else a for a in arguments]
        parts.clear()
        _threads.threads.everywhere = count
        made = function(*own, **keywords)
        results.append([*(made if isinstance(made, tuple) else [made]), *(a for a in own if isinstance(a, np.ndarray))])
        assert parts == ([PARTS] if count > 1 else []), label
    for one, several in zip(*results, strict=True):
        assert_same(several, one, *label)


# ----------------------------------------------------------------------------------------------------------------
# Bits


# Rows, columns, and columns of several matrices.
LINES = (((50, 97), 1), ((97, 201), 0), ((2, 33, 200), 1))


@pytest.mark.parametrize("call", CALLS + EXACT_CALLS, ids=str)
def test_same_bits(parts, call):
    shapes = [((N,), {})] if is_elementwise(call.activation) else [(shape, {"axis": axis}) for shape, axis in LINES]
    for dtype in DTYPES if not call.exact else ("float32", "float16"):
        for shape, axis in shapes:
            inputs = call.inputs(shape, dtype)
            for inplace in (False, True):
                compare(parts, call, *inputs, inplace=inplace, **axis, label=(dtype, shape, inplace))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", GATED)
def test_same_bits_gated(parts, name, dtype):
    grad, gate, up = (numbers(N, dtype, seed) for seed in range(3))
    compare(parts, getattr(pyacts, name), gate, up)
    compare(parts, getattr(pyacts, f"{name}_"), gate, up)
    compare(parts, getattr(pyacts, f"{name}_backward"), grad, gate, up)
    compare(parts, getattr(pyacts, f"{name}_backward_"), grad, gate, up)


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_of_what_changes_the_shape(parts, dtype):
    for shape, axis in LINES:
        x = numbers(shape, dtype, special=False)
        lines = shape[:axis] + shape[axis + 1 :]
        compare(parts, pyacts.logsumexp, x, axis=axis)
        compare(parts, pyacts.logsumexp_backward, numbers(lines, dtype, 1), x, axis=axis)
    rows, n = 61, 96
    x, grad = numbers((rows, n), dtype, special=False), numbers((rows, n), dtype, 1, special=False)
    compare(parts, pyacts.maxout, x, 4)
    pooled, index = pyacts.maxout(x, 4, return_index=True)
    compare(parts, pyacts.maxout, x, 4, return_index=True)
    compare(parts, pyacts.maxout_backward, pooled, index, 4)
    compare(parts, pyacts.crelu, x)
    y = pyacts.crelu(x)
    compare(parts, pyacts.crelu_backward, y, x)
    compare(parts, pyacts.crelu_backward, y[::-1].copy(), y=y)
    classes, probabilities = np.arange(rows) % n, np.abs(grad)
    weight = np.linspace(1, 2, n).astype(np.float32)
    for labels, more in (classes, {"weight": weight, "ignore_index": 5}), (probabilities, {"label_smoothing": 0.25}):
        compare(parts, pyacts.softmax_cross_entropy, x, labels, **more)
        compare(parts, pyacts.softmax_cross_entropy_backward, 2.0, x, labels, **more)
        losses = pyacts.softmax_cross_entropy(x, labels, reduction="none", **more)
        compare(parts, pyacts.softmax_cross_entropy_backward, losses, x, labels, reduction="none", **more)
    compare(parts, pyacts.sigmoid_cross_entropy, x, probabilities)
    compare(parts, pyacts.sigmoid_cross_entropy_backward, 2.0, x, probabilities)


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_with_options(parts, dtype):
    """The parts of where, bias and sink go with those of x, and rows are counted from where a part begins."""
    x, grad = (numbers((4, 25, 40), dtype, seed, special=False) for seed in range(2))
    random = np.random.default_rng(2)
    masks = [random.random(shape) < 0.7 for shape in (x.shape, (4, 25, 1), (1, 1, 40))]
    bias, sink = numbers((4, 25, 40), dtype, 3, special=False), random.normal(size=(4, 25)).astype(np.float32)
    for options in (
        *({"where": mask} for mask in masks),
        {"bias": bias},
        {"bias": bias[:1, :1], "scale": 0.5},
        {"sink": sink},
        {"causal": True},
        {"causal": -3, "where": masks[0], "bias": bias, "sink": sink},
    ):
        for function in (pyacts.softmax, pyacts.log_softmax_, pyacts.logsumexp):
            parts.clear()
            expected = in_one_thread(function, x.copy(), **options)
            assert_same(function(x.copy(), **options), expected, *options)
            assert PARTS in parts, options
        parts.clear()
        y = in_one_thread(pyacts.softmax, x, **options)
        expected = in_one_thread(pyacts.softmax_backward, grad, y=y, **options)
        assert_same(pyacts.softmax_backward(grad, y=y, **options), expected, *options)
        assert PARTS in parts, options
    shape = (33, 200)
    x, mask = numbers(shape, dtype, 4, special=False), random.random(shape) < 0.7
    bias, sink = numbers(shape, dtype, 5, special=False), random.normal(size=200).astype(np.float32)
    for options in {"where": mask}, {"bias": bias[:, :1]}, {"bias": bias, "where": mask[:1], "sink": sink}:
        compare(parts, pyacts.softmax, x, axis=0, **options, label=options)


def in_one_thread(function, *arguments, **keywords):
    token = _threads.threads.here.set(1)
    try:
        return function(*arguments, **keywords)
    finally:
        _threads.threads.here.reset(token)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_bits_of_other_layouts(parts, layout):
    """Through the ufuncs, with parameters that broadcast, into what is given; nothing beside the array is written."""
    shape = (7, 30, 41)
    values = numbers(shape, "float32", special=False)
    weight = np.linspace(0, 1, 30, dtype=np.float32)[:, None]

    def results():
        x, base = laid_out(values, layout)
        grad, _ = laid_out(values[::-1], layout)
        own, own_base = laid_out(values, layout)
        out, out_base = laid_out(np.zeros_like(values), layout)
        yield from (pyacts.prelu(x, weight), pyacts.prelu(x, weight, out=out), out_base.copy())
        yield from (pyacts.gelu(x), pyacts.gelu_backward(grad, x, out=out), out_base.copy())
        yield from (pyacts.geglu(grad, x), *pyacts.geglu_backward(grad, x, x))
        yield from (pyacts.softmax(x), pyacts.softmax(x, axis=0), pyacts.softmax_backward(grad, x, axis=1))
        yield from (pyacts.prelu_(own, weight), own_base.copy(), pyacts.geglu_(grad, own), own_base.copy())
        assert_same(x, values)
        yield base

    several = [result.copy() for result in results()]
    assert len(parts) >= 5
    assert set(parts) == {PARTS}
    _threads.threads.everywhere = 1
    for k, (got, wanted) in enumerate(zip(several, results(), strict=True)):
        if got.dtype.names:
            got, wanted = got["value"], wanted["value"]
        assert_same(got, wanted, layout, k)


def test_operands_that_overlap(parts):
    """Parts must not read what others write: then the ufunc gets the whole, which copies where it has to."""
    x = numbers(3 * N, "float32", special=False)
    for target in (slice(2, 2 + 2 * N, 2), slice(0, N)):
        one, several = x.copy(), x.copy()
        in_one_thread(pyacts.gelu, one[: 2 * N : 2], out=one[target])
        pyacts.gelu(several[: 2 * N : 2], out=several[target])
        assert_same(several, one)
    assert parts == []


def test_errors_in_parts(parts):
    """What a ufunc raises in a thread, the caller gets."""
    x = np.zeros((N, 2), np.float32)[:, 0]
    readonly = np.zeros_like(x)
    readonly.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        pyacts.gelu(x, out=readonly)
    assert not readonly.any()


def test_small_arrays_stay_here(monkeypatch):
    """Up to the limit, which is lower for kernels with an exponential, there is nothing but the caller's thread."""

    def driver(function, job, count):
        raise InterruptedError

    monkeypatch.setattr(_threads.threads, "driver", driver)
    monkeypatch.setattr(_threads.threads, "everywhere", PARTS)
    monkeypatch.setattr(_array, "PARALLEL_FROM", (9000, 5000))
    for function, limit in (pyacts.relu, 9000), (pyacts.gelu, 5000), (pyacts.sigmoid_, 5000):
        x = np.ones(limit + 1, np.float32)
        function(x[:limit])
        function(np.ones((limit, 2), np.float32)[:, 0])
        for array in x, np.ones((limit + 1, 2), np.float32)[:, 0]:
            with pytest.raises(InterruptedError):
                function(array)
    pyacts.softmax(np.ones((50, 100)))
    with pytest.raises(InterruptedError):
        pyacts.softmax(np.ones((51, 100)))
    pyacts.crelu(np.ones((90, 100)))
    with pytest.raises(InterruptedError):
        pyacts.crelu(np.ones((91, 100)))


def test_number_of_parts(parts, monkeypatch):
    """Each has at least half of what is divided at the least."""
    monkeypatch.setattr(_array, "PARALLEL_FROM", (5000, 5000))
    for n in (5000, 5001, 7499, 7500, 70000):
        pyacts.relu(np.ones(n, np.float32))
        pyacts.softmax(np.ones((n, 1), np.float32))
        pyacts.relu(np.ones((n, 2), np.float32)[:, 0])
    assert parts == [2] * 6 + [3] * 6


# ----------------------------------------------------------------------------------------------------------------
# Settings


@pytest.fixture
def settings(monkeypatch):
    """As if there were eight threads."""
    monkeypatch.setattr(_threads, "available", lambda n: min(n, 8))
    monkeypatch.setattr(_threads.threads, "everywhere", 1)


def test_number_of_threads(settings):
    assert pyacts.get_num_threads() == 1
    pyacts.set_num_threads(4)
    assert pyacts.get_num_threads() == 4
    with pyacts.num_threads(2):
        assert pyacts.get_num_threads() == 2
        with pyacts.num_threads(100):
            assert pyacts.get_num_threads() == 8
        pyacts.set_num_threads(5)
        assert pyacts.get_num_threads() == 2
    assert pyacts.get_num_threads() == 5
    with pytest.raises(InterruptedError), pyacts.num_threads(3):
        raise InterruptedError
    assert pyacts.get_num_threads() == 5


def test_block_holds_for_one_thread_and_one_task(settings):
    seen = {}

    async def task(n):
        with pyacts.num_threads(n):
            await asyncio.sleep(0)
            seen[n] = pyacts.get_num_threads()

    async def tasks():
        await asyncio.gather(*map(task, (2, 3, 4)))

    pyacts.set_num_threads(5)
    asyncio.run(tasks())
    with pyacts.num_threads(6):
        other = threading.Thread(target=lambda: seen.update(thread=pyacts.get_num_threads()))
        other.start()
        other.join()
    assert seen == {2: 2, 3: 3, 4: 4, "thread": 5}


@pytest.mark.parametrize("n", [0, -1, 1.0, "2", None])
def test_wrong_numbers(n):
    before = pyacts.get_num_threads()
    for function in (pyacts.set_num_threads, lambda n: pyacts.num_threads(n).__enter__()):
        with pytest.raises((TypeError, ValueError), match="at least 1" if isinstance(n, int) else "integer"):
            function(n)
    assert pyacts.get_num_threads() == before


def test_parallel_functions(parts):
    """They take all threads, here as many as are asked for, and leave the setting."""
    _threads.threads.everywhere = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_threads, "available", lambda n: PARTS)
        x = numbers(N, "float32")
        expected = pyacts.elu(x, 0.5)
        assert parts == []
        assert pyacts.parallel.elu_(x, alpha=0.5) is x
    assert parts == [PARTS]
    assert_same(x, expected)
    assert pyacts.get_num_threads() == 1


# ----------------------------------------------------------------------------------------------------------------
# Numba


def python(*arguments, **environment):
    return run(sys.executable, "-W", "error", *arguments, env={**os.environ, **environment}, timeout=300)


def test_without_numba():
    program = (
        "import sys; sys.modules['numba'] = None\n"
        "import numpy as np, pyacts\n"
        "pyacts.set_num_threads(1)\n"
        "x = np.ones(2**20, np.float32)\n"
        "for call in (lambda: pyacts.set_num_threads(2), lambda: pyacts.parallel.gelu_(x)):\n"
        "    try: call()\n"
        "    except ImportError as error: assert 'pip install pyacts[parallel]' in str(error)\n"
        "    else: raise AssertionError\n"
        "assert (x == 1).all() and pyacts.get_num_threads() == 1\n"
        "with pyacts.num_threads(1): pyacts.gelu_(x)\n"
    )
    python("-c", program)


def test_numba_only_for_several_threads():
    program = (
        "import sys, numpy as np, pyacts\n"
        "pyacts.set_num_threads(1)\n"
        "with pyacts.num_threads(1): pyacts.gelu(np.ones(2**20))\n"
        "pyacts.get_num_threads()\n"
        "assert 'numba' not in sys.modules"
    )
    python("-c", program)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    pytest.importorskip("numba")
    return str(tmp_path_factory.mktemp("cache"))


def tbb():
    """Where pip put TBB: Numba does not look there itself."""
    try:
        files = importlib.metadata.files("tbb")
    except importlib.metadata.PackageNotFoundError:
        return ""
    return str(next(f.locate().resolve().parent for f in files if f.name == "libtbb.so.12"))


# Numba starts as many threads as it is told; more than there are cores, so that an array is divided anywhere.
ENVIRONMENT = {"NUMBA_NUM_THREADS": "3", "LD_LIBRARY_PATH": f"{os.environ.get('LD_LIBRARY_PATH', '')}:{tbb()}"}


@pytest.mark.parametrize("layer", ["omp", "tbb", "workqueue"])
def test_with_layer(layer, cache):
    """tests/threads_program.py tells what it does."""
    environment = {**ENVIRONMENT, "NUMBA_THREADING_LAYER": layer, "NUMBA_CACHE_DIR": cache}
    there = "import numba\ntry: numba.get_num_threads()\nexcept ValueError: print('no')"
    if python("-c", there, **environment):
        pytest.skip(f"Numba has no {layer} here")
    assert python(TESTS / "threads_program.py", **environment).split()[-2:] == ["done", layer]  # TBB warns of forks


STATS = """
import numpy as np, pyacts
pyacts.set_num_threads(2)
stats = pyacts._threads.threads.driver.stats
print(stats.cache_path is not None, *(sum(c.values()) for c in (stats.cache_hits, stats.cache_misses)))
x = np.ones(2**20, np.float32)
assert (pyacts.gelu(x) == pyacts.gelu(x[:1])).all()
"""


def test_second_process_compiles_nothing(cache, tmp_path):
    environment = {**ENVIRONMENT, "NUMBA_CACHE_DIR": str(tmp_path)}
    assert python("-c", STATS, **environment).split() == ["True", "0", "1"]
    assert any(tmp_path.rglob("*.nbc"))
    assert python("-c", STATS, **environment).split() == ["True", "1", "0"]


def test_no_folder_for_the_cache(cache):
    """As where the package, the user's folder and NUMBA_CACHE_DIR are read-only."""
    program = "import tempfile\ndef refuse(*a, **k): raise PermissionError\ntempfile.TemporaryFile = refuse\n"
    assert python("-c", program + STATS, **ENVIRONMENT).split() == ["False", "0", "1"]
