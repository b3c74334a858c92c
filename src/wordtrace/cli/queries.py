"""Queries from the command line's arguments."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wordtrace.cli.columns import NoId, Split, id_of
from wordtrace.cli.effect import excludes, needs
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.app.served_run import ServedRun
    from wordtrace.data.examples import Examples
    from wordtrace.run.run import Run

_column = partial(typer.Option, rich_help_panel="Columns")


@dataclass(frozen=True)
class QueryFile:
    """Where in a file of queries the texts are, and which of them are meant."""

    text: Annotated[str, _column("--text-column", help="Text column of --queries.")] = "text"
    second: Annotated[
        str | None, _column("--text2-column", help="Column of --queries with a pair's second text.")
    ] = None
    label_column: Annotated[
        str,
        _column(
            "--label-column",
            help="Label column of --queries; for several labels a text, columns: a,b,c.",
        ),
    ] = "label"
    id: Annotated[
        str | None,
        _column("--id-column", help="Id column of --queries; by default id, where there is one."),
    ] = None
    no_id: NoId = False
    split: Split = None
    limit: Annotated[int | None, _column(help="Only the first rows of --queries.")] = None

    def read(
        self, run: Run | ServedRun, queries: Path, label: str | None, *, only_wrong: bool = False
    ) -> Examples:
        """Read the file for a run; its labels are not read where `label` says what is meant."""
        from wordtrace.data.readers import read_examples

        excludes("--label", label is not None and not only_wrong, "label_column")
        if run.chats:
            excludes("a run of conversations", True, "label_column")
            return self._dialogues(run, queries)
        pairs = run.has_pairs
        examples = read_examples(
            queries,
            text=self.text,
            text2=self.second or ("text2" if pairs else None),
            label=None if label and not only_wrong else columns_of(self.label_column, run),
            id=id_of(self.no_id, self.id, "--id-column"),
            split=self.split,
            label_names=run.label_names or None,
            kind=run.labelling.kind,
            require_labels=False,
            limit=self.limit,
        )
        return _wrong(run, examples) if only_wrong else examples

    def _dialogues(self, run: Run | ServedRun, queries: Path) -> Examples:
        """Read conversations, or questions and their answers."""
        from wordtrace.data.readers import read_dialogues

        named = self.text != "text" or self.second is not None
        return read_dialogues(
            queries,
            text=self.text if named else None,
            text2=self.second,
            id=id_of(self.no_id, self.id, "--id-column"),
            split=self.split,
            limit=self.limit,
            label_names=run.label_names,
        ).examples


def read_queries(
    run: Run | ServedRun,
    texts: list[str] | None,
    text2: str | None,
    queries: Path | None,
    columns: QueryFile,
    label: str | None,
    *,
    only_wrong: bool = False,
    chat: Path | None = None,
) -> Any:
    """Return the texts of the arguments, Examples of the file, or conversations."""
    needs("--queries", queries is not None, *(one.name for one in fields(QueryFile)))
    if chat is not None:
        if texts or queries or text2 is not None:
            raise InputError("--chat takes the place of TEXT and --queries; give one of them.")
        if not run.chats:
            raise InputError(
                f"--chat is for runs of conversations; {run.path} was recorded on texts: give "
                "--queries."
            )
        from wordtrace.data.chat_files import read_chat

        return read_chat(chat)
    if bool(texts) == bool(queries):
        raise InputError("give a TEXT or --queries FILE, one of the two.")
    if queries:
        if text2 is not None:
            raise InputError("--text2 goes with a TEXT; name the file's column by --text2-column.")
        return columns.read(run, queries, label, only_wrong=only_wrong)
    if only_wrong:
        raise InputError("--only-wrong needs labels: give --queries FILE with a label column.")
    if text2 is None:
        return texts
    if not run.has_pairs and not run.chats:
        raise InputError(f"--text2 is for runs of pairs; {run.path} was trained on single texts.")
    if texts is None or len(texts) != 1:
        raise InputError("--text2 goes with one TEXT; give pairs in a file by --queries.")
    return [(texts[0], text2)]


def columns_of(label: str, run: Run | ServedRun) -> str | tuple[str, ...]:
    """Split the names of several label columns at their commas, where a text has several labels."""
    if run.labelling.kind != "set":
        return label
    names = tuple(name.strip() for name in label.split(",") if name.strip())
    return names if len(names) > 1 else label


def _wrong(run: Run | ServedRun, examples: Examples) -> Examples:
    import numpy as np

    from wordtrace.models import predict
    from wordtrace.run.run import Run

    assert isinstance(run, Run)
    if run.labelling.kind == "number":
        raise InputError("--only-wrong is for classes; a number is never quite right.")
    model, given = run.model(run.final), examples.labelling.given(examples.labels)
    if not given.any():
        raise InputError("--only-wrong: no query has a label; name its column by --label-column.")
    encoded = run.tokenizer.encode(examples.texts, examples.texts2)
    predicted = predict.predicted(model.outputs, predict.logits(model, encoded))
    differs = (predicted != examples.labels).reshape(len(examples), -1).any(axis=1)
    rows = np.flatnonzero(given & differs)
    if len(rows) == 0:
        raise InputError("--only-wrong: every labelled query is predicted right.")
    return examples.take(rows)
