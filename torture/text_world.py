"""A run and an index whose texts, ids and labels are hostile strings, and what is made of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from torture.attempts import Attempt, End
from torture.sandbox import Command, Ended

COLUMNS = ("--text", "body", "--label", "topic", "--id", "key")
_QUERY_COLUMNS = ("--text-column", "body", "--label-column", "topic", "--id-column", "key")

#: Results and the commands that make them.
RESULTS = {
    "trace": ("trace", "run/index", "--queries", "data.jsonl", *_QUERY_COLUMNS, "--top", "2"),
    "rows": ("rows", "run/index", "--limit", "1000"),
    "mislabels": ("mislabels", "run/index", "--top", "1000"),
    "outliers": ("outliers", "run/index", "--top", "1000"),
    "duplicates": ("duplicates", "run/index", "--top", "0"),
    "clusters": ("clusters", "run/index", "--trainings", "0"),
}


@dataclass(frozen=True)
class Said:
    """What a command line said on a terminal."""

    line: Sequence[str]
    status: int
    out: str
    error: str

    @property
    def broken(self) -> str | None:
        """What shows that it failed other than by a sentence."""
        if "This is a bug" in self.error or "Traceback (most recent" in self.error + self.out:
            return self.error[-300:]
        if self.status not in (0, 1, 2):
            return f"exit {self.status}: {self.error[-300:]}"
        return None if not self.status or self.error.strip() else "it said nothing"


@dataclass(frozen=True)
class Hostile:
    """A folder with hostile data: ``data.EXT`` of each format, ``run``, and ``run/index``.

    Attributes
    ----------
    pairs
        Whether its rows are pairs of texts.
    strings
        Each is a row's text, id and label.
    """

    folder: Path
    strings: Sequence[str]
    pairs: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The options that name the columns."""
        return (*COLUMNS, "--text2", "other") if self.pairs else COLUMNS

    def rows(self) -> list[dict[str, str]]:
        """Return the rows of the data."""
        second = [self.strings[-1], *self.strings[:-1]]
        return [
            {"key": one, "body": one, **({"other": two} if self.pairs else {}), "topic": label(one)}
            for one, two in zip(self.strings, second, strict=True)
        ]

    def run(self, *lines: Sequence[str]) -> list[Said]:
        """Run command lines on a terminal, in one process."""
        return run_lines(self.folder, lines)

    def make(self) -> list[Said]:
        """Write the data, train and index."""
        self.folder.mkdir(parents=True)
        rows = self.rows()
        for ending, write in FORMATS.items():
            write(rows, self.folder / f"data{ending}")
        small = ("--epochs", "1", "--dim", "8", "--vocabulary", "500", "--eval-fraction", "0")
        return self.run(
            ("train", "data.jsonl", *self.columns, "--out", "run", *small, "--json"),
            ("index", "run", "--workers", "1", "--json"),
        )


def label(text: str) -> str:
    """Return a string as a label: white space around it is no part of one."""
    return text.strip()


#: How many command lines one process runs: so few that only a hang takes all its patience.
_AT_A_TIME = 100


def run_lines(folder: Path, lines: Sequence[Sequence[str]]) -> list[Said]:
    """Run command lines on a terminal, some in one process, which starts in a folder."""
    found: list[Said] = []
    for first in range(0, len(lines), _AT_A_TIME):
        found += _run_some(folder, lines[first : first + _AT_A_TIME])
    return found


def _run_some(folder: Path, lines: Sequence[Sequence[str]]) -> list[Said]:
    with tempfile.TemporaryDirectory(prefix="torture-lines-") as place:
        orders, answers = Path(place, "orders.json"), Path(place, "answers.json")
        orders.write_text(json.dumps(lines), "ascii")
        ended = in_child(folder, "run_lines", orders, answers)
        if ended.status != 0:
            raise RuntimeError(ended.said(2000))
        found = json.loads(answers.read_text("ascii"))
    return [Said(line, **one) for line, one in zip(lines, found, strict=True)]


def in_child(folder: Path, function: str, *arguments: object) -> Ended:
    """Call a function of :mod:`torture.text_child` in a process of its own."""
    environment = {"COLUMNS": "100", "WORDTRACE_PROGRESS": "0"}
    target = f"torture.text_child:{function}"
    return Command(arguments, folder, target, environment=environment).run()


def tell(group: str, what: str, faults: Sequence[str], end: End = "right") -> Attempt:
    """Return an attempt that is survived where there are no faults."""
    detail = ascii("; ".join(faults[:3]))[:300]
    return Attempt(group, what, "wrong" if faults else end, detail if faults else "")


def returned(group: str, wanted: Mapping[str, str], found: set[str]) -> Iterator[Attempt]:
    """Yield an attempt for each string: whether it came back byte for byte.

    Parameters
    ----------
    wanted
        In what form each string should come back.
    """
    for one, form in wanted.items():
        yield tell(group, ascii(one)[:100], [] if form in found else ["it did not come back"])


def _write_csv(rows: Sequence[Mapping[str, str]], path: Path, delimiter: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def _write_lines(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


def _write_array(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")


def _write_parquet(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)


def _write_zipped(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    plain = path.with_suffix("")
    _write_csv(rows, plain, ",")
    path.write_bytes(gzip.compress(plain.read_bytes()))


#: How rows are written to a file of each format that is read; ``.csv`` after ``.csv.gz``.
FORMATS: dict[str, Any] = {
    ".csv.gz": _write_zipped,
    ".csv": partial(_write_csv, delimiter=","),
    ".tsv": partial(_write_csv, delimiter="\t"),
    ".jsonl": _write_lines,
    ".json": _write_array,
    ".parquet": _write_parquet,
}


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read rows by other means than the library's."""
    if path.suffix == ".parquet":
        table: list[dict[str, str]] = pq.read_table(path).to_pylist()
        return table
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = data.decode("utf-8")
    if path.suffix == ".json":
        array: list[dict[str, str]] = json.loads(text)
        return array
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.split("\n") if line]
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with open(path, "rb") if path.suffix != ".gz" else gzip.open(path) as file:
        lines = _lines(file.read().decode("utf-8"))
    return list(csv.DictReader(lines, delimiter=delimiter, strict=True))


def _lines(text: str) -> Iterator[str]:
    """Yield lines as the csv module wants them: ended by CR, LF, or both, and by nothing else."""
    yield from io.StringIO(text, newline="")
