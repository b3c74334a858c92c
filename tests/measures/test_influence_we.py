"""Influence functions over all word embeddings against a dense Gauss–Newton matrix."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy import linalg

from tests.measures.test_layers import queries_of
from tests.oracles import dense
from tests.oracles.weights import since
from tests.tiny_models import bert, tiny_run
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.errors import InputError, NumericalError
from wordtrace.gradients import curvature
from wordtrace.measures import solve
from wordtrace.measures.embedding_curvature import Kept, Streamed, make_curvature
from wordtrace.measures.influence_we import InfluenceWE
from wordtrace.measures.protocol import Queries
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.models.cnn import CNN


@dataclass
class Dense:
    """At one checkpoint, over all numbers of the embedding that any gradient reaches."""

    eta: float
    matrix: np.ndarray  # the Gauss–Newton matrix
    held: np.ndarray  # the training examples' gradients, (examples, numbers)
    asked: np.ndarray  # the queries' gradients

    def scores(self, damping: float) -> np.ndarray:
        damped = self.matrix + damping * np.eye(len(self.matrix))
        solved = linalg.solve(damped, self.asked.T, assume_a="pos")
        return self.eta * solved.T @ self.held.T


def jacobians(model, encoded) -> tuple[np.ndarray, np.ndarray]:
    """∂f/∂Θ by plain autograd, float64, shape (examples, classes, vocabulary · dim), and p."""
    if isinstance(model, CNN):
        module = dense.PlainCNN(model).double()
        table = module.embedding.weight
    else:
        module = copy.deepcopy(model.module).double().requires_grad_(True)
        table = module.get_input_embeddings().weight
    found, chances = [], []
    for row in range(len(encoded)):
        ids = torch.tensor([encoded[row].tolist()])
        scores = module(ids)[0] if isinstance(model, CNN) else module(input_ids=ids).logits[0]
        rows = [torch.autograd.grad(one, [table], retain_graph=True)[0] for one in scores]
        found.append(torch.stack(rows).flatten(1).numpy())
        chances.append(torch.softmax(scores, 0).detach().numpy())
    return np.array(found), np.array(chances)


def by_hand(run, queries: Queries) -> list[Dense]:
    """Form the whole matrix at each checkpoint."""
    found = []
    for point in run.checkpoints:
        model = run.model(point)
        parts = []
        for encoded, labels in [(run.encoded, run.train.labels), (queries.encoded, queries.labels)]:
            j, p = jacobians(model, encoded)
            parts.append((j, p, p - np.eye(p.shape[1])[labels]))
        (j, p, delta), (asked, _, asked_delta) = parts
        reached = j.any((0, 1)) | asked.any((0, 1))
        j, asked = j[:, :, reached], asked[:, :, reached]
        inner = np.stack([(np.diag(one) - np.outer(one, one)) for one in p])
        matrix = np.einsum("icm,icn->mn", j, inner @ j, optimize=True) / len(j)
        gradients = np.einsum("ic,icm->im", delta, j), np.einsum("ic,icm->im", asked_delta, asked)
        found.append(Dense(since(run, point), matrix, *gradients))
    return found


def mean_eigenvalue(run, matrix: np.ndarray) -> float:
    """As many can differ from zero as there are roots, or numbers of the texts' own tokens."""
    rows = len(run.train) * (len(run.label_names) - 1)
    dim = run.model(run.final).embedding.weight.shape[1]
    return np.trace(matrix) / min(rows, len(np.unique(run.encoded.ids)) * dim)


@pytest.mark.proves("influence-we")
def test_scores_equal_a_dense_solve(run: api.Run) -> None:
    queries = queries_of(run)
    points, asker = by_hand(run, queries), Asker(run)
    for times, options in [(10, {}), (0.1, {"damping_times": 0.1})]:
        right = sum(one.scores(times * mean_eigenvalue(run, one.matrix)) for one in points)
        found = asker.ask(queries, "influence-we", **options).scores()
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())
        # The Hessian matters: these are not the scores of TracIn-WE in other units.
        plain = sum(one.eta * one.asked @ one.held.T for one in points)
        assert np.corrcoef(plain.ravel(), right.ravel())[0, 1] < 0.99


def test_a_transformer_too() -> None:
    tiny = tiny_run(bert, 12)
    queries = queries_of(tiny)
    right = sum(one.scores(0.05) for one in by_hand(tiny, queries))
    found = InfluenceWE(0.05).score(tiny, queries)
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


@pytest.mark.parametrize("kept", [True, False])
def test_conjugate_gradients_and_streams_give_what_cholesky_gives(
    run: api.Run, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, point = queries_of(run), run.checkpoints[1]
    asked = TracInWE().query_tokens(run, queries)[1]
    exact = make_curvature(run, point, None, 10.0, 1 << 30)
    assert exact.factor is not None
    right = exact.solve(asked, len(queries))
    taken = 4 * len(curvature.pairs_held(run)) * 2 * 12
    monkeypatch.setattr(solve, "Cholesky", lambda *given: pytest.fail("factorised"))
    other = make_curvature(run, point, None, 10.0, taken + 1000 if kept else taken - 1)
    assert isinstance(other.roots, Kept if kept else Streamed)
    other = replace(other, memory=8 * 2 * 12 * len(other.held))
    assert other.parts(len(queries)) == [range(2), range(2, 4)]
    assert other.damping == pytest.approx(exact.damping)
    found = other.solve(asked, len(queries))
    np.testing.assert_allclose(found, right, atol=1e-6 * float(right.abs().max()))


def test_words_and_checkpoints_sum_to_the_score(run: api.Run) -> None:
    rows = np.arange(0, len(run.train), 5)
    for options in ({}, {"without": "stop,special"}, {"weights": "idf", "memory": 1 << 20}):
        answer = Asker(run).ask(queries_of(run), "influence-we", **options)
        scores = answer.scores()[:, rows]
        wanted = [rows] * len(scores)
        words = answer.words(wanted)
        sums = [[sum(found[row].values()) for row in rows] for found in words]
        tolerance = 1e-6 * np.abs(scores).max()
        np.testing.assert_allclose(sums, scores, rtol=1e-4, atol=tolerance)
        steps = answer.by_checkpoint(wanted)
        sums = [[sum(found[row]) for row in rows] for found in steps]
        np.testing.assert_allclose(sums, scores, rtol=1e-4, atol=tolerance)
        assert np.abs(scores).max() > 0
    # A row acts through tokens of its own alone, some of which the query does not hold.
    tokens = {token for token, _ in words[0][0]}
    assert tokens <= set(run.encoded[0].tolist())
    assert tokens - set(answer.queries.encoded[0].tolist())


def test_with_much_damping_it_is_tracin_we(run: api.Run) -> None:
    queries = queries_of(run)
    for options in ({}, {"without": "stop", "weights": "idf"}):
        right = Asker(run).ask(queries, "tracin-we", **options).scores()
        found = Asker(run).ask(queries, "influence-we", damping=1e6, **options).scores() * 1e6
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


def test_systems_are_made_once_for_all_questions(
    run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker, queries = Asker(run), queries_of(run)
    first = asker.ask(queries, "influence-we").scores()
    monkeypatch.setattr(Kept, "__init__", lambda *given: pytest.fail("made again"))
    np.testing.assert_array_equal(asker.ask(queries, "influence-we").scores(), first)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_weights_of_scores_are_a_root_along_the_loss(classes: int) -> None:
    generator = torch.Generator().manual_seed(classes)
    logits = 6 * torch.randn(40, classes, generator=generator)
    logits[0, 0], logits[1, 0] = 60, -60  # as sure as can be, rightly and wrongly
    labels = torch.randint(classes, (40,), generator=generator)
    labels[:2] = 0
    weights = curvature.score_weights(logits, labels)
    p = logits.double().softmax(1)
    right = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    torch.testing.assert_close(weights @ weights.transpose(1, 2), right, atol=1e-14, rtol=1e-9)
    delta = p.clone()
    delta[torch.arange(40), labels] -= 1
    found = curvature.loss_slopes(logits, labels)[:, None] * weights[:, :, 0]
    torch.testing.assert_close(found, delta, atol=1e-14, rtol=1e-9)


def test_what_it_is_not_for_is_refused_in_a_sentence(run: api.Run) -> None:
    with pytest.raises(NumericalError, match="give a larger damping"):
        InfluenceWE(0.0).score(run, queries_of(run))
    with pytest.raises(InputError, match="set the same number; give one"):
        api.influence(run, "goal", "influence-we", damping=1.0, damping_times=1.0)


@pytest.mark.parametrize("words", [False, True])
def test_a_trace_lists_rows_and_the_words_they_act_through(index: api.Index, words: bool) -> None:
    options = {"label": "sport", "measure": "influence-we", "words": words}
    trace = index.trace("the striker wins", **options)
    assert (trace.source, trace.top_k, trace.whole_words) == ("run", None, words)
    for hit in trace.proponents:
        assert hit.contributions
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-4)
    listed = [word for hit in trace.proponents for word in hit.contributions]
    assert any(word.kind == "word" and word.spans and not word.query_spans for word in listed)
    # Of the query, its own words alone are said.
    tokenizer = index.run.tokenizer
    own = set(map(tokenizer.token, tokenizer.encode(["the striker wins"])[0].tolist()))
    own |= {"the", "striker", "wins"} if words else set()
    said = {word.token for word in trace.queries[0].words}
    assert said
    assert said <= own
    assert any(word.token not in own for word in listed)
