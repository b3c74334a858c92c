"""Cheaper looks: a training from a checkpoint on, and how results name those that are cheaper."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.verification.cheaper_looks import REMOVED, at, change, loss_of, told
from wordtrace.errors import InputError
from wordtrace.training.fit import batch_rows


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


def test_an_unknown_step_names_those_there_are(run: wt.Run) -> None:
    refused = wt.FromCheckpoint(10).refusal(run)
    assert str(InputError(refused)) == (
        f"from_checkpoint is 10; {run.path} has a checkpoint to go on from at step 9, 20, 33."
    )
    with pytest.raises(InputError, match="from_checkpoint is 10"):
        wt.FromCheckpoint(10).train(run, change(run, 3))
    assert wt.FromCheckpoint(9).refusal(run) is None


def test_its_results_are_kept_apart_from_those_of_retrainings(run: wt.Run) -> None:
    looks = (wt.FromCheckpoint(9), wt.FromCheckpoint(20), wt.TailPatch(2), wt.TailPatch(2, on=True))
    assert len({str(one.settings) for one in looks}) == 4
    assert all(one.settings and not one.foreign for one in looks)


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
