"""TF-IDF, saliency and similarities, each written out once more by hand."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from tests.measures.test_layers import any_run, queries_of  # noqa: F401
from tests.oracles import dense
from tests.oracles.weights import since
from wordtrace import api
from wordtrace.errors import InputError
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Queries


def deltas(run, encoded, labels) -> np.ndarray:
    """∂ℓ/∂f by autograd on one text at a time, shape (checkpoints, texts, classes)."""
    found = []
    for point in run.checkpoints:
        here = []
        for row in range(len(labels)):
            scores = dense.class_scores(run.model(point), encoded[row].tolist())
            scores = scores.clone().requires_grad_(True)
            loss = torch.nn.functional.cross_entropy(scores[None], torch.tensor([labels[row]]))
            here.append(torch.autograd.grad(loss, scores)[0].numpy())
        found.append(np.stack(here))
    return np.stack(found)


def rates(run) -> np.ndarray:
    return np.array([since(run, point) for point in run.checkpoints])


def signs(run, queries: Queries) -> np.ndarray:
    return np.where(queries.labels[:, None] == run.train.labels[None], 1, -1)


@pytest.mark.proves("tracin-tfidf")
def test_tfidf_times_the_loss_gradients(any_run) -> None:  # noqa: F811
    queries = queries_of(any_run)

    def words(text: str) -> list[str]:
        return re.findall(r"\b\w\w+\b", text.lower())

    texts = [words(text) for text in any_run.train.texts]
    vocabulary = sorted({word for text in texts for word in text})
    idf = {
        word: math.log((1 + len(texts)) / (1 + sum(word in text for text in texts))) + 1
        for word in vocabulary
    }

    def vector(text: list[str]) -> np.ndarray:
        found = np.array([text.count(word) * idf[word] for word in vocabulary])
        return found / max(np.linalg.norm(found), 1e-12)

    similarity = np.stack([vector(words(text)) for text in queries.texts]) @ (
        np.stack([vector(text) for text in texts]).T
    )
    held = deltas(any_run, any_run.encoded, any_run.train.labels)
    asked = deltas(any_run, queries.encoded, queries.labels)
    right = similarity * np.einsum("c,cqk,cnk->qn", rates(any_run), asked, held)
    found = measure("tracin-tfidf").score(any_run, queries)
    assert np.abs(right).max() > 1e-4
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


def test_saliency_is_the_same_for_every_query_and_never_negative(any_run) -> None:  # noqa: F811
    held = deltas(any_run, any_run.encoded, any_run.train.labels)
    right = rates(any_run) @ np.linalg.norm(held, axis=2)
    found = measure("loss-saliency").score(any_run, queries_of(any_run))
    np.testing.assert_allclose(found, np.tile(right, (4, 1)), rtol=1e-4)
    assert (found >= 0).all()


@pytest.mark.proves("loss-saliency")
def test_the_parts_multiply_to_tracin_last(run: api.Run) -> None:
    """I = L(x) · S(x, x′) · L(x′) at one checkpoint: (a · a′)(δ · δ′)."""
    queries = queries_of(run)
    one = run.checkpoints[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(run), "checkpoints", [one])
        run = api.Run.open(run.path)
        similarity = np.abs(measure("similarity").score(run, queries)) / since(run, one)
        held = deltas(run, run.encoded, run.train.labels)[0]
        asked = deltas(run, queries.encoded, queries.labels)[0]
        right = measure("tracin-last").score(run, queries)
    found = since(run, one) * similarity * (asked @ held.T)
    # The features are behind a ReLU: a · a′ is never negative, so |±a · a′| is a · a′.
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


@pytest.mark.proves("similarity")
def test_similarity_carries_the_labels_agreement(any_run) -> None:  # noqa: F811
    queries = queries_of(any_run)
    total = np.zeros((len(queries), len(any_run.train)))
    for point in any_run.checkpoints:
        model = any_run.model(point)
        layer = model.module.get_submodule(model.named_layers["last"][0])

        def features(encoded, count, model=model, layer=layer) -> np.ndarray:
            given: list[np.ndarray] = []
            with torch.no_grad():
                for row in range(count):
                    handle = layer.register_forward_pre_hook(
                        lambda m, inputs: given.append(
                            inputs[0].reshape(-1, inputs[0].shape[-1])[-1]
                        )
                    )
                    ids = torch.from_numpy(encoded[row].astype(np.int64))[None]
                    if isinstance(model, torch.nn.Module):
                        model(ids, torch.ones_like(ids, dtype=torch.bool))
                    else:
                        model.module(input_ids=ids)
                    handle.remove()
            return torch.stack(given).numpy()

        total += since(any_run, point) * (
            features(queries.encoded, len(queries))
            @ features(any_run.encoded, len(any_run.train)).T
        )
    found = measure("similarity").score(any_run, queries)
    right = total * signs(any_run, queries)
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


@pytest.mark.proves("embedding-similarity")
def test_embedding_similarity_is_a_cosine_of_means(any_run) -> None:  # noqa: F811
    queries = queries_of(any_run)
    table = next(any_run.model(any_run.final).embedding.parameters()).detach().numpy()

    def mean(ids: np.ndarray) -> np.ndarray:
        return table[[i for i in ids if i not in any_run.tokenizer.special]].mean(0)

    right = np.array(
        [
            [
                np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other)
                for other in (mean(any_run.encoded[row]) for row in range(len(any_run.train)))
            ]
            for one in (mean(queries.encoded[q]) for q in range(len(queries)))
        ]
    )
    found = measure("embedding-similarity").score(any_run, queries)
    np.testing.assert_allclose(found, right * signs(any_run, queries), rtol=1e-3, atol=1e-5)


def test_a_text_of_special_tokens_only_scores_finite(run: api.Run) -> None:
    from wordtrace.measures.names import MEASURES

    encoded = run.tokenizer.encode(["goal", "bank"]).take(np.array([0, 1]))
    start_and_end = np.array([encoded[0][0], encoded[0][-1]], np.int32)
    empty = type(encoded)(start_and_end, np.array([0, 2]))
    queries = Queries(["."], None, np.array([1]), empty)
    for name in MEASURES:
        scores = measure(name).score(run, queries)
        assert np.isfinite(scores).all(), name
    assert not measure("tracin-we-noc").score(run, queries).any()
    assert not measure("embedding-similarity").score(run, queries).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"top_k": 0}, "top_k is 0"),
        ({"frequent": 1.5}, "frequent is 1.5; give a share"),
        ({"synonym_cosine": float("nan")}, "synonym_cosine is nan"),
        ({"damping": float("inf")}, "damping is inf"),
        ({"l2": 0}, "l2 is 0; give a number over 0"),
        ({"memory": 1000}, "memory is 1000 bytes; give at least one megabyte"),
    ],
)
def test_wrong_options_are_refused(run: api.Run, wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        api.influence(run, "goal", "bm25", **wrong)
    with pytest.raises(TypeError, match="depth"):
        Options(depth=3)  # type: ignore[call-arg]


def test_every_measure_says_what_it_needs_and_costs() -> None:
    from wordtrace.measures.influence_we import InfluenceWE
    from wordtrace.measures.names import MEASURES
    from wordtrace.measures.word_level import WordMeasure

    for name, make in MEASURES.items():
        chosen = make(Options())
        about = chosen.about
        assert about.equation
        assert about.needs
        assert about.cost
        assert about.by_word == isinstance(chosen, WordMeasure | InfluenceWE), name
