"""``wordtrace report``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from wordtrace.cli.effect import excludes
from wordtrace.cli.output import say


def report(
    files: Annotated[list[Path], typer.Argument(help="JSON files that commands wrote by --out.")],
    out: Annotated[
        Path,
        typer.Option(
            help="The page, .html; the same for a pull request, .md; or a study's table, .tex."
        ),
    ] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="The page's title.")] = None,
) -> None:
    """Make one self-contained page of results, Markdown, or a study's table for a paper.

    Of one study (wordtrace evaluate) alone, .md is its table, too.
    """
    from wordtrace.disk import atomic
    from wordtrace.errors import InputError
    from wordtrace.report.markdown import render_markdown
    from wordtrace.report.page import render_html
    from wordtrace.report.paper import ENDINGS, render_table
    from wordtrace.report.sections import check_document

    if out.suffix not in (".html", *ENDINGS):
        raise InputError(f"--out {out} should end in .html, {' or '.join(ENDINGS)}.")
    if out.suffix == ".tex" and len(files) > 1:
        raise InputError(f"--out {out} is the table of one study; give one file.")
    for path in files:
        if not path.is_file():
            raise InputError(f"{path} does not exist.")
    documents = [atomic.read_json(path) for path in files]
    for path, document in zip(files, documents, strict=True):
        try:
            check_document(document)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    study = len(documents) == 1 and documents[0]["format"] == "wordtrace-evaluation"
    if out.suffix == ".tex" or (out.suffix == ".md" and study):
        excludes("a table of one study", True, "title")
        atomic.write_text(out, render_table(documents[0], out.suffix))
    elif out.suffix == ".md":
        atomic.write_text(out, render_markdown(documents, title, _runs(documents)))
    else:
        atomic.write_text(out, render_html(documents, title, _runs(documents)))
    say(f"Wrote {out}")


def _runs(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Describe the runs that results are of, where their folders still are, to name the models."""
    from wordtrace.errors import WordtraceError
    from wordtrace.run.describe import describe_run
    from wordtrace.run.run import Run

    found = []
    for path in dict.fromkeys(str(one["run"]) for one in documents if one.get("run")):
        # A page can be made where the run has never been.
        with suppress(WordtraceError, OSError, ValueError):
            found.append(describe_run(Run.open(path)) | {"name": path})
    return found
