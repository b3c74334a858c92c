"""Training rows by how suspicious their labels are, some at a time, with the evidence."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wordtrace.act.evidence import Evidence
from wordtrace.act.kept_evidence import KeptEvidence, Rows
from wordtrace.act.mislabels_result import Mislabels, Opponent, Suspect
from wordtrace.act.rankings import RANKINGS, Suspicion, order_of, rankings
from wordtrace.errors import InputError, option
from wordtrace.execute.once import once
from wordtrace.explain.tracer import Tracer
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.token_weights import Weights, named


class Suspects:
    """The rankings of an index's rows, and the evidence against those that are shown.

    Several threads may ask one.

    Parameters
    ----------
    weights
        What each token's part of an influence is multiplied by: in "opposition", and so in
        "combined", and in the evidence.
    """

    def __init__(self, index: IndexFolder, tracer: Tracer, weights: Weights = "") -> None:
        self.index, self.tracer, self.weights = index, tracer, weights
        self._weighted: Suspects | None = None
        self._evidence = {
            words: KeptEvidence(index, tracer, words=words, weights=weights)
            for words in (False, True)
        }

    def weighted(self, weights: Weights) -> Suspects:
        """Return the rankings by other weights; those that were asked for last are kept."""
        if weights == self.weights:
            return self
        kept = self._weighted
        if kept is None or kept.weights != weights:
            self._weighted = kept = Suspects(self.index, self.tracer, weights)
        return kept

    @once
    def suspicion(self) -> dict[str, Suspicion]:
        """Each ranking's suspicion, as :func:`.rankings.rankings` returns it."""
        return rankings(self.index, self.tracer.asker.weights(self.weights))

    @once
    def _orders(self) -> dict[str, Rows]:
        return {}

    def order(self, by: str) -> Rows:
        """Return all rows but removed ones, most suspicious first, int64.

        Raises
        ------
        InputError
            For an unknown ranking, or a run whose labels are numbers.
        """
        if self.tracer.run.labelling.kind == "number":
            raise InputError("mislabels ranks labels that are classes; this run predicts numbers.")
        if by not in RANKINGS:
            raise InputError(f"{option('by')} is {by!r}; it must be one of {', '.join(RANKINGS)}.")
        if by not in self._orders:
            live = np.setdiff1d(np.arange(self.index.manifest.examples), self.index.removed)
            self._orders[by] = live[order_of(self.suspicion[by][live])]
        return self._orders[by]

    def of_label(self, by: str, label: str | None) -> Rows:
        """Return the places in :meth:`order` of the rows with a label, int64; None for all rows.

        Raises
        ------
        InputError
            For a label that the run does not have.
        """
        order = self.order(by)
        if label is None:
            return np.arange(len(order))
        self.tracer.run.labelling.parse(label)  # says what there is
        same = pc.equal(self.index.table["label"].cast(pa.string()), label)
        return np.flatnonzero(same.to_numpy()[order])

    def at(self, by: str, places: Rows, *, words: bool = False) -> Mislabels:
        """Return the rows at some places of :meth:`order`, with the evidence against them.

        Parameters
        ----------
        words
            Give the words that oppose a label as whole words instead of tokens.
        """
        rows = self.order(by)[places]
        run, found = self.tracer.run, self.suspicion
        chosen = self.index.take(rows, run)
        against = self._evidence[words].of(rows)
        predicted = self.index.table["predicted_final"]
        suspects = tuple(
            Suspect(
                rank=place + 1,
                id=chosen.ids[at],
                label=run.labelling.spell(chosen.labels[at]),
                predicted=str(predicted[row].as_py()),
                text=chosen.texts[at],
                text2=chosen.texts2[at] if chosen.texts2 else None,
                suspicion=float(found[by][row]),
                self_influence=float(found["self-influence"][row]),
                opposition=float(found["opposition"][row]),
                loss=float(found["loss"][row]),
                proposed=against[at].proposed,
                proposed_share=against[at].share,
                words=against[at].words,
                opponents=_opponents(against[at]),
                places=against[at].places,
            )
            for at, (row, place) in enumerate(zip(rows.tolist(), places.tolist(), strict=True))
        )
        return Mislabels(
            *(str(self.index.path), by, self.index.count, suspects),
            whole_words=words,
            misread=run.misread,
            weights=named(self.weights),
        )

    def seen(self, by: str, rows: Rows) -> Mislabels | None:
        """Return those of some rows whose evidence by whole words is known by now.

        So a review keeps the evidence that its reader saw, and waits for none.
        """
        seen = np.intersect1d(rows, self._evidence[True].rows)
        if not len(seen):
            return None
        order = self.order(by)
        places = np.empty(self.index.manifest.examples, np.int64)
        places[order] = np.arange(len(order))
        return self.at(by, places[seen], words=True)


def _opponents(found: Evidence) -> tuple[Opponent, ...]:
    return tuple(
        Opponent(
            *(hit.id, hit.label, hit.text, hit.text2, hit.score, tuple(hit.words)),
            places=tuple(word.spans for word in hit.contributions or ()),
        )
        for hit in found.opponents
    )
