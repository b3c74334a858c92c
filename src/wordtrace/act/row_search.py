"""Search through the texts of all rows, where they lie on disk: no text becomes a Python string."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wordtrace.data.conversations import Conversation, Malformed, content_of
from wordtrace.errors import InputError, option
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run

Mask = npt.NDArray[np.bool_]

_WORD = re.compile(r'"([^"]*)"?|([^\s"]+)')
#: The longest word that is searched for, in characters; the engine of the search has a limit, too.
_LONGEST = 1000
#: Where fewer than this share of the rows are left, only their texts are searched.
_FEW = 0.2


class RowSearch:
    """Finds the rows that hold words.

    Parameters
    ----------
    index, run
        Whose texts are searched. An index of version 1 holds none; then the run's are.
    """

    def __init__(self, index: IndexFolder, run: Run) -> None:
        self._chats = run.chats
        if any(part.texts is None for part in index.manifest.parts):
            table = run.train.table
            self._columns = [
                table[name].cast(pa.large_string())
                for name in ("text", "text2")
                if name in table.column_names
            ]
        else:
            names = ["text", "text2"] if run.has_pairs else ["text"]
            self._columns = [
                pa.chunked_array([part.strings(name) for part in index.texts], pa.large_string())
                for name in names
            ]

    def find(self, q: str) -> Mask:
        """Return the rows in whose texts all words of a search stand, bool, shape (rows,).

        Raises
        ------
        InputError
            For a word of more than 1,000 characters, or one that is no text.
        """
        found = np.ones(len(self._columns[0]), bool)
        # The longest word is the rarest, as a rule: it leaves the fewest rows to the others.
        for word in sorted(words_of(q), key=len, reverse=True):
            rows = np.flatnonzero(found)
            if len(rows) < _FEW * len(found):
                held = self._holding(word, [one.take(pa.array(rows)) for one in self._columns])
                found[rows[~held]] = False
            else:
                found &= self._holding(word, self._columns)
        return found

    def _holding(self, word: str, columns: Sequence[pa.ChunkedArray]) -> Mask:
        if self._chats:
            return _said(word, columns[0])
        found = _match(columns[0], word)
        for one in columns[1:]:
            found |= _match(one, word)
        return found


def words_of(q: str) -> list[str]:
    """Return the words and quoted phrases of a search (InputError)."""
    words = [phrase or word for phrase, word in _WORD.findall(q)]
    for word in words:
        if len(word) > _LONGEST:
            raise InputError(
                f"{option('q')} has a word of {len(word):,} characters; search for at most "
                f"{_LONGEST:,}."
            )
        try:
            word.encode("utf-8")
        except UnicodeEncodeError:
            raise InputError(f"{option('q')} holds half a character; give a text.") from None
    return list(dict.fromkeys(filter(None, words)))


def _match(column: pa.ChunkedArray, word: str) -> Mask:
    found: Mask = pc.match_substring_regex(column, _pattern(word)).to_numpy()
    return found.astype(bool)


def _pattern(word: str) -> str:
    """Return the regular expression of a word in any case, for Python and for Arrow (RE2).

    "(?i)" for the whole word would let s and k stand for two letters beyond ASCII, too, by which
    the search takes three times as long.
    """
    return "".join(
        f"[{sign.lower()}{sign.upper()}]"
        if sign.isascii() and sign.isalpha()
        else f"(?i:{sign})"
        if sign.isalpha()
        else re.escape(sign)
        for sign in word
    )


def _said(word: str, column: pa.ChunkedArray) -> Mask:
    """Return the conversations in one of whose messages a word stands.

    They are stored as JSON: what holds the word there may hold it in the name of a role or across
    an escaped sign, so the messages of each are read.
    """
    found = _match(column, json.dumps(word, ensure_ascii=False)[1:-1])
    holds = _holds(word)
    for row in np.flatnonzero(found).tolist():
        found[row] = holds(column[row].as_py())
    return found


def _holds(word: str) -> Callable[[str], bool]:
    pattern = re.compile(_pattern(word))

    def holds(document: str) -> bool:
        try:
            messages = Conversation.of(document).messages
        except Malformed:
            return pattern.search(document) is not None
        return any(pattern.search(content_of(one)) for one in messages)

    return holds
