"""``wordtrace index``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.output import (
    Address,
    Cpus,
    Device,
    ExecutorName,
    Json,
    Memory,
    Workers,
    executor_of,
    say,
)


def index(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    out: Annotated[
        Path | None, typer.Option(help="The index's folder; RUN/index by default.")
    ] = None,
    top_k: Annotated[
        str, typer.Option(help="Positions kept in each text, by gradient norm; or 'all'.")
    ] = "10",
    dtype: Annotated[str, typer.Option(help="float16, float32 or int8.")] = "float16",
    project: Annotated[
        int | None,
        typer.Option(help="Bring the gradients to so many dimensions; all by default."),
    ] = None,
    projection: Annotated[
        str, typer.Option(help="How: pca (fitted on a sample) or random.")
    ] = "pca",
    calibrate: Annotated[
        float | None,
        typer.Option(
            help="Choose the smallest --top-k that lists this share of the exact top 20 on a "
            "sample, such as 0.9."
        ),
    ] = None,
    weighting: Annotated[
        str,
        typer.Option(
            help="What a checkpoint weighs: its learning rate; rate-sum since the one before; "
            "adam: the rate, times Adam's own step sizes."
        ),
    ] = "rate",
    precision: Annotated[
        str,
        typer.Option(help="In which gradients are computed: float32, or bfloat16 (faster)."),
    ] = "float32",
    shard_size: Annotated[int, typer.Option(help="Examples in a file.")] = 32_768,
    workers: Workers = None,
    executor: ExecutorName = "processes",
    address: Address = None,
    cpus_a_task: Cpus = None,
    memory_a_task: Memory = None,
    device: Device = "cpu",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Build nothing: say from a sample what time, memory and disk it takes.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a finished index, at the end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Index the token gradients of RUN's training examples, so that a trace takes milliseconds."""
    from wordtrace import api
    from wordtrace.cli.show import show_calibration, show_estimate, show_index
    from wordtrace.index.describe import describe_index

    runs, at = executor_of(executor, address, workers, cpus_a_task, memory_a_task)
    opened = api.Run.open(run, device)
    place = out or run / "index"
    k = positions(top_k)
    if calibrate is not None:
        measured = api.calibrate(
            opened,
            dtype=dtype,
            project=project,
            projection=projection,
            weighting=weighting,
            overlap=calibrate,
        )
        k = measured["chosen"]
        if not as_json:
            show_calibration(measured)
        reached = "" if measured["reached"] else f" (none reaches {calibrate:.0%})"
        say(f"Chosen: --top-k {'all' if k is None else k}{reached}")
    if dry_run:
        expected = api.estimate_index(
            opened,
            top_k=k,
            dtype=dtype,
            project=project,
            projection=projection,
            weighting=weighting,
            precision=precision,
            shard_size=shard_size,
            workers=workers,
        )
        show_estimate(expected, as_json)
        return
    existed = (place / "manifest.json").exists() and not overwrite
    built = api.build_index(
        opened,
        place,
        top_k=k,
        dtype=dtype,
        project=project,
        projection=projection,
        weighting=weighting,
        precision=precision,
        shard_size=shard_size,
        workers=workers,
        executor=runs,
        address=at,
        overwrite=overwrite,
    )
    if existed:
        say(f"{place} holds this very index already; nothing was done.")
    show_index(describe_index(built.folder), as_json)
    if not as_json:
        say(f'Next: wordtrace trace {place} "a text"')


def positions(top_k: str) -> int | None:
    """Read a k: a number, or 'all'."""
    from wordtrace.errors import InputError

    if top_k == "all":
        return None
    try:
        return int(top_k)
    except ValueError:
        raise InputError(f"--top-k is {top_k!r}; give a number or 'all'.") from None
