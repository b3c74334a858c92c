"""Results as DataFrame and Dataset: rows that join on the data's own ids."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import wordtrace as wt
from tests.conftest import make_examples
from wordtrace.errors import InputError

pandas = pytest.importorskip("pandas")
datasets = pytest.importorskip("datasets")

TEXTS = ["the striker and the coach win", "shares of the bank"]


def rows(count: int = 60) -> list[dict[str, object]]:
    """Ids as data has them: with leading zeros, or like numbers, or names."""
    examples = make_examples(count)
    ids = [f"{row:03d}" if row % 3 else str(row * 1000) for row in range(count)]
    ids[5] = "1e5"
    return [
        {"id": id, "text": text, "label": examples.label_names[label], "source": f"s{row % 4}"}
        for row, (id, text, label) in enumerate(
            zip(ids, examples.texts, examples.labels.tolist(), strict=True)
        )
    ]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> wt.Index:
    folder = tmp_path_factory.mktemp("frames") / "run"
    wt.train(rows(), folder, eval_fraction=0, epochs=3, dim=8, batch_size=8, vocabulary=90)
    return wt.build_index(folder, workers=1)


def test_a_trace_joins_on_the_ids_of_the_data(small: wt.Index) -> None:
    trace = small.trace(TEXTS, label="sport", top=6, words=True)
    frame = trace.to_frame()
    hits = [(q, hit) for q in trace for hit in (*q.proponents, *q.opponents)]
    assert len(frame) == len(hits) == 24
    assert list(frame["query"].unique()) == ["0", "1"]
    assert set(frame["sign"]) == {"proponent", "opponent"}
    assert (
        frame.groupby(["query", "sign"])["rank"]
        .apply(list)
        .map(lambda r: r == [*range(1, 7)])
        .all()
    )
    assert ((frame["score"] > 0) == (frame["sign"] == "proponent")).all()
    data = pandas.DataFrame(rows())
    joined = frame.merge(data, on="id", validate="many_to_one", suffixes=("", "_data"))
    assert len(joined) == len(frame)
    assert (joined["text"] == joined["text_data"]).all()
    assert (joined["label"] == joined["label_data"]).all()
    assert any(id.startswith("0") for id in joined["id"])
    assert all(isinstance(id, str) for id in joined["id"])
    for (_, hit), words in zip(hits, frame["words"], strict=True):
        assert words == hit.words
        assert sum(value for _, value in words) == pytest.approx(hit.score, rel=1e-3)
    assert "text2" not in frame


def test_the_dataset_says_the_same(small: wt.Index) -> None:
    trace = small.trace(TEXTS, top=3)
    frame, dataset = trace.to_frame(), trace.to_dataset()
    assert isinstance(dataset, datasets.Dataset)
    assert dataset.column_names == list(frame.columns)
    assert dataset["id"][:] == frame["id"].tolist()
    assert dataset.features["id"].dtype == "string"
    first = dataset[0]["words"][0]
    assert (first["token"], first["contribution"]) == frame["words"][0][0]


def test_queries_from_a_file_keep_their_ids(small: wt.Index, tmp_path: Path) -> None:
    asked = wt.read_examples(
        [{"id": "007", "text": TEXTS[0]}, {"id": "10", "text": TEXTS[1]}],
        label=None,
        require_labels=False,
    )
    trace = small.trace(asked, top=2)
    assert [query.id for query in trace] == ["007", "10"]
    assert list(trace.to_frame()["query"].unique()) == ["007", "10"]
    trace.save(tmp_path / "t.json")
    back = wt.read_trace(tmp_path / "t.json")
    assert back.table().equals(trace.table())


def test_what_has_no_hits_or_no_words_is_a_table_all_the_same(small: wt.Index) -> None:
    last = small.trace(TEXTS[0], measure="tracin-last", top=2).to_frame()
    assert last["words"].isna().all()
    nothing = small.trace(TEXTS[0], measure="tracin-we-noc", frequent=0.0, top=2)
    assert len(nothing.to_frame()) == 0
    assert list(nothing.to_frame().columns) == list(last.columns)


def test_scores_come_with_the_ids_of_both(small: wt.Index, tmp_path: Path) -> None:
    asked = wt.read_examples(
        [{"id": "007", "text": TEXTS[0]}, {"id": "b", "text": TEXTS[1]}],
        label=None,
        require_labels=False,
    )
    found = wt.scores(small.run, asked, "tracin-we", label="film")
    np.testing.assert_array_equal(
        found.values, wt.influence(small.run, asked, "tracin-we", label="film")
    )
    frame = found.to_frame()
    assert list(frame.columns) == ["id", "query 007", "query b"]
    assert frame["id"].tolist() == small.run.train.ids
    np.testing.assert_array_equal(frame["query 007"], found.values[0])
    joined = pandas.DataFrame(rows()).merge(frame, on="id", validate="one_to_one")
    assert len(joined) == 60
    found.save(tmp_path / "s.parquet")
    assert pq.read_table(tmp_path / "s.parquet").equals(found.table())
    assert found.to_dataset().num_rows == 60
    with pytest.raises(InputError, match=r"should end in \.parquet, \.csv or \.npy"):
        found.save(tmp_path / "s.txt")
    assert wt.scores(small.run, TEXTS).queries == ("0", "1")


def test_suspects_verifications_and_words_are_tables(small: wt.Index) -> None:
    found = small.mislabels(top=5)
    frame = found.to_frame()
    assert frame["id"].tolist() == [row.id for row in found.rows]
    assert frame["words"].tolist() == [list(row.words) for row in found.rows]
    assert frame["opponents"].tolist() == [[one.id for one in row.opponents] for row in found.rows]
    assert not {"text2", "planted", "wrong"} & set(frame.columns)
    known = small.mislabels(top=5, wrong=[found.rows[2].id]).to_frame()
    assert known["wrong"].tolist() == [row == 2 for row in range(5)]
    assert len(pandas.DataFrame(rows()).merge(frame, on="id")) == 5

    proof = wt.verify(small.trace(TEXTS[0], "sport", top=5), k=3, repeats=2, workers=1, index=small)
    changes = proof.to_frame()
    (query,) = proof.document()["queries"]
    mine = changes[changes["left_out"] == "opponents"]
    assert mine["change"].tolist() == pytest.approx(query["without"]["change"]["values"])
    assert mine["seed"].tolist() == proof.document()["seeds"]
    assert len(changes) == 2 * (1 + len(query["controls"]))
    assert proof.to_dataset().num_rows == len(changes)

    weighed = wt.words(small.run, *TEXTS).to_frame()
    assert set(weighed["place"]) == {1, 2}
    assert (weighed["importance"] >= 0).all()
    cancelled = wt.cancellation(small.run).to_frame()
    assert {"layer", "part", "cancellation"} <= set(cancelled.columns)
    compared = wt.overlap(small.run, TEXTS, ["tracin-we"], top=3, listed=4)
    recurrent = compared.to_frame()
    named = compared.measures[0].recurrence.examples
    assert recurrent["id"].tolist() == [one.id for one in named]
    assert recurrent["count"].tolist() == [one.count for one in named]
    assert len(pandas.DataFrame(rows()).merge(recurrent, on="id")) == len(named) > 1


def test_pairs_have_both_texts(tmp_path: Path) -> None:
    pairs = [
        {"id": f"{row:02d}", "text": f"a man plays {game}", "text2": verb, "label": label}
        for row, (game, verb, label) in enumerate(
            (game, verb, label)
            for game in ("chess", "golf", "drums")
            for verb, label in (("plays", "yes"), ("rests", "no"))
        )
    ]
    run = wt.train(pairs, tmp_path / "r", text2="text2", eval_fraction=0, epochs=2, dim=8)
    index = wt.build_index(run, workers=1)
    frame = index.trace(("a man plays chess", "rests"), "no").to_frame()
    assert frame["text2"].notna().all()


def test_pandas_is_imported_only_for_a_frame(
    small: wt.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = small.trace(TEXTS[0], top=1)
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match="to_frame needs the package pandas: pip install pandas"):
        trace.to_frame()
    with pytest.raises(InputError, match="to_dataset needs the package datasets"):
        trace.to_dataset()
    assert trace.table().num_rows == len(trace.proponents) + len(trace.opponents)
