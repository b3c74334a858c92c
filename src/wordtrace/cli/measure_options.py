"""The options of measures, the same on every verb that takes --measure."""

from __future__ import annotations

import re
from dataclasses import Field, fields
from inspect import Parameter
from typing import Annotated, Any, ClassVar, get_type_hints

import typer

from wordtrace.cli.effect import excludes
from wordtrace.errors import InputError
from wordtrace.measures.options import Options

SpanOf = Annotated[
    str | None,
    typer.Option(
        "--span",
        metavar="TEXT|START:END",
        help="Of a language model's answer: explain this part alone, a text that is in it once, "
        "or characters such as 4:9.",
        show_default=False,
    ),
]


#: Fields that mean nothing to most measures.
_OF_SOME = ("frequent", "synonym_cosine", "damping", "damping_times", "l2", "seed")


class MeasureOptions:
    """What measures can be told: an option for each field of the library's ``Options``.

    Attributes
    ----------
    left_out
        Fields that mean something else on the verb.
    """

    left_out: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **given: Any) -> None:
        self._given = given

    @classmethod
    def parameters(cls) -> list[Parameter]:
        """Return the command's parameters; None is the library's default."""
        hints = get_type_hints(Options)
        return [
            Parameter(
                one.name,
                Parameter.KEYWORD_ONLY,
                default=None,
                annotation=_annotation(one, hints[one.name]),
            )
            for one in fields(Options)
            if one.name not in cls.left_out
        ]

    def refuse_idle(self, *measures: str | None) -> None:
        """Refuse an option of some measures where none of them is asked (InputError)."""
        given = [name for name in _OF_SOME if self._given.get(name) is not None]
        if given:
            from wordtrace.measures.names import DEFAULT, heeded

            asked = [one or DEFAULT for one in measures]
            told = set().union(*map(heeded, asked))
            idle = [name for name in given if name not in told]
            excludes(f"the measure {', '.join(asked)}", True, *idle)

    def library(self) -> dict[str, Any]:
        """Return those that the user gave, as the library takes them (InputError)."""
        return given(**self._given)


class StudyMeasureOptions(MeasureOptions):
    """The same for a study: its seed draws the queries, its memory is that of a task."""

    left_out = ("seed", "memory")


def _annotation(one: Field[Any], hint: Any) -> Any:
    size, word = one.metadata["size"], one.metadata["word"]
    shown = typer.Option(
        help=one.metadata["help"],
        metavar="SIZE" if size else None,
        rich_help_panel="Measure",
        show_default=False,
    )
    return Annotated[(str if size or word else hint) | None, shown]


#: --memory on a verb that takes no measure.
Memory = Annotated[
    str | None,
    typer.Option(help="Working memory, as 500MB or 2GB (1GB).", metavar="SIZE", show_default=False),
]


#: --weights on a verb that takes no measure.
TokenWeights = Annotated[
    str,
    typer.Option(
        "--weights",
        metavar="idf",
        help="Multiply each token's part of an influence by its idf², so that rare words count.",
        show_default=False,
    ),
]


def given(**options: Any) -> dict[str, Any]:
    """Return the options that the user gave, the memory in bytes.

    Raises
    ------
    InputError
        For a size that can't be read.
    """
    chosen = {name: value for name, value in options.items() if value is not None}
    for one in fields(Options):
        if one.metadata["size"] and one.name in chosen:
            chosen[one.name] = parse_size(chosen[one.name])
    return chosen


def parse_size(text: str) -> int:
    """Read "500MB", "2 GiB" or plain bytes.

    Raises
    ------
    InputError
        When it is none of these.
    """
    units = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", text.strip().lower())
    if not found:
        raise InputError(f"--memory is {text!r}; give a size such as 500MB or 2GB.")
    number, unit, binary = found.groups()
    factor = 1024 ** list(units).index(unit) if binary else units[unit]
    return int(float(number) * factor)


def part_of(span: str | None) -> str | tuple[int, int] | None:
    """Read --span: characters where it is two numbers with a colon between, else a text."""
    found = re.fullmatch(r"(\d+):(\d+)", span or "")
    return span if found is None else (int(found[1]), int(found[2]))
