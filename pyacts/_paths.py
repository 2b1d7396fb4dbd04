"""Where the C library, its header and its build files are."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def get_include() -> str:
    """The folder of ``pyacts.h``.

    Examples
    --------
    >>> import os, pyacts
    >>> os.path.exists(os.path.join(pyacts.get_include(), "pyacts.h"))
    True
    """
    return str(PACKAGE / "include")


def get_library() -> str:
    """The full path of the C library, ``libpyacts``.

    Examples
    --------
    >>> import os, pyacts
    >>> os.path.exists(pyacts.get_library())
    True
    """
    return str(PACKAGE / "lib" / ("libpyacts.0.dylib" if sys.platform == "darwin" else "libpyacts.so.0"))


def get_pkgconfig_dir() -> str:
    """The folder of ``pyacts.pc``, for PKG_CONFIG_PATH.

    Examples
    --------
    >>> import os, pyacts
    >>> os.listdir(pyacts.get_pkgconfig_dir())
    ['pyacts.pc']
    """
    return str(PACKAGE / "lib" / "pkgconfig")


def get_cmake_dir() -> str:
    """The folder of ``pyacts-config.cmake``, for CMAKE_PREFIX_PATH.

    Examples
    --------
    >>> import os, pyacts
    >>> sorted(os.listdir(pyacts.get_cmake_dir()))
    ['pyacts-config-version.cmake', 'pyacts-config.cmake']
    """
    return str(PACKAGE / "lib" / "cmake" / "pyacts")


def load_for_numba():
    """Load the C library for what Numba has compiled and cached, which refers to it by the names of its functions.

    Numba calls this when it starts (an entry point), so that such code also runs in a process that does not import
    pyacts.numba.
    """
    import llvmlite.binding

    llvmlite.binding.load_library_permanently(get_library())
