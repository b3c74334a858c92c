"""Training by the user's own command: its model, what is kept, and all that may go wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.changed_run import change_run
from tests.verification.conftest import Elsewhere, change_of
from wordtrace.errors import DataWarning, InputError, TrainingError
from wordtrace.retrainers.choice import retrainer_for
from wordtrace.retrainers.kept_models import Room, kept_models
from wordtrace.retrainers.retrainer import Said


def trained(
    elsewhere: Elsewhere, *more: str, removed: tuple[int, ...] = (), seed: int = 1, **given: Any
) -> Said:
    """Train once by the script, as `verify` does."""
    run = wt.Run.open(elsewhere.run)
    retrainer = retrainer_for(run, wt.Command(elsewhere.command(*more), **given), "verify")
    return retrainer.train(run, change_of(run, seed, removed))


def shares(run: wt.Run, removed: tuple[int, ...] = ()) -> Any:
    """What the script's model says of every text: each label's share of the rows."""
    counts = np.bincount(np.delete(run.train.labels, removed), minlength=3)
    return counts / counts.sum()


def test_the_model_is_trained_on_the_rows_that_are_left(elsewhere: Elsewhere) -> None:
    run = wt.Run.open(elsewhere.run)
    removed = tuple(np.flatnonzero(run.train.labels == 1)[:10].tolist())
    assert np.allclose(trained(elsewhere).probes, shares(run), atol=0.02)
    assert np.allclose(trained(elsewhere, removed=removed).probes, shares(run, removed), atol=0.02)
    assert shares(run)[1] - shares(run, removed)[1] > 0.1


@pytest.mark.parametrize("mode", ["other-order", "no-names", "checkpoints", "kept-beside"])
def test_models_are_read_in_every_form_that_means_the_same(elsewhere: Elsewhere, mode: str) -> None:
    run = wt.Run.open(elsewhere.run)
    removed = tuple(np.flatnonzero(run.train.labels == 0)[:15].tolist())
    said = trained(elsewhere, "--mode", mode, removed=removed)
    assert np.allclose(said.probes, shares(run, removed), atol=0.02)
    kept = Room.of(run, change_of(run, 1, removed).key).model
    assert {one.name for one in kept.iterdir()} == {"config.json", "kept.json", "model.safetensors"}


FAULTS = {
    "fails": "ended with exit status 1, with seed 1; its output is in",
    "nothing": "there is no whole model in .*: it is empty; the training must end with",
    "half": "can't be read as a model",
    "NaN": "classifier.bias holds NaN or infinity",
    "pickled": "pytorch_model.bin is a pickle, which can run code",
    "a-part-missing": "its part model-00001-of-00002.safetensors is missing",
    "other-labels": "holds a model of the classes film, weather, sport, the run has film, money",
    "fewer-labels": r"holds a model of 2 classes \(film, money\), the run has 3",
}


@pytest.mark.parametrize("mode", FAULTS)
def test_what_may_go_wrong_is_one_sentence_that_names_the_log(
    elsewhere: Elsewhere, mode: str
) -> None:
    with pytest.raises(TrainingError, match=FAULTS[mode]) as caught:
        trained(elsewhere, "--mode", mode)
    (log,) = elsewhere.run.glob("retrained/*/log.txt")
    assert str(log) in str(caught.value)
    assert "training with the seed 1" in log.read_text()
    assert not list(elsewhere.run.glob("retrained/*/data*"))
    assert kept_models(wt.Run.open(elsewhere.run)).models == 0


def test_a_model_with_another_vocabulary_is_refused(elsewhere: Elsewhere) -> None:
    config = elsewhere.run / "config.json"
    document = json.loads(config.read_text())
    config.write_text(json.dumps({**document, "vocab_size": document["vocab_size"] + 1}))
    change_run(elsewhere.run, lambda document: None)  # else the file is known to be another
    with pytest.raises(TrainingError, match="its tokenizer is another one"):
        trained(elsewhere)


def test_the_log_ends_in_the_message_without_what_could_act(elsewhere: Elsewhere) -> None:
    with pytest.raises(TrainingError) as caught:
        trained(elsewhere, "--mode", "fails")
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("log.txt, and ends with:")
    assert lines[1:] == [
        "  training with the seed 1⟨U+001B⟩[2J on data.csv",
        "  no GPU ⟨U+001B⟩[31mfound⟨U+001B⟩[0m",
    ]


def test_a_training_that_hangs_is_ended_at_its_limit(elsewhere: Elsewhere) -> None:
    with pytest.raises(TrainingError, match=r"took longer than its time limit and was ended \(0.5"):
        trained(elsewhere, "--mode", "hangs", time_limit=0.5)


def test_another_question_of_a_kept_model_costs_no_training(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    count = tmp_path / "trained"
    more = ("--trained", str(count))
    first = trained(elsewhere, *more)
    again = trained(elsewhere, *more)
    assert np.array_equal(again.probes, first.probes)
    assert again.seconds is not None  # what the training took, not the question
    assert count.read_text() == "1\n"
    found = kept_models(wt.Run.open(elsewhere.run))
    assert found.models == 1
    assert 1_000 < found.bytes < 100_000
    (kept,) = elsewhere.run.glob("retrained/*/model/model.safetensors")
    kept.write_bytes(kept.read_bytes()[:100])  # not whole any more
    assert np.array_equal(trained(elsewhere, *more).probes, first.probes)
    assert count.read_text() == "1\n1\n"


def test_a_model_that_is_not_to_be_kept_is_gone(elsewhere: Elsewhere) -> None:
    trained(elsewhere, keep=False)
    assert [one.name for one in elsewhere.run.glob("retrained/*/*")] == ["log.txt"]


def test_a_killed_writer_leaves_no_half_model(elsewhere: Elsewhere) -> None:
    run = wt.Run.open(elsewhere.run)
    room = Room.of(run, change_of(run).key)
    with room.training() as out:
        (out / "model.safetensors").write_bytes(b"half")
    assert room.kept() is None
    assert np.allclose(trained(elsewhere).probes, shares(run), atol=0.02)
    assert room.kept() is not None


def test_a_command_is_known_by_its_words_its_data_and_its_script(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    run = wt.Run.open(elsewhere.run)
    script = tmp_path / "other.py"
    script.write_text("print(1)  # WORDTRACE_DATA WORDTRACE_OUT")
    found = []
    for words in (["python", str(script)], ["python", str(script), "--deep"]):
        found.append(wt.Command(words).for_run(run).settings)
    script.write_text("print(2)  # WORDTRACE_DATA WORDTRACE_OUT")
    found.append(wt.Command(["python", str(script)]).for_run(run).settings)
    data = tmp_path / "copy.csv"
    data.write_text(elsewhere.data.read_text() + "\n")
    found.append(wt.Command(["python", str(script)], data=data).for_run(run).settings)
    assert len({str(one) for one in found}) == 4
    again = wt.Command(["python", str(script)], data=data, keep=False, time_limit=9.0).for_run(run)
    assert again.settings == found[-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "is empty; give a program"),
        ("train '", "can't be split into words"),
        ("train {file}", r"has the placeholder \{file\}; known are \{data\}, \{out\} and \{seed\}"),
        ("./no-such-program {data} {out}", "the program './no-such-program' of retrain is not"),
        ("no-such-program {data} {out}", "is not there, or can't be run"),
    ],
)
def test_a_command_that_can_not_be_started_is_told_before(
    elsewhere: Elsewhere, words: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        retrainer_for(wt.Run.open(elsewhere.run), words, "verify")


def test_a_command_that_does_not_ask_for_its_data_is_warned_of(elsewhere: Elsewhere) -> None:
    run = wt.Run.open(elsewhere.run)
    with pytest.warns(
        DataWarning, match=r"does not name \{out\}, the folder of the model; it must"
    ):
        wt.Command("echo {data}").for_run(run)
    # The script itself names the variables.
    wt.Command(["python", str(elsewhere.script)]).for_run(run)


def test_words_are_filled_without_a_shell_and_quoted_with_one(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    hostile = tmp_path / "a $(touch oops); b'c"
    elsewhere.run.rename(hostile)
    moved = Elsewhere(hostile, elsewhere.data, elsewhere.script)
    said = trained(moved)
    run = wt.Run.open(hostile)
    line = f"cd {tmp_path} && {' '.join(moved.command())} ${{NOTHING}} > said.txt"
    shell = retrainer_for(run, wt.Command(line, shell=True), "verify")
    assert np.allclose(shell.train(run, change_of(run, key="by-shell")).probes, said.probes)
    assert "training with the seed" in (tmp_path / "said.txt").read_text()
    assert not (tmp_path / "oops").exists()
    assert not Path("oops").exists()


def test_doubled_braces_stand_for_themselves(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run = wt.Run.open(elsewhere.run)
    line = f"echo '{{{{name}}}} {{\"a\": 1}}' > {tmp_path}/said; {' '.join(elsewhere.command())}"
    retrainer_for(run, wt.Command(line, shell=True), "verify").train(run, change_of(run))
    assert (tmp_path / "said").read_text() == '{name} {"a": 1}\n'
