"""The output of results from one document: JSON for programs, tables for people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from unicodedata import category

import typer

if TYPE_CHECKING:
    from wordtrace.results.result import Result

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Write the result here, as its ending says: .json, .html (a page), .md, or a table, "
        ".parquet or .csv.",
    ),
]
Whole = Annotated[
    bool | None,
    typer.Option(
        "--words/--tokens",
        help="Sum by whole word, or by token. Without either: words in the terminal and on a page, "
        "tokens in JSON and in tables.",
        show_default=False,
    ),
]


def by_word(whole: bool | None, as_json: bool, out: Path | None) -> bool:
    """Return the user's choice; by default words for people, and tokens for programs."""
    if whole is not None:
        return whole
    return not as_json and (out is None or out.suffix.lower() in (".html", ".md"))


def say(message: str) -> None:
    """Tell the user something on standard error."""
    from wordtrace.report.text import clean

    sys.stderr.write(clean(message) + "\n")


def emit(result: Result, as_json: bool, out: Path | None = None) -> None:
    """Write a result to `out`, or print it: as JSON, else for people.

    Raises
    ------
    InputError
        When `out` ends in none of the endings that :meth:`.Result.save` takes.
    """
    if out is not None:
        result.save(out)
        say(f"Wrote {out}")
    if as_json or out is None:
        show(result.document(), as_json)


def show(document: Mapping[str, Any], as_json: bool) -> None:
    """Print a document: as JSON, else for people."""
    if as_json:
        print_json(document)
    else:
        from rich.console import Console

        from wordtrace.report.terminal import render_terminal

        render_terminal(document, Console())


def print_json(document: Any) -> None:
    """Print one JSON document, readable, and fit for a terminal.

    Also a control character that JSON would let stand is written by its number: what reads the
    document gets it, and a terminal that shows it is not steered.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    sys.stdout.write(_UNUSUAL.sub(_escaped, text) + "\n")


# Letters of the larger scripts are not looked at one by one.
_UNUSUAL = re.compile(r"[^ -~\n\u00a1-\u00ac\u00ae-\u02ff\u3041-\ud7ff]")


def _escaped(found: re.Match[str]) -> str:
    shown = found.group()
    return json.dumps(shown)[1:-1] if category(shown) in ("Cc", "Cf", "Cs", "Zl", "Zp") else shown


def check_out(out: Path | None) -> None:
    """Refuse a place that can't be written, before the work starts (InputError)."""
    if out is not None:
        from wordtrace.errors import InputError
        from wordtrace.results.result import Result

        try:
            Result.check_place(out)
        except InputError as error:
            raise InputError(f"--out {error}") from None
