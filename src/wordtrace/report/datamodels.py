"""How the linear datamodeling scores of ``wordtrace evaluate`` read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Say, Warn
from wordtrace.report.numbers import bounded, interval, percent
from wordtrace.report.text import line

Document = Mapping[str, Any]

#: Whole-number counts of halves below which a rank correlation is too rough to go by.
_ROUGH = 10
#: What a column of an outcome is headed by.
_HEADS = {
    "log-odds": "by log-odds",
    "probability": "by probability",
    "log-probability": "by log-probability",
    "number": "by number",
}


def causes_grid(document: Document) -> Grid:
    """Return how well each measure finds known causes, of a study that has no scores of halves."""
    names = list(document["causes"]["measures"])
    cells = _beside({"causes": document["causes"]}, names)
    rows: list[list[Cell]] = [
        [line(name), *(column[at] for column in cells.values())] for at, name in enumerate(names)
    ]
    return Grid("Known causes", [Column("measure", "name"), *map(Column, cells)], rows)


def datamodel_blocks(document: Document) -> list[Block]:
    """Return what was trained, the score of each measure, and their differences."""
    found = document["lds"]
    blocks: list[Block] = [Say(_what(document))]
    if found["halves"] < _ROUGH:
        blocks.append(
            Warn(f"{found['halves']:,} halves are few: these scores say next to nothing.")
        )
    if found["counts_tell"] is not None:
        blocks.append(
            Warn(
                "These halves differ in how many rows of each "
                f"{line(found['by'])} they have, and that alone tells "
                f"{percent(found['counts_tell'])} of what models say. It is taken out of the "
                "scores; 'with counts' is what they would be otherwise, and rewards a measure that "
                "knows labels alone."
            )
        )
    blocks.append(_scores(document))
    if found["differences"]:
        blocks.append(_differences(found["differences"]))
    blocks.append(Say(_reliable(found), soft=True))
    return blocks


def _what(document: Document) -> str:
    found = document["lds"]
    way = (
        f"each with half of the rows of each {line(found['by'])}"
        if found["stratified"]
        else "of all rows alike"
    )
    seeds = len(found["seeds"])
    lost = ""
    if found["lost"]:
        which = f"{found['lost']:,} halves" if found["lost"] > 1 else "One half"
        lost = f" {which} could not be trained."
    alike = len(document["queries"]) - found["queries"]
    same = f" Of {alike:,} more, models say the same after all halves." if alike else ""
    return (
        f"Do summed scores foretell what models say? {found['queries']:,} queries, "
        f"{found['halves']:,} random halves of the {document['examples']:,} training rows, {way}, "
        f"{seeds} seed{'' if seeds == 1 else 's'} each.{lost}{same}"
    )


def _scores(document: Document) -> Grid:
    found = document["lds"]
    main, *others = found["outcomes"]
    plain = found["counts_tell"] is not None
    rows: list[list[Cell]] = []
    ranked = sorted(found["measures"].items(), key=lambda item: -item[1]["mean"])
    for name, one in ranked:
        share = one["share"]
        row: list[Cell] = [
            line(name),
            interval(one, 3),
            "–" if share is None else percent_interval(share),
            *(interval(one["outcomes"][other], 3) for other in others),
        ]
        if plain:
            row.append(interval(one["plain"], 3))
        rows.append(row)
    beside = _beside(document, [name for name, _ in ranked])
    rows = [[*row, *(cells[at] for cells in beside.values())] for at, row in enumerate(rows)]
    columns = [Column("measure", "name"), Column(f"LDS {_HEADS[main]} [95 %]")]
    columns += [Column("of what is attainable")]
    columns += [Column(f"{_HEADS[other]} [95 %]") for other in others]
    if plain:
        columns.append(Column("with counts [95 %]"))
    columns += map(Column, beside)
    return Grid("Linear datamodeling scores (LDS)", columns, rows)


def _beside(document: Document, names: list[str]) -> dict[str, list[Cell]]:
    """Return columns of what else the study asked of measures, by their headings."""
    found: dict[str, list[Cell]] = {}
    judged = document.get("mislabelled")
    if judged:
        known = judged["rankings"]
        found["mislabelled: AUROC [95 %]"] = [
            bounded(known[name]["auroc"]) if name in known else "–" for name in names
        ]
    causes = document.get("causes")
    if causes:
        by_name = causes["measures"]
        found["causes: AUROC [95 %]"] = [bounded(by_name[one]["auroc"]) for one in names]
        for cut in by_name[names[0]]["recall"]:
            found[f"causes in first {int(cut):,} [95 %]"] = [
                bounded(by_name[one]["recall"][cut]) for one in names
            ]
    return found


def _differences(differences: list[Document]) -> Grid:
    rows: list[list[Cell]] = [
        [
            line(one["first"]),
            line(one["second"]),
            interval(one, 3),
            _p(one["p_corrected"]),
            "yes" if one["excludes_zero"] else "no",
        ]
        for one in differences
    ]
    columns = [Column("measure", "name"), Column("minus", "name")]
    columns += [Column("difference of LDS [95 %]"), Column("p, corrected")]
    columns += [Column("excludes 0", "name")]
    return Grid("Differences of LDS, on the same queries and halves", columns, rows)


def _reliable(found: Document) -> str:
    said = "Intervals are 95 %, over queries and halves like these."
    if found["differences"]:
        pairs = len(found["differences"])
        said += (
            " A difference excludes 0 where it does after Holm's correction for all "
            f"{pairs:,} pairs; its interval is not corrected."
            if pairs > 1
            else ""
        )
    one = found["reliability"]
    if one is None:
        return f"{said} With one seed it is not known how reliable what models say is."
    return (
        f"{said} What models say is a mean over {len(found['seeds'])} seeds: its reliability "
        f"is {one['mean']:.2f} [{one['low']:.2f}, {one['high']:.2f}] (split by seeds, Spearman and "
        "Brown), so that its root is about the most that any measure reaches."
    )


def percent_interval(share: Mapping[str, Any]) -> str:
    """Write a share with its interval, which may reach beyond 0 and 1."""
    low, high = (f"{share[end]:.0%}".replace("%", "").replace("-", "−") for end in ("low", "high"))
    return f"{share['mean']:.0%}".replace("%", " %").replace("-", "−") + f" [{low}, {high}]"


def _p(value: float) -> str:
    return "under 0.001" if value < 0.001 else f"{value:.3f}"
