"""The C library through cffi, from the header that C programs include."""

import re
from pathlib import Path

from cffi import FFI

from pyacts._paths import get_include, get_library


def declarations(header: str) -> str:
    """The types and prototypes of pyacts.h, without what is for the C preprocessor."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    return "\n".join(
        re.findall(r"^typedef [^;{]*;|^typedef struct [^}]*\} *\w+;", text, flags=re.MULTILINE)
        + re.findall(r"^PYACTS_API ([^;]+;)", text, flags=re.MULTILINE)
    )


ffi = FFI()
ffi.cdef(declarations((Path(get_include()) / "pyacts.h").read_text(encoding="utf-8")))
lib = ffi.dlopen(get_library())
