"""Rewrite the generated files that are checked in."""

from functools import partial

from codegen import ROOT
from codegen.gallery import PICTURES, gallery, is_built, picture
from codegen.header import header
from codegen.python import exact_stubs, parallel_stubs, stubs
from codegen.scalars import mathematics, scalar_stubs
from codegen.tables import edges, names, readme

CHECKED_IN = {
    "include/pyacts.h": header,
    "pyacts/__init__.pyi": stubs,
    "pyacts/exact.pyi": exact_stubs,
    "pyacts/parallel.pyi": parallel_stubs,
    "pyacts/numba/_mathematics.py": mathematics,
    "pyacts/numba/scalar.pyi": scalar_stubs,
    "README.md": readme,
    "docs/edges.md": edges,
    "docs/names.md": names,
    "docs/gallery.md": gallery,
    **{name: partial(picture, activation) for name, activation in PICTURES.items()},
}

if __name__ == "__main__":
    for name, text in CHECKED_IN.items():
        if name in PICTURES and not is_built(PICTURES[name]):
            print("not drawn before pyacts is built with it:", name)
            continue
        (ROOT / name).write_text(text(), encoding="utf-8")
        print("wrote", name)
