"""What Numba compiles of the mathematics: pyacts/numba/_mathematics.py, from kernels/*.pxd, and the stub of scalar.

The kernels are written in very little Cython, which without its declarations is Python: the same expressions in the
same order, comments and all. A number gets its type, as a literal does in C. A struct becomes a named tuple, and one
that is filled member by member a variable per member.
"""

import re
import textwrap
import tokenize
from io import StringIO

from codegen import ACTIVATIONS, ROOT
from codegen.kernels import is_elementwise, suffix

# The functions that the activations are made of, and the activations.
MODULES = ["vmath", *dict.fromkeys(a.module for a in ACTIVATIONS if is_elementwise(a))]

HEAD = '''\
"""The functions of an element, as Numba compiles them. Generated from kernels/*.pxd by `python -m codegen`.

The mathematics, with its comments, is that of the kernels; the operations it is made of are those of _real.py.
"""

from collections import namedtuple

from pyacts.numba._real import inlined, operations


def functions(real):
    """All of them for one number type, np.float32 or np.float64, by name."""
    of = operations(real)
'''

CIMPORT = re.compile(r"from ([\w.]+) cimport (\([^)]*\)|.*)\n")
STRUCT = re.compile(r"cdef struct (\w+):.*\n((?: +real \w+.*\n)+)\n*")
FUNCTION = re.compile(r"cdef inline (\w+) (\w+)\(([^)]*)\) noexcept nogil:\n((?:(?: +.*)?\n)+)")


def parts(text):
    """What is between the commas that are not in brackets."""
    depth, found = 0, [""]
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found]


def imports(source):
    """(module, name there, name here) of everything that is cimported."""
    for module, names in CIMPORT.findall(source):
        for part in parts(names.strip("()")):
            name, _, alias = part.partition(" as ")
            yield module, name, alias or name


def statements(body):
    """The lines of a function, those of one statement together."""
    found, depth = [], 0
    for line in body.rstrip().split("\n"):
        if depth:
            found[-1] += "\n" + line
        else:
            found.append(line)
        code = line.partition("#")[0]
        depth += code.count("(") - code.count(")")
    return found


def declarations(statement):
    """(indent, type, [(name, value or "")], comment) of a `cdef`; None for another statement."""
    match = re.fullmatch(r"( *)cdef (\w+) ((?:.|\n)*?)( +#.*)?", statement)
    if match is None:
        return None
    indent, kind, names, comment = match.groups()
    return indent, kind, [part.partition(" = ")[::2] for part in parts(names)], comment or ""


def function(result, name, arguments, body, members):
    """A def. `members` are those of the structs, by name. None for a function of doubles: not one of an element."""
    if "double" in result + arguments:
        return ""
    lines = [
        f"@inlined\ndef {name}({', '.join(argument.split()[-1] for argument in arguments.split(',') if argument)}):"
    ]
    filled = {}
    for statement in statements(body):
        declared = declarations(statement)
        if declared:
            indent, kind, names, comment = declared
            assigned = []
            for variable, value in names:
                target = variable
                if kind in members and re.search(rf"\b{variable}\.\w+ \+?= ", body):
                    filled[variable] = kind
                    target = ", ".join(f"{variable}_{member}" for member in members[kind])
                if value:
                    assigned.append(f"{indent}{target} = {value}")
            if not assigned:
                continue
            statement = "\n".join(assigned) + comment
        for variable, kind in filled.items():
            whole = f"{kind}({', '.join(f'{variable}_{member}' for member in members[kind])})"
            statement = re.sub(rf"\b{variable}\.(\w+)", rf"{variable}_\1", statement)
            statement = re.sub(rf"return {variable}\b", f"return {whole}", statement)
        lines.append(statement)
    return "\n".join(lines) + "\n\n"


def rewritten(source, names):
    """The source with numbers of the type `real`, and these names changed."""
    lines = source.splitlines(keepends=True)
    edits, before = [], None
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.NUMBER:
            edits.append((token.start, token.end, f"real({token.string})"))
        elif token.type == tokenize.NAME and token.string in names and before != ".":
            edits.append((token.start, token.end, names[token.string]))
        before = token.string
    for (row, start), (_, end), text in reversed(edits):
        lines[row - 1] = lines[row - 1][:start] + text + lines[row - 1][end:]
    return "".join(lines)


def mathematics():
    """pyacts/numba/_mathematics.py."""
    sources = {module: (ROOT / "kernels" / f"{module}.pxd").read_text(encoding="utf-8") for module in MODULES}
    own = {module: {match[2] for match in FUNCTION.finditer(source)} for module, source in sources.items()}
    # They share one scope: a function that an activation is called like gets the name of its module in front.
    taken = set().union(*(own[module] for module in MODULES[1:]))
    vmath = {name: f"vmath_{name}" for name in own["vmath"] & taken}
    members = {"Pair": ["first", "second"]}
    for source in sources.values():
        members |= {struct: re.findall(r"^ +real (\w+)", body, re.MULTILINE) for struct, body in STRUCT.findall(source)}
    text = ["\n"]
    text += [f'    {struct} = namedtuple("{struct}", "{" ".join(names)}")\n' for struct, names in members.items()]
    for module, source in sources.items():
        names = vmath if module == "vmath" else {}
        names = names | {here: vmath.get(name, name) for at, name, here in imports(source) if at == "vmath"}
        code = source.partition('"""\n')[2]
        code = STRUCT.sub("", CIMPORT.sub("", code))
        code = FUNCTION.sub(lambda match: function(*match.groups(), members), code)
        code = rewritten(re.sub(r"<(real|parameter)>", "", code), names)
        code = re.sub(r"\n{3,}", "\n\n", code.strip())
        text.append(textwrap.indent(f"\n# {'-' * 110}\n# {module}.pxd\n\n{code}\n", "    "))
    text = "".join(text) + "\n    return locals()\n"
    operations = {name for source in sources.values() for at, name, _ in imports(source) if at == "real"} - {"real"}
    used = sorted(name for name in operations if re.search(rf"\b{name}\b", text))
    return HEAD + "".join(f'    {name} = of["{name}"]\n' for name in used) + text


def scalar_stubs():
    """pyacts/numba/scalar.pyi."""
    lines = []
    for activation in filter(is_elementwise, ACTIVATIONS):
        for direction in activation.directions:
            inputs, results = activation.operands(direction)
            arguments = [f"{name}: float" for name in inputs]
            arguments += [f"{p.name}: float" + ("" if p.default is None else " = ...") for p in activation.parameters]
            result = "float" if len(results) == 1 else "tuple[float, float]"
            own, *aliases = (name + suffix(direction) for name in (activation.name, *activation.aliases))
            lines.append(f"def {own}({', '.join(arguments)}) -> {result}: ...")
            lines += [f"{alias} = {own}" for alias in aliases]
    return "# Generated from the catalogue by `python -m codegen`.\n\n__all__: list[str]\n\n" + "\n".join(lines) + "\n"
