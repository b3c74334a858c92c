"""Suspicious rows: opposition without pairs, judgement as scikit-learn's, evidence, a patch."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from tests.conftest import COMMON, WORDS
from wordtrace import api
from wordtrace.act.evidence import agreement, evidence
from wordtrace.act.export import export
from wordtrace.act.judge import judge, wrong_ids
from wordtrace.act.opposition import opposition
from wordtrace.act.patch import fingerprint
from wordtrace.act.rankings import RANKINGS, order_of, rankings
from wordtrace.errors import InputError
from wordtrace.explain.tracer import Tracer


@pytest.mark.parametrize("top_k", [4, None])
def test_opposition_is_the_sum_of_all_other_rows_influence(
    run: api.Run, tmp_path_factory: pytest.TempPathFactory, top_k: int | None
) -> None:
    folder = tmp_path_factory.mktemp("opposition") / "index"
    index = api.build_index(run, folder, top_k=top_k, dtype="float32", shard_size=50, workers=1)
    name = "tracin-we" if top_k is None else "tracin-we-topk"
    options = {} if top_k is None else {"top_k": top_k}
    scores = api.influence(run, run.train, name, **options).astype(np.float64)
    right = -(scores.sum(1) - np.diag(scores))
    found = opposition(index.folder)
    np.testing.assert_allclose(found, right, rtol=2e-3, atol=2e-4 * np.abs(right).max())


def test_rankings_are_the_indexes_figures(index: api.Index) -> None:
    found = rankings(index.folder)
    assert tuple(found) == RANKINGS
    table = index.folder.table
    np.testing.assert_array_equal(found["self-influence"], table["self_influence"].to_numpy())
    np.testing.assert_array_equal(found["final-loss"], table["loss_final"].to_numpy())
    four = [found[name] for name in RANKINGS[1:]]
    count = len(four[0])
    # The upper tail of each ranking: the share of rows at least as suspicious, ties counted half.
    tails = [
        [(np.sum(some > one) + 0.5 * np.sum(some == one)) / count for one in some] for some in four
    ]
    np.testing.assert_allclose(found["combined"], -np.log(tails).sum(0))
    assert (np.diff(found["loss"][order_of(found["loss"])]) <= 0).all()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.booleans()), min_size=3))
def test_precision_and_auroc_are_scikit_learns(rows: list[tuple[float, bool]]) -> None:
    suspicion = np.array([value for value, _ in rows])
    wrong = np.array([flag for _, flag in rows])
    if not 0 < wrong.sum() < len(wrong):
        with pytest.raises(InputError, match="known to be wrong"):
            judge({"x": suspicion}, wrong)
        return
    found = judge({"x": suspicion}, wrong)["rankings"]["x"]
    right = average_precision_score(wrong, suspicion)
    assert found["average_precision"]["mean"] == pytest.approx(right)
    assert found["auroc"]["mean"] == pytest.approx(roc_auc_score(wrong, suspicion))


def test_intervals_hold_the_figure_and_shrink_with_more_rows() -> None:
    generator = np.random.default_rng(0)
    widths = []
    for count in (100, 1600):
        wrong = generator.random(count) < 0.2
        suspicion = wrong + generator.standard_normal(count)
        found = judge({"x": suspicion}, wrong)["rankings"]["x"]["auroc"]
        assert found["low"] < found["mean"] < found["high"]
        widths.append(found["high"] - found["low"])
    assert widths[1] < widths[0] / 2.5


def test_precision_counts_the_first_rows() -> None:
    wrong = np.arange(200) < 40
    found = judge({"right": -np.arange(200.0), "turned": np.arange(200.0)}, wrong)
    assert found["rankings"]["right"]["precision"] == {"20": 1.0, "40": 1.0, "100": 0.4}
    assert found["rankings"]["turned"]["precision"] == {"20": 0.0, "40": 0.0, "100": 0.0}
    assert found["chance"] == 0.2


@pytest.fixture(scope="module")
def flipped(run: api.Run, tmp_path_factory: pytest.TempPathFactory):
    """An index of a run in whose data twenty labels were turned, and their ids."""
    generator = np.random.default_rng(0)
    names = tuple(sorted(WORDS))
    labels = generator.integers(0, 3, 400)
    texts = [
        " ".join([*generator.choice(WORDS[names[label]], 4), *generator.choice(COMMON, 4)])
        for label in labels
    ]
    examples = api.Examples.of(texts, labels, names, source="the toy data")
    rows = np.sort(generator.choice(400, 20, replace=False))
    turned = labels.copy()
    turned[rows] = (turned[rows] + generator.integers(1, 3, 20)) % 3
    folder = tmp_path_factory.mktemp("flipped")
    noisy = api.train(
        examples.with_labels(turned), folder / "run", epochs=6, dim=32, eval_fraction=0
    )
    return api.build_index(noisy, workers=1), [examples.ids[row] for row in rows], examples


def test_turned_labels_are_found_with_the_right_label_proposed(flipped) -> None:
    index, ids, right = flipped
    found = index.mislabels(top=20, planted=ids)
    assert found.by == "combined"
    listed = {row.id for row in found.rows}
    assert len(listed & set(ids)) >= 14
    hits = [row for row in found.rows if row.planted]
    truth = [right.label_names[right.labels[right.row_of(row.id)]] for row in hits]
    assert np.mean([row.proposed == label for row, label in zip(hits, truth, strict=True)]) > 0.7
    assert found.judged["wrong"] == 20
    assert found.judged["rankings"]["combined"]["average_precision"]["mean"] > 0.7


def test_evidence_is_what_a_trace_of_the_row_says(flipped) -> None:
    index, ids, _ = flipped
    row = index.run.train.row_of(ids[0])
    (found,) = evidence(Tracer(index.asker), index.run.train.take([row]))
    train = index.run.train
    trace = index.trace(
        train.texts[row],
        label=train.label_names[train.labels[row]],
        measure="tracin-we-topk",
        top=20,
    )
    opponents = trace.opponents
    assert [hit.id for hit in found.opponents] == [hit.id for hit in opponents[:3]]
    votes: dict[str, float] = {}
    words: dict[str, float] = {}
    for hit in opponents:
        votes[hit.label] = votes.get(hit.label, 0) + abs(hit.score)
        for word in hit.contributions:
            if word.kind == "word":
                words[word.token] = words.get(word.token, 0) + word.contribution
    votes.pop(train.label_names[train.labels[row]], None)
    assert found.proposed == max(votes, key=votes.get)
    assert found.share == pytest.approx(max(votes.values()) / sum(votes.values()))
    assert dict(found.words) == pytest.approx({token: words[token] for token, _ in found.words})
    assert min(words.values()) == pytest.approx(found.words[0][1])
    assert agreement([found], [found.proposed]) == 1


def test_wrong_ids_are_those_whose_label_differs_by_name(flipped) -> None:
    index, ids, right = flipped
    assert wrong_ids(index.run.train, right) == ids
    turned = api.Examples.of(right.texts, 2 - right.labels, right.label_names[::-1], ids=right.ids)
    assert wrong_ids(index.run.train, turned) == ids
    with pytest.raises(InputError, match=r"no label for the row '399' \(1 are missing\)"):
        wrong_ids(index.run.train, right.take(np.arange(399)))


def test_a_patch_of_the_list_is_for_review(flipped) -> None:
    index, _, _ = flipped
    found = index.mislabels(top=5)
    patch = found.patch()
    assert [one.id for one in patch] == [row.id for row in found.rows if row.proposed]
    first, row = patch.changes[0], found.rows[0]
    assert (first.before, first.after) == (row.label, row.proposed)
    assert first.fingerprint == fingerprint(row.text, row.text2)
    assert first.evidence["opponents"] == [one.id for one in row.opponents]
    removal = found.patch("remove")
    assert [one.action for one in removal] == ["remove"] * 5
    with pytest.raises(InputError, match="relabel or remove"):
        found.patch("burn")


def test_wrong_arguments_are_one_sentence(index: api.Index) -> None:
    with pytest.raises(InputError, match="by is 'luck'"):
        index.mislabels(by="luck")
    with pytest.raises(InputError, match="top is 0"):
        index.mislabels(top=0)
    with pytest.raises(InputError, match="no example with the id 'zz'"):
        index.mislabels(wrong=["zz"])


def test_rows_are_exported_as_plain_columns(flipped, tmp_path) -> None:
    index, _, _ = flipped
    found = index.mislabels(top=3)
    for name in ("rows.jsonl", "rows.parquet", "rows.csv"):
        export(found, tmp_path / name)
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [one["id"] for one in records] == [row.id for row in found.rows]
    assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == records
    rows = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text())))
    assert [row["words"] for row in rows] == [" ".join(one["words"]) for one in records]
    with pytest.raises(InputError, match=r"\.jsonl, \.parquet or \.csv"):
        export(found, tmp_path / "rows.xlsx")


def test_no_cell_of_a_csv_is_a_formula(flipped, tmp_path) -> None:
    index, _, _ = flipped
    found = index.mislabels(top=1)
    plain = ("=1+1", "+x", "-x", "@x", "\tx", "\r=1", '=HYPERLINK("http://x")')
    # Signs of full width are a formula's where such are written; what is not seen may be dropped.
    wide = ("\uff1d1+1", "\uff0bx", "\uff0dx", "\uff20x")
    unseen = (" =1", "\u00a0=1", "\u200b=1", "\ufeff\u202e=1", "\0=1", "\u2060 \uff1d1")
    for text in (*plain, *wide, *unseen):
        row = replace(found.rows[0], text=text, id=text)
        export(replace(found, rows=(row,)), tmp_path / "rows.csv")
        with open(tmp_path / "rows.csv", newline="") as file:
            (read,) = csv.DictReader(file)
        assert read["text"] == read["id"] == f"'{text}"
        export(replace(found, rows=(row,)), tmp_path / "rows.jsonl")
        assert json.loads((tmp_path / "rows.jsonl").read_text())["text"] == text
