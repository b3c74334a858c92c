"""From token ids to gradients at the embedding, in batches by length, checked to be finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from wordtrace.data.batches import Encoded, by_length
from wordtrace.data.labelling import Labels
from wordtrace.gradients.embedding import EmbeddingGradients, embedding_gradients
from wordtrace.gradients.tokens import (
    TokenGradients,
    check_finite,
    position_norms,
    token_gradients,
)
from wordtrace.models import predict
from wordtrace.models.protocol import Batch, to_batch
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run

# The most texts in a batch.
_TEXTS = 1024


@dataclass(frozen=True)
class GradientBatch:
    """The gradients of some texts of the same, or nearly the same, length.

    Attributes
    ----------
    rows
        int64, shape (batch,): their numbers among the texts given.
    batch
        Their token ids and labels, on the device of the model.
    gradients
        What one forward and one backward pass gave.
    norms
        float32, shape (batch, length): from :func:`.position_norms`; all finite.
    """

    rows: npt.NDArray[np.int64]
    batch: Batch
    gradients: EmbeddingGradients
    norms: Tensor

    def tokens(self, top_k: int | None) -> TokenGradients:
        """Return the token gradients, in the CPU's memory; see :func:`.token_gradients`."""
        return token_gradients(self.batch, self.gradients, self.norms, top_k).cpu()


def gradient_stream(
    run: Run,
    point: Checkpoint,
    encoded: Encoded,
    labels: Labels,
    names: Sequence[str],
    rows: npt.NDArray[np.int64] | None = None,
    *,
    objective: Callable[[Tensor, Batch], Tensor] | None = None,
    precision: str = "float32",
) -> Iterator[GradientBatch]:
    """Yield the embedding gradients of texts at a checkpoint, batch by batch, longest texts first.

    Gradients are scaled as the run's weighting asks (:meth:`.Run.row_scale`).

    Parameters
    ----------
    encoded, labels
        The texts, and for each the label with which its loss is computed.
    names
        The name of each text in an error: its id, or the text itself.
    rows
        Only these texts, by their numbers in `encoded`, `labels` and `names`; all by default.
    objective, precision
        See :func:`.embedding_gradients`.

    Raises
    ------
    NumericalError
        When a loss or gradient is NaN or infinite; the message names the text and the checkpoint.
    """
    model = run.model(point)
    lengths = encoded.lengths if rows is None else encoded.lengths[rows]
    for places in by_length(lengths, _TEXTS, predict.tokens_a_batch(model)):
        chosen = places if rows is None else rows[places]
        batch = to_batch(encoded, labels, chosen, predict.device_of(model))
        found = embedding_gradients(
            model, batch, objective, scale=run.row_scale(point), precision=precision
        )
        norms = position_norms(found)
        check_finite(found, norms, chosen, names, point.name)
        yield GradientBatch(chosen, batch, found, norms)
