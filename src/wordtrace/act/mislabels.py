"""Training rows most likely mislabelled, and what speaks against their labels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from wordtrace.act.evidence import Evidence, evidence
from wordtrace.act.judge import judge
from wordtrace.act.patch import Change, Patch, fingerprint
from wordtrace.act.rankings import RANKINGS, order_of, rankings
from wordtrace.data import frames
from wordtrace.errors import InputError, option
from wordtrace.explain.tracer import Tracer
from wordtrace.index.folder import IndexFolder

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
    """A row that speaks against another's label.

    Attributes
    ----------
    score
        Its influence, under 0.
    words
        (token, contribution), by falling size; they sum to the score.
    """

    id: str
    label: str
    text: str
    text2: str | None
    score: float
    words: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Suspect:
    """A row that may be mislabelled.

    Attributes
    ----------
    rank
        From 1.
    suspicion
        What it is ranked by; higher is worse.
    self_influence
        Σ_c η_c Σ_w ‖∂ℓ(x)/∂Θ_w‖², all tokens.
    opposition
        What all other rows together speak against its label.
    loss
        The mean over the run's checkpoints.
    predicted
        The final model's label.
    proposed, proposed_share
        The label of most of the weight of its strongest opponents, and its part of that weight;
        None where nobody of another label opposes.
    words
        (token, contribution) through which they oppose, the strongest first.
    opponents
        The strongest of them.
    planted
        Whether its label was flipped on purpose; None where nothing is known.
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
    planted: bool | None = None
    wrong: bool | None = None


@dataclass(frozen=True)
class Mislabels(frames.Tabular):
    """Rows ranked by suspicion.

    Attributes
    ----------
    by
        What they are ranked by.
    rows
        Most suspicious first.
    examples
        How many rows were ranked.
    planted
        How many planted flips each ranking finds among as many top rows; None without any.
    judged
        How well each ranking finds the rows known to be wrong (:func:`.judge.judge`), or None.
    """

    index: str
    by: str
    examples: int
    rows: tuple[Suspect, ...]
    planted: dict[str, Any] | None = None
    judged: dict[str, Any] | None = None

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
            "rows": rows,
            "planted": self.planted,
            "judged": self.judged,
        }

    def table(self) -> Any:
        """Return a row a suspect as a pyarrow table.

        Columns: the fields of :class:`Suspect`, of `opponents` the ids; text2 of pairs alone,
        planted and wrong where something is known.
        """
        rows = [
            {
                **{name: getattr(row, name) for name in _TABLE.names},
                "words": frames.words_of(row.words),
                "opponents": [one.id for one in row.opponents],
            }
            for row in self.rows
        ]
        table = pa.Table.from_pylist(rows, schema=_TABLE)
        empty = [
            name for name in ("text2", "planted", "wrong") if table[name].null_count == len(table)
        ]
        return table.drop_columns(empty)

    def patch(self, action: Literal["relabel", "remove"] = "relabel") -> Patch:
        """Return the changes that would act on the listed rows, for review.

        Parameters
        ----------
        action
            "relabel" gives each the label proposed, rows without one are left out; "remove" takes
            the rows out.

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
            against = ", ".join(token for token, _ in row.words)
            share = f" ({row.proposed_share:.0%})" if row.proposed_share is not None else ""
            changes.append(
                Change(
                    id=row.id,
                    action=action,
                    before=row.label,
                    after=after,
                    fingerprint=fingerprint(row.text, row.text2),
                    reason=f"rank {row.rank} of {self.examples:,} by {self.by}; rows labelled "
                    f"{row.proposed}{share} oppose its label by: {against}",
                    evidence={
                        "rank": row.rank,
                        "suspicion": row.suspicion,
                        "predicted": row.predicted,
                        "proposed": row.proposed,
                        "proposed_share": row.proposed_share,
                        "opponents": [one.id for one in row.opponents],
                    },
                )
            )
        return Patch(tuple(changes))

    def _repr_html_(self) -> str:
        from wordtrace.report.page import render_fragment

        return render_fragment(self.document())


def mislabels(
    index: IndexFolder,
    tracer: Tracer,
    *,
    by: str = "combined",
    top: int = 20,
    planted: Collection[str] | None = None,
    wrong: Collection[str] | None = None,
) -> Mislabels:
    """Rank the training rows by how likely their label is wrong, with what speaks against it.

    A mislabelled example is its own best proponent: nothing else in the data argues for its label,
    so its gradient stays large (Pruthi et al. 2020, section 4.1); and rows that share its words
    with another label oppose it.

    Parameters
    ----------
    by
        One of :data:`.rankings.RANKINGS`.
    planted
        Ids whose labels were flipped on purpose, to measure the rankings by.
    wrong
        Ids whose labels are known to be wrong, for the same.

    Raises
    ------
    InputError
        For an unknown `by`, a `top` under 1, or an id that is not in the training data.
    """
    if top < 1:
        raise InputError(f"{option('top')} is {top}; it must be at least 1.")
    if tracer.run.labelling.kind == "number":
        raise InputError("mislabels ranks labels that are classes; this run predicts numbers.")
    if by not in RANKINGS:
        raise InputError(f"{option('by')} is {by!r}; it must be one of {', '.join(RANKINGS)}.")
    run = tracer.run
    known = [
        None if ids is None else set(index.rows_of(sorted(ids)).tolist())
        for ids in (planted, wrong)
    ]
    live = np.setdiff1d(np.arange(index.manifest.examples), index.removed)
    found = rankings(index)
    order = live[order_of(found[by][live])][:top]
    chosen = index.take(order, run)
    against = evidence(tracer, chosen)
    predicted = index.table["predicted_final"]
    rows = tuple(
        Suspect(
            rank=place + 1,
            id=chosen.ids[place],
            label=run.labelling.spell(chosen.labels[place]),
            predicted=str(predicted[row].as_py()),
            text=chosen.texts[place],
            text2=chosen.texts2[place] if chosen.texts2 else None,
            suspicion=float(found[by][row]),
            self_influence=float(found["self-influence"][row]),
            opposition=float(found["opposition"][row]),
            loss=float(found["loss"][row]),
            proposed=against[place].proposed,
            proposed_share=against[place].share,
            words=against[place].words,
            opponents=_opponents(against[place]),
            planted=None if known[0] is None else row in known[0],
            wrong=None if known[1] is None else row in known[1],
        )
        for place, row in enumerate(order.tolist())
    )
    count, total = len(known[0] or ()), index.count
    measured = None
    if known[0]:
        hits: dict[str, float] = {
            name: len(known[0].intersection(live[order_of(values[live])][:count].tolist()))
            for name, values in found.items()
        }
        hits["random (expected)"] = round(count * count / total, 1)
        measured = {"count": count, "rows": total, "checked": count, "found": hits}
    truth = known[1] if known[1] is not None else known[0]
    there = {name: values[live] for name, values in found.items()}
    judged = None if not truth else judge(there, np.isin(live, list(truth)))
    return Mislabels(str(index.path), by, total, rows, measured, judged)


def _opponents(found: Evidence) -> tuple[Opponent, ...]:
    return tuple(
        Opponent(hit.id, hit.label, hit.text, hit.text2, hit.score, tuple(hit.words))
        for hit in found.opponents
    )
