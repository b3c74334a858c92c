"""The data of the tales: complaints and praise about orders, some of them labelled wrongly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

SUBJECTS = ["the battery", "this phone", "the screen", "my new laptop", "the charger", "the case"]
SAID = {
    "good": ["works perfectly", "lasts for days", "is excellent", "arrived early", "is a delight"],
    "bad": ["died after a week", "is broken", "arrived scratched", "is useless", "never worked"],
}
AROUND = ["I bought it in May.", "My sister chose it.", "It was on offer.", "The box is blue."]


@dataclass(frozen=True)
class Reviews:
    """Two CSV files, as a shop might have them.

    Attributes
    ----------
    file
        Columns number, body and stars; every tenth label or so is wrong.
    right
        The same rows with the right labels.
    wrong
        The numbers of the rows whose label in `file` is wrong.
    """

    file: Path
    right: Path
    wrong: frozenset[str]


def write_reviews(folder: Path, count: int = 200) -> Reviews:
    generator = np.random.default_rng(11)
    flipped = set(generator.choice(count, count // 10, replace=False).tolist())
    given, right = ["number,body,stars"], ["number,body,stars"]
    for row in range(count):
        label = ("good", "bad")[row % 2]
        said = " and ".join(generator.choice(SAID[label], 2, replace=False))
        text = f"{generator.choice(SUBJECTS)} {said}. {generator.choice(AROUND)}"
        other = {"good": "bad", "bad": "good"}[label]
        given.append(f'r{row},"{text}",{other if row in flipped else label}')
        right.append(f'r{row},"{text}",{label}')
    files = folder / "reviews.csv", folder / "right.csv"
    for file, lines in zip(files, (given, right), strict=True):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Reviews(*files, frozenset(f"r{row}" for row in flipped))


@pytest.fixture
def reviews(tmp_path: Path) -> Reviews:
    return write_reviews(tmp_path)
