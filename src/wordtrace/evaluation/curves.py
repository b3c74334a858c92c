"""The deletion curves of a study: which queries, what is trained for them, and more seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wordtrace.errors import WordtraceError
from wordtrace.evaluation.candidates import Sign
from wordtrace.evaluation.checks import check_removals
from wordtrace.evaluation.deletion import Deletion, Effects, FloatArray, SeedAndRows, auc
from wordtrace.evaluation.document import bound_of, figures
from wordtrace.evaluation.models import Models
from wordtrace.measures.protocol import Scores
from wordtrace.statistics import crossed
from wordtrace.verification.removal import IntArray, Pool


@dataclass(eq=False)
class Curves:
    """Deletion curves of some of a study's queries.

    Attributes
    ----------
    places
        int64: which of the queries.
    matrices
        The scores of these queries by measure, float32, shape (queries, rows).
    repeats
        How many seeds each removal is retrained with.
    width, most
        How narrow intervals shall be, and the most seeds for that; None: seeds are not added.
    spread
        What an effect may be as large as (:func:`.document.bound_of`).
    dropped
        The seeds that could not be trained.
    """

    models: Models
    places: IntArray
    matrices: Mapping[str, Scores]
    signs: Sequence[Sign]
    repeats: int
    width: float | None
    most: int
    spread: float
    study: Deletion
    dropped: list[int] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        pool: Pool,
        models: Models,
        places: IntArray,
        matrices: Mapping[str, Scores],
        sizes: Sequence[int],
        signs: Sequence[Sign],
        seeds: Sequence[int],
        repeats: int,
        width: float | None,
        most: int,
        spread: float,
    ) -> Curves:
        """Take up every measure's rows; nothing is trained yet.

        Raises
        ------
        InputError
            Where a removal would leave a label without examples.
        """

        def solve(trainings: Sequence[SeedAndRows]) -> dict[SeedAndRows, FloatArray]:
            return {one: values[places] for one, values in models(trainings).items()}

        few = {name: matrix[places] for name, matrix in matrices.items()}
        study = Deletion(pool, models.asked.labels[places], sizes, seeds, solve)
        for name, matrix in few.items():
            study.add(name, matrix, repeats, signs)
        check_removals(study)
        return cls(models, places, few, signs, repeats, width, most, spread, study)

    def rounds(self) -> list[list[SeedAndRows]]:
        """Return what is trained in any case, and what may be trained where intervals are wide."""
        further = [] if self.width is None else [self.study.trainings(self.most)]
        return [self.study.trainings(), *further]

    def train(self, *, paired: bool) -> Mapping[tuple[str, Sign], Effects]:
        """Train all, and more seeds where intervals are wide.

        Parameters
        ----------
        paired
            Whether the models of a seed share a part of their chance.

        Raises
        ------
        WordtraceError
            When fewer than two seeds are left.
        """
        self.study.paired = paired
        self._more()
        while self.width is not None and (widest := self._widest()):
            self.study.extend(widest, min(self.most, self.study.lines[widest].seeds + 2))
            self._more()
        return self.study.effects()

    def told(self, effects: Mapping[tuple[str, Sign], Effects]) -> dict[str, Any]:
        """Return what they show, as JSON."""
        study, failed = self.study, self.models.failed
        return {
            "k": study.sizes,
            "seeds": study.seeds,
            "repeats": {f"{name} {sign}": line.seeds for (name, sign), line in study.lines.items()},
            "dropped": [{"seed": one, "reason": failed[one]} for one in sorted(set(self.dropped))],
            "deleted": self.places.tolist(),
            **figures(study, effects, self.matrices, self.signs, self.spread),
        }

    def _more(self) -> None:
        self.study.train()
        self.dropped += self.study.drop(set(self.models.failed))
        if min(line.seeds for line in self.study.lines.values()) < 2:
            failed = self.models.failed
            raise WordtraceError(
                f"fewer than two seeds are left: {len(failed)} could not be trained "
                f"({next(iter(failed.values()))})"
            )

    def _widest(self) -> tuple[str, Sign] | None:
        found: list[tuple[float, tuple[str, Sign]]] = []
        for key, one in self.study.effects().items():
            area = crossed.mean(auc(one.named), bound_of(one.named, self.spread))
            if self.study.lines[key].seeds < min(self.most, len(self.study.seeds)):
                found.append((area.seeds_high - area.seeds_low, key))
        if not found:
            return None
        widest, key = max(found, key=lambda pair: pair[0])
        return key if self.width is not None and widest > self.width else None


def none_told(measures: Sequence[str]) -> dict[str, Any]:
    """Return the same of a study without deletion curves."""
    return {
        "k": [],
        "seeds": [],
        "repeats": {},
        "dropped": [],
        "deleted": [],
        "removed": {},
        "measures": {name: {} for name in measures},
        "controls": {},
        "comparisons": [],
        "leave_out": [],
        "efficiency": [],
    }
