"""``wordtrace rows``."""

from __future__ import annotations

from dataclasses import fields
from inspect import Parameter
from typing import Annotated, Any, get_type_hints

import typer

from wordtrace.act.filters import Filters
from wordtrace.cli.output import Json, Out, check_out, emit
from wordtrace.cli.places import IndexPlace, MovedRun

#: How a filter is written where its name alone does not say it.
_FLAGS = {"q": ("--search", "-q"), "right": ("--right/--wrong",)}


class FilterOptions:
    """An option for each field of the library's ``Filters``."""

    def __init__(self, **given: Any) -> None:
        self._given = given

    @classmethod
    def parameters(cls) -> list[Parameter]:
        """Return the command's parameters; None filters nothing."""
        hints = get_type_hints(Filters)
        return [
            Parameter(
                one.name,
                Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[
                    hints[one.name],
                    typer.Option(
                        *_FLAGS.get(one.name, ()),
                        help=one.metadata["help"],
                        rich_help_panel="Filters",
                        show_default=False,
                    ),
                ],
            )
            for one in fields(Filters)
        ]

    def library(self) -> dict[str, Any]:
        """Return those that the user gave."""
        return {name: value for name, value in self._given.items() if value is not None}


def rows(
    index: IndexPlace,
    filters: FilterOptions,
    sort: Annotated[
        str,
        typer.Option(help="row, id, label, predicted, suspicion, loss or self_influence."),
    ] = "row",
    descending: Annotated[bool, typer.Option("--descending", help="Highest first.")] = False,
    offset: Annotated[int, typer.Option(help="How many rows to pass over.")] = 0,
    limit: Annotated[int, typer.Option(help="How many rows to list.")] = 20,
    run: MovedRun = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List training rows by their words, labels and losses, sorted; what the app's Rows shows."""
    from wordtrace import api

    check_out(out)
    found = api.Index.open(index, run).rows(
        sort=sort, descending=descending, offset=offset, limit=limit, **filters.library()
    )
    emit(found, as_json, out)
