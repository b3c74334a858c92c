"""The options of measures, the same on every verb that takes --measure."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any

import typer

_option = partial(typer.Option, rich_help_panel="Measure", show_default=False)

TopK = Annotated[int | None, _option(help="Positions kept in a text; the index's, else 10.")]
Frequent = Annotated[
    float | None,
    _option(help="tracin-we-noc: leave out tokens in over this share of the training texts (0.2)."),
]
SynonymCosine = Annotated[
    float | None,
    _option(help="tracin-we-syn: tokens match whose embeddings' cosine is over this (0.7)."),
]
Damping = Annotated[
    float | None,
    _option(help="Influence functions: added to the Hessian's diagonal (0.1 of its mean)."),
]
Memory = Annotated[
    str | None,
    _option(help="Working memory beside the scores, as 500MB or 2GB (1GB).", metavar="SIZE"),
]
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


@dataclass(frozen=True)
class MeasureOptions:
    """What measures can be told; None is the library's default."""

    top_k: TopK = None
    frequent: Frequent = None
    synonym_cosine: SynonymCosine = None
    damping: Damping = None
    l2: Annotated[
        float | None, _option(help="representer: weight of the penalty in the fit (0.003).")
    ] = None
    seed: Annotated[int | None, _option(help="random: the seed (0).")] = None
    memory: Memory = None

    def library(self) -> dict[str, Any]:
        """Return those that the user gave (InputError)."""
        return given(**asdict(self))


def given(**options: Any) -> dict[str, Any]:
    """Return the options that the user gave, the memory in bytes.

    Raises
    ------
    InputError
        For a size that can't be read.
    """
    chosen = {name: value for name, value in options.items() if value is not None}
    if "memory" in chosen:
        chosen["memory"] = parse_size(chosen["memory"])
    return chosen


def parse_size(text: str) -> int:
    """Read "500MB", "2 GiB" or plain bytes.

    Raises
    ------
    InputError
        When it is none of these.
    """
    from wordtrace.errors import InputError

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
