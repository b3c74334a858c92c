"""What guards every answer of the server: who may ask, from where, and what a page may do."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

#: Names under which a browser on this machine reaches the server.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guarded:
    """An ASGI application that only its own pages, and programs with its token, may ask.

    A page of another site is kept out by three checks: the name under which the server was reached
    (Host), the page that asks (Origin, Sec-Fetch-Site), and the headers, by which a browser loads
    and asks nothing but this server.

    Parameters
    ----------
    hosts
        Names under which the server may be reached, beside those of this machine.
    token
        Where it is not None, what `Authorization: Bearer …` must hold for all below /api.
    """

    def __init__(self, app: Asgi, *, hosts: Collection[str] = (), token: str | None = None) -> None:
        self.app, self.token = app, token
        self.hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        refused = self._refused(headers, scope["path"])

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                held = {name.lower() for name, _ in message["headers"]}
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in more if pair[0] not in held),
                ]
            await send(message)

        if refused is None:
            await self.app(scope, receive, guarded)
        else:
            await _answer(refused, guarded)

    def _refused(self, headers: Message, path: str) -> tuple[int, str] | None:
        host = urlsplit("//" + headers.get("host", "")).hostname
        if host is None or host.lower() not in self.hosts:
            return 421, f"This server does not answer under the name {host!r}."
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != headers["host"].lower():
            return 403, "Pages of other sites may not ask this server."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "Pages of other sites may not ask this server."
        if self.token is not None and path.startswith("/api"):
            given = headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                return 401, "This server wants its token: Authorization: Bearer TOKEN."
        return None


async def _answer(refused: tuple[int, str], send: Send) -> None:
    import json

    status, sentence = refused
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
