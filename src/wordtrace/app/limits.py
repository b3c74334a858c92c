"""How much a question may hold, so that no single one fills the server's memory."""

from __future__ import annotations

from contextlib import suppress

from wordtrace.app.asgi import Asgi, Message, Receive, Send, refuse

#: Bytes of a body: the numbers of a million rows, or a text of a book's length.
LARGEST = 16 << 20


class Limited:
    """An ASGI application that refuses bodies over a size with 413 and a sentence."""

    def __init__(self, app: Asgi, largest: int = LARGEST) -> None:
        self.app, self.largest = app, largest

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sentence = f"The body is over {self.largest:,} bytes; ask for less at once."
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said) > self.largest:
            await refuse(413, sentence, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.largest:
                raise _TooLargeError
            return message

        async def unless_too_large(message: Message) -> None:
            # The application takes the error for one of its own, and answers with it.
            if taken <= self.largest:
                await send(message)

        with suppress(_TooLargeError):
            await self.app(scope, counted, unless_too_large)
        if taken > self.largest:
            await refuse(413, sentence, send)


class _TooLargeError(Exception):
    """A body whose length was not said turned out too large."""
