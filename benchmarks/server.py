"""Many clients of one server: how long each waits, and what the server adds to the library."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks import corpus
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api

#: Clients that ask at once, and for how many seconds.
CLIENTS = {1: 10, 20: 20, 200: 60}
TOP = 20


def measure(folder: Path, count: int = 10_000) -> list[dict[str, Any]]:
    """Ask for a trace again and again, by 1, 20 and 200 clients at once."""
    run = corpus.trained(folder, count)
    index = api.build_index(run, folder / f"index-10-{count}", top_k=10)
    texts = corpus.queries(40)
    server = subprocess.Popen(
        [sys.executable, "-m", "wordtrace", "serve", str(index.folder.path), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert server.stderr is not None
    try:
        found = re.search(r"127\.0\.0\.1:(\d+)", server.stderr.readline())
        assert found is not None
        return [
            _beside(index, texts, int(found[1])),
            *(_crowd(texts, int(found[1]), *crowd) for crowd in CLIENTS.items()),
        ]
    finally:
        server.terminate()
        server.wait()


def _beside(index: api.Index, texts: list[str], port: int) -> dict[str, Any]:
    """Time one question to the server and the same one to the library, in turn."""
    connection = HTTPConnection("127.0.0.1", port)
    seconds = in_turn(
        {
            "server": lambda: [_ask(connection, text) for text in texts],
            "library": lambda: [index.trace(text, top=TOP, words=True) for text in texts],
        }
    )
    return {
        "what": "one client of the server, a trace with words",
        "seconds": middle(seconds["server"]) / len(texts),
        "over": "Index.trace",
        "ratio": ratio(seconds["server"], seconds["library"]),
    }


def _crowd(texts: list[str], port: int, clients: int, seconds: int) -> dict[str, Any]:
    """Let clients ask, each its next question when it has an answer; errors are counted."""
    waits: list[list[float]] = [[] for _ in range(clients)]
    errors: list[str] = []
    until = time.perf_counter() + seconds

    def client(place: int) -> None:
        connection = HTTPConnection("127.0.0.1", port)
        while time.perf_counter() < until:
            start = time.perf_counter()
            try:
                _ask(connection, texts[(place + len(waits[place])) % len(texts)])
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")
                return
            waits[place].append(time.perf_counter() - start)

    threads = [threading.Thread(target=client, args=(place,)) for place in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    every = sorted(wait for one in waits for wait in one)
    p99 = every[int(len(every) * 0.99)]
    return {
        "what": f"{clients} clients at once, each asks anew when it is answered, for {seconds} s",
        "seconds": middle(every),
        "found": f"p99 {p99:.3f} s, slowest {every[-1]:.3f} s, {len(every) / took:.0f} answers/s, "
        f"{len(errors)} errors{': ' + errors[0] if errors else ''}",
    }


def _ask(connection: HTTPConnection, text: str) -> None:
    body = json.dumps({"texts": [text], "top": TOP, "words": True})
    connection.request("POST", "/api/traces", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(content.decode())
