"""Deletion curves of several measures on a run, by retraining (section 2.2)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.disk import atomic
from wordtrace.errors import InputError, WordtraceError
from wordtrace.evaluation import statistics
from wordtrace.evaluation.agreement import datamodel, leave_out
from wordtrace.evaluation.candidates import SIGNS, Sign, least_overlap
from wordtrace.evaluation.deletion import Deletion, Effects, FloatArray, Training
from wordtrace.evaluation.efficiency import efficiency
from wordtrace.evaluation.queries import pick
from wordtrace.explain.question import ask
from wordtrace.explain.tracer import Tracer
from wordtrace.measures.protocol import Scores
from wordtrace.run.run import Run
from wordtrace.verification.retrain import Retraining
from wordtrace.verification.tasks import run_tasks, seeds_of

FORMAT, VERSION = "wordtrace-evaluation", 1

#: Seeds of the model of all rows for each seed of a removal: all queries and measures share them.
_BASES = 4
_FEWEST_BASES = 20
_COLUMNS = ("measure", "sign", "k", "query", "seed", "rows", "effect", "random", "own_class")


@dataclass(frozen=True)
class Evaluation:
    """Deletion curves; :meth:`document` is the whole of it.

    Attributes
    ----------
    queries
        The texts that were asked, with their labels.
    effects
        By (measure, sign): what leaving out did.
    """

    result: Mapping[str, Any]
    queries: Examples
    effects: Mapping[tuple[str, Sign], Effects]

    def document(self) -> dict[str, Any]:
        """Return the evaluation as a JSON document."""
        return dict(self.result)

    def to_json(self) -> str:
        """Return :meth:`document` as text."""
        return json.dumps(self.result, ensure_ascii=False, allow_nan=False, indent=1)

    def table(self) -> Any:
        """Return every effect as a pyarrow table.

        Columns: measure, sign, k, query (its id), seed, rows (left out), effect, random,
        own_class (effects of the controls; null where there is none).
        """
        import pyarrow as pa

        columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        ids = self.queries.ids
        for (name, sign), one in self.effects.items():
            counts = self.result["removed"][name][sign]
            for (at, query, place), effect in np.ndenumerate(one.named):
                own = float(one.own_class[at, query, place])
                row = (
                    *(name, sign, self.result["k"][at], ids[query], self.result["seeds"][place]),
                    *(counts[at][query], float(effect), float(one.random[at, query, place])),
                    None if np.isnan(own) else own,
                )
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
        return pa.table(columns)

    def save(self, path: str | Path) -> None:
        """Write the document as JSON, a page (.html), or every effect (.parquet)."""
        file = Path(path)
        if file.suffix == ".parquet":
            import pyarrow.parquet as pq

            with atomic.replacing(file) as temporary:
                pq.write_table(self.table(), temporary, compression="zstd")
        elif file.suffix == ".html":
            from wordtrace.report.page import render_html

            atomic.write_text(file, render_html([self.document()]))
        else:
            atomic.write_json(file, self.result)

    def _repr_html_(self) -> str:
        from wordtrace.report.page import render_fragment

        return render_fragment(self.document())


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
    workers: int | None = None,
    executor: str = "processes",
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
    **options
        Of the measures: the fields of :class:`Options`.

    Raises
    ------
    InputError
        For wrong sizes, fewer than two repeats, an unknown measure, or scores of another shape.
    """
    given = dict(scores or {})
    sizes = _check(run, k, repeats, signs, measures, given, queries, width, max_repeats, lds)
    start = time.perf_counter()
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
    tracer = Tracer(run, None)
    question = tracer.queries(ask(run, asked))
    for name in measures:
        given[name] = tracer.score(question, name, **options)
    matrices: dict[str, Scores] = {}
    for name in [*measures, *(one for one in given if one not in measures)]:
        matrix = np.asarray(given[name], np.float32)
        _check_scores(name, matrix, len(asked), len(run.train))
        matrices[name] = matrix if allowed is None else matrix * allowed
        study.add(name, matrices[name], repeats, signs)
    _check_removals(run, study)
    study.train()
    dropped = study.drop(set(failed))
    _require_two(study, failed)
    while width is not None and (widest := _widest(study, width, max_repeats)):
        study.extend(widest, min(max_repeats, study.lines[widest].seeds + 2))
        study.train()
        dropped += study.drop(set(failed))
        _require_two(study, failed)
    halves = [] if lds == 0 else datamodel(study, matrices, lds, repeats)
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
        "efficiency": efficiency(study, outcomes),
    }
    return Evaluation(document, asked, effects)


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


def _check(
    run: Run,
    k: Sequence[int],
    repeats: int,
    signs: Sequence[Sign],
    measures: Sequence[str],
    scores: Mapping[str, Scores],
    queries: Examples | int,
    width: float | None,
    max_repeats: int,
    lds: int,
) -> list[int]:
    sizes = sorted(set(k))
    if not sizes or sizes[0] < 1 or sizes[-1] >= len(run.train):
        raise InputError(f"--k must be between 1 and {len(run.train) - 1:,}, the rows but one.")
    if repeats < 2:
        raise InputError(
            f"--repeats is {repeats}; at least 2 are needed to tell an effect from chance."
        )
    if unknown := [sign for sign in signs if sign not in SIGNS] or not signs:
        raise InputError(f"--signs is {unknown}; give proponents, opponents, or both.")
    if not measures and not scores:
        raise InputError("there is nothing to evaluate: give --measures.")
    if twice := set(measures) & set(scores):
        raise InputError(f"--scores names {min(twice)!r}, which is a measure of --measures.")
    if scores and isinstance(queries, int):
        raise InputError("--scores needs the queries that it is of: give --queries FILE.")
    if lds and lds < 3:
        raise InputError(f"--lds is {lds}; at least 3 subsets are needed to rank them.")
    if width is not None and not 0 < width < 2:
        raise InputError(f"--width is {width}; it must be between 0 and 2.")
    if width is not None and max_repeats < repeats:
        raise InputError(f"--max-repeats is {max_repeats}, below --repeats, {repeats}.")
    return sizes


def _check_scores(name: str, scores: Scores, queries: int, examples: int) -> None:
    if scores.shape != (queries, examples):
        raise InputError(
            f"the scores of {name} have the shape {scores.shape}; {queries:,} queries and "
            f"{examples:,} training rows need ({queries}, {examples})."
        )
    if not np.isfinite(scores).all():
        query, row = np.argwhere(~np.isfinite(scores))[0]
        raise InputError(
            f"the score of {name} for query {query} and training row {row} is not finite."
        )


def _check_removals(run: Run, study: Deletion) -> None:
    counts = np.bincount(run.train.labels)
    for _, rows in study.trainings():
        left = counts - np.bincount(run.train.labels[list(rows)], minlength=len(counts))
        if (left[counts > 0] == 0).any():
            raise InputError(
                f"removing {len(rows):,} rows would leave a label without examples; "
                "give a smaller --k."
            )
