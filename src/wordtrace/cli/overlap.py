"""``wordtrace overlap``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.measure_options import MeasureOptions
from wordtrace.cli.output import Json, Out, check_out, emit
from wordtrace.cli.places import RunFolder
from wordtrace.cli.queries import QueryFile


def overlap(
    run: RunFolder,
    queries: Annotated[Path, typer.Option(help="A file of texts, as for trace.")],
    columns: QueryFile,
    options: MeasureOptions,
    measures: Annotated[
        str, typer.Option(help="Names with commas between.")
    ] = "tracin-we-idf,tracin-last",
    top: Annotated[int, typer.Option(help="How many examples a query's list holds.")] = 100,
    listed: Annotated[int, typer.Option(help="How many recurrent examples to name.")] = 10,
    label: Annotated[str | None, typer.Option(help="The label to explain.")] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Tell whether measures list other examples for each query, or the same few for all."""
    from wordtrace.analysis.overlap import overlap as compare
    from wordtrace.run.run import Run

    check_out(out)
    names = split_names(measures)
    options.refuse_idle(*names)
    settings = options.library()
    opened = Run.open(run)
    asked = columns.read(opened, queries, label)
    found = compare(opened, asked, names, top, label=label, listed=listed, **settings)
    emit(found, as_json, out)


def split_names(text: str) -> list[str]:
    """Cut a list of measures at its commas.

    A part that is no measure's name goes on naming the layers of the one before:
    ``tracin:LAYER,LAYER,tracin-last`` is two measures.
    """
    from wordtrace.measures.names import MEASURES

    names: list[str] = []
    for part in (part.strip() for part in text.split(",")):
        if names and ":" in names[-1] and ":" not in part and part not in MEASURES:
            names[-1] += f",{part}"
        elif part:
            names.append(part)
    return names
