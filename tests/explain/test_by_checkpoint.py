"""A score at each checkpoint: what the model learned of a row, and when."""

from __future__ import annotations

import numpy as np
import pytest

from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.asking.predictions import probabilities
from wordtrace.measures.accumulate import query_tokens
from wordtrace.measures.protocol import make_queries
from wordtrace.report.page import render_html
from wordtrace.results.decode import decode

TEXT = "the striker and the coach win a match , profit of shares"


def at_each(run: api.Run, row: int, label: str, top_k: int | None) -> list[float]:
    """η_c Σ_w g_w · g′_w of a training row at each checkpoint, from the texts' own gradients."""
    found = []
    one = run.labelling.parse_all([label])
    asked, held = (
        make_queries(run, [TEXT], one),
        make_queries(run, [run.train.texts[row]], run.train.labels[row : row + 1]),
    )
    for point, eta in zip(run.checkpoints, run.etas, strict=True):
        here, there = (query_tokens(run, point, each, top_k) for each in (asked, held))
        sums = [
            {token: gradients.sum(0) for token, _, gradients in each.groups()}
            for each in (here, there)
        ]
        shared = sums[0].keys() & sums[1].keys()
        found.append(eta * sum(float(sums[0][token] @ sums[1][token]) for token in shared))
    return found


def test_the_parts_are_each_checkpoints_own_and_sum_to_the_score(
    run: api.Run, index: api.Index
) -> None:
    trace = index.trace(TEXT, "sport", measure="tracin-we-topk", top=6, by_checkpoint=True)
    for hit in [*trace.proponents, *trace.opponents]:
        parts = hit.by_checkpoint
        assert parts is not None
        assert len(parts) == 3
        assert sum(parts) == pytest.approx(hit.score, rel=1e-4, abs=1e-7)
        wanted = at_each(run, run.train.row_of(hit.id), "sport", 4)
        np.testing.assert_allclose(parts, wanted, rtol=1e-3, atol=1e-7)


def test_a_stream_and_matched_synonyms_have_parts_too(run: api.Run, index: api.Index) -> None:
    for settings in ({"measure": "tracin-we"}, {"measure": "tracin-we-syn", "synonym_cosine": 0.1}):
        trace = index.trace(TEXT, "sport", top=3, by_checkpoint=True, **settings)
        for hit in [*trace.proponents, *trace.opponents]:
            assert sum(hit.by_checkpoint) == pytest.approx(hit.score, rel=1e-3, abs=1e-7)


def test_they_are_in_the_document_where_asked_for_and_the_measure_has_words(
    index: api.Index,
) -> None:
    trace = index.trace(TEXT, top=2, by_checkpoint=True)
    document = trace.queries[0].document()
    assert document["proponents"][0]["by_checkpoint"] == list(trace.proponents[0].by_checkpoint)
    assert decode(type(trace.queries[0]), document) == trace.queries[0]
    assert "The score by checkpoint: " in render_html([trace.document()])
    assert "by_checkpoint" not in index.trace(TEXT, top=2).queries[0].document()["proponents"][0]
    whole = index.trace(TEXT, top=2, measure="bm25", by_checkpoint=True)
    assert whole.proponents[0].by_checkpoint is None


def test_the_probability_of_each_label_is_the_one_a_trace_tells(index: api.Index) -> None:
    asker = Asker(index.run, index.folder)
    (each,) = probabilities(index.run, asker.question(TEXT))
    assert sum(each.values()) == pytest.approx(1)
    for label, probability in each.items():
        assert index.trace(TEXT, label, top=1).queries[0].probability == pytest.approx(probability)
