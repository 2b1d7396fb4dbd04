"""``python -m pyacts``: what a compiler needs to use the C library, and what is in it."""

import argparse
import sys

import pyacts


def checked(path: str) -> str:
    """The path, if a shell takes it as one word when it is substituted unquoted."""
    if any(c.isspace() for c in path):
        sys.exit(
            f"pyacts: error: the path {path!r} has white space in it, which $(python -m pyacts ...) would break: "
            "install pyacts elsewhere, or use pyacts.get_include() and pyacts.get_library() with quotes"
        )
    return path


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m pyacts", description="cc program.c $(python -m pyacts --cflags --libs) -o program"
    )
    parser.add_argument("--cflags", action="store_true", help="print the compiler's options")
    parser.add_argument("--libs", action="store_true", help="print the linker's options")
    parser.add_argument("--pkgconfigdir", action="store_true", help="print the folder of pyacts.pc")
    parser.add_argument("--cmakedir", action="store_true", help="print the folder of pyacts-config.cmake")
    parser.add_argument("--list", action="store_true", help="list the activations")
    parser.add_argument("--version", action="store_true", help="print the version and the instruction set in use")
    chosen = parser.parse_args(arguments)
    words = []
    if chosen.cflags:
        words.append(f"-I{checked(pyacts.get_include())}")
    if chosen.libs:
        library = checked(pyacts.get_library())
        words += [library, f"-Wl,-rpath,{library.rpartition('/')[0]}"]
    if chosen.pkgconfigdir:
        words.append(checked(pyacts.get_pkgconfig_dir()))
    if chosen.cmakedir:
        words.append(checked(pyacts.get_cmake_dir()))
    if words:
        print(*words)
    if chosen.list:
        width = max(len(activation.name) for activation in pyacts.catalog.ACTIVATIONS)
        for activation in pyacts.catalog.ACTIVATIONS:
            print(f"{activation.name:{width}} {activation.formula}")
    if chosen.version:
        print(f"pyacts {pyacts.__version__} ({pyacts.isa()})")
    if not any(vars(chosen).values()):
        parser.print_help()


if __name__ == "__main__":
    main()
