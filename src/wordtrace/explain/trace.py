"""The result of a trace: queries, each explained by its proponents and opponents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pyarrow as pa

from wordtrace.data.labelling import COMPLETION
from wordtrace.errors import InputError
from wordtrace.explain.prediction import Explanation, Hit
from wordtrace.results import frames
from wordtrace.results.result import Result, told

FORMAT, VERSION = "wordtrace-trace", 1

_TABLE = pa.schema(
    {
        **dict.fromkeys(("query", "explained", "sign"), pa.string()),
        "rank": pa.int64(),
        "id": pa.string(),
        "score": pa.float64(),
        "label": pa.string(),
        **dict.fromkeys(("text", "text2"), pa.large_string()),
        **dict.fromkeys(("special_share", "stop_share"), pa.float64()),
        "words": frames.WORDS,
    }
)


@dataclass(frozen=True)
class Trace(Result):
    """Queries explained by one measure.

    Attributes
    ----------
    measure, top_k
        The measure's name, and how many positions of a text count (None for all, or where the
        measure has no such setting).
    source
        "index", or "run" where gradients were computed anew.
    examples
        How many training examples were scored.
    seconds
        The time from the queries' texts to the answer, with index and model loaded before.
    run_fingerprint
        The fingerprint of the run it was made from.
    run, index
        Their folders; `index` is None when the run alone was used.
    whole_words
        Whether contributions are summed by word; else they are by token.
    misread
        Of a run whose training was adopted though its logged loss does not fit: what does not.
    trainings
        Over how many trainings the scores are means; what is predicted is of the first.
    checkpoint_names
        Where scores were split by checkpoint: what each checkpoint is called, in their order.
    texts
        What is to be known of the listed texts, where they are not the data's own.

    Examples
    --------
    >>> trace = index.trace(["the coach wins", "shares fall"], top=3)
    >>> [query.text for query in trace]
    ['the coach wins', 'shares fall']
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a trace"

    measure: str
    top_k: int | None
    source: Literal["index", "run"]
    examples: int
    seconds: float
    run: str
    run_fingerprint: str
    index: str | None
    label_names: tuple[str, ...]
    queries: tuple[Explanation, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    whole_words: bool = False
    misread: str | None = None
    texts: str | None = None
    trainings: int = 1
    checkpoint_names: tuple[str, ...] = ()

    @property
    def proponents(self) -> tuple[Hit, ...]:
        """The only query's proponents, strongest first."""
        return self._only().proponents

    @property
    def opponents(self) -> tuple[Hit, ...]:
        """The only query's opponents, strongest first."""
        return self._only().opponents

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.queries)

    def __len__(self) -> int:
        return len(self.queries)

    def __repr__(self) -> str:
        return (
            f"Trace({len(self.queries)} queries, {self.measure}, {self.examples:,} examples, "
            f"{self.seconds * 1000:.1f} ms)"
        )

    def document(self) -> dict[str, Any]:
        """Return the trace as a JSON document (docs/reference/formats.md)."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "measure": self.measure,
            "top_k": self.top_k,
            "source": self.source,
            "examples": self.examples,
            "seconds": self.seconds,
            "run": self.run,
            "run_fingerprint": self.run_fingerprint,
            "index": self.index,
            "label_names": list(self.label_names),
            "options": dict(self.options),
            "whole_words": self.whole_words,
            **told(self.misread),
            **({} if self.texts is None else {"texts": self.texts}),
            **({} if self.trainings == 1 else {"trainings": self.trainings}),
            **({"checkpoint_names": list(self.checkpoint_names)} if self.checkpoint_names else {}),
            "queries": [query.document() for query in self.queries],
        }

    def table(self) -> Any:
        """Return a pyarrow table with one row for each hit, to be joined by ids.

        Columns: query (its id in its file, else its number from 0), explained (the label that is
        explained), sign ("proponent" or "opponent"), rank (from 1 for either sign), id, score,
        label, text, text2 (for pairs only), special_share, stop_share, words (null where the
        measure has none). A language model's has no explained and no label.

        Examples
        --------
        >>> trace.table().num_rows == len(trace.proponents) + len(trace.opponents)
        True
        """
        rows = [
            {
                "query": query.id if query.id is not None else str(place),
                "explained": query.label,
                "sign": sign,
                "rank": rank,
                "id": hit.id,
                "score": hit.score,
                "label": hit.label,
                "text": hit.text,
                "text2": hit.text2,
                "special_share": hit.special_share,
                "stop_share": hit.stop_share,
                "words": None if hit.contributions is None else frames.words_of(hit.words),
            }
            for place, query in enumerate(self.queries)
            for sign, hits in (("proponent", query.proponents), ("opponent", query.opponents))
            for rank, hit in enumerate(hits, 1)
        ]
        table = pa.Table.from_pylist(rows, schema=_TABLE)
        dropped = [] if any(query.text2 is not None for query in self.queries) else ["text2"]
        if self.label_names == (COMPLETION,):
            dropped += ["explained", "label"]
        return table.drop_columns(dropped)

    def _only(self) -> Explanation:
        if len(self.queries) != 1:
            raise InputError(
                f"this trace has {len(self.queries)} queries; "
                "say which: trace.queries[0].proponents."
            )
        return self.queries[0]
