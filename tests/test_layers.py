"""The engine stands in layers: a file imports only from layers below it or its own, and never from calibration."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"kernels": 2, "lifecourse": 5}
FILES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted((ROOT / "sim").rglob("*.py"))}


def layer(file: str) -> int:
    """Return the layer of a folder, or the one that a file's docstring names."""
    folder = Path(file).parts[1]
    if folder in FOLDERS or folder == "__init__.py":
        return FOLDERS.get(folder, 0)
    stated = re.search(r"\bLayer (\d)\b", ast.get_docstring(ast.parse(FILES[file])) or "")
    assert stated, f"the docstring of {file} does not say its layer"
    return int(stated[1])


def imported(file: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(FILES[file])))
    names = {f"{node.module}.{one.name}" for node in nodes if isinstance(node, ast.ImportFrom) for one in node.names}
    return names | {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_from_layers_below_it_or_its_own(file):
    for name in imported(file):
        assert name.split(".")[0] != "calibration"
        parts = name.split(".")
        places = ["/".join(parts[:n]) + end for n in range(len(parts), 0, -1) for end in (".py", "/__init__.py")]
        found = next((place for place in places if place in FILES), None)
        assert found is None or layer(found) <= layer(file), f"{file} imports {name}"


def test_only_the_command_line_names_calibration_and_nothing_uses_fast_mathematics():
    assert {file for file, text in FILES.items() if '"calibration' in text} <= {"sim/cli.py"}
    assert not [file for file, text in FILES.items() if re.search(r"fastmath\s*=\s*(?!False)", text)]
