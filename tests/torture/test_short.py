"""The short form of each section of ``make torture``: everything is survived."""

from __future__ import annotations

import pytest
from torture.__main__ import SECTIONS, torture

#: What has many tests of its own in tests/disk and index, and what is built and installed.
ELSEWHERE = {"files", "supply"}


@pytest.mark.slow
@pytest.mark.parametrize("section", [one for one in SECTIONS if one not in ELSEWHERE])
def test_everything_is_survived(section: str) -> None:
    tally = torture(section, short=True)
    assert tally.total
    assert tally.fell == []
