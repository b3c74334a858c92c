"""All pairs within the training set, against the influence of every row's own text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from wordtrace import api
from wordtrace.errors import InputError


def test_they_are_the_strongest_of_the_full_matrix(
    run: api.Run, index: api.Index, tmp_path: Path
) -> None:
    whole = api.influence(run, run.train, "tracin-we-topk", top_k=4)
    np.testing.assert_allclose(whole, whole.T, rtol=1e-3, atol=1e-7)
    # So little memory that a block has one example; the result is the same.
    count = index.neighbours(tmp_path / "n.parquet", top=5, memory=1)
    again = index.neighbours(tmp_path / "again.parquet", top=5)
    table = pq.read_table(tmp_path / "n.parquet").to_pandas()
    other = pq.read_table(tmp_path / "again.parquet").to_pandas()
    assert len(table) == count == again == len(other)
    np.testing.assert_allclose(table["influence"], other["influence"], rtol=1e-4)
    ids, labels = np.array(run.train.ids), run.train.labels
    own = np.diag(whole)
    for row, id in enumerate(ids):
        mine = table[table["id"] == id]
        assert mine["rank"].tolist() == list(range(1, len(mine) + 1))
        values = whole[row].copy()
        values[row] = 0
        best = np.sort(values)[::-1][:5]
        np.testing.assert_allclose(mine["influence"], best[best > 0], rtol=1e-3, atol=1e-7)
        for pair in mine.itertuples():
            at = int(np.flatnonzero(ids == pair.neighbour)[0])
            assert at != row
            assert pair.cosine == pytest.approx(values[at] / (own[row] * own[at]) ** 0.5, rel=1e-3)
            assert pair.same_label == (labels[at] == labels[row])


def test_copies_have_cosine_one_and_removed_examples_are_nobodys_neighbours(
    run: api.Run, tmp_path: Path
) -> None:
    index = api.build_index(run, tmp_path / "x", dtype="float32", workers=1)
    texts = run.train.texts
    pair = [row for row, text in enumerate(texts) if texts.count(text) > 1]
    assert len(pair) == 2
    index.neighbours(tmp_path / "n.parquet", top=len(texts))
    table = pq.read_table(tmp_path / "n.parquet").to_pandas()
    first, second = (run.train.ids[row] for row in pair)
    found = table[(table["id"] == first) & (table["neighbour"] == second)]
    assert found["cosine"].tolist() == pytest.approx([1])
    index.remove([second])
    index.neighbours(tmp_path / "n.parquet", top=3)
    table = pq.read_table(tmp_path / "n.parquet").to_pandas()
    assert second not in {*table["id"], *table["neighbour"]}
    with pytest.raises(InputError, match="top is 0"):
        index.neighbours(tmp_path / "n.parquet", top=0)
