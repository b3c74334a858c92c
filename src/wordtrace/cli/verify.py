"""``wordtrace verify``."""

from __future__ import annotations

from pathlib import Path
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
    remove: Annotated[
        str | None,
        typer.Option(help="opponents (the default) or proponents.", show_default=False),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "--k", help="Rows removed for each query, or for all together, 50.", show_default=False
        ),
    ] = None,
    patch: Annotated[
        Path | None,
        typer.Option(
            help="A patch, in place of --remove: its rows are removed and relabelled, and the "
            "trace's texts asked about."
        ),
    ] = None,
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="Remove the same rows for all queries: those strongest for their summed loss. All "
            "queries then share their models.",
        ),
    ] = False,
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
    """Retrain without a trace's rows, or with a patch, beside random rows; say what happened."""
    from wordtrace import api

    check_out(out)
    executor = {**how.library(), **where.library()}
    if query is not None and len(traces) > 1:
        raise InputError("--query is of one trace; give one file with it.")
    if query is not None and together:
        raise InputError(
            "--together is about all queries, and --query picks one; give one of them."
        )
    found = [api.read_trace(one, query) for one in traces]
    moved = run is not None or how.device is not None
    opened = api.Run.open(run or found[0].run, how.opened_on) if moved else None
    with how.consent(as_json):
        result = api.verify(
            found,
            remove=remove,
            k=k,
            patch=patch,
            together=together,
            repeats=repeats,
            sequential=sequential,
            smallest=smallest,
            run=opened,
            **executor,
        )
    emit(result, as_json, out)
