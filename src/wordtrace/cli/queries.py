"""Queries from the command line's arguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wordtrace.run.run import Run

LabelColumn = Annotated[
    str, typer.Option(help="Of --queries; of several labels a text also one column each: a,b,c.")
]


def columns_of(label: str, run: Run) -> str | tuple[str, ...]:
    """Split the names of several label columns at their commas, where a text has several labels."""
    if run.labelling.kind != "set":
        return label
    names = tuple(name.strip() for name in label.split(",") if name.strip())
    return names if len(names) > 1 else label


def read_queries(
    run: Run,
    texts: list[str] | None,
    queries: Path | None,
    text2: str | None,
    text_column: str,
    text2_column: str | None,
    label_column: str,
    limit: int | None,
    *,
    id_column: str | None = None,
    only_wrong: bool = False,
    label: str | None = None,
    split: str | None = None,
) -> Any:
    """Return the texts of the arguments, or Examples of the file."""
    from wordtrace import api
    from wordtrace.errors import InputError

    if bool(texts) == bool(queries):
        raise InputError("give a TEXT or --queries FILE, one of the two.")
    if texts:
        if split is not None:
            raise InputError("--split goes with --queries.")
        if only_wrong:
            raise InputError("--only-wrong needs labels: give --queries FILE with a label column.")
        if text2 is None:
            return texts
        if len(texts) != 1:
            raise InputError("--text2 goes with one TEXT; give pairs in a file by --queries.")
        return [(texts[0], text2)]
    if text2 is not None:
        raise InputError("--text2 goes with a TEXT; name the file's column by --text2-column.")
    pairs = run.has_pairs
    examples = api.read_examples(
        queries,
        text=text_column,
        text2=text2_column or ("text2" if pairs else None),
        label=None if label and not only_wrong else columns_of(label_column, run),
        id=id_column,
        split=split,
        label_names=run.label_names or None,
        kind=run.labelling.kind,
        require_labels=False,
        limit=limit,
    )
    return _wrong(run, examples) if only_wrong else examples


def _wrong(run: Run, examples: Any) -> Any:
    import numpy as np

    from wordtrace.errors import InputError
    from wordtrace.models import predict

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
