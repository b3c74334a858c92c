"""Files and folders are the old one or the new one, never a half, and nobody else's is touched."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.patience import PATIENCE, wait_until
from wordtrace.disk import atomic
from wordtrace.errors import CorruptError, InputError


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


def finished(folder: Path, text: str) -> None:
    with atomic.exclusive(folder) as part:
        (part / "file").write_text(text)
        atomic.commit_folder(folder)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic.write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        atomic.write_json(path, {"a": float("nan")})

    def half_write() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_text("half")
            raise Killed

    with pytest.raises(Killed):
        half_write()
    assert atomic.read_json(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "[" * 100_000, '{"a": NaN}', '{"a": 1e999}', '{"\u00ff"']
)
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(CorruptError, match=r"a\.json.*make it again"):
        atomic.read_json(tmp_path / "a.json")


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    finished(folder, "old")
    finished(folder, "new")
    assert (folder / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["run"]


def test_a_kill_between_the_two_renames_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    finished(folder, "old")
    rename = os.rename

    def killed(source: Path, target: Path) -> None:
        if Path(source) == atomic.part_of(folder):
            raise Killed
        rename(source, target)

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(Killed):
        finished(folder, "new")
    monkeypatch.undo()
    assert not folder.exists()
    atomic.restore(folder)
    assert (folder / "file").read_text() == "old"
    assert (atomic.part_of(folder) / "file").read_text() == "new"


def test_a_kill_after_the_second_leaves_nothing_to_the_next_writer(tmp_path: Path) -> None:
    folder, aside = tmp_path / "run", tmp_path / ".run.replaced-by-wordtrace"
    finished(folder, "new")
    aside.mkdir()
    (aside / "file").write_text("old")
    with atomic.exclusive(folder):
        pass  # it finds that there is nothing to be done
    assert os.listdir(tmp_path) == ["run"]
    assert (folder / "file").read_text() == "new"


def test_a_users_own_backup_is_never_touched(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    finished(folder, "old")
    backup = tmp_path / "run.old"
    backup.mkdir()
    (backup / "mine").write_text("keep")
    finished(folder, "new")
    assert (backup / "mine").read_text() == "keep"


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with (
        atomic.exclusive(folder),
        pytest.raises(InputError, match="another process is writing"),
        atomic.exclusive(folder),
    ):
        pass
    with atomic.exclusive(folder) as part:
        assert part.is_dir()


def test_a_work_folder_with_foreign_files_is_refused(tmp_path: Path) -> None:
    part = tmp_path / "run.part"
    part.mkdir()
    (part / "plan.json").touch()
    atomic.refuse_foreign(part, ("plan.json",))
    (part / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"files of somebody else \(thesis\.tex\); move it away"):
        atomic.refuse_foreign(part, ("plan.json",))


def test_what_a_kill_left_of_the_first_file_is_nobody_elses(tmp_path: Path) -> None:
    part = tmp_path / "run.part"
    (part / ".run.json.671.tmp").mkdir(parents=True)
    atomic.refuse_foreign(part, ())
    (part / ".run.json.mine.tmp").mkdir()
    with pytest.raises(InputError, match=r"files of somebody else \(\.run\.json\.mine\.tmp\)"):
        atomic.refuse_foreign(part, ())


def test_clearing_a_folder_does_not_follow_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").touch()
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "link").symlink_to(outside)
    atomic.empty(inside)
    assert list(inside.iterdir()) == []
    assert (outside / "mine").exists()


def test_a_reader_between_a_writers_two_renames_waits_for_the_new_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    finished(folder, "old")
    rename, flock = os.rename, fcntl.flock
    waits, seen = threading.Event(), []

    def read() -> None:
        seen.append(atomic.holds(folder, "file") and (folder / "file").read_text())
        waits.set()

    reader = threading.Thread(target=read)

    def noting(handle: int, operation: int) -> None:
        if threading.current_thread() is reader:
            waits.set()
        flock(handle, operation)

    def interrupted(source: Path, target: Path) -> None:
        rename(source, target)
        if Path(source) == folder:
            reader.start()
            assert waits.wait(PATIENCE)

    monkeypatch.setattr(fcntl, "flock", noting)
    monkeypatch.setattr(os, "rename", interrupted)
    finished(folder, "new")
    reader.join()
    assert seen == ["new"]
    assert os.listdir(tmp_path) == ["run"]


def test_a_reader_of_before_the_first_rename_may_look_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It found the older folder aside, and by the time it has the lock all is done."""
    folder, aside = tmp_path / "run", tmp_path / ".run.replaced-by-wordtrace"
    finished(folder, "new")
    finished(tmp_path / "other", "old")
    exists = Path.exists
    found = [False]

    def late(path: Path) -> bool:
        if path == folder and found:
            return found.pop()
        return exists(path)

    os.rename(tmp_path / "other", aside)
    monkeypatch.setattr(Path, "exists", late)
    atomic.restore(folder)
    assert (folder / "file").read_text() == "new"
    assert found == []


def test_who_waited_for_a_folder_that_is_gone_leaves_the_next_writers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, aside = tmp_path / "run", tmp_path / ".run.replaced-by-wordtrace"
    flock, asked = fcntl.flock, []

    def noted(handle: int, how: int) -> None:
        if how == fcntl.LOCK_EX:
            asked.append(handle)
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", noted)
    reader = threading.Thread(target=atomic.restore, args=(folder,))
    aside.mkdir()
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(atomic.locked(aside))  # a writer is between its two renames
        reader.start()
        wait_until(lambda: len(asked) == 2)
        # That writer ends, and another begins: what lies aside now is the second's.
        aside.rmdir()
        aside.mkdir()
        (aside / "of the second").touch()
        second.enter_context(atomic.locked(aside))
        first.close()
        wait_until(lambda: len(asked) == 4 or not reader.is_alive())
        assert not folder.exists()
        folder.mkdir()
        (folder / "new").touch()
    reader.join(PATIENCE)
    assert [one.name for one in folder.iterdir()] == ["new"]
    assert [one.name for one in aside.iterdir()] == ["of the second"]


OPENING = """
import sys
from pathlib import Path
from wordtrace.disk import atomic
folder, stop, begun = map(Path, sys.argv[1:])
count = 0
while not stop.exists():
    count += atomic.holds(folder, "file")
    begun.touch()
print(count)
"""


def test_readers_and_a_writer_of_one_folder_do_not_harm_each_other(tmp_path: Path) -> None:
    folder, stop = tmp_path / "run", tmp_path / "stop"
    finished(folder, "0")
    begun = [tmp_path / f"begun-{place}" for place in range(2)]
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENING, str(folder), str(stop), str(one)],
            stdout=subprocess.PIPE,
        )
        for one in begun
    ]
    try:
        for one, reader in zip(begun, readers, strict=True):
            wait_until(one.exists, reader)
        for count in range(300):
            finished(folder, str(count))
    finally:
        stop.touch()
    for reader in readers:
        opened, _ = reader.communicate(timeout=PATIENCE)
        assert reader.returncode == 0
        assert int(opened) > 0
    assert (folder / "file").read_text() == "299"


def test_a_file_has_the_rights_that_any_new_file_has(tmp_path: Path) -> None:
    """Also where a library writes one of its own that nobody else may read."""
    (tmp_path / "plain").touch()
    with atomic.replacing(tmp_path / "weights") as temporary:
        save_file({"a": torch.zeros(2)}, temporary)
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("after", range(5))
def test_a_kill_while_a_folder_is_cleared_leaves_what_tells_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    for name in ("a", "m", "z"):
        (tmp_path / name).write_text(name)
    (tmp_path / "mark").mkdir()
    (tmp_path / "folder").mkdir()
    removed: list[str] = []

    def counted(remove: Callable[[Path], None]) -> Callable[[Path], None]:
        def once(path: Path) -> None:
            if len(removed) == after:
                raise Killed
            removed.append(path.name)
            remove(path)

        return once

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", counted(Path.unlink))
        patched.setattr(shutil, "rmtree", counted(shutil.rmtree))
        with pytest.raises(Killed):
            atomic.empty(tmp_path, "mark")
    assert (tmp_path / "mark").exists()
    assert len(list(tmp_path.iterdir())) == 5 - after
    atomic.empty(tmp_path, "mark")
    assert list(tmp_path.iterdir()) == []
