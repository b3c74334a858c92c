"""``wordtrace mislabels``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.output import Json, Out, check_out, emit


def mislabels(
    index: Annotated[Path, typer.Argument(help="An index's folder.")],
    by: Annotated[str, typer.Option(help="self-influence or loss.")] = "self-influence",
    top: Annotated[int, typer.Option(help="How many rows to list.")] = 20,
    run: Annotated[Path | None, typer.Option(help="The run's folder, if it has moved.")] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List the training rows most likely mislabelled."""
    from wordtrace import api

    check_out(out)
    opened = api.Index.open(index, run)
    emit(opened.mislabels(by=by, top=top).document(), as_json, out)
