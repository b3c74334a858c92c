"""Deletion curves of several measures on a run, by retraining (section 2.2)."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.act.judge import judge, marks
from wordtrace.asking.asker import Asker
from wordtrace.asking.own import self_influence
from wordtrace.data.examples import Examples
from wordtrace.errors import WordtraceError
from wordtrace.evaluation import statistics
from wordtrace.evaluation.agreement import datamodel, leave_out
from wordtrace.evaluation.candidates import SIGNS, Sign, least_overlap
from wordtrace.evaluation.checks import check_choices, check_removals, check_scores
from wordtrace.evaluation.deletion import Deletion, Effects, FloatArray, Training
from wordtrace.evaluation.efficiency import efficiency
from wordtrace.evaluation.queries import pick
from wordtrace.evaluation.result import FORMAT, VERSION, Evaluation
from wordtrace.execute.protocol import Executor
from wordtrace.measures.protocol import Scores
from wordtrace.run.run import Run
from wordtrace.verification.retrain import Retraining
from wordtrace.verification.tasks import run_tasks, seeds_of

#: Seeds of the model of all rows for each seed of a removal: all queries and measures share them.
_BASES = 4
_FEWEST_BASES = 20


def evaluate(
    run: Run,
    queries: Examples | int = 20,
    *,
    measures: Sequence[str] = ("tracin-we-topk", "tracin-last", "bm25", "embedding-similarity"),
    scores: Mapping[str, Scores] | None = None,
    k: Sequence[int] = (10, 50, 100),
    repeats: int = 5,
    signs: Sequence[Sign] = SIGNS,
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
    **options: Any,
) -> Evaluation:
    """Leave out the rows that each measure names, retrain, and tell what the model then says.

    Parameters
    ----------
    queries
        Texts with labels, or how many to draw from the held-out rows.
    scores
        Matrices of other tools by name, float32, shape (queries, examples); positive for
        proponents. With them `queries` must be texts.
    k
        Sizes of what is left out.
    repeats
        Seeds of each retraining.
    only, balanced, seed
        Of the choice of queries: :func:`.queries.pick`.
    candidates
        Only so many training texts, those of least TF-IDF overlap with the query, may be named.
    width
        Adaptive: give the measure with the widest interval (over seeds) more seeds, until all
        intervals of an area under the curve are this narrow, or it has `max_repeats`.
    lds
        Also give the linear datamodeling score, over so many random halves; 0: don't.
    wrong
        Ids of training rows that are known to be mislabelled: also tell how well each measure's
        self-influence finds them. Measures other than TracIn-WE score each two training rows for
        that; matrices of other tools have none.
    **options
        Of the measures: the fields of :class:`Options`.

    Raises
    ------
    InputError
        For wrong sizes, fewer than two repeats, an unknown measure, or scores of another shape.
    """
    given = dict(scores or {})
    sizes = check_choices(run, k, repeats, signs, measures, given, queries, width, max_repeats, lds)
    start = time.perf_counter()
    marked = None if wrong is None else marks(run.train, wrong)
    asked = pick(run, queries, only=only, balanced=balanced, seed=seed)
    allowed = None if candidates is None else least_overlap(run.train, asked, candidates)
    seeds = seeds_of(
        run, max(_BASES * repeats, _FEWEST_BASES, repeats if width is None else max_repeats)
    )
    probes = tuple(
        (text, None if asked.texts2 is None else asked.texts2[place])
        for place, text in enumerate(asked.texts)
    )
    trained = 0
    failed: dict[int, str] = {}

    def solve(trainings: Sequence[Training]) -> dict[Training, FloatArray]:
        nonlocal trained
        tasks = {
            one: Retraining(str(run.path), run.fingerprint, one[0], one[1], probes)
            for one in trainings
        }
        trained += len(tasks)
        results = run_tasks(
            run, list(tasks.values()), workers, executor=executor, address=address, failed=failed
        )
        nothing = {"probabilities": np.full((len(asked), len(run.label_names)), np.nan)}
        return {
            one: np.asarray(results.get(task.key, nothing)["probabilities"])[
                np.arange(len(asked)), asked.labels
            ]
            for one, task in tasks.items()
        }

    study = Deletion(run.train.labels, asked.labels, sizes, seeds, solve)
    asker = Asker(run)
    question = asker.queries(asked)
    for name in measures:
        given[name] = asker.ask(question, name, **options).scores()
    matrices: dict[str, Scores] = {}
    for name in [*measures, *(one for one in given if one not in measures)]:
        matrix = np.asarray(given[name], np.float32)
        check_scores(name, matrix, len(asked), len(run.train))
        matrices[name] = matrix if allowed is None else matrix * allowed
        study.add(name, matrices[name], repeats, signs)
    check_removals(run, study)
    study.train()
    dropped = study.drop(set(failed))
    _require_two(study, failed)
    while width is not None and (widest := _widest(study, width, max_repeats)):
        study.extend(widest, min(max_repeats, study.lines[widest].seeds + 2))
        study.train()
        dropped += study.drop(set(failed))
        _require_two(study, failed)
    halves = [] if lds == 0 else datamodel(study, matrices, lds, repeats)
    judged = None if marked is None else _found(asker, measures, marked, options)
    effects = study.effects()
    outcomes = {key: study.outcomes(key) for key in study.lines}
    base = study.base().mean(1)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        "examples": len(run.train),
        "k": sizes,
        "seeds": study.seeds,
        "repeats": {_key(key): line.seeds for key, line in study.lines.items()},
        "dropped": [{"seed": one, "reason": failed[one]} for one in sorted(set(dropped))],
        "only": only,
        "balanced": balanced,
        "least_overlap": candidates,
        "retrainings": trained,
        "seconds": time.perf_counter() - start,
        "queries": [
            {
                "id": asked.ids[place],
                "text": asked.texts[place],
                "label": run.label_names[int(asked.labels[place])],
                "probability": float(base[place]),
            }
            for place in range(len(asked))
        ],
        "removed": _counts(study),
        "measures": {
            name: {
                sign: _line(sizes, effects[name, sign].named, effects[name, sign].random)
                for sign in signs
            }
            for name in matrices
        },
        "controls": _controls(sizes, effects),
        "comparisons": _comparisons(list(matrices), signs, effects),
        "leave_out": leave_out(study, matrices),
        "lds": halves,
        "mislabelled": judged,
        "efficiency": efficiency(study, outcomes),
    }
    return Evaluation(document, asked, effects)


def _found(
    asker: Asker,
    measures: Sequence[str],
    marked: npt.NDArray[np.bool_],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return how well each measure's self-influence finds the rows that are marked as wrong."""
    own = {name: self_influence(asker, name, **options).astype(np.float64) for name in measures}
    return judge(own, marked)


def _line(sizes: Sequence[int], named: FloatArray, control: FloatArray | None) -> dict[str, Any]:
    areas = statistics.auc(named)
    found: dict[str, Any] = {
        "auc": {**statistics.mean(areas).document(), "sd": statistics.spread(areas)},
        "curve": [{"k": k, **statistics.mean(named[at]).document()} for at, k in enumerate(sizes)],
        "by_query": areas.mean(1).tolist(),
    }
    if control is not None:
        found["over_random"] = statistics.mean(areas - statistics.auc(control)).document()
    return found


def _controls(sizes: Sequence[int], effects: Mapping[tuple[str, Sign], Effects]) -> dict[str, Any]:
    """Return the controls' own curves, of the line with the most seeds: draws are shared."""
    longest = max(effects.values(), key=lambda one: one.named.shape[2])
    found = {"random": _line(sizes, longest.random, None)}
    if not np.isnan(longest.own_class).any():
        found["own class"] = _line(sizes, longest.own_class, None)
    return found


def _comparisons(
    names: Sequence[str], signs: Sequence[Sign], effects: Mapping[tuple[str, Sign], Effects]
) -> list[dict[str, Any]]:
    """Return the differences of areas of each two measures, on the same queries and seeds."""
    found = []
    for sign in signs:
        for place, first in enumerate(names):
            for second in names[place + 1 :]:
                a, b = (statistics.auc(effects[name, sign].named) for name in (first, second))
                both = min(a.shape[1], b.shape[1])
                difference = statistics.mean(a[:, :both] - b[:, :both])
                found.append(
                    {
                        "sign": sign,
                        "first": first,
                        "second": second,
                        **difference.document(),
                        "excludes_zero": difference.low > 0 or difference.high < 0,
                    }
                )
    return found


def _counts(study: Deletion) -> dict[str, dict[str, list[list[int]]]]:
    found: dict[str, dict[str, list[list[int]]]] = {}
    for (name, sign), line in study.lines.items():
        counts = [[len(rows) for rows in by_query] for by_query in line.rows]
        found.setdefault(name, {})[sign] = counts
    return found


def _widest(study: Deletion, width: float, most: int) -> tuple[str, Sign] | None:
    found: list[tuple[float, tuple[str, Sign]]] = []
    for key, one in study.effects().items():
        area = statistics.mean(statistics.auc(one.named))
        if study.lines[key].seeds < min(most, len(study.seeds)):
            found.append((area.seeds_high - area.seeds_low, key))
    if not found:
        return None
    widest, key = max(found, key=lambda pair: pair[0])
    return key if widest > width else None


def _key(key: tuple[str, Sign]) -> str:
    return f"{key[0]} {key[1]}"


def _require_two(study: Deletion, failed: Mapping[int, str]) -> None:
    if min(line.seeds for line in study.lines.values()) < 2:
        raise WordtraceError(
            f"fewer than two seeds are left: {len(failed)} could not be trained "
            f"({next(iter(failed.values()))})"
        )
