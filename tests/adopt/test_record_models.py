"""wordtrace record: models of pairs of texts, and adapters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import wordtrace as wt
from tests.adopt.a_trainers_output import BERT, ROBERTA
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune, model_of, tokenizer
from wordtrace import api

pytest.importorskip("transformers")


def test_pairs_have_token_types_where_the_model_has_them(tmp_path: Path) -> None:
    one = make_examples(32)
    examples = api.Examples.of(
        one.texts, one.labels, one.label_names, texts2=one.texts[::-1], source="pairs"
    )
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    for architecture in (BERT, ROBERTA, ARCHITECTURES[2]):
        folder = tmp_path / architecture.name
        fine_tune(architecture, folder / "out", examples)
        run = wt.record(folder / "out", examples, folder / "run", max_length=24)
        pair = (examples.texts[3], "the coach of the club")
        last = folder / "out" / f"checkpoint-{run.final.step}"
        tokens = AutoTokenizer.from_pretrained(last)
        given = tokens(*pair, truncation=True, max_length=24, return_tensors="pt")
        if not architecture.types:
            given.pop("token_type_ids", None)
        model = AutoModelForSequenceClassification.from_pretrained(last).eval()
        expected = model(**given).logits.softmax(1)[0].detach().numpy()
        found = run.predict([pair[0]], [pair[1]])[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)
        index = wt.build_index(run, workers=1)
        hit = index.trace([pair], top=3).queries[0].proponents[0]
        assert hit.text2 is not None
        assert hit.contributions


def test_a_lora_adapter_is_merged(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed: pip install peft")
    from transformers import AutoModelForSequenceClassification

    examples, tokens = make_examples(32), tokenizer("wordpiece")
    base = tmp_path / "base"
    model_of(BERT, tokens, examples.label_names).save_pretrained(base)
    tokens.save_pretrained(base)
    model = AutoModelForSequenceClassification.from_pretrained(base)
    adapted = peft.get_peft_model(
        model, peft.LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["query", "value"])
    )
    trainer = fine_tune(BERT, tmp_path / "out", examples, model=adapted, learning_rate=3e-2)
    run = wt.record(
        tmp_path / "out",
        examples,
        tmp_path / "run",
        max_length=24,
        label_names=examples.label_names,
    )
    trained = trainer.model.eval()
    given = tokens(["the striker"], return_tensors="pt")
    expected = trained(**given).logits.softmax(1)[0].detach().numpy()
    np.testing.assert_allclose(run.predict(["the striker"])[0], expected, atol=1e-5)
    plain = model_of(BERT, tokens, examples.label_names).eval()(**given).logits.softmax(1)[0]
    assert np.abs(plain.detach().numpy() - expected).max() > 1e-3
    assert (wt.influence(run, ["the striker"], "tracin-we", label="sport") != 0).any()
    assert "embeddings were frozen" in " ".join(run.manifest.notes)
