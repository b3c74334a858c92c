"""The documentation's build: Sphinx, MyST and Furo; nothing is fetched from a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import wordtrace

project = "wordtrace"
author = "The wordtrace authors"
copyright = author
version = release = wordtrace.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
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


def setup(app: Any) -> None:
    """Connect the hook to the build."""
    app.connect("builder-inited", write_help)
