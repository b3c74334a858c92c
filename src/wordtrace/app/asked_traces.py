"""Traces that a page or a program asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from threading import Lock
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from wordtrace.app import reviews
from wordtrace.app.opened import Opened
from wordtrace.asking.predictions import probabilities
from wordtrace.asking.question import Asked
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError
from wordtrace.explain.trace import Trace
from wordtrace.measures.catalogue import measures as catalogue
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.report.sentences import prediction_sentence, share_sentence, trace_sentence

#: Of so many rows the texts are read in about a second.
_READ_AT_ONCE = 5000


def _told(name: str) -> str:
    """Return what the library says of a measure's option."""
    told: str = next(one.metadata["help"] for one in fields(Options) if one.name == name)
    return told


class Message(BaseModel):
    """What one speaker of a conversation says."""

    role: str = Field(description="Such as user, assistant or system.")
    content: str


class TraceAsked(BaseModel):
    """What is to be explained, and how. Give a text, messages, or the row of an example."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(
        None,
        description="The text; of a language model's run a question, an answer in `text2`, or a "
        "conversation as a JSON document.",
    )
    text2: str | None = Field(None, description="The second text of a pair, or the answer.")
    messages: list[Message] | None = Field(
        None, description="A conversation; the last message of the assistant's is explained."
    )
    row: int | None = Field(
        None, ge=0, description="A row of the index in place of a text: why is it so predicted?"
    )
    label: str | None = Field(
        None, description="The label to explain; by default the one that the model predicts."
    )
    measure: str | None = Field(None, description="A name of /api/measures; the index's own.")
    top: int = Field(20, ge=1, le=1000, description="How many proponents and opponents to list.")
    words: bool = Field(True, description="Contributions by whole word; else by token.")
    by_checkpoint: bool = Field(True, description="Each score at each checkpoint, too.")
    span: str | tuple[int, int] | None = Field(
        None,
        description="Of a language model's answer: the part to explain, a text that stands there "
        "once, or [start, end] in characters (code points).",
    )
    without: Annotated[
        list[Literal["special", "stop"]],
        Field(description="Kinds of tokens that have no part in a score."),
    ] = []
    weights: Literal["idf"] | None = Field(None, description=_told("weights"))
    top_k: int | None = Field(None, ge=1, description="Positions that count in a text.")
    frequent: float | None = Field(None, description=_told("frequent"))
    synonym_cosine: float | None = Field(None, description=_told("synonym_cosine"))
    damping: float | None = Field(None, description=_told("damping"))
    l2: float | None = Field(None, description=_told("l2"))
    seed: int | None = Field(None, description=_told("seed"))

    def options(self) -> dict[str, Any]:
        """Return what was set of the measure's options, as the library takes them."""
        names = ("frequent", "synonym_cosine", "damping", "l2", "seed", "weights")
        given = {name: getattr(self, name) for name in names}
        given["without"] = ",".join(sorted(set(self.without))) or None
        return {name: value for name, value in given.items() if value is not None}

    def asked(self, opened: Opened) -> tuple[Asked, Examples | None]:
        """Return what is asked as the library takes it, and the example if it is one's row.

        Raises
        ------
        InputError
            Unless it is one thing, which is there.
        """
        given = [one for one in (self.text, self.messages, self.row) if one is not None]
        if len(given) != 1:
            raise InputError("give one of text, messages and row.")
        if self.text2 is not None and self.text is None:
            raise InputError("text2 goes with a text; leave it out.")
        if self.messages is not None:
            return {"messages": [one.model_dump() for one in self.messages]}, None
        if self.row is None:
            assert self.text is not None
            return (self.text if self.text2 is None else (self.text, self.text2)), None
        folder = opened.index.folder
        if self.row >= folder.manifest.examples or self.row in folder.removed:
            raise InputError(f"the index has no row {self.row}; it has {folder.count:,} examples.")
        example = folder.take(np.array([self.row]), opened.run)
        text = example.texts[0]
        return (text if example.texts2 is None else (text, example.texts2[0])), example


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that answer why a model predicts what it does."""
    routes, anew = APIRouter(tags=["why"]), Lock()

    @routes.get("/measures")
    def measures() -> dict[str, Any]:
        """List the measures: what each is, and whether this index answers it at once.

        Of what is not `at_once`, all examples are passed through the model or read anew, which can
        take minutes; `cost` says what is done.
        """
        return listed(opened)

    @routes.post("/trace", response_model=dict[str, Any])
    def trace(asked: TraceAsked) -> Response:
        """Find the training examples, and the words in them, behind a prediction.

        The answer is the document of `wt.Trace` (`wordtrace trace --json`). Beside it stand `rows`,
        `predicted` and `decisions`: of each proponent and opponent its row in the index, the
        model's prediction, and what the review decided, or null; `probabilities` of all labels;
        `row` and `example` (its id and label), where one was asked about.
        """
        if at_once(opened, asked.measure, asked.top_k, **asked.options()):
            found = answered(opened, asked)
        elif anew.acquire(blocking=False):
            try:
                found = answered(opened, asked)
            finally:
                anew.release()
        else:
            raise InputError(
                "another answer is being computed from the run, which takes all cores; ask again "
                "when it is done."
            )
        # FastAPI would go through each of a document's thousands of values to see what it is.
        return Response(json.dumps(found), media_type="application/json")

    return routes


def listed(opened: Opened) -> dict[str, Any]:
    """Return the measures, the default first, and how this index answers each."""
    default = opened.index.asker.way().name
    found = []
    for one in catalogue()["measures"]:
        if ":" in one["name"]:  # of layers that the caller names
            continue
        found.append({**one, "at_once": at_once(opened, one["name"], None)})
    found.sort(key=lambda one: (one["name"] != default, not one["at_once"]))
    return {"default": default, "examples": opened.index.folder.count, "measures": found}


def at_once(opened: Opened, name: str | None, top_k: int | None, **options: Any) -> bool:
    """Tell whether a measure is answered in about a second, from the index or from few texts."""
    way = opened.index.asker.way(name, top_k, **options)
    if way.rows.indexed:
        return True
    return not measure(way.name).about.passes and way.rows.count <= _READ_AT_ONCE


def answered(opened: Opened, asked: TraceAsked) -> dict[str, Any]:
    """Return the document of a trace, and what is known of the rows that it lists."""
    texts, example = asked.asked(opened)
    found = opened.index.trace(
        texts,
        asked.label,
        measure=asked.measure,
        top=asked.top,
        top_k=asked.top_k,
        words=asked.words,
        by_checkpoint=asked.by_checkpoint,
        span=asked.span,
        **asked.options(),
    )
    each: dict[str, float] = {}
    if not opened.run.generates:  # a question alone would be answered once more
        (each,) = probabilities(opened.run, opened.index.asker.question(texts))
    document = found.document()
    return {
        **document,
        **beside(opened, found),
        "row": asked.row,
        "example": None if example is None else told_of(opened, example),
        "probabilities": each,
        "sentences": sentences(document),
    }


def told_of(opened: Opened, example: Examples) -> dict[str, str]:
    """Return the id and the label of the row that is asked about."""
    return {"id": example.ids[0], "label": opened.run.labelling.spell(example.labels[0])}


def sentences(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says of the only query: its prediction, its words, how it was found."""
    (query,) = document["queries"]
    return {
        "prediction": prediction_sentence(query),
        "shares": share_sentence(query),
        "trace": trace_sentence(document),
    }


def beside(opened: Opened, found: Trace) -> dict[str, Any]:
    """Return the listed examples' rows in the index, their predictions, and what is decided."""
    folder, (query,) = opened.index.folder, found.queries
    predicted = folder.table["predicted_final"]
    sides = {"proponents": query.proponents, "opponents": query.opponents}
    rows = {side: folder.rows_of([hit.id for hit in hits]).tolist() for side, hits in sides.items()}
    told = {side: [str(predicted[row].as_py()) for row in rows[side]] for side in rows}
    decided = {
        side: [reviews.shown(opened.review.decision(hit.id)) for hit in hits]
        for side, hits in sides.items()
    }
    steps = [
        {"step": one.step, "epoch": one.epoch, "name": one.name} for one in opened.run.checkpoints
    ]
    return {"rows": rows, "predicted": told, "decisions": decided, "checkpoints": steps}
