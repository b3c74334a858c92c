"""What a script found, written as a table to read, a figure, and all numbers."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

import wordtrace as wt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~$&@]|^[-+=]|(?<=^\d)[.)]")

_MINUS = re.compile(r"(?<![\w-])-(?=\d)")


@dataclass(frozen=True)
class Finding:
    """What a script found.

    Attributes
    ----------
    name
        The script's.
    rows
        Of the table: numbers and texts by name; all rows have the same names.
    columns
        Of the printed table: each heading with a template of :meth:`str.format` that takes a row,
        as ``"{lds:.3f} [{low:.3f}, {high:.3f}]"``. Where a value that it names is None or missing,
        the cell is "–".
    said
        Sentences under the table: data, rows, seeds, models.
    about
        What else stands in the JSON: `data` (of :func:`described`), `seeds`, `models` and whatever
        the script has to tell.
    figure
        Or None.
    """

    name: str
    rows: Sequence[Mapping[str, Any]]
    columns: Mapping[str, str]
    said: str
    about: Mapping[str, Any] = field(default_factory=dict)
    figure: Figure | None = None


def described(train: wt.Examples, queries: wt.Examples | None = None) -> dict[str, Any]:
    """Return what JSON says of a data set: where it is from, its size and its fingerprint."""
    found = {
        "source": Path(train.source).name,
        "rows": len(train),
        "labels": list(train.label_names),
        "fingerprint": train.fingerprint(),
    }
    if queries is not None:
        found |= {"queries": len(queries), "queries_fingerprint": queries.fingerprint()}
    return found


def markdown(finding: Finding) -> str:
    """Return the table as Markdown; texts of the data are escaped and stay in their cells."""
    lines = [list(finding.columns), ["---"] * len(finding.columns)]
    for row in finding.rows:
        safe = {name: plain(one) if isinstance(one, str) else one for name, one in row.items()}
        lines.append([_cell(template, safe) for template in finding.columns.values()])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def plain(text: str) -> str:
    """Return a text on one line, escaped so that Markdown shows it as it stands."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def _cell(template: str, row: Mapping[str, Any]) -> str:
    try:
        return _MINUS.sub("−", template.format(**row))
    except (KeyError, TypeError):  # not measured here, or None
        return "–"


def write(finding: Finding, out: Path, command: str, seconds: float) -> list[Path]:
    """Write NAME.md, NAME.json, NAME.parquet and, where there is a figure, NAME.svg.

    Parameters
    ----------
    command
        What makes them again.
    seconds
        That it took, in this command and in those before it that it goes on from.

    Returns
    -------
    The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = {ending: out / f"{finding.name}.{ending}" for ending in ("md", "json", "parquet")}
    took = f"{seconds / 3600:.2f} hours" if seconds >= 360 else f"{seconds:.0f} seconds"
    said = f"{markdown(finding)}\n{finding.said} {took}: `{command}`\n"
    paths["md"].write_text(said, encoding="utf-8")
    document = {
        "name": finding.name,
        "command": command,
        "seconds": round(seconds, 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "versions": {
            "wordtrace": wt.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        **finding.about,
        "rows": [dict(row) for row in finding.rows],
    }
    paths["json"].write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    pq.write_table(pa.Table.from_pylist([dict(row) for row in finding.rows]), paths["parquet"])
    if finding.figure is not None:
        paths["svg"] = out / f"{finding.name}.svg"
        draw(finding.figure, paths["svg"])
    return list(paths.values())


def draw(figure: Figure, path: Path) -> None:
    """Write a figure whose file is the same each time: no date, and letters stay letters."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "wordtrace", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
