"""Retraining: paired, resumable, and honest about chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pools import of_classes
from tests.retrained import retrained
from tests.verification.test_sequential import Made, noise
from wordtrace import api
from wordtrace.errors import DataWarning, InputError, MismatchError
from wordtrace.execute.ledger import Ledger
from wordtrace.models import predict
from wordtrace.models.cnn import CNN
from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrain import LEDGER, Retraining
from wordtrace.retrainers.retrainer import Retrainer
from wordtrace.training.fit import Training, fit
from wordtrace.verification import paired, tasks
from wordtrace.verification.design import Design
from wordtrace.verification.removal import alike_rows, label_rows, pool_of, random_rows
from wordtrace.verification.target import Target

TEXT = "the striker and the coach win a match . the market of shares"


def task(run: api.Run, seed: int, removed: tuple[int, ...] = ()) -> Retraining:
    return Retraining(str(run.path), run.fingerprint, seed, removed, ((TEXT, None),))


def test_retraining_with_the_runs_own_seed_gives_the_run(run: api.Run) -> None:
    """So the vocabulary cut, the order and the start change nothing."""
    found = retrained(run, task(run, run.recipe.seed))
    encoded = run.tokenizer.encode([TEXT])
    expected = predict.probabilities(predict.logits(run.model(run.final), encoded))
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    assert found["accuracy"] == run.manifest.held_out.accuracy


def test_a_removed_row_is_as_if_its_label_were_any(run: api.Run) -> None:
    """Weight 0 leaves no trace of a row: its label can be changed without effect."""
    labels = run.train.labels.copy()
    weights = np.ones(len(labels), np.float32)
    weights[[4, 9]] = 0
    models = []
    for flip in (False, True):
        labels[[4, 9]] = (run.train.labels[[4, 9]] + flip) % 3
        model = CNN(run.config)
        model.initialise(77)
        fit(Training(model), run.encoded, labels, run.recipe, weights=weights, last_step=20)
        models.append(model)
    for first, second in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(first, second)
    kept = retrained(run, task(run, 77))["probabilities"]
    assert retrained(run, task(run, 77, (4, 9)))["probabilities"] != kept


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 20))
def test_controls_remove_as_many_rows(seed: int, count: int) -> None:
    labels = np.arange(90) % 3
    removed = tuple(np.random.default_rng(seed).choice(90, count, replace=False).tolist())
    rows = random_rows(of_classes(labels), count, seed)
    assert len(set(rows)) == count
    assert rows == random_rows(of_classes(labels), count, seed)
    matched = alike_rows(of_classes(labels), removed, seed)
    assert len(set(matched)) == count
    assert sorted(labels[list(matched)]) == sorted(labels[list(removed)])


def drawn(labels: np.ndarray, count: int, seed: int) -> tuple[int, ...]:
    """The control as it is drawn where nothing needs mending."""
    rows = np.random.default_rng([seed, count, 0]).choice(len(labels), count, replace=False)
    return tuple(sorted(rows.tolist()))


def test_random_rows_leave_an_example_of_each_label() -> None:
    """And where the plain draw does, it stays what it is: stored results are found again."""
    labels = np.array([0] * 17 + [1, 2, 2])
    mended = 0
    for seed in range(60):
        plain = drawn(labels, 6, seed)
        rows = random_rows(of_classes(labels), 6, seed)
        assert len(set(rows)) == 6
        assert set(np.delete(labels, rows)) == {0, 1, 2}
        if set(np.delete(labels, plain)) == {0, 1, 2}:
            assert rows == plain
        else:
            assert rows == random_rows(of_classes(labels), 6, seed)
            mended += 1
    assert 10 < mended < 50
    assert set(np.delete(labels, random_rows(of_classes(labels), 17, 0))) == {0, 1, 2}
    with pytest.raises(InputError, match="removing 18 rows would leave a label without examples"):
        random_rows(of_classes(labels), 18, 0)


def test_a_verification_keeps_each_label_in_its_controls(
    run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of the rows removed has the rare label; nor may the random rows take both of its."""
    rare, labels = [5, 6], np.zeros(96, np.int64)
    labels[rare] = 1
    monkeypatch.setattr(paired, "pool_of", lambda run: of_classes(labels))
    target = Target("x", None, 0, "film", 0.5, tuple(range(10, 90)))
    sets = paired._changes(run, target, range(1, 40))
    assert any(set(drawn(labels, 80, seed)) >= set(rare) for seed in range(1, 40))
    assert not any(set(one.removed) >= set(rare) for one in sets["random"])


def test_a_control_of_one_class_leaves_a_row_of_it() -> None:
    labels = np.array([0, 1, 1, 1, 0, 2])
    for count in (1, 2):
        rows = label_rows(of_classes(labels), 1, count, 7)
        assert rows is not None
        assert len(set(rows)) == count
        assert (labels[list(rows)] == 1).all()
    assert label_rows(of_classes(labels), 1, 3, 7) is None
    assert label_rows(of_classes(labels), 2, 1, 7) is None


def test_a_verification_pairs_seeds_and_counts_retrainings(run: api.Run, index: api.Index) -> None:
    trace = index.trace(TEXT, "money", top=30)
    proof = api.verify(trace, remove="opponents", k=6, repeats=3, workers=1, index=index)
    document = proof.document()
    assert document["seeds"] == [6, 7, 8]
    assert run.recipe.seed not in document["seeds"]
    assert document["retrainings"] == 3 * 4
    (query,) = document["queries"]
    assert query["removed"] == [hit.id for hit in trace.opponents[:6]]
    label = run.label_names.index("money")
    removed = tuple(sorted(run.rows_of(query["removed"]).tolist()))
    for place, seed in enumerate(document["seeds"]):
        base = retrained(run, task(run, seed))["probabilities"][0][label]
        without = retrained(run, task(run, seed, removed))["probabilities"][0][label]
        control = retrained(run, task(run, seed, random_rows(pool_of(run), 6, seed)))
        change = control["probabilities"][0][label] - base
        assert query["base"]["values"][place] == pytest.approx(base)
        assert query["without"]["change"]["values"][place] == pytest.approx(without - base)
        assert query["controls"][0]["change"]["values"][place] == pytest.approx(change)
        assert query["controls"][0]["difference"]["values"][place] == pytest.approx(
            without - base - change
        )
    assert document["held_out"]["rows"] == run.manifest.held_out.rows
    assert "Removing the 6 strongest opponents changed P(money)" in repr(proof)


def test_an_interrupted_verification_goes_on_and_shares_results(
    run: api.Run, index: api.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "actor of the season"
    trace = index.trace(text, "film", top=30)
    trained: list[Retraining] = []
    real = tasks.retrain

    def counted(one: Retraining, retrainer: Retrainer) -> dict:
        if len(trained) == 5:
            raise KeyboardInterrupt
        trained.append(one)
        return real(one, retrainer)

    monkeypatch.setattr(tasks, "retrain", counted)
    with pytest.raises(KeyboardInterrupt):
        api.verify(trace, k=4, repeats=2, workers=1, index=index)
    monkeypatch.setattr(
        tasks, "retrain", lambda one, retrainer: (trained.append(one), real(one, retrainer))[1]
    )
    api.verify(trace, k=4, repeats=2, workers=1, index=index)
    assert len(trained) == 8
    assert len({one.key for one in trained}) == 8
    more = api.verify(trace, k=4, repeats=3, workers=1, index=index)
    assert len(trained) == 12
    assert more.document()["retrainings"] == 12
    with Ledger(run.path / LEDGER) as ledger:
        assert len(ledger) >= 12


def test_worker_processes_give_the_same_numbers(run: api.Run, index: api.Index) -> None:
    trace = index.trace("profit of the bank", top=30)
    rows = tuple(run.rows_of([hit.id for hit in trace.opponents[:3]]).tolist())
    target = Target("profit of the bank", None, 1, "money", 0.5, rows)
    results = []
    for workers in (2, 1):
        (run.path / LEDGER).unlink(missing_ok=True)
        found = paired.verify(
            run,
            [target],
            own_retrainer(run, "verify"),
            remove="opponents",
            k=3,
            measure="x",
            design=Design(2),
            workers=workers,
        ).document()
        results.append({**found, "seconds": 0})
    assert results[0] == results[1]


def test_more_rows_than_listed_are_found_by_tracing_again(run: api.Run, index: api.Index) -> None:
    few = index.trace(TEXT, "money", top=2)
    many = index.trace(TEXT, "money", top=9)
    found = api.verify(few, k=9, repeats=2, workers=1, index=index).document()
    assert found["queries"][0]["removed"] == [hit.id for hit in many.opponents]


def test_more_rows_than_there_are_is_told(run: api.Run, own: api.Run, index: api.Index) -> None:
    trace, rows = index.trace(TEXT, "money", top=2), len(run.train)
    with pytest.raises(InputError, match=rf"k is {rows}, and .* has {rows} training rows; give at"):
        api.verify(trace, k=rows, repeats=2, workers=1, index=index)
    made = Made(lambda change, place: 0.4 + noise(change, place, 0.2))
    with pytest.warns(DataWarning, match=r"only \d+ training rows are opponents of '.*asked for"):
        api.verify(trace, k=rows - 1, repeats=2, index=index, run=own, retrain=made)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"repeats": 1}, "repeats is 1; at least 2 are needed"),
        ({"k": 0}, "k is 0"),
        ({"remove": "both"}, "must be opponents or proponents"),
    ],
)
def test_wrong_arguments_are_refused(
    run: api.Run, index: api.Index, wrong: dict, message: str
) -> None:
    trace = index.trace("match team goal", "sport", top=90)
    with pytest.raises(InputError, match=message):
        api.verify(trace, **{"workers": 1, "index": index, **wrong})


def test_a_removal_that_would_empty_a_class_is_refused(run: api.Run) -> None:
    rows = tuple(np.flatnonzero(run.train.labels == 0).tolist())
    target = Target("x", None, 0, "film", 0.5, rows)
    with pytest.raises(InputError, match="would leave a label without examples"):
        paired.verify(
            run, [target], own_retrainer(run, "verify"), remove="proponents", k=90, measure="x"
        )
    empty = Target("x", None, 0, "film", 0.5, ())
    with pytest.raises(InputError, match="there is nothing to remove for 'x'"):
        paired.verify(
            run, [empty], own_retrainer(run, "verify"), remove="proponents", k=90, measure="x"
        )


def test_a_trace_of_another_run_is_refused(
    run: api.Run, index: api.Index, examples: api.Examples, tmp_path: Path
) -> None:
    other = api.train(
        examples, tmp_path / "other", eval_fraction=0.2, epochs=1, dim=8, vocabulary=200
    )
    with pytest.raises(MismatchError, match="was not made from the run"):
        api.verify(index.trace("goal"), run=other, k=1, repeats=2)
