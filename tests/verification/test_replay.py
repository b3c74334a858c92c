"""A plain Trainer repeats a recorded training, and trains again with a change of its data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.verification.recorded import TRAININGS, recorded, weights_of
from wordtrace.retrainers import replay, replay_proof
from wordtrace.retrainers.replay_changes import changed_rows
from wordtrace.retrainers.replay_loss import language_loss
from wordtrace.retrainers.replay_trainer import Recorded, trained
from wordtrace.retrainers.retrainer import Change
from wordtrace.run.replay_record import Loss

transformers = pytest.importorskip("transformers")
PROBES = (("the striker of the market", None), ("a drama", None))


def changed(run: wt.Run, seed: int = 7, **what: Any) -> Change:
    """A training of all rows as they are, but for what is named."""
    whole = {
        "weights": np.ones(len(run.train), np.float32),
        "labels": run.train.labels,
        "blanked": (),
        "probes": PROBES,
    }
    return Change("one", seed, **{**whole, **what})


def replayed(run: wt.Run, change: Change) -> dict[str, Any]:
    """The weights after a replay."""
    kept = Recorded.of(run)
    rows = changed_rows(run, kept.rows, change)
    return weights_of(trained(kept, change.seed, change.weights, rows, "cpu"))


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(found) == list(expected)
    for key, value in found.items():
        if key.endswith("key.bias"):
            continue  # a softmax takes no notice of it: its gradient is rounding, which Adam scales
        np.testing.assert_allclose(value, expected[key], rtol=1e-4, atol=2e-5, err_msg=key)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_replay_gives_the_recorded_losses_and_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "adapter" in name or "language" in name:
        pytest.importorskip("trl")
    run, trainer = TRAININGS[name](tmp_path)
    models: list[Any] = []

    def keeping(*given: Any) -> Any:
        models.append(trained(*given))
        return models[-1]

    monkeypatch.setattr(replay_proof, "trained", keeping)
    retrain = wt.Replay()
    assert retrain.prepare(run) is None
    assert retrain.proof(run).told().startswith("The replay repeats the recorded training: ")
    losses = retrain.proof(run).losses
    assert len(losses) == len([one for one in trainer.state.log_history if "loss" in one]) + 1
    np.testing.assert_allclose([one[2] for one in losses], [one[1] for one in losses], rtol=1e-5)
    (model,) = models  # the proof is made once, and kept
    same(weights_of(model), weights_of(trainer.model))


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> wt.Run:
    """A training without dropout, in batches of 4."""
    folder = tmp_path_factory.mktemp("still")
    settings = {"per_device_train_batch_size": 4, "weight_decay": 0.1, "warmup_steps": 2}
    return recorded(folder, rows=22, dropout=0.0, **settings)[0]


def by_hand(run: wt.Run, weights: np.ndarray[Any, Any], seed: int) -> dict[str, Any]:
    """Train in a loop of one's own: AdamW, linear schedule, clipping, and the mean of a batch."""
    kept = Recorded.of(run)
    model = kept.model().train()
    named = list(model.named_parameters())
    plain = [one for name, one in named if "bias" in name or "LayerNorm" in name]
    decayed = [one for name, one in named if "bias" not in name and "LayerNorm" not in name]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    )
    steps, step = 12, 0
    factors = torch.from_numpy(weights)
    for epoch in range(2):
        order = torch.randperm(22, generator=torch.Generator().manual_seed(seed + epoch)).tolist()
        for start in range(0, 22, 4):
            rows = order[start : start + 4]
            batch = kept.rows.batch(rows, {})
            labels = batch.pop("labels")
            losses = torch.nn.functional.cross_entropy(
                model(**batch).logits, labels, reduction="none"
            )
            optimizer.zero_grad(set_to_none=False)
            ((losses * factors[rows]).sum() / len(rows)).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            rate = 3e-3 * (step / 2 if step < 2 else (steps - step) / (steps - 2))
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            step += 1
    assert step == steps
    return weights_of(model)


def test_rows_are_left_out_as_in_a_loop_of_ones_own(still: wt.Run) -> None:
    """Also where nothing is left of a batch: the optimizer takes its step all the same."""
    order = torch.randperm(22, generator=torch.Generator().manual_seed(7)).tolist()
    weights = np.ones(22, np.float32)
    weights[order[8:12]] = 0  # the third batch of the first pass
    weights[order[0]] = 0
    found = replayed(still, changed(still, weights=weights))
    same(found, by_hand(still, weights, 7))
    whole = by_hand(still, np.ones(22, np.float32), 7)
    assert any(np.abs(found[name] - one).max() > 1e-3 for name, one in whole.items())


def test_another_seed_is_that_of_the_order_and_of_dropout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = recorded(tmp_path / "one", rows=20)
    start = Recorded.of(run).model()
    _, other = recorded(tmp_path / "two", rows=20, model=start, seed=11, data_seed=11)
    same(replayed(run, changed(run, 11)), weights_of(other.model))
    said = wt.Replay().train(run, changed(run, 11)).probes
    kept = run.path / "retrained" / "one" / "model"
    assert (kept / "model.safetensors").is_file()
    monkeypatch.setattr(replay, "trained", None)
    again = wt.Replay().train(run, changed(run, 11)).probes  # of the model that was kept
    np.testing.assert_allclose(again, said, rtol=1e-6)
    outside = wt.Run.open(tmp_path / "two" / "run").predict([text for text, _ in PROBES])
    np.testing.assert_allclose(said, outside, rtol=1e-4)


def test_other_labels_and_blanked_tokens_are_those_of_a_training_on_changed_rows(
    tmp_path: Path,
) -> None:
    run, _ = recorded(tmp_path / "one", rows=20)
    labels = run.train.labels.copy()
    labels[[3, 8]] = (labels[[3, 8]] + 1) % 3
    places = ((5, 1), (5, 2), (9, 3))

    def edit(data: list[dict[str, Any]]) -> None:
        for row in (3, 8):
            data[row]["labels"] = int(labels[row])
        for row, position in places:
            data[row]["input_ids"][position] = 0  # [PAD]

    start = Recorded.of(run).model()
    _, other = recorded(tmp_path / "two", rows=20, model=start, edit=edit)
    same(replayed(run, changed(run, labels=labels, blanked=places)), weights_of(other.model))


def test_a_language_model_is_not_asked_for_blanked_tokens(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    run, _ = TRAININGS["language model, accumulated"](tmp_path)
    kept = Recorded.of(run)
    row, prompt = 4, int(run.encoded.second[4])
    rows = changed_rows(run, kept.rows, changed(run, blanked=((row, 1), (row, prompt + 1))))
    ids, labels = rows["input_ids"][row], rows["labels"][row]
    was = kept.rows.columns["input_ids"][row]
    assert np.flatnonzero(ids != was).tolist() == [1, prompt + 1]
    before = kept.rows.columns["labels"][row]
    assert np.flatnonzero(labels != before).tolist() == [prompt + 1]
    assert labels[prompt + 1] == -100
    # All else is divided by as many tokens as before: half the loss of a batch of two equal rows.
    logits = torch.zeros(2, 5)
    targets = torch.tensor([[1, 2, -100, -100]])
    one = torch.ones(1)
    loss = language_loss(logits, targets, one, Loss(), 0.0, None, 4)
    torch.testing.assert_close(loss, torch.tensor(np.log(5) / 2, dtype=torch.float32))
    said = wt.Replay().train(run, changed(run, probes=(("the coach of the", " club wins"),)))
    assert said.probes.shape == (1, 1)
    np.testing.assert_allclose(
        said.probes, run.predict(["the coach of the"], [" club wins"]), rtol=1e-4
    )
