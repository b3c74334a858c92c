"""The options that say which server answers in place of an index that is opened here."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from wordtrace.cli.effect import needs
from wordtrace.cli.executors import Searching
from wordtrace.cli.tokens import VARIABLE, token_of
from wordtrace.errors import InputError, option

_option = partial(typer.Option, rich_help_panel="Where it is computed", show_default=False)

IndexUnlessServed = Annotated[
    str | None,
    typer.Argument(metavar="INDEX", help="An index's folder; none with --server, which has one."),
]


@dataclass(frozen=True)
class AskedServer:
    """A server of `wordtrace serve`, which has the index open."""

    server: Annotated[
        str | None,
        _option(
            help="Ask the server of wordtrace serve at this address, such as "
            "http://127.0.0.1:8377: it answers in milliseconds. Then give no INDEX."
        ),
    ] = None
    token: Annotated[str | None, _option(envvar=VARIABLE, help="Its token, if it has one.")] = None
    token_file: Annotated[Path | None, _option(help="Or the file that holds the token.")] = None

    def refuse(self, **given: Any) -> None:
        """Refuse settings, by name, that a server does not take (InputError)."""
        for name, value in given.items():
            if self.server is not None and value:
                raise InputError(
                    f"{option(name)} is for an index that is opened here; leave it out with "
                    f"{option('server')}."
                )

    def refuse_index(self, index: str | None) -> None:
        """Refuse an INDEX beside a server (InputError)."""
        if self.server is not None and index is not None:
            raise InputError(
                f"the server has an index of its own: leave out {index}, or {option('server')}."
            )

    def search(self, search: Searching) -> dict[str, Any]:
        """Return what says where the index is searched; a server has its own way (InputError)."""
        if self.server is None:
            return search.library()
        self.refuse(
            executor=search.executor != "threads", address=search.address, workers=search.workers
        )
        return {}

    def texts(self, index: str | None, texts: list[str] | None) -> list[str] | None:
        """Return the texts of the command: with a server, the first one stands in INDEX's place."""
        if self.server is None or index is None:
            return texts
        if (Path(index) / "manifest.json").is_file():
            self.refuse_index(index)
        return [index, *(texts or [])]

    def opening(self, index: str | None, run: Path | None) -> AbstractContextManager[Any]:
        """Return an Index, or a ServedIndex where a server is named (InputError)."""
        needs("--server", self.server is not None, "token", "token_file")
        if self.server is not None:
            from wordtrace.app.client import connect

            return nullcontext(connect(self.server, token_of(self.token, self.token_file)))
        if index is None:
            raise InputError(f"give an INDEX, or a server's address by {option('server')}.")
        from wordtrace.index.place import check_index

        check_index(Path(index))  # before PyTorch is imported, which takes seconds
        from wordtrace.api.index import Index

        return Index.open(index, run)
