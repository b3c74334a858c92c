"""``wordtrace verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.executors import RetrainingOptions
from wordtrace.cli.output import Json, Out, check_out, emit
from wordtrace.cli.places import MovedRun
from wordtrace.cli.retraining import HowTrained


def verify(
    trace: Annotated[Path, typer.Argument(help="A trace's JSON file.")],
    how: HowTrained,
    where: RetrainingOptions,
    remove: Annotated[str, typer.Option(help="opponents or proponents.")] = "opponents",
    k: Annotated[int, typer.Option("--k", help="Rows removed for each query.")] = 50,
    repeats: Annotated[
        int, typer.Option(help="Seeds; each is retrained with and without, and for two controls.")
    ] = 5,
    query: Annotated[
        int | None, typer.Option(help="Only this query of the trace, from 0; all by default.")
    ] = None,
    run: MovedRun = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Retrain with and without a trace's rows, beside as many random ones; say what happened."""
    from wordtrace import api

    check_out(out)
    executor = {**how.library(), **where.library()}
    opened = None if run is None else api.Run.open(run)
    found = api.read_trace(trace, query)
    result = api.verify(found, remove=remove, k=k, repeats=repeats, run=opened, **executor)
    emit(result, as_json, out)
