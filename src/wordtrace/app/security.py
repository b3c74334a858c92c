"""What guards every answer of the server: who may ask, from where, and what a page may do."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from wordtrace.app.asgi import Asgi, Message, Receive, Send, refuse

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
        Where it is not None, what all below /api/ asks for: `Authorization: Bearer …` from a
        program, or the cookie that :mod:`.sessions` gives a browser for it. The server may then be
        reached under any name: a foreign name can't be used to get past a token.
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

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                held = {name.lower() for name, _ in message["headers"]}
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in more if pair[0] not in held),
                ]
            await send(message)

        refused = self._refused(headers, scope["path"])
        if refused is None:
            await self.app(scope, receive, guarded)
        else:
            await refuse(*refused, guarded)

    def _refused(self, headers: Mapping[str, str], path: str) -> tuple[int, str] | None:
        host = _host(headers.get("host", ""))
        if host is None or (self.token is None and host not in self.hosts):
            return 421, f"This server does not answer under the name {host!r}."
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != headers["host"].lower():
            return 403, "Pages of other sites may not ask this server."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "Pages of other sites may not ask this server."
        if self.token is not None and path.startswith("/api/"):
            return self._without_token(headers, path)
        return None

    def _without_token(self, headers: Mapping[str, str], path: str) -> tuple[int, str] | None:
        assert self.token is not None
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if not given and path != "/api/session":
            given = _cookie(headers.get("cookie", ""), cookie_name(headers["host"]))
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return None
        said = "This is not the server's token" if given else "This server wants its token"
        return 401, f"{said}: a program gives it by the header Authorization: Bearer TOKEN."


def cookie_name(host: str) -> str:
    """Return the name of a server's cookie; a browser has one jar for all ports of a machine."""
    port = re.search(r":(\d+)$", host)
    return f"wordtrace-{port[1] if port else 80}"


#: A Host header is a name or an address, and perhaps a port: what else a reader of addresses would
#: forgive (a user's name, a path, a port that is none) was not sent by a browser.
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.IGNORECASE)


def _host(given: str) -> str | None:
    found = _HOST.fullmatch(given)
    return found and found[1].strip("[]").lower()


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _cookie(given: str, name: str) -> str:
    try:
        found = SimpleCookie(given).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value
