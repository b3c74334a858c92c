"""The server as a process: a port is taken, said, and held until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from wordtrace.app.security import Asgi
from wordtrace.errors import InputError, option


def serve(app: Asgi, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until the process is interrupted.

    Parameters
    ----------
    port
        0 takes a free one.
    ready
        Called with the server's address once it can be asked.

    Raises
    ------
    InputError
        When the port can't be taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise InputError(
                f"{option('port')} {port} of {host} can't be taken ({error.strerror}); give "
                f"another, or {option('port', 0)} for a free one."
            ) from None
        listening.listen(2048)
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{listening.getsockname()[1]}/")
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])
