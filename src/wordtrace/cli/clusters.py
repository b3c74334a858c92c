"""``wordtrace clusters``."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordtrace.cli.columns import ColumnOptions
from wordtrace.cli.effect import excludes, needs
from wordtrace.cli.executors import Workers
from wordtrace.cli.measure_options import TokenWeights
from wordtrace.cli.output import Json, Out, check_out, emit, say
from wordtrace.cli.places import EitherFolder, PatchPlace, check_patch
from wordtrace.cli.retraining import HowTrained
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.act.clusters_result import Clusters


def clusters(
    run: EitherFolder,
    columns: ColumnOptions,
    how: HowTrained,
    examples: Annotated[
        Path | None,
        typer.Option(help="Labelled examples; by default the training rows, judged unseen."),
    ] = None,
    trainings: Annotated[
        int,
        typer.Option(help="Retrainings to judge by; 0: the final model alone, of an index."),
    ] = 20,
    wrong: Annotated[float, typer.Option(help="The least share of them that is wrong.")] = 0.4,
    threshold: Annotated[float, typer.Option(help="Influence distance to cut at.")] = 0.8,
    least: Annotated[int, typer.Option(help="The smallest cluster.")] = 3,
    weights: TokenWeights = "",
    patch: PatchPlace = None,
    workers: Workers = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Find patterns in mistakes: misclassified examples that act alike, with their words."""
    from wordtrace import api
    from wordtrace.act.clusters import clusters as find
    from wordtrace.api.matrix import open_either

    check_out(out)
    check_patch(patch)
    needs("--examples", examples is not None, *(one.name for one in fields(ColumnOptions)))
    idle = [one.name for one in fields(HowTrained) if one.name != "device"]
    excludes("--trainings 0", trainings == 0, "wrong", "workers", *idle)
    trained = how.library()
    either = open_either(run, how.opened_on)
    if trainings == 0:
        if not isinstance(either, api.Index) or examples is not None:
            raise InputError("--trainings 0 takes an index's folder, and no --examples.")
        judged = either.mistakes(threshold=threshold, least=least, weights=weights)
        emit(judged, as_json, out)
        if patch is not None:
            _write(judged, patch)
        return
    opened = either.run if isinstance(either, api.Index) else either
    with how.consent(as_json):
        found = find(
            opened,
            None if examples is None else columns.labelled(opened, examples),
            trainings=trainings,
            wrong=wrong,
            threshold=threshold,
            least=least,
            weights=weights,
            workers=workers,
            **trained,
        )
    emit(found, as_json, out)
    if patch is not None:
        _write(found, patch)


def _write(found: Clusters, patch: Path) -> None:
    changes = found.patch()
    changes.write(patch)
    say(f"Wrote {patch}: {len(changes):,} changes to review")
