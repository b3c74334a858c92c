"""``wordtrace app`` and ``wordtrace serve``: the explorer, and the server that it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordtrace.cli.executors import Device
from wordtrace.cli.extras import extra
from wordtrace.cli.output import say
from wordtrace.cli.places import IndexPlace, MovedRun
from wordtrace.cli.tokens import VARIABLE, token_of
from wordtrace.errors import WordtraceError

if TYPE_CHECKING:
    from wordtrace.app.opened import Opened

Retrain = Annotated[
    str | None,
    typer.Option(
        help="For models that were trained elsewhere: your command that trains, with {data}, {out} "
        "and {seed} in it, by which the page may prove a repair. A page can't give one.",
        show_default=False,
    ),
]
Port = Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)]


def app(
    index: IndexPlace,
    run: MovedRun = None,
    port: Port = 8377,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    retrain: Retrain = None,
    device: Device = "cpu",
) -> None:
    """See in a browser what caused a mistake, mend the data, and prove the repair."""

    def ready(address: str) -> None:
        say(f"The app is at {address} (Ctrl-C ends it)")
        if browser:
            import webbrowser

            webbrowser.open(address)

    _serve(index, run, device, "127.0.0.1", port, None, ready, retrain)


def serve(
    index: IndexPlace,
    run: MovedRun = None,
    host: Annotated[
        str,
        typer.Option(help="The address to listen at; 0.0.0.0 is all of this machine's."),
    ] = "127.0.0.1",
    port: Port = 8377,
    token: Annotated[
        str | None,
        typer.Option(
            envvar=VARIABLE,
            help="What whoever asks must know. Elsewhere than on this machine there always is "
            "one: without --token it is made and said.",
            show_default=False,
        ),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="The file that holds the token; no list of processes does.")
    ] = None,
    device: Device = "cpu",
    retrain: Retrain = None,
) -> None:
    """Answer programs, and the app's page, in milliseconds: the index stays opened."""
    wanted = token_of(token, token_file)
    if wanted is None and not _is_here(host):
        import secrets

        wanted = secrets.token_urlsafe(24)

    def ready(address: str) -> None:
        given = "" if wanted is None else f"#token={wanted}"
        say(f"The app is at {address}{given} (Ctrl-C ends it)")
        asked = address.rstrip("/")
        if wanted is not None:
            asked += f" --token-file FILE, or {VARIABLE} in the environment"
        say(f"Programs: {address}api lists what can be asked; wordtrace trace --server {asked}")

    _serve(index, run, device, host, port, wanted, ready, retrain)


def _warm(opened: Opened) -> None:
    with suppress(WordtraceError, OSError):
        opened.warm()


def _is_here(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _serve(
    index: Path,
    run: Path | None,
    device: str,
    host: str,
    port: int,
    token: str | None,
    ready: Callable[[str], None],
    retrain: str | None,
) -> None:
    with extra("app"):
        from wordtrace.app.opened import Opened
        from wordtrace.app.run_server import listen, serve
        from wordtrace.app.server import application
    with listen(host, port) as listening:
        opened = Opened.open(index, run, device, retrain)
        # Whoever asks meanwhile waits for it, and is told what can't be loaded.
        threading.Thread(target=_warm, args=(opened,), daemon=True).start()
        serve(application(opened, hosts=[host], token=token), listening, ready)
