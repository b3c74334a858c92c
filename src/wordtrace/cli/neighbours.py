"""``wordtrace neighbours``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.measure_options import TokenWeights
from wordtrace.cli.output import say
from wordtrace.cli.places import IndexPlace, MovedRun
from wordtrace.errors import InputError


def neighbours(
    index: IndexPlace,
    out: Annotated[Path, typer.Option(help="The table to write, .parquet.")],
    top: Annotated[int, typer.Option(help="Neighbours of each example.")] = 10,
    weights: TokenWeights = "",
    memory: Annotated[int, typer.Option(help="Megabytes for the scores of a block.")] = 1024,
    run: MovedRun = None,
) -> None:
    """Find for each training example the others that it influences most: copies and kin.

    The table has a row a pair: id, rank, neighbour, influence, cosine (1 for copies of the same
    label), same_label. The work grows with the square of the number of examples.
    """
    from wordtrace import api

    if out.suffix != ".parquet":
        raise InputError(f"--out {out} should end in .parquet.")
    if memory < 1:
        raise InputError(f"--memory is {memory} megabytes; give 1 or more.")
    opened = api.Index.open(index, run)
    count = opened.neighbours(out, top=top, memory=memory << 20, weights=weights)
    say(f"Wrote {count:,} pairs to {out}")
