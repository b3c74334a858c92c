"""The library's own questions, for programs: the methods of an index, with the same names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from wordtrace.app.client import ServedIndex
from wordtrace.app.opened import Opened
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError
from wordtrace.measures.options import refuse_unknown
from wordtrace.results.result import Result
from wordtrace.run.run import Run

#: Characters of one text.
LONGEST = 1_000_000
#: Texts in one question, and rows in one list.
MOST = 1000

Text = Annotated[str, Field(max_length=LONGEST)]
Span = Text | tuple[int, int]


class TracesAsked(BaseModel):
    """Texts, and how each is to be explained: what `Index.trace` takes."""

    model_config = ConfigDict(extra="forbid")

    texts: list[Text | tuple[Text, Text] | dict[str, Any] | list[dict[str, Any]]] = Field(
        min_length=1,
        max_length=MOST,
        description="Texts; pairs of texts; or conversations, as {messages: […]} or as lists of "
        "messages. A list of messages alone is one conversation.",
    )
    pair: bool = Field(
        False, description="The two texts are one pair, or a question and its answer."
    )
    label: str | list[str | None] | None = Field(
        None, description="The label to explain, or one for each text; by default the predicted."
    )
    label_source: Literal["given", "file"] = Field(
        "given", description="Whether the labels come from the file of the texts; needs ids."
    )
    ids: list[str] | None = Field(None, description="The texts' ids in the file of them.")
    measure: str | None = Field(None, description="tracin-we-idf by default.")
    top: int = Field(20, ge=1, le=MOST, description="How many proponents and opponents to list.")
    top_k: int | None = Field(None, ge=1, description="How many positions of a text count.")
    baselines: list[str] = Field([], max_length=20, description="Other measures to list, too.")
    words: bool = Field(False, description="Contributions by whole word instead of by token.")
    by_checkpoint: bool = Field(False, description="Each score at each checkpoint, too.")
    span: Span | list[Span | None] | None = Field(
        None, description="The part of an answer to explain, as a text or as [start, end]."
    )
    options: dict[str, str | int | float | list[float] | None] = Field(
        {}, description='Options of the measure, such as {"without": "special,stop"}.'
    )


class MislabelsAsked(BaseModel):
    """What `Index.mislabels` takes."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(
        "combined",
        description="combined, self-influence, opposition, loss or final-loss.",
    )
    top: int = Field(20, ge=1, le=MOST, description="How many rows to list.")
    offset: int = Field(0, ge=0, description="How many rows to skip.")
    label: str | None = Field(None, description="List only rows with this label.")
    planted: list[str] | None = Field(None, description="Ids whose labels were flipped.")
    wrong: list[str] | None = Field(None, description="Ids whose labels are known to be wrong.")
    words: bool = Field(False, description="Whole words instead of tokens.")
    weights: str | list[float] = Field(
        "", description="Multiply each token's part by its idf² (idf), or by numbers."
    )


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that `wordtrace.connect` asks."""
    routes = APIRouter()

    @routes.post("/traces", response_model=dict[str, Any])
    def traces(asked: TracesAsked) -> Response:
        """Trace several texts at once; the answer is what `wordtrace trace --json` prints."""
        refuse_unknown(asked.options, ServedIndex.trace)
        options: dict[str, Any] = dict(asked.options)
        found = opened.index.trace(
            _texts(asked, opened.run),
            None if asked.label_source == "file" else asked.label,
            measure=asked.measure,
            top=asked.top,
            top_k=asked.top_k,
            baselines=asked.baselines,
            words=asked.words,
            by_checkpoint=asked.by_checkpoint,
            span=asked.span,
            **options,
        )
        return _document(found)

    @routes.post("/mislabels", response_model=dict[str, Any])
    def mislabels(asked: MislabelsAsked) -> Response:
        """Rank the rows most likely mislabelled; the answer is that of `wordtrace mislabels`."""
        return _document(opened.index.mislabels(**dict(asked)))

    return routes


def _texts(asked: TracesAsked, run: Run) -> Any:
    """Return the texts as the library takes them; those of a file as Examples."""
    if asked.ids is None:
        return tuple(asked.texts) if asked.pair else asked.texts
    if len(asked.ids) != len(asked.texts):
        raise InputError(f"there are {len(asked.texts)} texts but {len(asked.ids)} ids.")
    labels: Sequence[str | None] = [None] * len(asked.texts)
    if asked.label_source == "file" and isinstance(asked.label, list):
        labels = asked.label
    pairs = [text for text in asked.texts if isinstance(text, tuple)]
    if any(not isinstance(text, str | tuple) for text in asked.texts) or (
        pairs and len(pairs) != len(asked.texts)
    ):
        raise InputError("texts with ids are texts throughout, or pairs of texts throughout.")
    return Examples.of(
        [text[0] if isinstance(text, tuple) else text for text in asked.texts],
        run.labelling.parse_all(labels),
        run.label_names,
        ids=asked.ids,
        texts2=[second for _, second in pairs] or None,
        kind=run.labelling.kind,
    )


def _document(found: Result) -> Response:
    # FastAPI would look at each of a document's thousands of values, and json at each indent.
    text = json.dumps(found.document(), ensure_ascii=False, allow_nan=False)
    return Response(text, media_type="application/json")
