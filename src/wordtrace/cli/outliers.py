"""``wordtrace outliers``."""

from __future__ import annotations

from typing import Annotated

import typer

from wordtrace.cli.output import Json, Out, check_out, emit, say
from wordtrace.cli.places import IndexPlace, MovedRun, PatchPlace, check_patch


def outliers(
    index: IndexPlace,
    by: Annotated[str, typer.Option(help="combined, words, letters, alone or length.")] = (
        "combined"
    ),
    top: Annotated[int, typer.Option(help="How many rows to list.")] = 20,
    patch: PatchPlace = None,
    run: MovedRun = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List the rows whose texts are least like the others, with what is unusual about each.

    --patch writes the removal of the listed rows.
    """
    from wordtrace import api

    check_out(out)
    check_patch(patch)
    found = api.Index.open(index, run).outliers(by=by, top=top)
    if patch is not None:
        changes = found.patch()
        changes.write(patch)
        say(f"Wrote {patch}: {len(changes):,} changes to review")
        say(f"Next: wordtrace apply {patch} DATA --out NEW_DATA")
    emit(found, as_json, out)
