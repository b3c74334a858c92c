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
from wordtrace.cli.output import Address, Searching, SearchWorkers, Split, say
from wordtrace.cli.queries import LabelColumn, read_queries


def scores(
    run: Annotated[Path, typer.Argument(metavar="RUN|INDEX", help="A run's or an index's folder.")],
    queries: Annotated[Path, typer.Option(help="A file of texts, as for trace.")],
    out: Annotated[
        Path, typer.Option(help="Parquet (a row an example, a column a query) or .npy.")
    ],
    measure: Annotated[
        str | None,
        typer.Option(help="A measure; what the index holds, else tracin-we-topk, by default."),
    ] = None,
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
    executor: Searching = "threads",
    address: Address = None,
    workers: SearchWorkers = None,
) -> None:
    """Write the influence of every training example on every query, by any measure.

    An index answers, for its own examples, the measures that it holds.
    """
    from wordtrace import api
    from wordtrace.api.matrix import open_either
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
    opened = open_either(run)
    held = opened if isinstance(opened, api.Run) else opened.run
    asked = read_queries(
        held,
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
    try:
        found = api.scores(
            opened,
            asked,
            measure,
            label=label,
            span=part_of(span),
            executor=executor,
            address=address,
            workers=workers,
            **options,
        )
    finally:
        if isinstance(opened, api.Index):
            opened.close()
    found.save(out)
    rows, columns = found.values.shape
    say(f"Wrote {out}: {rows:,} queries × {columns:,} examples, {found.measure}")
