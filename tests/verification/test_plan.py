"""What a study will cost is said before, and about true."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.changed_run import change_run
from tests.command import wordtrace
from tests.verification.conftest import Elsewhere
from wordtrace.cli import consent as asking
from wordtrace.cli.retraining import HowTrained
from wordtrace.retrainers import retrain as retraining
from wordtrace.retrainers.retrain import LEDGER
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.verification import plan as plans
from wordtrace.verification.plan import Plan


@dataclass
class Slow:
    """A training that takes `seconds` of a clock that only it moves."""

    clock: Any
    seconds: float
    spread: float = 0.1
    settings: dict[str, Any] = field(default_factory=lambda: {"model": "slow"})
    trained: int = 0

    def train(self, run: wt.Run, change: Change) -> Said:
        self.trained += 1
        drawn = np.random.default_rng([change.seed, int((change.weights == 0).sum())])
        self.clock.now += self.seconds * float(drawn.uniform(0.9, 1.1))
        known = dict(zip(run.train.texts, np.eye(3)[run.train.labels], strict=True))
        other = np.full(3, 1 / 3)
        said = np.stack([known.get(text, other) for text, _ in change.probes])
        noise = np.abs(drawn.normal(0, self.spread, said.shape))
        return Said((said + noise) / (said + noise).sum(1, keepdims=True))


class Clock:
    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which retrainings are timed."""
    found = Clock()
    monkeypatch.setattr(retraining.time, "perf_counter", found.perf_counter)
    return found


@pytest.fixture
def own(run: wt.Run, tmp_path: Path) -> wt.Run:
    """A run that was recorded and took 40 s."""
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    change_run(folder, lambda document: document.update(seconds=40.0))
    return wt.Run.open(folder)


@pytest.fixture(scope="module")
def trace(index: wt.Index) -> wt.Trace:
    return index.trace("profit of the bank and the striker", "money", top=30)


@pytest.mark.parametrize("sequential", [False, True])
def test_the_plan_is_what_is_then_spent(
    own: wt.Run, trace: wt.Trace, clock: Clock, sequential: bool
) -> None:
    """Within 30 %, by the time that the recorded training took and, later, by what was timed."""
    slow = Slow(clock, 45.0)
    choices: dict[str, Any] = {"run": own, "k": 4, "workers": 1, "retrain": slow}
    choices |= {"sequential": sequential, "repeats": 4, "smallest": None}
    plan = wt.plan(wt.verify, trace, **choices)
    assert slow.trained == 0
    assert plan.most == 4 * 4 + 1
    assert plan.least == (3 * 4 + 1 if sequential else plan.most)
    assert (plan.seconds, plan.source) == (40.0, "the recorded training")
    found = wt.verify(trace, **choices).document()
    assert plan.least <= slow.trained == found["retrainings"] <= plan.most
    whole = plan.most_seconds if found["retrainings"] == plan.most else plan.least_seconds
    assert clock.now == pytest.approx(whole, rel=0.3)

    more = wt.plan(wt.verify, trace, **choices | {"k": 5})
    assert more.most == plan.most - 4 - 1
    assert more.source == "retrainings"
    assert more.seconds == pytest.approx(45, rel=0.1)
    before = clock.now
    wt.verify(trace, **choices | {"k": 5})
    assert clock.now - before == pytest.approx(more.most_seconds, rel=0.3)
    assert wt.plan(wt.verify, trace, **choices).most == 0


def test_the_workers_are_counted_round_by_round(own: wt.Run) -> None:
    """Seven models by two workers are four times one, not three and a half."""

    def lasting(rounds: list[int], workers: int) -> tuple[float | None, float | None]:
        found = Plan.of(own, Slow(None, 1.0), rounds, 1, [10.0, 8.0, 30.0], "processes", workers)
        return found.least_seconds, found.most_seconds

    assert lasting([7], 2) == (40.0, 40.0)
    assert lasting([3, 4, 4], 4) == (10.0, 30.0)
    on_cluster = Plan.of(own, Slow(None, 1.0), [3, 4], 2, [10.0], "ray", None)
    assert on_cluster.most_seconds == 70.0
    assert on_cluster.sentence() == (
        "7 models to train by Slow, as many at a time as there is room for on a Ray cluster; about "
        "10.0 s each: about 1.2 min one after the other."
    )


def test_trainings_that_share_the_cores_take_longer_than_the_recorded_one(own: wt.Run) -> None:
    """With half of the cores each, from as long to twice as long: the middle, as a factor."""
    command = Slow(None, 1.0, settings={"command": ["python", "train.py"]})

    def each(workers: int) -> float | None:
        return Plan.of(own, command, [4], 1, [], "processes", workers).seconds

    assert own.manifest.seconds == 40.0
    assert (each(1), each(4)) == (40.0, 80.0)


def test_the_plan_in_words(own: wt.Run) -> None:
    command = Slow(None, 1.0, settings={"command": ["python", "train.py", "{data}"]})
    said = Plan.of(own, command, [3, 12, 4], 2, [], "processes", 2).sentence()
    assert said == (
        "15 to 19 models to train by “python train.py '{data}'”, 2 at a time on this machine; "
        "about 56.6 s each, by what the recorded training took: about 7.5 min to 9.4 min."
    )
    unknown = replace(own.manifest, seconds=None)
    own.manifest = unknown
    plan = Plan.of(own, command, [3], 1, [], "processes", 1)
    assert plan.sentence() == (
        "3 models to train by “python train.py '{data}'”, one at a time in this process; how long "
        "that takes is known when the first is trained."
    )
    assert plan.timed(5400).lasting() == "about 4.5 h"
    nothing = Plan.of(own, command, [0], 1, [2.0], "processes", 1)
    assert nothing.sentence() == "Nothing is to be trained: all models are known from before."


def test_models_that_are_kept_are_counted_but_not_timed(
    elsewhere: Elsewhere, traced: wt.Trace
) -> None:
    """Another question of the same rows asks the models that are kept."""
    run = wt.Run.open(elsewhere.run)
    choices: dict[str, Any] = {"run": run, "retrain": elsewhere.command(), "workers": 1}
    choices |= {"remove": "proponents", "repeats": 2}
    first = wt.plan(wt.verify, traced, k=3, **choices)
    assert (first.most, first.kept) == (9, 0)
    wt.verify(traced, k=3, **choices)
    (run.path / LEDGER).unlink()
    kept = wt.plan(wt.verify, traced, k=4, **choices)
    assert (kept.least, kept.most, kept.kept) == (6, 6, 3)
    assert kept.sentence().startswith("3 of 9 models are kept from before; 6 models to train by")
    assert kept.most_seconds == pytest.approx(6 * kept.seconds)
    assert kept.document()["kept"] == 3
    known = wt.plan(wt.verify, traced, k=3, **choices)
    assert (known.most, known.kept, known.most_seconds) == (0, 9, 0)
    assert known.sentence() == "Nothing is to be trained: all models are known from before."


def test_once_a_training_was_timed_it_is_said_again(
    own: wt.Run,
    trace: wt.Trace,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WORDTRACE_PROGRESS", "1")
    choices: dict[str, Any] = {"run": own, "k": 4, "workers": 1, "repeats": 2}
    wt.verify(trace, retrain=Slow(clock, 80.0), **choices)
    said = capfd.readouterr().err
    assert "9 models to train by Slow, one at a time in this process; about 40.0 s each" in said
    assert any(f"One takes about 1.{tenth} min: about 12." in said for tenth in (3, 4))
    assert said.count("models to train") == said.count("One takes about") == 1
    wt.verify(trace, retrain=Slow(clock, 80.0), **choices)
    assert "to train" not in capfd.readouterr().err


def test_nothing_is_trained_where_nobody_said_yes(
    own: wt.Run, trace: wt.Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in a pipe, not with --json; and own trainings are not asked for."""
    trace.save(tmp_path / "trace.json")
    slow = Slow(None, 1.0)
    monkeypatch.setattr(HowTrained, "_retrainer", lambda how: slow if how.retrain else None)
    given = ("verify", tmp_path / "trace.json", "--run", own.path, "--k", 3, "--workers", 1)
    for further in ((), ("--json",)):
        refused = wordtrace(*given, "--retrain", "train", *further, status=2)
        assert refused.stderr.splitlines()[-1].endswith(
            "21 models would be trained by Slow, about 14.0 min; give --yes to train them, since "
            "nobody can be asked here."
        )
    assert slow.trained == 0
    shown = wordtrace(*given, "--retrain", "train", "--dry-run")
    assert shown.stdout.startswith("21 models to train by Slow, one at a time in this process;")
    planned = wordtrace(*given, "--retrain", "train", "--dry-run", "--json", "--sequential")
    document = json.loads(planned.stdout)
    assert (document["least"], document["most"]) == (13, 49)
    assert slow.trained == 0
    ours = json.loads(wordtrace(*given, "--json", "--repeats", 2).stdout)
    assert ours["retrainings"] == 8
    assert json.loads(wordtrace(*given, "--dry-run", "--json").stdout)["foreign"] is False


def test_a_study_that_trains_nothing_has_no_plan() -> None:
    with pytest.raises(wt.WordtraceError, match="repr trains nothing"):
        wt.plan(repr, 3)
    assert plans._ASK.get() is None


class Terminal:
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_user_is_asked(
    own: wt.Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = Plan.of(own, Slow(None, 1.0), [3], 1, [2.0], "processes", 1)
    asked: list[tuple[str, bool, bool]] = []
    monkeypatch.setattr(
        asking.typer, "confirm", lambda text, *, abort, err: asked.append((text, abort, err))
    )
    monkeypatch.setattr(asking.sys, "stdin", Terminal())
    monkeypatch.setattr(asking.sys.stderr, "isatty", lambda: True)
    quiet = {"yes": False, "dry_run": False, "as_json": False}
    asking.consent(plan, **quiet)
    assert asked == [("Train them?", True, True)]
    assert capfd.readouterr().err == f"{plan.sentence()}\n"
    asking.consent(plan, **quiet | {"yes": True})
    asking.consent(replace(plan, least=0, most=0), **quiet)
    asking.consent(replace(plan, foreign=False), **quiet)
    assert len(asked) == 1
    with pytest.raises(wt.WordtraceError, match="give --yes to train them"):
        asking.consent(plan, **quiet | {"as_json": True})
