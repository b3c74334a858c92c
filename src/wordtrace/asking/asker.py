"""Asking a run or its index by any measure; the index answers where it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from wordtrace.asking.answer import Answer
from wordtrace.asking.predictions import Predictions, predict_question
from wordtrace.asking.question import Asked, Question, make_question
from wordtrace.asking.rows import IndexRows, RunRows, ScoredRows
from wordtrace.asking.search import LocalSearch, Search
from wordtrace.asking.searcher import Spread
from wordtrace.asking.solved import BySolving
from wordtrace.asking.ways import ByWord, Way, Whole
from wordtrace.data.batches import document_frequency
from wordtrace.errors import InputError, option
from wordtrace.execute.once import once
from wordtrace.gradients.top_k import check_top_k
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.influence_we import Curvatures, InfluenceWE
from wordtrace.measures.names import AS_HELD, DEFAULT, measure
from wordtrace.measures.options import Options
from wordtrace.measures.position_products import Terms
from wordtrace.measures.protocol import Measure, Queries
from wordtrace.measures.source import Streamed
from wordtrace.measures.token_filters import without
from wordtrace.measures.token_weights import FloatArray, Weights, token_weights
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.measures.word_level import WordMeasure
from wordtrace.models import predict
from wordtrace.models.answer_spans import Passage
from wordtrace.models.chat_tokenizer import SHORTEST, ChatTokenizer
from wordtrace.run.run import Run


class Asker:
    """Turns texts, labels and a measure into scores, rankings and words.

    It is made once for an opened run or index; several threads may ask it at once.

    Parameters
    ----------
    run
        With an index, weighted as the index is.
    index
        The run's index; without one (None), every measure streams gradients from the run.
    """

    def __init__(self, run: Run, index: IndexFolder | None = None) -> None:
        self.run, self.index = run, index
        self._of_run = RunRows(run, index)
        #: The examples that there are: the index's, else the run's.
        self.rows: ScoredRows = self._of_run if index is None else IndexRows(index, run)
        self._loading, self._loaded = Lock(), False
        self._curvatures: dict[InfluenceWE, Curvatures] = {}

    def question(
        self,
        texts: Asked,
        label: str | Sequence[str | None] | None = None,
        span: Passage | Sequence[Passage | None] | None = None,
    ) -> Question:
        """Bring texts and labels into one form; see :func:`.question.make_question`."""
        return make_question(self.run, texts, label, span)

    def predict(self, question: Question) -> Predictions:
        """Return the queries with labels filled in, and what the final model predicts."""
        return predict_question(self.run, question)

    def queries(
        self,
        texts: Asked,
        label: str | Sequence[str | None] | None = None,
        span: Passage | Sequence[Passage | None] | None = None,
    ) -> Queries:
        """Tokenize texts; labels not given become the final model's prediction."""
        return self.predict(self.question(texts, label, span)).queries

    def ask(
        self,
        asked: Question | Queries,
        name: str | None = None,
        top_k: int | None = None,
        *,
        spread: Spread | None = None,
        **options: Any,
    ) -> Answer:
        """Return a measure's answer; the parameters are those of :meth:`way`."""
        way = self.way(name, top_k, spread=spread, **options)
        return way.ask(self.predict(asked).queries if isinstance(asked, Question) else asked)

    def way(
        self,
        name: str | None = None,
        top_k: int | None = None,
        *,
        spread: Spread | None = None,
        **options: Any,
    ) -> Way:
        """Prepare a measure; this decides whether it answers by word, and where it reads.

        Parameters
        ----------
        name
            The measure; ``tracin-we-idf`` by default.
        top_k
            How many positions of a text count; by default as in the index, else 10.
        spread
            The index on a cluster, which is then asked instead of this process.
        **options
            Options of the measure: the fields of :class:`.measures.options.Options`.

        Raises
        ------
        InputError
            For an unknown measure, and when a cluster is asked for a measure that the index does
            not hold.
        """
        name, k = self._default(name, top_k)
        settings = Options(top_k=k, **options)
        chosen = measure(name, settings)
        _refuse_what_has_no_words(name, chosen, settings)
        if isinstance(chosen, WordMeasure) and (index := self._holding(chosen)) is not None:
            search: Search = spread or LocalSearch.of_index(index, self.run)
            terms = self._terms(chosen, settings, index.bases)
            return ByWord(name, chosen, self.run, self.rows, search, terms, settings.memory)
        if spread is not None:
            held = spread.index.manifest.top_k
            raise InputError(
                f"{option('executor', 'ray')} asks the index alone, which answers the measures "
                f"tracin-we… with {option('top_k')} {held or 'all'}; leave it out, and this "
                "machine computes the answer."
            )
        if isinstance(chosen, InfluenceWE):
            weights = self._weights(chosen.weights, settings.kinds_left_out)
            return BySolving(name, self._systems(chosen), self._of_run, weights)
        if not isinstance(chosen, WordMeasure):
            return Whole(name, chosen, self.run, self._of_run)
        stream = Streamed(self.run, chosen.top_k)
        search = LocalSearch(stream, self.run, self._of_run.removed)
        terms = self._terms(chosen, settings, None)
        return ByWord(name, chosen, self.run, self._of_run, search, terms, settings.memory)

    def _systems(self, chosen: InfluenceWE) -> Curvatures:
        """Return what a measure solves with, made once; those of another one are let go of."""
        key = replace(chosen, weights="")
        with self._loading:
            if key not in self._curvatures:
                self._curvatures = {key: Curvatures(self.run, key)}
            return self._curvatures[key]

    def _terms(
        self, chosen: WordMeasure, settings: Options, bases: Sequence[Tensor] | None
    ) -> Terms:
        """Return what a token's term of a score is computed from."""
        weights = self._weights(chosen.weights, settings.kinds_left_out)
        return Terms(chosen.top_k, chosen.query_top_k, weights, bases)

    def _weights(self, chosen: Weights, left_out: Sequence[str]) -> FloatArray | None:
        """Return what each token's term is multiplied by, 0 where it is left out; None for 1."""
        weights = self.weights(chosen) if chosen else None
        if not left_out:
            return weights
        kept = without(left_out, self.run.tokenizer, self.documents, self.rows.count)
        return kept * np.float32(1) if weights is None else kept * weights

    def weights(self, weights: Weights) -> FloatArray | None:
        """Return each token's weight by the examples that there are, float32, (vocabulary,).

        See :func:`.token_weights.token_weights`.
        """
        return token_weights(weights, self.documents, self.rows.count)

    def must_stream(self, name: str | None, top_k: int | None = None, **options: Any) -> bool:
        """Tell whether a measure by word must compute all gradients anew (see :meth:`way`)."""
        name, k = self._default(name, top_k)
        chosen = measure(name, Options(top_k=k, **options))
        return isinstance(chosen, WordMeasure) and self._holding(chosen) is None

    def _holding(self, chosen: WordMeasure) -> IndexFolder | None:
        """Return the index if it has the postings that a measure needs."""
        held = self.index is not None and self.index.manifest.top_k == chosen.top_k
        return self.index if held else None

    def _default(self, name: str | None, top_k: int | None) -> tuple[str, int | None]:
        """Fill in what the caller left open with what the index holds."""
        held = self.index.manifest.top_k if self.index is not None else 10
        name = name or DEFAULT
        if name in AS_HELD and top_k is None:
            return name, held
        check_top_k(top_k)
        return name, top_k if top_k is not None else held or 10

    @property
    def measure_of_rows(self) -> str:
        """The measure by which training rows are compared: both are cut as the index cuts them."""
        whole = self.index is not None and self.index.manifest.top_k is None
        return "tracin-we" if whole else "tracin-we-topk"

    @once
    def documents(self) -> npt.NDArray[np.int64]:
        """The number of examples that hold each token, int64, shape (vocabulary,)."""
        if self.index is not None:
            return self.index.document_frequency
        return document_frequency(self.run.encoded, self.run.tokenizer.size)

    def load(self, *, postings: bool) -> None:
        """Load what every question needs, so that the time of an answer does not include it.

        Parameters
        ----------
        postings
            Whether this process reads the postings of the index.
        """
        with self._loading:
            for checkpoint in [*self.run.checkpoints, self.run.final]:
                self.run.model(checkpoint)
            if self._loaded:
                return
            if self.index is not None and postings:
                for place in range(len(self.index.manifest.checkpoints)):
                    list(self.index.blocks(place))
            # PyTorch and the tokenizer take a tenth of a second to set themselves up at their first
            # use: that belongs to loading, too.
            one = [SHORTEST if isinstance(self.run.tokenizer, ChatTokenizer) else "."]
            pair = one if self.run.has_pairs else None
            encoded = self.run.tokenizer.encode(one, pair)
            queries = Queries(one, pair, self.run.labelling.one(), encoded)
            TracInWE().query_tokens(self.run, queries)
            predict.logits(self.run.model(self.run.final), queries.encoded)
            self.run.tokenizer.positions(one * 8, pair and pair * 8)
            self._loaded = True


def _refuse_what_has_no_words(name: str, chosen: Measure, settings: Options) -> None:
    """Refuse what only measures by word can do (InputError)."""
    if not isinstance(chosen, WordMeasure | InfluenceWE):
        if settings.without:
            raise InputError(
                f"the scores of {name} do not split into words, so {option('without')} can't leave "
                "any out."
            )
        if settings.weights:
            raise InputError(
                f"the scores of {name} do not split into words, so {option('weights')} has nothing "
                "to multiply; leave it out."
            )
    elif settings.weights and not chosen.weights:
        raise InputError(
            f"{name} matches different tokens with each other, and {option('weights')} has a "
            "weight for one token alone; leave it out."
        )
