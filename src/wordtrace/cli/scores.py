"""``wordtrace scores``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.executors import Searching
from wordtrace.cli.measure_options import MeasureOptions, SpanOf, part_of
from wordtrace.cli.output import say
from wordtrace.cli.places import EitherFolder
from wordtrace.cli.queries import QueryFile


def scores(
    run: EitherFolder,
    queries: Annotated[Path, typer.Option(help="A file of texts, as for trace.")],
    out: Annotated[
        Path,
        typer.Option(
            help="A table (.parquet, .csv: a row an example, a column a query) or an array (.npy)."
        ),
    ],
    columns: QueryFile,
    options: MeasureOptions,
    search: Searching,
    measure: Annotated[
        str | None,
        typer.Option(help="A measure; tracin-we-idf by default."),
    ] = None,
    label: Annotated[str | None, typer.Option(help="The label to explain.")] = None,
    span: SpanOf = None,
) -> None:
    """Write the influence of every training example on every query, by any measure.

    An index answers, for its own examples, the measures that it holds.
    """
    from wordtrace import api
    from wordtrace.api.matrix import ScoreMatrix, open_either

    ScoreMatrix.check_place(out)
    options.refuse_idle(measure)
    settings = {**options.library(), **search.library()}
    opened = open_either(run)
    with ExitStack() as after:
        if isinstance(opened, api.Index):
            after.enter_context(opened)
        asked = columns.read(opened if isinstance(opened, api.Run) else opened.run, queries, label)
        found = api.scores(opened, asked, measure, label=label, span=part_of(span), **settings)
    found.save(out)
    rows, examples = found.values.shape
    say(f"Wrote {out}: {rows:,} queries × {examples:,} examples, {found.measure}")
