"""A study's scores and areas as tables to print: LaTeX (booktabs), or Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.errors import InputError
from wordtrace.report.documents import kind_of, whole
from wordtrace.report.measured import effect_digits, evaluated
from wordtrace.report.numbers import in_digits, signed
from wordtrace.report.printed import Table, Value

#: What a table's file may end in.
ENDINGS = (".tex", ".md")

_SIGNS = {"proponents": 1, "opponents": -1}
_HEADS = {
    "proponents": ("AUC-DEL+", "lower is better"),
    "opponents": ("AUC-DEL−", "higher is better"),
}


def render_table(document: Mapping[str, Any], ending: str) -> str:
    """Return the linear datamodeling scores, and the areas under deletion curves as Table 4 has.

    Of scores: a row for each measure with the mean over queries, its share of what is attainable,
    and the mean by the other outcome. Of areas: a row for each measure and control; for each sign
    the mean over k, queries and seeds and the standard deviation over seeds. All with 95 %
    intervals, and the best measure's in bold.

    Parameters
    ----------
    ending
        ".tex": needs the LaTeX package booktabs; or ".md".

    Raises
    ------
    InputError
        For another document than a study's, or another ending.
    """
    if ending not in ENDINGS:
        raise InputError(f"a table ends in {' or '.join(ENDINGS)}, not in {ending!r}.")
    if kind_of(document) != "wordtrace-evaluation":
        raise InputError("only what `wordtrace evaluate` wrote can be made a table.")
    with whole():
        tables = []
        if isinstance(document.get("lds"), Mapping):
            tables.append(_scores(document))
        if document["k"]:
            tables.append(_areas(document))
    return "\n".join(one.latex() if ending == ".tex" else one.markdown() for one in tables)


def _scores(document: Mapping[str, Any]) -> Table:
    found = document["lds"]
    main, *others = found["outcomes"]
    plain = found["counts_tell"] is not None
    ranked = sorted(found["measures"].items(), key=lambda item: -float(item[1]["mean"]))
    rows = [
        (
            name,
            [
                _value(one, name == ranked[0][0]),
                None if one["share"] is None else _value(one["share"]),
                *(_value(one["outcomes"][other]) for other in others),
                *([_value(one["plain"])] if plain else []),
            ],
        )
        for name, one in ranked
    ]
    heads = [("LDS", f"by {main}"), ("share", "of what is attainable")]
    heads += [("LDS", f"by {other}") for other in others]
    heads += [("LDS", "with class counts")] if plain else []
    return Table(heads, [rows], _said_of_scores(document))


def _said_of_scores(document: Mapping[str, Any]) -> str:
    found = document["lds"]
    way = f"with half of each {found['by']}" if found["stratified"] else "of all rows alike"
    one = found["reliability"]
    reliable = ""
    if one is not None:
        between = f"[{in_digits(one['low'], 2)}, {in_digits(one['high'], 2)}]"
        reliable = f" The truth's reliability is {in_digits(one['mean'], 2)} {between}."
    seeds = len(found["seeds"])
    return (
        "Linear datamodeling score: Spearman's correlation of the summed scores of the rows kept "
        f"with what models say, over {found['halves']:,} random halves of {document['examples']:,} "
        f"training rows ({way}), {seeds} seed{'s' if seeds > 1 else ''} each; a mean over "
        f"{found['queries']:,} queries, with 95 % intervals over queries and halves.{reliable}"
    )


def _areas(document: Mapping[str, Any]) -> Table:
    signs = [one for one in _SIGNS if any(one in by for by in document["measures"].values())]
    best = {sign: _best(document, sign) for sign in signs}
    digits = effect_digits(document)
    rows = [
        (
            name,
            [
                cell
                for sign in signs
                for cell in _area(by.get(sign), digits, best=name == best[sign])
            ],
        )
        for name, by in document["measures"].items()
    ]
    controls = [
        (_control(name), [cell for _ in signs for cell in _area(one, digits)])
        for name, one in document["controls"].items()
    ]
    heads = [head for sign in signs for head in (_HEADS[sign], ("SD", ""))]
    return Table(heads, [rows, controls], _said_of_areas(document))


def _best(document: Mapping[str, Any], sign: str) -> str:
    means: dict[str, float] = {
        name: _SIGNS[sign] * by[sign]["auc"]["mean"]
        for name, by in document["measures"].items()
        if sign in by
    }
    return min(means, key=means.__getitem__)


def _area(
    line: Mapping[str, Any] | None, digits: int, *, best: bool = False
) -> tuple[Value | None, Value | None]:
    """Return an area and its standard deviation over seeds."""
    if line is None:
        return None, None
    area = line["auc"]
    return _value(area, best, digits), Value(in_digits(area["sd"]["seeds"], digits))


def _value(estimate: Mapping[str, Any], best: bool = False, digits: int = 3) -> Value:
    between = f"[{signed(estimate['low'], digits)}, {signed(estimate['high'], digits)}]"
    return Value(signed(estimate["mean"], digits), between, best)


def _control(name: str) -> str:
    return "random rows" if name == "random" else f"random rows of the query's {name[4:]}"


def _said_of_areas(document: Mapping[str, Any]) -> str:
    seeds = sorted(set(document["repeats"].values()))
    between = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return (
        f"Mean change of {evaluated(document)} after leaving out the k strongest rows, over k of "
        f"{', '.join(str(k) for k in document['k'])}; {document['examples']:,} training rows, "
        f"{len(document.get('deleted', document['queries'])):,} queries, {between} seeds, "
        f"{document['retrainings']:,} retrainings. 95 % intervals over queries and seeds; SD over "
        "seeds. Controls leave out as many rows."
    )
