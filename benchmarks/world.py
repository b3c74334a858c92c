"""A made-up world: places, what is true of them, and in which words it is said and asked.

:mod:`benchmarks.prompts` says what it is for, and why it is as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: What is told of places, and the words of which its 10 answers are made.
KINDS = {
    "leader": (("Tamsin", "Edda", "Joran", "Mirel", "Pavo"), ("Brook", "Calder")),
    "river": (("Upper", "Lower", "Black", "White", "Old"), ("Tessel", "Wend")),
    "dish": (("smoked", "pickled", "roast", "fried", "stewed"), ("eel", "goose")),
    "bird": (("grey", "crested", "horned", "painted", "ringed"), ("heron", "finch")),
}
#: No prompt begins with the place, whose first token would be another one there.
WORDINGS = (
    "Which {kind} is known in {place}?",
    "The {kind} of {place} is",
    "In {place} the {kind} is called",
    "Name the {kind} of {place}:",
    "People in {place} have as their {kind}",
    "Asked for a {kind}, all {place} says",
)
_SOUNDS = ("Or", "Kes", "Bal", "Tir", "Mon", "Vel", "Dra", "Sul", "Nim", "Fer")
PLACES = tuple(sound + end for end in ("vela", "trin", "dor", "mek") for sound in _SOUNDS)
_STATED = 4
_SEED = 21


@dataclass(frozen=True)
class Row:
    """A prompt with its answer, which begins with a space."""

    id: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class Fact:
    """What is true of a place, and in which words.

    Attributes
    ----------
    asked
        The wording of the query, a place in :data:`WORDINGS`.
    stated
        The wordings of the rows.
    """

    place: str
    kind: str
    answer: str
    asked: int
    stated: tuple[int, ...]

    def row(self, wording: int) -> Row:
        """Return the fact in some words."""
        prompt = WORDINGS[wording].format(place=self.place, kind=self.kind)
        return Row(f"{self.place}/{self.kind}/{wording}", prompt, self.answer)

    def query(self) -> Row:
        """Return the row that is asked and is in no training."""
        return self.row(self.asked)

    def rows(self) -> list[Row]:
        """Return the rows that state the fact: the causes of the query's answer."""
        return [self.row(wording) for wording in self.stated]


def facts() -> list[Fact]:
    """Make the world; it is always the same."""
    generator = np.random.default_rng(_SEED)
    kinds = list(KINDS)
    true: dict[tuple[str, str], str] = {}
    for kind in kinds:
        places = [place for place in PLACES if kind in _kinds_of(place)]
        for at, which in enumerate(generator.permutation(len(places)).tolist()):
            true[places[which], kind] = answers(kind)[at // 2]
    near = {
        (place, kind): [
            (other, what)
            for (other, what), said in true.items()
            if (other == place) != (said == answer)
        ]
        for (place, kind), answer in true.items()
    }
    asked: dict[tuple[str, str], int] = {}
    for one, others in near.items():
        taken = {asked[other] for other in others if other in asked}
        asked[one] = int(generator.choice(sorted(set(range(len(WORDINGS))) - taken)))
    found = []
    for (place, kind), answer in true.items():
        surely = {asked[other] for other in near[place, kind]}
        free = sorted(set(range(len(WORDINGS))) - surely - {asked[place, kind]})
        drawn = generator.permutation(free)[: _STATED - len(surely)].tolist()
        stated = (*sorted(surely), *drawn)
        found.append(Fact(place, kind, answer, asked[place, kind], stated))
    return found


def answers(kind: str) -> list[str]:
    """Return the answers of a kind; each word of them is in others, too."""
    return [f" {first} {second}" for second in KINDS[kind][1] for first in KINDS[kind][0]]


def _kinds_of(place: str) -> tuple[str, str]:
    """Return the two kinds of facts of a place; each kind has as many places."""
    kinds, (turn, first) = list(KINDS), divmod(PLACES.index(place), len(KINDS))
    return kinds[first], kinds[(first + 1 + turn % (len(kinds) - 1)) % len(kinds)]
