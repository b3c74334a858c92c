"""``wordtrace app``: the explorer."""

from __future__ import annotations

from typing import Annotated

import typer

from wordtrace.cli.output import say
from wordtrace.cli.places import IndexPlace, MovedRun

Port = Annotated[int, typer.Option(help="The port; 0 takes a free one.")]


def app(
    index: IndexPlace,
    run: MovedRun = None,
    port: Port = 8377,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """See in a browser what caused a mistake, mend the data, and prove the repair."""
    from wordtrace.app.opened import Opened
    from wordtrace.app.run_server import serve as serving
    from wordtrace.app.server import application

    def ready(address: str) -> None:
        say(f"The app is at {address} (Ctrl-C ends it)")
        if browser:
            import webbrowser

            webbrowser.open(address)

    serving(application(Opened.open(index, run)), "127.0.0.1", port, ready)
