"""``wordtrace clusters``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.output import Json, Out, Split, Workers, check_out, emit, say


def clusters(
    run: Annotated[Path, typer.Argument(help="A run's folder, or an index's.")],
    examples: Annotated[
        Path | None,
        typer.Option(help="Labelled examples; by default the training rows, judged unseen."),
    ] = None,
    trainings: Annotated[int, typer.Option(help="Retrainings to judge by.")] = 20,
    wrong: Annotated[float, typer.Option(help="The least share of them that is wrong.")] = 0.4,
    threshold: Annotated[float, typer.Option(help="Influence distance to cut at.")] = 0.8,
    least: Annotated[int, typer.Option(help="The smallest cluster.")] = 3,
    patch: Annotated[
        Path | None, typer.Option(help="Write the relabellings to review here, for apply.")
    ] = None,
    text: Annotated[str, typer.Option(help="Of --examples.")] = "text",
    text2: Annotated[str | None, typer.Option(help="Of --examples.")] = None,
    label: Annotated[str, typer.Option(help="Of --examples.")] = "label",
    split: Split = None,
    workers: Workers = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Find patterns in mistakes: misclassified examples that act alike, with their words."""
    from wordtrace import api
    from wordtrace.act.clusters import clusters as find
    from wordtrace.errors import InputError

    check_out(out)
    if patch is not None and not patch.parent.is_dir():
        raise InputError(f"--patch {patch}: the folder {patch.parent} does not exist.")
    is_index = (run / "manifest.json").is_file()
    opened = api.Index.open(run).run if is_index else api.Run.open(run)
    asked = None
    if examples is not None:
        asked = api.read_examples(
            examples,
            text=text,
            text2=text2,
            label=label,
            split=split,
            label_names=opened.label_names,
            require_labels=False,
        )
    found = find(
        opened,
        asked,
        trainings=trainings,
        wrong=wrong,
        threshold=threshold,
        least=least,
        workers=workers,
    )
    emit(found.document(), as_json, out)
    if patch is not None:
        changes = found.patch()
        changes.write(patch)
        say(f"Wrote {patch}: {len(changes):,} changes to review")
