"""The conclusions in plain words, the same on a page and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.deeds import control_deed, control_name, deed, verb
from wordtrace.report.designs import (
    draws_clause,
    repeat_sentence,
    seeds_of,
    stopped_sentence,
)
from wordtrace.report.measured import asked, measured
from wordtrace.report.numbers import (
    digits_for,
    in_digits,
    in_percent,
    interval,
    percent,
    seconds,
)
from wordtrace.report.text import clean, line
from wordtrace.report.together import together_sentence
from wordtrace.report.verdicts import verdict

_SOURCES = {
    "given": "the label asked about",
    "file": "its label in the file",
    "predicted": "the prediction itself",
}


def question(query: Mapping[str, Any]) -> str:
    """Return what a trace answers."""
    if query.get("span"):
        return f"Why “{span_of(query)}”?"
    if query.get("turns"):
        return "Why this answer?"
    label, predicted = line(query["label"]), _predicted(query)
    if _asks_direction(query):
        return f"What makes {predicted} {label}?"
    return f"Why {label}?" if _agrees(query) else f"Why {predicted} and not {label}?"


def _predicted(query: Mapping[str, Any]) -> str:
    """Write what the model predicts, a number to four digits."""
    if query.get("probability", 0) is None:
        return f"{float(query['predicted']):.4g}".replace("-", "−")
    return line(query["predicted"])


def _asks_direction(query: Mapping[str, Any]) -> bool:
    """Tell a query of what moves a number."""
    return query.get("probability", 0) is None and query["label"] in ("higher", "lower")


def _agrees(query: Mapping[str, Any]) -> bool:
    """Tell whether the label explained is what the model says, or a part of it."""
    label, predicted = str(query["label"]), str(query["predicted"])
    part = predicted.startswith("{") and not label.startswith("{")
    return label == predicted or (part and query["probability"] > 0.5)


def span_of(query: Mapping[str, Any], most: int = 60) -> str:
    """Return the part of an answer that is explained, its middle left out where it is long."""
    field, start, end = query["span"]
    text = line(query[field][start:end])
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 3 :]}"


def explained(query: Mapping[str, Any]) -> str:
    """Name what a query's examples speak for: its label, an answer, or a part of it."""
    if query.get("turns") and not query.get("span"):
        return "this answer"
    return f"“{span_of(query)}”" if query.get("span") else line(query["label"])


def prediction_sentence(query: Mapping[str, Any]) -> str:
    """Say what the model predicts, and which label is explained."""
    if query.get("span"):
        return (
            f"Explained is “{span_of(query)}” in the answer: the model gives its tokens a "
            f"probability of {percent(query['probability'])} (their geometric mean)."
        )
    if query.get("turns"):
        own = query["label_source"] == "predicted"
        said = (
            "The answer is the model's own, its likeliest tokens one by one"
            if own
            else "Explained is the answer"
        )
        return (
            f"{said}: the model gives its tokens a probability of "
            f"{percent(query['probability'])} (their geometric mean)."
        )
    label, predicted = line(query["label"]), _predicted(query)
    said = f"The model predicts {predicted}{in_percent(query['predicted_probability'])}. "
    if _asks_direction(query):
        return said + f"Explained is what makes it {label}."
    source = _SOURCES.get(query["label_source"], clean(str(query["label_source"])))
    if label == predicted:
        return said + f"That label is explained: {source}."
    return said + f"Explained is {label}{in_percent(query['probability'])}, {source}."


def share_sentence(query: Mapping[str, Any]) -> str | None:
    """Say how much of the scores comes from tokens that say little."""
    if query.get("special_share") is None or query.get("stop_share") is None:
        return None
    further = ", and the chat template" if query.get("turns") else ""
    return (
        f"{percent(query['special_share'])} of the listed scores comes from special tokens "
        f"(start, end, padding{further}), {percent(query['stop_share'])} from stop tokens (those "
        "in very many training texts)."
    )


def trace_sentence(document: Mapping[str, Any]) -> str:
    """Say what was scored, and how fast."""
    top = document.get("top_k")
    idf = document["measure"] == "tracin-we-idf"  # cuts no query
    kept = f" (top {top} positions of each {'training ' if idf else ''}text)" if top else ""
    options = document.get("options") or {}
    if left_out := options.get("without"):
        kept += f", {line(left_out).replace(',', ' and ')} tokens left out"
    if weights := options.get("weights"):
        kept += f", each token weighted by {'its idf²' if weights == 'idf' else 'a number given'}"
    return (
        f"Measure {line(document['measure'])}{kept}: {document['examples']:,} training "
        f"examples scored in {seconds(document['seconds'])}."
        + _over_trainings(document.get("trainings", 1))
        + (f" {line(document['texts'])}" if document.get("texts") else "")
    )


def _over_trainings(count: int) -> str:
    if count == 1:
        return ""
    return f" Each score is the mean over {count:,} trainings; the prediction is that of the first."


def weights_sentence(document: Mapping[str, Any]) -> str | None:
    """Say by what each token's part of an influence was multiplied; None for nothing."""
    weights = document.get("weights")
    if weights is None:
        return None
    number = "its idf², so that rare words count more" if weights == "idf" else "a number given"
    return f"In every influence each token's part is multiplied by {number}."


def verification_sentences(document: Mapping[str, Any]) -> list[str]:
    """Say what the change did, beside its controls, and whether that is shown.

    To all queries first, where it is one change for them; then to each.
    """
    said = [together_sentence(document)] if document.get("together") else []
    said += [verified(query, document) for query in document["queries"]]
    repeats = repeat_sentence(document)
    return [*said, repeats] if repeats else said


def verified(query: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Say what the change did to one query, with the verdict."""
    repeats = len(seeds_of(query, document))
    change, what = query["without"]["change"], measured(query, document)
    before, after = query["base"], query["without"]
    said = (
        f"{deed(query, document)} {verb(change)} {what.name} by "
        f"{interval(change, what.digits)}, from {what.write(before['mean'])} to "
        f"{what.write(after['mean'])} on average over {repeats} seeds; "
    )
    if before.get("right") is not None:
        said += (
            f"the model said {line(query['label'])} in {before['right']} of {repeats} "
            f"{models(document)} before and in {after['right']} after. "
        )
    else:
        # The sentence ends here, or with what was asked.
        said = said + asked(query, document) if asked(query, document) else f"{said[:-2]}. "
    for control in query["controls"]:
        difference = interval(control["difference"], what.digits)
        said += (
            f"{control_deed(control['name'], query, document)}: "
            f"{interval(control['change'], what.digits)}; the difference {difference} "
            f"{'excludes' if control['excludes_zero'] else 'does NOT exclude'} zero"
            f"{draws_clause(control)}. "
        )
    return said + verdict(query, document).sentence + stopped_sentence(query, document)


def models(document: Mapping[str, Any]) -> str:
    """Name the models of a study: retrainings, or what only looks like them."""
    return "models" if document.get("look") else "retrainings"


def held_out_sentence(held_out: Mapping[str, Any], doing: str = "removing") -> str:
    """Say what the change did to the accuracy, or the loss, on held-out rows."""
    without = held_out["without"]
    name = "Loss" if held_out.get("measured") == "loss" else "Accuracy"
    digits = 3
    if name == "Loss":
        digits = max(3, digits_for(held_out["base"]["mean"]))
    before, after = (in_digits(one["mean"], digits) for one in (held_out["base"], without))
    said = (
        f"{name} on {held_out['rows']:,} held-out rows: {before} before, {after} after, a change "
        f"of {interval(without['change'], digits)}"
    )
    for control in held_out["controls"]:
        other, change = control_name(control["name"]), interval(control["change"], digits)
        said += f"; {doing} {other} instead, {change}"
    return said + "."


def planted_sentence(planted: Mapping[str, Any]) -> str:
    """Say how many planted flips each ranking found."""
    found = "; ".join(f"{line(name)}: {value}" for name, value in planted["found"].items())
    return (
        f"{planted['count']:,} of {planted['rows']:,} labels were flipped on purpose. Among the "
        f"first {planted['checked']:,} rows of each ranking there are, of these: {found}."
    )
