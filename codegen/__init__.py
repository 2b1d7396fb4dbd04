"""What is generated from the catalogue: C header, kernel exports, dispatch, Python functions and stubs.

``python -m codegen`` rewrites what people read and is checked in: ``include/pyacts.h``, the stubs, the mathematics for
Numba, the tables in ``README.md``, ``docs/edges.md`` and ``docs/names.md``, and ``docs/gallery.md`` with its pictures,
which show what the pyacts that is built computes. The others are written at build time and not checked in.
"""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load(path):
    """The module in a file of the package, without importing the package (which may not be built yet)."""
    name = "pyacts_build_" + path.stem.strip("_")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


catalog = load(ROOT / "pyacts" / "catalog.py")
ACTIVATIONS, DTYPES = catalog.ACTIVATIONS, catalog.DTYPES
VERSION = load(ROOT / "pyacts" / "_version.py").__version__
