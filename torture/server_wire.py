"""What comes over the wire and is half a question, a slow one, a huge one, or none."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

from torture.attempts import Attempt, End
from torture.sandbox import PATIENCE
from torture.served import Served

#: What is no question, or only the beginning of one.
_PIECES: dict[str, bytes] = {
    "nothing": b"",
    "a line end": b"\r\n\r\n",
    "half a first line": b"GET /api/in",
    "half a header": b"GET /api/index HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    "no body": b"POST /api/trace HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n",
    "half a body": b"POST /api/trace HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
    "half a piece": b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "a wrong piece": b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{",
    "a huge piece": b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"f" * 40,
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "a length and pieces": b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/index HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length below zero": b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length of 5,000 digits": b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: "
    + b"9" * 5_000
    + b"\r\n\r\n",
    "a length of 19 digits": b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: "
    + b"9" * 19
    + b"\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "HTTP/9.9": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "TLS": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 200,
    "zeros": b"\0" * 10_000,
    "bytes": bytes(range(256)) * 100,
    "a long first line": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "a header with NUL": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "10,000 headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: 1\r\n" * 10_000 + b"\r\n",
    "an absolute address": b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a proxy's question": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
}


def attacks(server: Served, *, short: bool) -> Iterator[Attempt]:
    """Yield what came of pieces, of questions that are cut off, and of slow and huge ones."""
    row = server.ask("GET", "/api/rows/0").body
    for name, piece in _PIECES.items():
        for close in (True, False):
            yield _piece(server, name, piece, close=close)
    yield from _cut_off(server, row, 20 if short else 200)
    yield from _slow(server, row, 50 if short else 400)
    for size in (20,) if short else (20, 100):
        for chunked in (False, True):
            yield _huge(server, size << 20, chunked=chunked)


def _piece(server: Served, name: str, piece: bytes, *, close: bool) -> Attempt:
    """Send bytes, then the end, or wait a moment and go; what is answered is never a failure."""
    what = f"{name}, {'ended' if close else 'left'}"
    with _connected(server) as wire:
        answer = b""
        with suppress(OSError):
            wire.sendall(piece)
            if close:
                wire.shutdown(socket.SHUT_WR)
            wire.settimeout(PATIENCE if close else 0.05)
            while part := wire.recv(1 << 16):
                answer += part
    end = judged(answer)
    return Attempt("pieces of HTTP", what, end, "" if end == "refused" else ascii(answer)[:300])


def judged(answer: bytes) -> End:
    """Judge what came back to bytes that hold no token: nothing of the index, and no failure."""
    found = {int(one) for one in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)}
    if any(status >= 500 for status in found):
        return "crashed"
    told = any(status < 300 for status in found) and b"application/json" in answer
    return "wrong" if told else "refused"


def _connected(server: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def _question(server: Served, body: bytes) -> bytes:
    head = f"POST /api/traces HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    head += f"Authorization: Bearer {server.token}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _cut_off(server: Served, row: bytes, count: int) -> Iterator[Attempt]:
    """Who asks is gone in the middle of the question, or before the answer."""
    whole = _question(server, json.dumps({"texts": ["the bank"], "words": True}).encode())
    for number in range(count):
        end = 1 + number * len(whole) // count
        with _connected(server) as wire, suppress(OSError):
            # At its close the connection is reset, not ended.
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            wire.sendall(whole[:end])
    for number in range(count // 5):
        with _connected(server) as wire, suppress(OSError):
            wire.sendall(whole)
            time.sleep(0.001 * number)
    yield _answers(server, row, "questions cut off", f"at {count} places")


def _slow(server: Served, row: bytes, count: int) -> Iterator[Attempt]:
    """Many send their questions byte by byte; others are answered meanwhile."""
    whole = _question(server, json.dumps({"texts": ["the bank"]}).encode())
    wires = [_connected(server) for _ in range(count)]
    try:
        for turn in range(3):
            for wire in wires:
                wire.sendall(whole[turn : turn + 1])
            yield _answers(server, row, "slow clients", f"{count} send byte {turn}")
    finally:
        for wire in wires:
            wire.close()
    yield _answers(server, row, "slow clients", f"{count} have gone")


def _answers(server: Served, row: bytes, group: str, what: str) -> Attempt:
    start = time.monotonic()
    answer = server.ask("GET", "/api/rows/0")
    if answer.status != 200 or answer.body != row:
        return Attempt(group, what, "wrong", ascii(answer)[:300])
    taken = time.monotonic() - start
    return Attempt(group, what, "hung" if taken > PATIENCE / 2 else "right", f"{taken:.0f} s")


def _huge(server: Served, size: int, *, chunked: bool) -> Attempt:
    """A body that is far too large is refused before it is all taken."""
    what = f"{size >> 20} MB{' in pieces' if chunked else ''}"
    before = server.memory()
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    head = f"POST /api/trace HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{length}\r\n"
    head += f"Authorization: Bearer {server.token}\r\nContent-Type: application/json\r\n\r\n"
    part = b" " * (1 << 20)
    answer = b""
    with _connected(server) as wire:
        with suppress(OSError):
            wire.sendall(head.encode())
            for _ in range(size >> 20):
                wire.sendall(b"100000\r\n" + part + b"\r\n" if chunked else part)
        with suppress(OSError):
            answer = wire.recv(1 << 16)
    grown = server.memory() - before
    if grown > 64 << 20:
        return Attempt("huge bodies", what, "wrong", f"{grown >> 20} MB more memory")
    # Where the connection was reset while it was still sent to, there is no answer to read.
    if answer and not answer.startswith(b"HTTP/1.1 413 "):
        return Attempt("huge bodies", what, "wrong", ascii(answer)[:300])
    return Attempt("huge bodies", what, "refused")
