"""What a change did, beside its controls: to one query, or to all that one change is made for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.retrainers.ask import value
from wordtrace.retrainers.outcomes import bound_of, measured, outcome, right
from wordtrace.retrainers.retrainer import FloatArray
from wordtrace.run.run import Run
from wordtrace.statistics.comparison import Comparison
from wordtrace.verification.rounds import Answers
from wordtrace.verification.target import Target


def query_figures(
    run: Run,
    target: Target,
    place: int,
    said: Mapping[str, Answers],
    compare: Comparison,
) -> dict[str, Any]:
    """Return what was found of one query, as JSON.

    Parameters
    ----------
    place
        Its place among the probes.
    said
        What the models of each seed say: of "base", "without", and each control.
    """
    outcomes = {
        name: outcome(run, _of_probe(results, place), target.label)
        for name, results in said.items()
    }
    document: dict[str, Any] = {"text": target.shown or target.text}
    if target.text2 is not None:
        document["text2"] = target.text2
    if target.span is not None:
        document["span"] = list(target.span)
    if target.measure is not None:
        document["measure"] = target.measure
    return document | {
        "label": run.labelling.spell(target.label),
        "predicted": target.predicted,
        "probability": target.probability,
        **_compared(run, outcomes, compare),
    }


def together_figures(
    run: Run, targets: Sequence[Target], said: Mapping[str, Answers], compare: Comparison
) -> dict[str, Any]:
    """Return what one change did to all queries: to their mean, and to how many are right.

    A seed's value is the mean over the queries, so the intervals are over seeds and speak of these
    queries. Of numbers it is the mean of :func:`_towards`.

    Parameters
    ----------
    said
        What the models of each seed say: of "base", "without", and each control.
    """
    values: dict[str, dict[str, Any]] = {}
    shares: dict[str, dict[str, Any]] = {}
    for name, results in said.items():
        each = [_of_probe(results, place) for place in range(len(targets))]
        asked = list(zip(each, targets, strict=True))
        values[name] = _mean([_towards(run, one, target.label) for one, target in asked])
        if measured(run) == "probability":
            share = _mean([right(run.labelling, one, target.label) for one, target in asked])
            shares[name] = share | {"number": share["mean"] * len(targets)}
    return {
        "queries": len(targets),
        **_compared(run, values, compare),
        "right": _compared(run, shares, compare) if shares else None,
    }


def _of_probe(results: Answers, place: int) -> FloatArray:
    return np.array([result["probabilities"][place] for result in results])


def _mean(values: Sequence[npt.NDArray[Any]]) -> dict[str, Any]:
    """Return the mean over queries of each seed's value, and the mean of those."""
    means = np.mean(np.asarray(values, np.float64), axis=0)
    return {"mean": float(means.mean()), "values": means.tolist()}


def _towards(run: Run, said: FloatArray, label: Any) -> npt.NDArray[np.float64]:
    """Return what is measured of one query so that for all queries more is what was asked.

    A number that is to be lower counts with a minus, and one that is to be near another counts by
    its distance from it, with a minus: changes of such numbers have a mean, the numbers have none.
    """
    values = value(run.labelling, said, label)
    if measured(run) != "number":
        return values
    wanted = float(label[0])
    return np.sign(wanted) * values if np.isinf(wanted) else -np.abs(values - wanted)


def _compared(
    run: Run, outcomes: Mapping[str, dict[str, Any]], compare: Comparison
) -> dict[str, Any]:
    """Return outcomes with what was changed, and with how far that is from each control's change.

    Parameters
    ----------
    outcomes
        Of "base", "without", and each control; "values" of each are one a seed.
    """
    before, without = outcomes["base"]["values"], outcomes["without"]["values"]
    found, controls = {}, []
    changes = {name: np.subtract(one["values"], before) for name, one in outcomes.items()}
    for name, one in outcomes.items():
        if name == "base":
            continue
        bound = bound_of(run, changes[name])
        change = compare.difference(one["values"], before, bound)
        found[name] = one | {"change": change.document()}
    for name, one in found.items():
        if name == "without":
            continue
        bound = bound_of(run, changes["without"] - changes[name], differences=2)
        difference = compare.difference(without, one["values"], bound)
        draws = compare.draws(without, one["values"], before, difference, bound)
        controls.append(
            {
                "name": name,
                **one,
                "difference": difference.document(),
                "excludes_zero": difference.excludes_zero,
                "draws": draws.document(),
            }
        )
    return {"base": outcomes["base"], "without": found["without"], "controls": controls}
