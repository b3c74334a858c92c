"""``wordtrace scores``."""

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
    SpanOf,
    SynonymCosine,
    TopK,
    given,
    part_of,
)
from wordtrace.cli.output import Split, say
from wordtrace.cli.queries import LabelColumn, read_queries


def scores(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    queries: Annotated[Path, typer.Option(help="A file of texts, as for trace.")],
    out: Annotated[
        Path, typer.Option(help="Parquet (a row an example, a column a query) or .npy.")
    ],
    measure: Annotated[str, typer.Option(help="A measure.")] = "tracin-we-topk",
    label: Annotated[str | None, typer.Option(help="The label to explain.")] = None,
    text_column: Annotated[str, typer.Option(help="Of --queries.")] = "text",
    text2_column: Annotated[str | None, typer.Option(help="Of --queries.")] = None,
    label_column: LabelColumn = "label",
    id_column: Annotated[
        str | None, typer.Option(help="Of --queries; by default id, where there is one.")
    ] = None,
    split: Split = None,
    limit: Annotated[int | None, typer.Option(help="Only the first rows of --queries.")] = None,
    span: SpanOf = None,
    top_k: TopK = None,
    frequent: Frequent = None,
    synonym_cosine: SynonymCosine = None,
    damping: Damping = None,
    l2: L2 = None,
    seed: Seed = None,
    memory: Memory = None,
) -> None:
    """Write the influence of every training example on every query, by any measure."""
    from wordtrace import api
    from wordtrace.cli.matrix import check_matrix_file

    check_matrix_file(out)
    options = given(
        top_k=top_k,
        frequent=frequent,
        synonym_cosine=synonym_cosine,
        damping=damping,
        l2=l2,
        seed=seed,
        memory=memory,
    )
    opened = api.Run.open(run)
    asked = read_queries(
        opened,
        None,
        queries,
        None,
        text_column,
        text2_column,
        label_column,
        limit,
        id_column=id_column,
        label=label,
        split=split,
    )
    found = api.scores(opened, asked, measure, label=label, span=part_of(span), **options)
    found.save(out)
    rows, columns = found.values.shape
    say(f"Wrote {out}: {rows:,} queries × {columns:,} examples, {measure}")
