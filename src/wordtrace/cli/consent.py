"""Asking before models are trained by what is not the library's own."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

from wordtrace.cli.output import say
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.verification.plan import Plan


def consent(plan: Plan, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Show a plan, and ask on a terminal whether to go on.

    Raises
    ------
    InputError
        Where nobody can be asked, and nobody said yes before.
    """
    from wordtrace.verification.plan import tell

    if dry_run:
        typer.echo(json.dumps(plan.document(), indent=1) if as_json else plan.sentence())
        raise typer.Exit
    if not plan.foreign:
        if plan.most > 1:
            tell(f"{plan.sentence()} Ctrl-C keeps what is done.")
        return
    say(plan.sentence())
    if yes or not plan.most:
        return
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(
            f"{plan.count()} would be trained by {plan.trains}, {plan.lasting()}; give --yes to "
            "train them, since nobody can be asked here."
        )
    typer.confirm("Train them?", abort=True, err=True)
