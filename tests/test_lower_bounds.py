"""The lower bounds that pyproject.toml states are the versions that `make oldest` tests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
TESTED = ("hf", "lora", "ray", "slurm", "test")
UNTRIED = {"torch"}  # constraints-oldest.txt says why


def bounds() -> dict[str, str]:
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(one for name in TESTED for one in extras[name])]
    found = {}
    for one in asked:
        if one.startswith("wordtrace["):
            continue
        match = re.fullmatch(r"([\w-]+)>=([\d.]+)", one)
        assert match, f"{one} states no lower bound"
        found[match[1]] = match[2]
    return found


def pins() -> dict[str, str]:
    lines = (HERE / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def numbers(version: str) -> tuple[int, ...]:
    """Return a version's numbers without zeros at the end: 1.15 is 1.15.0."""
    return tuple(int(part) for part in re.sub(r"(\.0)+$", "", version).split("."))


def test_each_bound_is_pinned_to_be_tested() -> None:
    stated, tested = bounds(), pins()
    assert stated.keys() == tested.keys()
    differing = {name for name in stated if numbers(stated[name]) != numbers(tested[name])}
    assert differing == UNTRIED
    assert all(numbers(stated[name]) < numbers(tested[name]) for name in UNTRIED)


def test_the_python_that_is_required_is_the_first_that_is_named() -> None:
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [one.rsplit(" ", 1)[1] for one in project["classifiers"] if "Python :: 3." in one]
    assert project["requires-python"] == f">={named[0]}"
