"""``wordtrace fix``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.columns import ColumnOptions
from wordtrace.cli.executors import RetrainingOptions
from wordtrace.cli.output import Json, Out, check_out, emit, say
from wordtrace.cli.places import IndexPlace, MovedRun, PatchPlace, check_patch, names, numbers
from wordtrace.cli.retraining import HowTrained
from wordtrace.errors import InputError


def fix(
    index: IndexPlace,
    queries: Annotated[Path, typer.Option(help="Texts with right labels, as for train.")],
    columns: ColumnOptions,
    how: HowTrained,
    where: RetrainingOptions,
    k: Annotated[
        str, typer.Option("--k", help="How many opponents to change, with commas between.")
    ] = "10,50,100",
    actions: Annotated[
        str,
        typer.Option(help="One or more of remove, blank (the worst word of each row) and relabel."),
    ] = "remove,blank",
    measures: Annotated[
        str | None,
        typer.Option(
            help="Others whose opponents to remove for comparison; by default influence-last, and "
            "none where texts have several labels."
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Seeds, each retrained for every change.")] = 5,
    band: Annotated[
        str | None,
        typer.Option(help="Only queries predicted with a probability within, as 0.3,0.7."),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many queries.")] = None,
    patch: PatchPlace = None,
    run: MovedRun = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Find by retraining which change of the data sets misclassified texts right."""
    from wordtrace import api

    check_out(out)
    executor = {**how.library(), **where.library()}
    check_patch(patch)
    sizes, within = numbers(k, "--k", int), _band(band)
    opened = api.Index.open(index, run, how.opened_on)
    with how.consent(as_json):
        found = opened.fix(
            columns.labelled(opened.run, queries),
            k=sizes,
            actions=names(actions),
            measures=None if measures is None else names(measures),
            repeats=repeats,
            band=within,
            limit=limit,
            **executor,
        )
    emit(found, as_json, out)
    if patch is not None:
        changes = found.patch()
        changes.write(patch)
        say(f"Wrote {patch}: {len(changes):,} changes to review")


def _band(given: str | None) -> tuple[float, float] | None:
    if given is None:
        return None
    ends = numbers(given, "--band", float)
    if len(ends) != 2:
        raise InputError(f"--band is {given!r}; give two numbers, as 0.3,0.7.")
    return ends[0], ends[1]
