"""The server as a process: a port is taken, said, and held until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from wordtrace.app.asgi import Asgi
from wordtrace.errors import InputError, option

#: Seconds that a connection may be idle between two questions.
IDLE = 75
#: Seconds that Ctrl-C leaves to questions that are being answered.
LAST = 1


def listen(host: str, port: int) -> socket.socket:
    """Take a port, 0 for a free one; nobody is answered before :func:`serve`.

    Raises
    ------
    InputError
        When the port can't be taken, or the host is not known.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except socket.gaierror as error:
        listening.close()
        raise InputError(
            f"{option('host')} {host!r} is no address of this machine ({error.strerror}); give "
            "one, such as 127.0.0.1."
        ) from None
    except OSError as error:
        listening.close()
        raise InputError(
            f"{option('port')} {port} of {host} can't be taken ({error.strerror}); give another, "
            f"or {option('port', 0)} for a free one."
        ) from None
    return listening


def serve(app: Asgi, listening: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve until the process is interrupted; Ctrl-C is then a KeyboardInterrupt.

    Parameters
    ----------
    ready
        Called with the server's address, which ends in /, once it can be asked.
    """
    host, port = listening.getsockname()[:2]
    ready(f"http://{_name(host)}:{port}/")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=LAST,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _name(host: str) -> str:
    """Return the name under which others reach a host; one that means all is this machine's."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
