"""A trace: who spoke for a prediction, and through which words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wordtrace import api
from wordtrace.errors import InputError, MismatchError

TEXT = "The striker and the COACH win a match ."


def test_the_five_line_story(index: api.Index) -> None:
    trace = index.trace(TEXT, label="sport", top=5)
    assert len(trace.proponents) == len(trace.opponents) == 5
    best = trace.proponents[0]
    assert best.score == max(hit.score for hit in trace.proponents) > 0
    assert sum(value for _, value in best.words) == pytest.approx(best.score, rel=1e-4)
    assert all(hit.score < 0 for hit in trace.opponents)
    assert trace.source == "index"
    assert 0 < trace.seconds < 60


def test_scores_and_order_are_those_of_the_matrix(run: api.Run, index: api.Index) -> None:
    scores = api.influence(run, TEXT, label="sport", top_k=4)[0]
    trace = index.trace(TEXT, label="sport", top=1000)
    hits = [*trace.proponents, *trace.opponents]
    for hit in hits:
        assert hit.score == pytest.approx(scores[run.train.row_of(hit.id)], rel=1e-3, abs=1e-8)
    assert len(hits) == (np.abs(scores) > 0).sum()


def test_spans_point_at_the_words_in_both_texts(run: api.Run, index: api.Index) -> None:
    trace = index.trace(TEXT, label="sport")
    seen = 0
    for hit in [*trace.proponents, *trace.opponents]:
        for word in hit.contributions:
            plain = word.token.removeprefix("##")
            assert (word.kind == "special") == (not word.spans)
            for spans, text in ((word.spans, hit.text), (word.query_spans, TEXT)):
                for field, start, end in spans:
                    assert field == "text"
                    assert text[start:end].lower() == plain
                    seen += 1
    assert seen > 20


def test_shares_say_how_much_is_special_and_stop(index: api.Index) -> None:
    trace = index.trace(TEXT, label="sport")
    for hit in trace.proponents:
        total = sum(abs(word.contribution) for word in hit.contributions)
        for kind, share in (("special", hit.special_share), ("stop", hit.stop_share)):
            part = sum(abs(w.contribution) for w in hit.contributions if w.kind == kind)
            assert share == pytest.approx(part / total)
    (query,) = trace.queries
    assert 0 <= query.special_share <= 1
    assert query.special_share + query.stop_share <= 1 + 1e-9
    kinds = {word.token: word.kind for word in query.words}
    assert kinds.get("the", "stop") == "stop"
    assert kinds.get("striker", "word") == "word"


def test_a_query_that_shares_no_word_is_warned_about(index: api.Index) -> None:
    # Letters of another script: the start, end and unknown tokens are all it has.
    (alone,) = index.trace("Ж Ж Ж", label="sport").queries
    assert alone.proponents
    assert alone.special_share == pytest.approx(1)
    assert "shares hardly a word with its proponents: 100%" in alone.warning
    (telling,) = index.trace("striker goal coach league season", label="sport").queries
    assert telling.special_share < 0.9
    assert telling.warning is None


def test_the_label_is_the_one_given_else_the_files_else_the_prediction(
    run: api.Run, index: api.Index
) -> None:
    (predicted,) = index.trace(TEXT).queries
    assert predicted.label_source == "predicted"
    assert predicted.label == predicted.predicted
    assert predicted.probability == predicted.predicted_probability
    (given,) = index.trace(TEXT, "film").queries
    assert (given.label, given.label_source) == ("film", "given")
    assert given.probability < given.predicted_probability
    # Names in another order than the run's.
    file = api.Examples.of([TEXT, TEXT], [0, -1], ("sport", "film"))
    first, second = index.trace(file).queries
    assert (first.label, first.label_source) == ("sport", "file")
    assert second.label_source == "predicted"


def test_a_measure_that_the_index_does_not_hold_streams_from_the_run(index: api.Index) -> None:
    trace = index.trace(TEXT, measure="tracin-we", top=4)
    assert trace.source == "run"
    for hit in trace.proponents:
        assert sum(value for _, value in hit.words) == pytest.approx(hit.score, rel=1e-3)
    last = index.trace(TEXT, measure="tracin-last", top=4)
    assert last.proponents[0].contributions is None
    assert last.queries[0].special_share is None
    assert index.trace(TEXT, measure="tracin-we-topk").source == "index"
    other = index.trace(TEXT, measure="tracin-we-topk", top_k=2, top=3)
    assert (other.source, other.top_k) == ("run", 2)
    assert len(other.proponents[0].words) <= 2


def test_an_index_of_all_positions_answers_tracin_we(full_index: api.Index) -> None:
    assert full_index.trace(TEXT, measure="tracin-we").source == "index"
    trace = full_index.trace(TEXT)
    assert (trace.measure, trace.source, trace.top_k) == ("tracin-we-idf", "index", None)
    assert full_index.trace(TEXT, measure="tracin-we-topk", top_k=3).source == "run"


def test_bm25_stands_beside_on_request(index: api.Index) -> None:
    (query,) = index.trace(TEXT, "sport", baselines=["bm25"], top=3).queries
    hits = query.baselines["bm25"]
    assert len(hits) == 3
    assert {hit.label for hit in hits} == {"sport"}
    assert not index.trace(TEXT).queries[0].baselines


def test_json_is_the_contracts_and_reads_back(index: api.Index, tmp_path: Path) -> None:
    trace = index.trace([TEXT, "bank profit"], top=3, baselines=["bm25"])
    document = json.loads(trace.to_json())
    assert {"measure", "examples", "seconds", "queries"} <= set(document)
    query = document["queries"][1]
    assert {"text", "label", "predicted", "probability", "proponents", "opponents"} <= set(query)
    hit = query["proponents"][0]
    assert {"id", "score", "label", "text", "words"} <= set(hit)
    assert {"token", "contribution", "spans", "query_spans"} <= set(hit["words"][0])
    trace.save(tmp_path / "t.json")
    assert json.loads(api.read_trace(tmp_path / "t.json").to_json()) == document
    assert len(api.read_trace(tmp_path / "t.json", 1)) == 1
    trace.save(tmp_path / "t.html")
    assert "bank profit" in (tmp_path / "t.html").read_text()
    assert "<div" in trace._repr_html_()


def test_reading_what_is_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    with pytest.raises(InputError, match="does not exist"):
        api.read_trace(path)
    for content, message in (
        ('{"a": 1}', "is not a trace"),
        ('{"format": "wordtrace-trace", "version": 9}', "of version 9"),
        ('{"format": "wordtrace-trace", "version": 1}', "not a whole trace"),
    ):
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            api.read_trace(path)


def test_faults(index: api.Index, run: api.Run, tmp_path: Path) -> None:
    for arguments, message in (
        (("",), "query 0 is empty"),
        (([],), "there is no query"),
        ((123,), "int 123 is no text; give a text, a list of texts"),
        (([TEXT, 5],), "int 5, at place 1 of the texts, is no text"),
        ((TEXT, "cooking"), r"no label 'cooking'; the run has film, money, sport"),
        (([TEXT, TEXT], ["film"]), "there are 2 texts but 1 labels"),
        (([(TEXT, TEXT)],), "trained on single texts"),
    ):
        with pytest.raises(InputError, match=message):
            index.trace(*arguments)
    with pytest.raises(InputError, match="top is 0"):
        index.trace(TEXT, top=0)
    with pytest.raises(InputError, match="this trace has 2 queries; say which"):
        _ = index.trace([TEXT, TEXT]).proponents
    other = api.train(run.train.take(range(30)), tmp_path / "o", eval_fraction=0, epochs=1, dim=12)
    with pytest.raises(MismatchError, match="was not made from the run"):
        api.verify(index.trace(TEXT), run=other, index=index)


def test_pairs_of_texts_are_one_sequence(tmp_path: Path) -> None:
    rows = [
        {"a": f"a man plays {game}", "b": f"someone {verb}", "label": label}
        for game in ("chess", "golf", "drums", "poker")
        for verb, label in (("plays", "yes"), ("sleeps", "no"), ("rests", "no"), ("games", "yes"))
    ]
    run = api.train(
        rows, tmp_path / "r", text="a", text2="b", eval_fraction=0, epochs=2, dim=8, batch_size=4
    )
    index = api.build_index(run, workers=1)
    trace = index.trace(("a man plays chess", "someone sleeps"), "no")
    fields = {
        span[0] for hit in trace.proponents for word in hit.contributions for span in word.spans
    }
    assert fields == {"text", "text2"}
    assert trace.proponents[0].text2 is not None
    assert trace.queries[0].text2 == "someone sleeps"
    with pytest.raises(InputError, match="trained on pairs of texts"):
        index.trace("a man plays chess")
    found = api.verify(trace, k=2, repeats=2, workers=1, index=index).document()
    assert found["queries"][0]["text2"] == "someone sleeps"


def test_mislabels_find_planted_flips(examples: api.Examples, tmp_path: Path) -> None:
    labels = examples.labels.copy()
    flipped = [10, 33, 61, 100]
    labels[flipped] = (labels[flipped] + 1) % 3
    run = api.train(
        examples.with_labels(labels),
        tmp_path / "r",
        eval_fraction=0,
        epochs=12,
        dim=16,
        batch_size=8,
    )
    index = api.build_index(run, workers=1)
    ids = [examples.ids[row] for row in flipped]
    for by in ("self-influence", "loss"):
        found = index.mislabels(by=by, top=10, planted=ids)
        assert len({row.id for row in found.rows} & set(ids)) >= 3, by
        values = [row.self_influence if by != "loss" else row.loss for row in found.rows]
        assert values == sorted(values, reverse=True)
        assert found.planted["checked"] == 4
        top = {row.id for row in found.rows[:4]}
        assert found.planted["found"][by] == len(top & set(ids))
    with pytest.raises(InputError, match="by is 'luck'"):
        index.mislabels(by="luck")


def test_a_query_that_is_no_unicode_is_refused(index: api.Index) -> None:
    with pytest.raises(InputError, match="query 0 is not UTF-8"):
        index.trace("half a pair \ud800")


def test_top_k_of_nothing_is_refused(index: api.Index) -> None:
    with pytest.raises(InputError, match="top_k is 0; give 1 or more"):
        index.trace(TEXT, top_k=0)


def test_baselines_list_both_signs_by_strength(index: api.Index) -> None:
    (query,) = index.trace(TEXT, label="sport", baselines=["bm25"], top=60).queries
    scores = [hit.score for hit in query.baselines["bm25"]]
    assert min(scores) < 0 < max(scores)
    assert [abs(score) for score in scores] == sorted(map(abs, scores), reverse=True)


def test_another_k_weighs_the_checkpoints_as_the_index_does(run: api.Run, tmp_path: Path) -> None:
    index = api.build_index(
        run, tmp_path / "i", weighting="rate-sum", dtype="float32", top_k=4, workers=1
    )
    other = api.build_index(
        run, tmp_path / "j", weighting="rate-sum", dtype="float32", top_k=2, workers=1
    )
    streamed = index.trace(TEXT, label="sport", top_k=2)
    indexed = other.trace(TEXT, label="sport")
    assert streamed.source == "run"
    assert [hit.id for hit in streamed.proponents] == [hit.id for hit in indexed.proponents]
    for one, two in zip(streamed.proponents, indexed.proponents, strict=True):
        assert one.score == pytest.approx(two.score, rel=1e-4)


def test_many_queries_in_little_memory_are_traced_in_parts(
    index: api.Index, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from wordtrace.asking import asker

    whole = index.trace(queries, top=3).document()
    sizes = []
    predict = asker.Asker.predict

    def counted(self, question):
        sizes.append(len(question))
        return predict(self, question)

    monkeypatch.setattr(asker.Asker, "predict", counted)
    rows = len(index.run.train)
    monkeypatch.setattr(asker, "Options", lambda **given: tracer_options(rows, **given))
    parts = index.trace(queries, top=3).document()
    assert sizes == [2, 2]
    for document in (whole, parts):
        del document["seconds"]
    assert parts == approximately(whole)


def tracer_options(rows: int, **given):
    from wordtrace.measures.options import Options

    options = Options(**given)
    object.__setattr__(options, "memory", 2 * 4 * rows)
    return options


def approximately(value):
    if isinstance(value, dict):
        return {key: approximately(one) for key, one in value.items()}
    if isinstance(value, list):
        return [approximately(one) for one in value]
    return pytest.approx(value, rel=1e-4, abs=1e-9) if isinstance(value, float) else value
