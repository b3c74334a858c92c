"""The rows that a measure names for a query, and the rows it may choose from."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.measures.bm25 import joined
from wordtrace.measures.protocol import Scores
from wordtrace.measures.topn import strongest
from wordtrace.retrainers.retrain import Rows

Sign = Literal["proponents", "opponents"]
SIGNS: tuple[Sign, ...] = ("proponents", "opponents")


def named_rows(scores: Scores, sign: Sign, k: int) -> list[Rows]:
    """Return each query's k strongest rows of a sign, in rising order; fewer if there are fewer.

    Parameters
    ----------
    scores
        float32, shape (queries, examples).
    """
    found = []
    for row in scores:
        proponents, opponents = strongest(row, k)
        chosen = proponents if sign == "proponents" else opponents
        found.append(tuple(sorted(chosen.tolist())))
    return found


def least_overlap(train: Examples, queries: Examples, count: int) -> npt.NDArray[np.bool_]:
    """Mark the `count` training texts that share the least with each query (section 5).

    By the cosine of TF-IDF vectors of words; ties go to the lower row.

    Returns
    -------
    bool, shape (queries, examples).

    Raises
    ------
    InputError
        When `count` is not between 1 and the number of examples.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not 1 <= count <= len(train):
        raise InputError(f"{option('candidates')} is {count}; it must be from 1 to {len(train):,}.")
    vectors = TfidfVectorizer(token_pattern=r"(?u)\b\w+\b")
    known = vectors.fit_transform(joined(train.texts, train.texts2))
    cosine = (vectors.transform(joined(queries.texts, queries.texts2)) @ known.T).toarray()
    marked = np.zeros(cosine.shape, np.bool_)
    order = np.argsort(cosine, axis=1, kind="stable")[:, :count]
    np.put_along_axis(marked, order, True, axis=1)
    return marked
