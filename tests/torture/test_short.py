"""The short form of each section of ``make torture``: everything is survived."""

from __future__ import annotations

import pytest
from torture.__main__ import SECTIONS, torture


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS)
def test_everything_is_survived(section: str) -> None:
    tally = torture(section, short=True)
    assert tally.total
    assert tally.fell == []
