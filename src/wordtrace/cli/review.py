"""``wordtrace review``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from wordtrace.cli.output import Json, print_json, say
from wordtrace.cli.places import IndexPlace, MovedRun, PatchPlace, check_patch
from wordtrace.errors import InputError


def review(
    index: IndexPlace,
    top: Annotated[int, typer.Option(help="How many of the latest decisions to list.")] = 20,
    patch: PatchPlace = None,
    undo: Annotated[bool, typer.Option("--undo", help="First take back the last step.")] = False,
    redo: Annotated[bool, typer.Option("--redo", help="First do again what was undone.")] = False,
    run: MovedRun = None,
    as_json: Json = False,
) -> None:
    """Tell what was decided about rows in the app or in Python, and make a patch of it."""
    from wordtrace import api

    check_patch(patch)
    if undo and redo:
        raise InputError("--undo and --redo take each other back; give one of them.")
    found = api.Index.open(index, run).review()
    if undo or redo:
        ids = found.undo() if undo else found.redo()
        say(f"{'Undone' if undo else 'Done again'}: a step on {len(ids):,} rows")
    if found.torn:
        say(f"Note: the last line of {found.path} was torn by a kill; it does not count.")
    if patch is not None:
        changes = found.patch()
        try:
            changes.write(patch)
        except OSError:
            # Else the same command, run again, would go a step too far.
            if undo or redo:
                _ = found.redo() if undo else found.undo()
                say("The step is taken back.")
            raise
        say(f"Wrote {patch}: {len(changes):,} changes")
        say(f"Next: wordtrace apply {patch} DATA --out NEW_DATA")
    document = found.document(top)
    if as_json:
        print_json(document)
    else:
        _show(document)


def _show(document: Mapping[str, Any]) -> None:
    from wordtrace.report.text import clean

    counts = document["counts"]
    done = ", ".join(f"{count:,} {_DONE[action]}" for action, count in counts.items())
    lines = [f"Review of {document['examples']:,} rows: {done}", f"  kept in {document['path']}"]
    lines += [
        f"  {_DONE[one['action']]:<11} {one['id']}{_change(one)}"
        + (f"  ({one['misfit']}: left out)" if "misfit" in one else "")
        for one in document["decisions"]
    ]
    left = document["decided"] - len(document["decisions"])
    if left > 0:
        lines.append(f"  … and {left:,} more")
    sys.stdout.write("\n".join(clean(line, newlines=False) for line in lines) + "\n")


_DONE = {"keep": "kept", "relabel": "relabelled", "remove": "removed", "edit": "edited"}


def _change(decision: Mapping[str, Any]) -> str:
    found = [f"{decision['before']} → {decision['label']}"] if "label" in decision else []
    for name in ("text", "text2"):
        if name in decision:
            text = decision[name]
            found.append(f"{name}: {text[:60]}{'…' if len(text) > 60 else ''}")
    return "".join(f"  {one}" for one in found)
