"""The documentation's build: Sphinx, MyST and Furo; nothing is fetched from a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import wordtrace
from wordtrace.api import asking, changes, mending

# The methods of Index that stand in these files know its name only while types are checked;
# with it, autodoc reads their signatures' types.
for methods in (asking, changes, mending):
    vars(methods)["Index"] = wordtrace.Index

project = "wordtrace"
author = "The wordtrace authors"
copyright = author
version = release = wordtrace.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "reproduction/results", "reliability/results"]
html_theme = "furo"
html_title = f"wordtrace {release}"
html_copy_source = False

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_use_rtype = False
python_display_short_literal_types = True
python_maximum_signature_line_length = 88
add_module_names = False


def write_help(app: Any) -> None:
    """Write what ``wordtrace VERB --help`` says, for the command line's reference to include."""
    from wordtrace.cli.main import app as command

    folder = Path(app.srcdir) / "_build" / "cli"
    folder.mkdir(parents=True, exist_ok=True)
    page = (Path(app.srcdir) / "reference" / "cli.md").read_text(encoding="utf-8")
    environment = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    for name in ["", *(verb.name or "" for verb in command.registered_commands)]:
        arguments = [name, "--help"] if name else ["--help"]
        said = subprocess.run(
            [sys.executable, "-m", "wordtrace", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        file = folder / f"{name or 'wordtrace'}.txt"
        if f"/cli/{file.name}" not in page:
            raise RuntimeError(f"reference/cli.md lacks the verb {name!r}: include {file.name}.")
        if not file.exists() or file.read_text(encoding="utf-8") != said:
            file.write_text(said, encoding="utf-8")


def _proofs(folder: Path) -> dict[str, tuple[str, str]]:
    """Return the test that shows each measure right, marked by ``pytest.mark.proves(MEASURE)``."""
    found = {}
    for path in sorted(folder.glob("test_*.py")):
        marked = re.findall(
            r"^@pytest\.mark\.proves\(([^)]*)\)\n.*?^def (test_\w+)",
            path.read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
        for names, test in marked:
            found |= dict.fromkeys(re.findall(r'"([^"]+)"', names), (path.name, test))
    return found


def write_measures(app: Any) -> None:
    """Write the table of measures as the code describes them, each with the test that proves it."""
    from wordtrace.measures.catalogue import measures

    proofs = _proofs(Path(app.srcdir).parent / "tests" / "measures")
    lines = [
        "| name | equation | needs | cost | by word | shown right by |",
        "|---|---|---|---|---|---|",
    ]
    for one in measures()["measures"]:
        if one["name"].endswith("+bias"):
            continue
        if one["name"] not in proofs:
            raise RuntimeError(f"no test is marked as the proof of the measure {one['name']!r}.")
        file, test = proofs[one["name"]]
        by_word = "yes" if one["by_word"] else "no"
        cells = [f"`{one['name']}`", one["equation"], one["needs"], one["cost"], by_word]
        lines.append(f"| {' | '.join(cells)} | `{file}`: `{test}` |")
    target = Path(app.srcdir) / "_build" / "measures.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    """Connect the hooks to the build."""
    app.connect("builder-inited", write_help)
    app.connect("builder-inited", write_measures)
