"""``wordtrace cancellation``."""

from __future__ import annotations

from typing import Annotated

import typer

from wordtrace.cli.effect import needs
from wordtrace.cli.measure_options import Memory, given
from wordtrace.cli.output import Json, Out, check_out, emit
from wordtrace.cli.places import RunFolder


def cancellation(
    run: RunFolder,
    layers: Annotated[
        str | None,
        typer.Option(help="Layers by name, with commas between; by default all.", metavar="NAMES"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Measure only so many training examples, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of that draw.")] = 0,
    memory: Memory = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Tell where in the network influences cancel, and where gradients look alike."""
    from wordtrace.analysis.cancellation import cancellation as measure
    from wordtrace.run.run import Run

    check_out(out)
    needs("--limit", limit is not None, "seed")
    names = None if layers is None else [one.strip() for one in layers.split(",") if one.strip()]
    found = measure(Run.open(run), names, limit=limit, seed=seed, **given(memory=memory))
    emit(found, as_json, out)
