"""The options of measures, the same on every verb that takes --measure."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

TopK = Annotated[
    int | None,
    typer.Option(help="Positions kept in a text; the index's, else 10.", show_default=False),
]
Frequent = Annotated[
    float | None,
    typer.Option(
        help="tracin-we-noc: leave out tokens in over this share of the training texts (0.2).",
        show_default=False,
    ),
]
SynonymCosine = Annotated[
    float | None,
    typer.Option(
        help="tracin-we-syn: tokens match whose embeddings' cosine is over this (0.7).",
        show_default=False,
    ),
]
Damping = Annotated[
    float | None,
    typer.Option(
        help="Influence functions: added to the Hessian's diagonal (0.1 of its mean).",
        show_default=False,
    ),
]
L2 = Annotated[
    float | None,
    typer.Option(help="representer: weight of the penalty in the fit (0.003).", show_default=False),
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
Seed = Annotated[int | None, typer.Option(help="random: the seed (0).", show_default=False)]
Memory = Annotated[
    str | None,
    typer.Option(help="Working memory beside the scores, as 500MB or 2GB (1GB).", metavar="SIZE"),
]


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
    import re

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
