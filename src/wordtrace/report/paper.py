"""A study's areas as a table to print: LaTeX (booktabs), or Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wordtrace.errors import InputError
from wordtrace.report.documents import kind_of, whole
from wordtrace.report.measured import effect_digits, evaluated
from wordtrace.report.numbers import in_digits, signed
from wordtrace.report.text import clean

#: What a table's file may end in.
ENDINGS = (".tex", ".md")

_SIGNS = {"proponents": 1, "opponents": -1}
_HEADS = {
    "proponents": ("AUC-DEL+", "lower is better"),
    "opponents": ("AUC-DEL−", "higher is better"),
}
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{one: f"\\{one}" for one in "&%$#_"},
}


def render_table(document: Mapping[str, Any], ending: str) -> str:
    """Return the areas under the deletion curves as Table 4 of the paper has them.

    A row for each measure and control; for each sign the mean over k, queries and seeds with its
    95 % interval, the best measure's in bold, and the standard deviation over seeds.

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
        signs = [one for one in _SIGNS if any(one in by for by in document["measures"].values())]
        best = {sign: _best(document, sign) for sign in signs}
        digits = effect_digits(document)
        rows = [
            [name, *(_cell(by.get(sign), name == best[sign], digits) for sign in signs)]
            for name, by in document["measures"].items()
        ]
        controls = [
            [_control(name), *(_cell(one, False, digits) for _ in signs)]
            for name, one in document["controls"].items()
        ]
        said = _caption(document)
    if ending == ".tex":
        return _latex(signs, rows, controls, said)
    return _markdown(signs, rows, controls, said)


#: A mean with its interval, the standard deviation over seeds, whether it is the best.
_Value = tuple[str, str, str, bool] | None
_Rows = Sequence[Sequence[Any]]


def _best(document: Mapping[str, Any], sign: str) -> str:
    means: dict[str, float] = {
        name: _SIGNS[sign] * by[sign]["auc"]["mean"]
        for name, by in document["measures"].items()
        if sign in by
    }
    return min(means, key=means.__getitem__)


def _cell(line: Mapping[str, Any] | None, best: bool, digits: int) -> _Value:
    if line is None:
        return None
    area = line["auc"]
    between = f"[{signed(area['low'], digits)}, {signed(area['high'], digits)}]"
    return signed(area["mean"], digits), between, in_digits(area["sd"]["seeds"], digits), best


def _control(name: str) -> str:
    return "random rows" if name == "random" else f"random rows of the query's {name[4:]}"


def _caption(document: Mapping[str, Any]) -> str:
    seeds = sorted(set(document["repeats"].values()))
    between = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return (
        f"Mean change of {evaluated(document)} after leaving out the k strongest rows, over k of "
        f"{', '.join(str(k) for k in document['k'])}; {document['examples']:,} training rows, "
        f"{len(document['queries']):,} queries, {between} seeds, {document['retrainings']:,} "
        "retrainings. 95 % intervals over queries and seeds; SD over seeds. Controls "
        "leave out as many rows."
    )


def _markdown(signs: Sequence[str], rows: _Rows, controls: _Rows, said: str) -> str:
    def cell(value: _Value) -> str:
        if value is None:
            return "–"
        mean, between, spread, best = value
        return f"{f'**{mean}**' if best else mean} {between} | {spread}"

    heads = " | ".join(f"{_HEADS[sign][0]} ({_HEADS[sign][1]}) | SD" for sign in signs)
    lines = [f"| | {heads} |", "|---|" + "---:|" * (2 * len(signs))]
    for name, *values in [*rows, *controls]:
        shown = " | ".join(cell(value) if value else "– | –" for value in values)
        lines.append(f"| {_escaped(name, _in_markdown)} | {shown} |")
    return "\n".join([*lines, "", said, ""])


def _latex(signs: Sequence[str], rows: _Rows, controls: _Rows, said: str) -> str:
    def cell(value: _Value) -> str:
        if value is None:
            return "-- & --"
        mean, between, spread, best = value
        number = f"\\mathbf{{{mean}}}" if best else mean
        return f"${number}$ {{\\footnotesize ${between}$}} & ${spread}$".replace("−", "-")

    def line(row: Sequence[Any]) -> str:
        name, *values = row
        cells = " & ".join(cell(value) for value in values)
        return f"  {_escaped(name, _in_latex)} & {cells} \\\\"

    heads = " & ".join(
        f"{_HEADS[sign][0].replace('−', '$-$').replace('+', '$+$')} & SD" for sign in signs
    )
    notes = " & ".join(f"{{\\footnotesize {_HEADS[sign][1]}}} &" for sign in signs)
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            "\\begin{table}",
            "\\centering",
            f"\\begin{{tabular}}{{l{'rr' * len(signs)}}}",
            "  \\toprule",
            f"  & {heads} \\\\",
            f"  & {notes} \\\\",
            "  \\midrule",
            *map(line, rows),
            "  \\midrule",
            *map(line, controls),
            "  \\bottomrule",
            "\\end{tabular}",
            f"\\caption{{{_escaped(said, _in_latex)}}}",
            "\\end{table}",
            "",
        ]
    )


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    return escape(clean(str(text), newlines=False))


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(one, one) for one in text)


def _in_markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|&])", r"\\\1", text)
