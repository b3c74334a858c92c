"""``wordtrace demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.output import Json, print_json


def demo(
    out: Annotated[Path, typer.Option(help="The folder to work in.")] = Path("wordtrace-demo"),
    repeats: Annotated[int, typer.Option(help="Seeds of the verification.")] = 16,
    seed: Annotated[
        int, typer.Option(help="Of the split, the planted errors and the training.")
    ] = 7,
    as_json: Json = False,
) -> None:
    """Run the whole story on BBC News, from planted label errors to a verified fix."""
    from wordtrace.demo.story import tell

    figures = tell(out, repeats=repeats, seed=seed)
    if as_json:
        print_json(figures)
