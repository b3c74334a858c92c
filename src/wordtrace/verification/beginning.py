"""What every study begins with: its plan, and whether a training that is not ours repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wordtrace.retrainers.retrain import Retraining
from wordtrace.retrainers.retrainer import is_foreign
from wordtrace.verification.plan import Plan, announce
from wordtrace.verification.repeatability import Repeatability, repeatability, trials
from wordtrace.verification.retrainings import Retrainings
from wordtrace.verification.store import Store


@dataclass(frozen=True)
class Begun:
    """A study whose plan was announced.

    Attributes
    ----------
    plan
        With the time that a training takes, as far as that is known now.
    repeats
        How far a training that is not ours repeats; None of the library's own.
    results
        Of the models of all rows that were trained to find that out, by their keys.
    """

    plan: Plan
    repeats: Repeatability | None = None
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def paired(self) -> bool:
        """Whether the models of a seed can be compared as a pair."""
        return self.repeats is None or self.repeats.paired

    def told(self) -> dict[str, Any]:
        """Return what a result's document says of the training."""
        return {} if self.repeats is None else {"repeatability": self.repeats.document()}


def tried(retrainings: Retrainings, seeds: Sequence[int]) -> list[str]:
    """Return the keys of the models of all rows that are trained before a study's first round."""
    if not is_foreign(retrainings.retrainer):
        return []
    return [retrainings.task(seed).key for seed in seeds[:2]]


def begin(
    retrainings: Retrainings,
    seeds: Sequence[int],
    rounds: Sequence[Sequence[Retraining]],
    surely: int = 1,
    *,
    needs_seeds: bool = True,
    expects: str = "",
) -> Begun:
    """Announce what a whole study trains, then find out whether its training repeats.

    Parameters
    ----------
    seeds
        Those of the study; a training that is not ours is tried out with the first two.
    rounds
        All that the study may train, in the order in which it does. What is done before, to try out
        a training, is counted besides.
    surely
        How many of the rounds are done in any case.
    needs_seeds
        Whether models of different seeds have to differ.
    expects
        What the plan says of how much all that will show.

    Raises
    ------
    InputError
        As of :func:`.repeatability`.
    """
    run, retrainer = retrainings.on, retrainings.retrainer
    if hasattr(retrainer, "check"):  # such as a tail patch, which can't leave out most rows
        retrainer.check(run, max((_changed(task) for some in rounds for task in some), default=0))
    foreign = is_foreign(retrainer)
    seen = set(tried(retrainings, seeds))
    new: list[list[Retraining]] = [trials(retrainings, seeds)] if foreign else []
    surely += len(new)
    for one in rounds:
        new.append([task for task in {task.key: task for task in one}.values()
                    if task.key not in seen])  # fmt: skip
        seen |= {task.key for task in one}
    # Such as a replay, which proves itself by one training.
    proving = bool(getattr(retrainer, "trains_first", lambda run: False)(run))
    with Store(run.path) as store:
        plan = retrainings.planned(new, surely, store, proving=proving)
    plan = replace(plan, expects=expects)
    announce(plan)
    if not foreign:
        return Begun(plan)
    repeats, results = repeatability(retrainings, seeds, plan, needs_seeds=needs_seeds)
    return Begun(
        plan.timed(min(float(one["seconds"]) for one in results.values())), repeats, results
    )


def _changed(task: Retraining) -> int:
    """Return how many rows a retraining changes."""
    rows = {row for row, _ in (*task.relabelled, *task.blanked)}
    return len(rows.union(task.removed))
