"""Influence on one span of an answer: the loss of its tokens alone, labels of -100 elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.test_completions import (
    LENGTH,
    QUERY,
    adopt,
    data,
    dense_gradient,
    fine_tune,
    rows_of,
    weight_of,
)
from tests.oracles.weights import since
from wordtrace.errors import InputError

transformers = pytest.importorskip("transformers")

ANSWER = QUERY[1]  # "club wins a cup"
SPAN = "wins a"
AT = (ANSWER.index(SPAN), ANSWER.index(SPAN) + len(SPAN))


@pytest.fixture(scope="module", params=["GPT2", "Llama"])
def adopted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Path, wt.Run]:
    folder = tmp_path_factory.mktemp(request.param)
    return fine_tune(request.param, folder), folder / "out", adopt(folder)


def only_span(tokens: Any) -> tuple[dict[str, torch.Tensor], list[int]]:
    """The query's inputs with labels at the span's tokens alone, from transformers' offsets."""
    (row,) = rows_of(tokens, [{"prompt": QUERY[0], "answer": ANSWER}], end=True)
    spans = tokens(QUERY[0] + ANSWER, return_offsets_mapping=True)["offset_mapping"]
    start, end = (len(QUERY[0]) + place for place in AT)
    counted = [
        place for place, (first, last) in enumerate(spans) if first < end and start < last and last
    ]
    row["labels"] = [
        token if place in counted else -100 for place, token in enumerate(row["input_ids"])
    ]
    return {name: torch.tensor([value]) for name, value in row.items()}, counted


def span_gradient(folder: Path, given: dict[str, torch.Tensor]) -> tuple[torch.Tensor, float]:
    """∂ℓ/∂Θ through the lookup alone, and ℓ; transformers' own loss."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).double().eval()
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    table = model.get_input_embeddings()
    loss = model(**given).loss
    (gradient,) = torch.autograd.grad(loss, [table.weight])
    return gradient, float(loss.detach())


@pytest.mark.slow
def test_scores_and_probability_are_those_of_the_spans_tokens(
    adopted: tuple[Any, Path, wt.Run],
) -> None:
    tokens, output, run = adopted
    given, counted = only_span(tokens)
    assert 1 < len(counted) < (given["labels"].shape[1]) - 2
    rows = data()[:8]
    expected = np.zeros(len(rows))
    every = [row["labels"] for row in rows_of(tokens, data(), end=True)]
    weight = weight_of(given["labels"][0].tolist(), every)
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        query, _ = span_gradient(folder, given)
        for row, one in enumerate(rows):
            gradient = dense_gradient(folder, tokens, one)
            expected[row] += since(run, point) * weight * float((query * gradient).sum())
    found = wt.influence(run, [QUERY], "tracin-we", span=SPAN)[0]
    scale = np.abs(found).max()
    np.testing.assert_allclose(found[: len(rows)] / scale, expected / scale, atol=2e-5)
    whole = wt.influence(run, [QUERY], "tracin-we")[0]
    assert np.abs(found - whole).max() > 0.05 * scale
    by_place = wt.influence(run, [QUERY], "tracin-we", span=AT)[0]
    np.testing.assert_array_equal(found, by_place)
    index = wt.build_index(run, workers=1, top_k=None, dtype="float32")
    trace = index.trace([QUERY, QUERY], measure="tracin-we", top=5, span=[SPAN, None], words=True)
    narrow, all_of_it = trace.queries
    _, loss = span_gradient(output / f"checkpoint-{run.final.step}", given)
    assert narrow.probability == pytest.approx(np.exp(-loss), rel=1e-4)
    assert narrow.span == ("text2", *AT)
    assert all_of_it.span is None
    for explanation, right in ((narrow, found), (all_of_it, whole)):
        for hit in [*explanation.proponents, *explanation.opponents]:
            value = float(right[run.train.row_of(hit.id)])
            assert hit.score == pytest.approx(value, rel=1e-3, abs=1e-6)
            total = sum(word.contribution for word in hit.contributions)
            assert total == pytest.approx(hit.score, rel=1e-3, abs=1e-6)


def test_words_are_weighed_for_the_span(adopted: tuple[Any, Path, wt.Run]) -> None:
    tokens, output, run = adopted
    given, _ = only_span(tokens)
    gradient, _ = span_gradient(output / f"checkpoint-{run.final.step}", given)
    found = wt.words(run, QUERY, span=SPAN)
    for word in found.texts[0].words:
        ids = [
            one
            for one in set(given["input_ids"][0].tolist())
            if run.tokenizer.token(one) == word.token
        ]
        assert word.importance == pytest.approx(float(gradient[ids[0]].norm()), rel=1e-3, abs=1e-6)
    assert found.texts[0].span == ("text2", *AT)
    both = wt.words(run, QUERY, QUERY, span=SPAN, span2="cup")
    assert both.texts[1].span == ("text2", ANSWER.index("cup"), len(ANSWER))
    assert both.similarity.score != pytest.approx(wt.words(run, QUERY, QUERY).similarity.score)


def test_a_span_survives_json_and_heads_the_page(
    adopted: tuple[Any, Path, wt.Run], tmp_path: Path
) -> None:
    run = adopted[2]
    index = wt.build_index(run, run.path / "j", workers=1)
    trace = index.trace(QUERY, span=SPAN, top=2)
    trace.save(tmp_path / "t.json")
    back = wt.read_trace(tmp_path / "t.json")
    assert back.queries[0].span == ("text2", *AT)
    trace.save(tmp_path / "t.html")
    assert f"Why “{SPAN}”?" in (tmp_path / "t.html").read_text()


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ("goal", r"the span 'goal' is not in the answer of query 0; give a part of it as it"),
        ("c", r"the span 'c' stands 2 times in the answer of query 0; .* 0:1, 12:13"),
        (" ", "the span is empty"),
        ((3, 99), r"the span 3:99 is no part of the answer of query 0, which has 15 characters"),
        ((5, 5), r"the span 5:5 is no part"),
        (["a", "b"], "there are 1 texts but 2 spans"),
    ],
)
def test_a_wrong_span_is_one_sentence(
    adopted: tuple[Any, Path, wt.Run], span: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        wt.influence(adopted[2], [QUERY], "tracin-we", span=span)


def test_a_span_that_the_model_does_not_read_is_refused(adopted: tuple[Any, Path, wt.Run]) -> None:
    run = adopted[2]
    long = ("the coach of the club " * 6, ANSWER)
    with pytest.raises(
        InputError, match=r"ends at character 11 of the answer of query 0, beyond the"
    ):
        wt.influence(run, [long], "tracin-we", span=SPAN)


def test_a_classifier_has_no_answer(index: wt.Index) -> None:
    with pytest.raises(
        InputError, match="a span is a part of an answer, and this run's model gives"
    ):
        index.trace("the striker", span="striker")


def test_by_command(adopted: tuple[Any, Path, wt.Run], tmp_path: Path) -> None:
    run = adopted[2]
    wt.build_index(run, tmp_path / "i", workers=1, top_k=None, dtype="float32")
    asked = ("trace", tmp_path / "i", QUERY[0], "--text2", ANSWER, "--top", 3)
    found = json.loads(wordtrace(*asked, "--span", SPAN, "--json").stdout)["queries"][0]
    assert found["span"] == ["text2", *AT]
    same = json.loads(wordtrace(*asked, "--span", f"{AT[0]}:{AT[1]}", "--json").stdout)["queries"][
        0
    ]
    assert same["proponents"] == found["proponents"]
    assert "Why “wins a”?" in wordtrace(*asked, "--span", SPAN).stdout
    assert "stands 2 times" in wordtrace(*asked, "--span", "c", status=2).stderr
    shown = wordtrace("words", run.path, QUERY[0], "--pair", ANSWER, "--span", SPAN).stdout
    assert "weighed for “wins a”" in shown
    queries = tmp_path / "q.jsonl"
    queries.write_text(json.dumps({"id": "007", "text": QUERY[0], "text2": ANSWER}) + "\n")
    out = tmp_path / "s.npy"
    wordtrace(
        *("scores", run.path, "--queries", queries, "--measure", "tracin-we", "--span", SPAN),
        *("--out", out),
    )
    right = wt.influence(run, [QUERY], "tracin-we", span=SPAN)
    np.testing.assert_allclose(np.load(out), right, rtol=1e-4, atol=1e-7)


def test_texts_that_are_all_answer(tmp_path: Path) -> None:
    fine_tune("GPT2", tmp_path)
    rows = [{"id": str(row), "text": text} for row, text in enumerate(make_examples(24).texts)]
    run = wt.record(tmp_path / "out", rows, tmp_path / "run", max_length=LENGTH)
    text = "the coach wins"
    found = wt.influence(run, [text], "tracin-we", span="wins")
    assert not np.allclose(found, wt.influence(run, [text], "tracin-we"))
    with pytest.raises(InputError, match=r"the text's first token, which the model predicts from"):
        wt.influence(run, [text], "tracin-we", span="t")
