"""The short form of each section of ``make torture``: everything is survived."""

from __future__ import annotations

import pytest
from torture.__main__ import SECTIONS, torture

#: Kills, pairs and damaged files have tests of their own in tests/index, tests/disk and others.
ELSEWHERE = {"files", "kills", "pairs"}


@pytest.mark.slow
@pytest.mark.parametrize("section", [one for one in SECTIONS if one not in ELSEWHERE])
def test_everything_is_survived(section: str) -> None:
    tally = torture(section, short=True)
    assert tally.total
    assert tally.fell == []
