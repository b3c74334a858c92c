"""The judge of what is shipped notices what is wrong."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from torture.world import World

from torture import bare, installed, supply


def test_a_file_that_does_not_belong_in_the_wheel_is_seen(tmp_path: Path) -> None:
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tests/__init__.py", "")
    (attempt,) = supply._content(wheel)
    assert attempt.end == "wrong"
    assert "tests/__init__.py" in attempt.detail or "wordtrace/" in attempt.detail


def test_where_it_is_bare_what_an_extra_brings_is_absent() -> None:
    allowed = bare.installed_alone()
    assert {"torch", "numpy", "pyarrow", "typer"} <= set(allowed)
    assert not {"fastapi", "transformers", "ray", "mcp", "matplotlib"} & set(allowed)
    code = (
        "import sys\nfrom torture import bare\n"
        "sys.meta_path[:] = [bare.Hiding(finder, ['numpy']) for finder in sys.meta_path]\n"
        "import numpy\n"
        "try: import pytest\n"
        "except ModuleNotFoundError as error: assert error.name == 'pytest'\n"
        "else: raise SystemExit(1)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_licence_that_binds_what_uses_it_is_none_of_ours() -> None:
    assert supply.permissive("BSD-3-Clause")
    assert supply.permissive("License :: OSI Approved :: MIT License")
    assert not supply.permissive("GPL-3.0-only AND MIT")
    assert not supply.permissive("AGPL-3.0")
    assert not supply.permissive("")


def test_answers_agree_but_for_time_size_and_last_digits() -> None:
    def told(score: str, took: str = "3 ms", size: str = "1,200 bytes") -> str:
        return f'{{"score": {score}, "seconds": 0.{len(took)}, "said": "{took}, {size}"}}'

    near = installed._NEAR
    assert installed.agree(told("0.1"), told("0.1", "1.5 s", "1,208 bytes"))
    assert installed.agree(told("0.123456"), told("0.123457"), near)
    assert not installed.agree(told("0.123456"), told("0.123457"))
    assert installed.agree(told("1.25e-08"), told("0.0"), near)
    assert not installed.agree(told("0.123456"), told("0.124"), near)
    assert not installed.agree(told("3"), told("4"), near)
    assert not installed.agree(told("0.5"), told("0.5") + "more", near)


def test_each_other_python_is_tried_and_the_oldest_and_newest_packages() -> None:
    own = f"3.{sys.version_info.minor}"
    found = list(installed.places({"3.10": "a", own: "b", "3.99": "c"}))
    assert [(place.python, place.how) for place in found] == [
        ("a", "locked"),
        ("c", "locked"),
        ("a", "oldest"),
        ("c", "newest"),
    ]
    assert [place.how for place in installed.places({own: "b"})] == ["oldest", "newest"]
    assert list(installed.places({})) == []


def test_a_failed_installation_falls_but_where_no_index_answers_nothing_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = installed.Place("some Python", "python", "newest")
    for error, ends in (
        ("ERROR: No matching distribution found for numpy>=9", ["crashed"]),
        ("WARNING: Retrying after connection broken by 'NewConnectionError'", []),
    ):
        done = subprocess.CompletedProcess([], 1, "", error)
        monkeypatch.setattr(installed, "_install", lambda *given, done=done: done)
        found = installed.attempt(place, tmp_path, World(tmp_path), tmp_path, {})
        assert [one.end for one in found] == ends
