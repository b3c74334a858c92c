"""The house: imports go one way, no circle is dodged, and its drawing is true."""

from __future__ import annotations

import ast
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "wordtrace"
sys.path.insert(0, str(ROOT / "docs"))
import rooms  # noqa: E402


def test_no_modules_import_each_other_in_a_circle_wherever_the_import_stands() -> None:
    graph = grimp.build_graph("wordtrace", exclude_type_checking_imports=True)
    # The front, wordtrace itself, hands names on when they are asked for: it imports nothing.
    imports = {
        module: graph.find_modules_directly_imported_by(module)
        for module in graph.modules - {"wordtrace"}
    }
    assert sum(map(len, imports.values())) > 500
    try:
        tuple(TopologicalSorter(imports).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_only_the_command_line_imports_inside_functions() -> None:
    """There it keeps ``wordtrace --help`` quick; elsewhere it would hide a circle."""
    inside = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in SOURCE.rglob("*.py")
        if path.parent.name != "cli" and path.name not in ("__init__.py", "__main__.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wordtrace")
    ]
    assert inside == []


def test_the_drawing_shows_the_imports_of_today() -> None:
    """`make rooms` draws it anew."""
    drawn = re.findall(r"<title>(\w+) → (\w+): \d+</title>", rooms.PICTURE.read_text("utf-8"))
    assert len(drawn) > 50
    assert set(drawn) == set(rooms.arrows())
    assert 'class="up"' not in rooms.PICTURE.read_text("utf-8")
