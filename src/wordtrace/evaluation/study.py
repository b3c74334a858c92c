"""Measures of a run compared by retraining: the linear datamodeling score, then deletion."""

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
from wordtrace.errors import InputError, option
from wordtrace.evaluation.candidates import SIGNS, Sign, least_overlap
from wordtrace.evaluation.causes import marked as causes_marked
from wordtrace.evaluation.causes import recalled
from wordtrace.evaluation.checks import check_choices, check_scores
from wordtrace.evaluation.curves import Curves, none_told
from wordtrace.evaluation.document import about
from wordtrace.evaluation.halves import Halves, draw
from wordtrace.evaluation.lds import datamodel
from wordtrace.evaluation.models import Models
from wordtrace.evaluation.precision import sentence
from wordtrace.evaluation.queries import few, pick
from wordtrace.evaluation.result import FORMAT, VERSION, Evaluation
from wordtrace.evaluation.truth import ask, trainings
from wordtrace.execute.protocol import Executor
from wordtrace.measures.protocol import Scores
from wordtrace.results.result import told
from wordtrace.retrainers.choice import Retrain, retrainer_for
from wordtrace.retrainers.outcomes import measured
from wordtrace.retrainers.retrainer import look_of
from wordtrace.run.run import Run
from wordtrace.verification.beginning import Begun
from wordtrace.verification.removal import IntArray, pool_of
from wordtrace.verification.retrainings import Retrainings, probes_of, seeds_of

#: What is compared by default; a language model has no last layer of its own for the second.
MEASURES = ("tracin-we-idf", "tracin-last", "bm25", "embedding-similarity")
#: Seeds of the model of all rows for each seed of a removal: all queries and measures share them.
_BASES = 4
_FEWEST_BASES = 20
#: How many queries there are by default: of a score of halves, and of deletion curves.
_QUERIES, _FEW = 500, 20


def evaluate(
    run: Run,
    queries: Examples | int | None = None,
    *,
    measures: Sequence[str] | None = None,
    scores: Mapping[str, Scores] | None = None,
    lds: int = 100,
    halves: str = "stratified",
    repeats: int = 3,
    k: Sequence[int] = (),
    k_queries: int | None = None,
    signs: Sequence[str] = SIGNS,
    only: str = "all",
    balanced: bool = False,
    seed: int = 0,
    candidates: int | None = None,
    width: float | None = None,
    max_repeats: int = 40,
    wrong: Collection[str] | None = None,
    causes: Mapping[str, Collection[str]] | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    retrain: Retrain | None = None,
    **options: Any,
) -> Evaluation:
    """Train on random halves of the rows, and see which measure foretells what models then say.

    Parameters
    ----------
    queries
        Texts with labels, or the number of held-out rows to draw; by default all of them, up to
        500 (20 with `lds` 0). A model that gives numbers is asked what makes each number higher; a
        language model for the answers that are given.
    measures
        Names of measures; None for :data:`MEASURES`, as far as the model has them.
    scores
        Matrices of other tools by name, float32, shape (queries, examples); positive for
        proponents. With them, `queries` must be texts.
    lds
        Compute the linear datamodeling score over this many random halves; 0 does not.
    halves
        "stratified": each half has half of the rows of each class, or of what else rows are alike
        by (:func:`.halves.draw`). "plain": half of all rows; then what the counts of each class
        tell is taken out, and the figure with it is shown beside.
    repeats
        The number of seeds for each retraining; with 1 the truth's reliability is not known, and
        there are no deletion curves.
    k
        Also make deletion curves: the numbers of rows to leave out.
    k_queries
        For how many of the queries, drawn from them; by default 20, or all with `lds` 0.
    only, balanced, seed
        How to choose queries; see :func:`.queries.pick`. `seed` draws the halves, too.
    candidates
        A measure may name only this many training texts for a query: those with the least TF-IDF
        overlap.
    width
        Repeat adaptively: the measure with the widest interval (over seeds) gets more seeds, until
        all intervals of an area under the curve are this narrow, or it has `max_repeats`.
    wrong
        Ids of training rows that are known to be mislabelled: also tell how well each measure's
        self-influence finds them. Measures other than TracIn-WE score each two training rows for
        that; matrices of other tools have none.
    causes
        By a query's id: ids of training rows that are known to have caused what the model says of
        it, such as planted ones. Also tell how well each measure finds them.
    retrain
        What trains instead of the run's own training; as for :func:`wordtrace.verify`.
    **options
        Options of the measures: the fields of :class:`Options`.

    Raises
    ------
    InputError
        For wrong sizes, too few repeats, an unknown measure, or scores of another shape.
    """
    given = dict(scores or {})
    if measures is None:
        measures = [name for name in MEASURES if not (run.generates and name == "tracin-last")]
    sizes = check_choices(
        *(run, k, repeats, signs, measures, given, queries, width, max_repeats, lds, halves),
        k_queries,
    )
    start = time.perf_counter()
    retrainer = retrainer_for(run, retrain, "evaluate", executor)
    marked = None if wrong is None else marks(run.train, wrong)
    most = _QUERIES if lds else _FEW
    asked = pick(run, queries, only=only, balanced=balanced, seed=seed, most=most)
    drawn = draw(pool_of(run), lds, seed, stratified=halves == "stratified") if lds else None
    known = None if causes is None else causes_marked(run.train, asked, causes)
    asker = Asker(run)
    matrices = _matrices(asker, asked, measures, given, options, candidates)
    retrainings = Retrainings(
        *(run, probes_of(asked), retrainer, workers, executor, address), held_out=False
    )
    models = Models(retrainings, asked)
    if k_queries is not None and k_queries > len(asked):
        raise InputError(
            f"there are only {len(asked):,} queries; {option('k_queries')} is {k_queries:,}."
        )
    curves = None
    if sizes:
        places = few(
            asked, k_queries or (_FEW if lds else len(asked)), balanced=balanced, seed=seed
        )
        chosen = cast(Sequence[Sign], signs)  # checked above
        curves = _curves(run, models, places, matrices, sizes, chosen, repeats, width, max_repeats)
    seeds = seeds_of(run, repeats)
    begun = _begin(run, models, drawn, seeds, curves)
    truth = None if drawn is None else ask(models, drawn, seeds, generates=run.generates)
    effects = None if curves is None else curves.train(paired=begun.paired)
    base = None if curves is None else curves.study.base().mean(1)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        **({} if run.trainings == 1 else {"trainings": run.trainings}),
        **told(run.misread, look_of(retrainer)),
        **begun.told(),
        "examples": len(run.train),
        "only": only,
        "balanced": balanced,
        "least_overlap": candidates,
        "measured": measured(run),
        "lds": None if truth is None else datamodel(truth, matrices),
        **(none_told(list(matrices)) if curves is None else curves.told(effects or {})),
        "mislabelled": None if marked is None else _found(asker, measures, marked, options),
        "causes": None if known is None else recalled(known, matrices),
        "retrainings": models.trained,
        "queries": about(asked, base, [] if curves is None else curves.places.tolist(), truth),
        "seconds": time.perf_counter() - start,
    }
    return Evaluation(document, asked, effects, truth)


def _curves(
    run: Run,
    models: Models,
    places: IntArray,
    matrices: Mapping[str, Scores],
    sizes: Sequence[int],
    signs: Sequence[Sign],
    repeats: int,
    width: float | None,
    most: int,
) -> Curves:
    """Take up the rows that are left out for deletion curves."""
    # Models of all rows are trained with all of these seeds.
    count = max(_BASES * repeats, _FEWEST_BASES, 0 if width is None else most)
    spread = float(np.ptp(run.train.labels)) if measured(run) == "number" else 1.0
    return Curves.of(
        *(pool_of(run), models, places, matrices, sizes, signs),
        *(seeds_of(run, count), repeats, width, most, spread),
    )


def _matrices(
    asker: Asker,
    asked: Examples,
    measures: Sequence[str],
    given: Mapping[str, Scores],
    options: Mapping[str, Any],
    candidates: int | None,
) -> dict[str, Scores]:
    """Return the scores of each measure, then those given, float32, (queries, examples)."""
    train = asker.run.train
    allowed = None if candidates is None else least_overlap(train, asked, candidates)
    question = asker.queries(asked)
    found: dict[str, Scores] = {
        name: asker.ask(question, name, **options).scores() for name in measures
    } | dict(given)
    for name, matrix in found.items():
        found[name] = np.asarray(matrix, np.float32)
        check_scores(name, found[name], len(asked), len(train))
        if allowed is not None:
            found[name] = found[name] * allowed
    return found


def _begin(
    run: Run, models: Models, drawn: Halves | None, seeds: Sequence[int], curves: Curves | None
) -> Begun:
    """Announce all trainings: those of random halves, those of curves, and seeds more for some."""
    rounds = [] if drawn is None else [trainings(drawn, seeds)]
    surely = len(rounds) + (curves is not None)
    rounds += [] if curves is None else curves.rounds()
    expects = "" if drawn is None else sentence(len(models.asked), len(drawn))
    first = seeds_of(run, max(2, len(seeds)))  # of which a foreign training is tried out with two
    return models.begin(first, rounds, surely, expects)


def _found(
    asker: Asker,
    measures: Sequence[str],
    marked: npt.NDArray[np.bool_],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return how well each measure's self-influence finds the rows that are marked as wrong."""
    own = {name: self_influence(asker, name, **options).astype(np.float64) for name in measures}
    return judge(own, marked)
