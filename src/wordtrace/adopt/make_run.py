"""Making a run from a finished transformers training; nothing is trained again or unpickled."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import wordtrace
from wordtrace.adopt.checkpoints import chosen_of, final_of, measure, untrained_loss
from wordtrace.adopt.choices import Choices
from wordtrace.adopt.examples import ordered_as_model
from wordtrace.adopt.learning_rates import Rates, rates_used
from wordtrace.adopt.logged import logged_of
from wordtrace.adopt.notes import notes_of
from wordtrace.adopt.packing import check_packing
from wordtrace.adopt.proof import Training, prove, with_evaluation
from wordtrace.adopt.recomputed import Recomputed
from wordtrace.adopt.recorded_rows import RecordedRows, trained_on
from wordtrace.adopt.row_weights import mean_tokens
from wordtrace.adopt.run_files import OURS, write_files, write_replay
from wordtrace.adopt.scopes import not_told_apart, told_by_log
from wordtrace.adopt.token_count import count_tokens, token_notes, with_tokens
from wordtrace.adopt.trainer_output import TrainerOutput, check_fits, open_output
from wordtrace.adopt.tried import Source, Tried
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Kind
from wordtrace.data.origin import file_of
from wordtrace.disk import atomic, fingerprint
from wordtrace.models import configs
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.library import library
from wordtrace.models.loss import TrainingLoss
from wordtrace.models.plain_tokenizer import PlainTokenizer
from wordtrace.models.protocol import TextTokenizer
from wordtrace.models.seq2seq_tokenizer import Seq2SeqTokenizer
from wordtrace.models.weight_files import weight_files
from wordtrace.run.check import checksums, samples, sizes
from wordtrace.run.existing import find_same
from wordtrace.run.kept_tokens import TOKENS, write_tokens
from wordtrace.run.manifest import HELD_OUT, TRAIN, RunManifest, TrainingRows
from wordtrace.run.place import MANIFEST
from wordtrace.run.plan_words import WORDS, words_of
from wordtrace.run.pretrained_model import PretrainedModel
from wordtrace.run.run import Run

#: The checkpoints' losses are measured on this many training rows.
_SAMPLE = 500
_TASKS: dict[Kind, str] = {"class": "classification", "set": "multi-label", "number": "regression"}


def make_run(
    folder: str | Path,
    examples: Examples,
    out: str | Path,
    *,
    held_out: Examples | None = None,
    choices: Choices | None = None,
    source: Source | None = None,
    overwrite: bool = False,
    recorded: RecordedRows | None = None,
) -> Run:
    """Make a run in `out` from a Trainer's output folder.

    Weights are linked (copied where the file system can't), so the Trainer may clear its own
    folder; ``training_args.bin`` is never opened.

    Parameters
    ----------
    folder
        The Trainer's output.
    examples, held_out
        The data of the training, and other data to evaluate on.
    source
        What else the data may mean, to be tried where the loss that is recomputed does not fit the
        log.
    recorded
        What our callback saw of the training's rows: `examples` are then these.

    Raises
    ------
    InputError
        For an output without whole checkpoints, pickled weights, unknown rates, another tokenizer
        or labels than the model's, or a loss that is not the one that was logged.
    CorruptError
        For weights that don't fit the model, or that hold NaN.
    MismatchError
        When `out` holds another run.
    """
    choices, source, out = choices or Choices(), source or Source(), Path(out)
    output = open_output(Path(folder), choices)
    examples, held_out = ordered_as_model(output, examples, held_out, choices, source.ordered)
    rates = rates_used(output, choices)
    atomic.check_replaceable(out, MANIFEST, "run")
    plan = _plan(output, examples, held_out, choices)
    if recorded is not None:
        plan["tokens"] = recorded.fingerprint()
        plan[WORDS]["tokens"] = f"the {len(recorded.encoded.ids):,} that the Trainer had"
    there = None if overwrite else find_same(out, plan, examples, held_out)
    if there is not None:
        return there
    with atomic.exclusive(out) as part:
        atomic.refuse_foreign(part, OURS)
        atomic.empty(part)
        with atomic.worth_keeping(part, again=lambda: False):
            _make_in(part, output, examples, held_out, rates, choices, plan, source, recorded)
        atomic.commit_folder(out)
    return Run.open(out)


def _plan(
    output: TrainerOutput, examples: Examples, held_out: Examples | None, choices: Choices
) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if isinstance(output.tokenizer, Seq2SeqTokenizer):
        more["decoding"] = asdict(output.tokenizer.decoding)
    if output.loss != TrainingLoss():
        more["loss"] = output.loss.document()
    more |= {name: one for name, one in _prepared(output.tokenizer).items() if one}
    return {
        **more,
        "output": [
            [one.step, *(fingerprint.of_file(path) for path in weight_files(one.weights))]
            for one in output.saved
        ],
        "max_length": output.tokenizer.max_length,
        "learning_rate": choices.learning_rate,
        "checkpoints": choices.checkpoints
        if isinstance(choices.checkpoints, int)
        else sorted(set(choices.checkpoints)),
        "train": examples.fingerprint(),
        "held_out": None if held_out is None else held_out.fingerprint(),
        WORDS: words_of(examples, held_out),
    }


def _make_in(
    part: Path,
    output: TrainerOutput,
    examples: Examples,
    held_out: Examples | None,
    rates: Rates,
    choices: Choices,
    plan: dict[str, Any],
    source: Source,
    recorded: RecordedRows | None,
) -> None:
    """Make the run in the folder `part`; the manifest comes last."""
    made = output.tokenizer.encode(examples.texts, examples.texts2, "Tokenizing")
    encoded = made if recorded is None else trained_on(made, recorded.encoded, output)
    check_fits(output, encoded)
    if recorded is None and configs.is_generator(output.config):
        check_packing(output, encoded, choices.force)
    drawn = np.random.default_rng([0, 2**31]).permutation(len(examples))[:_SAMPLE]
    rows = np.sort(drawn)
    sample = encoded.take(rows)
    found = measure(output, sample, examples.labels[rows], rates)
    candidates = found.checkpoints
    tried = Tried(output, examples, rows, sample, choices, source)
    training = Training(
        Recomputed(output, sample, found.said),
        logged_of(output.saved, output.folder),
        examples.source,
        len(examples),
    )
    logged, taken = training.logged, tried.taken()
    if choices.counts is None and choices.preparation != "own" and recorded is None:
        told = told_by_log(training, taken, tried.scopes())
        if told is not None:
            choices = replace(choices, counts=told)
            output = open_output(output.folder, choices)
            output.notes.append("Which tokens the loss asks for was told by the logged loss.")
            _make_in(part, output, examples, held_out, rates, choices, plan, source, recorded)
            return
    proof = prove(training, taken, partial(tried.others, found.said[-1]), choices.force)
    if recorded is None and not choices.force:
        tried.check_end(found.said)
    counted = count_tokens(logged, encoded)
    proof = with_tokens(proof, counted, choices.force)
    alike = not_told_apart(training, taken, tried.scopes().values())
    final, dim, measured = final_of(output, candidates, held_out)
    if measured is not None and not configs.is_generator(output.config):
        proof = with_evaluation(proof, logged, final.step, measured.loss)
    chosen = chosen_of(candidates, choices, untrained_loss(examples))
    write_files(part, output, [*chosen, final], choices.copy)
    examples.write_parquet(part / TRAIN)
    if recorded is not None:
        write_replay(part, output.folder, logged, choices.copy)
    if encoded is not made:
        write_tokens(part / TOKENS, encoded)
    if held_out is not None:
        held_out.write_parquet(part / HELD_OUT)
    files = checksums(part)
    manifest = RunManifest(
        made_with={
            "wordtrace": wordtrace.__version__,
            "torch": torch.__version__,
            "transformers": library("transformers").__version__,
        },
        plan=plan,
        model=_described(output, examples.kind, dim, encoded),
        pretrained_embeddings=True,
        max_length=output.tokenizer.max_length,
        label_names=examples.label_names,
        has_pairs=examples.has_pairs,
        source=Path(examples.source).name,
        recipe=None,
        steps=final.step,
        checkpoints=tuple(chosen),
        final=final,
        history=tuple(candidates),
        notes=(
            *notes_of(
                *(output, examples, encoded, rates, chosen, found.right, found.frozen, recorded)
            ),
            *token_notes(counted),
            *alike,
        ),
        train=TrainingRows.of(examples, encoded),
        held_out=measured,
        files=files,
        sizes=sizes(part, files),
        samples=samples(part, files),
        proof=proof,
        read_from=file_of(examples.origin if recorded is None else recorded.origin),
        seconds=logged.seconds,
    )
    atomic.write_json(part / MANIFEST, manifest.document())


def _described(output: TrainerOutput, kind: Kind, dim: int, encoded: Encoded) -> PretrainedModel:
    tokenizer = output.tokenizer
    return PretrainedModel(
        architecture=(output.config.get("architectures") or [None])[0],
        dim=dim,
        token_types=tokenizer.types,
        end=tokenizer.end if isinstance(tokenizer, CompletionTokenizer | PlainTokenizer) else None,
        decoding=tokenizer.decoding if isinstance(tokenizer, Seq2SeqTokenizer) else None,
        loss=output.loss,
        task="generation" if configs.is_generator(output.config) else _TASKS[kind],
        label_kind=kind,
        tokens_a_row=mean_tokens(output.model(output.saved[-1]), encoded),
        **{"preparation": "own", **_prepared(tokenizer)},
    )


def _prepared(tokenizer: TextTokenizer) -> dict[str, Any]:
    """Return how a causal language model's texts become tokens, and which its loss asks for."""
    if isinstance(tokenizer, ChatTokenizer):
        return {"preparation": "chat", "counts": tokenizer.loss}
    if isinstance(tokenizer, PlainTokenizer):
        return {"preparation": "plain", "counts": tokenizer.loss}
    return {"counts": tokenizer.loss} if isinstance(tokenizer, CompletionTokenizer) else {}
