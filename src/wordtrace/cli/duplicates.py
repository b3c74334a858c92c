"""``wordtrace duplicates``."""

from __future__ import annotations

from typing import Annotated, Literal, cast

import typer

from wordtrace.cli.effect import needs
from wordtrace.cli.output import Json, Out, check_out, emit, say
from wordtrace.cli.places import IndexPlace, MovedRun, PatchPlace, check_patch
from wordtrace.errors import InputError


def duplicates(
    index: IndexPlace,
    threshold: Annotated[
        float, typer.Option(help="The least share of words that two texts have in common.")
    ] = 0.8,
    top: Annotated[int, typer.Option(help="How many groups to list; 0 lists all.")] = 20,
    patch: PatchPlace = None,
    action: Annotated[
        str,
        typer.Option(
            help="What --patch does: remove (all but one row of each listed group of one label) or "
            "relabel (to the proposed label, where labels differ)."
        ),
    ] = "remove",
    run: MovedRun = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Find rows whose texts are nearly the same, those first whose labels differ."""
    from wordtrace import api

    check_out(out)
    check_patch(patch)
    if action not in ("remove", "relabel"):
        raise InputError(f"--action is {action!r}; it must be remove or relabel.")
    needs("--patch", patch is not None, "action")
    if top < 0:
        raise InputError(f"--top is {top}; it must be 0 (all) or more.")
    found = api.Index.open(index, run).duplicates(threshold=threshold, top=top or None)
    if patch is not None:
        changes = found.patch(cast("Literal['remove', 'relabel']", action))
        changes.write(patch)
        say(f"Wrote {patch}: {len(changes):,} changes to review")
        say(f"Next: wordtrace apply {patch} DATA --out NEW_DATA")
    emit(found, as_json, out)
