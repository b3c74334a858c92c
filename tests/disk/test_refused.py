"""A disk that refuses is told with the name of the file, by whatever writer it refused."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from tests.command import wordtrace
from wordtrace.disk import atomic
from wordtrace.disk.journal import Journal
from wordtrace.execute import ledger
from wordtrace.execute.ledger import Ledger

_MANY = np.random.default_rng(0).random(100_000)


def _numpy(path: Path) -> None:
    with open(path, "wb") as file:
        np.save(file, _MANY)


WRITERS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda path: path.write_bytes(_MANY.tobytes()),
    "numpy": _numpy,
    "pyarrow": lambda path: pq.write_table(pa.table({"x": _MANY}), path),
    "safetensors": lambda path: save_file({"x": torch.from_numpy(_MANY)}, path),
}


@contextmanager
def small_files() -> Iterator[None]:
    """Files may not grow over 50,000 bytes: the system then answers as a full disk does.

    For as short as may be: what this process says of its tests may go to a long file, too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_that_does_not_fit_is_named_and_leaves_nothing(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "new.bin"
    with (
        small_files(),
        pytest.raises(OSError) as raised,  # noqa: PT011
        atomic.replacing(path) as temporary,
    ):
        WRITERS[writer](temporary)
    assert raised.value.filename == str(path)
    assert raised.value.errno in (errno.EFBIG, errno.ENOSPC)
    assert list(tmp_path.iterdir()) == []


def test_a_journal_and_a_ledger_name_their_files(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "lines.jsonl", "f", 1)
    with journal.held(), small_files():
        journal.append({"a": 1})
        size = journal.path.stat().st_size
        with pytest.raises(OSError, match=r"lines\.jsonl"):
            journal.append({"a": "x" * 60_000})
        assert journal.path.stat().st_size == size
    with Ledger(tmp_path / "done.sqlite") as ledger, small_files():
        with pytest.raises(OSError, match=r"done\.sqlite"):
            ledger.record("a", {"x": "y" * 100_000})
        ledger.record("b", {})


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_names_the_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError) as raised:
        atomic.write_text(tmp_path / "x.txt", "a")
    assert raised.value.filename == str(tmp_path / "x.txt")


def test_the_command_names_the_file_and_says_what_to_do(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    rows = "".join(f"the coach and the bank {row},{'ab'[row % 2]}\n" for row in range(900))
    data.write_text("text,label\n" + rows)
    model = ("--dim", "400", "--epochs", "1", "--out", tmp_path / "run")
    with small_files():
        said = wordtrace("train", data, *model, status=1).stderr.splitlines()[-1]
    assert said.startswith(f"wordtrace: {tmp_path / 'run'}")
    assert "can't be written: File too large. Files may not grow so large here" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("redirected", "status", "told"),
    [
        (">/dev/full", 1, "standard output can't be written: No space left on device. Free"),
        (">&-", 0, ""),
        ("<&-", 0, ""),
        (">&- 2>&- <&-", 0, ""),
    ],
)
def test_a_standard_stream_that_is_full_or_closed(redirected: str, status: int, told: str) -> None:
    command = f"{sys.executable} -m wordtrace measures --json {redirected}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr[:11]) == (status, "wordtrace: " if told else "")
    assert told in done.stderr
    assert done.stderr.count("\n") == bool(told)


@pytest.mark.parametrize(
    ("disk", "number"),
    [
        ({"f_flag": os.ST_RDONLY}, errno.EROFS),
        ({"f_bavail": 8, "f_frsize": 4096}, errno.ENOSPC),
        ({"f_bavail": 1 << 20}, None),
    ],
)
def test_where_a_library_says_only_that_it_did_not_work_the_disk_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: dict[str, int], number: int | None
) -> None:
    """As SQLite does: "disk I/O error", "unable to open database file"."""
    found = SimpleNamespace(**{"f_flag": 0, "f_bavail": 1 << 20, "f_frsize": 4096, **disk})
    (tmp_path / "done.sqlite").mkdir()
    monkeypatch.setattr(os, "statvfs", lambda _: found)
    monkeypatch.setattr(ledger, "is_there", lambda _: True)
    with pytest.raises(OSError, match=r"done\.sqlite") as raised:
        Ledger(tmp_path / "done.sqlite")
    assert raised.value.errno == number
