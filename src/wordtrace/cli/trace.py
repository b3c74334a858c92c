"""``wordtrace trace``."""

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
from wordtrace.cli.output import (
    Address,
    Json,
    Out,
    Searching,
    SearchWorkers,
    Split,
    Whole,
    by_word,
    check_out,
    emit,
    say,
)
from wordtrace.cli.queries import LabelColumn, read_queries


def trace(
    index: Annotated[Path, typer.Argument(help="An index's folder.")],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="One or more texts.")
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            help="Or a file of texts: CSV, TSV, JSONL, Parquet, or .txt, one a line; or a data "
            "set's name on the hub."
        ),
    ] = None,
    text2: Annotated[
        str | None, typer.Option(help="The second text, where the run's examples are pairs.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="The label to explain; the file's, else the prediction by default."),
    ] = None,
    text_column: Annotated[str, typer.Option(help="Of --queries.")] = "text",
    text2_column: Annotated[str | None, typer.Option(help="Of --queries.")] = None,
    label_column: LabelColumn = "label",
    id_column: Annotated[
        str | None, typer.Option(help="Of --queries; by default id, where there is one.")
    ] = None,
    split: Split = None,
    limit: Annotated[int | None, typer.Option(help="Only the first rows of --queries.")] = None,
    only_wrong: Annotated[
        bool, typer.Option("--only-wrong", help="Only queries whose label is not predicted.")
    ] = False,
    measure: Annotated[
        str | None, typer.Option(help="A measure; by default what the index holds.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many proponents and opponents to list.")] = 20,
    span: SpanOf = None,
    top_k: TopK = None,
    frequent: Frequent = None,
    synonym_cosine: SynonymCosine = None,
    damping: Damping = None,
    l2: L2 = None,
    seed: Seed = None,
    memory: Memory = None,
    bm25: Annotated[bool, typer.Option("--bm25", help="Show the top rows by BM25 beside.")] = False,
    whole: Whole = None,
    executor: Searching = "threads",
    address: Address = None,
    workers: SearchWorkers = None,
    run: Annotated[Path | None, typer.Option(help="The run's folder, if it has moved.")] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Find the training examples, and the words in them, behind the prediction of each text."""
    from wordtrace import api

    check_out(out)
    options = given(
        frequent=frequent,
        synonym_cosine=synonym_cosine,
        damping=damping,
        l2=l2,
        seed=seed,
        memory=memory,
    )
    with api.Index.open(index, run) as opened:
        asked = read_queries(
            opened.run,
            texts,
            queries,
            text2,
            text_column,
            text2_column,
            label_column,
            limit,
            id_column=id_column,
            only_wrong=only_wrong,
            label=label,
            split=split,
        )
        found = opened.trace(
            asked,
            label,
            measure=measure,
            top=top,
            top_k=top_k,
            baselines=["bm25"] if bm25 else [],
            words=by_word(whole, as_json, out),
            span=part_of(span),
            executor=executor,
            address=address,
            workers=workers,
            **options,
        )
    if found.source == "run":
        say(
            f"{index} can't answer {found.measure}; it was computed from the run "
            "(an index built for it answers in milliseconds)."
        )
    emit(found.document(), as_json, out)
