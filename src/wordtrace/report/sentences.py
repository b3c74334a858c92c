"""The conclusions in plain words, the same on a page and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.text import clean


def verification_sentences(document: Mapping[str, Any]) -> list[str]:
    """Say what removing did to each query, beside its controls, and whether that is shown."""
    return [_verified(query, document) for query in document["queries"]]


def _verified(query: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    count, side = len(query["removed"]), document["remove"]
    few = f" (only {count} there are)" if count < document["k"] else ""
    without = query["without"]
    change = without["change"]
    label = clean(query["label"], newlines=False)
    said = (
        f"Removing the {count} strongest {side}{few} changed P({label}) by {interval(change)}, "
        f"from {query['base']['mean']:.2f} to {without['mean']:.2f} on average over "
        f"{document['repeats']} retrainings; {query['base']['right']} of them said {label} "
        f"before, {without['right']} after. "
    )
    for control in query["controls"]:
        said += (
            f"Removing {count} {control_name(control['name'])} changed it by "
            f"{interval(control['change'])}: a difference of {interval(control['difference'])}. "
        )
    wanted = 1 if side == "opponents" else -1
    shown = [
        control["excludes_zero"] and control["difference"]["mean"] * wanted > 0
        for control in query["controls"]
    ]
    if all(shown):
        return said + "Both intervals exclude zero: the effect is shown."
    failed = " and ".join(
        control_name(control["name"])
        for control, good in zip(query["controls"], shown, strict=True)
        if not good
    )
    return said + (
        f"Against {failed} the difference does not exclude zero in the expected direction: "
        "the effect is not shown. More --repeats narrow the interval."
    )


def held_out_sentence(held_out: Mapping[str, Any]) -> str:
    """Say what removing did to the accuracy on held-out rows."""
    without = held_out["without"]
    return (
        f"Accuracy on {held_out['rows']:,} held-out rows: {held_out['base']['mean']:.3f} before, "
        f"{without['mean']:.3f} after, a change of {interval(without['change'], 3)}."
    )


def planted_sentence(planted: Mapping[str, Any]) -> str:
    """Say how many planted flips each ranking found."""
    found = "; ".join(f"{name}: {value}" for name, value in planted["found"].items())
    return (
        f"{planted['count']} of {planted['rows']:,} labels were flipped on purpose. Among the "
        f"first {planted['checked']} rows of each ranking there are, of these: {found}."
    )


def share_sentence(query: Mapping[str, Any]) -> str | None:
    """Say how much of the scores comes from tokens that say little."""
    if query.get("special_share") is None:
        return None
    return (
        f"{query['special_share']:.0%} of the listed scores comes from start and end tokens, "
        f"{query['stop_share']:.0%} from stop tokens (those in over 20 % of the training texts)."
    )


def interval(estimate: Mapping[str, Any], digits: int = 2) -> str:
    """Write a mean with its interval."""
    return (
        f"{signed(estimate['mean'], digits)} "
        f"[{signed(estimate['low'], digits)}, {signed(estimate['high'], digits)}]"
    )


def signed(value: float, digits: int = 2) -> str:
    """Write a number with its sign, a true minus among them."""
    return f"{value:+.{digits}f}".replace("-", "−")


def control_name(name: str) -> str:
    """Name a control for people."""
    return {"random": "random rows", "same labels": "random rows of the same labels"}.get(
        name, clean(name, newlines=False)
    )
