"""``wordtrace verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from wordtrace.cli.executors import RetrainingOptions
from wordtrace.cli.output import Json, Out, check_out, emit
from wordtrace.cli.places import MovedRun, TraceFiles
from wordtrace.cli.retraining import HowTrained
from wordtrace.errors import InputError


def verify(
    traces: TraceFiles,
    how: HowTrained,
    where: RetrainingOptions,
    remove: Annotated[str, typer.Option(help="opponents or proponents.")] = "opponents",
    k: Annotated[int, typer.Option("--k", help="Rows removed for each query.")] = 50,
    repeats: Annotated[
        int | None,
        typer.Option(
            help="Seeds, 5; each is retrained with and without, and for two controls. With "
            "--sequential the most seeds, 12.",
            show_default=False,
        ),
    ] = None,
    sequential: Annotated[
        bool,
        typer.Option(
            "--sequential", help="Look after each seed from the third on; stop at an answer."
        ),
    ] = False,
    smallest: Annotated[
        float | None,
        typer.Option(help="The smallest change that matters; say where it is shown to be smaller."),
    ] = None,
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
    if query is not None and len(traces) > 1:
        raise InputError("--query is of one trace; give one file with it.")
    found = [api.read_trace(one, query) for one in traces]
    with how.consent(as_json):
        result = api.verify(
            found,
            remove=remove,
            k=k,
            repeats=repeats,
            sequential=sequential,
            smallest=smallest,
            run=opened,
            **executor,
        )
    emit(result, as_json, out)
