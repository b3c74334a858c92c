"""The arguments that name folders and files, and lists and numbers inside an option.

A place is looked at as soon as it is read, by the names of its files alone: a wrong one is told
before PyTorch is imported, which takes seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from wordtrace.errors import InputError


def _run(folder: Path | None) -> Path | None:
    from wordtrace.run.place import check_run

    if folder is not None:
        check_run(folder)
    return folder


def _runs(folders: str | None) -> str | None:
    for one in names(folders or ""):
        _run(Path(one))
    return folders


def _index(folder: Path) -> Path:
    from wordtrace.index.place import check_index

    check_index(folder)
    return folder


def _either(folder: Path) -> Path:
    from wordtrace.index.place import check_either

    check_either(folder)
    return folder


def _traces(files: list[Path]) -> list[Path]:
    from wordtrace.results.place import check_saved

    for file in files:
        check_saved(file)
    return files


RunFolder = Annotated[Path, typer.Argument(help="A run's folder.", callback=_run)]
IndexPlace = Annotated[Path, typer.Argument(help="An index's folder.", callback=_index)]
EitherFolder = Annotated[
    Path,
    typer.Argument(metavar="RUN|INDEX", help="A run's folder, or an index's.", callback=_either),
]
MovedRun = Annotated[
    Path | None, typer.Option(help="The run's folder, if it has moved.", callback=_run)
]
FurtherRuns = Annotated[
    str | None,
    typer.Option(
        help="Folders of further trainings of the same rows with other seeds, with commas between: "
        "a score is then the mean over all.",
        callback=_runs,
    ),
]
TraceFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="TRACE...",
        help="A trace's JSON file, or several of one run: what they have in common is trained "
        "once.",
        callback=_traces,
    ),
]
PatchPlace = Annotated[
    Path | None, typer.Option(help="Write the changes to review here, for wordtrace apply.")
]

Number = TypeVar("Number", int, float)


def check_patch(patch: Path | None) -> None:
    """Refuse a patch's place that can't be written, before the work starts (InputError)."""
    if patch is not None and patch.is_dir():
        raise InputError(f"--patch {patch} is a folder; give the name of a file.")
    if patch is not None and not patch.parent.is_dir():
        raise InputError(f"--patch {patch}: the folder {patch.parent} does not exist.")


def names(text: str) -> list[str]:
    """Split an option's value at its commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def numbers(text: str, option: str, kind: type[Number]) -> list[Number]:
    """Read an option's numbers (InputError)."""
    try:
        return [kind(one) for one in names(text)]
    except ValueError:
        raise InputError(f"{option} is {text!r}; give numbers with commas between.") from None
