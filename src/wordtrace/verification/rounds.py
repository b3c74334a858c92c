"""Training seed after seed until every target has its answer; what is shared is trained once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from wordtrace.retrainers.retrain import Retraining
from wordtrace.verification.changed_rows import Changed
from wordtrace.verification.design import Design
from wordtrace.verification.plan import Plan
from wordtrace.verification.retrainings import Retrainings

#: What the model of each seed predicted for the probes and for the held-out rows.
Answers = list[dict[str, Any]]
#: What is changed for one target: for each name, one change a seed.
Sets = dict[str, list[Changed]]


@dataclass
class Rounds:
    """The retrainings of a study, in rounds with a look after each.

    Attributes
    ----------
    seeds
        All that the design allows.
    sets
        For each target, what is changed. Models of all rows as they are are trained besides.
    results
        Each retraining's result, by its key.
    looks
        For each target, the numbers of seeds at which it was looked at.
    answers
        For each target, the answer that ended it (:meth:`.Design.answer`); None where it took all
        seeds.
    """

    retrainings: Retrainings
    design: Design
    seeds: Sequence[int]
    sets: Sequence[Sets]
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: list[list[int]] = field(init=False)
    answers: list[str | None] = field(init=False)

    def __post_init__(self) -> None:
        self.looks = [[] for _ in self.sets]
        self.answers = [None for _ in self.sets]

    def run(self, answer: Callable[[int, int], str | None], plan: Plan) -> None:
        """Train until every target has its answer, or all seeds are used.

        A round takes as many seeds as there are workers for. All that was trained is kept when it
        is interrupted: it goes on from there.

        Parameters
        ----------
        answer
            Given a target's place and a number of seeds that are trained, what they show.
        plan
            What was announced.
        """
        open_ones = list(range(len(self.sets)))
        count = 0
        while open_ones and count < len(self.seeds):
            count = self._next(open_ones, count, self.results.keys())
            wanted = {task.key: task for task in self.tasks(open_ones, count)}
            missing = [task for key, task in wanted.items() if key not in self.results]
            self.results |= self.retrainings.run(missing, plan=plan, begun=bool(self.results))
            for place in open_ones:
                self.looks[place].append(count)
                self.answers[place] = answer(place, count)
            open_ones = [place for place in open_ones if self.answers[place] is None]

    def planned(self, beside: Iterable[str]) -> list[list[Retraining]]:
        """Return what each round would train, if no target had its answer before.

        Parameters
        ----------
        beside
            The keys of retrainings that are done before the first round.
        """
        places, count, seen = range(len(self.sets)), 0, set(beside)
        found = []
        while count < len(self.seeds):
            count = self._next(places, count, seen)
            new = {task.key: task for task in self.tasks(places, count) if task.key not in seen}
            seen |= new.keys()
            found.append(list(new.values()))
        return found

    def _next(self, places: Sequence[int], count: int, seen: Set[str]) -> int:
        """Return how many seeds are trained at the next look."""
        if count < self.design.first:
            return self.design.first
        one_more = {task.key for task in self.tasks(places, count + 1)} - seen
        more = self.retrainings.at_once // max(1, len(one_more))
        return min(len(self.seeds), count + max(1, more))

    def tasks(self, places: Sequence[int], count: int) -> list[Retraining]:
        """Return the retrainings of some targets with the first `count` seeds."""
        found = self._of([Changed()] * count)
        for place in places:
            for changes in self.sets[place].values():
                found += self._of(changes[:count])
        return found

    def stopped(self, place: int) -> dict[str, Any]:
        """Return when a target was looked at, and what ended it, as JSON."""
        return {"looks": self.looks[place], "answer": self.answers[place]}

    @property
    def most(self) -> int:
        """The number of seeds of the target that took most."""
        return max(looks[-1] for looks in self.looks)

    def saved(self) -> int:
        """Return how many more models the same design without looks would have trained."""
        places = range(len(self.sets))
        return len({task.key for task in self.tasks(places, len(self.seeds))} - self.results.keys())

    def said(self, place: int, count: int) -> dict[str, Answers]:
        """Return what models of the first `count` seeds say.

        Those of all rows are "base"; the others are named as in a target's set of changes.
        """
        changed = {name: self._found(some[:count]) for name, some in self.sets[place].items()}
        return {"base": self._found([Changed()] * count), **changed}

    def _found(self, changes: Sequence[Changed]) -> Answers:
        return [self.results[task.key] for task in self._of(changes)]

    def _of(self, changes: Sequence[Changed]) -> list[Retraining]:
        return [
            self.retrainings.task(seed, one.removed, one.relabelled)
            for seed, one in zip(self.seeds, changes, strict=False)
        ]
