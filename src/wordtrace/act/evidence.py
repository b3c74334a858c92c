"""The evidence against a row's label: other rows, the words in them, and another label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.execute.progress import track
from wordtrace.explain.prediction import Explanation, Hit, Span
from wordtrace.explain.tracer import Tracer
from wordtrace.measures.token_weights import Weights

# How many opponents vote on the proposed label.
_VOTERS = 20
_BATCH = 64


@dataclass(frozen=True)
class Evidence:
    """The evidence against one row's label.

    Attributes
    ----------
    opponents
        The rows that oppose it most, with their words.
    words
        (token, contribution), summed over the opponents that vote, strongest opposition first.
    places
        Where each of these words stands in the row's own texts.
    proposed
        The label, other than the row's own, with most weight among the opponents; None where there
        are none.
    share
        That label's share of the weight.
    """

    opponents: tuple[Hit, ...]
    words: tuple[tuple[str, float], ...]
    places: tuple[tuple[Span, ...], ...]
    proposed: str | None
    share: float | None


def evidence(
    tracer: Tracer,
    examples: Examples,
    listed: int = 3,
    *,
    words: bool = False,
    weights: Weights = "",
) -> list[Evidence]:
    """Trace training rows for their own label, and collect what opposes it.

    Parameters
    ----------
    examples
        The rows as the index holds them, with labels.
    listed
        How many opponents of each row to keep.
    words
        Give contributions by whole word instead of by token.
    weights
        What each token's part of an influence is multiplied by.
    """
    found: list[Evidence] = []
    with track("Evidence", len(examples), "rows") as advance:
        for start in range(0, len(examples), _BATCH):
            part = examples.take(np.arange(start, min(start + _BATCH, len(examples))))
            asked = tracer.asker.question(part)
            traced = tracer.trace(
                asked, tracer.asker.measure_of_rows, top=_VOTERS, words=words, weights=weights
            )
            found += [_against(one, listed) for one in traced.queries]
            advance(len(part))
    return found


def _against(explanation: Explanation, listed: int) -> Evidence:
    opponents = explanation.opponents
    votes: dict[str, float] = {}
    words: dict[str, float] = {}
    places: dict[str, dict[Span, None]] = {}
    for hit in opponents:
        if hit.label != explanation.label:
            votes[hit.label] = votes.get(hit.label, 0.0) - hit.score
        for word in hit.contributions or ():
            if word.kind == "word":
                words[word.token] = words.get(word.token, 0.0) + word.contribution
                places.setdefault(word.token, {}).update(dict.fromkeys(word.query_spans))
    proposed = max(votes, key=lambda label: votes[label], default=None)
    strongest = _strongest(words)
    return Evidence(
        opponents=opponents[:listed],
        words=strongest,
        places=tuple(tuple(sorted(places[token])) for token, _ in strongest),
        proposed=proposed,
        share=None if proposed is None else votes[proposed] / sum(votes.values()),
    )


def _strongest(words: dict[str, float], count: int = 6) -> tuple[tuple[str, float], ...]:
    against = [(token, value) for token, value in words.items() if value < 0]
    return tuple(sorted(against, key=lambda one: (one[1], one[0]))[:count])


def agreement(found: Sequence[Evidence], truth: Sequence[str]) -> float:
    """Return the share of rows whose proposed label is the true one."""
    return float(np.mean([one.proposed == label for one, label in zip(found, truth, strict=True)]))
