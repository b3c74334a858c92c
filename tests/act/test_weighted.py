"""Weights by token where rows are compared with each other, against the weighted matrix."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import wordtrace as wt
from tests.command import wordtrace
from wordtrace import api
from wordtrace.act.closeness import Closeness
from wordtrace.errors import InputError
from wordtrace.measures.token_weights import weights_of_run


@pytest.fixture(scope="module")
def matrix(run: api.Run) -> np.ndarray:
    """The influence among the training rows with weights, cut on both sides; as float64."""
    found = api.influence(run, run.train, "tracin-we-topk", top_k=4, weights="idf")
    plain = api.influence(run, run.train, "tracin-we-topk", top_k=4)
    assert not np.allclose(found / np.diag(found).mean(), plain / np.diag(plain).mean(), rtol=0.1)
    return found.astype(np.float64)


def test_opposition_and_its_evidence_are_weighted(
    run: api.Run, index: api.Index, matrix: np.ndarray
) -> None:
    plain, found = (index.mislabels(top=2, weights=one) for one in ("", "idf"))
    right = -(matrix.sum(1) - np.diag(matrix))
    weighted = index.suspects.weighted("idf").suspicion
    close = {"rtol": 2e-3, "atol": 2e-4 * np.abs(right).max()}
    np.testing.assert_allclose(weighted["opposition"], right, **close)
    for name in ("self-influence", "loss"):
        np.testing.assert_array_equal(weighted[name], index.suspects.suspicion[name])
    first = found.rows[0]
    row = run.rows_of([first.id])[0]
    assert first.opposition == weighted["opposition"][row]
    for opponent in first.opponents:
        at = run.rows_of([opponent.id])[0]
        assert opponent.score == pytest.approx(matrix[row, at], rel=1e-3)
    assert found.document()["weights"] == "idf"
    assert "weights" not in plain.document()
    assert index.suspects.weighted("idf") is index.suspects.weighted("idf")
    assert index.suspects.weighted("") is index.suspects


def test_neighbours_are_the_strongest_of_the_weighted_matrix(
    run: api.Run, index: api.Index, matrix: np.ndarray, tmp_path: Path
) -> None:
    index.neighbours(tmp_path / "n.parquet", top=3, weights="idf")
    table = pq.read_table(tmp_path / "n.parquet").to_pandas()
    own, others = np.diag(matrix), matrix - np.diag(np.diag(matrix))
    for row, id in enumerate(run.train.ids):
        mine = table[table["id"] == id]
        best = np.sort(others[row])[::-1][:3]
        np.testing.assert_allclose(mine["influence"], best[best > 0], rtol=1e-3, atol=1e-6)
        ats = run.rows_of(mine["neighbour"].tolist())
        right = others[row, ats] / np.sqrt(own[row] * own[ats])
        np.testing.assert_allclose(mine["cosine"], right, rtol=1e-3, atol=1e-6)


def test_closeness_is_weighted_in_distances_and_words(run: api.Run, matrix: np.ndarray) -> None:
    weights = weights_of_run("idf", run)
    close = Closeness(run, run.encoded, run.train.labels, run.train.ids, 4, weights)
    everything = np.arange(close.count)
    sizes = np.sqrt(np.diag(matrix))
    right = np.maximum(1 - matrix / np.outer(sizes, sizes), 0)
    np.testing.assert_allclose(close.distance(everything, everything), right, atol=2e-3)
    words = close.words(3, 40)
    assert sum(words.values()) == pytest.approx(matrix[3, 40], rel=1e-3, abs=1e-6)


def test_groups_of_mistakes_are_weighted(index: api.Index, tmp_path: Path) -> None:
    plain, found = (index.mistakes(threshold=0.99, weights=one) for one in ("", "idf"))
    assert found.weights == "idf"
    assert "weights" not in plain.document()
    assert [one.members for one in found.clusters] != [one.members for one in plain.clusters] or [
        one.behind for one in found.clusters
    ] != [one.behind for one in plain.clusters]
    found.save(tmp_path / "mistakes.json")
    assert wt.load(tmp_path / "mistakes.json") == found


def test_by_command_as_in_python(index: api.Index, tmp_path: Path) -> None:
    place = index.folder.path
    said = json.loads(wordtrace("mislabels", place, "--weights", "idf", "--json").stdout)
    found = index.mislabels(weights="idf")
    assert [row["id"] for row in said["rows"]] == [row.id for row in found.rows]
    told = " ".join(wordtrace("mislabels", place, "--weights", "idf").stdout.split())
    assert "each token's part is multiplied by its idf²" in told
    said = json.loads(
        wordtrace(
            *("clusters", place, "--trainings", "0", "--threshold", "0.99", "--least", "2"),
            *("--weights", "idf", "--json"),
        ).stdout
    )
    assert said["weights"] == "idf"
    table = tmp_path / "n.parquet"
    wordtrace("neighbours", place, "--out", table, "--weights", "idf", "--top", "1")
    index.neighbours(tmp_path / "again.parquet", top=1, weights="idf")
    assert pq.read_table(table).equals(pq.read_table(tmp_path / "again.parquet"))
    with pytest.raises(InputError, match="weights is 'tf'"):
        index.mislabels(weights="tf")
