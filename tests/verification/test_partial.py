"""Cheaper looks: from a checkpoint on, and a few steps from the end, each beside plain PyTorch."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import wordtrace as wt
from tests.adopt.trainings import BERT, classifier, rows, tuned
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.architectures import fine_tune, model_of, tokenizer
from tests.huggingface.test_label_kinds import Data, rows_of
from tests.oracles.dense import PlainCNN
from wordtrace.disk import atomic
from wordtrace.errors import DataWarning, InputError, NumericalError
from wordtrace.models.protocol import to_batch
from wordtrace.retrainers.retrainer import Change
from wordtrace.retrainers.steps_on_rows import batch_size
from wordtrace.training.fit import batch_rows

PROBES = (("the striker and the coach win a match", None), ("profit of the bank", None))
REMOVED = (3, 8, 20, 41, 60)


def change(run: wt.Run, seed: int, removed: tuple[int, ...] = (), **given: Any) -> Change:
    weights = np.ones(len(run.train), np.float32)
    weights[list(removed)] = 0
    return replace(Change("k", seed, weights, run.train.labels, (), PROBES), **given)


def told(model: Any, run: wt.Run) -> np.ndarray:
    """What a plain CNN says of the probes, one by one."""
    encoded = run.tokenizer.encode([text for text, _ in PROBES])
    with torch.no_grad():
        scores = [model(torch.tensor(encoded[at][None]).long()) for at in range(len(PROBES))]
    return torch.cat(scores).softmax(1).numpy()


def at(run: wt.Run, step: int) -> PlainCNN:
    model = run.model(next(one for one in run.checkpoints if one.step == step))
    return PlainCNN(model)


def loss_of(model: Any, ids: Any, label: int) -> torch.Tensor:
    return F.cross_entropy(model(torch.tensor(ids[None]).long()), torch.tensor([int(label)]))


# ------------------------------------------------------------------------- from a checkpoint on


@pytest.mark.parametrize("removed", [(), REMOVED])
def test_from_a_checkpoint_the_training_is_repeated(run: wt.Run, removed: tuple[int, ...]) -> None:
    """Text by text in PyTorch's own layers, with its own SGD, whose momentum starts anew."""
    seed, labels = 12, run.train.labels.copy()
    labels[9] = (labels[9] + 1) % 3
    found = wt.FromCheckpoint(33).train(run, change(run, seed, removed, labels=labels))
    model = at(run, 33)
    optimizer = torch.optim.SGD(model.parameters(), lr=1, momentum=run.recipe.momentum)
    recipe, total = replace(run.recipe, seed=seed), run.manifest.steps
    for step in range(33, total):
        batch = batch_rows(recipe, len(run.train), step)
        optimizer.zero_grad()
        losses = [
            loss_of(model, run.encoded[row], labels[row]) for row in batch if row not in removed
        ]
        (torch.stack(losses).sum() / len(batch)).backward()
        optimizer.param_groups[0]["lr"] = 0.09 * (1 - step / total)
        optimizer.step()
    np.testing.assert_allclose(found.probes, told(model, run), atol=1e-5)
    assert np.abs(found.probes - told(at(run, 33), run)).max() > 0.01
    assert found.held_out.shape == (len(run.held_out), 3)


def test_seeds_share_what_came_before_the_checkpoint(run: wt.Run) -> None:
    look = wt.FromCheckpoint(33)
    first, second = (look.train(run, change(run, seed)).probes for seed in (12, 13))
    assert 0 < np.abs(first - second).max() < 0.2


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> wt.Run:
    """A pretrained model trained here by AdamW."""
    pytest.importorskip("transformers")
    folder, tokens = tmp_path_factory.mktemp("encoder"), tokenizer("wordpiece")
    model_of(BERT, tokens, ("a", "b", "c")).bert.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return wt.train(
        make_examples(60),
        folder / "run",
        model=str(folder),
        eval_fraction=0.2,
        max_length=24,
        batch_size=8,
        learning_rate=3e-3,
        epochs=2,
        weight_decay=0.01,
        checkpoints=(4, 9),
    )


def test_a_pretrained_model_goes_on_with_new_moments(pretrained: wt.Run) -> None:
    run, seed = pretrained, 5
    found = wt.FromCheckpoint(9).train(run, change(run, seed, REMOVED[:4]))
    model = transformers_model(run, "checkpoints/step-000009").train()
    optimizer = torch.optim.AdamW(
        [
            {"params": [one for one in model.parameters() if one.dim() > 1], "weight_decay": 0.01},
            {"params": [one for one in model.parameters() if one.dim() < 2], "weight_decay": 0.0},
        ]
    )
    total, recipe = run.manifest.steps, replace(run.recipe, seed=seed)
    for step in range(9, total):
        batch = batch_rows(recipe, len(run.train), step)
        torch.manual_seed(hash((seed, step)))
        losses = losses_of(run, model, batch)
        losses = losses * torch.tensor([float(row not in REMOVED[:4]) for row in batch])
        optimizer.zero_grad()
        (losses.sum() / len(batch)).backward()
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / total)
        optimizer.step()
    np.testing.assert_allclose(found.probes, asked(run, model), atol=1e-5)


def transformers_model(run: wt.Run, folder: str) -> Any:
    from transformers import AutoModelForSequenceClassification

    again = AutoModelForSequenceClassification.from_config(run.model(run.final).module.config)
    again.load_state_dict(run.weights(int(folder.rpartition("-")[2])))
    return again


def losses_of(run: wt.Run, model: Any, batch: Any) -> torch.Tensor:
    given = to_batch(run.encoded, run.train.labels, np.asarray(batch))
    scores = model(
        input_ids=given.ids, attention_mask=given.mask.long(), token_type_ids=given.types
    ).logits
    return F.cross_entropy(scores, given.labels, reduction="none")


def asked(run: wt.Run, model: Any) -> np.ndarray:
    encoded, found = run.tokenizer.encode([text for text, _ in PROBES]), []
    model.eval()
    for place in range(len(PROBES)):
        ids = torch.tensor(encoded[place][None]).long()
        with torch.no_grad():
            found.append(model(input_ids=ids).logits.softmax(1)[0].numpy())
    return np.stack(found)


def test_an_unknown_step_names_those_there_are(run: wt.Run) -> None:
    refused = wt.FromCheckpoint(10).refusal(run)
    assert str(InputError(refused)) == (
        f"from_checkpoint is 10; {run.path} has a checkpoint to go on from at step 9, 20, 33."
    )
    with pytest.raises(InputError, match="from_checkpoint is 10"):
        wt.FromCheckpoint(10).train(run, change(run, 3))
    assert wt.FromCheckpoint(9).refusal(run) is None


# ---------------------------------------------------------------------- a few steps from the end


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


def test_steps_are_adams_where_a_run_does_not_say_sgd(pretrained: wt.Run) -> None:
    """One step by hand: each weight's own size, from 8 batches and the rows' own."""
    run, seed, removed = pretrained, 5, (1, 2, 6)
    found = wt.TailPatch(1, learning_rate=0.02).train(run, change(run, seed, removed)).probes
    model = transformers_model(run, run.final.folder).train()
    order = np.random.default_rng([0, len(run.train), 11]).permutation(len(run.train))
    squares = [torch.zeros_like(one) for one in model.parameters()]
    for step in range(9):
        batch = order[np.arange(8 * step, 8 * step + 8) % len(order)]
        torch.manual_seed(step)
        if step == 8:
            batch = np.random.default_rng([seed, 3, 11]).permutation(removed)
            torch.manual_seed(hash((seed, 0)))
        model.zero_grad()
        losses_of(run, model, batch).mean().backward()
        for square, one in zip(squares, model.parameters(), strict=True):
            square += one.grad**2
    with torch.no_grad():
        for square, one in zip(squares, model.parameters(), strict=True):
            one += 0.02 * 3 / 8 * one.grad / ((square / 9).sqrt() + 1e-8)
    np.testing.assert_allclose(found, asked(run, model), atol=1e-4)
    assert np.abs(found - run.predict([text for text, _ in PROBES])).max() > 0.02


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
    document = atomic.read_json(folder / "run.json")
    atomic.write_json(folder / "run.json", document | {"recipe": None})
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


def test_its_results_are_kept_apart_from_those_of_retrainings(run: wt.Run) -> None:
    looks = (wt.FromCheckpoint(9), wt.FromCheckpoint(20), wt.TailPatch(2), wt.TailPatch(2, on=True))
    assert len({str(one.settings) for one in looks}) == 4
    assert all(one.settings and not one.foreign for one in looks)


# ------------------------------------------------------------------------- how results name them


@pytest.mark.parametrize("look", [wt.FromCheckpoint(33), wt.TailPatch(2)])
def test_every_result_says_first_that_it_is_no_retraining(
    run: wt.Run, index: wt.Index, tmp_path: Path, look: Any
) -> None:
    trace = index.trace("the striker and the coach win a match", "sport", top=9)
    given: dict[str, Any] = {"repeats": 2, "workers": 1, "retrain": look}
    proof = wt.verify(trace, index=index, k=4, **given)
    study = wt.evaluate(run, 2, measures=["bm25"], lds=0, k=[3], **given)
    asked = make_examples(40, seed=8)
    wrong = asked.with_labels((asked.labels + 1) % 3)
    fix = index.fix(wrong, k=(4,), actions=("remove",), measures=(), limit=2, **given)
    clusters = wt.clusters(run, wrong, trainings=2, wrong=0.5, workers=1, retrain=look)
    for found in (proof, study, fix, clusters):
        assert found.document()["look"] == look.look
        assert look.look.startswith("A cheaper look, not a retraining: ")
        found.save(tmp_path / "page.html")
        assert "A cheaper look, not a retraining" in (tmp_path / "page.html").read_text()
    assert str(proof).startswith(look.look)
    assert "retrainings" not in str(proof)
    (query,) = proof.document()["queries"]
    removed = tuple(sorted(run.rows_of(query["removed"]).tolist()))
    label = run.label_names.index("sport")
    for place, seed in enumerate(proof.document()["seeds"]):
        texts = ((query["text"], None),)
        base, without = (
            look.train(run, change(run, seed, some, probes=texts)).probes[0, label]
            for some in ((), removed)
        )
        assert query["without"]["change"]["values"][place] == pytest.approx(
            without - base, abs=1e-5
        )


def test_an_unknown_step_is_refused_before_anything_is_trained(
    run: wt.Run, index: wt.Index
) -> None:
    trace = index.trace("profit of the bank", top=9)
    with pytest.raises(InputError, match="go on from at step 9, 20, 33"):
        wt.verify(trace, index=index, k=4, retrain=wt.FromCheckpoint(48))


def test_the_command_line_looks_as_python_does(
    run: wt.Run, index: wt.Index, tmp_path: Path
) -> None:
    trace = index.trace("a drama with the coach of the season", top=9)
    trace.save(tmp_path / "trace.json")
    given = (tmp_path / "trace.json", "--k", 4, "--repeats", 2, "--workers", 1)
    for options, look in (
        (("--from-checkpoint", 33), wt.FromCheckpoint(33)),
        (
            ("--tail-patch", 2, "--tail-rate", 0.02, "--tail-on"),
            wt.TailPatch(2, learning_rate=0.02, on=True),
        ),
    ):
        said = wordtrace("verify", *given, *options, "--json")
        found = json.loads(said.stdout)
        assert found["look"] == look.look
        own = wt.verify(trace, k=4, repeats=2, workers=1, index=index, retrain=look).document()
        assert found["queries"] == json.loads(json.dumps(own["queries"]))
    said = wordtrace("verify", *given, "--from-checkpoint", 10, status=2)
    assert "--from-checkpoint is 10; " in said.stderr
    said = wordtrace("verify", *given, "--tail-on", status=2)
    assert "--tail-on goes with --tail-patch, which is not given" in said.stderr
