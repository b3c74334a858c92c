"""What a plain Trainer would not repeat is told before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import fine_tune, model_of, tokenizer
from tests.verification.recorded import BERT, recorded
from wordtrace.errors import InputError
from wordtrace.retrainers import replay, replay_proof
from wordtrace.run.replay_record import REPLAY
from wordtrace.run.run import Run

transformers = pytest.importorskip("transformers")


def refused(run: wt.Run | None) -> str:
    """The sentence why a run can't be replayed."""
    assert run is not None
    told = wt.Replay().prepare(run)
    assert told is not None
    why = str(InputError(told))
    assert why.endswith(".")
    assert str(run.path) in why
    return why


def own_loss(self: Any, model: Any, inputs: Any, **kept: Any) -> Any:
    return 2 * model(**inputs).loss


class Doubled(transformers.Trainer):  # type: ignore[misc]
    compute_loss = own_loss


class Printing(transformers.Trainer):  # type: ignore[misc]
    """A subclass that trains as its parent does."""

    def evaluate(self, *given: Any, **named: Any) -> Any:
        return super().evaluate(*given, **named)


class Dropping:
    """A collator that leaves out a word of every row but the first, at random."""

    def __call__(self, rows: list[dict[str, Any]]) -> Any:
        for one in rows[1:]:
            place = int(torch.randint(1, len(one["input_ids"]) - 1, ()))
            one["input_ids"] = [*one["input_ids"]]
            one["input_ids"][place] = 1
        return transformers.DataCollatorWithPadding(tokenizer("wordpiece"))(rows)


def test_what_is_not_standard_is_named(tmp_path: Path) -> None:
    def why(name: str, **given: Any) -> str:
        settings = {"rows": 16, "num_train_epochs": 1, "callback": {"force": True}}
        return refused(recorded(tmp_path / name, **{**settings, **given})[0])

    assert "its training had a compute_loss of its own (Doubled)" in why("loss", trainer=Doubled)
    assert "a collator that makes another batch of several rows than each of them, padded (Dropp" \
        in why("collator", collator=Dropping())  # fmt: skip
    model = model_of(BERT, tokenizer("wordpiece"), ("film", "money", "sport"))
    given = {"model": model, "weight_decay": 0.1}
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    assert "an optimizer whose weight_decay is not that of the arguments" in why(
        "optimizer", optimizers=(optimizer, None), **given
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=3e-3)
    assert "an optimizer of its own (SGD)" in why("sgd", optimizers=(optimizer, None), **given)
    told = why("compiled", trainer=Printing, dataloader_persistent_workers=True,
               dataloader_num_workers=1)  # fmt: skip
    assert "its training had dataloader_persistent_workers; give the training itself by" in told


def test_what_nobody_sees_is_found_by_the_losses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pulling(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
            if state.global_step == 2:
                kept["model"].classifier.weight.data.mul_(1.5)

    run, trainer = recorded(tmp_path, rows=32, others=[Pulling()], num_train_epochs=1)
    logged = [one["loss"] for one in trainer.state.log_history if "loss" in one]
    why = refused(run)
    assert f"at step 3 it logged {logged[2]:.6g}, and the replay gives " in why
    assert "(they may differ by 0.01% of it); libraries, processor and threads are the same" in why
    now = replay_proof.versions
    monkeypatch.setattr(
        replay_proof, "versions", lambda **given: {**now(**given), "transformers": "9.1.0"}
    )
    was = now(adapter=False)["transformers"]
    assert f"it was recorded with transformers {was}, here is 9.1.0." in refused(run)


def test_the_proof_is_made_once_and_again_with_other_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = recorded(tmp_path, rows=16, num_train_epochs=1, trainer=Printing)
    made: list[str] = []
    prove = replay.prove
    monkeypatch.setattr(replay, "prove", lambda *given: (made.append("one"), prove(*given))[1])
    retrain = wt.Replay()
    assert retrain.prepare(run) is None
    assert retrain.prepare(run) is None
    assert len(made) == 1
    monkeypatch.setattr(replay, "versions", lambda **_: {"torch": "9.0"})
    assert retrain.prepare(run) is None
    assert len(made) == 2


def test_files_that_changed_are_not_used(tmp_path: Path) -> None:
    run, _ = recorded(tmp_path, rows=16, num_train_epochs=1)
    document = json.loads((run.path / REPLAY).read_text())
    document["arguments"]["learning_rate"] = 1.0
    (run.path / REPLAY).write_text(json.dumps(document))
    why = refused(Run.open(run.path))
    assert f"{run.path / REPLAY} has changed since the run was made" in why
    with pytest.raises(InputError, match="has changed since the run was made"):
        wt.verify(
            wt.build_index(run, workers=1).trace("the striker"), retrain=wt.Replay(), workers=1
        )


def test_runs_of_other_kinds_say_what_to_do(tmp_path: Path, run: wt.Run) -> None:
    assert "`wordtrace train`, which repeats its own trainings" in refused(run)
    examples = make_examples(16)
    fine_tune(BERT, tmp_path / "out", examples, num_train_epochs=1)
    made = wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24)
    why = refused(made)
    assert "holds nothing that a replay could start from" in why
    assert "by retrain, or train again with wordtrace.TraceCallback." in why
    left, _ = recorded(tmp_path / "left", rows=16, num_train_epochs=1, callback={"replay": False})
    assert "holds nothing that a replay could start from" in refused(left)
    assert not (left.path / "start").exists()
