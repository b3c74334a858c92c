"""Whole words: every position belongs to one, and the sums stay what they were by token."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, tokenizer
from tests.oracles import dense
from tests.oracles.weights import since
from wordtrace import api
from wordtrace.measures.token_filters import STOP_SHARE
from wordtrace.models.tokenizer import Tokenizer
from wordtrace.models.whole_words import whole_words

KINDS = sorted({one.tokens for one in ARCHITECTURES})


def of_kind(kind: str) -> Tokenizer:
    import tokenizers

    if kind == "own":
        return Tokenizer.train(make_examples().texts, 150, 60)
    pytest.importorskip("transformers")
    text = tokenizer(kind).backend_tokenizer.to_str()
    return Tokenizer(tokenizers.Tokenizer.from_str(text), 60, literal=False)


TOKENIZERS: dict[str, Tokenizer] = {}


def cached(kind: str) -> Tokenizer:
    if kind not in TOKENIZERS:
        TOKENIZERS[kind] = of_kind(kind)
    return TOKENIZERS[kind]


@pytest.mark.parametrize("kind", [*KINDS, "own"])
def test_words_are_whole_and_read_as_text(kind: str) -> None:
    text, text2 = "the strikers, don't win 3.14 of\n a match", "strikers' goal-keepers match"
    tokens = cached(kind)
    (positions,) = tokens.positions([text], [text2])
    found = whole_words(positions, text, text2, tokens)
    assert len(found.names) == len(positions) == tokens.encode([text], [text2]).lengths[0]
    stands = {name: spans for name, spans in found.spans.items() if len(name) > 2}
    shown = {"text": text, "text2": text2}
    assert {name for name in stands if name.isalpha()} == {
        *("the", "strikers", "win", "match", "goal", "keepers")
    }
    assert [shown[field][start:end] for field, start, end in stands["strikers"]] == [
        "strikers",
        "strikers",
    ]
    assert [field for field, _, _ in stands["match"]] == ["text", "text2"]
    pieces = [
        shown[field][start:end] for spans in found.spans.values() for field, start, end in spans
    ]
    assert {"don't", "3.14", ",", "goal", "-", "keepers"} <= set(pieces)
    # A word of several pieces is there once, under one name, without the tokenizer's marks.
    counts = Counter(found.names)
    assert counts["strikers"] > 2
    assert not any(re.search("##|▁|Ġ", name) for name in found.names)


# What tokenizers and readers stumble over: marks, joiners, scripts without spaces, symbols.
CHARACTERS = st.sampled_from("ab Z'’.,3 \n\t-_é\u0301\u200d日本ไทयि👩🏽😀!?[]#▁ß\u00ad")


@pytest.mark.parametrize("kind", [*KINDS, "own"])
@settings(max_examples=60)
@given(text=st.text(CHARACTERS, min_size=1, max_size=24), text2=st.text(CHARACTERS, max_size=9))
def test_any_texts_words_are_disjoint_and_hold_every_token(
    kind: str, text: str, text2: str
) -> None:
    tokens = cached(kind)
    (positions,) = tokens.positions([text], [text2])
    found = whole_words(positions, text, text2, tokens)
    assert len(found.names) == len(positions)
    shown = {"text": text, "text2": text2}
    every = sorted(span for spans in found.spans.values() for span in spans)
    for (field, _, end), (other, start, _) in pairwise(every):
        assert field != other or end <= start
    for position, name in zip(positions, found.names, strict=True):
        assert name
        if position.span is None:
            continue
        field, start, end = position.span
        solid = shown[field][start:end].strip()
        spans = [one for one in found.spans[name] if one[0] == field]
        # A space alone goes to the word that follows, which does not count it in.
        assert not solid or any(one[1] <= start and end <= one[2] for one in spans)
    for field, start, end in every:
        whole = shown[field]
        assert 0 <= start < end <= len(whole)
        # Letters next to each other are never torn apart, where all of them were read.
        for place in (start, end):
            near = whole[max(0, place - 1) : place + 1]
            torn = len(near) == 2 and re.fullmatch("[abZ3_é]{2}", near)
            read = max((s[2] for s in every if s[0] == field), default=0)
            assert not torn or place == read


@pytest.fixture(scope="module")
def pieced(tmp_path_factory: pytest.TempPathFactory) -> api.Run:
    """A run whose tokenizer cuts nearly every word in pieces, which different words share."""
    folder = tmp_path_factory.mktemp("pieced")
    return api.train(
        make_examples(),
        folder / "run",
        eval_fraction=0,
        epochs=3,
        batch_size=8,
        learning_rate=0.09,
        schedule="linear",
        seed=5,
        max_length=40,
        dim=12,
        vocabulary=75,
        checkpoints=(9, 20, 33),
    )


QUERY = "the striker and the scene win a market , stars of the seasons"


def test_sums_are_kept_and_every_word_is_whole(pieced: api.Run) -> None:
    index = api.build_index(pieced, pieced.path.parent / "i", top_k=7, dtype="float16", workers=1)
    by_token = index.trace(QUERY, label="sport", top=15)
    by_word = index.trace(QUERY, label="sport", top=15, words=True)
    assert (by_token.whole_words, by_word.whole_words) == (False, True)
    assert [hit.id for hit in by_word.proponents] == [hit.id for hit in by_token.proponents]
    several = split = 0
    for side in ("proponents", "opponents"):
        for one, other in zip(getattr(by_token, side), getattr(by_word, side), strict=True):
            tokens, words = one.contributions, other.contributions
            assert one.score == other.score
            total = sum(word.contribution for word in tokens)
            assert sum(value for _, value in other.words) == pytest.approx(total, abs=1e-12)
            pieces: Counter[str] = Counter()
            for word in words:
                assert word.contribution == pytest.approx(sum(v for _, v in word.pieces), abs=1e-12)
                for token, value in word.pieces:
                    pieces[token] += value
                several += len(word.pieces) > 1
                split += word.query_token is not None
                if word.kind == "special":
                    continue
                for spans, text in ((word.spans, other.text), (word.query_spans, QUERY)):
                    assert spans
                    name = word.query_token if text is QUERY and word.query_token else word.token
                    assert {text[start:end].lower() for _, start, end in spans} == {name}
            expected = {word.token: word.contribution for word in tokens}
            assert dict(pieces) == pytest.approx(expected, abs=1e-12)
    assert several > 5
    assert split > 5
    assert sum(word.contribution for word in by_word.queries[0].words) == pytest.approx(
        sum(word.contribution for word in by_token.queries[0].words)
    )


@pytest.mark.parametrize("project", [None, 4])
def test_contributions_are_the_products_of_the_positions_gradients(
    pieced: api.Run, project: int | None, tmp_path: Path
) -> None:
    """Each pair of words against plain autograd at the positions of both texts."""
    index = api.build_index(
        pieced, tmp_path / "f", top_k=None, dtype="float32", project=project, workers=1
    )
    # What an index keeps of the gradients is what its words are made of.
    bases = index.folder.bases or [torch.eye(pieced.dim)] * len(pieced.checkpoints)
    trace = index.trace(QUERY, label="film", measure="tracin-we", top=4, words=True)
    label = pieced.label_names.index("film")
    asked = gradients(pieced, QUERY, label)
    checked = 0
    for hit in [*trace.proponents, *trace.opponents]:
        held = gradients(pieced, hit.text, pieced.label_names.index(hit.label))
        expected: Counter[tuple[str, str]] = Counter()
        for token, word, g in held:
            for other, word2, h in asked:
                if token == other:
                    expected[word, word2] += sum(
                        since(pieced, point) * float((a @ basis.to(a)) @ (b @ basis.to(b)))
                        for point, a, b, basis in zip(pieced.checkpoints, g, h, bases, strict=True)
                    )
        found = {(w.token, w.query_token or w.token): w.contribution for w in hit.contributions}
        scale = max(map(abs, found.values()))
        # A position without a gradient, or almost, has no term.
        every = found.keys() | expected.keys()
        assert {pair: found.get(pair, 0.0) for pair in every} == pytest.approx(
            {pair: expected.get(pair, 0.0) for pair in every}, abs=1e-4 * scale
        )
        checked += sum(a != b for a, b in found)
    assert checked > 5


def gradients(run: api.Run, text: str, label: int) -> list[tuple[int, str, list[torch.Tensor]]]:
    """(token, word, the gradient at each checkpoint) by position; words cut at the spaces."""
    (positions,) = run.tokenizer.positions([text])
    ids = [one.token for one in positions]
    rows = [dense.position_gradients(run.model(point), ids, label) for point in run.checkpoints]
    # A word that the longest length cuts through ends where the model stops to read.
    read = max(one.span[2] for one in positions if one.span is not None)
    found = []
    for place, one in enumerate(positions):
        if one.span is None:
            word = run.tokenizer.token(one.token)
        else:
            start, end = one.span[1:]
            start = text.rfind(" ", 0, start + 1) + 1
            stop = text.find(" ", end)
            word = text[start : min(read, len(text) if stop < 0 else stop)].lower()
        found.append((one.token, word, [row[place] for row in rows]))
    return found


def test_words_of_a_measure_that_streams_and_of_synonyms(pieced: api.Run) -> None:
    index = api.build_index(pieced, pieced.path.parent / "s", top_k=5, workers=1)
    for choice in (
        {"measure": "tracin-we"},
        {"measure": "tracin-we-syn", "synonym_cosine": 0.2},
        {"measure": "tracin-we-noc"},
        {"top_k": 3},
    ):
        trace = index.trace(QUERY, "sport", top=6, words=True, **choice)
        for hit in trace.proponents:
            assert sum(value for _, value in hit.words) == pytest.approx(hit.score, rel=1e-3)
    last = index.trace(QUERY, measure="tracin-last", words=True)
    assert last.proponents[0].contributions is None


def test_a_projected_index_keeps_its_own_sums(pieced: api.Run) -> None:
    index = api.build_index(pieced, pieced.path.parent / "p", top_k=9, project=4, workers=1)
    trace = index.trace(QUERY, "sport", top=8, words=True)
    for hit in [*trace.proponents, *trace.opponents]:
        assert sum(value for _, value in hit.words) == pytest.approx(hit.score, rel=1e-4)


def test_a_word_of_stop_tokens_alone_says_little(pieced: api.Run) -> None:
    index = api.build_index(pieced, pieced.path.parent / "k", top_k=None, workers=1)
    frequent = index.folder.document_frequency > STOP_SHARE * len(pieced.train)
    kinds = set()
    for hit in index.trace(QUERY, "sport", words=True).proponents:
        for word in hit.contributions:
            ids = [pieced.tokenizer.inner.token_to_id(token) for token, _ in word.pieces]
            assert (word.kind == "stop") == (frequent[ids].all() and word.kind != "special")
            kinds.add((word.kind, word.query_token is None))
        total = sum(abs(word.contribution) for word in hit.contributions)
        stop = sum(abs(word.contribution) for word in hit.contributions if word.kind == "stop")
        assert hit.stop_share == pytest.approx(stop / total)
    assert len(kinds) >= 4


def test_words_go_through_json_and_onto_the_page(pieced: api.Run, tmp_path: Path) -> None:
    index = api.build_index(pieced, pieced.path.parent / "j", top_k=5, workers=1)
    trace = index.trace(QUERY, "sport", top=3, words=True)
    trace.save(tmp_path / "t.json")
    back = api.read_trace(tmp_path / "t.json")
    assert back.whole_words
    assert json.loads(back.to_json()) == json.loads(trace.to_json())
    split = [w for hit in trace.proponents for w in hit.contributions if len(w.pieces) > 1]
    word = max(split, key=lambda word: abs(word.contribution))
    trace.save(tmp_path / "t.html")
    page = (tmp_path / "t.html").read_text()
    assert f"<bdi>{word.token}</bdi>" in page
    assert "##" not in re.sub("<style.*?</style>|<small.*?</small>", "", page, flags=re.S)
    assert np.isfinite(word.contribution)


def test_by_token_stays_the_default(pieced: api.Run) -> None:
    index = api.build_index(pieced, pieced.path.parent / "d", top_k=5, workers=1)
    document: dict[str, Any] = index.trace(QUERY, "sport", top=3).document()
    assert document["whole_words"] is False
    assert "pieces" not in document["queries"][0]["proponents"][0]["words"][0]
