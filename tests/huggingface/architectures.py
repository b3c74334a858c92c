"""Small random models of many architectures, each with a tokenizer of its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from tests.conftest import make_examples

_ENCODER = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
}
_DECODER = {**_ENCODER, "num_key_value_heads": 2}


#: How the tests train: short, by the CPU, each second step kept.
SETTINGS: dict[str, Any] = {
    "num_train_epochs": 2,
    "per_device_train_batch_size": 8,
    "learning_rate": 3e-3,
    "save_strategy": "steps",
    "save_steps": 2,
    "logging_steps": 1,
    "report_to": [],
    "use_cpu": True,
    "disable_tqdm": True,
}


@dataclass(frozen=True)
class Architecture:
    """A model class by its name, a kind of tokenizer, and its configuration."""

    name: str
    tokens: str
    config: dict[str, Any]
    types: bool = False


ARCHITECTURES = (
    Architecture("Bert", "wordpiece", _ENCODER, types=True),
    Architecture("Roberta", "bytes-template", {**_ENCODER, "type_vocab_size": 1}),
    Architecture(
        "DistilBert", "wordpiece", {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24}
    ),
    Architecture("Albert", "wordpiece", {**_ENCODER, "embedding_size": 8}, types=True),
    Architecture("Electra", "wordpiece", {**_ENCODER, "embedding_size": 8}, types=True),
    Architecture(
        "DebertaV2",
        "unigram",
        {
            **_ENCODER,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "type_vocab_size": 0,
            "position_biased_input": False,
        },
    ),
    Architecture("ModernBert", "bytes-template", {**_ENCODER, "global_attn_every_n_layers": 2}),
    Architecture("XLMRoberta", "unigram", {**_ENCODER, "type_vocab_size": 1}),
    Architecture("MPNet", "wordpiece", _ENCODER),
    Architecture("GPT2", "bytes", {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40}),
    Architecture("Llama", "bytes-start", _DECODER),
    Architecture("Qwen2", "bytes", _DECODER),
)


def tokenizer(kind: str, size: int = 160) -> Any:
    """Train a tokenizer of a kind on the toy texts, as transformers wraps it."""
    from transformers import PreTrainedTokenizerFast

    document, (pad, unknown, start, end, mask) = _trained(kind, size)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer.from_str(document),
        pad_token=pad,
        unk_token=unknown,
        cls_token=start,
        sep_token=end,
        mask_token=mask,
        model_max_length=38,
    )


@cache
def _trained(kind: str, size: int) -> tuple[str, list[str]]:
    """Train once a process: two trainings of WordPiece differ."""
    texts = make_examples().texts
    special = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]
    if kind == "wordpiece":
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    _, unknown, start, end, _ = special
    make: dict[str, Callable[[], tuple[Any, Any]]] = {
        "wordpiece": lambda: (
            models.WordPiece(unk_token=unknown),
            trainers.WordPieceTrainer(vocab_size=size, special_tokens=special),
        ),
        "unigram": lambda: (
            models.Unigram(),
            trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token=unknown),
        ),
    }
    model, trainer = make.get(
        kind,
        lambda: (
            models.BPE(),
            trainers.BpeTrainer(
                vocab_size=380,
                special_tokens=special,
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            ),
        ),
    )()
    inner = tokenizers.Tokenizer(model)
    if kind == "wordpiece":
        inner.normalizer = normalizers.BertNormalizer()
        inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        inner.decoder = decoders.WordPiece()
    elif kind == "unigram":
        inner.pre_tokenizer = pre_tokenizers.Metaspace()
        inner.decoder = decoders.Metaspace()
    else:
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(texts, trainer)
    ids = [(one, inner.token_to_id(one)) for one in (start, end)]
    templates = {
        "wordpiece": (f"{start} $A {end}", f"{start} $A {end} $B:1 {end}:1"),
        "unigram": (f"{start} $A {end}", f"{start} $A {end} $B:1 {end}:1"),
        "bytes-template": (f"{start} $A {end}", f"{start} $A {end} {end} $B {end}"),
        "bytes-start": (f"{start} $A", f"{start} $A {start} $B"),
    }
    if kind in templates:
        single, pair = templates[kind]
        inner.post_processor = processors.TemplateProcessing(
            single=single, pair=pair, special_tokens=ids
        )
    return inner.to_str(), special


def model_of(one: Architecture, tokens: Any, classes: tuple[str, ...]) -> Any:
    """Build a random model whose gradients are not small."""
    import torch
    import transformers

    config = getattr(transformers, f"{one.name}Config")(
        vocab_size=len(tokens),
        pad_token_id=tokens.pad_token_id,
        id2label=dict(enumerate(classes)),
        label2id={name: place for place, name in enumerate(classes)},
        **one.config,
    )
    torch.manual_seed(3)
    model = getattr(transformers, f"{one.name}ForSequenceClassification")(config)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.25)
        elif "norm" not in name.lower():
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def fine_tune(
    one: Architecture,
    folder: Path,
    examples: Any,
    *,
    callbacks: Any = None,
    model: Any = None,
    resume: str | None = None,
    optimizers: Any = (None, None),
    tokens: Any = None,
    **arguments: Any,
) -> Any:
    """Fine-tune as anybody does, without wordtrace; return the Trainer."""
    import datasets
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    tokens = tokens or tokenizer(one.tokens)
    columns = {"text": examples.texts, "label": examples.labels.tolist()}
    if examples.texts2 is not None:
        columns["text2"] = examples.texts2
    names = [name for name in ("text", "text2") if name in columns]
    data = datasets.Dataset.from_dict(columns).map(
        lambda rows: tokens(*(rows[name] for name in names), truncation=True, max_length=24),
        batched=True,
    )
    if not one.types and "token_type_ids" in data.column_names:
        data = data.remove_columns("token_type_ids")
    trainer = Trainer(
        model or model_of(one, tokens, examples.label_names),
        TrainingArguments(str(folder), **{**SETTINGS, "seed": 7, **arguments}),
        train_dataset=data,
        processing_class=tokens,
        data_collator=DataCollatorWithPadding(tokens),
        callbacks=callbacks,
        optimizers=optimizers,
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def with_adapter(model: Any, tokens: Any, folder: Path, kind: Any, **choices: Any) -> Any:
    """Save a model as the base of a LoRA adapter, and return the two together."""
    peft = pytest.importorskip("peft")
    for one in (model, tokens):
        one.save_pretrained(folder)
    return peft.get_peft_model(kind.from_pretrained(folder), peft.LoraConfig(**choices))
