"""``wordtrace mislabels``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordtrace.cli.asked_server import AskedServer, IndexUnlessServed
from wordtrace.cli.columns import Truth
from wordtrace.cli.effect import needs
from wordtrace.cli.measure_options import TokenWeights
from wordtrace.cli.output import Json, Out, Whole, by_word, check_out, emit, say
from wordtrace.cli.places import MovedRun, PatchPlace, check_patch
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.act.mislabels_result import Mislabels


def mislabels(
    judged: Truth,
    server: AskedServer,
    index: IndexUnlessServed = None,
    by: Annotated[
        str,
        typer.Option(help="combined, self-influence, opposition, loss or final-loss."),
    ] = "combined",
    top: Annotated[int, typer.Option(help="How many rows to list.")] = 20,
    offset: Annotated[int, typer.Option(help="How many rows to skip before.")] = 0,
    label: Annotated[str | None, typer.Option(help="Only rows with this label.")] = None,
    patch: PatchPlace = None,
    action: Annotated[
        str, typer.Option(help="What --patch does: relabel (to the proposed label) or remove.")
    ] = "relabel",
    export: Annotated[
        Path | None,
        typer.Option(
            help="Write the rows as plain columns: .jsonl, .parquet, or .csv safe for spreadsheets."
        ),
    ] = None,
    weights: TokenWeights = "",
    run: MovedRun = None,
    whole: Whole = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List the training rows most likely mislabelled, with the rows and words against them."""
    from wordtrace.act.export import check_export
    from wordtrace.act.export import export as write_export

    check_out(out)
    if action not in ("relabel", "remove"):
        raise InputError(f"--action is {action!r}; it must be relabel or remove.")
    if export is not None:
        check_export(export)
    check_patch(patch)
    needs("--patch", patch is not None, "action")
    server.refuse_index(index)
    server.refuse(run=run, truth=judged.truth)
    with server.opening(index, run) as opened:
        wrong = None if server.server is not None else judged.wrong_ids(opened.run)
        found = opened.mislabels(
            by=by,
            top=top,
            offset=offset,
            label=label,
            wrong=wrong,
            words=by_word(whole, as_json, out),
            weights=weights,
        )
    if export is not None:
        write_export(found, export)
        say(f"Wrote {export}: {len(found.rows):,} rows")
    if patch is not None:
        _write_patch(found, action, patch)
    emit(found, as_json, out)


def _write_patch(found: Mislabels, action: str, patch: Path) -> None:
    changes = found.patch("remove" if action == "remove" else "relabel")
    changes.write(patch)
    left = len(found.rows) - len(changes)
    without = f"; {left:,} rows without a proposal are left out" if left else ""
    say(f"Wrote {patch}: {len(changes):,} changes to review{without}")
    say(f"Next: wordtrace apply {patch} DATA --out NEW_DATA")
