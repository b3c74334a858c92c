"""Deletion of a model whose optimum is known in closed form, against the exact answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.pools import of_classes
from wordtrace.evaluation.agreement import leave_out
from wordtrace.evaluation.deletion import Deletion, FloatArray, SeedAndRows, auc
from wordtrace.evaluation.efficiency import efficiency

EXAMPLES, DIMENSIONS, QUERIES, RIDGE = 60, 7, 5, 0.5
RNG = np.random.default_rng(11)
X = RNG.normal(size=(EXAMPLES, DIMENSIONS))
Y = X @ RNG.normal(size=DIMENSIONS) + 0.5 * RNG.normal(size=EXAMPLES)
ASKED = RNG.normal(size=(QUERIES, DIMENSIONS))
LABELS = np.arange(EXAMPLES) % 3
SEEDS = list(range(100, 112))


def train(rows: tuple[int, ...]) -> FloatArray:
    """Solve the normal equations of the rows that are left and predict the queries."""
    kept = np.setdiff1d(np.arange(EXAMPLES), rows)
    left = X[kept].T @ X[kept] + RIDGE * np.eye(DIMENSIONS)
    return ASKED @ np.linalg.solve(left, X[kept].T @ Y[kept])


def exact_change(rows: Sequence[int]) -> FloatArray:
    """Return the change by Woodbury's identity from the model of all rows; nothing is refitted."""
    inverse = np.linalg.inv(X.T @ X + RIDGE * np.eye(DIMENSIONS))
    out = X[list(rows)]
    residual = Y[list(rows)] - out @ inverse @ X.T @ Y
    leverage = np.eye(len(out)) - out @ inverse @ out.T
    return -ASKED @ inverse @ out.T @ np.linalg.solve(leverage, residual)


def exact_scores() -> np.ndarray:
    """Return how much each row alone holds each query's prediction up."""
    return -np.stack([exact_change([row]) for row in range(EXAMPLES)], 1).astype(np.float32)


def study_of(noise: float = 0.0, own: float = 0.0, repeats: int = 4) -> Deletion:
    """`noise` is shared by all trainings of a seed, `own` is each training's own."""

    def solve(trainings: Sequence[SeedAndRows]) -> dict[SeedAndRows, FloatArray]:
        found = {}
        for seed, rows in trainings:
            shared = np.random.default_rng(seed).normal(size=QUERIES)
            alone = np.random.default_rng([seed, *rows, 1]).normal(size=QUERIES)
            found[seed, rows] = train(rows) + noise * shared + own * alone
        return found

    study = Deletion(of_classes(LABELS), np.arange(QUERIES) % 3, [1, 3, 8], SEEDS, solve)
    study.add("exact", exact_scores(), repeats=repeats)
    study.train()
    return study


def test_effects_are_the_exact_change_of_a_model_with_a_closed_form() -> None:
    study = study_of()
    for (_, sign), one in study.effects().items():
        for at, rows_by_query in enumerate(study.lines["exact", sign].rows):
            for query, rows in enumerate(rows_by_query):
                assert len(rows) == study.sizes[at]
                expected = exact_change(rows)[query]
                np.testing.assert_allclose(one.named[at, query], expected, atol=1e-9)
                assert (expected < 0) == (sign == "proponents")


def test_no_other_single_row_changes_a_query_as_much() -> None:
    one = study_of().effects()["exact", "proponents"]
    for query in range(QUERIES):
        changes = [train((row,))[query] - train(())[query] for row in range(EXAMPLES)]
        assert one.named[0, query, 0] == pytest.approx(min(changes), abs=1e-9)


def test_the_control_removes_as_many_rows_and_those_of_a_class() -> None:
    study = study_of()
    removed = [rows for _, rows in study.trainings()]
    assert {len(rows) for rows in removed} == {0, 1, 3, 8}
    named = {rows for line in study.lines.values() for by in line.rows for rows in by}
    controls = [rows for rows in removed if rows and rows not in named]
    by_label = [rows for rows in controls if len({int(LABELS[row]) for row in rows}) == 1]
    assert len(by_label) >= 3 * len(study.sizes)
    assert len(controls) > len(by_label)


@pytest.mark.parametrize(("noise", "own"), [(0.3, 0.0), (0.3, 0.05), (0.0, 0.2)])
def test_what_is_estimated_is_the_same_whatever_is_noise(noise: float, own: float) -> None:
    study = study_of(noise, own)
    effects = study.effects()
    for key, one in effects.items():
        exact = np.array(
            [
                [exact_change(rows)[query] for query, rows in enumerate(by_query)]
                for by_query in study.lines[key].rows
            ]
        )
        error = (one.named.mean(2) - exact).mean()
        # Beside the spread of a mean over seeds and queries, with a wide margin.
        assert abs(error) < 4 * (own / np.sqrt(4 * QUERIES) + own / np.sqrt(12 * QUERIES)) + 1e-9


def test_shared_noise_is_taken_out_and_own_noise_is_not_doubled() -> None:
    shared = study_of(noise=0.3)
    rows = efficiency(shared, {key: shared.outcomes(key) for key in shared.lines})
    for row in rows:
        assert row["beta"] == pytest.approx(1, abs=1e-6)
        assert row["sd_unpaired"] > 0.3
        assert row["sd_adjusted"] < 1e-6
    alone = study_of(own=0.2, repeats=12)
    for row in efficiency(alone, {key: alone.outcomes(key) for key in alone.lines}):
        assert abs(row["beta"]) < 0.35
        assert 1.5 < row["gain_adjusted"] < 2.6  # the mean of all rows' models is nearly free
        assert 0.7 < row["gain_paired"] < 1.4


def test_summed_exact_scores_rank_the_removed_sets() -> None:
    study = study_of()
    wrong = -exact_scores()
    found = leave_out(study, {"exact": exact_scores(), "upside down": wrong})
    by = {(one["measure"], one["k"]): one["mean"] for one in found}
    assert by["exact", 1] == pytest.approx(1)
    assert by["exact", 8] > 0.9
    assert by["upside down", 1] == pytest.approx(-1)


def test_seeds_that_could_not_be_trained_leave_every_line() -> None:
    study = study_of(own=0.1)
    before = study.effects()["exact", "proponents"].named
    assert study.drop({SEEDS[1], SEEDS[9]}) == [SEEDS[1], SEEDS[9]]
    assert study.lines["exact", "proponents"].seeds == 3
    after = study.outcomes(("exact", "proponents")).named
    assert after.shape == (3, QUERIES, 3)
    assert before.shape == (3, QUERIES, 4)
    assert len(study.base()[0]) == len(SEEDS) - 2


def test_a_line_gets_more_seeds_and_only_they_are_trained() -> None:
    study = study_of()
    before = set(study.trainings())
    study.extend(("exact", "opponents"), 6)
    more = set(study.trainings()) - before
    assert {seed for seed, _ in more} == set(SEEDS[4:6])
    study.train()
    effects = study.effects()
    assert effects["exact", "opponents"].named.shape[2] == 6
    assert effects["exact", "proponents"].named.shape[2] == 4


def test_the_area_is_the_mean_over_k() -> None:
    effects = np.array([[[1.0, 2.0]], [[3.0, 4.0]], [[8.0, 0.0]]])
    np.testing.assert_array_equal(auc(effects), [[4.0, 2.0]])
