"""How long a replay takes is known from a few of its steps, before it is asked for."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
import torch

import wordtrace as wt
from tests.verification.recorded import recorded
from wordtrace.retrainers import replay_pace
from wordtrace.retrainers.replay_trainer import trained
from wordtrace.verification.plan import Plan

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> wt.Run:
    return recorded(tmp_path_factory.mktemp("pace"), rows=60, per_device_train_batch_size=4)[0]


def test_the_first_steps_tell_how_long_all_take(
    run: wt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the clock is half a second later: so is each step."""
    ticks = count()
    monkeypatch.setattr(replay_pace.time, "perf_counter", lambda: next(ticks) / 2)
    state = torch.get_rng_state()
    made: list[int] = []
    steps = run.manifest.steps
    assert steps == 30

    def counting(*given: object, **named: object) -> object:
        stepped = named["stepped"]
        assert callable(stepped)
        named["stepped"] = lambda step: (made.append(step), stepped(step))[1]
        return trained(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(replay_pace, "trained", counting)
    assert wt.Replay().pace(run, 1) == pytest.approx(steps / 2)
    assert made == list(range(1, 15))  # two to warm up, and twelve
    assert torch.equal(torch.get_rng_state(), state)


def test_a_plan_is_made_by_them(run: wt.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wt.Replay, "pace", lambda *_: 7.0)
    plan = Plan.of(run, wt.Replay(), [4, 4], 1, [], "processes", 2)
    assert plan.sentence() == (
        "4 to 8 models to train by a replay of the recorded training, 2 at a time on this machine; "
        "about 7.0 s each, by what its first steps took: about 14.0 s to 28.0 s."
    )
    assert Plan.of(run, wt.Replay(), [4], 1, [3.0], "processes", 2).seconds == 3.0


def test_a_run_that_cannot_be_replayed_has_no_pace(tmp_path: Path) -> None:
    run, _ = recorded(tmp_path, rows=8)
    (run.path / "replay.json").unlink()
    assert wt.Replay().pace(wt.Run.open(run.path), 1) is None
