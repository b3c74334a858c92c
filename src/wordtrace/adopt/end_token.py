"""Whether the token that ends completions was trained: else its loss stays as high as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError, option

#: How much higher than that of all other tokens the loss of one is that was not trained.
_APART = 2.0
#: What it falls by, in parts of what that of all other tokens falls by.
_FALL = 0.25


def refuse_untrained_end(
    folder: Path,
    said: Sequence[npt.NDArray[np.float32]],
    sample: Encoded,
    counted: npt.NDArray[np.bool_],
    end: int,
) -> None:
    """Refuse an end token that the training did not have.

    One token in each row changes the mean of all losses by little, so the log hardly tells. Its own
    loss does: it is the most frequent token of all, and falls first.

    Parameters
    ----------
    said
        At each checkpoint the loss of each token of the sample, shape (positions,).
    counted
        Which of them count, shape (positions,).
    end
        The token that was put at the ends of the rows.

    Raises
    ------
    InputError
        Where its loss is far above the others' at the last checkpoint, and did not fall with them.
    """
    ends = np.zeros(len(sample.ids), np.bool_)
    last = sample.offsets[1:] - 1
    ends[last[sample.ids[last] == end]] = True
    others = counted & ~ends
    if len(said) < 2 or not (ends & counted).any() or not others.any():
        return
    (before, after), (rest_before, rest_after) = (
        [float(losses[which].mean()) for losses in (said[0], said[-1])] for which in (ends, others)
    )
    if after > rest_after + _APART and before - after < _FALL * (rest_before - rest_after):
        raise InputError(
            f"{folder}: the token that ends a text was not trained: its loss is {before:.3g} at "
            f"the first checkpoint and {after:.3g} at the last, that of the other tokens "
            f"{rest_before:.3g} and {rest_after:.3g}. Say that the texts had none by "
            f"{option('end', False)}. {option('force', True)} adopts it as it is."
        )
