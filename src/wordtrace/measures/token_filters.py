"""Filters of tokens: the start and end tokens alone, or all but the frequent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import document_frequency
from wordtrace.errors import InputError
from wordtrace.models.protocol import TextTokenizer
from wordtrace.run.run import Run

#: A token is a stop token if it stands in more than this share of the training texts.
STOP_SHARE = 0.2


def are_stop(documents: npt.NDArray[np.int64], examples: int) -> npt.NDArray[np.bool_]:
    """Tell which tokens are stop tokens, or would be if they were not special.

    Parameters
    ----------
    documents
        int64, shape (vocabulary,): the number of training texts that hold each token.
    examples
        The number of training texts.
    """
    found: npt.NDArray[np.bool_] = documents > STOP_SHARE * examples
    return found


def without(
    kinds: Sequence[str],
    tokenizer: TextTokenizer,
    documents: npt.NDArray[np.int64],
    examples: int,
) -> npt.NDArray[np.bool_]:
    """Return which tokens count where some kinds do not, bool, shape (vocabulary,).

    Parameters
    ----------
    kinds
        Of "special" and "stop".
    documents, examples
        See :func:`are_stop`.
    """
    special = np.zeros(tokenizer.size, bool)
    special[sorted(tokenizer.special)] = True
    kept = np.ones(tokenizer.size, bool)
    if "special" in kinds:
        kept &= ~special
    if "stop" in kinds:
        kept &= special | ~are_stop(documents, examples)
    return kept


class TokenFilter(Protocol):
    """Decides which tokens of the vocabulary count."""

    @property
    def which(self) -> str:
        """A description of these tokens."""
        ...

    def keeps(self, run: Run) -> npt.NDArray[np.bool_]:
        """Return a bool for each token, shape (vocabulary,)."""
        ...


@dataclass(frozen=True)
class Common:
    """Start and end tokens alone (TracIn-common)."""

    which: ClassVar = "start and end tokens alone (section 5)"

    def keeps(self, run: Run) -> npt.NDArray[np.bool_]:
        """Return True at the tokens that the tokenizer adds to every text.

        Raises
        ------
        InputError
            When the tokenizer adds no token.
        """
        kept = np.zeros(run.tokenizer.size, bool)
        added = sorted(run.tokenizer.special)
        if not added:
            raise InputError(
                "this run's tokenizer adds no start or end token, so tracin-common has nothing to "
                "compare; take tracin-we-noc or tracin-we-topk."
            )
        kept[added] = True
        return kept


@dataclass(frozen=True)
class NoCommon:
    """All but the special and the frequent tokens (TracIn-WE-NoC).

    Attributes
    ----------
    frequent
        A token is left out if it stands in more than this share of the training texts.
    """

    frequent: float = 0.2

    which: ClassVar = "all but special tokens and those in many training texts (section 5)"

    def keeps(self, run: Run) -> npt.NDArray[np.bool_]:
        """Return True at the tokens that tell texts apart."""
        documents = document_frequency(run.encoded, run.tokenizer.size)
        kept = documents <= self.frequent * len(run.train)
        kept[sorted(run.tokenizer.special)] = False
        return kept
