"""TracIn-TFIDF (Eq. 7): the texts' TF-IDF similarity in place of the last layer's inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wordtrace.gradients.last_layer import factors
from wordtrace.measures.bm25 import said
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.run.run import Run


@dataclass(frozen=True)
class TracInTFIDF:
    """+Σ_c η_c TFIDF(x, x′) (∂ℓ(x)/∂f · ∂ℓ(x′)/∂f).

    TFIDF is the cosine of scikit-learn's TF-IDF vectors, in lower case, for words of two letters
    and more, with the smoothed document frequencies of the training texts.
    """

    about: ClassVar = About(
        equation="Σ_c η_c TFIDF(x, x′) (δ · δ′) (Eq. 7)",
        needs="the checkpoints and the run's texts",
        cost="n·c forward passes, one sparse and one small matrix product",
        reads_texts=True,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples)."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(dtype=np.float32)
        weight = np.zeros((len(queries), len(run.train)), np.float32)
        for checkpoint, eta in zip(run.checkpoints, run.etas, strict=True):
            model = run.model(checkpoint)
            _, delta = factors(model, run.encoded, run.train.labels)
            _, asked = factors(model, queries.encoded, queries.labels)
            weight += np.float32(eta) * (asked @ delta.T)
        try:
            texts = vectorizer.fit_transform(said(run, run.train.texts, run.train.texts2))
        except ValueError:  # no text has a word of two letters
            return np.zeros_like(weight)
        asked_texts = vectorizer.transform(said(run, queries.texts, queries.texts2))
        similarity: Scores = (asked_texts @ texts.T).toarray()
        similarity *= weight
        return similarity
