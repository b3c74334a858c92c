"""The options that say where in a file, folder or data set the examples are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from wordtrace.cli.effect import needs
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.data.examples import Examples
    from wordtrace.run.run import Run

_column = partial(typer.Option, rich_help_panel="Columns")

Split = Annotated[
    str | None,
    _column(help="Split to read, of a `datasets` folder or data set on the hub that has several."),
]


NoId = Annotated[
    bool, _column("--no-id", help="Take row numbers as ids, even if there is a column id.")
]


def id_of(no_id: bool, column: str | None, flag: str) -> str | Literal[False] | None:
    """Return which column holds the ids, as the library takes it (InputError)."""
    if no_id and column is not None:
        raise InputError(f"give {flag} or --no-id, one of the two.")
    return False if no_id else column


@dataclass(frozen=True)
class ColumnOptions:
    """Of labelled examples: the columns by name."""

    text: Annotated[str | None, _column(help="Text column; text by default.")] = None
    text2: Annotated[str | None, _column(help="Column with a pair's second text.")] = None
    label: Annotated[
        str,
        _column(help="Label column; for several labels a text, columns of 0 and 1: toxic,threat."),
    ] = "label"
    id: Annotated[
        str | None,
        _column(help="Id column; by default id where there is one, else the row's number from 0."),
    ] = None
    no_id: NoId = False
    split: Split = None

    def library(self) -> dict[str, Any]:
        """Return them as the library takes them (InputError)."""
        given = {**asdict(self), "id": id_of(self.no_id, self.id, "--id")}
        given["text"] = self.text or "text"
        del given["no_id"]
        return given

    def labelled(self, run: Run, data: str | Path) -> Examples:
        """Read a run's queries; a label that is missing is found later, where it is needed."""
        from wordtrace import api

        given = self.library()
        if run.generates:
            named = self.text is not None or self.text2 is not None
            return api.read_dialogues(
                data,
                text=given["text"] if named else None,
                text2=self.text2,
                id=given["id"],
                split=self.split,
                label_names=run.label_names,
            ).examples
        if run.has_pairs and given["text2"] is None:
            given["text2"] = "text2"
        if run.labelling.kind == "set" and "," in self.label:
            given["label"] = tuple(name.strip() for name in self.label.split(","))
        return api.read_examples(
            data,
            **given,
            label_names=run.label_names or None,
            kind=run.labelling.kind,
            require_labels=False,
        )


@dataclass(frozen=True)
class Truth:
    """Data with right labels, by which rankings are judged."""

    truth: Annotated[
        Path | None,
        typer.Option(
            help="Data with right labels and the training rows' ids: also tells how well a ranking "
            "finds mislabelled rows.",
            rich_help_panel="Truth",
        ),
    ] = None
    truth_label: Annotated[str, typer.Option(help="Its label column.", rich_help_panel="Truth")] = (
        "label"
    )
    truth_text: Annotated[str, typer.Option(help="Its text column.", rich_help_panel="Truth")] = (
        "text"
    )
    truth_id: Annotated[
        str | None, typer.Option(help="Its id column.", rich_help_panel="Truth")
    ] = None

    def wrong_ids(self, run: Run) -> list[str] | None:
        """Return the ids of training rows whose label is another there; None without a file."""
        needs("--truth", self.truth is not None, "truth_label", "truth_text", "truth_id")
        if self.truth is None:
            return None
        from wordtrace import api
        from wordtrace.act.judge import wrong_ids

        right = api.read_examples(
            self.truth, text=self.truth_text, label=self.truth_label, id=self.truth_id
        )
        return wrong_ids(run.train, right)
