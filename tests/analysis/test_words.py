"""Word importance and word gradient similarity equal plain autograd's (section 4.2)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.oracles import dense
from tests.oracles.weights import since
from tests.tiny_models import bert, tiny_run
from wordtrace.analysis.words import words
from wordtrace.errors import InputError
from wordtrace.measures.names import measure
from wordtrace.measures.protocol import make_queries

ONE = "the striker and the coach win a match"
TWO = "shares of the coach , a striker"


def logit_gradient(model, ids: list[int], label: int) -> torch.Tensor:
    plain = dense.PlainCNN(model).double()
    (gradient,) = torch.autograd.grad(
        plain(torch.tensor([ids]))[0, label], [plain.embedding.weight]
    )
    return gradient


def test_importance_is_the_norm_of_the_logits_gradient(run) -> None:
    found = words(run, ONE, label="film")
    (text,) = found.texts
    ids = run.tokenizer.encode([ONE])[0].tolist()
    gradient = logit_gradient(run.model(run.final), ids, run.label_names.index("film"))
    right = {run.tokenizer.token(one): float(gradient[one].norm()) for one in set(ids)}
    assert {one.token: one.importance for one in text.words} == pytest.approx(right, rel=1e-4)
    assert [one.importance for one in text.words] == sorted(right.values(), reverse=True) or (
        np.all(np.diff([one.importance for one in text.words]) <= 0)
    )
    the = next(one for one in text.words if one.token == "the")
    assert the.positions == 2
    assert [ONE[start:end] for _, start, end in the.spans] == ["the", "the"]
    assert (text.label, text.label_source) == ("film", "given")


def test_importance_is_taken_at_the_checkpoint_asked_for(run) -> None:
    point = run.checkpoints[0]
    found = words(run, ONE, label="film", checkpoint=point.step)
    ids = run.tokenizer.encode([ONE])[0].tolist()
    gradient = logit_gradient(run.model(point), ids, run.label_names.index("film"))
    strongest = found.texts[0].words[0]
    assert strongest.importance == pytest.approx(float(gradient.norm(dim=1).max()), rel=1e-4)


def test_similarities_equal_dense_gradients_and_sum_to_tracin_we(run) -> None:
    found = words(run, ONE, TWO, label="sport", label2="money").similarity
    assert found is not None
    encoded = [run.tokenizer.encode([text])[0].tolist() for text in (ONE, TWO)]
    labels = [run.label_names.index(one) for one in ("sport", "money")]
    products: dict[int, np.ndarray] = {}
    for point in run.checkpoints:
        model = run.model(point)
        g, h = (
            dense.embedding_weight_gradient(model, ids, label)
            for ids, label in zip(encoded, labels, strict=True)
        )
        for token in set(encoded[0]) & set(encoded[1]):
            one = [g[token] @ h[token], g[token] @ g[token], h[token] @ h[token]]
            products[token] = products.get(token, np.zeros(3)) + since(run, point) * np.array(
                [float(value) for value in one]
            )
    right = {run.tokenizer.token(token): values for token, values in products.items()}
    assert {one.token for one in found.words} == set(right)
    for one in found.words:
        product, square, other = right[one.token]
        assert one.similarity == pytest.approx(product, rel=1e-3, abs=1e-9)
        if one.cosine is not None:
            assert one.cosine == pytest.approx(product / np.sqrt(square * other), abs=1e-4)
    sizes = {token: abs(values[0]) for token, values in right.items()}
    special = (sizes["[CLS]"] + sizes["[SEP]"]) / sum(sizes.values())
    assert found.special_share == pytest.approx(special, rel=1e-3)
    assert min(values[0] for values in right.values()) < 0 < special < 1
    assert found.score == pytest.approx(sum(values[0] for values in right.values()), rel=1e-3)


def test_the_score_is_the_measures(run) -> None:
    train = run.train
    row = 5
    found = words(
        run, ONE, train.texts[row], label="sport", label2=train.label_names[train.labels[row]]
    ).similarity
    queries = make_queries(run, [ONE], np.array([run.label_names.index("sport")]))
    assert found is not None
    right = measure("tracin-we").score(run, queries)[0, row]
    assert found.score == pytest.approx(float(right), rel=1e-4)


def test_a_transformer_is_weighed_too() -> None:
    run = tiny_run(bert, 12)
    found = words(run, ONE, TWO)
    assert found.similarity is not None
    assert len(found.texts[0].words) == len(set(run.tokenizer.encode([ONE])[0].tolist()))
    assert found.texts[0].label == found.texts[0].predicted
    assert found.texts[0].label_source == "predicted"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((" ",), "TEXT is empty"),
        ((ONE, ""), "TEXT2 is empty"),
        (((ONE, TWO),), "TEXT is a pair"),
    ],
)
def test_wrong_texts_are_one_sentence(run, arguments: tuple, said: str) -> None:
    with pytest.raises(InputError, match=said):
        words(run, *arguments)


def test_wrong_labels_and_steps_are_one_sentence(run) -> None:
    with pytest.raises(InputError, match="no label 'weather'"):
        words(run, ONE, label="weather")
    with pytest.raises(InputError, match="goes with a second text"):
        words(run, ONE, label2="sport")
    with pytest.raises(InputError, match="checkpoint is 12345"):
        words(run, ONE, checkpoint=12345)


def test_whole_words_keep_the_sums_and_split_by_position(run) -> None:
    one, two = "the strikers and coaches win a scene", "shares of the coach , a strikers scenes"
    by_token = words(run, one, two, label="sport", label2="money")
    by_word = words(run, one, two, label="sport", label2="money", words=True)
    # Importance: the root of the sum of squares over a word's pieces, each at its own positions.
    ids = run.tokenizer.encode([one])[0].tolist()
    (positions,) = run.tokenizer.positions([one])
    model = run.model(run.final)
    plain = dense.PlainCNN(model).double()
    vectors = plain.embedding(torch.tensor([ids])).detach().requires_grad_(True)
    hidden = vectors.transpose(1, 2)
    for convolution in plain.convolutions:
        hidden = torch.relu(convolution(hidden))
    logit = plain.linear(hidden.max(dim=2).values)[0, run.label_names.index("sport")]
    (gradient,) = torch.autograd.grad(logit, [vectors])
    squares: dict[str, dict[int, torch.Tensor]] = {}
    for place, at in enumerate(positions):
        word = run.tokenizer.token(at.token)
        if at.span is not None:
            stop = one.find(" ", at.span[2])
            start = one.rfind(" ", 0, at.span[1] + 1) + 1
            word = one[start : len(one) if stop < 0 else stop]
        pieces = squares.setdefault(word, {})
        pieces[at.token] = pieces.get(at.token, 0) + gradient[0, place]
    right = {
        word: float(sum(g.square().sum() for g in pieces.values())) ** 0.5
        for word, pieces in squares.items()
    }
    (text, _) = by_word.texts
    assert {word.token: word.importance for word in text.words} == pytest.approx(right, rel=1e-4)
    assert len(text.words) < len(by_token.texts[0].words)
    strikers = next(word for word in text.words if word.token == "strikers")
    assert [one[start:end] for _, start, end in strikers.spans] == ["strikers"]
    # Similarity: the same sum, shared among pairs of words.
    assert by_word.similarity.score == pytest.approx(by_token.similarity.score, rel=1e-6)
    assert by_word.similarity.special_share is not None
    crossed = [word for word in by_word.similarity.words if word.other_token is not None]
    assert crossed
    for word in by_word.similarity.words:
        assert word.cosine is None or -1 <= word.cosine <= 1
