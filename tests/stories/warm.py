"""Scripts run by interpreters that have loaded their libraries: each starts at once.

    python -S warm.py SOCKET SCRIPT ARGUMENT …

A process that imports transformers takes ten seconds to start, and a test that trains by a user's
command starts many. So that command asks a server, through a socket, to fork itself; the child has
the command's arguments, environment, folder and streams.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

#: What a script of the Trainer's imports, and what its libraries import when they are first used.
LIBRARIES = (
    *("transformers.trainer", "transformers.models.bert.modeling_bert", "accelerate", "datasets"),
    *("transformers.models.auto.modeling_auto", "wordtrace.api.index", "wordtrace.adopt.callback"),
)


@contextmanager
def warm(place: Path, libraries: Sequence[str]) -> Iterator[list[str]]:
    """Start a server at the socket `place`; give the words that run a script by it."""
    with subprocess.Popen(
        [sys.executable, __file__, "--serve", place, *libraries],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as server:
        try:
            yield [sys.executable, "-S", __file__, str(place)]
        finally:
            server.kill()


def _serve(place: str, libraries: Sequence[str]) -> None:
    import importlib
    import runpy
    import signal

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        for name in libraries:
            importlib.import_module(name)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
        while True:
            connection, _ = listening.accept()
            data, streams, _, _ = socket.recv_fds(connection, 1 << 20, 2)
            if os.fork():
                connection.close()
                for one in streams:
                    os.close(one)
                continue
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor, one in enumerate(streams, 1):
                os.dup2(one, descriptor)
            asked = json.loads(data)
            os.chdir(asked["folder"])
            os.environ.clear()
            os.environ.update(asked["environment"])
            sys.argv = asked["words"]
            status = 1
            try:
                runpy.run_path(sys.argv[0], run_name="__main__")
                status = 0
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
            except BaseException:
                sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                connection.sendall(str(status).encode())
                os._exit(status)


def _ask(place: str, words: Sequence[str]) -> int:
    asked = {"words": list(words), "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        socket.send_fds(connection, [json.dumps(asked).encode()], [1, 2])
        return int(connection.recv(16) or 1)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        _serve(sys.argv[2], sys.argv[3:])
    sys.exit(_ask(sys.argv[1], sys.argv[2:]))
