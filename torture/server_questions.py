"""Whole questions over HTTP that should be refused, or answered and do no harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from torture.attempts import Attempt
from torture.served import Served
from torture.server_api import judged

#: Names under which the server was not started, and what is none at all.
HOSTS = (
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example@127.0.0.1",
    "127.0.0.1@evil.example",
    "[",
    "]",
    "[::1",
    "[::1]evil",
    "[v1.x]",
    "",
    " ",
    "0",
    "a" * 10_000,
    "127.0.0.1:99999999",
    "127.0.0.1:x",
    "127.0.0.1:-1",
    "%00",
    "\xff\xfe",
    "127.0.0.1/../x",
    "127.0.0.1#x",
)
ORIGINS = (
    "http://evil.example",
    "https://127.0.0.1",
    "null",
    "",
    "http://[",
    "http://]",
    "http://[::1",
    "//[",
    "http://127.0.0.1:1",
    "http://evil.example@127.0.0.1",
    "javascript:alert(1)",
    "file://",
    "\xff",
    "a" * 10_000,
    "http://\u2100.example".encode().decode("latin-1"),
)
_TOKENS = (
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    "bearer a-token-of-torture",
    "Basic YTph",
    "Bearer \xff\xfe",
    "Bearer a-token-of-tortur",
    "Bearer Bearer a-token-of-torture",
    "a" * 10_000,
)
_COOKIES = (
    "",
    "wordtrace-{port}=x",
    "wordtrace-{port}=",
    'wordtrace-{port}="',
    "wordtrace-{port}=\xff",
    "wordtrace-1=a-token-of-torture",
    "=;=;=",
    "$Version=1; x",
    "a[b]=c",
    ";" * 10_000,
    "\\",
)
_METHODS = ("PUT", "PATCH", "OPTIONS", "TRACE", "HEAD", "PROPFIND", "get", "X" * 200, "CONNECT")
_TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "application/xml",
    "application/json; charset=utf-16",
    "application/json; charset=nothing",
    "application/vnd.x+json",
    "application/",
    "/",
    "",
    "\xff",
    "a" * 10_000,
)
_PATHS = (
    "/static/../server.py",
    "/static/%2e%2e/server.py",
    "/static/..%2fserver.py",
    "/static/%2e%2e%2fserver.py",
    "/static/%252e%252e/server.py",
    "/static/....//server.py",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/..\\server.py",
    "/static/..%5cserver.py",
    "/static/main.js%00.html",
    "/static/%00",
    "/static/",
    "/static",
    "/static/vendor",
    "/static/vendor/..",
    "/static/.",
    "/static/" + "a" * 5_000,
    "/static/" + "a/" * 1_000,
    "/static/" + "../" * 50 + "etc/passwd",
    "/static/%ff%fe",
    "/static/main.js/",
    "//etc/passwd",
    "//evil.example/",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/etc/passwd",
    "/file:///etc/passwd",
    "/api/../run.json",
    "/api/%2e%2e/run.json",
    "/api/studies/..%2f..%2frun.json",
    "/api/studies/%2e%2e%2f%2e%2e%2frun.json",
    "/api/studies/..",
    "/api/studies/%2e%2e",
    "/api/studies/%00",
    "/api/studies/" + "a" * 5_000,
    "/api/studies/%2fetc%2fpasswd",
    "/api/proofs/..",
    "/api/proofs/-1",
    "/api/proofs/1e9",
    "/api/proofs/" + "9" * 5_000,
    "/api/proofs/%00/result",
    "/api/proofs/0/report",
    "/api/proofs/0/patch",
    "/api/rows/-1",
    "/api/rows/" + "9" * 4_000,
    "/api/rows/0x10",
    "/api/rows/nan",
    "/api/rows?limit=-1",
    "/api/rows?limit=" + "9" * 5_000,
    "/api/rows?offset=" + "9" * 30,
    "/api/rows?loss_from=nan&loss_to=inf",
    "/api/rows?loss_from=1e999",
    "/api/rows?q=" + quote('"' * 1_000),
    "/api/rows?q=" + "a+" * 5_000,
    "/api/rows?q=%ff%00%ed%a0%80",
    "/api/rows?sort=__class__",
    "/api/rows?decision=" + "a" * 1_000,
    "/api/rows?" + "&".join(f"f{number}=1" for number in range(5_000)),
    "/api/rows?label=" + "&label=".join("ab"),
    "/api/rows/distribution?column=__dict__",
    "/api/groups/duplicates?threshold=nan",
    "/api/groups/duplicates?threshold=-1",
    "/api/groups/duplicates?threshold=1e-300",
    "/api/groups/duplicates/spare?threshold=inf",
    "/api/suspects?by=../x",
    "/api/review/decisions?offset=" + "9" * 25,
    "/api/" + "a/" * 2_000,
    "/api/openapi.json/..",
    "/docs",
    "/redoc",
    "/?" + "a" * 50_000,
    "/*",
    "*",
)
#: Routes with a body.
_POSTS = (
    "/api/trace",
    "/api/traces",
    "/api/mislabels",
    "/api/proofs/plan",
    "/api/proofs",
    "/api/report",
    "/api/review",
)


def attacks(server: Served, *, short: bool) -> Iterator[Attempt]:
    """Yield what came of strangers, odd addresses, methods, types and bodies."""
    yield from strangers(server)
    yield from _tokens(server)
    for path in _PATHS[::4] if short else _PATHS:
        answer = server.ask("GET", path)
        attempt = judged("addresses", path, answer)
        leaks = b"root:" in answer.body or b"def " in answer.body or b'"checkpoints"' in answer.body
        yield Attempt(attempt.group, attempt.what, "wrong", "a file") if leaks else attempt
    for path in ("/api/index", "/api/trace", "/", "/static/main.js", "/api/proofs/0"):
        for method in _METHODS:
            answer = server.ask(method, path)
            if method == "HEAD":
                # Its answer has no body by definition.
                end = "crashed" if answer.status >= 500 or answer.body else "right"
                yield Attempt(
                    "methods", f"{method} {path}", "right" if end == "right" else "crashed"
                )
            else:
                yield judged("methods", f"{method[:20]} {path}", answer)
    body = json.dumps({"text": "a", "texts": ["a"]}).encode()
    for path in _POSTS[:2] if short else _POSTS:
        for kind in _TYPES:
            headers = {"Content-Type": kind}
            yield judged(
                "content types", f"{path} {kind[:50]}", server.ask("POST", path, body, headers)
            )
    for name, data in _bodies().items():
        for path in _POSTS[:2] if short else _POSTS:
            answer = server.ask("POST", path, data, {"Content-Type": "application/json"})
            yield judged("bodies", f"{path} {name}", answer)
    yield from _headers(server)


def strangers(server: Served) -> Iterator[Attempt]:
    """Yield what came of names that are not the server's, and of pages of other sites."""
    for host in HOSTS:
        answer = server.ask("GET", "/api/index", headers={"Host": host}, token=False)
        yield _refused("a wrong Host", host, answer)
    for origin in ORIGINS:
        for method, path in (("GET", "/api/index"), ("POST", "/api/review/undo")):
            answer = server.ask(method, path, headers={"Origin": origin})
            yield _refused("a wrong Origin", f"{method} {origin[:60]}", answer)
    for site in ("cross-site", "same-site", "x", "\xff"):
        answer = server.ask("GET", "/api/index", headers={"Sec-Fetch-Site": site})
        yield _refused("a page of another site", site, answer)


def _refused(group: str, what: str, answer: Any) -> Attempt:
    # What is no HTTP is refused in plain text, by the library of HTTP.
    if answer.status == 400 and answer.body == b"Invalid HTTP request received.":
        return Attempt(group, ascii(what)[:160], "refused")
    return judged(group, what, answer, 401, 403, 421)


def _tokens(server: Served) -> Iterator[Attempt]:
    for token in _TOKENS:
        answer = server.ask("GET", "/api/index", headers={"Authorization": token}, token=False)
        yield _refused("a forged token", token[:60], answer)
        answer = server.ask("POST", "/api/session", headers={"Authorization": token}, token=False)
        yield _refused("a forged token", f"session {token[:60]}", answer)
    for cookie in _COOKIES:
        given = {"Cookie": cookie.format(port=server.port)}
        answer = server.ask("GET", "/api/index", headers=given, token=False)
        yield _refused("a forged cookie", cookie[:60], answer)


def _bodies() -> dict[str, bytes]:
    many = json.dumps({f"f{number}": number for number in range(10_000)}).encode()
    texts = json.dumps({"texts": ["a"] * 10_001}).encode()
    return {
        "nothing": b"",
        "null": b"null",
        "a list": b"[]",
        "a number": b"1",
        "a text": b'"a"',
        "half": b'{"text": "a',
        "NaN": b'{"text": "a", "top": NaN}',
        "infinity": b'{"text": "a", "top": 1e999}',
        "a large number": b'{"text": "a", "texts": ["a"], "top": ' + b"9" * 5_000 + b"}",
        "a large negative number": b'{"text": "a", "texts": ["a"], "top_k": -'
        + b"9" * 4_000
        + b"}",
        "a number over 64 bits": b'{"texts": ["a"], "text": "a", "top_k": 36893488147419103232}',
        "deep lists": b"[" * 100_000,
        "deep lists, closed": b"[" * 50_000 + b"]" * 50_000,
        "deep objects": b'{"text":' * 50_000 + b"1" + b"}" * 50_000,
        "deep options": b'{"texts": ["a"], "options": {"x": ' + b"[" * 900 + b"]" * 900 + b"}}",
        "10,000 fields": many,
        "10,001 texts": texts,
        "a key twice": b'{"text": "a", "text": 1, "texts": ["a"], "texts": 1}',
        "UTF-16": '{"text": "a", "texts": ["a"]}'.encode("utf-16"),
        "UTF-32": '{"text": "a", "texts": ["a"]}'.encode("utf-32"),
        "a byte order mark": b'\xef\xbb\xbf{"text": "a", "texts": ["a"]}',
        "no UTF-8": b'{"text": "\xff\xfe"}',
        "half a character": b'{"text": "\\ud800", "texts": ["\\ud800"], "why": "\\ud800"}',
        "NUL": b'{"text": "\\u0000", "texts": ["\\u0000"]}',
        "an empty text": b'{"text": "", "texts": [""]}',
        "a megabyte of text": b'{"text": "' + b"x" * 1_000_000 + b'", "texts": ["x"]}',
        "a million spaces": b'{"text": "a", "texts": ["a"]' + b" " * 1_000_000 + b"}",
        "names of Python": b'{"__class__": {"__init__": 1}, "text": "a", "options": {"self": 1}}',
        "a path as measure": b'{"text": "a", "texts": ["a"], "measure": "../../x"}',
        "an executor": b'{"texts": ["a"], "options": {"executor": "ray", "address": "evil:1"}}',
        "a document": b'{"documents": [{"format": "wordtrace-trace", "version": 1}]}',
        "a document of another kind": b'{"documents": [{"format": "../x", "version": "1"}]}',
        "ids that are no ids": b'{"ids": ["../x"], "rows": [-1, 1e30], "action": "keep"}',
        "an unknown action": b'{"rows": [0], "action": "rm -rf"}',
        "rows of all kinds": b'{"rows": [0.5, true, null, "0"], "action": "keep"}',
        "gzip": b"\x1f\x8b\x08\x00" + b"\0" * 100,
    }


def _headers(server: Served) -> Iterator[Attempt]:
    large = {
        "a header of a megabyte": {"X-Large": "x" * 1_000_000},
        "10,000 headers": {f"X-{number}": "1" for number in range(90)},
        "a header without a name": {"X": ""},
        "an encoding": {"Content-Encoding": "gzip"},
        "a range": {"Range": "bytes=0-" + ",0-" * 1_000},
        "a wrong range": {"Range": "bytes=9999999999-1"},
        "an upgrade": {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x"},
        "an upgrade to HTTP/2": {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"},
        "another method": {"X-HTTP-Method-Override": "DELETE"},
        "forwarded": {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "evil.example"},
        "a time": {"If-Modified-Since": "x" * 100, "If-None-Match": "*"},
        "an expectation": {"Expect": "200-nothing"},
    }
    for name, headers in large.items():
        for path in ("/api/index", "/static/main.js", "/"):
            try:
                answer = server.ask("GET", path, headers=headers)
            except (ConnectionError, OSError):
                # The connection is closed before a megabyte is taken.
                yield Attempt("headers", f"{name} {path}", "refused")
                continue
            if answer.body == b"Invalid HTTP request received." or answer.status == 416:
                yield Attempt("headers", f"{name} {path}", "refused")
            else:
                yield judged("headers", f"{name} {path}", answer)
