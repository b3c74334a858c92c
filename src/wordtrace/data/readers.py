"""Reading Examples from files, folders and tables."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from wordtrace.data import hub
from wordtrace.data.checks import make_examples
from wordtrace.data.columns import Columns, Wanted
from wordtrace.data.conversations import Form
from wordtrace.data.examples import Examples
from wordtrace.data.json_files import read_json, read_json_lines
from wordtrace.data.labelling import Kind
from wordtrace.data.origin import Origin
from wordtrace.data.tables import (
    read_dicts,
    read_parquet,
    read_saved,
    read_table,
    refuse_split,
)
from wordtrace.data.text_files import read_delimited, read_plain
from wordtrace.errors import DataError

_KNOWN = ".csv, .tsv, .jsonl, .json, .parquet (each also .gz), or a folder saved by `datasets`"


def read_examples(
    data: Any,
    *,
    text: str = "text",
    text2: str | None = None,
    label: str | Sequence[str] | None = "label",
    id: str | Literal[False] | None = None,
    split: str | None = None,
    label_names: Sequence[str] | None = None,
    require_labels: bool = True,
    limit: int | None = None,
    kind: Kind = "class",
) -> Examples:
    """Read labelled texts and check them.

    Parameters
    ----------
    data
        The path of a CSV, TSV, JSON lines, JSON (one array of objects) or Parquet file (each also
        gzipped), or of a folder saved by Hugging Face ``datasets``. If there is no such path, the
        name of a data set on the hub: ``ag_news``, ``nyu-mll/glue:mnli`` (with a configuration),
        ``ag_news@REVISION``. Or a ``datasets.Dataset`` or ``DatasetDict``, a pandas DataFrame, a
        PyArrow table, or a list of dicts. A ``.txt`` file holds one unlabelled text on each line.
    text, text2, label, id
        Column names. Without `id`, the ids are in the column "id" if there is one, else they are
        row numbers; ``id=False`` takes row numbers in any case. A second text may be empty. Sets of
        classes may be spread over several label columns, one of 0 and 1 for each class. White space
        around a label is no part of it, and ``1.0`` is the class ``1``.
    split
        The split to read from a ``DatasetDict``, saved or not, or a data set on the hub.
    label_names
        The known classes, such as those of a run; by default the data set's own, else the labels
        that occur, sorted.
    require_labels
        False for queries: labels may be missing (they are then -1), and so may the column "label";
        a label column of another name may not.
    limit
        Read only this many rows.
    kind
        The kind of the labels: "class" for one of several classes, "set" for several classes a
        text, "number" for numbers.

    Raises
    ------
    DataError
        When the data can't be used; the message says what is wrong, where (file, line, column, id),
        and what to do.

    Warns
    -----
    DataWarning
        Where the data could be read in two ways; the message says which was taken.

    Examples
    --------
    >>> news = wt.read_examples("news.csv", text="text", label="label")
    >>> len(news), news.label_names
    (60, ('Business', 'Film', 'Sport'))
    """
    names = None if label_names is None else tuple(label_names)
    columns = label if label is None or isinstance(label, str) else tuple(label)
    wanted = Wanted(text, text2, columns, id, names, require_labels, kind)
    return _placed(make_examples(_read(data, wanted, split, limit), split), data)


@dataclass(frozen=True)
class Dialogues:
    """A language model's data.

    Attributes
    ----------
    examples
        Texts, pairs of a prompt and its completion, or conversations as their documents' texts.
    form
        The columns in which they were found.
    chat
        Whether they are conversations.
    """

    examples: Examples
    form: Form
    chat: bool


def read_dialogues(
    data: Any,
    *,
    text: str | None = None,
    text2: str | None = None,
    id: str | Literal[False] | None = None,
    split: str | None = None,
    limit: int | None = None,
    label_names: tuple[str, ...] = (),
) -> Dialogues:
    """Read what a language model is trained on, in the forms that TRL knows.

    Parameters
    ----------
    data
        As of :func:`read_examples`.
    text, text2
        The columns of a text or of messages, or of prompt and completion; by default those that
        there are: prompt and completion, else messages, else conversations, else text.
    id, split, limit, label_names
        As of :func:`read_examples`; no label is read.

    Raises
    ------
    DataError
        When the data can't be used; names the row.
    """
    named = () if text is None and text2 is None else (text or "text", text2)
    forms = tuple(name for name in named if name is not None)
    wanted = Wanted("text", None, None, id, label_names, require_labels=False, forms=forms)
    read = _read(data, wanted, split, limit)
    examples = _placed(make_examples(read, split), data)
    assert read.form is not None
    return Dialogues(examples, read.form, read.chat)


def read_again(origin: Origin, label_names: Sequence[str] | None = None) -> Examples:
    """Read the file that examples were read from, by the same columns (DataError).

    Parameters
    ----------
    label_names
        The known classes.
    """
    if origin.forms is not None:
        text, text2 = (*origin.forms, None, None)[:2]
        return read_dialogues(
            origin.path, text=text, text2=text2, id=origin.id, split=origin.split
        ).examples
    return read_examples(
        origin.path,
        text=origin.text,
        text2=origin.text2,
        label=origin.label,
        id=origin.id,
        split=origin.split,
        label_names=label_names,
        require_labels=origin.label is not None,
        kind=origin.kind,
    )


def _placed(examples: Examples, data: Any) -> Examples:
    """Return examples that know the file that they were read from, where it is one here."""
    if not isinstance(data, str | Path) or not Path(data).exists():
        return examples
    assert examples.origin is not None
    return replace(examples, origin=replace(examples.origin, path=os.path.abspath(data)))


def column_names(data: Any, text: str, split: str | None = None) -> list[str]:
    """Return the names of all columns of what :func:`read_examples` reads (DataError).

    Parameters
    ----------
    text
        The column of texts.
    """
    wanted = Wanted(text, None, None, None, require_labels=False)
    _read(data, wanted, split, 100)
    return list(wanted.available)


def _read(data: Any, wanted: Wanted, split: str | None, limit: int | None) -> Columns:
    if limit is not None and limit < 1:
        raise DataError(f"the limit is {limit}; give 1 or more rows.")
    if isinstance(data, str | Path):
        return _read_path(Path(data), str(data), wanted, split, limit)
    if isinstance(data, Sequence) and not isinstance(data, bytes | bytearray):
        refuse_split(split, "the list")
        return read_dicts(data, wanted, limit)
    return read_table(data, wanted, split, limit)


def _read_path(
    path: Path, given: str, wanted: Wanted, split: str | None, limit: int | None
) -> Columns:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        if hub.may_be_hub_name(given):
            return read_table(hub.load(given, split), wanted, None, limit, given)
        raise DataError(f"{path} does not exist; give {_KNOWN}.") from None
    except OSError as error:
        shown = f"{str(path)[:80]}…" if len(str(path)) > 80 else str(path)
        raise DataError(f"{shown} can't be opened ({error.strerror}); give {_KNOWN}.") from None
    if path.is_dir():
        return read_saved(path, wanted, split, limit)
    if not stat.S_ISREG(mode):  # a pipe may never end
        raise DataError(f"{path} is a pipe or a device, not a file; give {_KNOWN}.")
    refuse_split(split, path.name)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    kind = (suffixes[:-1] if zipped else suffixes)[-1:]
    with _opened(path, zipped) as file:
        match kind:
            case [".csv" | ".tsv" as one]:
                delimiter = "," if one == ".csv" else "\t"
                return read_delimited(file, path.name, wanted, delimiter, limit)
            case [".jsonl" | ".ndjson"]:
                return read_json_lines(file, path.name, wanted, limit)
            case [".json"]:
                return read_json(file, path.name, wanted, limit)
            case [".parquet"]:
                return read_parquet(file, path.name, wanted, limit, zipped=zipped)
            case [".txt"] if not wanted.require_labels:
                return read_plain(file, path.name, wanted, limit)
            case [".txt"]:
                raise DataError(
                    f"{path.name}: a .txt file can't be read here, since it holds texts without "
                    f"labels; give {_KNOWN}."
                )
    raise DataError(f"{path.name}: this kind of file can't be read; give {_KNOWN}.")


@contextmanager
def _opened(path: Path, zipped: bool) -> Iterator[IO[bytes]]:
    """Open a file, unzipping where it is zipped; what goes wrong while reading is said here."""
    try:
        with gzip.open(path) if zipped else open(path, "rb") as file:
            yield file  # type: ignore[misc]
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path.name} is not a whole gzip file ({error}); write it again."
        ) from None
    except EOFError:
        raise DataError(f"{path.name} ends early: the gzip file was cut; copy it again.") from None
    except OSError as error:
        raise DataError(f"{path.name} can't be read ({error.strerror or error}).") from None
