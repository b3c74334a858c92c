"""``wordtrace report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.output import say


def report(
    files: Annotated[list[Path], typer.Argument(help="JSON files that commands wrote by --out.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="The page's title.")] = None,
) -> None:
    """Make one self-contained HTML page of results."""
    from wordtrace.disk import atomic
    from wordtrace.errors import InputError
    from wordtrace.report.page import render_html

    if out.suffix != ".html":
        raise InputError(f"--out {out} should end in .html.")
    for path in files:
        if not path.is_file():
            raise InputError(f"{path} does not exist.")
    atomic.write_text(out, render_html([atomic.read_json(path) for path in files], title))
    say(f"Wrote {out}")
