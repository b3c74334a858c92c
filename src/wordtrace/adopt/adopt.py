"""A finished transformers training adopted as a run: nothing is trained again or unpickled."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import wordtrace
from wordtrace.adopt import labels as names
from wordtrace.adopt.checkpoints import chosen_of, final_of, measure, untrained_loss
from wordtrace.adopt.files import OURS, write_files
from wordtrace.adopt.notes import notes_of
from wordtrace.adopt.source import (
    Choices,
    Source,
    check_fits,
    class_count,
    open_source,
    predicted_by,
    rates_used,
)
from wordtrace.adopt.trainer_output import Rates
from wordtrace.data.examples import Examples
from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import DataError, InputError, option
from wordtrace.models import pretrained
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.library import library
from wordtrace.models.loss import TrainingLoss
from wordtrace.models.seq2seq import Seq2SeqTokenizer
from wordtrace.models.weight_files import weight_files
from wordtrace.run.run import FORMAT, HELD_OUT, MANIFEST, TRAIN, VERSION, Run

#: The one label of a language model's examples.
COMPLETION = "completion"
_SAMPLE = 500


def record(
    output: str | Path,
    examples: Examples,
    out: str | Path,
    *,
    held_out: Examples | None = None,
    choices: Choices | None = None,
    ordered: bool = False,
    overwrite: bool = False,
) -> Run:
    """Adopt a Trainer's output folder as a run in the folder `out`.

    Weights are linked (copied where the file system can't), so the Trainer may clear its own
    folder; ``training_args.bin`` is never opened.

    Parameters
    ----------
    examples, held_out
        The data of the training, and other data to evaluate on.
    ordered
        Whether the data's labels come in the order of the model's classes.

    Raises
    ------
    InputError
        For an output without whole checkpoints, pickled weights, unknown rates, another tokenizer
        or labels than the model's.
    CorruptError
        For weights that don't fit the model, or that hold NaN.
    MismatchError
        When `out` holds another run.
    """
    choices, folder = choices or Choices(), Path(out)
    source = open_source(Path(output), choices)
    examples = _labelled(source, examples, choices, ordered)
    if held_out is not None:
        held_out = _labelled(source, held_out, choices, ordered)
        if held_out.has_pairs != examples.has_pairs:
            raise DataError(
                f"{held_out.source}: give two text columns in both files or in neither."
            )
    for data in (examples, held_out):
        if data is not None and not (given := data.labelling.given(data.labels)).all():
            bare = data.ids[int((~given).argmax())]
            raise DataError(f"{data.source}: the example {bare!r} has no label; label it.")
    rates = rates_used(source, choices)
    atomic.check_replaceable(folder, MANIFEST, "run")
    plan = _plan(source, examples, held_out, choices)
    if (folder / MANIFEST).exists() and not overwrite:
        fingerprint.require_same(
            atomic.read_json(folder / MANIFEST)["plan"],
            plan,
            str(folder),
            f"choose another {option('out')}, or add {option('overwrite', True)} to replace it",
        )
        return Run.open(folder)
    with atomic.exclusive(folder) as part:
        atomic.refuse_foreign(part, OURS)
        atomic.empty(part)
        _adopt(part, source, examples, held_out, rates, choices, plan)
        atomic.commit_folder(folder)
    return Run.open(folder)


_TASKS = {"class": "classification", "set": "multi-label", "number": "regression"}


def _labelled(source: Source, examples: Examples, choices: Choices, ordered: bool) -> Examples:
    """Bring labels into the order of the classes; a language model has the one, `completion`."""
    if pretrained.is_generator(source.document):
        if isinstance(source.tokenizer, Seq2SeqTokenizer) and not examples.has_pairs:
            raise InputError(
                f"{examples.source}: a sequence-to-sequence model takes a prompt and a completion; "
                f"give the completion's column by {option('text2')}."
            )
        nothing = np.zeros(len(examples), np.int64)
        return Examples.of(
            examples.table["text"],
            nothing,
            (COMPLETION,),
            ids=examples.ids,
            texts2=examples.table["text2"] if examples.has_pairs else None,
            source=examples.source,
        )
    classes = names.class_names(source.document, class_count(source))
    kind = pretrained.kind_of(source.document)
    if examples.kind != kind:
        raise InputError(
            f"{source.output} was trained on labels of the kind {kind!r}, {examples.source} was "
            f"read as {examples.kind!r}; read it with kind={kind!r}."
        )
    return names.match(
        examples, classes, choices.label_names, partial(predicted_by, source), ordered
    )


def _plan(
    source: Source, examples: Examples, held_out: Examples | None, choices: Choices
) -> dict[str, Any]:
    decoded = source.tokenizer
    more: dict[str, Any] = {}
    if isinstance(decoded, Seq2SeqTokenizer):
        more["decoding"] = asdict(decoded.decoding)
    if source.loss != TrainingLoss():
        more["loss"] = source.loss.document()
    return {
        **more,
        "output": [
            [one.step, *(fingerprint.of_file(path) for path in weight_files(one.folder))]
            for one in source.saved
        ],
        "max_length": source.tokenizer.max_length,
        "learning_rate": choices.learning_rate,
        "checkpoints": choices.checkpoints
        if isinstance(choices.checkpoints, int)
        else sorted(set(choices.checkpoints)),
        "train": examples.fingerprint(),
        "held_out": None if held_out is None else held_out.fingerprint(),
    }


def _adopt(
    part: Path,
    source: Source,
    examples: Examples,
    held_out: Examples | None,
    rates: Rates,
    choices: Choices,
    plan: dict[str, Any],
) -> None:
    encoded = source.tokenizer.encode(examples.texts, examples.texts2, "Tokenizing")
    check_fits(source, encoded)
    drawn = np.random.default_rng([0, 2**31]).permutation(len(examples))[:_SAMPLE]
    candidates, right, frozen = measure(source, encoded, examples.labels, np.sort(drawn), rates)
    final, dim, measured = final_of(source, candidates, held_out)
    chosen = chosen_of(candidates, choices, untrained_loss(examples))
    write_files(part, source, [*chosen, final], choices.copy)
    examples.write_parquet(part / TRAIN)
    if held_out is not None:
        held_out.write_parquet(part / HELD_OUT)
    tokenizer = source.tokenizer
    generates = pretrained.is_generator(source.document)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "made_with": {
            "wordtrace": wordtrace.__version__,
            "torch": torch.__version__,
            "transformers": library("transformers").__version__,
        },
        "plan": plan,
        "model": {
            "kind": "transformers",
            "architecture": (source.document.get("architectures") or [None])[0],
            "dim": dim,
            "token_types": source.tokenizer.types,
            "end": tokenizer.end if isinstance(tokenizer, CompletionTokenizer) else None,
            "decoding": asdict(tokenizer.decoding)
            if isinstance(tokenizer, Seq2SeqTokenizer)
            else None,
            "loss": source.loss.document(),
            "task": "generation" if generates else _TASKS[examples.kind],
            "label_kind": examples.kind,
        },
        "pretrained_embeddings": True,
        "max_length": source.tokenizer.max_length,
        "label_names": list(examples.label_names),
        "has_pairs": examples.has_pairs,
        "source": Path(examples.source).name,
        "recipe": None,
        "steps": final.step,
        "checkpoints": [one.document() for one in chosen],
        "final": final.document(),
        "history": [one.document() for one in candidates],
        "notes": notes_of(source, examples, rates, chosen, right, frozen),
        "train": {
            "rows": len(examples),
            "fingerprint": plan["train"],
            "truncated": encoded.truncated,
            "contradictions": len(examples.contradictions()),
        },
        "held_out": measured,
    }
    manifest["files"] = {
        path.relative_to(part).as_posix(): fingerprint.of_file(path)
        for path in sorted(path for path in part.rglob("*") if path.is_file())
        if not path.name.startswith(".")
    }
    atomic.write_json(part / MANIFEST, manifest)
