"""The proof of reading: a training that is misread is refused, and the message says what fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.adopt import trainings
from wordtrace.adopt.brackets import Rows, bracket
from wordtrace.adopt.logged import Logged, Window
from wordtrace.errors import InputError

pytest.importorskip("transformers")
DATA = trainings.rows()
WHOLE = [{"id": one["id"], "text": one["asked"] + one["said"]} for one in DATA]
PAIRS: dict[str, Any] = {"text": "asked", "text2": "said", "max_length": 36}
LABELS: dict[str, Any] = {"label": "annotated_label", "max_length": 24}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    trainings.classifier(folder, DATA)
    return folder


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("trl")
    folder = tmp_path_factory.mktemp("tuned")
    trainings.tuned(folder / "whole", DATA, only=False)
    trainings.tuned(folder / "completion", DATA, only=True)
    return folder


def refused(*given: Any, **choices: Any) -> str:
    with pytest.raises(InputError) as error:
        wt.record(*given, **choices)
    return str(error.value)


def test_a_wrong_label_column_is_refused_and_the_right_one_named(
    classifier: Path, tmp_path: Path
) -> None:
    said = refused(classifier, DATA, tmp_path / "run", max_length=24)
    assert "`label` by cross-entropy does not fit: at step" in said
    assert "`annotated_label` fits (0." in said
    assert "name it by label='annotated_label'" in said
    assert not (tmp_path / "run").exists()
    run = wt.record(classifier, DATA, tmp_path / "run", **LABELS)
    proof = run.manifest.proof
    assert proof is not None
    assert proof.verdict == "fits"
    assert proof.recomputed is not None
    assert proof.logged is not None
    assert f"{proof.logged:.4g}" in proof.sentence
    assert wt.Run.open(run.path).manifest.proof == proof


def test_another_file_is_refused(classifier: Path, tmp_path: Path) -> None:
    texts = np.random.default_rng(0).permutation([one["text"] for one in DATA])
    other = [{**one, "text": str(text)} for one, text in zip(DATA, texts, strict=True)]
    said = refused(classifier, other, tmp_path / "run", **LABELS)
    assert "None of the other readings fits either (`label`, " in said
    assert "is the list the file of this training? force=True adopts it as it is." in said


def test_another_order_of_labels_is_refused_and_the_right_one_named(
    classifier: Path, tmp_path: Path
) -> None:
    order = ("money", "film", "sport")
    said = refused(classifier, DATA, tmp_path / "run", label_names=order, **LABELS)
    assert "The order of labels film, money, sport fits (0." in said
    assert "say so by label_names=('film', 'money', 'sport')" in said


def test_a_loss_of_ones_own_is_refused_and_recognised(tmp_path: Path) -> None:
    trainings.classifier(tmp_path / "out", DATA, loss=trainings.focal)
    said = refused(tmp_path / "out", DATA, tmp_path / "run", **LABELS)
    assert "Focal loss (γ = 2) fits (0." in said
    assert "it is not among the losses that are traced" in said
    run = wt.record(tmp_path / "out", DATA, tmp_path / "run", force=True, **LABELS)
    assert run.manifest.proof is not None
    assert run.manifest.proof.verdict == "misread"
    index = wt.build_index(run, workers=1)
    text = "the striker of the cup"
    results: list[Any] = [index.trace(text, top=3), index.mislabels(top=3)]
    results += [wt.words(run, text), wt.cancellation(run, limit=20)]
    results += [wt.overlap(run, [text], ["tracin-we", "bm25"], top=3)]
    for place, result in enumerate(results):
        assert "They do not fit: " in result.document()["misread"]
        result.save(tmp_path / f"{place}.json")
        assert wt.load(tmp_path / f"{place}.json").document() == result.document()
        result.save(tmp_path / f"{place}.html")
        assert "They do not fit: " in (tmp_path / f"{place}.html").read_text()


def test_a_loss_of_the_whole_text_is_not_read_as_the_completions(
    tuned: Path, tmp_path: Path
) -> None:
    said = refused(tuned / "whole", DATA, tmp_path / "run", **PAIRS)
    assert "the completion does not fit: at step" in said
    assert "The whole text fits" in said
    assert "say so by loss='all'" in said
    for place, (data, choices) in enumerate(((WHOLE, {}), (DATA, {**PAIRS, "loss": "all"}))):
        choices = {"max_length": 36, **choices}
        run = wt.record(tuned / "whole", data, tmp_path / f"run-{place}", **choices)
        assert run.manifest.proof is not None
        assert run.manifest.proof.verdict == "fits"


def test_of_columns_that_trl_knows_the_log_tells_what_the_loss_asks_for(
    tuned: Path, tmp_path: Path
) -> None:
    """TRL's default for a prompt and a completion is the completion; this training had all."""
    rows = [{"id": one["id"], "prompt": one["asked"], "completion": one["said"]} for one in DATA]
    run = wt.record(tuned / "whole", rows, tmp_path / "run", max_length=36)
    assert run.manifest.model.counts == "all"
    assert run.manifest.proof is not None
    assert run.manifest.proof.verdict == "fits"
    assert "told by the logged loss" in " ".join(run.manifest.notes or ())
    same = wt.record(tuned / "completion", rows, tmp_path / "same", max_length=36)
    assert "told by the logged loss" not in " ".join(same.manifest.notes or ())
    # What the user says rules, so that what does not fit is refused.
    said = refused(tuned / "whole", rows, tmp_path / "x", max_length=36, loss="completion")
    assert "the completion does not fit" in said
    assert "The whole text fits" in said


def test_a_chat_is_not_read_as_its_plain_text(tmp_path: Path) -> None:
    chats = [
        {
            "id": one["id"],
            "messages": [
                {"role": "user", "content": one["asked"]},
                {"role": "assistant", "content": one["said"]},
            ],
            "text": f"{one['asked']} {one['said']}",
        }
        for one in DATA
    ]
    trainings.talked(tmp_path / "out", chats)
    said = refused(tmp_path / "out", chats, tmp_path / "run", max_length=96, text="text")
    assert "the whole text does not fit: at step" in said
    run = wt.record(tmp_path / "out", chats, tmp_path / "run", max_length=96, text="messages")
    assert run.manifest.proof is not None
    assert run.manifest.proof.verdict == "fits"
    assert run.manifest.model.counts == "assistant"


def test_a_chat_that_is_longer_than_the_model_takes_is_cut_there(tmp_path: Path) -> None:
    """TRL cuts at 1,024 tokens by default, and this model has learned 96 places."""
    chats = [
        {
            "id": one["id"],
            "messages": [
                {"role": "user", "content": one["asked"]},
                {"role": "assistant", "content": f"{one['said']} " * (20 if place == 3 else 1)},
            ],
        }
        for place, one in enumerate(DATA)
    ]
    trainings.talked(tmp_path / "out", chats)
    run = wt.record(tmp_path / "out", chats, tmp_path / "run", text="messages")
    assert run.manifest.max_length == 96
    notes = " ".join(run.manifest.notes or ())
    assert "Texts are cut at 96 tokens, the most that the model takes" in notes
    with pytest.raises(InputError, match="max_length is 97; the model takes 96 tokens at most"):
        wt.record(tmp_path / "out", chats, tmp_path / "x", text="messages", max_length=97)


def test_a_loss_of_the_completion_fits(tuned: Path, tmp_path: Path) -> None:
    run = wt.record(tuned / "completion", DATA, tmp_path / "run", **PAIRS)
    assert run.manifest.proof is not None
    assert run.manifest.proof.verdict == "fits"
    assert "TRL counted" not in " ".join(run.manifest.notes or ())


def test_a_missing_end_token_is_told_by_the_tokens_that_trl_counted(
    tuned: Path, tmp_path: Path
) -> None:
    run = wt.record(tuned / "completion", DATA, tmp_path / "run", **{**PAIRS, "end": False})
    (said,) = [one for one in run.manifest.notes or () if "TRL counted" in one]
    assert "more a row in the training" in said


def test_an_evaluation_of_the_same_rows_is_the_same_loss(classifier: Path, tmp_path: Path) -> None:
    """The Trainer's own evaluation of the last checkpoint, put into its log."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    out = Path(shutil.copytree(classifier, tmp_path / "out"))
    last = max(out.glob("checkpoint-*"), key=lambda one: int(one.name[11:]))
    model = AutoModelForSequenceClassification.from_pretrained(last).eval()
    tokens, held = AutoTokenizer.from_pretrained(last), DATA[:20]
    texts = [one["text"] for one in held]
    given = tokens(texts, padding=True, truncation=True, max_length=24, return_tensors="pt")
    names = ("film", "money", "sport")
    labels = torch.tensor([names.index(one["annotated_label"]) for one in held])
    loss = float(model(**given, labels=labels).loss)
    state = json.loads((last / "trainer_state.json").read_text())
    ends = {"same": (loss, "."), "other": (loss + 1, "the Trainer's evaluation data?")}
    for name, (logged, end) in ends.items():
        log = [*state["log_history"], {"step": state["global_step"], "eval_loss": logged}]
        (last / "trainer_state.json").write_text(json.dumps({**state, "log_history": log}))
        run = wt.record(out, DATA, tmp_path / name, eval_data=held, **LABELS)
        assert run.manifest.proof is not None
        said = run.manifest.proof.sentence
        assert f"held-out examples it is {loss:.4g}, logged {logged:.4g}" in said
        assert said.endswith(end)


def test_a_probability_is_not_read_as_a_number(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    trainings.cross_encoder(tmp_path, DATA)
    columns = {"text": "prompt", "text2": "answer", "label": "sport", "max_length": 38}
    said = refused(tmp_path / "out", DATA, tmp_path / "run", kind="number", **columns)
    assert "`sport` by squared error does not fit" in said
    assert "Binary cross-entropy fits (0." in said
    assert "say so by kind='set'" in said
    # sentence-transformers' configuration tells.
    run = wt.record(tmp_path / "out", DATA, tmp_path / "run", **columns)
    assert run.manifest.task == "multi-label"
    assert run.label_names == ("sport",)
    assert run.manifest.proof is not None
    assert run.manifest.proof.verdict == "fits"
    trace = wt.build_index(run, workers=1).trace([("the match", " of the team")])
    assert trace.proponents


def test_info_says_both_figures(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from wordtrace.cli.main import main

    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(one) + "\n" for one in DATA))

    def said(*arguments: object, status: int = 0) -> str:
        with pytest.raises(SystemExit) as done:
            main([str(one) for one in arguments])
        assert (done.value.code or 0) == status
        found = capsys.readouterr()
        return found.err if status else found.out

    asked = ("record", classifier, "--data", data, "--out", tmp_path / "run", "--max-length", 24)
    refused = said(*asked, status=2)
    assert "`annotated_label` fits" in refused
    assert "name it by --label annotated_label" in refused
    assert "--force adopts it as it is." in refused
    said(*asked, "--force")
    assert "They do not fit: " in said("info", tmp_path / "run")
    said(*asked, "--label", "annotated_label", "--overwrite")
    told = said("info", tmp_path / "run")
    assert "proof of reading: With `annotated_label` by cross-entropy the loss is " in told
    document = json.loads(said("info", tmp_path / "run", "--json"))
    assert document["proof"]["verdict"] == "fits"


def test_accumulated_batches_are_told_from_another_loss(tmp_path: Path) -> None:
    """The Trainer logs the sum of their losses where the model does not count the rows."""
    # Long enough to learn its labels by heart: the sums are large while it learns.
    trainings.classifier(
        *(tmp_path / "out", DATA),
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        num_train_epochs=16,
    )
    run = wt.record(tmp_path / "out", DATA, tmp_path / "run", **LABELS)
    proof = run.manifest.proof
    assert proof is not None
    assert proof.verdict == "fits"
    assert proof.recomputed is not None
    assert proof.logged is not None
    assert proof.logged < proof.recomputed + 0.3
    assert "does not fit" in refused(tmp_path / "out", DATA, tmp_path / "other", max_length=24)


def test_without_a_log_the_loss_must_not_rise(classifier: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(classifier, tmp_path / "out"))
    for path in out.glob("checkpoint-*/trainer_state.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "log_history": []}))
    given = {"learning_rate": 0.01, **LABELS}
    run = wt.record(out, DATA, tmp_path / "run", **given)
    assert run.manifest.proof is not None
    assert run.manifest.proof.verdict == "unknown"
    assert "The Trainer logged no loss that could be compared" in run.manifest.proof.sentence
    order = ("money", "sport", "film")
    said = refused(out, DATA, tmp_path / "other", label_names=order, **given)
    assert "it does not fall. Are the data, the columns, the labels" in said
    assert "force=True adopts it as it is." in said


def test_stairs_at_the_ends_of_epochs_fit() -> None:
    """Fresh rows of loss 2, 1.2 once seen, 0.7 twice: a checkpoint has seen some, others not."""
    stairs, epoch = [2.0, 1.2, 0.7, 0.4], 40
    windows = [Window(a, a + 5, stairs[a // epoch]) for a in range(0, 3 * epoch, 5)]
    logged = Logged(tuple(windows), {}, None, {}, epoch)
    rows = Rows(0.1, 320, 320, 8)
    for step in range(5, 3 * epoch + 1, 5):
        over, part = divmod(step, epoch)
        share = part / epoch
        loss = share * stairs[min(over + 1, 3)] + (1 - share) * stairs[over]
        between = bracket(logged, step, share, rows)
        assert between.excess(loss) <= 1, step
        assert between.lack(loss) <= 1, step
        assert between.excess(loss * 2.5) > 1, step


def test_another_number_of_tokens_by_far_is_another_training(tuned: Path, tmp_path: Path) -> None:
    """The losses of a training that learned little are alike; TRL's count of tokens is exact."""
    longer = [{**one, "said": one["said"] * 2} for one in DATA]
    with pytest.raises(InputError, match=r"TRL counted [\d,]+ tokens an epoch, here there are"):
        wt.record(tuned / "completion", longer, tmp_path / "run", **PAIRS, force=False)
    run = wt.record(tuned / "completion", longer, tmp_path / "run", **PAIRS, force=True)
    assert run.misread is not None
    assert "fewer a row in the training. What is made from this run" in run.misread


def test_a_counter_that_began_anew_tells_nothing() -> None:
    from wordtrace.adopt.token_count import count_tokens
    from wordtrace.data.batches import Encoded

    encoded = Encoded(np.arange(10, dtype=np.int32), np.array([0, 4, 10]))
    seen = {2: (1.0, 14.0), 4: (2.0, 28.0)}
    told = count_tokens(Logged((), {}, None, seen, 2.0), encoded)
    assert told is not None
    assert (told.seen, told.ours, told.is_far) == (14.0, 10, True)
    resumed = {2: (1.0, 14.0), 4: (2.0, 10.0)}
    assert count_tokens(Logged((), {}, None, resumed, 2.0), encoded) is None
    # A row in which nothing counts, TRL drops.
    partly = Encoded(encoded.ids, encoded.offsets, counted=np.arange(10) > 5)
    assert count_tokens(Logged((), {}, None, {2: (1.0, 6.0)}, 2.0), partly) is None


def test_what_the_log_does_not_tell_apart_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace as Some

    from wordtrace.adopt import scopes

    judged = {"mine": (True, 1.0), "near": (True, 1.1), "same": (True, 1.0), "far": (False, 3.0)}
    monkeypatch.setattr(
        scopes,
        "judge",
        lambda training, one: Some(
            reading=one, fits=judged[one.name][0], losses=(judged[one.name][1],)
        ),
    )
    readings: dict[str, Any] = {name: Some(name=name) for name in judged}
    nothing: Any = None
    (said,) = scopes.not_told_apart(nothing, readings["mine"], readings.values())
    assert "mine (1 at the end) from near (1.1): see" in said
    assert not scopes.not_told_apart(nothing, readings["far"], readings.values())
    assert scopes.told_by_log(nothing, readings["mine"], readings) is None
