"""Table 3, section 4.3: the score of a training text and a query, by the words that both hold.

The paper's claim: different words of one training text carry its influence on different queries.
Of S1 ("Oh yeah, if you're too lazy to fix tags yourself … end it. kill it now.", not toxic),
"lazy" carries the score with T1 and "end" that with T2.

Here the paper's three texts are put to an encoder fine-tuned on tweets, with the labels that come
nearest. One training text is an illustration, so the claim is counted, too: of the training rows
that are among the ten strongest, for or against, of several queries, how often is the strongest
word another one for another query?

The words that the paper lists sum to -9.0 and -2.98, not to its totals -9.2 and -3.45. For T2 the
comma and the apostrophe, which both texts hold, are not listed.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import wordtrace as wt
from reproduction import bars, encoders
from reproduction.data import Given
from reproduction.record import Finding

#: The paper's texts.
TEXTS = {
    "S1": (
        "Oh yeah, if you’re too lazy to fix tags yourself, you’re supporting AI universal "
        "takeover in 2020. end it. kill it now."
    ),
    "T1": (
        "I can always end my conversations so you would not get any answers because you are too "
        "lazy to remember anything"
    ),
    "T2": (
        "For me, the lazy days of summer is not over yet, and I advise you to please kindly "
        "consider to end one’s life, thank you"
    ),
}
#: What the paper says: the parts of the words, as it lists them, and its total.
PAPER: dict[str, dict[str, float]] = {
    "T1": {
        "[CLS]": -0.28,
        "[SEP]": -0.07,
        "to": -0.15,
        "lazy": -7.6,
        "you": -0.3,
        "end": -0.3,
        "too": -0.3,
        "total": -9.2,
    },
    "T2": {
        "[CLS]": -0.17,
        "[SEP]": -0.23,
        "to": 0.54,
        "lazy": -0.25,
        "you": 0.25,
        "end": -3.12,
        "total": -3.45,
    },
}


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Split the paper's two scores into words, and count strongest words over all queries."""
    model = encoders.trained("toxicity", size, work, given)
    rows = [row for query in PAPER for row in decomposed(model.run, query)]
    with model.index() as index:
        counted = strongest_words(index.trace(model.queries, measure="tracin-we", top=10))
    another = counted["another strongest word"]
    return Finding(
        "decomposition",
        rows,
        {
            "query": "{query}",
            "word": "{word}",
            "its part": "{part:.3g}",
            "of all parts": "{share:.0%}",
            "paper's part": "{paper:.2f}",
            "of the paper's parts": "{paper_share:.0%}",
        },
        f"Of {counted['rows of several queries']} training rows that are among the ten strongest "
        "for or against several queries, the strongest word differs in "
        f"{'–' if another is None else f'{another:.0%}'} of {counted['pairs of queries']} pairs of "
        f"their queries. {model.said()}",
        {**model.about(), "counted": counted},
        bars.drawn(
            [f"{one['query']}: {one['word']}" for one in rows if one["share"] is not None],
            {
                "here": [one["signed"] for one in rows if one["share"] is not None],
                "paper": [one["paper_signed"] for one in rows if one["share"] is not None],
            },
            "share of the sum of all parts' sizes, with its sign",
        ),
    )


def costs(size: str) -> tuple[int, float]:
    """Return models and seconds."""
    return encoders.costs(size, "toxicity")


def decomposed(model: wt.Run, query: str) -> list[dict[str, Any]]:
    """Return the words that S1 shares with a query of the paper's, strongest first, and the total.

    The run's first label stands for the paper's Non-Toxic, of S1, and its last one for Toxic.
    """
    other, toxic = model.label_names[0], model.label_names[-1]
    found = wt.words(model, TEXTS["S1"], TEXTS[query], label=other, label2=toxic).similarity
    assert found is not None
    strength = sum(abs(word.similarity) for word in found.words)
    theirs = PAPER[query]
    size = sum(abs(value) for word, value in theirs.items() if word != "total")
    rows = []
    for word in found.words:
        paper = theirs.get(word.token)
        signed = word.similarity / strength if strength else 0.0
        rows.append(
            {
                "query": query,
                "word": word.token,
                "part": word.similarity,
                "signed": signed,
                "share": abs(signed),
                "paper": paper,
                "paper_signed": None if paper is None else paper / size,
                "paper_share": None if paper is None else abs(paper) / size,
            }
        )
    total = dict.fromkeys(rows[0])
    total |= {"query": query, "word": "total", "part": found.score, "paper": theirs["total"]}
    return [*rows, total]


def strongest_words(trace: wt.Trace) -> dict[str, Any]:
    """Count how often a training row's strongest word differs between two queries that list it.

    Start and end tokens are no words here, and rows that share nothing else are left out.
    """
    words: dict[str, list[str]] = defaultdict(list)
    for query in trace:
        for hit in (*query.proponents, *query.opponents):
            own = [word for word in hit.contributions or () if word.kind != "special"]
            if own:
                words[hit.id].append(max(own, key=lambda word: abs(word.contribution)).token)
    pairs = [(one, other) for some in words.values() for one, other in combinations(some, 2)]
    return {
        "rows of several queries": sum(len(some) > 1 for some in words.values()),
        "pairs of queries": len(pairs),
        "another strongest word": (
            sum(one != other for one, other in pairs) / len(pairs) if pairs else None
        ),
    }
