"""wordtrace train --model FOLDER: a pretrained model trained, recorded, resumed and retrained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.command import wordtrace, wordtrace_process
from tests.conftest import make_examples
from tests.far_device import NAME, Far, FarDevice
from tests.forked import Forked
from tests.huggingface.architectures import ARCHITECTURES, model_of, tokenizer
from tests.patience import wait_for_files
from tests.retrained import retrained
from wordtrace import api
from wordtrace.errors import InputError
from wordtrace.models.protocol import to_batch
from wordtrace.retrainers.material import whole
from wordtrace.retrainers.own import CNNLoop, Loop
from wordtrace.retrainers.replay import Replay
from wordtrace.retrainers.retrain import Retraining
from wordtrace.training.fit import batch_rows
from wordtrace.verification.retrainings import Retrainings

transformers = pytest.importorskip("transformers")

SMALL: dict[str, Any] = {
    "eval_fraction": 0.2,
    "max_length": 24,
    "batch_size": 8,
    "learning_rate": 3e-3,
    "epochs": 2,
    "weight_decay": 0.01,
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain encoder without a head, as hubs have them."""
    folder = tmp_path_factory.mktemp("encoder")
    tokens = tokenizer("wordpiece")
    model_of(ARCHITECTURES[0], tokens, ("a", "b", "c")).bert.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> api.Run:
    return wt.train(
        make_examples(60), tmp_path_factory.mktemp("runs") / "run", model=str(encoder), **SMALL
    )


def plain(run: api.Run, seed: int, removed: list[int]) -> Any:
    """The same training in plain PyTorch: AdamW, linear schedule, dropout by step."""
    from transformers import AutoModelForSequenceClassification

    model = run.start(seed).module
    again = AutoModelForSequenceClassification.from_config(model.config)
    again.load_state_dict(model.state_dict())
    again.train()
    recipe = api.Recipe(**{**run.recipe.document(), "seed": seed})
    decayed = [one for one in again.parameters() if one.dim() > 1]
    others = [one for one in again.parameters() if one.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    )
    total = recipe.steps(len(run.train))
    for step in range(total):
        rows = batch_rows(recipe, len(run.train), step)
        batch = to_batch(run.encoded, run.train.labels, rows)
        torch.manual_seed(hash((seed, step)))
        logits = again(
            input_ids=batch.ids, attention_mask=batch.mask.long(), token_type_ids=batch.types
        ).logits
        losses = torch.nn.functional.cross_entropy(logits, batch.labels, reduction="none")
        losses = losses * torch.tensor([float(row not in removed) for row in rows])
        optimizer.zero_grad()
        (losses.sum() / len(rows)).backward()
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / total)
        optimizer.step()
    return again.eval()


def test_the_run_is_what_plain_pytorch_trains(trained: api.Run) -> None:
    expected = plain(trained, trained.recipe.seed, []).state_dict()
    found = trained.model(trained.final).module.state_dict()
    assert trained.recipe.optimizer == "adamw"
    assert trained.recipe.schedule == "linear"
    start = trained.weights(0)
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], atol=3e-4, rtol=1e-2)
    moved = found["classifier.weight"] - start["classifier.weight"]
    assert float(moved.abs().max()) > 1e-3


def test_the_head_is_drawn_and_the_rest_is_the_encoders(trained: api.Run, encoder: Path) -> None:
    from safetensors.torch import load_file

    assert trained.manifest.model.drawn
    known = load_file(encoder / "model.safetensors")
    start = trained.weights(0)
    for name, value in known.items():
        torch.testing.assert_close(start[f"bert.{name}"], value)
    other = trained.start(7).module.state_dict()
    assert not torch.equal(other["classifier.weight"], start["classifier.weight"])
    assert torch.equal(other["bert.pooler.dense.weight"], start["bert.pooler.dense.weight"])
    again = trained.start(trained.recipe.seed).module.state_dict()
    assert torch.equal(again["classifier.weight"], start["classifier.weight"])


def test_a_retraining_is_the_training_without_the_rows(trained: api.Run) -> None:
    texts = ["the striker", "shares of the bank"]
    task = Retraining(
        str(trained.path), trained.fingerprint, 5, (1, 4), tuple((text, None) for text in texts)
    )
    found = np.asarray(retrained(trained, task)["probabilities"])
    given = tokenizer("wordpiece")(texts, padding=True, return_tensors="pt")
    expected = plain(trained, 5, [1, 4])(**given).logits.softmax(1).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_run_opened_on_a_device_is_trained_again_there(trained: api.Run) -> None:
    probes: tuple[tuple[str, str | None], ...] = (("the striker", None), ("shares", None))
    here = Retrainings(trained, probes, Loop()).task(5, (1, 4))
    with FarDevice() as far:
        run = api.Run.open(trained.path, NAME)
        there = Retrainings(run, probes, Loop()).task(5, (1, 4))
        assert there.device == NAME
        material = whole(run, probes)
        assert isinstance(next(material.start(5).embedding.parameters()).data, Far)
        before = far.operations
        found = retrained(run, there)["probabilities"]
        assert far.operations > before + 100
    np.testing.assert_allclose(found, retrained(trained, here)["probabilities"], atol=1e-6)


def test_models_of_a_gpu_and_of_the_cpu_are_kept_apart(trained: api.Run, run: api.Run) -> None:
    def on(one: api.Run, device: str, retrainer: Any) -> Retrainings:
        return Retrainings(api.Run(one.path, one.manifest.document(), device), (), retrainer)

    own, cnn, replay = Loop(), CNNLoop(), Replay()
    assert on(trained, "cuda:0", own).training == on(trained, "cuda:1", own).training
    assert on(trained, "cuda", own).training != on(trained, "cpu", own).training
    assert on(trained, "cpu", own).training == trained.fingerprint
    assert on(run, "cuda", cnn).task(1).device == "cpu"  # one core is faster
    assert on(run, "cuda", cnn).training == run.fingerprint
    assert on(trained, "cuda", replay).training == on(trained, "cpu", replay).training


def test_traced_verified_and_fixed_like_any_run(trained: api.Run) -> None:
    index = wt.build_index(trained, workers=1)
    trace = index.trace("the striker of the cup", label="sport", top=5)
    assert trace.queries[0].proponents[0].contributions
    proof = wt.verify(trace, remove="proponents", k=3, repeats=2, workers=1)
    assert proof.document()["retrainings"] == 2 * 4
    study = wt.evaluate(
        *(trained, 2),
        measures=["tracin-we-topk"],
        lds=0,
        k=[3],
        signs=["proponents"],
        repeats=2,
        workers=1,
    )
    assert study.document()["retrainings"] > 20


def test_layers_are_cut(encoder: Path, tmp_path: Path) -> None:
    run = wt.train(
        make_examples(40), tmp_path / "run", model=str(encoder), layers=1, **{**SMALL, "epochs": 1}
    )
    names = set(run.weights(0))
    assert any(".layer.0." in name for name in names)
    assert not any(".layer.1." in name for name in names)
    with pytest.raises(InputError, match=r"layers is 3; .* has 2"):
        wt.train(make_examples(40), tmp_path / "x", model=str(encoder), layers=3, **SMALL)


def test_the_cnn_trains_with_adamw_too(tmp_path: Path) -> None:
    run = wt.train(
        make_examples(60),
        tmp_path / "run",
        optimizer="adamw",
        learning_rate=0.01,
        epochs=2,
        dim=8,
        vocabulary=200,
    )
    task = Retraining(str(run.path), run.fingerprint, run.recipe.seed, (), (("a goal", None),))
    again = np.asarray(retrained(run, task)["probabilities"])
    np.testing.assert_allclose(again, run.predict(["a goal"]), atol=1e-4)


KILLED = """
import sys, time
from tests.conftest import make_examples
from tests.huggingface.test_train_pretrained import SMALL
import wordtrace as wt
from wordtrace.training.recorder import Recorder
save = Recorder.save
def slow(self, rate):
    save(self, rate)
    time.sleep(0.3)
Recorder.save = slow
wt.train(make_examples(60), sys.argv[1], model=sys.argv[2], **SMALL)
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(encoder: Path, tmp_path: Path) -> None:
    undisturbed = wt.train(make_examples(60), tmp_path / "a", model=str(encoder), **SMALL)
    process = Forked(KILLED, tmp_path / "b", encoder)
    part = tmp_path / "b.part"
    wait_for_files(part, "checkpoints/*/step.json", 3, process)
    process.kill()
    assert not (tmp_path / "b").exists()
    assert json.loads((part / "resume/state.json").read_text())["step"] > 0
    resumed = wt.train(make_examples(60), tmp_path / "b", model=str(encoder), **SMALL)
    one, other = (run.weights(run.final.step) for run in (undisturbed, resumed))
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_what_can_not_be_trained_is_refused(encoder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("text,label\n" + "a goal,x\nthe bank,y\n" * 20)

    def refused(message: str, *arguments: object, command: Any = wordtrace) -> None:
        done = command(
            *("train", data, "--out", tmp_path / "run", "--max-length", 24, "--eval-fraction", 0),
            *arguments,
            status=2,
            HF_HUB_OFFLINE="1",
        )
        assert message in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "run").exists()

    # The hub's library reads the environment when it is imported.
    unknown = ("--model", "no/such-model")
    refused(
        "is no folder here, and the Hugging Face hub did not", *unknown, command=wordtrace_process
    )
    refused("holds no config.json", "--model", tmp_path)
    refused("--embeddings is for the CNN", "--model", encoder, "--embeddings", encoder)
    refused("--layers is for pretrained models", "--layers", 1)
    refused("--optimizer is 'lion'; it must be sgd or adamw", "--optimizer", "lion")
    refused("the model takes 38 tokens", "--model", encoder, "--max-length", 300)
