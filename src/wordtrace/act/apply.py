"""Apply a patch to a data set, in the file's own format, touching nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from wordtrace.act.patch import Patch, PatchChange, fingerprint
from wordtrace.data.examples import Examples
from wordtrace.data.readers import column_names, read_examples
from wordtrace.data.rewrite import file_kind, rewrite
from wordtrace.data.rewrite_text import RowChange
from wordtrace.disk import temporary
from wordtrace.errors import InputError, MismatchError, option

FORMAT, VERSION = "wordtrace-applied", 1


@dataclass(frozen=True)
class Applied:
    """What a patch did.

    Attributes
    ----------
    relabelled, edited, removed
        The number of rows changed in each way.
    rows
        The number of rows in `out`.
    skipped
        (id, reason) of each change that did not fit and was left out.
    """

    data: str
    out: str
    relabelled: int
    edited: int
    removed: int
    rows: int
    skipped: tuple[tuple[str, str], ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}


def apply_patch(
    patch: Patch,
    data: str | Path,
    out: str | Path,
    *,
    text: str = "text",
    text2: str | None = None,
    label: str = "label",
    id: str | Literal[False] | None = None,
    split: str | None = None,
    skip_stale: bool = False,
    overwrite: bool = False,
) -> Applied:
    """Apply a patch to `data`, and write the result to `out` in the same format.

    CSV, TSV and JSON lines keep every other byte (for a gzipped file, every byte of its content).
    Parquet files and folders of ``datasets`` keep schema, metadata and the other columns.

    Parameters
    ----------
    data
        A path as for :func:`.read_examples`; name the same columns as there.
    skip_stale
        Leave out changes that do not fit the data, instead of refusing the whole patch.
    overwrite
        Replace `out` if it exists.

    Raises
    ------
    MismatchError
        When changes do not fit: an id does not exist, or a label or text differs from `before`. Or
        when it can't be told whether they fit: where ids are row numbers, a patch that removes rows
        and was applied before would meet other rows, unless each change has a fingerprint or says
        of how many rows the data are.
    InputError
        When `out` is `data`, exists, or is of another format.

    Examples
    --------
    >>> index.mislabels(top=2).patch("remove").write("fix.jsonl")
    >>> applied = wt.apply_patch(wt.read_patch("fix.jsonl"), "news.csv", "repaired.csv")
    >>> applied.removed, applied.rows
    (2, 58)
    """
    source, target = Path(data), Path(out)
    _check_places(source, target, overwrite)
    # Rows without a label, and data of a single class, do not matter to a patch.
    examples = read_examples(
        source, text=text, text2=text2, label=label, id=id, split=split, require_labels=False
    )
    numbered = id is False or (id is None and "id" not in column_names(source, text, split))
    fitting, stale = sort_out(patch, examples, numbered=numbered)
    if stale and not skip_stale:
        (name, why), more = stale[0], len(stale) - 1
        others = f", and {more:,} more changes do not fit either" if more else ""
        raise MismatchError(
            f"the patch does not fit {source.name}: row {name!r} {why}{others}; give the data it "
            f"was made for, or leave such changes out with {option('skip_stale', True)}."
        )
    names = {"label": label, "text": text, "text2": text2 or ""}
    changes: dict[int, RowChange] = {}
    for one in fitting:
        row = examples.row_of(one.id)
        if one.action == "remove":
            changes[row] = None
        else:
            changes[row] = {**(changes.get(row) or {}), names[one.field]: one.after or ""}
    rewrite(source, target, changes, split=split, label=label)
    counts = {action: sum(one.action == action for one in fitting) for action in ("edit", "remove")}
    return Applied(
        data=str(source),
        out=str(target),
        relabelled=len(fitting) - sum(counts.values()),
        edited=counts["edit"],
        removed=counts["remove"],
        rows=len(examples) - counts["remove"],
        skipped=tuple(stale),
    )


def _check_places(source: Path, target: Path, overwrite: bool) -> None:
    # A kill after the last step leaves a whole file, and beside it what no later writer clears.
    temporary.clear(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise InputError(
            f"{option('out', str(target))} is the data itself; write to another place."
        )
    if target.exists() and not overwrite:
        raise InputError(
            f"{target} is there already; give {option('overwrite', True)}, or another place."
        )
    if target.is_dir() and target.suffixes:
        raise InputError(f"{target} is a folder; give another place.")
    if not target.parent.is_dir():
        raise InputError(
            f"{option('out', str(target))}: the folder {target.parent} does not exist."
        )
    wanted, given = (file_kind(one) for one in (source, target))
    if wanted != given and source.is_file():
        raise InputError(
            f"{option('out', str(target))} is of another format than {source.name}; "
            f"end it in {''.join(wanted)}."
        )


def sort_out(
    patch: Patch, examples: Examples, *, numbered: bool = False
) -> tuple[list[PatchChange], list[tuple[str, str]]]:
    """Return the changes that fit the data, and (id, reason) for those that do not.

    Parameters
    ----------
    numbered
        Whether the ids are the numbers of the data's rows, which shift when rows are removed.
    """
    shifting = numbered and any(one.action == "remove" for one in patch)
    rows = {id: row for row, id in enumerate(examples.ids)}
    fitting: list[PatchChange] = []
    stale: list[tuple[str, str]] = []
    for one in patch:
        why = _misfit(one, examples, rows) or _unsure(one, len(examples), shifting)
        if why is None:
            fitting.append(one)
        else:
            stale.append((one.id, why))
    return fitting, stale


def _misfit(change: PatchChange, examples: Examples, rows: dict[str, int]) -> str | None:
    if change.id not in rows:
        return "is not there"
    row = rows[change.id]
    if change.field == "label":
        held = examples.labels[row : row + 1]
        given = examples.labelling.given(held)[0]
        found = examples.labelling.spell(held[0]) if given else ""
    else:
        texts = examples.texts if change.field == "text" else examples.texts2
        if texts is None:
            return "has no second text"
        found = texts[row]
    if found != change.before:
        if found == change.after:
            return f"has that {change.field} already"
        short = f"{found[:40]}…" if len(found) > 40 else found
        return f"has the {change.field} {short!r}, not the one that the patch replaces"
    second = None if examples.texts2 is None else examples.texts2[row]
    if change.fingerprint and fingerprint(examples.texts[row], second) != change.fingerprint:
        return "has another text than when the change was proposed"
    return None


def _unsure(change: PatchChange, count: int, shifting: bool) -> str | None:
    if change.rows not in (None, count):
        return f"is of data with {change.rows:,} rows, and these have {count:,}"
    if shifting and change.fingerprint is None and change.rows is None:
        return (
            "is named by its number alone, which is another row's once rows are removed: say in "
            f'its line of how many rows the data are, "rows": {count}, or name a column of ids'
        )
    return None
