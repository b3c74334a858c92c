"""Token ids are those that the training's own tokenizer gave, however it cuts, adds and pads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune, model_of, tokenizer
from wordtrace.errors import DataError, InputError
from wordtrace.models import pretrained_tokenizer
from wordtrace.models.huggingface import HuggingFaceClassifier
from wordtrace.models.protocol import to_batch
from wordtrace.models.tokenizer import Tokenizer

pytest.importorskip("transformers")

KINDS = ("wordpiece", "unigram", "bytes-template", "bytes", "bytes-start")
SHORT = "a goal"
LONG = "the striker of the market and the coach of the club and growth in the film market"
CONFIG = {"model_type": "bert", "max_position_embeddings": 40, "type_vocab_size": 2}
GPT2 = next(one for one in ARCHITECTURES if one.name == "GPT2")


def found(outer: Any, folder: Path, **config: Any) -> Tokenizer:
    """What wordtrace finds in a folder to which a tokenizer was saved after its last call."""
    outer.save_pretrained(folder)
    return pretrained_tokenizer.find([folder], {**CONFIG, **config}, None).tokenizer


def ids_of(tokens: Tokenizer, *texts: str) -> list[int]:
    ids: list[int] = tokens.encode(*([text] for text in texts))[0].tolist()
    return ids


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("strategy", ["longest_first", "only_first", "only_second"])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_cut_as_the_trainings_tokenizer_cuts_them(
    kind: str, strategy: str, side: str, tmp_path: Path
) -> None:
    outer = tokenizer(kind)
    outer.truncation_side = side
    pairs = {"only_first": [(LONG, SHORT)], "only_second": [(SHORT, LONG)]}.get(
        strategy, [(LONG, SHORT), (SHORT, LONG), (LONG, LONG)]
    )
    singles = [SHORT] if strategy == "only_second" else [SHORT, LONG]
    expected = {
        texts: outer(*texts, truncation=strategy, max_length=14)["input_ids"]
        for texts in [*pairs, *((text,) for text in singles)]
    }
    tokens = found(outer, tmp_path)
    assert tokens.max_length == 14
    tokens.save(tmp_path / "saved.json")
    again = Tokenizer.open(tmp_path / "saved.json", 14, literal=False)
    for texts, ids in expected.items():
        assert ids_of(tokens, *texts) == ids_of(again, *texts) == ids
        (positions,) = tokens.positions(*([text] for text in texts))
        assert [one.token for one in positions] == ids
        for one in positions:
            if one.span is not None:
                name, start, end = one.span
                assert 0 <= start < end <= len(texts[name == "text2"])


def test_token_types_of_a_pair_that_is_cut_at_its_left(tmp_path: Path) -> None:
    outer = tokenizer("wordpiece")
    outer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    outer.init_kwargs["model_input_names"] = outer.model_input_names  # so that it is saved
    outer.truncation_side = "left"
    given = outer(LONG, SHORT, truncation="only_first", max_length=14)
    encoded = found(outer, tmp_path).encode([LONG], [SHORT])
    assert encoded[0].tolist() == given["input_ids"]
    rows = np.array([0])
    types = encoded.types(rows, encoded.padded(rows)[1])
    assert types is not None
    assert types[0].tolist() == given["token_type_ids"]
    assert set(given["token_type_ids"]) == {0, 1}


def test_what_the_trainings_tokenizer_could_not_cut_is_refused(tmp_path: Path) -> None:
    outer = tokenizer("wordpiece")
    outer(SHORT, LONG, truncation="only_second", max_length=14)
    tokens = found(outer, tmp_path)
    message = r"begins 'the striker of .* cuts the second text of a pair alone, .* larger maximum"
    for texts in ((LONG, SHORT), (LONG,)):
        with pytest.raises(DataError, match=message):
            ids_of(tokens, *texts)


def test_added_tokens_are_tokens_in_a_text_too(tmp_path: Path) -> None:
    outer = tokenizer("bytes-template")
    outer.add_tokens(["striker of"])
    outer.add_special_tokens({"additional_special_tokens": ["<team>"]})
    text = "the striker of <team> the market"
    expected = outer(text, truncation=True, max_length=14)["input_ids"]
    tokens = found(outer, tmp_path)
    assert ids_of(tokens, text) == expected
    assert {len(outer) - 1, len(outer) - 2} <= set(expected)
    assert tokens.size == len(outer)
    (positions,) = tokens.positions([text])
    spans = [text[one.span[1] : one.span[2]] for one in positions if one.span]
    assert "striker of" in spans
    assert "<team>" in spans


def test_special_tokens_that_were_split_in_the_training_are_noted(tmp_path: Path) -> None:
    outer = tokenizer("bytes")
    outer.save_pretrained(tmp_path)
    settings = tmp_path / "tokenizer_config.json"
    document = {**json.loads(settings.read_text()), "split_special_tokens": True}
    settings.write_text(json.dumps(document))
    notes = pretrained_tokenizer.find([tmp_path], CONFIG, 14).notes
    assert "special tokens that stand in a text (split_special_tokens)" in " ".join(notes)


def test_a_language_models_tokenizer_that_cuts_at_the_left_is_refused(tmp_path: Path) -> None:
    outer = tokenizer("bytes")
    outer.truncation_side = "left"
    outer(LONG, truncation=True, max_length=14)
    with pytest.raises(InputError, match=r"cuts texts at their left, .* classifiers alone"):
        found(outer, tmp_path, architectures=["GPT2LMHeadModel"])


def ending(kind: str) -> Any:
    """A decoder's tokenizer that ends each text by a token which is its padding, too."""
    outer = tokenizer(kind)
    outer.pad_token = outer.eos_token = "</s>"
    outer.backend_tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", pair="$A $B </s>", special_tokens=[("</s>", outer.eos_token_id)]
    )
    return outer


def test_a_padding_token_that_ends_texts_is_scored_as_the_model_scores_it(tmp_path: Path) -> None:
    """transformers takes the last token that is not the padding's: the one before the end."""
    outer = ending("bytes")
    module = model_of(GPT2, outer, ("film", "money", "sport")).eval().requires_grad_(False)
    assert module.config.pad_token_id == outer.eos_token_id
    tokens = found(outer, tmp_path, type_vocab_size=0)
    encoded = tokens.encode([SHORT, LONG])
    assert encoded[0][-1] == outer.eos_token_id
    model = HuggingFaceClassifier(module)
    batch = to_batch(encoded, np.array([0, 1]), np.array([0, 1]))
    logits, inputs = model.logits(batch), model.last_layer_input(batch)
    given = outer([SHORT, LONG], padding=True, return_tensors="pt")
    torch.testing.assert_close(logits, module(**given).logits)
    torch.testing.assert_close(inputs @ module.score.weight.T, logits)


def test_an_adapters_padding_token_is_its_own_tokenizers(tmp_path: Path) -> None:
    """The base has none; the Trainer gives the model its tokenizer's, which is the end token."""
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForSequenceClassification

    examples, outer = make_examples(16), ending("bytes")
    base = tmp_path / "base"
    module = model_of(GPT2, outer, examples.label_names)
    module.config.pad_token_id = None
    module.save_pretrained(base)
    assert json.loads((base / "config.json").read_text()).get("pad_token_id") is None
    adapted = peft.get_peft_model(
        AutoModelForSequenceClassification.from_pretrained(base),
        peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["c_attn"]),
    )
    adapted.config.pad_token_id = outer.pad_token_id
    trainer = fine_tune(
        GPT2, tmp_path / "out", examples, model=adapted, tokens=outer, num_train_epochs=1
    )
    run = wt.record(
        tmp_path / "out",
        examples,
        tmp_path / "run",
        max_length=24,
        label_names=examples.label_names,
    )
    given = outer([SHORT, LONG], padding=True, truncation=True, max_length=24, return_tensors="pt")
    expected = trainer.model.eval()(**given).logits.softmax(1).detach().numpy()
    np.testing.assert_allclose(run.predict([SHORT, LONG]), expected, atol=1e-5)
