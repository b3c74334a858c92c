"""What retrained models are measured by, in words: a label's probability, a number, an answer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wordtrace.report.numbers import digits_for, in_digits
from wordtrace.report.text import line

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """How one query's outcomes are named and written.

    Attributes
    ----------
    name
        What is measured, to stand in a sentence.
    short
        The same in a table's head.
    less, more
        What a fall and a rise of it mean.
    digits
        Its decimals.
    is_share
        Whether it is a probability of the usual size, shown from 0 to 1.
    """

    name: str
    short: str
    less: str
    more: str
    digits: int
    is_share: bool

    def write(self, value: float, more: int = 0) -> str:
        """Write one outcome, with some decimals more."""
        return in_digits(value, self.digits + more)


def measured(query: Document, document: Document) -> Measured:
    """Return how a query's outcomes are named; documents before there were kinds have P(label)."""
    kind = document.get("measured", "probability")
    if kind == "probability":
        name = f"P({line(query['label'])})"
        return Measured(
            name, name, "the label became less likely", "more likely", digits=2, is_share=True
        )
    digits = digits_for(max(abs(query[one]["mean"]) for one in ("base", "without")))
    if kind == "number":
        name = "the predicted number"
        return Measured(name, name, "the number became smaller", "larger", digits, is_share=False)
    name = "the probability of the answer"
    whole = "the whole answer" if query.get("span") else "the answer"
    return Measured(
        f"the probability of {whole} (mean over its tokens)",
        name,
        "the answer became less likely",
        "more likely",
        digits,
        is_share=False,
    )


def wanted(query: Document, document: Document) -> int:
    """Return the sign of the change that the changed rows should have made.

    A number can be asked about in three ways: what makes it higher, lower, or what brings it near
    to some number.
    """
    sign = -1 if document["remove"] == "proponents" else 1
    if document.get("measured") != "number":
        return sign
    label = str(query["label"])
    if label in ("higher", "lower"):
        return sign if label == "higher" else -sign
    return sign if float(label) >= query["base"]["mean"] else -sign


def overshot(query: Document, document: Document) -> bool:
    """Tell whether a number that should come nearer to another went past it, and farther away."""
    label = str(query["label"])
    if document.get("measured") != "number" or label in ("higher", "lower"):
        return False
    before, after = (abs(float(query[one]["mean"]) - float(label)) for one in ("base", "without"))
    return bool(document["remove"] != "proponents" and after >= before)


def asked(query: Document, document: Document) -> str:
    """Say what was asked about a number, and which part of an answer was traced; else nothing."""
    if query.get("span"):
        field, start, end = query["span"]
        part = line(query[field][start:end])
        return f"traced was its part “{part}”. "
    if document.get("measured") != "number":
        return ""
    label = line(query["label"])
    if label in ("higher", "lower"):
        return f"asked was what makes it {label}. "
    return f"asked was what brings it near to {label.replace('-', '−')}. "


def evaluated(document: Document) -> str:
    """Name what an evaluation measures, in short."""
    names = {"number": "the number", "answer": "P(answer)"}
    return names.get(document.get("measured", ""), "P(label)")


def effect_digits(document: Document) -> int:
    """Return the decimals of an evaluation's effects: three of probabilities, else as needed."""
    if document.get("measured", "probability") == "probability":
        return 3
    areas = [by[sign]["auc"] for by in document["measures"].values() for sign in by]
    return digits_for(max((abs(one[end]) for one in areas for end in ("low", "high")), default=0.0))
