"""How the documents of the analyses read: cancellation, overlap, words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Marked, Say, bar
from wordtrace.report.evaluations import evaluation_blocks
from wordtrace.report.fixes import cluster_blocks, fix_blocks
from wordtrace.report.numbers import digits_for, in_percent, percent, signed
from wordtrace.report.sentences import span_of
from wordtrace.report.text import clean, word_name

Document = Mapping[str, Any]

HEADINGS = {
    "wordtrace-cancellation": "Where influences cancel",
    "wordtrace-overlap": "Do the measures list other examples for each query?",
    "wordtrace-words": "What each word weighs",
    "wordtrace-measures": "Measures",
    "wordtrace-fix": "What sets misclassified texts right",
    "wordtrace-clusters": "Patterns in mistakes",
    "wordtrace-evaluation": "What leaving out the named rows does",
}


def blocks(document: Document) -> list[Block]:
    """Return what an analysis shows, from top to bottom."""
    shown: dict[str, Callable[[Document], list[Block]]] = {
        "wordtrace-cancellation": _cancellation,
        "wordtrace-overlap": _overlap,
        "wordtrace-words": _words,
        "wordtrace-measures": _measures,
        "wordtrace-fix": fix_blocks,
        "wordtrace-clusters": cluster_blocks,
        "wordtrace-evaluation": evaluation_blocks,
    }
    return shown[document["format"]](document)


def _cancellation(document: Document) -> list[Block]:
    parameters = document["parameters"]
    ratios = [one["cancellation"] for one in parameters if one["cancellation"]]
    low, high = (min(ratios) / 2, max(ratios)) if ratios else (0.0, 0.0)
    rows: list[list[Cell]] = []
    for one in parameters:
        ratio = one["cancellation"]
        drawn = (
            bar(math.log(ratio / low), math.log(high / low), _short(ratio))
            if ratio
            else ("no gradient" if ratio is not None else "never changed")
        )
        rows.append(
            [
                _line(one["layer"]),
                _line(one["part"]),
                drawn,
                _short(one["gradients"]),
                _short(one["movement"]),
                *(_cosine(one[name]) for name in ("cosine", "same_label", "different_label")),
            ]
        )
    found: list[Block] = [Say(one) for one in cancellation_sentences(parameters)]
    count = f"{document['examples']:,}"
    if document["examples"] < document["training_examples"]:
        count += f" of {document['training_examples']:,}"
    steps = ", ".join(f"{step:,}" for step in document["steps"])
    found.append(
        Say(
            f"{count} training examples, steps {steps}. C(W) is how far the examples pull, each "
            "for itself, over how far the parameter really moved: the higher, the more of the "
            "pull cancelled. Bars are on a logarithmic scale. Cosines are means over all pairs of "
            "examples; where pairs of one label are near 1, gradients tell labels apart, not "
            "examples.",
            soft=True,
        )
    )
    names = ("C(W)", "Σ‖∂ℓ/∂W‖", "Σ‖ΔW‖", "cosine", "same label", "different")
    kinds = ("bar", *["number"] * 5)
    columns = [Column("layer", "name"), Column("part", "name"), *map(Column, names, kinds)]
    found.append(Grid("", columns, rows))
    if document["left_out"]:
        left = ", ".join(_line(one) for one in document["left_out"])
        found.append(Say(f"Left out, their kind of layer not being known: {left}.", soft=True))
    return found


def cancellation_sentences(parameters: Sequence[Document]) -> list[str]:
    """Say how biases stand to weights, and the last weight to the first."""
    said: list[str] = []
    ratios: dict[str, list[float]] = {"weight": [], "bias": []}
    for one in parameters:
        if one["cancellation"]:
            ratios.setdefault(one["part"], []).append(one["cancellation"])
    weights, biases = ratios["weight"], ratios["bias"]
    if weights and biases:
        times = _geometric(biases) / _geometric(weights)
        said.append(f"Biases cancel {_times(times)} weights do (geometric means).")
    there = [one for one in parameters if one["part"] == "weight" and one["cancellation"]]
    if len(there) > 1:
        first, last = there[0], there[-1]
        said.append(
            f"The weights of the last layer ({_line(last['layer'])}) cancel "
            f"{_times(last['cancellation'] / first['cancellation'])} those of the first "
            f"({_line(first['layer'])}) do."
        )
    still = [one for one in parameters if one["cancellation"] is None and one["gradients"]]
    if still:
        names = ", ".join(f"{_line(one['layer'])} ({_line(one['part'])})" for one in still)
        said.append(f"Never changed, so all of the pull on them cancelled: {names}.")
    return said


def _overlap(document: Document) -> list[Block]:
    top, queries = document["top"], document["queries"]
    measures = document["measures"]
    found: list[Block] = [
        Say(
            f"The {top} largest |scores| of each of {queries:,} "
            f"{'query' if queries == 1 else 'queries'} among {document['examples']:,} training "
            "examples. A measure whose lists are those of loss saliency alone (L), or that lists "
            "the same examples for queries of different labels, says little about a single query.",
            soft=True,
        )
    ]
    headings = ("same as L alone", "as similarity alone", "by chance")
    columns = [Column("measure", "name"), *(Column(one, "bar") for one in headings[:2])]
    columns += [Column(headings[2]), Column("proponents: L"), Column("similarity")]
    rows: list[list[Cell]] = [
        [
            _line(one["measure"]),
            *(_share_bar(one[name]["overlap"]) for name in ("saliency", "similarity")),
            _share(one["saliency"]["chance"]),
            _share(one["saliency_proponents"]["overlap"]),
            _share(one["similarity_proponents"]["overlap"]),
        ]
        for one in measures
    ]
    found.append(Grid("Shared with the parts alone", columns, rows))
    if queries > 1:
        found += _recurrence(measures, queries)
    if len(measures) > 1:
        names = [_line(one["measure"]) for one in measures]
        for title, key in (
            ("Rank correlation of the scores (Spearman)", "spearman"),
            (f"Shared among the {top} strongest", "overlaps"),
        ):
            show = _cosine if key == "spearman" else _share
            cells = [
                [name, *map(show, row)] for name, row in zip(names, document[key], strict=True)
            ]
            found.append(Grid(title, [Column("", "name"), *map(Column, names)], cells))
    return found


def _recurrence(measures: Sequence[Document], queries: int) -> list[Block]:
    columns = [
        Column("measure", "name"),
        Column("two queries share", "bar"),
        Column("of different labels", "bar"),
        Column("different examples"),
        Column("by chance"),
        Column("most frequent in"),
        Column("by chance"),
    ]
    rows: list[list[Cell]] = []
    found: list[Block] = []
    for one in measures:
        seen = one["recurrence"]
        most = max((example["count"] for example in seen["examples"]), default=0)
        rows.append(
            [
                _line(one["measure"]),
                _share_bar(seen["pairs"]["overlap"]),
                _share_bar(seen["different_labels"]["overlap"]),
                f"{seen['distinct']:,}",
                f"{seen['distinct_by_chance']:,.0f}",
                f"{most} of {queries}",
                f"{seen['most_by_chance']:.1f}",
            ]
        )
        if most > 1:
            heads = [Column("in"), Column("id", "name"), Column("label", "name")]
            listed: list[list[Cell]] = [
                [
                    str(example["count"]),
                    _line(example["id"]),
                    _line(example.get("label", "")),
                    _line(example.get("text", ""))[:160],
                ]
                for example in seen["examples"]
                if example["count"] > 1
            ]
            title = f"In the lists of several queries, by {_line(one['measure'])}"
            found.append(Grid(title, [*heads, Column("text", "text")], listed, folded=True))
    return [Grid("Shared between queries", columns, rows), *found]


def _words(document: Document) -> list[Block]:
    found: list[Block] = []
    unit = "word" if document.get("whole_words") else "token"
    for place, text in enumerate(document["texts"], 1):
        words = [{**one, "contribution": one["importance"]} for one in text["words"]]
        largest = max((one["importance"] for one in words), default=0.0)
        scale = max((one["importance"] for one in words if one["spans"]), default=0.0)
        digits = digits_for(largest)
        label, source = _line(text["label"]), text["label_source"]
        said = f"Text {place}: " if len(document["texts"]) > 1 else ""
        said += (
            f"the model says {_line(text['predicted'])}{in_percent(text['predicted_probability'])}"
        )
        if text.get("span"):
            said += f"; weighed for “{span_of(text)}”"
        elif label != _line(text["predicted"]):
            said += f"; weighed for {label}{in_percent(text['probability'])}, {_line(source)}"
        found += [Marked(text, words, scale, digits), Say(said[0].upper() + said[1:] + ".")]
        rows: list[list[Cell]] = [
            [
                word_name(one),
                bar(one["importance"], largest, f"{one['importance']:.{digits}f}"),
                str(one["positions"]),
            ]
            for one in words
        ]
        columns = [Column(unit, "name"), Column("‖∂f/∂Θ_w‖", "bar"), Column("positions")]
        found.append(Grid(f"Importance at step {document['step']:,}", columns, rows))
    if document.get("similarity"):
        found += _similarity(document["similarity"], unit)
    if document["truncated"]:
        found.append(Say(f"Texts are cut after {document['max_length']} tokens.", soft=True))
    return found


def _similarity(similarity: Document, unit: str) -> list[Block]:
    words = similarity["words"]
    largest = max((abs(one["similarity"]) for one in words), default=0.0)
    digits = digits_for(largest)
    score = similarity["score"]
    way = "speak for" if score > 0 else "speak against"
    said = f"TracIn-WE of the two texts, the sum over shared words: {signed(score, digits)}"
    said += f", so they {way} each other." if score else "."
    if similarity["special_share"] is not None:
        said += f" {percent(similarity['special_share'])} of it is from start and end tokens."
    rows: list[list[Cell]] = [
        [
            word_name(one),
            bar(one["similarity"], largest, signed(one["similarity"], digits)),
            _cosine(one["cosine"]),
        ]
        for one in words
    ]
    columns = [Column(unit, "name"), Column("similarity", "bar"), Column("cosine")]
    return [Say(said), Grid("Word gradient similarity", columns, rows)]


def _measures(document: Document) -> list[Block]:
    rows: list[list[Cell]] = [
        [
            _line(one["name"]),
            "yes" if one["by_word"] else "",
            *(_line(one[name]) for name in ("equation", "needs", "cost")),
        ]
        for one in document["measures"]
    ]
    columns = [
        Column("name", "name"),
        Column("by word", "name"),
        *(Column(one, "prose") for one in ("equation", "needs", "cost")),
    ]
    return [
        Grid("", columns, rows),
        Say(
            "n training examples, q queries, c checkpoints. The paper is First is Better Than "
            "Last for Language Data Influence (2022).",
            soft=True,
        ),
    ]


def _geometric(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times as much as"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _cosine(value: float | None) -> str:
    return "–" if value is None else signed(value)


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _share_bar(value: float | None) -> Cell:
    return "–" if value is None else bar(value, 1.0, percent(value))


def _line(text: Any) -> str:
    return clean(str(text), newlines=False)
