"""What test_threads.py runs in a process of its own, with the Numba layer that the environment asks for.

The bits are those of one thread, also of calls from several threads at once. Children that are forked, before there are
threads, after, and while they are at work, have one. Those that are spawned have threads of their own. Settings stay.
"""

import concurrent.futures
import ctypes
import multiprocessing
import os
import sys
import threading
import warnings
import zlib

import numpy as np

import pyacts

LAYER = os.environ["NUMBA_THREADING_LAYER"]
THREADS = 1 if LAYER == "workqueue" else int(os.environ["NUMBA_NUM_THREADS"])
FE_UPWARD, FE_TONEAREST = 0x800, 0  # x86-64


def checksum(seed=0):
    """Of one result of each kind, of arrays that are large enough to be divided."""
    x = np.random.default_rng(seed).normal(size=(512, 1200)).astype(np.float32)
    made = (
        pyacts.gelu(x),
        pyacts.relu_(x.copy()),
        pyacts.elu_backward(x, x),
        pyacts.softmax(x),
        pyacts.softmax(x, axis=0),
        *pyacts.swiglu_backward(x, x, x),
        pyacts.prelu(x, x[0]),
        pyacts.mish(x[:, ::2]),
        pyacts.softplus(x.astype(np.float16)),
        pyacts.sigmoid_cross_entropy(x, np.abs(x), reduction="none"),
    )
    return [zlib.crc32(array.tobytes()) for array in made]


EXPECTED = checksum()


def check(threads):
    """Raise unless there are so many threads and they make the expected bits; whether the driver was called."""
    assert pyacts.get_num_threads() == threads, (pyacts.get_num_threads(), threads)
    assert checksum() == EXPECTED
    return True


def in_child(_):
    """In a forked process: one thread, whatever is asked for."""
    check(1)
    pyacts.set_num_threads(2)
    with pyacts.num_threads(2):
        check(1)
    x = np.ones(2**20, np.float32)
    assert pyacts.parallel.gelu_(x) is x
    return check(1)


def forked():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks with threads, as these are
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert all(pool.map(in_child, range(4), chunksize=1))
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = 0 if in_child(None) else 1
            finally:
                os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0


def in_spawned(_):
    assert pyacts.get_num_threads() == 1
    pyacts.set_num_threads(2)
    return check(min(THREADS, 2))


def at_once():
    """Calls from several threads, each of which has its own number of threads."""

    def work(seed):
        with pyacts.num_threads(1 + seed % 3):
            return checksum(seed)

    seeds = [*range(4)] * 3
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        several = list(pool.map(work, seeds))
    one = {seed: checksum(seed) for seed in range(4)}
    assert several == [one[seed] for seed in seeds]


def settings():
    import numba

    own = threading.Thread(target=check, args=(THREADS,))
    own.start()
    own.join()
    numba.set_num_threads(2)
    check(THREADS)
    assert numba.get_num_threads() == 2
    numba.set_num_threads(3)
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        rounding_is_the_callers()


def rounding_is_the_callers():
    libm = ctypes.CDLL("libm.so.6")
    x = np.random.default_rng(1).normal(size=2**20).astype(np.float32)
    nearest = pyacts.gelu(x)
    libm.fesetround(FE_UPWARD)
    try:
        several = pyacts.gelu(x)
        pyacts.set_num_threads(1)
        one = pyacts.gelu(x)
    finally:
        libm.fesetround(FE_TONEAREST)
    assert (several == one).all()
    assert (several != nearest).any()
    pyacts.set_num_threads(THREADS)
    assert (pyacts.gelu(x) == nearest).all()


def forked_while_at_work():
    stop = threading.Event()

    def keep_busy():
        while not stop.is_set():
            checksum()

    busy = threading.Thread(target=keep_busy)
    busy.start()
    try:
        forked()
    finally:
        stop.set()
        busy.join()


def spawned():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert all(pool.map(in_spawned, range(1)))


if __name__ == "__main__":
    forked()
    pyacts.set_num_threads(100)
    check(THREADS)
    forked()
    forked_while_at_work()
    at_once()
    settings()
    spawned()
    check(THREADS)

    import numba

    print("done", numba.threading_layer())
