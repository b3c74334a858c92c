"""``wordtrace index-add``, ``index-remove`` and ``index-merge``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordtrace.cli.columns import ColumnOptions
from wordtrace.cli.executors import Building
from wordtrace.cli.output import Json, say
from wordtrace.cli.places import IndexPlace, MovedRun
from wordtrace.cli.queries import columns_of
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.api import Index


def add(
    index: IndexPlace,
    data: Annotated[str, typer.Argument(help="A file, folder or hub name of labelled examples.")],
    columns: ColumnOptions,
    where: Building,
    run: MovedRun = None,
    as_json: Json = False,
) -> None:
    """Add the examples of DATA to an index, by the gradients of the same run.

    Their ids must be new to the index. They were not trained on: a trace lists them by what
    training on them would have done.
    """
    from wordtrace import api

    executor = where.library()
    opened = api.Index.open(index, run, where.device)
    before = opened.folder.count
    named = {**columns.library(), "label": columns_of(columns.label, opened.run)}
    opened.add(data, **named, **executor)
    say(f"Added {opened.folder.count - before:,} examples.")
    _show(opened, as_json)


def remove(
    index: IndexPlace,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids.")] = None,
    ids_file: Annotated[
        Path | None, typer.Option("--ids", help="Or a file of ids, one a line.")
    ] = None,
    run: MovedRun = None,
    as_json: Json = False,
) -> None:
    """Remove examples from an index: no trace lists them any more.

    Their gradients stay on disk until the index is merged. The run itself does not change.
    """
    from wordtrace import api
    from wordtrace.disk.lines import read_lines

    if bool(ids) == (ids_file is not None):
        raise InputError("give an ID or --ids FILE, one of the two.")
    if ids_file is not None:
        try:
            ids = [line for line in read_lines(ids_file) if line.strip()]
        except UnicodeDecodeError as error:
            raise InputError(
                f"--ids {ids_file}: the file is not UTF-8 (byte {error.start + 1:,}); save it so."
            ) from None
        except OSError as error:
            raise InputError(f"--ids {ids_file}: {error.strerror}.") from None
    opened = api.Index.open(index, run)
    before = opened.folder.count
    opened.remove(ids or [])
    say(f"Removed {before - opened.folder.count:,} examples.")
    _show(opened, as_json)


def merge(
    index: IndexPlace,
    shard_size: Annotated[
        int | None, typer.Option(help="Examples in a file; as before by default.")
    ] = None,
    run: MovedRun = None,
    as_json: Json = False,
) -> None:
    """Merge an index: removed examples are dropped, additions and files joined.

    No gradient is computed anew. The old files are replaced when the new ones are whole.
    """
    from wordtrace import api

    opened = api.Index.open(index, run)
    revision = opened.folder.manifest.revision
    opened.merge(shard_size)
    if opened.folder.manifest.revision == revision:
        say(f"{index} is merged already; nothing was done.")
    _show(opened, as_json)


def _show(opened: Index, as_json: bool) -> None:
    from wordtrace.cli.show import show_index
    from wordtrace.index.describe import describe_index

    show_index(describe_index(opened.folder), as_json)
