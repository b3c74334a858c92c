"""Results are found again by what was trained, whatever else is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wordtrace import api
from wordtrace.errors import NumericalError, WordtraceError
from wordtrace.retrainers import own
from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrain import Retraining
from wordtrace.retrainers.retrainer import Retrainer
from wordtrace.verification import tasks
from wordtrace.verification.store import Store

TASK = Retraining("run", "f", 3, (1, 4), (("a", None), ("b", None)))
RESULT = {"probabilities": [[0.25, 0.75], [0.5, 0.5]], "accuracy": 0.5, "seconds": 1.0}


def test_a_result_answers_all_who_ask_part_of_it(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.record(TASK, RESULT)
    with Store(tmp_path) as store:
        assert store.get(TASK) == RESULT
        assert store.get(replace(TASK, run="moved")) == RESULT
        fewer = store.get(replace(TASK, probes=(("b", None),)))
        assert fewer is not None
        assert fewer["probabilities"] == [[0.5, 0.5]]
        assert fewer["accuracy"] == 0.5
        assert store.get(replace(TASK, probes=(("b", None), ("c", None)))) is None
        assert store.get(replace(TASK, probes=(("b", "second"),))) is None
        for other in ({"seed": 4}, {"removed": (1,)}, {"relabelled": ((1, 0),)}):
            assert store.get(replace(TASK, **other)) is None
        more = replace(TASK, probes=(("c", None),))
        store.record(more, {**RESULT, "probabilities": [[0.125, 0.875]]})
        both = store.get(replace(TASK, probes=(("c", None), ("a", None))))
        assert both is not None
        assert both["probabilities"] == [[0.125, 0.875], [0.25, 0.75]]


def test_what_can_not_be_trained_is_told_at_the_end(
    run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = (("goal of the season", None),)
    wanted = [Retraining(str(run.path), run.fingerprint, seed, (7,), probes) for seed in range(4)]
    real = tasks.retrain

    def sick(task: Retraining, retrainer: Retrainer) -> dict:
        if task.seed == 1:
            raise NumericalError("the loss is nan.")
        return real(task, retrainer)

    monkeypatch.setattr(tasks, "retrain", sick)
    with pytest.raises(WordtraceError, match=r"^1 of 4 retrainings .* seed 1 and 1 rows .* nan"):
        tasks.run_tasks(run, wanted, own_retrainer(run, "verify"), 1)
    with Store(run.path) as store:
        assert [store.get(task) is None for task in wanted] == [False, True, False, False]
    monkeypatch.setattr(tasks, "retrain", real)
    assert len(tasks.run_tasks(run, wanted, own_retrainer(run, "verify"), 1)) == 4


def test_a_model_broken_by_its_last_step_is_an_error_not_a_result(
    run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every loss was finite, the last update was not: no NaN reaches the store."""
    real = own.refit

    def broken(*arguments: Any) -> Any:
        flat = real(*arguments)
        flat.weights.fill_(float("nan"))
        return flat

    monkeypatch.setattr(own, "refit", broken)
    task = Retraining(str(run.path), run.fingerprint, 41, (), (("goal of the season", None),))
    failed: dict[int, str] = {}
    assert tasks.run_tasks(run, [task], own_retrainer(run, "verify"), 1, failed=failed) == {}
    assert "scores are not finite" in failed[41]
    with Store(run.path) as store:
        assert store.get(task) is None


def test_a_result_without_held_out_rows_answers_those_who_ask_for_none(tmp_path: Path) -> None:
    alone, unjudged = replace(TASK, held_out=False), {**RESULT, "accuracy": None, "held_out": False}
    with Store(tmp_path) as store:
        store.record(alone, unjudged)
        assert store.get(alone) == unjudged
        assert store.get(TASK) is None
        assert store.get(replace(TASK, probes=TASK.probes[:1])) is None
        fewer = store.get(replace(alone, probes=TASK.probes[1:]))
        assert fewer is not None
        assert fewer["probabilities"] == [[0.5, 0.5]]
        # The same training, asked for more, is kept beside it.
        store.record(TASK, RESULT)
        assert store.get(TASK) == RESULT
        assert store.get(alone) == RESULT
        part = store.get(replace(TASK, probes=TASK.probes[:1]))
        assert part is not None
        assert part["accuracy"] == 0.5


def test_only_a_study_that_shows_the_held_out_rows_asks_for_them(
    run: api.Run, index: api.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = tasks.retrain

    def watched(task: Retraining, retrainer: Retrainer) -> dict:
        asked.append(task.held_out)
        result = real(task, retrainer)
        assert (result["accuracy"] is not None) == task.held_out
        return result

    monkeypatch.setattr(tasks, "retrain", watched)
    two = index.trace(["the goal of a coach", "a price of debt and trade"], top=9)
    given: dict[str, Any] = {"k": 3, "repeats": 2, "workers": 1, "index": index}
    assert api.verify(two, **given).document()["held_out"] is None
    api.evaluate(run, 1, measures=["bm25"], lds=0, k=[3], repeats=2, workers=1)
    assert not any(asked)
    del asked[:]
    one = index.trace("the goal of a coach", top=9)
    assert api.verify(one, **given).document()["held_out"]["rows"] == len(run.held_out)
    assert all(asked)
    assert asked
