"""How the document of ``wordtrace evaluate`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Chart, Column, Grid, Line, Say
from wordtrace.report.datamodels import causes_grid, datamodel_blocks
from wordtrace.report.designs import repeat_sentence
from wordtrace.report.judged import judged_blocks
from wordtrace.report.measured import effect_digits, evaluated
from wordtrace.report.numbers import (
    digits_for,
    in_digits,
    interval,
    percent,
    seconds,
    signed,
)
from wordtrace.report.text import line

Document = Mapping[str, Any]

#: What follows of how far a training repeats that is not the library's own.
_REPEATS = (
    "Models of a seed are compared with each other.",
    "So models are compared with the mean of the models of all rows, whatever their seeds.",
)
_SIGNS = {"proponents": "DEL+", "opponents": "DEL−"}
_WHAT = {
    "proponents": "Change of {} after leaving out the k strongest proponents (DEL+): "
    "a good measure falls",
    "opponents": "Change of {} after leaving out the k strongest opponents (DEL−): "
    "a good measure rises",
}


def evaluation_blocks(document: Document) -> list[Block]:
    """Return the scores over halves; then curves, their areas, and what the intervals cost."""
    found: list[Block] = []
    if isinstance(document["lds"], Mapping):
        found += datamodel_blocks(document)
    elif document.get("causes"):
        found.append(causes_grid(document))
    if document["k"]:
        found += _deletion(document)
    if document.get("mislabelled"):
        found += judged_blocks(document["mislabelled"], "Mislabelled rows by self-influence")
    notes = [f"Retraining took {seconds(document['seconds'])}."]
    if (trainings := document.get("trainings", 1)) > 1:
        notes.append(f"Each measure's scores are means over {trainings:,} trainings.")
    if document["least_overlap"]:
        notes.append(
            f"Only the {document['least_overlap']:,} training texts of least TF-IDF overlap with a "
            "query could be named."
        )
    if repeats := repeat_sentence(document, _REPEATS):
        notes.append(repeats)
    for one in document["dropped"]:
        notes.append(f"Seed {one['seed']} is left out: {line(one['reason'])}")
    return [*found, Say(" ".join(notes), soft=True)]


def _deletion(document: Document) -> list[Block]:
    signs = [sign for sign in _SIGNS if any(sign in one for one in document["measures"].values())]
    found: list[Block] = [
        Say(
            f"{len(_deleted(document)):,} queries, k of "
            f"{', '.join(format(k, ',') for k in document['k'])}, "
            f"{_repeats(document)} seeds: {document['retrainings']:,} retrainings. The mean change "
            f"of {evaluated(document)} over k (AUC-DEL), beside as many random rows."
        ),
        _areas(document, signs),
    ]
    found += [_chart(document, sign) for sign in signs]
    found.append(_curves(document, signs))
    if document["comparisons"]:
        found.append(_comparisons(document))
    if document["leave_out"] or isinstance(document["lds"], list):
        found.append(_agreement(document))
    found.append(_efficiency(document))
    found.append(_queries(document, signs))
    found.append(
        Say(
            "Intervals are 95 %, over queries and seeds like these; 'seeds only' is for these very "
            "queries, which is what more seeds can narrow.",
            soft=True,
        )
    )
    return found


def _deleted(document: Document) -> list[Document]:
    """Return the queries that deletion curves are of; of version 1 all."""
    queries = document["queries"]
    return [queries[place] for place in document.get("deleted", range(len(queries)))]


def _areas(document: Document, signs: list[str]) -> Grid:
    rows: list[list[Cell]] = []
    for name, lines in _everything(document):
        for sign in signs:
            curve = lines.get(sign)
            if curve is None:
                continue
            area, digits = curve["auc"], effect_digits(document)
            over = curve.get("over_random")
            rows.append(
                [
                    line(name),
                    _SIGNS[sign] if name in document["measures"] else "both",
                    interval(area, digits),
                    f"[{signed(area['seeds_low'], digits)}, {signed(area['seeds_high'], digits)}]",
                    "" if over is None else interval(over, digits),
                    in_digits(area["sd"]["seeds"], digits),
                    in_digits(area["sd"]["queries"], digits),
                ]
            )
            if name not in document["measures"]:
                break
    heads = ("AUC [95 %]", "seeds only", "minus random", "SD seeds", "SD queries")
    columns = [Column("measure", "name"), Column("curve", "name"), *map(Column, heads)]
    return Grid("Areas under the deletion curves", columns, rows)


def _curves(document: Document, signs: list[str]) -> Grid:
    rows: list[list[Cell]] = []
    for name, lines in document["measures"].items():
        for sign in signs:
            counts = document["removed"][name][sign]
            for point, removed in zip(lines[sign]["curve"], counts, strict=True):
                mean = sum(removed) / len(removed)
                rows.append(
                    [
                        line(name),
                        _SIGNS[sign],
                        f"{point['k']:,}",
                        f"{mean:,.1f}" if mean != point["k"] else f"{point['k']:,}",
                        interval(point, effect_digits(document)),
                    ]
                )
    columns = [Column("measure", "name"), Column("curve", "name"), Column("k")]
    columns += [Column("rows left out"), Column(f"change of {evaluated(document)} [95 %]")]
    return Grid("The curves", columns, rows, folded=True)


def _chart(document: Document, sign: str) -> Chart:
    lines = [
        Line(
            line(name),
            tuple((one["k"], one["mean"], one["low"], one["high"]) for one in part["curve"]),
            "main" if name in document["measures"] else "control",
        )
        for name, by_sign in _everything(document)
        if (part := by_sign.get(sign)) is not None
    ]
    ends = [0.0, *(value for one in lines for point in one.points for value in point[2:])]
    low, high = min(ends), max(ends)
    margin = (high - low or 1.0) * 0.04
    return Chart(
        _WHAT[sign].format(evaluated(document)),
        tuple(lines),
        (0.0, "no change"),
        (low - margin, high + margin),
    )


def _comparisons(document: Document) -> Grid:
    rows: list[list[Cell]] = [
        [
            line(one["first"]),
            line(one["second"]),
            _SIGNS[one["sign"]],
            interval(one, effect_digits(document)),
            "yes" if one["excludes_zero"] else "no",
        ]
        for one in document["comparisons"]
    ]
    columns = [Column("measure", "name"), Column("minus", "name"), Column("curve", "name")]
    columns += [Column("difference of AUC [95 %]"), Column("excludes 0", "name")]
    return Grid("Differences, on the same queries and seeds", columns, rows)


def _agreement(document: Document) -> Grid:
    rows: list[list[Cell]] = []
    for one in document["leave_out"]:
        rows.append([line(one["measure"]), f"leave {one['k']:,} out", *_rank(one)])
    for one in document["lds"] if isinstance(document["lds"], list) else ():  # version 1
        rows.append([line(one["measure"]), "random halves (LDS)", *_rank(one)])
    columns = [Column("measure", "name"), Column("removed", "name"), Column("sets")]
    columns += [Column("Spearman [95 %]")]
    return Grid("Do summed scores foretell retraining? Ranks over removed sets", columns, rows)


def _rank(one: Mapping[str, Any]) -> list[Cell]:
    return [f"{one['sets']:,}", "–" if one["mean"] is None else interval(one)]


def _efficiency(document: Document) -> Grid:
    rows: list[list[Cell]] = []
    for one in document["efficiency"]:
        rows.append(
            [
                f"{one['k']:,}",
                *(
                    in_digits(one[f"sd_{name}"], effect_digits(document))
                    for name in ("unpaired", "paired", "adjusted")
                ),
                *(_gain(one[f"gain_{name}"]) for name in ("paired", "adjusted")),
                *(f"{one['needed'][name]:,}" for name in ("unpaired", "adjusted")),
            ]
        )
    number = document.get("measured") == "number"
    wide = "a tenth of the training numbers' spread" if number else "0.1"
    columns = [Column("k"), Column("SD unpaired"), Column("SD paired"), Column("SD adjusted")]
    columns += [Column("gain paired"), Column("gain adjusted")]
    columns += [Column("seeds unpaired"), Column("seeds adjusted")]
    return Grid(
        f"What an interval costs: one query, one k; seeds for an interval {wide} wide",
        columns,
        rows,
        folded=True,
    )


def _queries(document: Document, signs: list[str]) -> Grid:
    names = [(name, sign) for name in document["measures"] for sign in signs]
    digits = max(2, effect_digits(document) - 1)
    rows: list[list[Cell]] = []
    for place, one in enumerate(_deleted(document)):
        rows.append(
            [
                line(one["id"]),
                line(one["label"]),
                _outcome(document, one["probability"]),
                *(
                    signed(document["measures"][name][sign]["by_query"][place], digits)
                    for name, sign in names
                ),
                line(one["text"])[:120],
            ]
        )
    columns = [Column("id", "name"), Column("label", "name")]
    columns += [Column(evaluated(document))]
    columns += [Column(f"{line(name)} {_SIGNS[sign]}") for name, sign in names]
    return Grid("Each query's AUC", [*columns, Column("text", "text")], rows, folded=True)


def _outcome(document: Document, value: float) -> str:
    if document.get("measured") == "number":
        return in_digits(value, digits_for(abs(value)))
    return percent(value)


def _everything(document: Document) -> list[tuple[str, Mapping[str, Any]]]:
    """Return measures and controls; a control's one line stands for both signs."""
    controls = [
        (f"{name} rows" if name == "random" else f"random rows of its {name}", curve)
        for name, curve in document["controls"].items()
    ]
    return [
        *document["measures"].items(),
        *((name, dict.fromkeys(_SIGNS, curve)) for name, curve in controls),
    ]


def _repeats(document: Document) -> str:
    counts = sorted(set(document["repeats"].values()))
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _gain(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}×"
