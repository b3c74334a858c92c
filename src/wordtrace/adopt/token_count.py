"""How many tokens TRL counted in an epoch, beside those of the data as they were read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from wordtrace.adopt.logged import Logged
from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError, option
from wordtrace.run.proof import Proof

#: From this share on, what was read are not the tokens of the training.
_FAR = 0.1


@dataclass(frozen=True)
class TokenCount:
    """The tokens of an epoch.

    Attributes
    ----------
    seen
        As TRL's SFTTrainer counted them.
    ours
        Of the data as they were read.
    rows
        How many rows the data has.
    """

    seen: float
    ours: int
    rows: int

    @property
    def is_far(self) -> bool:
        """Whether they differ by more than an end token or another limit would explain."""
        return abs(self.seen - self.ours) > _FAR * self.ours

    @property
    def sentence(self) -> str:
        """The two numbers in words."""
        more = self.seen - self.ours
        return (
            f"TRL counted {self.seen:,.0f} tokens an epoch, here there are {self.ours:,}: "
            f"{abs(more) / self.rows:.3g} {'more' if more > 0 else 'fewer'} a row in the training."
        )


def count_tokens(logged: Logged, encoded: Encoded) -> TokenCount | None:
    """Return the numbers of whole epochs where they differ.

    None where they are the same, or where TRL's counter can't be compared: it was not logged at the
    end of an epoch, or began anew as a training was resumed.
    """
    counter = [seen for _, seen in logged.tokens.values()]
    if any(later < earlier for earlier, later in pairwise(counter)):
        return None
    for epoch, seen in reversed(list(logged.tokens.values())):
        whole = round(epoch)
        if whole and abs(epoch - whole) < 1e-6:
            # TRL drops rows in which nothing counts.
            counting = int(encoded.lengths[_counting(encoded)].sum())
            ours = min(len(encoded.ids), counting, key=lambda one: abs(seen / whole - one))
            same = abs(seen / whole - ours) < 0.5
            return None if same else TokenCount(seen / whole, ours, len(encoded))
    return None


def with_tokens(proof: Proof, count: TokenCount | None, force: bool) -> Proof:
    """Add to a proof what TRL's count of tokens says.

    Raises
    ------
    InputError
        When the data has another number of tokens by far, unless it is adopted by `force`.
    """
    if count is None or not count.is_far:
        return proof
    if not force:
        raise InputError(
            f"{count.sentence} Is it the file of this training, in its template, and cut at its "
            f"maximum length ({option('max_length')})? {option('force', True)} adopts it as it is."
        )
    said = f"{proof.sentence} {count.sentence} What is made from this run may be of other data."
    return replace(proof, verdict="misread", sentence=said)


def token_notes(count: TokenCount | None) -> list[str]:
    """Return a note where the numbers differ."""
    if count is None:
        return []
    return [
        f"{count.sentence} Are the maximum length, the template, and the start and end tokens "
        "those of the training?"
    ]


def _counting(encoded: Encoded) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if encoded.counted is not None:
        sums = np.concatenate([[0], np.cumsum(encoded.counted)])
        return sums[encoded.offsets[1:]] > sums[encoded.offsets[:-1]]
    if encoded.second is not None:
        return encoded.second < encoded.lengths
    return np.ones(len(encoded), np.bool_)
