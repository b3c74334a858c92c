"""``wordtrace fix``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from wordtrace.cli.output import (
    Address,
    Cpus,
    Json,
    Memory,
    ModelsAtOnce,
    Out,
    RetrainExecutor,
    Split,
    check_out,
    emit,
    executor_of,
    say,
)


def fix(
    index: Annotated[Path, typer.Argument(help="An index's folder.")],
    queries: Annotated[Path, typer.Option(help="Texts with right labels, as for train.")],
    k: Annotated[
        str, typer.Option("--k", help="How many opponents to change, with commas between.")
    ] = "10,50,100",
    actions: Annotated[
        str, typer.Option(help="Of remove, blank (the worst word of each row) and relabel.")
    ] = "remove,blank",
    measures: Annotated[
        str, typer.Option(help="Others whose opponents to remove for comparison.")
    ] = "influence-last",
    repeats: Annotated[int, typer.Option(help="Seeds, each retrained for every change.")] = 5,
    band: Annotated[
        str | None,
        typer.Option(help="Only queries predicted with a probability within, as 0.3,0.7."),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many queries.")] = None,
    patch: Annotated[
        Path | None, typer.Option(help="Write the changes that suffice here, for apply.")
    ] = None,
    text: Annotated[str, typer.Option(help="Of --queries.")] = "text",
    text2: Annotated[str | None, typer.Option(help="Of --queries.")] = None,
    label: Annotated[str, typer.Option(help="Of --queries.")] = "label",
    split: Split = None,
    run: Annotated[Path | None, typer.Option(help="The run's folder, if it has moved.")] = None,
    workers: ModelsAtOnce = None,
    executor: RetrainExecutor = "processes",
    address: Address = None,
    cpus_a_task: Cpus = None,
    memory_a_task: Memory = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Find by retraining which change of the data sets misclassified texts right."""
    from wordtrace import api
    from wordtrace.errors import InputError

    check_out(out)
    runs, at = executor_of(executor, address, workers, cpus_a_task, memory_a_task, tolerant=True)
    if patch is not None and not patch.parent.is_dir():
        raise InputError(f"--patch {patch}: the folder {patch.parent} does not exist.")
    sizes = numbers(k, "--k", int)
    within = None if band is None else numbers(band, "--band", float)
    if within is not None and len(within) != 2:
        raise InputError(f"--band is {band!r}; give two numbers, as 0.3,0.7.")
    opened = api.Index.open(index, run)
    asked = api.read_examples(
        queries,
        text=text,
        text2=text2,
        label=label,
        split=split,
        label_names=opened.run.label_names,
        require_labels=False,
    )
    found = opened.fix(
        asked,
        k=sizes,
        actions=names(actions),
        measures=names(measures),
        repeats=repeats,
        band=None if within is None else (within[0], within[1]),
        limit=limit,
        workers=workers,
        executor=runs,
        address=at,
    )
    emit(found.document(), as_json, out)
    if patch is not None:
        changes = found.patch()
        changes.write(patch)
        say(f"Wrote {patch}: {len(changes):,} changes to review")


def names(text: str) -> list[str]:
    """Split an option's value at its commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


Number = TypeVar("Number", int, float)


def numbers(text: str, option: str, kind: type[Number]) -> list[Number]:
    """Read an option's numbers (InputError)."""
    from wordtrace.errors import InputError

    try:
        return [kind(one) for one in names(text)]
    except ValueError:
        raise InputError(f"{option} is {text!r}; give numbers with commas between.") from None
