"""An index that another process changes is not answered from: never a mixture of two states."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from wordtrace import api
from wordtrace.errors import ChangedError

TEXT = "the striker and the coach win a match"


@pytest.fixture
def built(run: api.Run, tmp_path: Path) -> api.Index:
    return api.build_index(run, tmp_path / "index", top_k=2, workers=1)


def test_an_index_that_was_built_again_says_so(built: api.Index, run: api.Run) -> None:
    path = built.folder.path
    opened = api.Index.open(path, run.path)
    api.build_index(run, path, top_k=9, workers=1, overwrite=True)
    asked: list[Any] = [
        lambda: opened.trace(TEXT),
        lambda: opened.mislabels(top=3),
        lambda: opened.neighbours(top=2),
        lambda: opened.outliers(top=3),
        lambda: wt.influence(opened, TEXT),
    ]
    for ask in asked:
        with pytest.raises(ChangedError, match=r"was changed since it was opened; open it again\."):
            ask()
    assert api.Index.open(path, run.path).trace(TEXT).proponents


def test_one_that_was_merged_or_removed_says_so(built: api.Index, run: api.Run) -> None:
    path = built.folder.path
    api.Index.open(path, run.path).remove([run.train.ids[0]])
    opened = api.Index.open(path, run.path)
    first = opened.trace(TEXT).proponents
    api.Index.open(path, run.path).merge()
    with pytest.raises(ChangedError):
        opened.trace(TEXT)
    again = api.Index.open(path, run.path)
    assert [one.id for one in again.trace(TEXT).proponents] == [one.id for one in first]
    shutil.rmtree(path)
    with pytest.raises(ChangedError, match="is gone"):
        again.trace(TEXT)


def test_readers_beside_a_writer_see_one_state_or_the_other(run: api.Run, tmp_path: Path) -> None:
    states = {}
    for top_k in (1, 9):
        index = api.build_index(run, tmp_path / f"top-{top_k}", top_k=top_k, workers=1)
        states[top_k] = wt.influence(index, TEXT)
    place = Path(shutil.copytree(tmp_path / "top-1", tmp_path / "index"))
    done, mixed, answered = threading.Event(), [], [0]

    def read() -> None:
        while not (done.is_set() and answered[0]):
            try:
                found = wt.influence(api.Index.open(place, run.path), TEXT)
            except ChangedError:
                continue
            answered[0] += 1
            if not any(np.array_equal(found, state) for state in states.values()):
                mixed.append(found)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for turn in range(6):
        api.build_index(run, place, top_k=(9, 1)[turn % 2], workers=1, overwrite=True)
    done.set()
    for reader in readers:
        reader.join()
    assert answered[0] > 0
    assert not mixed
