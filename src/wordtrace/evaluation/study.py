"""Deletion curves of several measures on a run, by retraining (section 2.2)."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from wordtrace.act.judge import judge, marks
from wordtrace.asking.asker import Asker
from wordtrace.asking.own import self_influence
from wordtrace.data.examples import Examples
from wordtrace.errors import WordtraceError
from wordtrace.evaluation.agreement import datamodel, halves_trained
from wordtrace.evaluation.candidates import SIGNS, Sign, least_overlap
from wordtrace.evaluation.checks import check_choices, check_removals, check_scores
from wordtrace.evaluation.deletion import Deletion, auc
from wordtrace.evaluation.document import about, bound_of, figures
from wordtrace.evaluation.models import Models
from wordtrace.evaluation.queries import pick
from wordtrace.evaluation.result import FORMAT, VERSION, Evaluation
from wordtrace.execute.protocol import Executor
from wordtrace.measures.protocol import Scores
from wordtrace.results.result import told
from wordtrace.retrainers.choice import Retrain, retrainer_for
from wordtrace.retrainers.outcomes import measured
from wordtrace.retrainers.retrainer import look_of
from wordtrace.run.run import Run
from wordtrace.statistics import crossed
from wordtrace.verification.beginning import Begun
from wordtrace.verification.removal import pool_of
from wordtrace.verification.retrainings import Retrainings, probes_of, seeds_of

#: What is compared by default; a language model has no last layer of its own for the second.
MEASURES = ("tracin-we-topk", "tracin-last", "bm25", "embedding-similarity")
#: Seeds of the model of all rows for each seed of a removal: all queries and measures share them.
_BASES = 4
_FEWEST_BASES = 20


def evaluate(
    run: Run,
    queries: Examples | int = 20,
    *,
    measures: Sequence[str] | None = None,
    scores: Mapping[str, Scores] | None = None,
    k: Sequence[int] = (10, 50, 100),
    repeats: int = 5,
    signs: Sequence[str] = SIGNS,
    only: str = "all",
    balanced: bool = False,
    seed: int = 0,
    candidates: int | None = None,
    width: float | None = None,
    max_repeats: int = 40,
    lds: int = 0,
    wrong: Collection[str] | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    retrain: Retrain | None = None,
    **options: Any,
) -> Evaluation:
    """Leave out the rows that each measure names, retrain, and see how predictions change.

    Parameters
    ----------
    queries
        Texts with labels, or the number of held-out rows to draw. A model that gives numbers is
        asked what makes each number higher; a language model for the answers that are given.
    measures
        Names of measures; None for :data:`MEASURES`, as far as the model has them.
    scores
        Matrices of other tools by name, float32, shape (queries, examples); positive for
        proponents. With them, `queries` must be texts.
    k
        The numbers of rows to leave out.
    repeats
        The number of seeds for each retraining.
    only, balanced, seed
        How to choose queries; see :func:`.queries.pick`.
    candidates
        A measure may name only this many training texts for a query: those with the least TF-IDF
        overlap.
    width
        Repeat adaptively: the measure with the widest interval (over seeds) gets more seeds, until
        all intervals of an area under the curve are this narrow, or it has `max_repeats`.
    lds
        Also compute the linear datamodeling score over this many random halves; 0 does not.
    wrong
        Ids of training rows that are known to be mislabelled: also tell how well each measure's
        self-influence finds them. Measures other than TracIn-WE score each two training rows for
        that; matrices of other tools have none.
    retrain
        What trains instead of the run's own training; as for :func:`wordtrace.verify`.
    **options
        Options of the measures: the fields of :class:`Options`.

    Raises
    ------
    InputError
        For wrong sizes, fewer than two repeats, an unknown measure, or scores of another shape.
    """
    given = dict(scores or {})
    if measures is None:
        measures = [name for name in MEASURES if not (run.generates and name == "tracin-last")]
    sizes = check_choices(run, k, repeats, signs, measures, given, queries, width, max_repeats, lds)
    start = time.perf_counter()
    retrainer = retrainer_for(run, retrain, "evaluate", executor)
    marked = None if wrong is None else marks(run.train, wrong)
    asked = pick(run, queries, only=only, balanced=balanced, seed=seed)
    allowed = None if candidates is None else least_overlap(run.train, asked, candidates)
    models = Models(
        Retrainings(
            *(run, probes_of(asked), retrainer, workers, executor, address), held_out=False
        ),
        asked,
    )
    most = repeats if width is None else max_repeats
    seeds = seeds_of(run, max(_BASES * repeats, _FEWEST_BASES, most))
    wanted = cast(Sequence[Sign], signs)  # checked above
    study = Deletion(pool_of(run), asked.labels, sizes, seeds, models)
    asker = Asker(run)
    matrices = _matrices(asker, asked, measures, given, options)
    if allowed is not None:
        matrices = {name: matrix * allowed for name, matrix in matrices.items()}
    for name, matrix in matrices.items():
        study.add(name, matrix, repeats, wanted)
    check_removals(study)
    spread = float(np.ptp(run.train.labels)) if measured(run) == "number" else 1.0
    begun = _begin(study, models, repeats, None if width is None else max_repeats, lds)
    dropped = _train(study, models.failed, width, max_repeats, spread)
    halves = [] if lds == 0 else datamodel(study, matrices, lds, repeats)
    judged = None if marked is None else _found(asker, measures, marked, options)
    effects = study.effects()
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        **told(run.misread, look_of(retrainer)),
        **begun.told(),
        "examples": len(run.train),
        "k": sizes,
        "seeds": study.seeds,
        "repeats": {f"{name} {sign}": line.seeds for (name, sign), line in study.lines.items()},
        "dropped": [{"seed": one, "reason": models.failed[one]} for one in dropped],
        "only": only,
        "balanced": balanced,
        "least_overlap": candidates,
        "measured": measured(run),
        "retrainings": models.trained,
        "seconds": time.perf_counter() - start,
        "queries": about(study, asked),
        **figures(study, effects, matrices, wanted, halves, judged, spread),
    }
    return Evaluation(document, asked, effects)


def _matrices(
    asker: Asker,
    asked: Examples,
    measures: Sequence[str],
    given: Mapping[str, Scores],
    options: Mapping[str, Any],
) -> dict[str, Scores]:
    """Return the scores of each measure, then those given, float32, (queries, examples)."""
    question = asker.queries(asked)
    found: dict[str, Scores] = {
        name: asker.ask(question, name, **options).scores() for name in measures
    } | dict(given)
    for name, matrix in found.items():
        found[name] = np.asarray(matrix, np.float32)
        check_scores(name, found[name], len(asked), len(asker.run.train))
    return found


def _begin(study: Deletion, models: Models, repeats: int, most: int | None, lds: int) -> Begun:
    """Announce all trainings: the first ones, those of random halves, and seeds more for some."""
    surely = [study.trainings()]
    if lds:
        surely.append(halves_trained(study, lds, repeats))
    further = [] if most is None else [study.trainings(most)]
    begun = models.begin(study.seeds, [*surely, *further], len(surely))
    study.paired = begun.paired
    return begun


def _train(
    study: Deletion, failed: Mapping[int, str], width: float | None, most: int, spread: float
) -> list[int]:
    """Train all, and more seeds where intervals are wide; return the seeds that were dropped."""
    study.train()
    dropped = study.drop(set(failed))
    _require_two(study, failed)
    while width is not None and (widest := _widest(study, width, most, spread)):
        study.extend(widest, min(most, study.lines[widest].seeds + 2))
        study.train()
        dropped += study.drop(set(failed))
        _require_two(study, failed)
    return sorted(set(dropped))


def _found(
    asker: Asker,
    measures: Sequence[str],
    marked: npt.NDArray[np.bool_],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return how well each measure's self-influence finds the rows that are marked as wrong."""
    own = {name: self_influence(asker, name, **options).astype(np.float64) for name in measures}
    return judge(own, marked)


def _widest(study: Deletion, width: float, most: int, spread: float) -> tuple[str, Sign] | None:
    found: list[tuple[float, tuple[str, Sign]]] = []
    for key, one in study.effects().items():
        area = crossed.mean(auc(one.named), bound_of(one.named, spread))
        if study.lines[key].seeds < min(most, len(study.seeds)):
            found.append((area.seeds_high - area.seeds_low, key))
    if not found:
        return None
    widest, key = max(found, key=lambda pair: pair[0])
    return key if widest > width else None


def _require_two(study: Deletion, failed: Mapping[int, str]) -> None:
    if min(line.seeds for line in study.lines.values()) < 2:
        raise WordtraceError(
            f"fewer than two seeds are left: {len(failed)} could not be trained "
            f"({next(iter(failed.values()))})"
        )
