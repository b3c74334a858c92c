"""The judges of `kills` and `pairs` notice what a fall looks like."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torture.kills_jobs import JOBS, state_of
from torture.sandbox import Ended, Stop

from torture import kills, pairs

TOLD = "wordtrace: ended by SIGTERM; what is done is kept: run the same command to go on.\n"
GENTLE = Stop(signal.SIGTERM, operation=3)


@pytest.mark.parametrize(
    ("ended", "stop", "fall"),
    [
        (Ended(-9, "", ""), Stop(operation=3), None),
        (Ended(143, "", TOLD), GENTLE, None),
        (Ended(0, "", ""), GENTLE, None),
        (Ended(-15, "", ""), GENTLE, "crashed"),
        (Ended(-15, "", ""), Stop(signal.SIGTERM, after=0.01), None),
        (Ended(143, "", "Traceback (most recent call last):"), GENTLE, "crashed"),
        (Ended(1, "", "wordtrace: KeyError: 3. This is a bug"), Stop(operation=3), "crashed"),
        (Ended(None, "", ""), GENTLE, "hung"),
        (Ended(-9, "", "", left=("process python",)), Stop(operation=3), "left"),
        (Ended(143, "", TOLD, left=("shared memory sem.loky-7",)), GENTLE, "left"),
    ],
)
def test_how_a_job_ends(ended: Ended, stop: Stop, fall: str | None) -> None:
    found = kills.wrong_end(ended, stop, JOBS[0])
    assert (found and found[0]) == fall


def test_what_lies_there_at_last(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text('{"seconds": 1.5, "rows": 3}')
    wanted = state_of(tmp_path)
    (tmp_path / "run" / "run.json").write_text('{"seconds": 2.25, "rows": 3}')
    assert kills.difference(wanted, state_of(tmp_path)) is None
    (tmp_path / "run.part").mkdir()
    assert kills.difference(wanted, state_of(tmp_path)) == ("left", "run.part")
    (tmp_path / "run.part").rmdir()
    (tmp_path / "run" / "run.json").write_text('{"seconds": 2.25, "rows": 4}')
    fall = kills.difference(wanted, state_of(tmp_path))
    assert fall == ("wrong", "differs from an undisturbed one: run/run.json")
    (tmp_path / "run" / "run.json").unlink()
    assert kills.difference(wanted, state_of(tmp_path))


def test_what_a_reader_sees() -> None:
    old, new, none = {"count": 1}, {"count": 2}, {"refused": "index does not exist"}
    known: Any = SimpleNamespace(seen=({"index": old}, {"index": new}))
    assert kills.wrong_sight(known, {"index": old}) is None
    assert kills.wrong_sight(known, {"index": new}) is None
    for broken, fall in (
        ({"count": 1, "problems": ["a file has changed"]}, "wrong"),
        (none, "wrong"),  # what was there is to stay
        ({"crashed": "KeyError: 3"}, "crashed"),
    ):
        found = kills.wrong_sight(known, {"index": broken})
        assert found
        assert found[0] == fall
    begun: Any = SimpleNamespace(seen=({"index": none}, {"index": new}))
    assert kills.wrong_sight(begun, {"index": {"refused": "index is not finished"}}) is None


class Told:
    """Serial runs whose answers and states are known."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def says(self, *row: pairs.Doing) -> str:
        return "+".join(one.name for one in row)

    def after(self, *row: Any) -> Path:
        names = sorted(getattr(one, "name", one) for one in row)
        folder = self.place / "-".join(["state", *names])
        if not folder.exists():
            folder.mkdir()
            for name in names:
                (folder / name).touch()
        return folder


@pytest.mark.parametrize(
    ("out", "there", "end"),
    [
        (("add", "add+trace"), ("add",), "right"),
        (("add", "trace"), ("add",), "right"),
        (("add", "wordtrace: run/index was changed since it was opened."), ("add",), "refused"),
        (("add", "a mixture"), ("add",), "wrong"),
        (("add", "wordtrace: no such file."), ("add",), "wrong"),
        (("add", "Traceback"), ("add",), "crashed"),
        (("add", "trace"), (), "wrong"),
        (("add", "trace"), ("add", "run.part"), "wrong"),
    ],
)
def test_two_at_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    out: tuple[str, str],
    there: tuple[str, ...],
    end: str,
) -> None:
    monkeypatch.setattr(pairs.Command, "run", lambda command: Ended(0, "", ""))
    pair = pairs.Pair(pairs.Doing("add", (), True), pairs.Doing("trace", ()), 0.0, tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in there:
        (folder / name).touch()
    ended: Any = tuple(
        Ended(1, "", f"{one}\n") if one.startswith(("wordtrace: ", "Trace")) else Ended(0, one, "")
        for one in out
    )
    serial: Any = Told(tmp_path)
    # A reader writes nothing: its state is that of the other alone.
    monkeypatch.setattr(
        serial, "after", lambda *row, of=serial.after: of(*(one for one in row if one_of(one)))
    )
    assert pairs.judged(pair, ended, folder, serial)[0] == end


def one_of(row: Any) -> bool:
    return getattr(row, "name", row) != "trace"
