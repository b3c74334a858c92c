"""Writing so that a reader sees the old file or the new one, never a half.

A file is written in a temporary folder beside its place, flushed to the disk and renamed. A folder
grows as ``NAME.part`` and is renamed when its manifest, the last file, is there: an interrupted
folder looks interrupted, and the next attempt finds what is already done.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wordtrace.disk.json_text import parse_json
from wordtrace.disk.refused import naming
from wordtrace.disk.regular import is_there
from wordtrace.disk.temporary import folder_for, is_ours, remove_unheld
from wordtrace.errors import CorruptError, InputError, NumericalError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path in a folder beside `path`; on success flush it and rename it to `path`.

    Raises
    ------
    OSError
        When the disk refuses (full, read-only), whatever the writer raised: it names `path`, which
        is untouched; the temporary folder is removed.
    """
    with naming(path), folder_for(path) as place:
        temporary = place / path.name
        temporary.touch()
        mode = stat.S_IMODE(temporary.stat().st_mode)
        yield temporary
        # Some writers make a file of their own there that nobody else may read. Where a disk knows
        # no rights, it stays as it is.
        with suppress(OSError):
            temporary.chmod(mode)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    flush_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with LF line ends, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document atomically; NaN and infinity are refused (ValueError)."""
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    CorruptError
        When it is not there, is no file, is not JSON, or holds something other than an object.
    """
    try:
        with naming(path):
            is_there(path)
            document = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise CorruptError(f"{path} is missing: the folder is incomplete; make it again.") from None
    except ValueError as error:
        raise CorruptError(f"{path} is not valid JSON ({error}); make it again.") from None
    if not isinstance(document, dict):
        raise CorruptError(f"{path} should hold a JSON object; make it again.")
    return document


def part_of(folder: Path) -> Path:
    """Return the place in which `folder` grows until it is complete: ``NAME.part`` beside it."""
    return _beside(folder, "{}.part")


@contextmanager
def exclusive(folder: Path) -> Iterator[Path]:
    """Make ``NAME.part`` and hold it for this process alone; yields its path.

    The lock is on the folder itself and ends with the process, however that ends. A folder in which
    nothing was written does not stay.

    Raises
    ------
    InputError
        When another process is writing there.
    """
    part = part_of(folder)
    handle = _held_part(part)
    try:
        # A kill came after the second rename of :func:`commit_folder`.
        if folder.exists() and (old := _aside(folder)).exists():
            shutil.rmtree(old)
        yield part
    finally:
        if _is_at(part, handle):
            with suppress(OSError):  # it holds something
                part.rmdir()
        # Closing alone would leave it to a process that was forked meanwhile.
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _held_part(part: Path) -> int:
    """Make a folder and lock it; return its descriptor."""
    while True:
        part.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(part, os.O_RDONLY)
        except FileNotFoundError:  # another process has just ended its work there
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(part, handle):
                return handle
        except BlockingIOError:
            os.close(handle)
            raise InputError(
                f"another process is writing {part}; wait for it, or choose another place."
            ) from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # it was renamed or removed before it was locked


@contextmanager
def worth_keeping(
    part: Path, last: str = "", again: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Keep what was done in a ``NAME.part`` after an error only where it can be gone on from.

    After a refusal, or an error of the numbers, the same command would fail again.

    Parameters
    ----------
    last
        As for :func:`empty`.
    again
        Whether enough is there to go on from after another error, one of the disk, say.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError | NumericalError) or not again():
            empty(part, last)
        raise


def empty(folder: Path, last: str = "") -> None:
    """Remove everything in a folder, not the folder.

    Parameters
    ----------
    last
        What tells that the folder is ours is removed after all else, so that a kill in between
        leaves nothing that would be taken for somebody else's.
    """
    for path in sorted(folder.iterdir(), key=lambda one: one.name == last):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def clear_strays(folder: Path) -> None:
    """Remove what kills in the middle of :func:`replacing` left in a folder that is held alone."""
    for stray in [*folder.rglob(".*.tmp")]:
        if stray.is_dir() and not stray.is_symlink():
            remove_unheld(stray)
        else:
            stray.unlink(missing_ok=True)


def commit_folder(folder: Path) -> None:
    """Rename the finished ``NAME.part`` to `folder`; an older `folder` is replaced at this moment.

    A kill between the two renames leaves the older one aside, and :func:`restore` puts it back. The
    older one is locked from before the first rename until after the second, so that a reader who
    comes in between waits for the new one.
    """
    part, old = part_of(folder), _aside(folder)
    restore(folder)
    if old.exists():  # a kill came after the second rename
        shutil.rmtree(old)
    clear_strays(part)
    if folder.exists():
        with locked(folder):
            os.rename(folder, old)
            os.rename(part, folder)
    else:
        os.rename(part, folder)
    flush_folder(folder.parent)
    if old.exists():
        shutil.rmtree(old)


def holds(folder: Path, file: str) -> bool:
    """Return whether `file` is in `folder`, once nobody is replacing the folder.

    This is the first question of whoever opens a folder: where a kill hit :func:`commit_folder`,
    the older folder is put back.
    """
    if not (folder / file).is_file():
        restore(folder)
    return (folder / file).is_file()


def restore(folder: Path) -> None:
    """Put back the older folder where a kill hit :func:`commit_folder` between its two renames.

    While a writer is between the two, wait for it: the older folder is locked then.
    """
    old = _aside(folder)
    while not folder.exists():
        try:
            with locked(old) as handle:
                if folder.exists():
                    return
                # Who waited may hold the lock of a folder that is gone: a writer has replaced the
                # new one since, and what lies there now is that writer's.
                if _is_at(old, handle):
                    os.rename(old, folder)
                    return
        except FileNotFoundError:
            return


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold the lock of a folder, wherever it is renamed to meanwhile; wait for whoever has it.

    Yields the open folder's descriptor.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _is_at(path: Path, handle: int) -> bool:
    """Tell whether an open folder still lies at a path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def refuse_foreign(part: Path, ours: Collection[str]) -> None:
    """Refuse to clear a ``NAME.part`` that holds anything but what we begin with (InputError).

    Where a kill hit the writing of the first file, it holds what that writer left.
    """
    foreign = foreign_in(part, ours)
    if foreign:
        raise InputError(
            f"{part} is needed to work in, but holds files of somebody else ({min(foreign)}); "
            "move it away, or choose another place."
        )


def foreign_in(folder: Path, ours: Collection[str]) -> list[str]:
    """Return the names in a folder that are neither `ours` nor what a killed writer left."""
    names = (path.name for path in folder.iterdir())
    return [name for name in names if name not in ours and not is_ours(name)]


def check_replaceable(folder: Path, manifest: str, what: str) -> None:
    """Refuse to replace a folder that is not one of ours.

    Raises
    ------
    InputError
        When `folder` is a file, or a non-empty folder without `manifest`.
    """
    if folder.is_file():
        raise InputError(f"{folder} is a file; choose another place for the {what}.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / manifest).exists():
        raise InputError(
            f"{folder} holds other files and no {manifest}: it is no {what}; "
            "choose an empty or new folder."
        )


def _aside(folder: Path) -> Path:
    # A name that nobody would give to a backup of their own.
    return _beside(folder, ".{}.replaced-by-wordtrace")


def _beside(folder: Path, form: str) -> Path:
    # The folder itself, or the one above, may be given as . or .. and has a name all the same.
    named = folder.resolve() if folder.name in ("", "..") else folder
    return named.parent / form.format(named.name)


def flush_folder(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
