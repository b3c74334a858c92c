"""The matrix: trainings, what is adopted of each, and what is the right answer to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.adopt import material
from benchmarks.adopt.trainings import SMOOTHING, TASKS, Training

Expected = Literal["right", "refused"]
_DECODERS = ("GPT2", "Llama", "Qwen2", "Qwen3", "Gemma")
_ENCODERS = ("Bert", "Roberta", "DistilBert", "DebertaV2", "ModernBert")
_BERT = Training("Bert", "classes")
_CHATS = ("qwen2_5", "qwen3", "llama3", "gemma", "chatml")
_PACKED = (("packing", True),)
#: Long enough for the two losses to be further apart than dropout makes them.
_LONG = (("num_train_epochs", 20),)
_ACCUMULATED = (("per_device_train_batch_size", 4), ("gradient_accumulation_steps", 2))


@dataclass(frozen=True)
class Situation:
    """Something to be adopted.

    Attributes
    ----------
    group
        Its row in the table.
    reading
        "record", "callback", or what is not as usual: of the folder, or of what is said to record.
    choices
        What is said to record beside the data.
    data
        A task of :func:`.material.texts`, whose columns its file holds; None: all that there are.
    folder
        Of :data:`.folders.FOLDERS`.
    other
        The file is another one of the same form.
    says
        What the refusal must name.
    """

    group: str
    training: Training
    reading: str
    expected: Expected = "right"
    choices: dict[str, Any] = field(default_factory=dict)
    data: str | None = None
    folder: str | None = None
    other: bool = False
    says: str = ""

    @property
    def name(self) -> str:
        """What it is called in the list of all."""
        return f"{self.training.name}: {self.reading}"


def told(one: Training) -> dict[str, Any]:
    """Return what a user says to record of a training that is read right."""
    if one.task in TASKS:
        column, _, _ = TASKS[one.task]
        found: dict[str, Any] = {"label": column, "max_length": material.LENGTH}
        if one.task == "pairs":
            found |= {"text": "first", "text2": "second"}
        if one.task == "unnamed classes" or (one.adapter and one.task == "classes"):
            found["label_names"] = material.CLASSES
        if one.task == "several labels" and one.adapter:
            found["label_names"] = material.CLASSES
        return found | ({"label_smoothing": SMOOTHING} if one.loss == "smoothing" else {})
    if one.by == "Trainer" and one.task == "text":
        return {"max_length": dict(one.settings).get("max_length", material.LENGTH), "end": False}
    if one.by == "Trainer":
        return {"text": "first", "text2": "second", "max_length": material.LENGTH}
    length = material.CHAT_LENGTH if one.chats else 36
    return {"max_length": length} | ({"loss": one.loss} if one.loss else {})


def data(one: Training) -> str | None:
    """Return which texts the file of a language model's training holds."""
    if one.task in TASKS:
        return None
    return "first + second" if one.by == "Trainer" and one.task != "text" else one.task


def both(group: str, one: Training, **given: Any) -> Iterator[Situation]:
    """Yield the two ways of adoption."""
    yield Situation(group, one, "record", choices=told(one), data=data(one), **given)
    yield Situation(group, one, "callback", **given)


def changed(group: str, one: Training, reading: str, **given: Any) -> Situation:
    """Return what is adopted by record, with something that is not as usual."""
    choices = {**told(one), **given.pop("choices", {})}
    return Situation(group, one, reading, **{"choices": choices, "data": data(one), **given})


def situations() -> list[Situation]:
    """Return all of them, those of one training together."""
    found = [*_classifiers(), *_language_models(), *_adapters(), *_folders(), *_misreadings()]
    order = {one: place for place, one in enumerate(dict.fromkeys(one.training for one in found))}
    return sorted(found, key=lambda one: order[one.training])


def _classifiers() -> Iterator[Situation]:
    for name in (*_ENCODERS, *_DECODERS):
        yield from both("classes", Training(name, "classes"))
    for name, task in (
        *(("Bert", "pairs"), ("Roberta", "pairs"), ("Llama", "pairs")),
        *(("Bert", "several labels"), ("GPT2", "several labels")),
        *(("DistilBert", "a number"), ("Qwen2", "a number")),
    ):
        yield from both(task, Training(name, task))
    yield from both("classes without names", Training("Bert", "unnamed classes"))
    yield from both(
        "label smoothing", Training("Bert", "classes", loss="smoothing", settings=_LONG)
    )
    logit = Training("Bert", "yes or no", loss="BCE")
    yield changed("one logit, BCE", logit, 'kind="set"', choices={"kind": "set"})


def _language_models() -> Iterator[Situation]:
    for name in _DECODERS:
        yield from both("text, Trainer", Training(name, "text"))
    for name in material.SEQ2SEQ:
        yield from both("seq2seq", Training(name, "prompt + completion"))
    for name in ("Llama", "Qwen3"):
        yield from both("text, SFTTrainer", Training(name, "text", "SFTTrainer"))
    for name, loss in (("GPT2", "completion"), ("Llama", "completion"), ("Gemma", "all")):
        one = Training(name, "prompt + completion", "SFTTrainer", loss)
        yield from both(f"prompt + completion, {loss}", one)
    for family in _CHATS:
        yield from both("messages, all", Training(family, "messages", "SFTTrainer", "all"))
    for family in ("qwen3", "llama3"):
        one = Training(family, "messages", "SFTTrainer", "assistant")
        yield from both("messages, assistant", one)
    yield from both("conversations", Training("qwen2_5", "conversations", "SFTTrainer"))
    yield from both(
        material.MESSAGE_PAIRS,
        Training("llama3", material.MESSAGE_PAIRS, "SFTTrainer", "completion"),
    )
    for name, by, task in (("Bert", "Trainer", "classes"), ("Llama", "SFTTrainer", "text")):
        yield from both("accumulated batches", Training(name, task, by, settings=_ACCUMULATED))
    for one in (
        Training("Llama", "text", "SFTTrainer", settings=_PACKED),
        Training("Llama", "prompt + completion", "SFTTrainer", "completion", settings=_PACKED),
        Training("qwen2_5", "messages", "SFTTrainer", "assistant", "LoRA", _PACKED),
    ):
        yield from both("packing, bfd", one)
    wrapped = (*_PACKED, ("packing_strategy", "wrapped"))
    one = Training("Llama", "text", "SFTTrainer", settings=wrapped)
    yield from both("packing, wrapped", one, expected="refused", says="wrapped")


def _adapters() -> Iterator[Situation]:
    for kind in ("LoRA", "LoRA, table saved", "LoRA, some tokens", "DoRA", "IA3"):
        classes = Training("Bert", "classes", adapter=kind)
        yield from both(kind, classes)
        tuned = Training("Llama", "prompt + completion", "SFTTrainer", "completion", kind)
        yield from both(kind, tuned)
    added = Training("Qwen2", "prompt + completion", "SFTTrainer", None, "LoRA, added tokens")
    yield from both("LoRA, added tokens", added)
    for one in (
        Training("Bert", "classes", adapter="prompt tuning"),
        Training("Llama", "text", adapter="prompt tuning"),
    ):
        yield from both("prompt tuning", one, expected="refused", says="PROMPT_TUNING")


def _folders() -> Iterator[Situation]:
    lora = Training("Bert", "classes", adapter="LoRA")
    for name in (
        *("configuration names 4.40", "written by 4.40", "sparse log", "no scheduler.pt"),
        *("weights alone", "no log", "sharded weights", "half-written checkpoint"),
    ):
        yield changed("folder", _BERT, name, folder=name)
    for name in ("configuration names 4.40", "written by 4.40", "sparse log"):
        yield changed("folder, LoRA", lora, name, folder=name)
    for name, says in (
        ("no log, no scheduler.pt", "learning_rate"),
        ("FSDP", "FSDP"),
        ("DeepSpeed", "zero_to_fp32"),
        ("pickled weights", "pickle"),
        ("cut weights", "can't be read"),
        ("two trainings", "another training"),
    ):
        yield changed("folder", _BERT, name, folder=name, expected="refused", says=says)


def _misreadings() -> Iterator[Situation]:
    def wrong(one: Training, reading: str, says: str, **given: Any) -> Situation:
        return changed("misreading", one, reading, expected="refused", says=says, **given)

    unnamed = Training("Bert", "unnamed classes")
    yield wrong(_BERT, "wrong label column", "annotated_label", choices={"label": "label"})
    yield wrong(_BERT, "another file", "file", other=True)
    yield wrong(_BERT, "cut at another length", "fit", choices={"max_length": 6})
    order = ("sport", "film", "money")
    yield wrong(unnamed, "another order of labels", "film", choices={"label_names": order})
    smooth = Training("Bert", "classes", loss="smoothing", settings=_LONG)
    yield wrong(smooth, "smoothing not said", "smoothing", choices={"label_smoothing": 0.0})
    focal = Training("Bert", "classes", loss="focal")
    yield from both("misreading", focal, expected="refused", says="[Ff]ocal")
    logit = Training("Bert", "yes or no", loss="BCE")
    yield from both("misreading", logit, expected="refused", says="kind='set'")
    ended = Training("Llama", "text")
    yield wrong(ended, "an end token that was not there", "end", choices={"end": True})
    whole = Training("Gemma", "prompt + completion", "SFTTrainer", "all")
    yield wrong(whole, "the completion alone", "all", choices={"loss": "completion"})
    part = Training("Llama", "prompt + completion", "SFTTrainer", "completion")
    yield wrong(part, "all that was the completion", "completion", choices={"loss": "all"})
    yield wrong(part, "another file", "file", other=True)
    talk = Training("llama3", "messages", "SFTTrainer", "assistant")
    yield wrong(talk, "all that was the assistant", "assistant", choices={"loss": "all"})
    every = Training("llama3", "messages", "SFTTrainer", "all")
    yield wrong(every, "the assistant that was all", "all", choices={"loss": "assistant"})
