"""The output of results from one document: JSON for programs, tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write the result here: JSON, or a page where it ends in .html."),
]
Whole = Annotated[
    bool | None,
    typer.Option(
        "--words/--tokens",
        help="Sum by whole word, or by token. Without either: words in the terminal and on a page, "
        "tokens in JSON.",
        show_default=False,
    ),
]


def by_word(whole: bool | None, as_json: bool, out: Path | None) -> bool:
    """Return the user's choice; by default words for people, and tokens for programs."""
    if whole is not None:
        return whole
    return not as_json and (out is None or out.suffix == ".html")


def say(message: str) -> None:
    """Tell the user something on standard error."""
    from wordtrace.report.text import clean

    sys.stderr.write(clean(message) + "\n")


def emit(document: Mapping[str, Any], as_json: bool, out: Path | None = None) -> None:
    """Write a result to `out`, or print it, as JSON or in a form for people.

    Raises
    ------
    InputError
        When `out` ends in anything but .json or .html.
    """
    if out is not None:
        write(document, out)
        say(f"Wrote {out}")
    if as_json:
        json.dump(document, sys.stdout, ensure_ascii=False, allow_nan=False, indent=1)
        sys.stdout.write("\n")
    elif out is None:
        from rich.console import Console

        from wordtrace.report.terminal import render_terminal

        render_terminal(document, Console())


def write(document: Mapping[str, Any], out: Path) -> None:
    """Write a document as JSON or as a page, by the file's ending."""
    from wordtrace.disk import atomic

    check_out(out)
    if out.suffix == ".html":
        from wordtrace.report.page import render_html

        atomic.write_text(out, render_html([document]))
    else:
        atomic.write_json(out, document)


def check_out(out: Path | None) -> None:
    """Refuse a place that can't be written, before the work starts (InputError)."""
    from wordtrace.errors import InputError

    if out is None:
        return
    if out.suffix not in (".json", ".html"):
        raise InputError(f"--out {out} should end in .json or .html.")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: the folder {out.parent} does not exist.")
