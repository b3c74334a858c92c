"""Does a model of natural-language inference read "not" the same way in different sentences?

The question of the paper's Table 2 (section 4.2), on a run of your own whose examples are pairs:

    wordtrace train nli.csv --text premise --text2 hypothesis --label label --out nli
    python docs/examples/negation.py nli [WORD]

For each two pairs of sentences below, the cosine of the gradients for the word. Of two pairs whose
relation is turned round by "not" it should be high; a pair where "not" changes nothing should agree
with neither. The sentences are ours.
"""

from __future__ import annotations

import sys
from itertools import combinations

import wordtrace as wt

#: (premise, hypothesis), and whether "not" turns the relation round.
PAIRS = [
    ("The dog is asleep on the sofa.", "The dog is not asleep.", True),
    ("A man plays a guitar on a stage.", "The man is not playing a guitar.", True),
    ("Two children are eating lunch.", "The children are not eating.", True),
    ("A man who is not young rides a horse.", "A man rides a horse.", False),
    ("The woman, though not alone, reads a book.", "The woman reads a book.", False),
]


def main(folder: str, word: str = "not") -> list[tuple[int, int, float | None]]:
    """Print and return (place, place, cosine) for each two pairs."""
    run = wt.Run.open(folder)
    predicted = run.predict([one for one, _, _ in PAIRS], [two for _, two, _ in PAIRS])
    for place, (premise, hypothesis, turned) in enumerate(PAIRS):
        label = run.label_names[predicted[place].argmax()]
        kind = "turned round" if turned else "unchanged"
        print(f"{place}  {premise} → {hypothesis}  ({kind} by {word!r}; the model says {label})")
    found: list[tuple[int, int, float | None]] = []
    for i, j in combinations(range(len(PAIRS)), 2):
        similarity = wt.words(run, PAIRS[i][:2], PAIRS[j][:2]).similarity
        assert similarity is not None
        cosine = next((one.cosine for one in similarity.words if one.token == word), None)
        found.append((i, j, cosine))
        shown = "–" if cosine is None else f"{cosine:+.2f}"
        kind = "both turned" if PAIRS[i][2] and PAIRS[j][2] else "other"
        print(f"{i} with {j}: cosine of {word!r} {shown}  ({kind})")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
