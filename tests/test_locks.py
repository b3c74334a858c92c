"""What the README's two commands install is named with its version and its hash in locks/."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parents[1]
LOCKS = {"demo": ("app", "demo"), "dev": ("dev", "demo")}
#: They are asked for by other packages on newer Pythons alone, or only while something is built.
NOT_IN_AN_ENVIRONMENT = {
    "setuptools",
    "hatchling",
    "editables",
    "trove-classifiers",
    "pluggy",
    "tomlkit",
}


def locked(name: str) -> dict[str, tuple[str, list[str]]]:
    """Return the version and the hashes of each package."""
    text = (HERE / "locks" / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", "")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = line.split(" --hash=")
            package, _, version = requirement.partition("==")
            version = version.partition(";")[0].strip()
            found[canonicalize_name(package)] = (version, [one.strip() for one in hashes])
    return found


def pinned() -> dict[str, str]:
    lines = (HERE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def asked(extra: str) -> set[str]:
    """Return the packages that an extra names, and those of the extras that it names."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = project["dependencies"] if not extra else project["optional-dependencies"][extra]
    found = set()
    for one in map(Requirement, named):
        if one.marker and not one.marker.evaluate(default_environment()):  # type: ignore[arg-type]
            continue
        if one.name == "wordtrace":
            found |= set[str]().union(*map(asked, one.extras))
        else:
            found.add(canonicalize_name(one.name))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_the_tested_version_and_a_hash(name: str) -> None:
    found, tested = locked(name), pinned()
    assert all(
        hashes and all(re.fullmatch("sha256:[0-9a-f]{64}", one) for one in hashes)
        for _, hashes in found.values()
    )
    assert found.keys() - tested.keys() <= NOT_IN_AN_ENVIRONMENT
    differing = {one for one in found.keys() & tested.keys() if found[one][0] != tested[one]}
    assert differing == set()


@pytest.mark.parametrize("name", LOCKS)
def test_what_pyproject_asks_for_is_there(name: str) -> None:
    wanted = set[str]().union(*map(asked, ("", *LOCKS[name])))
    assert wanted - locked(name).keys() == {"torch"}
