"""CONTRIBUTING.md's three edits, made in a copy of the project: they must be all that a new activation takes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = [
    "bench",
    "codegen",
    "docs",
    "include",
    "kernels",
    "packaging",
    "pyacts",
    "tests",
    "README.md",
    "pyproject.toml",
    "setup.py",
]
BUILT = shutil.ignore_patterns("*.so", "*.so.*", "*.dylib", "lib", "__pycache__", "results")


def insert(path, anchor, block):
    """Put a block before the first line that is `)` or `}` after the anchor."""
    text = path.read_text()
    at = re.compile(r"^[)}]$", re.MULTILINE).search(text, text.index(anchor)).start()
    path.write_text(text[:at] + block + text[at:])


def test_three_edits_add_an_activation(tmp_path):
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=BUILT)
        else:
            shutil.copy(source, tmp_path / name)
    row, functions, oracle = re.findall(
        r"^```(?:python|cython)\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S
    )
    insert(tmp_path / "pyacts" / "catalog.py", "ACTIVATIONS: tuple", row)
    with (tmp_path / "kernels" / "rectifiers.pxd").open("a") as file:
        file.write("\n\n" + functions)
    insert(tmp_path / "tests" / "oracle.py", "ORACLES = {", oracle)

    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYACTS_LEVELS": "baseline"}  # one is quicker built
    for command in (
        ["-m", "codegen"],
        ["setup.py", "build_ext", "--inplace"],
        ["-m", "codegen"],  # again, for the picture, which is drawn with what was built
        [
            "-m",
            "pytest",
            "-q",
            "-k",
            "hinge",
            "tests/test_values.py",
            "tests/test_edges.py",
            "tests/test_array_face.py",
        ],
        ["-m", "pytest", "-q", "tests/test_faces.py", "-k", "not packaging"],
        ["-c", "import bench.speed as speed; assert any(case.name == 'hinge' for case in speed.cases())"],
    ):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
