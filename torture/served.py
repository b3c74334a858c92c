"""A server of an index in a process of its own, and one question to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from torture.sandbox import PATIENCE


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)

    @property
    def sentence(self) -> str | None:
        """The sentence of a refusal; None where it is none."""
        try:
            found = self.json()
        except ValueError:
            return None
        said = found.get("error") if isinstance(found, dict) else None
        return said if isinstance(said, str) and said else None


@dataclass(frozen=True)
class Served:
    """A server that runs.

    Attributes
    ----------
    port
        Its port of this machine.
    log
        The file of its standard error.
    """

    port: int
    log: Path
    process: subprocess.Popen[bytes]
    token: str | None

    @property
    def address(self) -> str:
        """Its address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        token: bool = True,
    ) -> Answer:
        """Ask it; a body that is not bytes is sent as JSON."""
        given = {"Authorization": f"Bearer {self.token}"} if self.token and token else {}
        if body is not None and not isinstance(body, bytes):
            body, given = json.dumps(body).encode(), {**given, "Content-Type": "application/json"}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {**given, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), {**answer.headers})
        finally:
            connection.close()

    def memory(self) -> int:
        """Return the bytes of memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def said(self) -> str:
        """Return what it wrote to standard error."""
        return self.log.read_text("utf-8", "replace")


@contextmanager
def served(
    index: Path, verb: str = "serve", *more: str, token: str | None = None
) -> Iterator[Served]:
    """Serve an index on a free port, by ``wordtrace serve`` or ``wordtrace app``."""
    log = index.parent / f"{verb}-{time.monotonic_ns()}.log"
    line = [sys.executable, "-m", "wordtrace", verb, str(index), "--port", "0", *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if token is not None:
        environment["WORDTRACE_TOKEN"] = token
    with open(log, "wb") as error:
        process = subprocess.Popen(line, stderr=error, stdin=subprocess.DEVNULL, env=environment)
    try:
        yield Served(_port(process, log), log, process, token)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"The app is at http://[^:]+:(\d+)/", log.read_text("utf-8")):
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"no server: {log.read_text('utf-8')[-1000:]}")
