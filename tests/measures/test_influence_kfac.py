"""K-FAC influence through the word embeddings against matrices formed by plain autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.measures.test_layers import queries_of
from tests.oracles import dense
from tests.oracles.weights import since
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.measures import influence_kfac
from wordtrace.measures.influence_kfac import InfluenceKFAC
from wordtrace.measures.protocol import Queries


def position_jacobian(model, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """∂f/∂e at each position by plain autograd, float64, (classes, length, dim), and p."""
    plain = dense.PlainCNN(model).double()
    vectors = plain.embedding(torch.tensor([ids])).detach().requires_grad_(True)
    hidden = vectors.transpose(1, 2)
    for convolution in plain.convolutions:
        hidden = torch.relu(convolution(hidden))
    scores = plain.linear(hidden.max(dim=2).values)[0]
    rows = [torch.autograd.grad(one, [vectors], retain_graph=True)[0][0] for one in scores]
    return torch.stack(rows).numpy(), torch.softmax(scores, 0).detach().numpy()


def gradients(model, encoded, labels) -> tuple[list[np.ndarray], np.ndarray]:
    """Each text's ∂ℓ/∂Θ, dense, and the sum of Jᵀ (diag(p) − p pᵀ) J over all positions."""
    found, total = [], np.zeros((model.config.dim, model.config.dim))
    for row, label in enumerate(labels):
        j, p = position_jacobian(model, encoded[row].tolist())
        total += np.einsum("ctd,ck,kte->de", j, np.diag(p) - np.outer(p, p), j, optimize=True)
        p[label] -= 1
        table = np.zeros((model.config.vocabulary, model.config.dim))
        np.add.at(table, encoded[row], np.einsum("c,ctd->td", p, j))
        found.append(table)
    return found, total


def by_hand(run: api.Run, queries: Queries, every: list[float]) -> list[np.ndarray]:
    """The scores for each multiple of the mean eigenvalue, block by block."""
    scores = np.zeros((len(every), len(queries), len(run.train)))
    ids, dim = run.encoded.ids, run.dim
    frequency = [(ids == token).sum() / len(run.train) for token in range(run.tokenizer.size)]
    counted = min(len(run.train) * (len(run.label_names) - 1), len(set(ids.tolist())) * dim)
    for point in run.checkpoints:
        held, total = gradients(run.model(point), run.encoded, run.train.labels)
        asked, _ = gradients(run.model(point), queries.encoded, queries.labels)
        factor, held = total / len(ids), np.array(held)
        trace = sum(frequency) * np.trace(factor)
        for at, times in enumerate(every):
            for place, one in enumerate(asked):
                for token in set(queries.encoded[place].tolist()):
                    block = frequency[token] * factor + times * trace / counted * np.eye(dim)
                    solved = np.linalg.solve(block, one[token])
                    scores[at, place] += since(run, point) * held[:, token] @ solved
    return list(scores)


@pytest.mark.proves("influence-we-kfac")
def test_scores_equal_explicit_blocks(run: api.Run, full_index: api.Index) -> None:
    queries, asker = queries_of(run), Asker(run, full_index.folder)
    every = by_hand(run, queries, [10, 0.1])
    for right, options in zip(every, [{}, {"damping_times": 0.1}], strict=True):
        found = asker.ask(queries, "influence-we-kfac", **options).scores()
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())
    whole = InfluenceKFAC(times=0.1).score(run, queries)
    np.testing.assert_allclose(whole, found, rtol=1e-3, atol=1e-5 * np.abs(right).max())


def test_from_an_index_of_few_positions_with_words_and_weights(
    run: api.Run, index: api.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = queries_of(run)
    # With much damping it is tracin-we-idf: as many positions, all of the query, the same weights.
    right = index.asker.ask(queries, "tracin-we-idf").scores()
    found = index.asker.ask(queries, "influence-we-kfac", weights="idf", damping=1e6).scores()
    np.testing.assert_allclose(found * 1e6, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())
    # What it prepares is made once for a run.
    monkeypatch.setattr(
        influence_kfac, "position_curvature", lambda *given: pytest.fail("made again")
    )
    for words in (False, True):
        trace = index.trace("the striker wins", measure="influence-we-kfac", words=words)
        assert (trace.source, trace.whole_words) == ("index", words)
        for hit in trace.proponents:
            total = sum(word.contribution for word in hit.contributions)
            assert total == pytest.approx(hit.score, rel=1e-4)
