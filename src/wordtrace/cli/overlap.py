"""``wordtrace overlap``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.measure_options import (
    L2,
    Damping,
    Frequent,
    Memory,
    Seed,
    SynonymCosine,
    TopK,
    given,
)
from wordtrace.cli.output import Json, Out, Split, check_out, emit
from wordtrace.cli.queries import LabelColumn, read_queries


def overlap(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    queries: Annotated[Path, typer.Option(help="A file of texts, as for trace.")],
    measures: Annotated[
        str, typer.Option(help="Names with commas between.")
    ] = "tracin-we-topk,tracin-last",
    top: Annotated[int, typer.Option(help="How many examples a query's list holds.")] = 100,
    listed: Annotated[int, typer.Option(help="How many recurrent examples to name.")] = 10,
    label: Annotated[str | None, typer.Option(help="The label to explain.")] = None,
    text_column: Annotated[str, typer.Option(help="Of --queries.")] = "text",
    text2_column: Annotated[str | None, typer.Option(help="Of --queries.")] = None,
    label_column: LabelColumn = "label",
    split: Split = None,
    limit: Annotated[int | None, typer.Option(help="Only the first rows of --queries.")] = None,
    top_k: TopK = None,
    frequent: Frequent = None,
    synonym_cosine: SynonymCosine = None,
    damping: Damping = None,
    l2: L2 = None,
    seed: Seed = None,
    memory: Memory = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Tell whether measures list other examples for each query, or the same few for all."""
    from wordtrace.analysis.overlap import overlap as compare
    from wordtrace.run.run import Run

    check_out(out)
    options = given(
        top_k=top_k,
        frequent=frequent,
        synonym_cosine=synonym_cosine,
        damping=damping,
        l2=l2,
        seed=seed,
        memory=memory,
    )
    opened = Run.open(run)
    asked = read_queries(
        opened,
        None,
        queries,
        None,
        text_column,
        text2_column,
        label_column,
        limit,
        label=label,
        split=split,
    )
    names = split_names(measures)
    found = compare(opened, asked, names, top, label=label, listed=listed, **options)
    emit(found.document(), as_json, out)


def split_names(text: str) -> list[str]:
    """Cut a list of measures at its commas.

    A part that is no measure's name goes on naming the layers of the one before:
    ``tracin:LAYER,LAYER,tracin-last`` is two measures.
    """
    from wordtrace.measures.names import MEASURES

    names: list[str] = []
    for part in (part.strip() for part in text.split(",")):
        if names and ":" in names[-1] and ":" not in part and part not in MEASURES:
            names[-1] += f",{part}"
        elif part:
            names.append(part)
    return names
