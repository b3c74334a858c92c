"""Checking that a run's files are as they were written."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path

from wordtrace.disk import fingerprint


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
