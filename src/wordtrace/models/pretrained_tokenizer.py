"""The tokenizer that lies beside a pretrained model, as the Rust library reads it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import tokenizers

from wordtrace.errors import InputError, option
from wordtrace.models.chat_template import ChatTemplate
from wordtrace.models.configs import is_generator
from wordtrace.models.library import library
from wordtrace.models.tokenizer import FILE, Tokenizer

#: The most tokens of a text where nothing says otherwise.
USUAL_LENGTH = 512
# SFTConfig.max_length, where nobody says otherwise.
_TRL = 1024
#: Language models that learn a vector for each place, and fail at a place beyond the last.
_LEARNED = ("biogpt", "gpt2", "gpt_bigcode", "gpt_neo", "openai-gpt", "opt")
_FILES = (FILE, "tokenizer_config.json", "vocab.txt", "vocab.json", "tokenizer.model", "spm.model")


@dataclass(frozen=True)
class Found:
    """A folder's tokenizer.

    Attributes
    ----------
    notes
        What was taken for granted.
    end, pad
        The tokens that end a text and that pad it.
    target
        The ``tokenizer.json`` by which it writes completions, where that is another one.
    folder
        Where it lies.
    template
        Its chat template, where it was asked for and it has one.
    """

    tokenizer: Tokenizer
    notes: list[str]
    end: int | None
    pad: int | None
    target: str | None
    folder: Path
    template: ChatTemplate | None = None


def find(
    places: Sequence[Path],
    config: Mapping[str, Any],
    max_length: int | None,
    preparation: str = "own",
) -> Found:
    """Return the first folder's tokenizer.

    Parameters
    ----------
    preparation
        How the training made tokens of its texts, see :class:`.run.pretrained_model`: TRL cuts them
        at 1024 tokens if it is not told otherwise, whatever the tokenizer takes.

    Raises
    ------
    InputError
        When no folder holds one, or the length is more than the model takes.
    """
    folder = next((one for one in places if any((one / name).is_file() for name in _FILES)), None)
    if folder is None:
        raise InputError(
            f"{places[0]} holds no tokenizer ({FILE}); give its folder by {option('tokenizer')}, "
            "or save it beside the weights: Trainer(processing_class=tokenizer)."
        )
    transformers = library("transformers")
    try:
        outer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, use_fast=True
        )
        document = outer.backend_tokenizer.to_str()
    except (OSError, ValueError, AttributeError, ImportError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        raise InputError(
            f"the tokenizer in {folder} can't be read as a fast one: {reason}"
        ) from None
    limit = limit_of(config, outer)
    notes = []
    inner = tokenizers.Tokenizer.from_str(document)
    cut: dict[str, Any] = inner.truncation or {}
    if preparation != "own":
        # TRL does not ask what the tokenizer takes; a model that learned places has no others.
        limit = _positions(config) if config.get("model_type") in _LEARNED else sys.maxsize
        if max_length is None:
            max_length = min(_TRL, limit)
            why = "as TRL does by default" if limit >= _TRL else "the most that the model takes"
            notes.append(
                f"Texts are cut at {max_length} tokens, {why}; if the training cut them elsewhere, "
                "give the maximum length."
            )
    elif max_length is None:
        max_length = min(int(cut.get("max_length", USUAL_LENGTH)), limit)
        if not cut:
            notes.append(
                f"Texts are cut at {max_length} tokens; if the training cut them elsewhere, "
                "give the maximum length."
            )
    if max_length > limit:
        raise InputError(
            f"{option('max_length')} is {max_length}; the model takes {limit} tokens at most."
        )
    if getattr(outer, "split_special_tokens", False):
        notes.append(
            "The tokenizer splits special tokens that stand in a text (split_special_tokens); here "
            "they are taken whole."
        )
    # TRL does not cut by the tokenizer.
    if preparation == "own":
        _cut_as_trained(inner, outer, folder, max_length, is_generator(config))
    tokenizer = Tokenizer(
        inner,
        max_length,
        types="token_type_ids" in outer.model_input_names
        and int(config.get("type_vocab_size", 0)) > 1,
        literal=False,
    )
    template = None
    if preparation == "chat":
        day = date.fromtimestamp(folder.stat().st_mtime)
        template = ChatTemplate.of(outer, day)
        if template is not None and "date_string" in template.special_tokens:
            notes.append(
                f"The chat template writes the day; taken is {day}, when the tokenizer was saved."
            )
    pad = outer.pad_token_id
    return Found(
        *(tokenizer, notes, outer.eos_token_id, pad, _target(outer, document)), folder, template
    )


def _cut_as_trained(
    inner: tokenizers.Tokenizer, outer: Any, folder: Path, max_length: int, generates: bool
) -> None:
    """Let a tokenizer cut what it cut in the training, at the side at which it did (InputError)."""
    cut: dict[str, Any] = inner.truncation or {}
    strategy, side = cut.get("strategy"), cut.get("direction", outer.truncation_side)
    if generates:
        strategy = None  # a prompt and its completion are no pair to the tokenizer
        if side != "right":
            raise InputError(
                f"the tokenizer in {folder} cuts texts at their left, which is known for "
                "classifiers alone."
            )
    inner.enable_truncation(max_length, strategy=strategy or "longest_first", direction=side)


def open_target(document: str, max_length: int) -> Tokenizer:
    """Return a tokenizer of completions."""
    inner = tokenizers.Tokenizer.from_str(document)
    inner.no_truncation()
    return Tokenizer(inner, max_length, literal=False)


def _target(outer: Any, document: str) -> str | None:
    """Return how completions are tokenized, where translation makes it another way."""
    switch = getattr(outer, "_switch_to_target_mode", None)
    if switch is None:
        return None
    switch()
    found: str = outer.backend_tokenizer.to_str()
    return None if found == document else found


def limit_of(config: Mapping[str, Any], outer: Any) -> int:
    """Return how many tokens the model takes."""
    return max(min(int(outer.model_max_length), _positions(config)), 1)


def _positions(config: Mapping[str, Any]) -> int:
    """Return how many places of tokens the model's configuration tells; a huge number for none."""
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if not isinstance(positions, int) or positions <= 0:
        return sys.maxsize
    # RoBERTa counts positions from its padding's id + 1.
    offset = config.get("model_type") in ("roberta", "xlm-roberta", "camembert")
    return positions - (int(config.get("pad_token_id") or 0) + 1) * offset
