"""Scripts run by interpreters that have loaded their libraries: each starts at once.

    python -S warm.py SOCKET SCRIPT ARGUMENT …

A process that imports transformers takes ten seconds to start, and a test that trains by a user's
command starts many. So that command asks a server, through a socket, to fork itself; the child has
the command's arguments, environment, folder and streams. The server ends with the process that
started it, however that ends, and a child with the command that asked for it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
        [sys.executable, __file__, "--serve", place, str(os.getpid()), *libraries],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,  # at whose end the server ends
    ) as server:
        try:
            yield [sys.executable, "-S", __file__, str(place)]
        finally:
            server.kill()


def _serve(place: str, parent: int, libraries: Sequence[str]) -> None:
    import importlib
    import runpy
    import select
    import signal
    from threading import Thread

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        for name in libraries:
            importlib.import_module(name)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
        while True:
            # What the parent forked may hold its end of the pipe open, which else tells it at once.
            ready, _, _ = select.select([listening, sys.stdin], [], [], 1.0)
            if sys.stdin in ready or os.getppid() != parent:
                os._exit(1)
            if not ready:
                continue
            connection, _ = listening.accept()
            data, streams, _, _ = socket.recv_fds(connection, 1 << 20, 2)
            if os.fork():
                connection.close()
                for one in streams:
                    os.close(one)
                continue
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor, one in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
                os.dup2(one, descriptor)
            Thread(target=_end_with, args=(connection,), daemon=True).start()
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


def _end_with(connection: socket.socket) -> None:
    """End this process when the command is gone that asked for it."""
    with suppress(OSError):
        connection.recv(1)
    os._exit(1)


def _ask(place: str, words: Sequence[str]) -> int:
    asked = {"words": list(words), "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        socket.send_fds(connection, [json.dumps(asked).encode()], [1, 2])
        return int(connection.recv(16) or 1)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        _serve(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    sys.exit(_ask(sys.argv[1], sys.argv[2:]))
