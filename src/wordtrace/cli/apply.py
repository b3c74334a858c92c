"""``wordtrace apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.columns import ColumnOptions
from wordtrace.cli.output import Json, print_json, say


def apply(
    patch: Annotated[Path, typer.Argument(help="A patch, as mislabels --patch writes it.")],
    data: Annotated[Path, typer.Argument(help="The data it was made for.")],
    out: Annotated[Path, typer.Option(help="Where to write, in the format of DATA.")],
    columns: ColumnOptions,
    also: Annotated[
        list[Path] | None, typer.Option(help="Another patch to merge in; may be repeated.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Take the patch back.")] = False,
    skip_stale: Annotated[
        bool, typer.Option("--skip-stale", help="Leave out changes that do not fit, and say so.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
    as_json: Json = False,
) -> None:
    """Write DATA with the changes of a patch; all else stays, byte for byte in text files."""
    from wordtrace.act.apply import apply_patch
    from wordtrace.act.patch import read_patch

    chosen = read_patch(patch).merged(*(read_patch(one) for one in also or ()))
    if reverse:
        chosen = chosen.reversed()
    done = apply_patch(
        chosen,
        data,
        out,
        skip_stale=skip_stale,
        overwrite=overwrite,
        **columns.library(),
    )
    for name, why in done.skipped:
        say(f"left out: row {name!r} {why}")
    if as_json:
        print_json(done.document())
        return
    say(
        f"Wrote {out}: {done.rows:,} rows, {done.relabelled:,} relabelled, {done.edited:,} edited, "
        f"{done.removed:,} removed"
    )
