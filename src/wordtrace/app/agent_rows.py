"""An agent's tools that read rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from mcp.server.mcpserver import MCPServer
from pydantic import Field

from wordtrace.act.filters import Filters
from wordtrace.app.asked import READS, Asked
from wordtrace.app.brief import LONGEST
from wordtrace.app.opened import Opened

Sort = Literal["row", "id", "label", "predicted", "suspicion", "loss", "self_influence"]


def add_row_tools(server: MCPServer[Any], ask: Asked) -> None:
    """Add the tools that find rows and read one."""

    @server.tool(annotations=READS)
    def row(
        row: Annotated[int, Field(ge=0, le=1 << 40, description="The row's number.")],
    ) -> dict[str, Any]:
        """Read one training row whole: text, label, prediction, loss, and what is decided."""

        def question(opened: Opened) -> dict[str, Any]:
            (found,) = opened.index.row_table.read(np.array([row], np.int64))
            return {**found.document(), **_decision(opened, found.id)}

        return ask(question)

    @server.tool(annotations=READS)
    def find_rows(
        words: Annotated[
            str | None,
            Field(description='Words that must all stand in the text; a "quoted phrase" as it is.'),
        ] = None,
        label: Annotated[str | None, Field(description="The label in the data.")] = None,
        predicted: Annotated[str | None, Field(description="What the model predicts.")] = None,
        right: Annotated[
            bool | None, Field(description="Whether the model predicts the label.")
        ] = None,
        loss_from: Annotated[float | None, Field(description="The lowest loss.")] = None,
        suspicion_from: Annotated[
            float | None, Field(description="The lowest suspicion that the label is wrong.")
        ] = None,
        decision: Annotated[
            str | None,
            Field(description="What the review decided: keep, relabel, remove, edit, none, any."),
        ] = None,
        sort: Annotated[Sort, Field(description="The column that orders the rows.")] = "row",
        descending: Annotated[bool, Field(description="Highest first.")] = False,
        offset: Annotated[int, Field(ge=0, description="How many rows to pass over.")] = 0,
        limit: Annotated[int, Field(ge=1, le=100, description="How many rows to list.")] = 10,
    ) -> dict[str, Any]:
        """Find training rows by words, label, prediction or figures; long texts are cut."""

        def question(opened: Opened) -> dict[str, Any]:
            found = opened.index.row_table.rows(
                Filters(
                    q=words,
                    label=label,
                    predicted=predicted,
                    right=right,
                    loss_from=loss_from,
                    suspicion_from=suspicion_from,
                    decision=decision,
                ),
                sort=sort,
                descending=descending,
                offset=offset,
                limit=limit,
                cut=LONGEST,
                marks=None if decision is None else opened.review.marks(),
            )
            listed = found.document()
            return {name: listed[name] for name in ("total", "matching", "offset", "rows")}

        return ask(question)

    @server.tool(annotations=READS)
    def decisions() -> dict[str, Any]:
        """Tell what the review has decided so far: how many rows, and the latest 20 of them."""

        def question(opened: Opened) -> dict[str, Any]:
            latest = opened.review.decisions()[:-21:-1]
            return {
                "counts": opened.review.counts(),
                "latest": [
                    {"row": opened.index.folder.rows.get(one.id), **one.document()}
                    for one in latest
                ],
            }

        return ask(question)


def _decision(opened: Opened, id: str) -> dict[str, Any]:
    found = opened.review.decision(id)
    return {} if found is None else {"decision": found.document()}
