"""``wordtrace trace``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from wordtrace.cli.output import (
    Address,
    Json,
    Out,
    Searching,
    SearchWorkers,
    check_out,
    emit,
    say,
)

if TYPE_CHECKING:
    from wordtrace.run.run import Run


def trace(
    index: Annotated[Path, typer.Argument(help="An index's folder.")],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="One or more texts.")
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(help="Or a file of texts: CSV, TSV, JSONL, Parquet, or .txt, one a line."),
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
    label_column: Annotated[str, typer.Option(help="Of --queries.")] = "label",
    id_column: Annotated[
        str | None, typer.Option(help="Of --queries; by default id, where there is one.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first rows of --queries.")] = None,
    only_wrong: Annotated[
        bool, typer.Option("--only-wrong", help="Only queries whose label is not predicted.")
    ] = False,
    measure: Annotated[
        str | None, typer.Option(help="A measure; by default what the index holds.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many proponents and opponents to list.")] = 20,
    top_k: TopK = None,
    frequent: Frequent = None,
    synonym_cosine: SynonymCosine = None,
    damping: Damping = None,
    l2: L2 = None,
    seed: Seed = None,
    memory: Memory = None,
    bm25: Annotated[bool, typer.Option("--bm25", help="Show the top rows by BM25 beside.")] = False,
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
        )
        found = opened.trace(
            asked,
            label,
            measure=measure,
            top=top,
            top_k=top_k,
            baselines=["bm25"] if bm25 else [],
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


def read_queries(
    run: Run,
    texts: list[str] | None,
    queries: Path | None,
    text2: str | None,
    text_column: str,
    text2_column: str | None,
    label_column: str,
    limit: int | None,
    *,
    id_column: str | None = None,
    only_wrong: bool = False,
    label: str | None = None,
) -> Any:
    """Return the texts of the arguments, or Examples of the file."""
    from wordtrace import api
    from wordtrace.errors import InputError

    if bool(texts) == bool(queries):
        raise InputError("give a TEXT or --queries FILE, one of the two.")
    if texts:
        if only_wrong:
            raise InputError("--only-wrong needs labels: give --queries FILE with a label column.")
        if text2 is None:
            return texts
        if len(texts) != 1:
            raise InputError("--text2 goes with one TEXT; give pairs in a file by --queries.")
        return [(texts[0], text2)]
    if text2 is not None:
        raise InputError("--text2 goes with a TEXT; name the file's column by --text2-column.")
    pairs = run.manifest["has_pairs"]
    examples = api.read_examples(
        queries,
        text=text_column,
        text2=text2_column or ("text2" if pairs else None),
        label=None if label and not only_wrong else label_column,
        id=id_column,
        label_names=run.label_names,
        require_labels=False,
        limit=limit,
    )
    return _wrong(run, examples) if only_wrong else examples


def _wrong(run: Run, examples: Any) -> Any:
    import numpy as np

    from wordtrace.errors import InputError
    from wordtrace.run import predict

    encoded = run.tokenizer.encode(examples.texts, examples.texts2)
    predicted = predict.logits(run.model(run.final), encoded).argmax(1)
    if not (examples.labels >= 0).any():
        raise InputError("--only-wrong: no query has a label; name its column by --label-column.")
    rows = np.flatnonzero((examples.labels >= 0) & (predicted != examples.labels))
    if len(rows) == 0:
        raise InputError("--only-wrong: every labelled query is predicted right.")
    return examples.take(rows)
