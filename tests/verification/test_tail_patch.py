"""A tail patch: a few steps from the end, against rows or on them, each beside plain PyTorch."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.adopt.trainings import BERT, classifier, rows, tuned
from tests.changed_run import change_run
from tests.conftest import make_examples
from tests.huggingface.architectures import fine_tune
from tests.huggingface.test_label_kinds import Data, rows_of
from tests.oracles.dense import PlainCNN
from tests.verification.cheaper_looks import PROBES, REMOVED, change, loss_of, told
from wordtrace.errors import DataWarning, InputError, NumericalError
from wordtrace.retrainers.steps_on_rows import batch_size


@pytest.mark.parametrize("on", [False, True])
def test_a_tail_patch_steps_against_the_rows_or_on_them(run: wt.Run, on: bool) -> None:
    """Five rows, fewer than a batch: each step is the sum of their gradients over 8."""
    found = wt.TailPatch(3, on=on).train(run, change(run, 12, REMOVED)).probes
    model = PlainCNN(run.model(run.final))
    rate = run.final.learning_rate_sum / run.manifest.steps
    for _ in range(3):
        model.zero_grad()
        for row in REMOVED:
            loss_of(model, run.encoded[row], run.train.labels[row]).backward()
        with torch.no_grad():
            for one in model.parameters():
                one += (-1 if on else 1) * rate * one.grad / 8
    end = told(PlainCNN(run.model(run.final)), run)
    expected = told(model, run)
    if on:  # scores are turned round, so that it stands for leaving the rows out
        turned = 2 * np.log(end) - np.log(expected)
        expected = np.exp(turned) / np.exp(turned).sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - end).max() > 0.003


def test_the_model_of_all_rows_is_the_final_one(run: wt.Run) -> None:
    found = wt.TailPatch(3).train(run, change(run, 12))
    np.testing.assert_allclose(found.probes, run.predict([text for text, _ in PROBES]))
    accuracy = (found.held_out.argmax(1) == run.held_out.labels).mean()
    assert accuracy == run.manifest.held_out.accuracy


def test_a_relabelled_row_is_left_as_it_was_and_taken_as_it_is(run: wt.Run) -> None:
    """And a blanked word counts as a change of its row."""
    labels, rate = run.train.labels.copy(), 0.3
    labels[7] = (labels[7] + 1) % 3
    given = change(run, 12, labels=labels, blanked=((15, 2),))
    found = wt.TailPatch(1, learning_rate=rate).train(run, given).probes
    model, blanked = PlainCNN(run.model(run.final)), run.encoded[15].copy()
    blanked[2] = run.tokenizer.inner.token_to_id("[PAD]")
    loss = loss_of(model, run.encoded[7], labels[7]) + loss_of(model, blanked, labels[15])
    for row in (7, 15):
        loss = loss - loss_of(model, run.encoded[row], run.train.labels[row])
    loss.backward()
    with torch.no_grad():
        for one in model.parameters():
            one -= rate * one.grad / 8
    np.testing.assert_allclose(found, told(model, run), atol=1e-5)


def test_many_rows_take_turns_in_the_order_of_the_seed(run: wt.Run) -> None:
    """24 rows, 8 a batch: three steps are one round."""
    look, many = wt.TailPatch(3), tuple(range(24))
    first, again, second = (look.train(run, change(run, seed, many)).probes for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    order = np.random.default_rng([1, 24, 11]).permutation(24)
    model = PlainCNN(run.model(run.final))
    rate = run.final.learning_rate_sum / run.manifest.steps
    for step in range(3):
        model.zero_grad()
        for row in order[8 * step : 8 * step + 8]:
            (loss_of(model, run.encoded[row], run.train.labels[row]) / 8).backward()
        with torch.no_grad():
            for one in model.parameters():
                one += rate * one.grad * 24 / 8
    np.testing.assert_allclose(first, told(model, run), atol=1e-5)
    assert np.abs(first - second).max() > 1e-4


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, wt.Run]:
    """Runs that were trained elsewhere, of each kind of label."""
    pytest.importorskip("trl")
    folder, found = tmp_path_factory.mktemp("adopted"), {}
    data = rows(64)
    classifier(folder / "class", data)
    texts = [
        {"id": one["id"], "text": one["text"], "label": one["annotated_label"]} for one in data
    ]
    found["class"] = wt.record(folder / "class", texts, folder / "run", max_length=24)
    for kind in ("set", "number"):
        some = Data(kind)
        fine_tune(BERT, folder / kind, some)
        found[kind] = wt.record(
            folder / kind, rows_of(some, kind), folder / f"run-{kind}", max_length=24
        )
    tuned(folder / "lm", data, only=True, num_train_epochs=2)
    asked = [{"id": one["id"], "prompt": one["asked"], "completion": one["said"]} for one in data]
    found["completion"] = wt.record(
        folder / "lm", asked, folder / "run-lm", text="prompt", text2="completion", max_length=36
    )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["class", "set", "number", "completion"])
def test_any_run_takes_a_tail_patch(adopted: dict[str, wt.Run], kind: str) -> None:
    """Steps against a row that is asked about make the model worse at it; on it, better."""
    run = adopted[kind]
    some = tuple(range(4))
    probes = tuple(
        (run.train.texts[row], None if run.train.texts2 is None else run.train.texts2[row])
        for row in some
    )
    look = wt.TailPatch(2)
    base, without = (
        look.train(run, change(run, 3, removed, probes=probes)).probes for removed in ((), some)
    )
    assert base.shape == without.shape == (4, 1 if kind in ("number", "completion") else 3)

    def loss(values: np.ndarray) -> np.ndarray:
        labels = run.train.labels[list(some)]
        if kind == "class":
            return -np.log(values[np.arange(4), labels])
        if kind == "number":
            return np.square(values - labels).sum(1)
        if kind == "set":
            return -np.log(np.where(labels > 0, values, 1 - values)).mean(1)
        return -np.log(values[:, 0])

    assert loss(without).mean() > loss(base).mean()
    if kind == "class":
        refused = wt.FromCheckpoint(2).refusal(run)
        assert refused is not None
        assert "was trained elsewhere, and of its checkpoints only the weights are known" in refused


def test_weights_that_the_training_left_alone_stay(run: wt.Run, tmp_path: Path) -> None:
    fixed = wt.train(
        make_examples(40),
        tmp_path / "run",
        eval_fraction=0,
        epochs=1,
        dim=8,
        vocabulary=200,
        freeze_embeddings=True,
        checkpoints=(1,),
    )
    found = wt.TailPatch(2).train(fixed, change(fixed, 3, (2, 5))).probes
    model = PlainCNN(fixed.model(fixed.final))
    rate = fixed.final.learning_rate_sum / fixed.manifest.steps
    for _ in range(2):
        model.zero_grad()
        for row in (2, 5):
            loss_of(model, fixed.encoded[row], fixed.train.labels[row]).backward()
        with torch.no_grad():
            for name, one in model.named_parameters():
                if name != "embedding.weight":
                    one += rate * one.grad / fixed.recipe.batch_size
    np.testing.assert_allclose(found, told(model, fixed), atol=1e-5)


def test_a_batch_of_a_training_elsewhere_is_told_by_its_steps(run: wt.Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    change_run(folder, lambda document: document.update(recipe=None))
    assert batch_size(wt.Run.open(folder)) == run.recipe.batch_size == 8


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "tail_patch is 0; give 1 or more"),
        ({"steps": 2, "learning_rate": 0.0}, "learning_rate is 0.0; it must be over 0"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        wt.TailPatch(**wrong)


def test_half_of_the_rows_are_too_many_for_a_tail_patch(run: wt.Run, index: wt.Index) -> None:
    """Before the first model; each study says so, also one that halves the rows by itself."""
    look = wt.TailPatch(1)
    said = "would step against 48 of 96 rows: with half of them or more it undoes the training"
    choices: dict[str, Any] = {"retrain": look, "workers": 1}
    with pytest.raises(InputError, match=said):
        wt.evaluate(run, 2, measures=["bm25"], k=[3], repeats=2, lds=3, **choices)
    with pytest.raises(InputError, match=said):
        wt.clusters(run, trainings=2, **choices)
    with pytest.raises(InputError, match="against 50 of 96 rows"):
        look.train(run, change(run, 3, tuple(range(50))))
    assert look.train(run, change(run, 3, tuple(range(47)))).probes.shape == (2, 3)


def test_more_steps_than_the_training_had_passes_are_warned_about(
    run: wt.Run, index: wt.Index
) -> None:
    trace = index.trace("the striker and the coach win a match", "sport", top=9)
    choices: dict[str, Any] = {"index": index, "k": 2, "repeats": 2, "workers": 1}
    with pytest.warns(DataWarning, match=r"5 steps against the rows are more than the 4 of the"):
        wt.verify(trace, retrain=wt.TailPatch(5, learning_rate=1e-3), **choices)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        wt.verify(trace, retrain=wt.TailPatch(4), **choices)


def test_steps_too_large_are_said(run: wt.Run) -> None:
    with pytest.raises(NumericalError, match="not finite after 30 steps from the final model"):
        wt.TailPatch(30, learning_rate=1e9).train(run, change(run, 3, (2, 5)))
