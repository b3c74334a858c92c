"""The reading that was taken of a training, and the others that are tried where it does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.end_token import refuse_untrained_end
from wordtrace.adopt.examples import ordered_as_model
from wordtrace.adopt.readings import (
    FloatArray,
    Reading,
    classifier_reading,
    other_columns,
    other_losses,
    other_order,
    token_reading,
)
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.models import configs
from wordtrace.models.chat_tokenizer import BOTH, ChatTokenizer
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.plain_tokenizer import PlainTokenizer
from wordtrace.models.protocol import TextModel
from wordtrace.models.token_losses import Mask, counted

#: The tokens that a language model's loss may ask for, as messages name them.
_SCOPES = {
    "all": "the whole text",
    "completion": "the completion",
    "assistant": "the assistant's turns",
    BOTH: "the assistant's turns in the completion",
}
#: The data read with each other column as its labels, by the column's name.
OtherColumns = Callable[[], Mapping[str, Examples]]


@dataclass(frozen=True)
class Source:
    """What else the data file may mean.

    Attributes
    ----------
    labels
        What the labels that were taken are called in messages.
    columns
        Reads the other columns that may be labels.
    ordered
        Whether labels come in the model's order.
    """

    labels: str = "the labels"
    columns: OtherColumns = dict
    ordered: bool = False


@dataclass(frozen=True)
class Tried:
    """Readings of a sample of a training's rows."""

    output: TrainerOutput
    examples: Examples
    rows: npt.NDArray[np.int64]
    sample: Encoded
    choices: Choices
    source: Source

    def taken(self) -> Reading:
        """Return the reading that was taken."""
        if not configs.is_generator(self.output.config):
            outputs = self._model.outputs
            return classifier_reading(self._labelled, self.source.labels, outputs, self.output.loss)
        tokenizer = self.output.tokenizer
        asked = getattr(tokenizer, "loss", None) or next(iter(self.scopes()), "completion")
        return token_reading(_SCOPES[asked], "", self.sample, self._counted)

    def others(self, last: FloatArray) -> Iterator[Reading]:
        """Yield the other readings.

        Parameters
        ----------
        last
            What the last checkpoint says of the sample.
        """
        if configs.is_generator(self.output.config):
            return self._of_tokens()
        labelled, outputs, loss = self._labelled, self._model.outputs, self.output.loss
        return chain(
            other_columns(self._columns(), outputs, loss),
            other_order(labelled, outputs, loss, last),
            other_losses(labelled, loss),
        )

    def check_end(self, said: Sequence[FloatArray]) -> None:
        """Refuse an end token that the training did not have (InputError).

        Parameters
        ----------
        said
            What each checkpoint says of the sample.
        """
        tokenizer = self.output.tokenizer
        if (
            isinstance(tokenizer, CompletionTokenizer | PlainTokenizer)
            and tokenizer.end is not None
        ):
            refuse_untrained_end(
                self.output.folder, said, self.sample, self._counted, tokenizer.end
            )

    @property
    def _labelled(self) -> Examples:
        return self.examples.take(self.rows)

    @property
    def _model(self) -> TextModel:
        return self.output.model(self.output.saved[-1])

    @property
    def _counted(self) -> Mask:
        return counted(self._model, self.sample)

    def _columns(self) -> dict[str, Examples]:
        found = {}
        for name, examples in self.source.columns().items():
            try:
                ordered, _ = ordered_as_model(
                    self.output, examples, None, self.choices, self.source.ordered
                )
            except InputError:
                continue
            if len(ordered) == len(self.examples):
                found[name] = ordered.take(self.rows)
        return found

    def scopes(self) -> dict[str, Reading]:
        """Return for each loss that asks for other tokens of the same ids its reading.

        The default of the form of the data comes first.
        """
        tokenizer, sample = self.output.tokenizer, self.sample
        if not isinstance(tokenizer, CompletionTokenizer | PlainTokenizer | ChatTokenizer):
            return {}
        part, found = self.examples.take(self.rows), {}
        for name, encoded in tokenizer.scopes(part.texts, part.texts2).items():
            if np.array_equal(encoded.ids, sample.ids):
                mask = counted(self._model, encoded)
                said = f"say so by {option('loss', name)}"
                found[name] = token_reading(_SCOPES[name], said, sample, mask)
        return found

    def _of_tokens(self) -> Iterator[Reading]:
        tokenizer, sample = self.output.tokenizer, self.sample
        if not isinstance(tokenizer, CompletionTokenizer | PlainTokenizer | ChatTokenizer):
            return
        mask, taken = self._counted, self.taken().name
        yield from (one for one in self.scopes().values() if one.name != taken)
        if not isinstance(tokenizer, CompletionTokenizer):
            return
        ends = sample.offsets[1:] - 1
        ends = ends[sample.ids[ends] == tokenizer.end]
        if tokenizer.end is not None and len(ends):
            endless = mask.copy()
            endless[ends] = False
            no_end = f"say so by {option('end', False)}"
            yield token_reading("the same without the end token", no_end, sample, endless)
