"""From a score's tokens to whole words, with the same sums.

A token's term of a score is a sum over pairs of positions: η g_t · g′_s for each place t of the
token in the example and s in the query (Eq. 4–6). Each such product belongs to the word at t and to
the word at s: where "##ing" stands in "playing" in one text and in "running" in the other, it adds
to the pair (playing, running). If a token stands in one word of each text only, that pair takes its
whole term. If it stands in several, the two texts' gradients are computed again to share it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.execute.once import once
from wordtrace.explain.prediction import Word, WordKind
from wordtrace.explain.words import Vocabulary
from wordtrace.measures.position_products import Terms, position_products
from wordtrace.measures.protocol import Queries
from wordtrace.measures.word_level import TokenPairs
from wordtrace.models.chat_turns import Dialogue
from wordtrace.models.chat_words import TEMPLATE, chat_words
from wordtrace.models.tokenizer import TokenAt
from wordtrace.models.whole_words import WholeWords, whole_words
from wordtrace.run.run import Run

Products = npt.NDArray[np.float64]
#: (word of the example, word of the query) → token → its part.
Pieces = dict[tuple[str, str], dict[int, float]]


@dataclass(frozen=True)
class Placed:
    """A text's tokens by position, and the words that they form."""

    tokens: tuple[int, ...]
    words: WholeWords

    def places(self, token: int) -> dict[str, list[int]]:
        """Return the positions of a token in each word that holds it."""
        return self._by_token.get(token, {})

    @once
    def _by_token(self) -> dict[int, dict[str, list[int]]]:
        found: dict[int, dict[str, list[int]]] = {}
        for place, (token, name) in enumerate(zip(self.tokens, self.words.names, strict=True)):
            found.setdefault(token, {}).setdefault(name, []).append(place)
        return found


def placed(
    positions: Sequence[TokenAt], text: str, text2: str | None, vocabulary: Vocabulary
) -> Placed:
    """Find the words in a text."""
    words = whole_words(positions, text, text2, vocabulary.tokenizer)
    return Placed(tuple(one.token for one in positions), words)


def placed_in_turns(
    positions: Sequence[TokenAt], dialogue: Dialogue, vocabulary: Vocabulary, *, whole: bool
) -> Placed:
    """Find the words in a conversation, or its tokens, and the stretches of its template."""
    words = chat_words(positions, dialogue, vocabulary.tokenizer, whole=whole)
    return Placed(tuple(one.token for one in positions), words)


def merge(
    run: Run,
    how: Terms,
    query: Queries,
    asked: Placed,
    examples: Examples,
    listed: Sequence[Placed],
    pairs: Sequence[TokenPairs],
    vocabulary: Vocabulary,
) -> list[tuple[Word, ...]]:
    """Sum the contributions of one query's examples by word.

    Parameters
    ----------
    how
        What a token's term of a score is computed from.
    query
        The query, a single one.
    pairs
        For each example, its contributions by token.

    Returns
    -------
    list
        For each example, its words by falling size; they have the same sum as the tokens.
    """
    if not how.shared:
        return [
            _joined(_by_own_word(terms, one), one, asked, vocabulary)
            for one, terms in zip(listed, pairs, strict=True)
        ]
    unclear = [
        place
        for place, (one, terms) in enumerate(zip(listed, pairs, strict=True))
        if any(len(one.places(a)) > 1 or len(asked.places(b)) > 1 for a, b in terms)
    ]
    products: dict[int, Products] = {}
    if unclear:
        some = examples.take(unclear)
        encoded = run.encode(some)
        found = position_products(
            *(run, how, (query.encoded, query.labels), (encoded, some.labels), some.ids)
        )
        products = dict(zip(unclear, found, strict=True))
    return [
        _words(terms, one, asked, products.get(place), vocabulary)
        for place, (one, terms) in enumerate(zip(listed, pairs, strict=True))
    ]


def _words(
    terms: TokenPairs,
    example: Placed,
    query: Placed,
    products: Products | None,
    vocabulary: Vocabulary,
) -> tuple[Word, ...]:
    pieces: Pieces = {}
    for (token, other), value in terms.items():
        for key, part in _split(value, example.places(token), query.places(other), products):
            of_word = pieces.setdefault(key, {})
            of_word[token] = of_word.get(token, 0.0) + part
    return _joined(pieces, example, query, vocabulary)


def _by_own_word(terms: TokenPairs, example: Placed) -> Pieces:
    """Give each token's term to the example's own words: to each in which it stands, by how often.

    The other word of a pair is the same: what the query says there, if it holds it.
    """
    pieces: Pieces = {}
    for (token, _), value in terms.items():
        here = example.places(token)
        for name, places in here.items():
            share = len(places) / sum(map(len, here.values()))
            pieces.setdefault((name, name), {})[token] = value * share
    return pieces


def _joined(
    pieces: Pieces, example: Placed, query: Placed, vocabulary: Vocabulary
) -> tuple[Word, ...]:
    words = [
        _word((name, example.words), (other, query.words), parts, vocabulary)
        for (name, other), parts in pieces.items()
    ]
    words.sort(key=lambda word: (-abs(word.contribution), word.token, word.query_token or ""))
    return tuple(words)


def _word(
    here: tuple[str, WholeWords],
    there: tuple[str, WholeWords],
    parts: dict[int, float],
    vocabulary: Vocabulary,
) -> Word:
    """Return a pair of words, each named in its text, with the parts of its tokens."""
    (word, role), (other, query_role) = here[1].word(here[0]), there[1].word(there[0])
    template = TEMPLATE in (role, query_role)
    return Word(
        word,
        sum(parts.values()),
        "special" if template else _kind([vocabulary.kind(token) for token in parts]),
        here[1].spans.get(here[0], ()),
        there[1].spans.get(there[0], ()),
        None if other == word else other,
        tuple(
            (vocabulary.tokenizer.token(token), part)
            for token, part in sorted(parts.items(), key=lambda one: (-abs(one[1]), one[0]))
        ),
        role,
        query_role,
    )


def _split(
    value: float,
    here: dict[str, list[int]],
    there: dict[str, list[int]],
    products: Products | None,
) -> Iterator[tuple[tuple[str, str], float]]:
    """Share a token's term among the pairs of words in which it stands.

    The products may not add up to the term exactly, since an index rounds its gradients. The rest
    goes to the same pairs, in proportion to their sizes, so that the parts always sum to the term.
    """
    keys = [(name, other) for name in here for other in there]
    if len(keys) == 1 or products is None:
        yield keys[0], value
        return
    parts = np.array([products[np.ix_(here[name], there[other])].sum() for name, other in keys])
    sizes = np.abs(parts)
    # If every product is zero, nothing distinguishes the pairs.
    weights = sizes / sizes.sum() if sizes.any() else np.full(len(keys), 1 / len(keys))
    parts += (value - parts.sum()) * weights
    for key, part in zip(keys, parts.tolist(), strict=True):
        if part:
            yield key, part


def _kind(kinds: Sequence[WordKind]) -> WordKind:
    """Return the kind of a word: the most telling one among the kinds of its pieces."""
    if "word" in kinds:
        return "word"
    return "stop" if "stop" in kinds else "special"
