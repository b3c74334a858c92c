"""The changes to try for a misclassified query: remove, blank or relabel its opponents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wordtrace.act.evidence import evidence
from wordtrace.act.patch import Patch, PatchChange, fingerprint
from wordtrace.act.words_blanked import harmful_word
from wordtrace.data.examples import Examples
from wordtrace.data.without_words import without
from wordtrace.errors import InputError, option
from wordtrace.explain.prediction import Hit, Span
from wordtrace.explain.tracer import Tracer
from wordtrace.retrainers.material import blank_token
from wordtrace.retrainers.retrain import Rows


@dataclass(frozen=True)
class Treatment:
    """A change of the training data.

    Attributes
    ----------
    removed, relabelled, blanked
        The changed rows; see :class:`.Retraining`.
    words
        (row, word, its places) for each word that is blanked.
    """

    removed: Rows = ()
    relabelled: tuple[tuple[int, int], ...] = ()
    blanked: tuple[tuple[int, int], ...] = ()
    words: tuple[tuple[int, str, tuple[Span, ...]], ...] = ()

    def patch(self, train: Examples, method: str, k: int) -> Patch:
        """Return the change as a patch, in which a blanked word is taken out of the text."""
        reason = f"{method}, k {k}: suffices to set a query right by retraining"
        names, spell = train.label_names, train.labelling.spell
        changes: list[PatchChange] = []

        def mark(row: int) -> str:
            return fingerprint(train.texts[row], train.texts2[row] if train.texts2 else None)

        for row in self.removed:
            label = spell(train.labels[row])
            changes.append(
                PatchChange(
                    train.ids[row], "remove", label, None, fingerprint=mark(row), reason=reason
                )
            )
        for row, relabelled in self.relabelled:
            before = spell(train.labels[row])
            changes.append(
                PatchChange(
                    train.ids[row],
                    "relabel",
                    before,
                    names[relabelled],
                    fingerprint=mark(row),
                    reason=reason,
                )
            )
        for row, word, spans in self.words:
            for field, texts in (("text", train.texts), ("text2", train.texts2)):
                if texts is None or not any(where == field for where, _, _ in spans):
                    continue
                after = without(texts[row], field, spans)
                if not after.strip():
                    continue
                changes.append(
                    PatchChange(
                        train.ids[row],
                        "edit",
                        texts[row],
                        after,
                        field="text" if field == "text" else "text2",
                        fingerprint=mark(row),
                        reason=f"{reason}; the word {word!r}",
                    )
                )
        return Patch(tuple(changes))


def treatments(
    tracer: Tracer,
    asked: Examples,
    sizes: Sequence[int],
    actions: Sequence[str],
    measures: Sequence[str],
) -> dict[tuple[str, int, int], Treatment]:
    """Return each change by (method, k, query); it has fewer rows where fewer rows oppose.

    The methods are the actions on the opponents by the default measure, and "remove by MEASURE".
    """
    question = tracer.asker.question(asked)
    largest = max(sizes)
    found: dict[tuple[str, int, int], Treatment] = {}
    trace = tracer.trace(question, top=largest)
    for place, query in enumerate(trace.queries):
        rows = tracer.run.rows_of([hit.id for hit in query.opponents]).tolist()
        blanked = _blanks(tracer, query.opponents, rows) if "blank" in actions else []
        labels = _relabels(tracer, rows) if "relabel" in actions else []
        for size in sizes:
            if "remove" in actions:
                found["remove", size, place] = Treatment(removed=tuple(sorted(rows[:size])))
            if "blank" in actions:
                part = [one for one in blanked[:size] if one is not None]
                found["blank", size, place] = Treatment(
                    blanked=tuple((row, at) for row, _, _, places in part for at in places),
                    words=tuple((row, word, spans) for row, word, spans, _ in part),
                )
            if "relabel" in actions:
                changed = tuple(sorted(one for one in labels[:size] if one is not None))
                found["relabel", size, place] = Treatment(relabelled=changed)
    queries = tracer.asker.queries(asked)
    for name in measures:
        for place, one in enumerate(tracer.asker.ask(queries, name).rank(largest)):
            rows = one.opponents.tolist()
            for size in sizes:
                method = f"remove by {name}"
                found[method, size, place] = Treatment(removed=tuple(sorted(rows[:size])))
    return found


def _blanks(
    tracer: Tracer, hits: Sequence[Hit], rows: Sequence[int]
) -> list[tuple[int, str, tuple[Span, ...], tuple[int, ...]] | None]:
    run = tracer.run
    if blank_token(run) is None:
        raise InputError(
            "this run's tokenizer has neither a padding nor a mask token to blank by; try "
            f"{option('actions', 'remove')} alone."
        )
    train = run.train.take(np.array(rows, np.int64))
    positions = run.positions(train)
    found: list[tuple[int, str, tuple[Span, ...], tuple[int, ...]] | None] = []
    for row, hit, places in zip(rows, hits, positions, strict=True):
        word = harmful_word(hit, places)
        found.append(None if word is None else (row, word.word, word.spans, word.positions))
    return found


def _relabels(tracer: Tracer, rows: Sequence[int]) -> list[tuple[int, int] | None]:
    names = tracer.run.label_names
    train = tracer.run.train.take(np.array(rows, np.int64))
    return [
        None if one.proposed is None else (row, names.index(one.proposed))
        for row, one in zip(rows, evidence(tracer, train), strict=True)
    ]
