"""Training and its record: the same weights however often it was interrupted."""

from __future__ import annotations

import json
from dataclasses import fields
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.changed_run import change_run
from tests.forked import Forked
from tests.oracles import dense
from tests.oracles.dense import PlainCNN
from tests.patience import wait_for_files
from wordtrace import api
from wordtrace.errors import CorruptError, DataError, InputError, MismatchError, NumericalError
from wordtrace.models.cnn import CNN
from wordtrace.run.choose import choose
from wordtrace.run.recipe import Recipe
from wordtrace.training.fit import Training, batch_rows, fit
from wordtrace.training.settings import Settings

SMALL = {"epochs": 3, "batch_size": 8, "dim": 8, "vocabulary": 200, "eval_fraction": 0.2}


def weights(run: api.Run) -> dict[str, bytes]:
    return {
        path.relative_to(run.path).as_posix(): path.read_bytes()
        for path in sorted(run.path.glob("checkpoints/*/*"))
    }


def test_the_loop_equals_plain_pytorch_training(run: api.Run) -> None:
    """Against torch.optim.SGD on torch's own layers, text by text, with a removed row."""
    recipe, labels = run.recipe, run.train.labels
    model = CNN(run.config)
    model.initialise(recipe.seed)
    plain = PlainCNN(model)
    removed = np.ones(len(labels), np.float32)
    removed[[3, 40]] = 0
    fit(Training(model), run.encoded, labels, recipe, weights=removed, last_step=15)
    optimizer = torch.optim.SGD(
        plain.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum
    )
    total = recipe.steps(len(labels))
    for step in range(15):
        rows = batch_rows(recipe, len(labels), step)
        loss = sum(
            float(removed[row])
            * F.cross_entropy(
                plain(torch.tensor(run.encoded[row][None], dtype=torch.long)),
                torch.tensor([labels[row]]),
            )
            for row in rows
        ) / len(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = recipe.rate(step + 1, total)
        optimizer.step()
    for (name, found), expected in zip(model.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5, msg=name)


def test_the_recorded_rate_is_the_one_used(run: api.Run) -> None:
    total = run.recipe.steps(len(run.train))
    for point in run.checkpoints:
        assert point.learning_rate == pytest.approx(0.09 * (1 - (point.step - 1) / total))
        assert point.learning_rate_sum == pytest.approx(
            sum(0.09 * (1 - step / total) for step in range(point.step))
        )


def test_checkpoints_are_the_weights_of_their_step(run: api.Run) -> None:
    for point in run.checkpoints:
        model = CNN(run.config)
        model.initialise(run.recipe.seed)
        fit(Training(model), run.encoded, run.train.labels, run.recipe, last_step=point.step)
        for name, value in run.weights(point.step).items():
            assert torch.equal(value, model.state_dict()[name]), (point.step, name)


def test_each_epoch_visits_every_row_once(run: api.Run) -> None:
    steps = run.recipe.steps_an_epoch(len(run.train))
    orders = []
    for epoch in range(2):
        rows = [
            batch_rows(run.recipe, len(run.train), epoch * steps + step) for step in range(steps)
        ]
        orders.append(np.concatenate(rows).tolist())
        assert sorted(orders[-1]) == list(range(len(run.train)))
    assert orders[0] != orders[1]


KILLED = """
import sys, time
from tests.conftest import make_examples
from tests.training.test_train import SMALL
from wordtrace import api
from wordtrace.training.recorder import Recorder
save = Recorder.save
def slow(self, rate):
    save(self, rate)
    time.sleep(0.05)
Recorder.save = slow
api.train(make_examples(), sys.argv[1], **SMALL)
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(
    examples: api.Examples, tmp_path: Path
) -> None:
    undisturbed = api.train(examples, tmp_path / "a", **SMALL)
    for least in (2, 9):
        process = Forked(KILLED, tmp_path / "b")
        part = tmp_path / "b.part"
        wait_for_files(part, "checkpoints/*/step.json", least, process)
        process.kill()
        with pytest.raises(InputError, match="its training, or its recording, was interrupted"):
            api.Run.open(tmp_path / "b")
    state = json.loads((part / "resume/state.json").read_text())
    assert state["step"] > 0
    with pytest.raises(MismatchError, match=r"made with epochs = 3, now it is 4; repeat"):
        api.train(examples, tmp_path / "b", **{**SMALL, "epochs": 4})
    resumed = api.train(examples, tmp_path / "b", **SMALL)
    assert weights(resumed) == weights(undisturbed)
    assert resumed.fingerprint == undisturbed.fingerprint


def test_a_finished_run_is_left_alone_and_another_setting_refused(
    examples: api.Examples, tmp_path: Path
) -> None:
    first = api.train(examples, tmp_path / "a", **SMALL)
    before = weights(first)
    stamp = (first.path / "run.json").stat().st_mtime_ns
    api.train(examples, tmp_path / "a", **SMALL)
    assert (first.path / "run.json").stat().st_mtime_ns == stamp
    with pytest.raises(MismatchError, match=r"made with seed = 0, now it is 1"):
        api.train(examples, tmp_path / "a", seed=1, **SMALL)
    assert weights(first) == before
    other = api.train(examples, tmp_path / "a", seed=1, overwrite=True, **SMALL)
    assert weights(other) != before


def test_frozen_embeddings_are_recorded_and_traced(examples: api.Examples, tmp_path: Path) -> None:
    frozen = api.train(
        examples, tmp_path / "run", epochs=2, dim=8, vocabulary=200, freeze_embeddings=True
    )
    assert api.Run.open(frozen.path).recipe.freeze_embeddings
    start, end = (frozen.weights(step)["embedding.weight"] for step in (0, frozen.final.step))
    assert torch.equal(start, end)
    scores = api.influence(frozen, "the striker scores a goal", measure="tracin-we")
    assert (scores != 0).any()


def test_early_stopping_keeps_the_best(examples: api.Examples, tmp_path: Path) -> None:
    run = api.train(
        examples,
        tmp_path / "a",
        early_stopping=1,
        **{**SMALL, "epochs": 40, "learning_rate": 0.3},
    )
    ends = [point for point in run.manifest.history if point.held_out_loss is not None]
    per_epoch = run.recipe.steps_an_epoch(len(run.train))
    ends = [point for point in ends if point.step and point.step % per_epoch == 0]
    assert len(ends) < 40
    best = min(ends, key=lambda point: point.held_out_loss)
    assert run.final.step == best.step < ends[-1].step
    assert all(point.step <= run.final.step for point in run.checkpoints)
    assert run.manifest.held_out.loss == pytest.approx(best.held_out_loss)


def test_three_checkpoints_where_the_loss_has_not_saturated() -> None:
    losses = [(0, 2.0), (1, 1.9), (2, 1.6), (3, 1.4), (4, 1.1), (5, 0.6), (6, 0.1), (7, 0.0)]
    assert choose(losses) == [2, 4, 5]  # nearest to 1.5 (the first of equals), 1.0 and 0.5
    assert choose(losses, 3, last=4) == [1, 2, 3]
    assert choose(losses, 1) == [4]
    # A step that weighs next to nothing gives its place to another.
    rates = dict.fromkeys(range(len(losses) + 1), 1.0)
    assert choose(losses, rates=rates) == choose(losses)
    assert choose(losses, rates={**rates, 4: 0.019}) == [2, 3, 5]
    assert choose(losses, rates={**rates, 4: 0.021}) == [2, 4, 5]
    assert choose(losses[:3]) == [1, 2]


def test_a_bump_in_the_loss_is_not_a_way_back() -> None:
    losses = [(0, 2.0), (1, 1.0), (2, 1.5), (3, 0.5), (4, 0.0)]
    assert 2 not in choose(losses, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0; it must be over 0"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"schedule": "cosine"}, "'cosine'; it must be constant or linear"),
        ({"seed": -1}, "seed is -1"),
        ({"checkpoints": 0}, "checkpoints is 0"),
        (
            {"checkpoints": (5, 900)},
            "there is no step 900 for a checkpoint: the training has 36 steps",
        ),
        ({"early_stopping": 1, "eval_fraction": 0}, "needs held-out examples"),
        ({"eval_fraction": 1.5}, "eval_fraction is 1.5"),
        ({"model": "no model"}, "no model is no folder here"),
        ({"embeddings": Path("/nowhere")}, "holds no tokenizer.json"),
        ({"max_length": 2}, "maximum length is 2"),
        ({"device": "tpu9"}, r"device='tpu9' can't be used here .*; give cpu"),
        ({"early_stopping": 0}, "early_stopping is 0"),
        ({"vocabulary": 2}, "vocabulary is 2"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(
    examples: api.Examples, tmp_path: Path, wrong, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        api.train(examples, tmp_path / "a", **{**SMALL, **wrong})
    assert not list(tmp_path.iterdir())


def test_a_wrong_keyword_is_said_by_the_name_of_the_function_that_was_called(
    examples: api.Examples, tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match=r"^train\(\) got an unexpected keyword argument 'labl'"):
        api.train(examples, tmp_path / "a", labl="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"give train\(\) recipe= and settings= in full, or"):
        api.train(examples, tmp_path / "a", recipe=Recipe(), epochs=2)


def test_every_field_of_recipe_and_settings_is_a_keyword() -> None:
    named = {one.name for kind in (Recipe, Settings) for one in fields(kind)}
    assert named <= set(signature(api.train).parameters)


def test_a_diverging_training_says_so(examples: api.Examples, tmp_path: Path) -> None:
    with pytest.raises(
        NumericalError, match=r"training loss is (nan|inf) (at|after) step \d+.*lower learning_rate"
    ):
        api.train(examples, tmp_path / "a", learning_rate=1e18, **SMALL)
    assert not list(tmp_path.iterdir())


def test_held_out_rows_are_not_trained_on(run: api.Run, examples: api.Examples) -> None:
    assert run.held_out is not None
    assert not set(run.train.ids) & set(run.held_out.ids)
    assert len(run.train) + len(run.held_out) == len(examples)


def test_damage_is_found(examples: api.Examples, tmp_path: Path) -> None:
    run = api.train(examples, tmp_path / "a", **SMALL)
    assert run.check() == []
    path = run.path / run.final.folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-4] + b"\0\0\xc0\x7f")  # NaN
    assert "has changed" in run.check()[0]
    with pytest.raises(CorruptError, match="safetensors has changed since it was written; put"):
        api.Run.open(run.path).model(run.final)
    path.write_bytes(b"not tensors")
    with pytest.raises(CorruptError, match="safetensors has 11 bytes, not"):
        api.Run.open(run.path)
    # Runs of an earlier wordtrace recorded no sizes and samples.
    change_run(run.path, lambda document: None)
    path.write_bytes(data[:-4] + b"\0\0\xc0\x7f")
    with pytest.raises(CorruptError, match="holds NaN or infinity"):
        api.Run.open(run.path).model(run.final)
    path.write_bytes(b"not tensors")
    with pytest.raises(CorruptError, match="can't be read"):
        api.Run.open(run.path).model(run.final)
    (run.path / "run.json").write_text("{")
    with pytest.raises(CorruptError, match="is not valid JSON"):
        api.Run.open(run.path)


def test_nothing_is_pickled(run: api.Run) -> None:
    kinds = {path.suffix for path in run.path.rglob("*") if path.is_file()}
    assert kinds <= {".json", ".safetensors", ".parquet", ".sqlite"}


def test_a_training_killed_before_its_last_rename_is_only_renamed(
    examples: api.Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wordtrace.training import train as training

    with monkeypatch.context() as patch:
        patch.setattr(training.atomic, "commit_folder", lambda folder: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            api.train(examples, tmp_path / "a", **SMALL)
    (tmp_path / "a.part" / ".left.tmp").touch()
    monkeypatch.setattr(training, "fit", lambda *given, **named: pytest.fail("trained again"))
    run = api.train(examples, tmp_path / "a", **SMALL)
    assert run.check() == []
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert not (run.path / "plan.json").exists()


@pytest.mark.parametrize("killed", ["in the first folder", "at the second"])
def test_a_training_killed_while_it_tidies_up_starts_anew(
    examples: api.Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    from wordtrace.training import train as training

    once = api.train(examples, tmp_path / "once", **SMALL)
    removed: list[Path] = []

    def kill(path: Path, **named: object) -> None:
        if path.name == "resume" and killed == "in the first folder":
            next(path.glob("*.safetensors")).unlink()
            raise KeyboardInterrupt
        if path.parent.name == "checkpoints" and removed:
            raise KeyboardInterrupt
        removed.extend([path] if path.parent.name == "checkpoints" else [])
        rmtree(path, **named)

    rmtree = training.shutil.rmtree
    with monkeypatch.context() as patch:
        patch.setattr(training.shutil, "rmtree", kill)
        with pytest.raises(KeyboardInterrupt):
            api.train(examples, tmp_path / "a", **SMALL)
    assert weights(api.train(examples, tmp_path / "a", **SMALL)) == weights(once)


def test_rows_without_a_label_and_a_single_label_are_refused(
    examples: api.Examples, tmp_path: Path
) -> None:
    bare = api.Examples.of(["a b", "c d"], [0, -1], ("x", "y"), ids=["one", "two"], source="mine")
    with pytest.raises(DataError, match="mine: the example 'two' has no label"):
        api.train(bare, tmp_path / "a", eval_fraction=0)
    alike = examples.take(np.flatnonzero(examples.labels == 1))
    with pytest.raises(DataError, match="at least two different labels"):
        api.train(alike, tmp_path / "a", eval_fraction=0)
    assert not list(tmp_path.iterdir())


def test_somebody_elses_part_folder_is_not_cleared(examples: api.Examples, tmp_path: Path) -> None:
    (tmp_path / "a.part").mkdir()
    (tmp_path / "a.part" / "thesis.tex").write_text("years")
    with pytest.raises(InputError, match=r"thesis\.tex"):
        api.train(examples, tmp_path / "a", **SMALL)
    assert (tmp_path / "a.part" / "thesis.tex").read_text() == "years"


def test_predict_is_the_final_models_softmax(run: api.Run) -> None:
    texts = ["the striker and the coach win", "bank shares"]
    model = run.model(run.final)
    right = [
        torch.softmax(dense.class_scores(model, run.tokenizer.encode([text])[0].tolist()), 0)
        for text in texts
    ]
    np.testing.assert_allclose(run.predict(texts), torch.stack(right).numpy(), atol=1e-5)
    with pytest.raises(InputError, match="single texts"):
        run.predict(texts, texts)
