"""Table 2, sections 4.2 and 4.5: how alike the gradients of two texts are, word by word.

The paper's claim: the word gradient similarity of "not" is high for two pairs of sentences in
which it negates the same way (S1 and S2: 0.34), negative where the labels differ (S1 and S3:
-0.12), and near 0 where "not" does not negate (S1 and S4: -0.05), while the word's importance is
much the same. Of texts that share no word, the start and end tokens tell the similar pair (S5 and
S6: 1.15) from the other (S5 and S7: -0.05). Its model was a pretrained DeBERTa for MNLI, right on
all of them.

Here the paper's own seven sentences are put to an encoder fine-tuned on pairs of sentences. Since
the sizes of gradients differ from model to model, each similarity is shown as a cosine, too.
Three pairs are an illustration, so sentences of ours stand beside the paper's: four pairs each in
which "not" gives an entailment, gives a contradiction, or stands in "not only". The model's own
answers are told under the table: gradients of a model that is wrong say little.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np

import wordtrace as wt
from reproduction import bars, encoders
from reproduction.data import Given
from reproduction.record import Finding

#: Premise, hypothesis, label.
Sentences = tuple[str, str, str]
_PIANO = (
    "She not only started playing the piano before she could speak, but her dad taught her to "
    "compose music at the same time."
)
#: The paper's Table 2.
SENTENCES: dict[str, Sentences] = {
    "S1": ("I think he is very annoying.", "I do not like him.", "entailment"),
    "S2": ("I think reading is very boring.", "I do not like to read.", "entailment"),
    "S3": (
        "I think reading is very boring.",
        "I do not hate burying myself in books.",
        "contradiction",
    ),
    "S4": (
        _PIANO,
        "She started to playing music and making music from very long ago.",
        "entailment",
    ),
    "S5": ("I think he is very annoying.", "I don't like him.", "entailment"),
    "S6": ("She thinks reading is pretty boring", "She doesn't love to read", "entailment"),
    "S7": (
        _PIANO.removesuffix("."),
        "She started to playing music and making music from quite long ago",
        "entailment",
    ),
}
#: What the paper says of each: the token, the two sentences, the similarity.
PAPER = [
    ("not", "S1", "S2", 0.34),
    ("not", "S1", "S3", -0.12),
    ("not", "S1", "S4", -0.05),
    ("start and end", "S5", "S6", 1.15),
    ("start and end", "S5", "S7", -0.05),
]
#: Sentences of ours like the paper's: "not" gives an entailment, a contradiction, or "not only".
OURS: dict[str, list[Sentences]] = {
    "negates": [
        ("I think the soup is very cold.", "I do not enjoy the soup.", "entailment"),
        ("I think the room is very dirty.", "I do not like the room.", "entailment"),
    ],
    "contradicts": [
        ("I think he is very annoying.", "I do not mind talking to him.", "contradiction"),
        ("I think the soup is very cold.", "I do not hate eating it.", "contradiction"),
        ("I think the room is very dirty.", "I do not dislike living in it.", "contradiction"),
    ],
    "not only": [
        (
            "He not only cooked the dinner, but he also baked a cake for the guests.",
            "He made food for the guests.",
            "entailment",
        ),
        (
            "They not only won the match, but they also set a new record.",
            "They won a game.",
            "entailment",
        ),
        (
            "She not only wrote the book, but she also drew the pictures in it.",
            "She worked on a book.",
            "entailment",
        ),
    ],
}
KINDS = {
    "negates": [SENTENCES["S1"], SENTENCES["S2"], *OURS["negates"]],
    "contradicts": [SENTENCES["S3"], *OURS["contradicts"]],
    "not only": [SENTENCES["S4"], *OURS["not only"]],
}


@dataclass(frozen=True)
class Agreement:
    """Of two texts' gradients for some tokens: the similarity, and the same without their sizes."""

    similarity: float
    cosine: float


class Asked:
    """A run that is asked about pairs of sentences, each comparison once."""

    def __init__(self, run: wt.Run) -> None:
        self.run = run
        self._kept: dict[tuple[Sentences, Sentences], dict[str, float]] = {}

    def agreement(self, one: Sentences, other: Sentences, word: str) -> Agreement:
        """Compare the gradients of two pairs for "not", or for the start and end tokens."""
        between, first, second = (
            self._similarity(*texts).get(word, 0.0)
            for texts in ((one, other), (one, one), (other, other))
        )
        # A text's similarity with itself is the square of its gradients' length.
        size = float(np.sqrt(first) * np.sqrt(second))
        return Agreement(between, between / size if size else 0.0)

    def _similarity(self, one: Sentences, other: Sentences) -> dict[str, float]:
        if (one, other) not in self._kept:
            label, label2 = self.label(one[2]), self.label(other[2])
            found = wt.words(self.run, one[:2], other[:2], label=label, label2=label2).similarity
            assert found is not None
            parts = {"not": 0.0, "start and end": 0.0}
            for shared in found.words:
                name = "start and end" if shared.special else _plain(shared.token)
                if name in parts:
                    parts[name] += shared.similarity
            self._kept[one, other] = parts
        return self._kept[one, other]

    def label(self, name: str) -> str:
        """Return the run's own spelling of a label, such as Entailment."""
        known = {one.casefold(): one for one in self.run.label_names}
        if name not in known:
            raise wt.WordtraceError(
                f"the sentences need the label {name}, and the data has "
                f"{', '.join(self.run.label_names)}; give pairs of natural-language inference."
            )
        return known[name]

    def sentence(self, name: str) -> dict[str, Any]:
        """Return what the model says of one of the paper's pairs, and how strong "not" is in it."""
        premise, hypothesis, label = SENTENCES[name]
        found = wt.words(self.run, (premise, hypothesis), label=self.label(label)).texts[0]
        weights = [one.importance for one in found.words if _plain(one.token) == "not"]
        return {
            "sentence": name,
            "label": label,
            "model says": found.predicted,
            "right": found.predicted == found.label,
            "probability of the label": found.probability,
            "importance": weights[0] if weights else None,
            "median importance": float(np.median([one.importance for one in found.words])),
        }


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Compare the paper's sentences, then the kinds of sentences."""
    model = encoders.trained("nli", size, work, given)
    asked = Asked(model.run)
    rows = [*papers(asked), *kinds(asked)]
    sentences = [asked.sentence(name) for name in SENTENCES]
    right = [one["sentence"] for one in sentences if one["right"]]
    strength = ", ".join(
        f"{one['importance']:.2g} in {one['sentence']}" for one in sentences if one["importance"]
    )
    return Finding(
        "not-words",
        rows,
        {
            "token": "{token}",
            "sentences": "{sentences}",
            "pairs": "{pairs}",
            "similarity": "{similarity:.3g}",
            "cosine": "{cosine:+.2f}",
            "lowest to highest": "{low:+.2f} to {high:+.2f}",
            "paper's similarity": "{paper:.2f}",
        },
        f"The model is right on {', '.join(right) or 'none'} of S1 to S7; importance of *not*: "
        f"{strength or 'none'}. {model.said()}",
        {**model.about(), "sentences": sentences},
        bars.drawn(
            [f"{one['token']}: {one['sentences']}" for one in rows],
            {"cosine": [one["cosine"] for one in rows]},
            "cosine of the gradients",
        ),
    )


def costs(size: str) -> tuple[int, float]:
    """Return models and seconds."""
    return encoders.costs(size, "nli")


def papers(asked: Asked) -> list[dict[str, Any]]:
    """Return the paper's five comparisons."""
    found = []
    for token, one, other, value in PAPER:
        agreed = asked.agreement(SENTENCES[one], SENTENCES[other], token)
        found.append(
            {
                "token": token,
                "sentences": f"{one} and {other}",
                "pairs": 1,
                "similarity": agreed.similarity,
                "cosine": agreed.cosine,
                "low": None,
                "high": None,
                "paper": value,
            }
        )
    return found


def kinds(asked: Asked) -> list[dict[str, Any]]:
    """Return the mean cosine of "not" within and between the three kinds of sentences."""
    found = []
    for one, other in [(name, name) for name in KINDS] + list(combinations(KINDS, 2)):
        pairs: Iterable[tuple[Sentences, Sentences]] = (
            combinations(KINDS[one], 2) if one == other else product(KINDS[one], KINDS[other])
        )
        cosines = [asked.agreement(*pair, "not").cosine for pair in pairs]
        found.append(
            {
                "token": "not",
                "sentences": f"within: {one}" if one == other else f"{one} and {other}",
                "pairs": len(cosines),
                "similarity": None,
                "cosine": float(np.mean(cosines)),
                "low": min(cosines),
                "high": max(cosines),
                "paper": None,
            }
        )
    return found


def _plain(token: str) -> str:
    """Return a token without the mark with which some tokenizers begin a word."""
    return token.lstrip("Ġ▁").casefold()
