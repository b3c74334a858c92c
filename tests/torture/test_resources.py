"""The judge of what a command lacks notices what should not be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torture.resources import Lack, _attempt, _signature
from torture.sandbox import Command, Ended

from torture import resources

_FULL = Lack("a full disk", "from the start", "trace", disk=0)
_SAID = "wordtrace: new.json can't be written: No space left on device. Free some space.\n"


def judged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, first: Any, then: Any = None, lack: Lack = _FULL
) -> str:
    """Return how an attempt ends whose commands write and end so."""
    ends = iter([first, then])

    class Played:
        def run(self) -> Ended:
            written, ended = next(ends)
            if written is not None:
                (folder / "new.json").write_text(written)
            return ended

    monkeypatch.setattr(resources, "_command", lambda *_: Played())
    return _attempt(lack, folder, lambda: None, {"a": 1})[0].end


RIGHT = ('{"a": 1, "seconds": 3}', Ended(0, "", ""))


@pytest.mark.parametrize(
    ("first", "then", "end"),
    [
        (RIGHT, None, "right"),
        (('{"a": 2}', Ended(0, "", "")), None, "wrong"),
        ((None, Ended(0, "", "")), None, "wrong"),
        ((None, Ended(1, "", _SAID)), RIGHT, "refused"),
        ((None, Ended(1, "", _SAID)), ('{"a": 3}', Ended(0, "", "")), "wrong"),
        ((None, Ended(1, "", _SAID)), (None, Ended(1, "", _SAID)), "wrong"),
        ((None, Ended(1, "", "wordtrace: No space left.\n")), RIGHT, "wrong"),
        ((None, Ended(1, "", "Traceback (most recent call last)")), None, "crashed"),
        ((None, Ended(1, "", f"SafetensorError: no\n{_SAID}")), None, "wrong"),
        ((None, Ended(2, "", "Intel oneMKL FATAL ERROR: Cannot load it.\n")), None, "wrong"),
        (('{"a"', Ended(1, "", _SAID)), None, "left"),
        ((None, Ended(None, "", "")), None, "hung"),
    ],
)
def test_an_end_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Any, then: Any, end: str
) -> None:
    assert judged(tmp_path, monkeypatch, first, then) == end


def test_a_temporary_file_is_left_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".new.json.7.tmp").write_text("")
    assert judged(tmp_path, monkeypatch, (None, Ended(1, "", _SAID)), RIGHT) == "left"


def test_a_folder_is_compared_file_by_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "x.bin").write_bytes(name.encode())
        (tmp_path / name / "y.json").write_text(json.dumps({"seconds": name, "at": 1}))
    first, second = _signature(tmp_path / "a"), _signature(tmp_path / "b")
    assert first["y.json"] == second["y.json"]
    assert first != second


def test_an_attacked_command_begins_as_a_users_does(tmp_path: Path) -> None:
    """Else what it makes for several processes is kept by name, and left behind by a kill."""
    code = "import multiprocessing; print(multiprocessing.get_start_method(allow_none=True))"
    ended = Command((code,), tmp_path, target="builtins:exec").run()
    assert (ended.status, ended.out) == (0, "None\n"), ended.error
