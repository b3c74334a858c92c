"""An index that changed is opened again, while the server stays."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from fastapi import APIRouter

from wordtrace.app.about import describe
from wordtrace.app.asgi import Asgi, Message, Receive, Send
from wordtrace.app.opened import Opened
from wordtrace.errors import ChangedError


class Reopenable:
    """An ASGI application over an opened index, made anew for each state of it.

    So whatever the routes keep of an index belongs to one state, and goes with it. Questions that
    are being answered meanwhile come to their end in the application in which they began.

    Parameters
    ----------
    make
        Makes the application of an opened index; the route that opens it again comes from
        :func:`router`.
    """

    def __init__(
        self, opened: Opened, make: Callable[[Opened, Callable[[], Opened]], Asgi]
    ) -> None:
        self.opened, self._make = opened, make
        self._opening = Lock()
        self._app = make(opened, self.open_again)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer from the index as it was last opened."""
        await self._app(scope, receive, send)

    def open_again(self) -> Opened:
        """Open the index again if it has changed; what is opened now is returned.

        Raises
        ------
        WordtraceError
            When it is not there, not whole, or not of its run; then what was opened stays.
        """
        with self._opening:
            try:
                self.opened.check()
            except ChangedError:
                found = self.opened.again()
                self._app = self._make(found, self.open_again)
                self.opened.index.close()
                self.opened = found
            return self.opened


def router(open_again: Callable[[], Opened]) -> APIRouter:
    """Return the route below /api that opens the index again."""
    routes = APIRouter()

    @routes.post("/index/open")
    def open_index() -> dict[str, Any]:
        """Open the index again after it was built anew or changed (answers 409 ask for this).

        The answer is that of GET /api/index. An index that has not changed stays as it is.
        """
        return describe(open_again())

    return routes
