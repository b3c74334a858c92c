"""What may befall an index: flipped bits, lost ends, kills, full and read-only disks."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.forked import Forked
from tests.index.test_build import KILLED
from tests.index.test_life import TEXTS, further
from tests.patience import wait_until
from tests.trees import contents, tree
from wordtrace import api
from wordtrace.errors import CorruptError, WordtraceError
from wordtrace.index.folder import IndexFolder

KILLS = int(os.environ.get("WORDTRACE_KILLS", "4"))


@pytest.fixture(scope="module")
def changed(run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with every kind of file: projected, added to, with removed rows."""
    path = tmp_path_factory.mktemp("proof") / "index"
    index = api.build_index(run, path, shard_size=40, project=7, workers=1)
    index.add(further(), workers=1).remove(["new-3", run.train.ids[5]])
    return path


def test_a_flipped_bit_in_any_file_is_named_and_never_a_crash(
    changed: Path, run: api.Run, tmp_path: Path
) -> None:
    generator = np.random.default_rng(8)
    files = tree(changed)
    kinds = {name.split("-")[0].split(".")[0] for name in files}
    assert kinds >= {"manifest", "examples", "texts", "tokens", "removed", "projection"}
    for name, data in files.items():
        for _ in range(6):
            path = tmp_path / "index"
            shutil.copytree(changed, path)
            at = int(generator.integers(len(data)))
            flipped = bytearray(data)
            flipped[at] ^= 1 << int(generator.integers(8))
            (path / name).write_bytes(flipped)
            if name == "manifest.json":
                with pytest.raises(WordtraceError):
                    api.Index.open(path, run.path)
            else:
                # The run is the fixture's own: its models need not be read for each bit.
                index = api.Index(IndexFolder.open(path), run)
                (problem,) = index.folder.check()
                assert name in problem
                # Unverified it may answer wrongly, or refuse; it never breaks otherwise.
                with suppress(WordtraceError):
                    index.trace(TEXTS[0])
                with suppress(WordtraceError):
                    index.mislabels()
            shutil.rmtree(path)


def test_a_lost_end_of_any_file_is_refused_at_opening(
    changed: Path, run: api.Run, tmp_path: Path
) -> None:
    generator = np.random.default_rng(9)
    for name, data in tree(changed).items():
        for left in (0, int(generator.integers(len(data))), len(data) - 1):
            path = tmp_path / "index"
            shutil.copytree(changed, path)
            (path / name).write_bytes(data[:left])
            if name == "manifest.json" and data[left:].strip() == b"":
                shutil.rmtree(path)
                continue
            with pytest.raises(CorruptError, match=name.split("/")[-1].replace(".", r"\.")):
                api.Index.open(path, run.path)
            shutil.rmtree(path)


SHARDS = "checkpoint-*/*.safetensors"


def reached(part: Path, shards: int, process: Forked) -> bool:
    """Return whether so many shards are written, or the process has ended."""
    return len(list(part.glob(SHARDS))) >= shards or process.poll() is not None


@pytest.mark.slow
def test_a_build_killed_again_and_again_at_random_moments_ends_byte_identical(
    run: api.Run, tmp_path: Path
) -> None:
    undisturbed, killed = tmp_path / "a", tmp_path / "b"
    part = tmp_path / "b.part"

    assert Forked(KILLED, run.path, undisturbed).wait() == 0
    shards = len(list(undisturbed.glob(SHARDS)))
    generator = np.random.default_rng(10)
    in_the_middle = []
    for _ in range(KILLS):
        process = Forked(KILLED, run.path, killed)
        moment = int(generator.integers(shards))
        wait_until(partial(reached, part, moment, process))
        time.sleep(generator.uniform(0.0, 0.02))
        process.kill()
        if killed.exists():
            assert contents(killed) == contents(undisturbed)
            shutil.rmtree(killed)
        elif part.exists():
            in_the_middle.append(len(list(part.glob(SHARDS))))
            if len(in_the_middle) % 2:
                continue  # killed again where this one was left
            api.build_index(run, killed, shard_size=3, workers=1)
            assert contents(killed) == contents(undisturbed)
            shutil.rmtree(killed)
    assert len(set(in_the_middle)) >= KILLS // 4
    api.build_index(run, killed, shard_size=3, workers=1)
    assert contents(killed) == contents(undisturbed)


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
from wordtrace.cli.main import main
main(["index", sys.argv[1], "--out", sys.argv[2], "--workers", "1", "--shard-size", "30"])
"""


@pytest.mark.parametrize("room", [3_000, 20_000])
def test_a_full_disk_is_one_sentence_and_the_build_goes_on_later(
    run: api.Run, tmp_path: Path, room: int
) -> None:
    # A limit on the size of a file: writing more fails just as on a full disk.
    assert Forked(FULL, run.path, tmp_path / "x", room, told=tmp_path).wait() == 1
    assert (tmp_path / "stdout").read_text() == ""
    (line,) = (tmp_path / "stderr").read_text().splitlines()
    assert line.startswith("wordtrace: ")
    assert "too large" in line or "disk I/O error" in line
    assert "bug" not in line
    assert not (tmp_path / "x").exists()
    assert not list(tmp_path.rglob("*.tmp"))
    api.build_index(run, tmp_path / "x", shard_size=30, workers=1)
    api.build_index(run, tmp_path / "y", shard_size=30, workers=1)
    assert contents(tmp_path / "x") == contents(tmp_path / "y")


READ_ONLY = """
import os, sys
place = os.path.realpath(sys.argv[1])
def refuse(event, given):
    write = event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link")
    if event == "open" and isinstance(given[2], int):
        write = bool(given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    if write and os.path.realpath(os.fspath(given[0])).startswith(place):
        raise OSError(30, "Read-only file system", given[0])
sys.addaudithook(refuse)
from wordtrace.cli.main import main
main(sys.argv[2:])
"""


def test_an_index_on_read_only_media_answers_and_says_that_it_cannot_change(
    run: api.Run, changed: Path, tmp_path: Path
) -> None:
    def ask(*arguments: str) -> tuple[int, str, str]:
        status = Forked(READ_ONLY, changed.parent, *arguments, told=tmp_path).wait()
        return status, *((tmp_path / name).read_text() for name in ("stdout", "stderr"))

    before = tree(changed)
    for arguments in (
        ("trace", str(changed), TEXTS[0], "--run", str(run.path)),
        ("info", str(changed)),
        ("mislabels", str(changed), "--run", str(run.path)),
    ):
        status, out, error = ask(*arguments)
        assert status == 0, error
        assert out
    status, _, error = ask("index-remove", str(changed), "new-1", "--run", str(run.path))
    assert status == 1
    assert "Read-only file system" in error
    assert len(error.splitlines()) == 1
    assert tree(changed) == before
