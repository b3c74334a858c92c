"""Trainings done as anybody does them: by transformers' Trainer, or TRL's SFTTrainer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from tests.huggingface.architectures import SETTINGS
from tests.huggingface.chats import chat_model, chat_tokenizer

import wordtrace as wt
from benchmarks.adopt import material
from benchmarks.adopt.truth import Truth, Watcher

#: Nine steps an epoch.
SHORT: dict[str, Any] = {
    **SETTINGS,
    "num_train_epochs": 8,
    "learning_rate": 5e-3,
    "lr_scheduler_type": "cosine",
    "save_steps": 18,
    "logging_steps": 3,
    "seed": 7,
}
SMOOTHING = 0.2
#: The columns of a classifier's tasks: its label, its classes, transformers' name of the problem.
TASKS: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "classes": ("annotated_label", material.CLASSES, None),
    "pairs": ("annotated_label", material.CLASSES, None),
    "unnamed classes": ("annotated_label", material.GENERIC, None),
    "several labels": ("topics", material.CLASSES, "multi_label_classification"),
    "a number": ("score", ("score",), "regression"),
    "yes or no": ("sport", ("sport",), None),
}


@dataclass(frozen=True)
class Training:
    """A training to be done.

    Attributes
    ----------
    model
        Of :data:`.material.MODELS`, or a family of chat templates.
    task
        Of :data:`TASKS`, or the columns that a language model reads.
    by
        "Trainer" or "SFTTrainer".
    loss
        "focal", "BCE", "smoothing", "completion", "all" or "assistant"; None: the usual one.
    settings
        Of the Trainer's arguments, as pairs.
    """

    model: str
    task: str
    by: str = "Trainer"
    loss: str | None = None
    adapter: str | None = None
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def chats(self) -> bool:
        """Whether its rows are conversations."""
        return "messages" in self.task or self.task == "conversations"

    @property
    def name(self) -> str:
        """How it is called in the table."""
        by = self.by if self.task not in TASKS else None
        parts = (self.model, self.task, by, self.loss and f"loss: {self.loss}", self.adapter)
        more = [f"{name}={value}" for name, value in self.settings]
        return ", ".join([one for one in parts if one] + more)


@dataclass
class Trained:
    """A training that has ended.

    Attributes
    ----------
    output
        What the Trainer wrote.
    truth
        What it did.
    run
        What the callback made; None where it made none.
    said
        Its warnings, or its error.
    """

    output: Path
    truth: Truth
    run: wt.Run | None = None
    said: list[str] = field(default_factory=list)
    error: Exception | None = None


def train(one: Training, folder: Path, callback: bool = True, resume: bool = False) -> Trained:
    """Train, with our callback beside; where it raises, train again without it."""
    make = {"Trainer": _by_trainer, "SFTTrainer": _by_sft}
    watcher = Watcher()
    trace = wt.TraceCallback(folder / "live") if callback else None
    try:
        trainer = make[one.by](one, folder, [watcher, *([trace] if trace else [])])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trainer.train(resume_from_checkpoint=resume or None)
    except wt.WordtraceError as error:
        found = train(one, folder, callback=False)
        found.error = error
        return found
    said = [str(warning.message) for warning in caught if "recorded" in str(warning.message)]
    return Trained(folder / "out", Truth(trainer, watcher), trace and trace.run, said)


def _by_trainer(one: Training, folder: Path, callbacks: list[Any]) -> Any:
    import datasets
    import transformers

    given = dict(one.settings)
    length = given.pop("max_length", material.LENGTH)
    tokens = material.tokens_of(one.model, 38 if one.task in TASKS else length)
    if one.task in TASKS:
        _, classes, problem = TASKS[one.task]
        model = material.classifier(one.model, tokens, classes, problem)
    else:
        model = material.language_model(one.model, tokens)
    if one.adapter is not None:
        model = material.adapted(model, tokens, one.adapter, folder / "base")
    data = [_features(one, tokens, row, length) for row in material.rows()]
    kind = _with_loss(one.loss) if one.loss in _LOSSES else transformers.Trainer
    if one.loss == "smoothing":
        given["label_smoothing_factor"] = SMOOTHING
    return kind(
        model,
        transformers.TrainingArguments(str(folder / "out"), **{**SHORT, **given}),
        train_dataset=datasets.Dataset.from_list(data),
        processing_class=tokens,
        data_collator=_collator(one, tokens, model),
        callbacks=callbacks,
    )


def _features(one: Training, tokens: Any, row: dict[str, Any], length: int) -> dict[str, Any]:
    cut: dict[str, Any] = {"truncation": True, "max_length": length}
    if one.task == "text":
        return dict(tokens(row["text"], **cut))
    if one.task == "prompt + completion":
        answer = tokens(text_target=row["second"], **cut)["input_ids"]
        return {**tokens(row["first"], **cut), "labels": answer}
    column, classes, _ = TASKS[one.task]
    texts = (row["first"], row["second"]) if one.task == "pairs" else (row["text"],)
    found = dict(tokens(*texts, **cut))
    if not material.MODELS[one.model].types:
        found.pop("token_type_ids", None)
    labels: dict[str, Callable[[], Any]] = {
        "several labels": lambda: [float(name in row[column]) for name in classes],
        "a number": lambda: row[column],
        "yes or no": lambda: float(row[column]),
    }
    place = material.CLASSES.index(row["annotated_label"])
    return {**found, "labels": labels.get(one.task, lambda: place)()}


def _collator(one: Training, tokens: Any, model: Any) -> Any:
    import transformers

    if one.task == "text":
        return transformers.DataCollatorForLanguageModeling(tokens, mlm=False)
    if one.task == "prompt + completion":
        return transformers.DataCollatorForSeq2Seq(tokens, model)
    return transformers.DataCollatorWithPadding(tokens)


def _by_sft(one: Training, folder: Path, callbacks: list[Any]) -> Any:
    import datasets
    import trl

    given = dict(one.settings)
    if one.chats:
        tokens = chat_tokenizer(one.model)
        model = chat_model(len(tokens))
        length = material.CHAT_LENGTH
        if one.loss == "assistant":
            given["assistant_only_loss"] = True
    else:
        tokens = material.tokens_of(one.model, 512)
        model = material.language_model(one.model, tokens)
        length = 36
        if one.loss in ("all", "completion"):
            given["completion_only_loss"] = one.loss == "completion"
    if one.adapter is not None:
        model = material.adapted(model, tokens, one.adapter, folder / "base")
    given = {**SHORT, "max_length": length, "bf16": False, **given}
    return trl.SFTTrainer(
        model,
        trl.SFTConfig(str(folder / "out"), **given),
        train_dataset=datasets.Dataset.from_list(material.texts(one.task)),
        processing_class=tokens,
        callbacks=callbacks,
    )


def _with_loss(name: str) -> Any:
    """Return a Trainer with a loss of its user's."""
    import transformers

    class Own(transformers.Trainer):
        def compute_loss(self, model: Any, inputs: Any, **kept: Any) -> Any:
            labels = inputs.pop("labels")
            outputs = model(**inputs)
            loss = _LOSSES[name](outputs.logits, labels)
            return (loss, outputs) if kept.get("return_outputs") else loss

    return Own


def _focal(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    entropy = F.cross_entropy(logits, labels, reduction="none")
    return ((1 - (-entropy).exp()) ** 2 * entropy).mean()


def _binary(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(logits.squeeze(1), labels)


_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "focal": _focal,
    "BCE": _binary,
}
