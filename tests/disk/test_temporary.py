"""What a killed writer leaves beside its file, the next writer of the same file removes."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.forked import Forked
from tests.patience import wait_until
from wordtrace.disk import atomic
from wordtrace.disk.temporary import folder_for

WRITING = """
import signal, sys
from pathlib import Path
from wordtrace.disk import atomic
with atomic.replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    # As safetensors does, which writes a file of its own and renames it.
    (temporary.parent / ".tmpXYZ").write_text("more")
    (temporary.parent / ".tmpXYZ").replace(temporary)
    Path(sys.argv[2]).touch()
    signal.pause()
"""


def writer(path: Path, begun: Path) -> Forked:
    """Start a process that is in the middle of writing a file."""
    process = Forked(WRITING, path, begun)
    wait_until(begun.exists)
    return process


def test_a_killed_writers_stray_is_removed_and_a_living_ones_stays(tmp_path: Path) -> None:
    folder, path = tmp_path / "results", tmp_path / "results" / "trace.json"
    folder.mkdir()
    killed, living = writer(path, tmp_path / "first"), writer(path, tmp_path / "second")
    try:
        killed.kill()
        mine = folder / ".trace.json.notes.tmp"
        mine.touch()
        atomic.write_text(path, "whole")
        kept = f".trace.json.{living.pid}.tmp"
        assert sorted(os.listdir(folder)) == sorted([mine.name, kept, "trace.json"])
        assert (folder / kept / "trace.json").read_text() == "more"
    finally:
        os.kill(living.pid, signal.SIGKILL)
        living.wait()
    atomic.write_text(path, "whole again")
    assert sorted(os.listdir(folder)) == [mine.name, "trace.json"]


def test_as_many_open_files_as_may_be_leave_no_stray(tmp_path: Path) -> None:
    """To remove a folder is to open it, too."""
    path = tmp_path / "a.json"
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as opened, folder_for(path) as place:
        (place / "half").touch()
        highest = max(map(int, os.listdir("/proc/self/fd")))
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 8, before[1]))
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        with suppress(OSError):
            while True:
                opened.enter_context(open(os.devnull))
    assert os.listdir(tmp_path) == []


def test_a_stray_of_another_file_or_in_the_way_is_no_hindrance(tmp_path: Path) -> None:
    """A process of the same number may live on another machine that shares the disk."""
    path = tmp_path / "a.json"
    mine, other = f".a.json.{os.getpid()}.tmp", ".b.json.7.tmp"
    (tmp_path / mine).write_text("a file, as older versions wrote it")
    (tmp_path / other).mkdir()
    atomic.write_text(path, "whole")
    assert path.read_text() == "whole"
    assert sorted(os.listdir(tmp_path)) == sorted([mine, other, "a.json"])


def test_a_stray_that_a_writer_has_just_made_is_not_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with atomic.replacing(path) as first:
        first.write_text("first")
        with atomic.replacing(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert os.listdir(tmp_path) == ["a.json"]
