"""``wordtrace index``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wordtrace.cli.effect import excludes, needs
from wordtrace.cli.executors import Building
from wordtrace.cli.output import Json, say
from wordtrace.cli.places import FurtherRuns, RunFolder, names
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.run.run import Run

_stored = partial(typer.Option, rich_help_panel="What is stored")


@dataclass(frozen=True)
class Stored:
    """How gradients are computed and stored."""

    dtype: Annotated[str, _stored(help="float16, float32 or int8.")] = "float16"
    project: Annotated[
        int | None, _stored(help="Bring the gradients to so many dimensions; all by default.")
    ] = None
    projection: Annotated[str, _stored(help="How: pca (fitted on a sample) or random.")] = "pca"
    weighting: Annotated[
        str,
        _stored(
            help="What a checkpoint weighs: rate-sum, the sum of the learning rates since the one "
            "before; rate, its own; adam, the sum times Adam's own step sizes."
        ),
    ] = "rate-sum"
    precision: Annotated[
        str, _stored(help="In which gradients are computed: float32, or bfloat16 (faster).")
    ] = "float32"
    shard_size: Annotated[int, _stored(help="Examples in a file.")] = 32_768


def index(
    run: RunFolder,
    stored: Stored,
    where: Building,
    out: Annotated[
        Path | None, typer.Option(help="The index's folder; RUN/index by default.")
    ] = None,
    with_runs: FurtherRuns = None,
    top_k: Annotated[
        str, typer.Option(help="Positions kept in each text, by gradient norm; or 'all'.")
    ] = "10",
    overlap: Annotated[
        float | None,
        typer.Option(
            "--calibrate",
            help="Choose the smallest --top-k that lists this share of the exact top 20 on a "
            "sample, such as 0.9.",
        ),
    ] = None,
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
    from wordtrace.cli.show import show_estimate, show_index
    from wordtrace.index.describe import describe_index

    needs("--project", stored.project is not None, "projection")
    excludes("--calibrate", overlap is not None, "top_k")
    executor, settings = where.library(), asdict(stored)
    opened = api.Run.open(run, where.device).with_runs(names(with_runs or ""))
    place = out or run / "index"
    k = positions(top_k)
    if overlap is not None:
        k = _calibrated(opened, overlap, stored, as_json)
    if dry_run:
        expected = api.estimate_index(opened, top_k=k, workers=where.workers, **settings)
        show_estimate(expected, as_json)
        return
    existed = (place / "manifest.json").exists() and not overwrite
    built = api.build_index(opened, place, top_k=k, overwrite=overwrite, **executor, **settings)
    if existed:
        say(f"{place} holds this very index already; nothing was done.")
    show_index(describe_index(built.folder), as_json)
    if not as_json:
        say(f'Next: wordtrace trace {place} "a text"')


def _calibrated(run: Run, overlap: float, stored: Stored, as_json: bool) -> int | None:
    """Return the k that lists the share `overlap`, and show how it was found."""
    from wordtrace import api
    from wordtrace.cli.show import show_calibration

    measured: dict[str, Any] = api.calibrate(
        run,
        dtype=stored.dtype,
        precision=stored.precision,
        project=stored.project,
        projection=stored.projection,
        weighting=stored.weighting,
        overlap=overlap,
    )
    k: int | None = measured["chosen"]
    if not as_json:
        show_calibration(measured)
    reached = "" if measured["reached"] else f" (none reaches {overlap:.0%})"
    say(f"Chosen: --top-k {'all' if k is None else k}{reached}")
    return k


def positions(top_k: str) -> int | None:
    """Read a k: a number, or 'all'."""
    if top_k == "all":
        return None
    try:
        return int(top_k)
    except ValueError:
        raise InputError(f"--top-k is {top_k!r}; give a number or 'all'.") from None
