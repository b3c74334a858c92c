"""``wordtrace evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wordtrace.cli.fix import names, numbers
from wordtrace.cli.measure_options import Damping, Frequent, SynonymCosine, TopK, given
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


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    measures: Annotated[
        str, typer.Option(help="With commas between; 'wordtrace measures' lists them.")
    ] = "tracin-we-topk,tracin-last,bm25,embedding-similarity",
    queries: Annotated[
        str, typer.Option(help="A file of labelled texts, or how many held-out rows to draw.")
    ] = "20",
    scores: Annotated[
        list[str] | None,
        typer.Option(
            help="Another tool's scores as NAME=FILE: .npy of shape (queries, rows), or Parquet "
            "as 'wordtrace scores' writes it. Needs --queries FILE. Repeatable."
        ),
    ] = None,
    k: Annotated[
        str, typer.Option("--k", help="How many rows to leave out, with commas between.")
    ] = "10,50,100",
    repeats: Annotated[int, typer.Option(help="Seeds of each retraining.")] = 5,
    signs: Annotated[
        str, typer.Option(help="proponents (DEL+), opponents (DEL−), or both with a comma.")
    ] = "proponents,opponents",
    only: Annotated[str, typer.Option(help="Queries that the model gets right, wrong; all.")] = (
        "all"
    ),
    balanced: Annotated[bool, typer.Option(help="As many queries of each label.")] = False,
    seed: Annotated[int, typer.Option(help="Of the draw of queries.")] = 0,
    least_overlap: Annotated[
        int | None,
        typer.Option(help="Only so many training texts, of least TF-IDF overlap, may be named."),
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(help="Add seeds where intervals are widest, until all are this narrow."),
    ] = None,
    max_repeats: Annotated[int, typer.Option(help="With --width: the most seeds.")] = 40,
    lds: Annotated[
        int, typer.Option(help="Also the linear datamodeling score over so many random halves.")
    ] = 0,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Data with right labels and the training rows' ids: also tells how well each "
            "measure's self-influence finds mislabelled rows."
        ),
    ] = None,
    truth_label: Annotated[str, typer.Option(help="Label column of --truth.")] = "label",
    truth_text: Annotated[str, typer.Option(help="Text column of --truth.")] = "text",
    truth_id: Annotated[str | None, typer.Option(help="Id column of --truth.")] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write the areas as a table to print: .tex or .md.")
    ] = None,
    values: Annotated[
        Path | None, typer.Option(help="Write every single effect here (.parquet).")
    ] = None,
    text: Annotated[str, typer.Option(help="Of --queries.")] = "text",
    text2: Annotated[str | None, typer.Option(help="Of --queries.")] = None,
    label: Annotated[str, typer.Option(help="Of --queries.")] = "label",
    split: Split = None,
    top_k: TopK = None,
    frequent: Frequent = None,
    synonym_cosine: SynonymCosine = None,
    damping: Damping = None,
    workers: ModelsAtOnce = None,
    executor: RetrainExecutor = "processes",
    address: Address = None,
    cpus_a_task: Cpus = None,
    memory_a_task: Memory = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Compare measures by retraining without the rows they name (deletion curves, DEL)."""
    from wordtrace import api
    from wordtrace.act.judge import wrong_ids
    from wordtrace.errors import InputError
    from wordtrace.report.paper import ENDINGS

    check_out(out)
    runs, at = executor_of(executor, address, workers, cpus_a_task, memory_a_task, tolerant=True)
    if values is not None and (values.suffix != ".parquet" or not values.parent.is_dir()):
        raise InputError(f"--values {values} should end in .parquet, in a folder that exists.")
    if table is not None and (table.suffix not in ENDINGS or not table.parent.is_dir()):
        raise InputError(f"--table {table} should end in .tex or .md, in a folder that exists.")
    opened = api.Run.open(run)
    wrong = None
    if truth is not None:
        right = api.read_examples(truth, text=truth_text, label=truth_label, id=truth_id)
        wrong = wrong_ids(opened.train, right)
    asked: Any = (
        int(queries)
        if queries.isdecimal()
        else api.read_examples(
            Path(queries),
            text=text,
            text2=text2 or ("text2" if opened.has_pairs else None),
            label=label,
            split=split,
            label_names=opened.label_names,
            require_labels=False,
        )
    )
    options = given(top_k=top_k, frequent=frequent, synonym_cosine=synonym_cosine, damping=damping)
    found = api.evaluate(
        opened,
        asked,
        measures=names(measures),
        scores=_matrices(scores or [], asked, opened),
        k=numbers(k, "--k", int),
        repeats=repeats,
        signs=names(signs),
        only=only,
        balanced=balanced,
        seed=seed,
        candidates=least_overlap,
        width=width,
        max_repeats=max_repeats,
        lds=lds,
        wrong=wrong,
        workers=workers,
        executor=runs,
        address=at,
        **options,
    )
    emit(found.document(), as_json, out)
    for file in (values, table):
        if file is not None:
            found.save(file)
            say(f"Wrote {file}")


def _matrices(given: list[str], asked: Any, run: Any) -> dict[str, Any]:
    from wordtrace.cli.matrix import read_matrix
    from wordtrace.errors import InputError

    found = {}
    for one in given:
        name, equals, file = one.partition("=")
        if not equals or not name or not file:
            raise InputError(f"--scores {one!r}: give NAME=FILE.")
        if isinstance(asked, int):
            raise InputError("--scores needs the queries that it is of: give --queries FILE.")
        found[name] = read_matrix(Path(file), asked.ids, run.train.ids)
    return found
