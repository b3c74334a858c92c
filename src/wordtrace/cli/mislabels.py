"""``wordtrace mislabels``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.output import Json, Out, Whole, by_word, check_out, emit, say


def mislabels(
    index: Annotated[Path, typer.Argument(help="An index's folder.")],
    by: Annotated[
        str,
        typer.Option(help="combined, self-influence, opposition, loss or final-loss."),
    ] = "combined",
    top: Annotated[int, typer.Option(help="How many rows to list.")] = 20,
    patch: Annotated[
        Path | None,
        typer.Option(help="Write the changes to review here, JSON lines for wordtrace apply."),
    ] = None,
    action: Annotated[
        str, typer.Option(help="Of --patch: relabel to the label proposed, or remove.")
    ] = "relabel",
    export: Annotated[
        Path | None,
        typer.Option(
            help="Write the rows as plain columns: .jsonl, .parquet, or .csv safe for spreadsheets."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="Data with right labels and the same ids: judges the rankings by it."),
    ] = None,
    truth_label: Annotated[str, typer.Option(help="Label column of --truth.")] = "label",
    truth_text: Annotated[str, typer.Option(help="Text column of --truth.")] = "text",
    truth_id: Annotated[str | None, typer.Option(help="Id column of --truth.")] = None,
    run: Annotated[Path | None, typer.Option(help="The run's folder, if it has moved.")] = None,
    whole: Whole = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List the training rows most likely mislabelled, with the rows and words against them."""
    from wordtrace import api
    from wordtrace.act.export import check_export
    from wordtrace.act.export import export as write_export
    from wordtrace.act.judge import wrong_ids
    from wordtrace.errors import InputError

    check_out(out)
    if action not in ("relabel", "remove"):
        raise InputError(f"--action is {action!r}; it must be relabel or remove.")
    if export is not None:
        check_export(export)
    if patch is not None and not patch.parent.is_dir():
        raise InputError(f"--patch {patch}: the folder {patch.parent} does not exist.")
    opened = api.Index.open(index, run)
    wrong = None
    if truth is not None:
        right = api.read_examples(truth, text=truth_text, label=truth_label, id=truth_id)
        wrong = wrong_ids(opened.run.train, right)
    found = opened.mislabels(by=by, top=top, wrong=wrong, words=by_word(whole, as_json, out))
    if export is not None:
        write_export(found, export)
        say(f"Wrote {export}: {len(found.rows):,} rows")
    if patch is not None:
        changes = found.patch("remove" if action == "remove" else "relabel")
        changes.write(patch)
        left = len(found.rows) - len(changes)
        without = f"; {left:,} rows without a proposal are left out" if left else ""
        say(f"Wrote {patch}: {len(changes):,} changes to review{without}")
        say(f"Next: wordtrace apply {patch} DATA --out NEW_DATA")
    emit(found.document(), as_json, out)
