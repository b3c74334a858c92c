"""The result of looking for mislabelled rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import pyarrow as pa

from wordtrace.act.patch import Patch
from wordtrace.act.row_change import row_change
from wordtrace.errors import InputError, option
from wordtrace.explain.prediction import Span
from wordtrace.results import frames
from wordtrace.results.result import Result, told

FORMAT, VERSION = "wordtrace-mislabels", 1

_TABLE = pa.schema(
    {
        "rank": pa.int64(),
        **dict.fromkeys(("id", "label", "predicted"), pa.string()),
        **dict.fromkeys(("text", "text2"), pa.large_string()),
        **dict.fromkeys(("suspicion", "self_influence", "opposition", "loss"), pa.float64()),
        "proposed": pa.string(),
        "proposed_share": pa.float64(),
        "words": frames.WORDS,
        "opponents": pa.list_(pa.string()),
        **dict.fromkeys(("planted", "wrong"), pa.bool_()),
    }
)


@dataclass(frozen=True)
class Opponent:
    """A row that opposes the label of another row.

    Attributes
    ----------
    score
        Its influence on the other row, which is below 0.
    words
        (token, contribution), by falling size; the contributions sum to the score.
    places
        Where each of these words stands in the opponent's texts.
    """

    id: str
    label: str
    text: str
    text2: str | None
    score: float
    words: tuple[tuple[str, float], ...]
    places: tuple[tuple[Span, ...], ...] = ()


@dataclass(frozen=True)
class Suspect:
    """A row that may be mislabelled.

    Attributes
    ----------
    rank
        Its place in the ranking, from 1.
    suspicion
        The value by which rows are ranked; a higher one is worse.
    self_influence
        Σ_c η_c Σ_w ‖∂ℓ(x)/∂Θ_w‖² over all tokens.
    opposition
        How strongly all other rows together oppose its label.
    loss
        Its loss, averaged over the run's checkpoints.
    predicted
        The label that the final model predicts.
    proposed, proposed_share
        The label with most weight among its strongest opponents, and its share of that weight; None
        where no row of another label opposes it.
    words
        (token, contribution) of the words by which they oppose it, strongest first.
    opponents
        Its strongest opponents.
    places
        Where each of `words` stands in its texts.
    planted
        Whether its label was flipped on purpose; None where this is not known.
    wrong
        Whether its label is known to be wrong; None where nothing is known.
    """

    rank: int
    id: str
    label: str
    predicted: str
    text: str
    text2: str | None
    suspicion: float
    self_influence: float
    opposition: float
    loss: float
    proposed: str | None
    proposed_share: float | None
    words: tuple[tuple[str, float], ...]
    opponents: tuple[Opponent, ...]
    places: tuple[tuple[Span, ...], ...] = ()
    planted: bool | None = None
    wrong: bool | None = None


@dataclass(frozen=True, repr=False)
class Mislabels(Result):
    """Rows ranked by suspicion.

    Attributes
    ----------
    by
        The name of the ranking that orders them.
    rows
        The listed rows, most suspicious first.
    examples
        How many rows were ranked.
    planted
        How many of n planted flips each ranking has among its first n rows; None without flips.
    judged
        How well each ranking finds the rows known to be wrong (:func:`.judge.judge`), or None.
    whole_words
        Whether words are whole words; else they are tokens.
    misread
        Of a run whose training was adopted though its logged loss does not fit: what does not.
    weights
        What each token's part of the opposition and of the evidence is multiplied by: "idf" for its
        idf², "given" for numbers that were given, None for nothing.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a list of suspects"

    index: str
    by: str
    examples: int
    rows: tuple[Suspect, ...]
    planted: dict[str, Any] | None = None
    judged: dict[str, Any] | None = None
    whole_words: bool = False
    misread: str | None = None
    weights: str | None = None

    def __repr__(self) -> str:
        return f"Mislabels({len(self.rows)} of {self.examples:,} rows, by {self.by})"

    def document(self) -> dict[str, Any]:
        """Return the ranking as a JSON document."""
        rows = []
        for row in self.rows:
            entry = asdict(row)
            for one in (entry, *entry["opponents"]):
                for name in ("text2", "planted", "wrong"):
                    if name in one and one[name] is None:
                        del one[name]
            rows.append(entry)
        return {
            "format": FORMAT,
            "version": VERSION,
            "index": self.index,
            "by": self.by,
            "examples": self.examples,
            "whole_words": self.whole_words,
            **told(self.misread),
            **({} if self.weights is None else {"weights": self.weights}),
            "rows": rows,
            "planted": self.planted,
            "judged": self.judged,
        }

    def table(self) -> Any:
        """Return a pyarrow table with one row for each suspect.

        Columns: the fields of :class:`Suspect`, with the ids of the `opponents`; text2 only for
        pairs, planted and wrong only where they are known.
        """
        rows = [
            {
                **{name: getattr(row, name) for name in _TABLE.names},
                "words": frames.words_of(row.words),
                "opponents": [one.id for one in row.opponents],
            }
            for row in self.rows
        ]
        return frames.table_of(rows, _TABLE, ("text2", "planted", "wrong"))

    def patch(self, action: Literal["relabel", "remove"] = "relabel") -> Patch:
        """Return a patch that changes the listed rows, for review.

        Parameters
        ----------
        action
            "relabel" gives each row the proposed label, and leaves out rows without one; "remove"
            removes the rows.

        Raises
        ------
        InputError
            For another action.
        """
        if action not in ("relabel", "remove"):
            raise InputError(f"{option('action')} is {action!r}; it must be relabel or remove.")
        changes = []
        for row in self.rows:
            after = row.proposed if action == "relabel" else None
            if action == "relabel" and after is None:
                continue
            reason, figures = self.against(row)
            changes.append(row_change(row, action, after, reason=reason, evidence=figures))
        return Patch(tuple(changes))

    def against(self, row: Suspect) -> tuple[str, dict[str, Any]]:
        """Return what speaks against a listed row: a sentence, and the figures behind it."""
        words = ", ".join(token for token, _ in row.words)
        share = f" ({row.proposed_share:.0%})" if row.proposed_share is not None else ""
        reason = (
            f"rank {row.rank} of {self.examples:,} by {self.by}; rows labelled "
            f"{row.proposed}{share} oppose its label by: {words}"
        )
        figures = {
            "rank": row.rank,
            "suspicion": row.suspicion,
            "predicted": row.predicted,
            "proposed": row.proposed,
            "proposed_share": row.proposed_share,
            "opponents": [one.id for one in row.opponents],
        }
        return reason, figures
