"""The verdict on one query of a verification: whether an effect is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wordtrace.report.deeds import control_name
from wordtrace.report.designs import draws_often_did, sequential, smaller_than
from wordtrace.report.measured import measured, overshot, wanted
from wordtrace.report.numbers import in_digits
from wordtrace.report.text import line


@dataclass(frozen=True)
class Verdict:
    """Whether an effect is shown.

    Attributes
    ----------
    short
        A few words.
    sentence
        What follows from the controls.
    """

    shown: bool
    short: str
    sentence: str


def verdict(query: Mapping[str, Any], document: Mapping[str, Any]) -> Verdict:
    """Judge one query: an effect is shown when every control's interval says so.

    So must the interval of the difference from single draws, in results that have it.
    """
    controls = query["controls"]
    what = "effect" if document["remove"] == "proponents" else "fix"
    if not controls:
        alone = f"Without a control the {what} is not shown: retraining alone moves a prediction."
        return Verdict(False, "not shown", alone)
    if (size := smaller_than(query, document)) is not None:
        return Verdict(
            False,
            f"smaller than {size:g}",
            f"So the {what} is shown to be smaller than {size:g}: the intervals of all differences "
            f"lie between −{size:g} and {size:g}.",
        )
    way = wanted(query, document)
    unsure = [one for one in controls if not one["excludes_zero"]]
    wrong = [
        one for one in controls if one["excludes_zero"] and one["difference"]["mean"] * way <= 0
    ]
    if wrong:
        against = f"Against {_names(wrong)} it went the other way round"
        return Verdict(False, "the other way round", f"{against}: the {what} is not shown.")
    if unsure:
        return Verdict(
            False,
            "not shown",
            f"So against {_names(unsure)} the {what} is not shown"
            f"{' to work' if what == 'fix' else ''}; more seeds narrow the interval.",
        )
    if alike := [one for one in controls if not one.get("draws", {}).get("beyond", True)]:
        return Verdict(
            False,
            "within what random rows do",
            f"But {_names(alike)} differ from draw to draw so much (standard deviation "
            f"{_spreads(alike, query, document)}) that another draw may do the same: the {what} is "
            "not shown to be of just these rows.",
        )
    if overshot(query, document):
        past = f"The number went past {line(query['label'])} and is no nearer to it"
        return Verdict(False, "not shown", f"{past}: the {what} is not shown.")
    few = document["repeats"] < 5 and not sequential(document)
    rough = f" With only {document['repeats']} seeds the interval itself is rough." if few else ""
    beside = "the control" if len(controls) == 1 else "every control"
    said = f"So the {what} is shown, beside {beside}.{rough}"
    if often := [one for one in controls if draws_often_did(one)]:
        return Verdict(
            True,
            "shown on average",
            f"{said} It is one of the mean over seeds: of single trainings without "
            f"{_names(often)}, many did as much by chance.",
        )
    return Verdict(True, "shown", said)


def _spreads(
    controls: Sequence[Mapping[str, Any]], query: Mapping[str, Any], document: Mapping[str, Any]
) -> str:
    digits = measured(query, document).digits
    return " and ".join(in_digits(one["draws"]["spread"], digits) for one in controls)


def _names(controls: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(control_name(one["name"]) for one in controls)
