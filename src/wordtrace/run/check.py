"""Checking that a run's files are as they were written."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from wordtrace.disk import fingerprint
from wordtrace.disk.sample import check_sample, of_sample
from wordtrace.errors import CorruptError

_REMEDY = "put the old file back, or make the run again"


def checksums(run: Path, without: Container[str] = ()) -> dict[str, str]:
    """Return the checksum of every file of a run, by its path in it.

    Parameters
    ----------
    without
        Names of files that don't belong to the run; nor do those whose name begins with a dot,
        which a killed writer leaves behind.
    """
    files = sorted(path for path in run.rglob("*") if path.is_file())
    return {
        path.relative_to(run).as_posix(): fingerprint.of_file(path)
        for path in files
        if path.name not in without and not path.name.startswith(".")
    }


def sizes(run: Path, files: Iterable[str]) -> dict[str, int]:
    """Return the sizes of a run's files in bytes, by their paths in it."""
    return {name: (run / name).stat().st_size for name in files}


def samples(run: Path, files: Iterable[str]) -> dict[str, str]:
    """Return the checksums of samples of a run's files, by their paths in it."""
    return {name: of_sample(run / name) for name in files}


def check_sizes(run: Path, files: Iterable[str], known: Mapping[str, int]) -> None:
    """Refuse a run of which a file is missing, or has another size than is known (CorruptError)."""
    for name in files:
        path = run / name
        found = path.stat().st_size if path.is_file() else None
        if found is None or known.get(name, found) != found:
            what = "is missing" if found is None else f"has {found:,} bytes, not {known[name]:,}"
            raise CorruptError(f"{path} {what}; {_REMEDY}.")


def check_samples(run: Path, known: Mapping[str, str], place: str) -> Path:
    """Compare the samples of a file of a run, or of all in a folder, and return its path.

    Raises
    ------
    CorruptError
        When one has changed since the run was made.
    """
    for name, digest in known.items():
        if name == place or name.startswith(f"{place}/"):
            check_sample(run / name, digest, _REMEDY)
    return run / place


def check_files(run: Path, files: Mapping[str, str]) -> list[str]:
    """Compare files with their checksums; return what is wrong, empty if nothing."""
    problems = []
    for name, digest in files.items():
        path = run / name
        if not path.is_file():
            problems.append(f"{path} is missing")
        elif fingerprint.of_file(path) != digest:
            problems.append(f"{path} has changed since the run was made")
    return problems
