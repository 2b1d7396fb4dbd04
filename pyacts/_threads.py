"""How many threads work on large arrays."""

import operator
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import SupportsIndex

from pyacts._array import threads

LOCK = threading.Lock()
forked = False


def after_fork() -> None:
    """In the child of a fork there is but one thread, and GNU's OpenMP would end a process that asked for more."""
    global forked
    forked, threads.driver = True, None


os.register_at_fork(after_in_child=after_fork)


def available(n: SupportsIndex) -> int:
    """As many of n threads as there are; they are started if n is more than one."""
    n = operator.index(n)
    if n < 1:
        raise ValueError(f"n must be at least 1, the number of threads, got {n}")
    if n == 1 or forked:
        return 1
    with LOCK:
        try:
            from pyacts import _driver
        except ImportError as error:
            raise ImportError(
                f"more than one thread needs Numba, which could not be imported ({error}): pip install pyacts[parallel]"
            ) from error
        size = _driver.pool_size()
        if size > 1 and threads.driver is None:
            threads.driver = _driver.compiled()
    return min(n, size)


def set_num_threads(n: SupportsIndex) -> None:
    """Set how many threads work on a large array, in the whole process. It is 1 until this is called.

    Each thread works on a part of the array with the same kernel, so the results have the same bits. The threads are
    those of Numba, which is imported by the first call with n > 1; that takes a second or two, the first time ever.

    Parameters
    ----------
    n : int
        At most so many. There are no more than Numba has, ``numba.config.NUMBA_NUM_THREADS``: as many as there are
        cores, if nothing else is set. There is one in a process that was forked from one that had imported pyacts, and
        if Numba has no other threading layer than workqueue, which can't be used by two threads at once.

    Raises
    ------
    ImportError
        If n > 1 and Numba can't be imported.
    ValueError
        If n < 1.

    See Also
    --------
    num_threads : the same for a block of code
    pyacts.parallel : the functions on all cores

    Examples
    --------
    >>> import pyacts
    >>> pyacts.set_num_threads(1)
    >>> pyacts.get_num_threads()
    1
    """
    threads.everywhere = available(n)


def get_num_threads() -> int:
    """How many threads work on a large array that is given to pyacts here.

    Returns
    -------
    int
        What ``set_num_threads`` or ``num_threads`` has set, but not more than there are.

    Examples
    --------
    >>> import pyacts
    >>> with pyacts.num_threads(1):
    ...     pyacts.get_num_threads()
    1
    """
    here = threads.here.get()
    return 1 if forked else threads.everywhere if here is None else here


@contextmanager
def num_threads(n: SupportsIndex) -> Iterator[None]:
    """Set how many threads work on a large array within a ``with`` block.

    It holds for the thread that runs the block, or the asyncio task, and takes precedence over ``set_num_threads``.

    Parameters
    ----------
    n : int
        As for ``set_num_threads``.

    Examples
    --------
    >>> import numpy as np
    >>> import pyacts
    >>> x = np.ones(1_000_000, np.float32)
    >>> with pyacts.num_threads(1):
    ...     y = pyacts.gelu(x)
    """
    token = threads.here.set(available(n))
    try:
        yield
    finally:
        threads.here.reset(token)
