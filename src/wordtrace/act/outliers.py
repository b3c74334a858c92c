"""The training rows whose texts are least like the others, each with what is unusual about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import regex

from wordtrace.act.outliers_result import Outlier, Outliers
from wordtrace.act.strangeness import PARTS, Strangeness, strangeness
from wordtrace.errors import InputError, option
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run

Numbers = npt.NDArray[np.int64]

#: What orders the rows; the first one is the default.
RANKINGS = ("combined", *PARTS)

#: A part is named as a reason where a row is among this share of the rows by it.
_FAR = 0.01
_RARE = 8
_SCRIPTS = (
    *("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Han", "Hiragana", "Katakana", "Hangul"),
    *("Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Georgian", "Armenian", "Ethiopic"),
)
_SCRIPT = {name: regex.compile(rf"\p{{{name}}}") for name in _SCRIPTS}
#: UTF-8 that was read as Latin-1 or Windows-1252, and the sign for what could not be read.
_MISREAD = regex.compile(
    r"[\u00C2-\u00F4][\u0080-\u00BF\u0152-\u0178\u0192\u02C6\u02DC\u2013-\u203A\u20AC\u2122]+|\uFFFD"
)
_MARKUP = regex.compile(r"</?[a-zA-Z][^<>]{0,200}>|\{\{[^{}]{0,80}\}\}|&[a-z]{2,8};")


def outliers(index: IndexFolder, run: Run, *, by: str = "combined", top: int = 20) -> Outliers:
    """Rank the rows by how unlike all others their texts are.

    Labels and gradients play no part. Four things are looked at: how rare the words are, how rare
    their sequences of letters, how little they share with the most similar of up to 2,000 other
    rows, and how long the text is. "combined" joins their ranks by Fisher's method.

    Parameters
    ----------
    by
        One of :data:`RANKINGS`.
    top
        How many rows to list.

    Raises
    ------
    InputError
        For an unknown `by`, or a `top` below 1.
    """
    if top < 1:
        raise InputError(f"{option('top')} is {top}; it must be at least 1.")
    check_ranking(by)
    found = strangeness(index, run)
    order = np.argsort(-found.ranking(by), kind="stable")[:top]
    rows = outlying(index, run, found, order, by)
    return Outliers(str(index.path), by, index.count, found.compared, rows, run.misread)


def check_ranking(by: str) -> None:
    """Refuse a name that is none of :data:`RANKINGS` (InputError)."""
    if by not in RANKINGS:
        raise InputError(f"{option('by')} is {by!r}; it must be one of {', '.join(RANKINGS)}.")


def outlying(
    index: IndexFolder, run: Run, found: Strangeness, places: Numbers, by: str, first: int = 1
) -> tuple[Outlier, ...]:
    """Read the texts of some rows, and say what is unusual about them.

    Parameters
    ----------
    places
        int64: places in `found`, strangest first.
    first
        The rank of the first one.
    """
    if not len(places):
        return ()
    from scipy.stats import rankdata

    rows = found.rows[places]
    examples = index.take(rows, run)
    strange = found.ranking(by)[places]
    far = {name: rankdata(-value, "min") / len(value) for name, value in found.parts.items()}
    script = _usual_script(index, run)
    labels, predicted = (index.table[name] for name in ("label", "predicted_final"))
    listed = []
    for number, (place, row) in enumerate(zip(places.tolist(), rows.tolist(), strict=True)):
        texts = (examples.texts[number], *((examples.texts2[number],) if examples.texts2 else ()))
        rank = {name: float(one[place]) for name, one in far.items()}
        words, rare = _words_reason(found, place, rank)
        listed.append(
            Outlier(
                rank=first + number,
                id=examples.ids[number],
                label=str(labels[row].as_py()),
                predicted=str(predicted[row].as_py()),
                text=texts[0],
                text2=texts[1] if len(texts) > 1 else None,
                strangeness=float(strange[number]),
                **{name: float(found.parts[name][place]) for name in PARTS},
                reasons=tuple(_reasons(found, place, rank, words, texts, script)),
                rare=rare,
            )
        )
    return tuple(listed)


def _words_reason(
    found: Strangeness, place: int, rank: dict[str, float]
) -> tuple[str | None, tuple[str, ...]]:
    sets = found.sets
    mine = sets.element[sets.offsets[place] : sets.offsets[place + 1]]
    only = int((sets.rows_with[mine] == 1).sum())
    seldom = mine[sets.rows_with[mine] <= max(1, len(sets) // 1000)]
    rare = tuple(dict.fromkeys(sets.names(seldom[:_RARE])))
    if not only or (rank["words"] > _FAR and only < 0.3 * len(mine)):
        return None, rare
    if len(mine) == 1:
        return "its only word stands in no other row", rare
    return f"{only:,} of its {len(mine):,} words stand in no other row", rare


def _reasons(
    found: Strangeness,
    place: int,
    rank: dict[str, float],
    words: str | None,
    texts: tuple[str, ...],
    script: str | None,
) -> Iterable[str]:
    """Return what is unusual, the most telling first; at least one sentence."""
    said = []
    whole = "\n".join(texts)
    misread, markup = _MISREAD.findall(whole), _MARKUP.findall(whole)
    own = _script_of([whole])
    if own is not None and script is not None and own != script:
        said.append(f"most of its letters are {own}, those of most rows {script}")
    if len(misread) > 1 or (misread and rank["letters"] <= _FAR):
        said.append(f"it seems to have been read in a wrong encoding ({_few(misread)})")
    if len(markup) > 1:
        said.append(f"it holds markup ({_few(markup)})")
    if words is not None:
        said.append(words)
    others = {
        "letters": "its letters follow one another as in few other rows",
        "alone": f"of {found.compared:,} rows that it was compared with, none comes nearer to its "
        f"words than a cosine of {1 - found.parts['alone'][place]:.2f}",
        "length": _length(found, place),
        "words": "its words are rare in the other rows",
    }
    said += [
        sentence
        for name, sentence in others.items()
        if rank[name] <= _FAR and (name != "words" or words is None)
    ]
    return said or [others[min(rank, key=lambda name: rank[name])]]


def _length(found: Strangeness, place: int) -> str:
    sizes = found.sets.sizes
    own, middle = int(sizes[place]), int(np.median(sizes))
    noun = "word" if own == 1 else "words"
    than = "or more" if own < middle else "or fewer"
    return f"it has {own:,} {noun}, half of all rows {middle:,} {than}"


def _few(found: list[str]) -> str:
    return " ".join(dict.fromkeys(one.strip()[:24] for one in found[:20] if one.strip()))[:60]


def _usual_script(index: IndexFolder, run: Run) -> str | None:
    rows = np.linspace(0, index.manifest.examples - 1, min(300, index.manifest.examples))
    return _script_of(index.take(np.unique(rows.astype(np.int64)), run).texts)


def _script_of(texts: Iterable[str]) -> str | None:
    """Return the script of more than half of the letters, if one is."""
    count: Counter[str] = Counter()
    letters = 0
    for text in texts:
        part = text[:2000]
        letters += len(regex.findall(r"\p{L}", part))
        for name, pattern in _SCRIPT.items():
            count[name] += len(pattern.findall(part))
    name, most = count.most_common(1)[0]
    return name if most > letters / 2 > 1 else None
