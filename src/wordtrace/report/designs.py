"""What a study says of its own design: when it stopped, and how far its trainings repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]


def seeds_of(query: Document, document: Document) -> Sequence[Any]:
    """Return the seeds that a query was measured with."""
    seeds: Sequence[Any] = query.get("seeds") or document["seeds"]
    return seeds


def sequential(document: Document) -> bool:
    """Tell whether the study looked at its results before its last seed."""
    return bool((document.get("design") or {}).get("kind") == "sequential")


def smaller_than(query: Document, document: Document) -> float | None:
    """Return the size that the effect is shown to be smaller than, if it is."""
    if query.get("answer") != "smaller":
        return None
    return float(document["design"]["smallest"])


def stopped_sentence(query: Document, document: Document) -> str:
    """Say when a query was looked at and why it stopped; nothing where there was but one look.

    Nor where others decided when it stopped: all queries together, or each of them.
    """
    if not sequential(document) or "looks" not in query:
        return ""
    looks, most = query["looks"], document["design"]["seeds"]
    looked = f"It was looked at after {_listed(looks)} of at most {most} seeds"
    if query["answer"] is None:
        return f" {looked}, and took them all."
    why = "the intervals exclude zero" if query["answer"] == "effect" else "they are small enough"
    if looks[-1] == most:
        return f" {looked}; {why} at the last."
    return f" {looked}, and stopped there: {why}."


def draws_clause(control: Document) -> str:
    """Say how many of a control's draws did as much as the rows; nothing of an older result."""
    draws = control.get("draws")
    if draws is None:
        return ""
    count, as_large = draws["count"], draws["as_large"]
    least = "" if as_large else f", the least that {count} draws can give"
    return (
        f"; {as_large or 'none'} of {count} such draws, each trained once, did as much "
        f"(p = {draws['p']:.2g}{least})"
    )


def draws_often_did(control: Document) -> bool:
    """Tell whether more than a quarter of a control's draws did as much as the rows."""
    draws = control.get("draws") or {"count": 0, "as_large": 0}
    return bool(4 * draws["as_large"] > draws["count"])


def design_sentence(document: Document) -> str:
    """Say what the looks cost and saved; nothing where there was but one."""
    if not sequential(document):
        return ""
    saved, p = document["saved"], document["design"]["nominal_p"]
    without = f"; without looks it would have been {saved:,} more" if saved else ""
    return (
        f" The design is sequential: the interval of each look misses in {100 * p:.1f} % of "
        f"studies, so that all looks together miss in 5 %{without}."
    )


#: What follows for models of a seed, where they are pairs and where they are not.
PAIRS = (
    "The models of a seed are compared as pairs.",
    "So models are compared as groups and not as pairs, which takes more seeds.",
)


def repeat_sentence(document: Document, follows: tuple[str, str] = PAIRS) -> str:
    """Say how far the training repeats; nothing where that is known, as of our own.

    Parameters
    ----------
    follows
        What that means for the study, where the training repeats partly, and where it does not.
    """
    found = document.get("repeatability")
    if found is None:
        return ""
    asked = f"{found['asked']:,} text{'s' if found['asked'] > 1 else ''}"
    differ = (
        f"two models of one seed differ by {found['same']:.2g} on {asked} (root mean square), "
        f"those of two seeds by {found['other']:.2g}"
    )
    if found["kind"] == "exactly":
        return f"The training repeats exactly: two models of one seed say the same of {asked}."
    if found["kind"] == "partly":
        return f"The training repeats partly: {differ}. {follows[0]}".strip()
    return f"The training does not repeat: {differ}. {follows[1]}".strip()


def _listed(numbers: Sequence[int]) -> str:
    """Write numbers one by one, or as a range where they follow each other."""
    if len(numbers) > 3 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} to {numbers[-1]}"
    *head, last = map(str, numbers)
    return f"{', '.join(head)} and {last}" if head else last
