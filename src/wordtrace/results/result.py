"""What every result can do: be a document, a page and a table, and be saved as each."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from wordtrace.disk import atomic
from wordtrace.errors import InputError
from wordtrace.report.markdown import render_markdown
from wordtrace.report.page import render_fragment, render_html
from wordtrace.results.decode import decode
from wordtrace.results.frames import to_dataset, to_frame
from wordtrace.results.tables import write_csv, write_parquet

#: How a result is written to a file, by the ending of its name.
Ways = dict[str, Callable[[Any, Path], None]]


def told(misread: str | None, look: str | None = None) -> dict[str, str]:
    """Return the entries of a document that say what must not be overlooked, where there are any.

    Parameters
    ----------
    misread
        What says that the run's training was misread.
    look
        What says that the figures come from a cheaper look, not from retraining.
    """
    given = {"misread": misread, "look": look}
    return {name: said for name, said in given.items() if said is not None}


class Tabular(ABC):
    """A result that is a table, and so a DataFrame, a Dataset, and a file of either, too."""

    @abstractmethod
    def table(self) -> Any:
        """Return it as a pyarrow table."""

    def to_frame(self) -> Any:
        """Return :meth:`table` as a pandas DataFrame (InputError without pandas).

        Examples
        --------
        >>> trace.to_frame()["sign"].unique().tolist()
        ['proponent', 'opponent']
        """
        return to_frame(self.table())

    def to_dataset(self) -> Any:
        """Return :meth:`table` as a ``datasets.Dataset`` (InputError without the package)."""
        return to_dataset(self.table())

    def save(self, path: str | Path) -> None:
        """Write the result; the ending of the name says how.

        ``.parquet`` and ``.csv`` hold :meth:`table`; in a CSV file an apostrophe stands before a
        text that a spreadsheet would take for a formula. A result that is a document can also be
        written as ``.json``, which :func:`wordtrace.load` reads back, as ``.html``, a page, and as
        ``.md``, the same for a pull request.

        Raises
        ------
        InputError
            For another ending, or a folder that does not exist.

        Examples
        --------
        >>> trace.save("why.html")
        """
        file = Path(path)
        self.check_place(file)
        self._ways()[file.suffix.lower()](self, file)

    @classmethod
    def check_place(cls, file: Path) -> None:
        """Refuse a file that :meth:`save` can't write, before there is a result (InputError)."""
        *most, last = ways = cls._ways()
        if file.suffix.lower() not in ways:
            raise InputError(f"{file} should end in {', '.join(most)} or {last}.")
        if not file.parent.is_dir():
            raise InputError(f"{file}: the folder {file.parent} does not exist.")

    @classmethod
    def _ways(cls) -> Ways:
        return {
            ".parquet": lambda self, file: write_parquet(self.table(), file),
            ".csv": lambda self, file: write_csv(self.table(), file),
        }


class Result(Tabular):
    """A result that is a JSON document: it shows itself in a notebook, and can be read back.

    Attributes
    ----------
    format, version
        The document's format and version.
    noun
        The name of such a result, with its article, for messages.
    """

    format: ClassVar[str]
    version: ClassVar[int]
    noun: ClassVar[str]

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document (docs/reference/formats.md)."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the result that a document describes.

        Raises
        ------
        ValueError
            When something is missing in it, or has another form.
        """
        return decode(cls, document)

    def to_json(self) -> str:
        """Return :meth:`document` as text."""
        return json.dumps(self.document(), ensure_ascii=False, allow_nan=False, indent=1)

    def _repr_html_(self) -> str:
        return render_fragment(self.document())

    @classmethod
    def _ways(cls) -> Ways:
        return {
            ".json": lambda self, file: atomic.write_json(file, self.document()),
            ".html": lambda self, file: atomic.write_text(file, render_html([self.document()])),
            ".md": lambda self, file: atomic.write_text(file, render_markdown([self.document()])),
            **super()._ways(),
        }
