"""An agent's tool that decides about rows; only for whoever allows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from wordtrace.app.asked import Asked
from wordtrace.app.opened import Opened

Row = Annotated[int, Field(ge=0, le=1 << 40)]

#: A decision can be undone, and changes neither the data nor the index: a patch is applied later.
DECIDES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)


def add_decisions(server: MCPServer[Any], ask: Asked) -> None:
    """Add the tool that decides; `clear` takes back."""

    @server.tool(annotations=DECIDES)
    def decide(
        rows: Annotated[
            list[Row], Field(min_length=1, max_length=1000, description="The rows' numbers.")
        ],
        action: Annotated[
            Literal["keep", "relabel", "remove", "edit", "clear"],
            Field(description="keep: checked, right as it is; clear: take back what was decided."),
        ],
        why: Annotated[
            str, Field(min_length=1, description="A sentence for the person who reads the patch.")
        ],
        label: Annotated[str | None, Field(description="For relabel: the right label.")] = None,
        text: Annotated[str | None, Field(description="For edit: the right text.")] = None,
    ) -> dict[str, Any]:
        """Decide about rows in the review, as a person does in the app; the data is not changed.

        What is decided becomes a patch, which a person reads and applies.
        """

        def question(opened: Opened) -> dict[str, Any]:
            found = opened.index.row_table.read(np.array(rows, np.int64), suspicion=False)
            ids = [one.id for one in found]
            count = opened.review.decide(ids, action, label=label, text=text, why=why)
            return {"rows": count, "counts": opened.review.counts()}

        return ask(question)
