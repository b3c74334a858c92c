"""What the callback refuses before a training, and what becomes of a recording that fails."""

from __future__ import annotations

import shlex
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wordtrace as wt
from tests.adopt.callbacks import BERT, silent
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.architectures import SETTINGS, tokenizer
from wordtrace.adopt.as_command import as_command
from wordtrace.adopt.recording import Recording
from wordtrace.disk import atomic
from wordtrace.errors import InputError

pytest.importorskip("transformers")


def test_names_are_checked_before_there_is_a_training(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("body,stars\nthe match,good\n")
    with pytest.raises(InputError, match=r"missing.csv does not exist"):
        wt.TraceCallback(tmp_path / "run", tmp_path / "missing.csv")
    with pytest.raises(InputError, match=r"'text'"):
        wt.TraceCallback(tmp_path / "run", file)
    with pytest.raises(InputError, match=r"'points'"):
        wt.TraceCallback(tmp_path / "run", file, text="body", label="points")
    with pytest.raises(InputError, match=r"was given text='body', .* but no data"):
        wt.TraceCallback(tmp_path / "run", text="body")
    with pytest.raises(InputError, match="checkpoints is 0"):
        wt.TraceCallback(tmp_path / "run", checkpoints=0)
    with pytest.raises(InputError, match="if_exists is 'ask'"):
        wt.TraceCallback(tmp_path / "run", if_exists="ask")  # type: ignore[arg-type]
    wt.TraceCallback(tmp_path / "run", file, text="body", label="stars")


def test_what_to_do_with_a_run_that_exists(tmp_path: Path) -> None:
    silent(tmp_path / "out", first := wt.TraceCallback(tmp_path / "run"))
    assert first.run is not None
    with pytest.raises(InputError, match=r'run holds a run already; .* if_exists="new"'):
        wt.TraceCallback(tmp_path / "run")
    silent(tmp_path / "out", second := wt.TraceCallback(tmp_path / "run", if_exists="new"))
    assert second.run is not None
    assert second.run.path == tmp_path / "run-2"
    over = wt.TraceCallback(tmp_path / "run", if_exists="overwrite", steps=(1,))
    silent(tmp_path / "out", over)
    assert over.run is not None
    assert over.run.path == tmp_path / "run"
    assert over.run.manifest.history[0].step == 1


@pytest.mark.parametrize("left", ["all of it", "some weights", "the folder"])
def test_a_kill_after_the_run_was_made_leaves_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    """It is as large as the checkpoints, and nobody would look at it again."""
    monkeypatch.setattr(Recording, "remove", lambda self: None)
    silent(tmp_path / "out", first := wt.TraceCallback(tmp_path / "run", replay=False))
    monkeypatch.undo()
    assert first.run is not None
    folder = tmp_path / "run.recording"
    if left == "some weights":
        shutil.rmtree(next(folder.glob("checkpoint-*")))
    elif left == "the folder":
        atomic.empty(folder)
    with pytest.raises(InputError, match="run holds a run already"):
        wt.TraceCallback(tmp_path / "run")
    assert not folder.exists()


def test_a_recording_of_another_training_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recording, "remove", lambda self: None)
    for name, seed in (("run", 7), ("other", 8)):
        silent(tmp_path / "out", wt.TraceCallback(tmp_path / name, replay=False), seed=seed)
    monkeypatch.undo()
    (tmp_path / "run").rename(tmp_path / "away")
    (tmp_path / "other").rename(tmp_path / "run")
    with pytest.raises(InputError, match="run holds a run already"):
        wt.TraceCallback(tmp_path / "run")
    assert (tmp_path / "run.recording").exists()


def test_what_a_kill_left_of_the_first_file_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "run.recording" / ".wordtrace.json.671.tmp").mkdir(parents=True)
    silent(tmp_path / "out", callback := wt.TraceCallback(tmp_path / "run", replay=False))
    assert callback.run is not None


def test_what_fails_at_the_end_is_a_warning_and_the_command_that_finishes_it(
    tmp_path: Path,
) -> None:
    callback = wt.TraceCallback(tmp_path / "my run", checkpoints=(3,), label_smoothing=0.1)
    with pytest.warns(
        UserWarning, match="no run was made of it: there is no checkpoint of"
    ) as said:
        trainer = silent(tmp_path / "out", callback)
    assert trainer.state.global_step == 8
    assert callback.run is None
    command = str(said[-1].message).rsplit("makes the run of it: ", 1)[1]
    words = shlex.split(command)
    assert words[:2] == ["wordtrace", "record"]
    at = words.index("--checkpoint-steps")
    assert words[at + 1] == "3"
    words[at + 1] = "2,4"
    wordtrace(*words[1:])
    run = wt.Run.open(tmp_path / "my run")
    assert [one.step for one in run.checkpoints] == [2, 4]
    assert run.manifest.model.loss.label_smoothing == 0.1
    with pytest.raises(InputError, match="holds a run already"):
        wt.TraceCallback(tmp_path / "my run")


def test_a_full_disk_stops_the_recording_and_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wordtrace.adopt.recording import Recording

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recording, "save", full)
    callback = wt.TraceCallback(tmp_path / "run", steps=(2, 4))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        trainer = silent(tmp_path / "out", callback)
    stopped = [str(one.message) for one in said if "the recording stopped" in str(one.message)]
    assert len(stopped) == 1
    assert "No space left on device" in stopped[0]
    assert trainer.state.global_step == 8
    assert callback.run is None


def test_a_stream_is_not_recorded_and_trains_on(tmp_path: Path) -> None:
    import datasets
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    from tests.huggingface.architectures import model_of

    tokens, examples = tokenizer("wordpiece"), make_examples(32)

    def rows() -> Iterator[dict[str, Any]]:
        for text, label in zip(examples.texts, examples.labels.tolist(), strict=True):
            yield {**tokens(text, truncation=True, max_length=24), "labels": label}

    callback = wt.TraceCallback(tmp_path / "run")
    settings = {**SETTINGS, "max_steps": 3, "save_strategy": "no"}
    trainer = Trainer(
        model_of(BERT, tokens, examples.label_names),
        TrainingArguments(str(tmp_path / "out"), **settings),
        train_dataset=datasets.IterableDataset.from_generator(rows),
        processing_class=tokens,
        data_collator=DataCollatorWithPadding(tokens),
        callbacks=[callback],
    )
    with pytest.warns(UserWarning, match="not recorded: the training data is a stream without a"):
        trainer.train()
    assert trainer.state.global_step == 3
    assert callback.run is None


def test_a_command_says_each_choice_as_the_command_line_has_it() -> None:
    said = as_command(
        Path("my run.recording"),
        Path("my run"),
        {
            "text": "body",
            "kind": "set",
            "label_names": ("a, b", "c"),
            "class_weights": (0.5, 2.0),
            "learning_rate": 0.1,
            "end": False,
            "copy": True,
            "checkpoints": 3,
        },
    )
    assert shlex.split(said) == [
        *("wordtrace", "record", "my run.recording", "--out", "my run", "--labels", "set"),
        *("--label-names", '["a, b", "c"]', "--class-weights", "0.5,2.0", "--lr", "0.1"),
        *("--no-end", "--copy"),
    ]
