"""``wordtrace verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.output import (
    Address,
    Cpus,
    Json,
    Memory,
    ModelsAtOnce,
    Out,
    RetrainExecutor,
    check_out,
    emit,
    executor_of,
)


def verify(
    trace: Annotated[Path, typer.Argument(help="A trace's JSON file.")],
    remove: Annotated[str, typer.Option(help="opponents or proponents.")] = "opponents",
    k: Annotated[int, typer.Option("--k", help="Rows removed for each query.")] = 50,
    repeats: Annotated[
        int, typer.Option(help="Seeds; each is retrained with and without, and for two controls.")
    ] = 5,
    query: Annotated[
        int | None, typer.Option(help="Only this query of the trace, from 0; all by default.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="The run's folder, if it has moved.")] = None,
    workers: ModelsAtOnce = None,
    executor: RetrainExecutor = "processes",
    address: Address = None,
    cpus_a_task: Cpus = None,
    memory_a_task: Memory = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Retrain with and without a trace's rows, beside as many random ones; say what happened."""
    from wordtrace import api

    check_out(out)
    runs, at = executor_of(executor, address, workers, cpus_a_task, memory_a_task, tolerant=True)
    opened = None if run is None else api.Run.open(run)
    found = api.read_trace(trace, query)
    result = api.verify(
        found,
        remove=remove,
        k=k,
        repeats=repeats,
        workers=workers,
        executor=runs,
        address=at,
        run=opened,
    )
    emit(result.document(), as_json, out)
