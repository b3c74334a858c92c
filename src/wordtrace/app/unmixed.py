"""Nothing is answered from an index that changed meanwhile."""

from __future__ import annotations

from wordtrace.app.asgi import Asgi, Message, Receive, Send, refuse
from wordtrace.app.opened import Opened
from wordtrace.errors import ChangedError

#: What may be asked of a server whose index has changed.
ALWAYS = ("/api/index/open", "/api/session", "/api/openapi.json")


class Unmixed:
    """An ASGI application that checks the index before and after each answer below /api.

    The beginning of an answer is held back until its first part is there. If the index on disk is
    another one by then, the answer is 409 with a sentence instead: so no route has to look, and
    what a route says is of one state of the index.
    """

    def __init__(self, app: Asgi, opened: Opened) -> None:
        self.app, self.opened = app, opened

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, or say that the index has changed."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith("/api/") or path in ALWAYS:
            await self.app(scope, receive, send)
            return
        changed = self._changed()
        if changed is not None:
            await refuse(409, changed, send)
            return
        held: list[Message] = []
        refused = False

        async def checked(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                held.append(message)
                return
            if held:
                changed = self._changed()
                if changed is None:
                    await send(held.pop())
                else:
                    held.clear()
                    refused = True
                    await refuse(409, changed, send)
            if not refused:
                await send(message)

        await self.app(scope, receive, checked)

    def _changed(self) -> str | None:
        try:
            self.opened.check()
        except ChangedError as error:
            return str(error)
        return None
