"""``wordtrace words``."""

from __future__ import annotations

from typing import Annotated

import typer

from wordtrace.cli.measure_options import SpanOf, part_of
from wordtrace.cli.output import Json, Out, Whole, by_word, check_out, emit
from wordtrace.cli.places import RunFolder


def words(
    run: RunFolder,
    text: Annotated[str, typer.Argument(help="A text.")],
    text2: Annotated[
        str | None, typer.Argument(help="Another one, to compare the two word by word.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="The label meant of TEXT; by default the predicted one.")
    ] = None,
    label2: Annotated[
        str | None, typer.Option(help="The label meant of TEXT2; by default the predicted one.")
    ] = None,
    pair: Annotated[
        str | None,
        typer.Option(help="The second text of TEXT, where the run's examples are pairs."),
    ] = None,
    pair2: Annotated[str | None, typer.Option(help="The same of TEXT2.")] = None,
    span: SpanOf = None,
    span2: Annotated[
        str | None, typer.Option(metavar="TEXT|START:END", help="The same of TEXT2's answer.")
    ] = None,
    checkpoint: Annotated[
        int | None,
        typer.Option(help="The step at which importance is taken; by default the final model."),
    ] = None,
    whole: Whole = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Weigh each word of a text; with a second one, tell which words make the two alike."""
    from wordtrace.analysis.words import words as weigh
    from wordtrace.errors import InputError
    from wordtrace.run.run import Run

    check_out(out)
    if text2 is None and (label2 is not None or pair2 is not None or span2 is not None):
        raise InputError("--label2, --pair2 and --span2 go with a second text; give TEXT2.")
    found = weigh(
        Run.open(run),
        text if pair is None else (text, pair),
        text2 if text2 is None or pair2 is None else (text2, pair2),
        label=label,
        label2=label2,
        checkpoint=checkpoint,
        words=by_word(whole, as_json, out),
        span=part_of(span),
        span2=part_of(span2),
    )
    emit(found, as_json, out)
