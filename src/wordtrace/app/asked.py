"""How an agent's tool asks the index: from one state of it, with sentences for what is refused."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from wordtrace.app.opened import Opened
from wordtrace.errors import ChangedError, WordtraceError
from wordtrace.report.text import clean

Found = TypeVar("Found")

#: What changes nothing, and looks at nothing but the index.
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


class Asked:
    """An opened index that is opened again when it has changed; several threads may ask it."""

    def __init__(self, opened: Opened) -> None:
        self._opened, self._opening = opened, Lock()

    def __call__(self, question: Callable[[Opened], Found]) -> Found:
        """Answer from one state of the index; what the user can act on is said to the agent."""
        try:
            for _ in range(2):
                try:
                    return self._once(question)
                except ChangedError:
                    with self._opening:
                        self._opened = self._opened.again()
            return self._once(question)
        except WordtraceError as error:
            # A sentence is no JSON, in which the characters of a text could not act.
            raise ToolError(clean(str(error), newlines=False)) from None

    def _once(self, question: Callable[[Opened], Found]) -> Found:
        opened = self._opened
        opened.check()
        found = question(opened)
        opened.check()
        return found
