"""``wordtrace trace``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wordtrace.cli.asked_server import AskedServer, IndexUnlessServed
from wordtrace.cli.executors import Searching
from wordtrace.cli.measure_options import MeasureOptions, SpanOf, part_of
from wordtrace.cli.output import Json, Out, Whole, by_word, check_out, emit, say
from wordtrace.cli.places import MovedRun
from wordtrace.cli.queries import QueryFile, read_queries


def trace(
    columns: QueryFile,
    options: MeasureOptions,
    search: Searching,
    server: AskedServer,
    index: IndexUnlessServed = None,
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
    chat: Annotated[
        Path | None,
        typer.Option(
            help="Or a file of conversations, where the run has such: JSON with one or a list of "
            'them, or JSONL; {"messages": […]}, the assistant\'s answer last.'
        ),
    ] = None,
    text2: Annotated[
        str | None, typer.Option(help="The second text, where the run's examples are pairs.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="The label to explain; the file's, else the prediction by default."),
    ] = None,
    only_wrong: Annotated[
        bool, typer.Option("--only-wrong", help="Only queries whose label is not predicted.")
    ] = False,
    measure: Annotated[
        str | None, typer.Option(help="A measure; tracin-we-idf by default.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many proponents and opponents to list.")] = 20,
    span: SpanOf = None,
    bm25: Annotated[bool, typer.Option("--bm25", help="Show the top rows by BM25 beside.")] = False,
    whole: Whole = None,
    by_checkpoint: Annotated[
        bool,
        typer.Option("--by-checkpoint", help="Give each score at each checkpoint, too."),
    ] = False,
    run: MovedRun = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Find the training examples, and the words in them, behind the prediction of each text."""
    check_out(out)
    options.refuse_idle(measure)
    settings = {**options.library(), **server.search(search)}
    server.refuse(run=run, only_wrong=only_wrong)
    with server.opening(index, run) as opened:
        asked = read_queries(
            *(opened.run, server.texts(index, texts), text2, queries, columns, label),
            only_wrong=only_wrong,
            chat=chat,
        )
        told = server.server is None and _tell_streaming(opened, measure, options)
        found = opened.trace(
            asked,
            label,
            measure=measure,
            top=top,
            baselines=["bm25"] if bm25 else [],
            words=by_word(whole, as_json, out),
            by_checkpoint=by_checkpoint,
            span=part_of(span),
            **settings,
        )
    if found.source == "run" and not told:
        say(f"{found.measure} was computed from the run, not from {index or server.server}.")
    emit(found, as_json, out)


def _tell_streaming(index: Any, measure: str | None, options: MeasureOptions) -> bool:
    """Where gradients are computed anew, say so, which index would answer, and what this one can.

    Returns whether it was said.
    """
    if not index.asker.must_stream(measure, **options.library()):
        return False
    from wordtrace.measures.names import AS_HELD, DEFAULT

    held = index.folder.manifest.top_k
    kept = "all positions" if held is None else f"the {held} strongest positions"
    asked = "" if measure is None else f" {measure}"
    wanted = "K" if (measure or DEFAULT) in (*AS_HELD, "tracin-we-topk", "tracin-we-syn") else "all"
    near = ""
    if measure in ("tracin-we-noc", "tracin-we") and held is not None:
        leaving = " --without special,stop" if measure == "tracin-we-noc" else ""
        near = f"; this one answers the like of it at once by --measure tracin-we-topk{leaving}"
    say(
        f"{index.folder.path} keeps {kept} of each text, which can't answer{asked}: the gradients "
        f"of {index.asker.rows.count:,} examples are computed anew at each checkpoint. An index of "
        f"wordtrace index RUN --top-k {wanted} answers in milliseconds{near}."
    )
    return True
