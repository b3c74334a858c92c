"""A glance at a file: another file, or one of which much was lost, is noticed when it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordtrace.disk.sample import PAGE, WHOLE, check_sample, of_sample
from wordtrace.errors import CorruptError


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(np.random.default_rng(2).bytes(5 * WHOLE + 17))
    return path


def changed(path: Path, start: int, end: int) -> str:
    """Return the sample of a file after some of its bytes were lost and zeros put there."""
    data = path.read_bytes()
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])
    return of_sample(path)


def test_every_byte_of_a_small_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"\1" * WHOLE)
    assert len({of_sample(path), *(changed(path, at, at + 1) for at in (WHOLE - 1, 77, 0))}) == 4


def test_of_a_large_file_its_ends_and_any_sixteenth_count(large: Path) -> None:
    before, size = of_sample(large), large.stat().st_size
    whole = large.read_bytes()
    for start in (0, size // 3, size - 1, size - size // 15):
        assert changed(large, start, min(size, start + size // 15)) != before
        large.write_bytes(whole)
    # One byte between two pages does not: that is what a whole checksum is for.
    assert changed(large, PAGE + 1, PAGE + 2) == before


def test_a_change_is_said_with_what_to_do(large: Path) -> None:
    assert check_sample(large, None, "make it again") == large
    assert check_sample(large, of_sample(large), "make it again") == large
    with pytest.raises(CorruptError, match=r"large has changed since it was written; make it ag"):
        check_sample(large, "0" * 40, "make it again")
    large.unlink()
    with pytest.raises(CorruptError, match=r"large can't be read \(No such file.*\); make it ag"):
        check_sample(large, "0" * 40, "make it again")
