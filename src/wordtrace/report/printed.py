"""A table of figures to print: LaTeX (booktabs), or Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wordtrace.report.text import clean

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{one: f"\\{one}" for one in "&%$#_"},
}


@dataclass(frozen=True)
class Value:
    """A figure as text, with its interval behind it; the best of its column is bold."""

    text: str
    between: str = ""
    best: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    heads
        (name, what it means) of each column but the first.
    groups
        Rows between lines: a name with a value for each column; None for none.
    caption
        What is said below.
    """

    heads: Sequence[tuple[str, str]]
    groups: Sequence[Sequence[tuple[str, Sequence[Value | None]]]]
    caption: str

    def markdown(self) -> str:
        """Write it in Markdown."""
        heads = " | ".join(f"{name} ({note})" if note else name for name, note in self.heads)
        lines = [f"| | {heads} |", "|---|" + "---:|" * len(self.heads)]
        for name, values in (row for rows in self.groups for row in rows):
            cells = " | ".join(_cell_in_markdown(value) for value in values)
            lines.append(f"| {_escaped(name, _in_markdown)} | {cells} |")
        return "\n".join([*lines, "", self.caption, ""])

    def latex(self) -> str:
        """Write it in LaTeX; it needs the package booktabs."""

        def line(row: tuple[str, Sequence[Value | None]]) -> str:
            cells = " & ".join(_cell_in_latex(value) for value in row[1])
            return f"  {_escaped(row[0], _in_latex)} & {cells} \\\\"

        heads = " & ".join(name.replace("−", "$-$").replace("+", "$+$") for name, _ in self.heads)
        notes = " & ".join(f"{{\\footnotesize {note}}}" if note else "" for _, note in self.heads)
        body: list[str] = []
        for rows in self.groups:
            if rows:
                body += ["  \\midrule", *map(line, rows)]
        return "\n".join(
            [
                "% needs \\usepackage{booktabs}",
                "\\begin{table}",
                "\\centering",
                f"\\begin{{tabular}}{{l{'r' * len(self.heads)}}}",
                "  \\toprule",
                f"  & {heads} \\\\",
                f"  & {notes} \\\\",
                *body,
                "  \\bottomrule",
                "\\end{tabular}",
                f"\\caption{{{_escaped(self.caption, _in_latex)}}}",
                "\\end{table}",
                "",
            ]
        )


def _cell_in_markdown(value: Value | None) -> str:
    if value is None:
        return "–"
    shown = f"**{value.text}**" if value.best else value.text
    return f"{shown} {value.between}".strip()


def _cell_in_latex(value: Value | None) -> str:
    if value is None:
        return "--"
    number = f"\\mathbf{{{value.text}}}" if value.best else value.text
    between = f" {{\\footnotesize ${value.between}$}}" if value.between else ""
    return f"${number}${between}".replace("−", "-")


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    return escape(clean(str(text), newlines=False))


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(one, one) for one in text)


def _in_markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|&])", r"\\\1", text)
