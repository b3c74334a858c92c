"""What trainings do beside the plain case: each adopted, each with scores equal to autograd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.architectures import (
    ARCHITECTURES,
    SETTINGS,
    fine_tune,
    model_of,
    tokenizer,
)
from tests.oracles.weights import since
from wordtrace import api
from wordtrace.errors import InputError
from wordtrace.models.loss import TrainingLoss

transformers = pytest.importorskip("transformers")
BY_NAME = {one.name: one for one in ARCHITECTURES}
BERT = BY_NAME["Bert"]
QUERIES = ["the striker of the market", "a drama with a coach , and growth"]
LABELS = ["sport", "film"]


def agree(run: api.Run, output: Path, loss: Any = None, top: int | None = None) -> None:
    """Compare the scores of the run with dense products from transformers' own files."""
    found = wt.influence(run, QUERIES, "tracin-we", label=LABELS)[:, :top]
    expected = np.zeros_like(found, np.float64)
    texts, labels = run.train.texts[:top], run.train.labels.tolist()[:top]
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32
        )
        model = model.double().eval()
        tokens = transformers.AutoTokenizer.from_pretrained(folder)
        tokens.padding_side = "right"
        table = model.get_input_embeddings()

        def dense(text: str, label: int) -> torch.Tensor:
            given = tokens(text, truncation=True, max_length=24, return_tensors="pt")  # noqa: B023
            if not hasattr(model.config, "type_vocab_size"):  # noqa: B023
                given.pop("token_type_ids", None)
            scores = model(**given).logits  # noqa: B023
            value = (loss or torch.nn.functional.cross_entropy)(scores, torch.tensor([label]))
            (gradient,) = torch.autograd.grad(value, [table.weight])  # noqa: B023
            return gradient

        held = [dense(text, label) for text, label in zip(texts, labels, strict=True)]
        for place, (text, label) in enumerate(zip(QUERIES, LABELS, strict=True)):
            asked = dense(text, run.label_names.index(label))
            expected[place] += since(run, point) * np.array(
                [float((asked * g).sum()) for g in held]
            )
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-5)


def test_gradient_checkpointing(tmp_path: Path) -> None:
    examples = make_examples(32)
    fine_tune(
        BERT,
        tmp_path / "out",
        examples,
        gradient_checkpointing=True,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )
    agree(wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24), tmp_path / "out")


@pytest.mark.parametrize("name", ["Bert", "Llama"])
def test_added_tokens_and_a_table_with_rows_to_spare(name: str, tmp_path: Path) -> None:
    """A tokenizer with two words more than it had; the table grown to a multiple of 64."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    one, plain = BY_NAME[name], make_examples(32)
    texts = [f"{text} zzgoal" if row % 3 else text for row, text in enumerate(plain.texts)]
    examples = api.Examples.of(texts, plain.labels, plain.label_names, source="added")
    tokens = tokenizer(one.tokens)
    model = model_of(one, tokens, examples.label_names)
    before = len(tokens)
    tokens.add_tokens(["zzgoal", "zzother"])
    model.resize_token_embeddings(len(tokens), pad_to_multiple_of=64)
    assert model.get_input_embeddings().num_embeddings % 64 == 0
    rows = []
    for text, label in zip(texts, examples.labels.tolist(), strict=True):
        given = tokens(text, truncation=True, max_length=24)
        if not one.types:
            given.pop("token_type_ids", None)
        rows.append({**given, "labels": label})
    Trainer(
        model,
        TrainingArguments(str(tmp_path / "out"), **SETTINGS),
        train_dataset=rows,
        processing_class=tokens,
        data_collator=DataCollatorWithPadding(tokens),
    ).train()
    run = wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24)
    agree(run, tmp_path / "out")
    assert any(before in ids for ids in (run.encoded[row].tolist() for row in range(32)))
    trace = wt.build_index(run, top_k=None, workers=1).trace("the coach zzgoal", top=5)
    added = [
        word
        for hit in trace.proponents
        for word in hit.contributions or ()
        if word.token == "zzgoal"
    ]
    assert added
    for word in added:
        (span,) = word.query_spans
        assert "the coach zzgoal"[span[1] : span[2]] == "zzgoal"


def test_a_training_in_mixed_precision(tmp_path: Path) -> None:
    examples = make_examples(32)
    fine_tune(BERT, tmp_path / "out", examples, bf16=True)
    agree(wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24), tmp_path / "out")


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_weights_of_half_precision_are_read_as_float32(kind: torch.dtype, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    examples = make_examples(32)
    model = model_of(BERT, tokenizer("wordpiece"), examples.label_names)
    fine_tune(BERT, tmp_path / "out", examples, model=model)
    for folder in (tmp_path / "out").glob("checkpoint-*"):
        saved = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=kind)
        saved.save_pretrained(folder)
        assert {one.dtype for one in load_file(folder / "model.safetensors").values()} == {kind}
    run = wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24)
    model = run.model(run.final).module
    assert {one.dtype for one in model.parameters()} == {torch.float32}
    agree(run, tmp_path / "out")


@pytest.mark.parametrize("name", ["GPT2", "Llama"])
def test_a_tokenizer_that_pads_at_the_left(name: str, tmp_path: Path) -> None:
    """Padding is ours, at the right, and masked: a text's scores are those of the text alone."""
    examples, one = make_examples(32), BY_NAME[name]
    fine_tune(one, tmp_path / "out", examples)
    for folder in (tmp_path / "out").glob("checkpoint-*"):
        path = folder / "tokenizer_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "padding_side": "left"}))
    run = wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24)
    agree(run, tmp_path / "out")
    last = tmp_path / "out" / f"checkpoint-{run.final.step}"
    tokens = transformers.AutoTokenizer.from_pretrained(last)
    assert tokens.padding_side == "left"
    if name == "Llama":  # its positions are relative, so that padding at the left shifts nothing
        given = tokens(QUERIES, return_tensors="pt", padding=True)
        given.pop("token_type_ids", None)
        assert not given["attention_mask"].all()
        model = transformers.AutoModelForSequenceClassification.from_pretrained(last).eval()
        np.testing.assert_allclose(
            run.predict(QUERIES), model(**given).logits.softmax(1).detach().numpy(), atol=1e-5
        )


def test_a_configuration_without_problem_type(tmp_path: Path) -> None:
    examples = make_examples(32)
    fine_tune(BERT, tmp_path / "out", examples)
    for folder in (tmp_path / "out").glob("checkpoint-*"):
        path = folder / "config.json"
        document = json.loads(path.read_text())
        document.pop("problem_type", None)
        path.write_text(json.dumps(document))
    agree(wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24), tmp_path / "out")


def test_label_smoothing_is_in_the_loss_that_is_traced(tmp_path: Path) -> None:
    from transformers.trainer_pt_utils import LabelSmoother

    examples, out = make_examples(32), tmp_path / "out"
    callback = wt.TraceCallback(tmp_path / "live", examples, steps=(2, 4, 6), max_length=24)
    fine_tune(BERT, out, examples, label_smoothing_factor=0.3, callbacks=[callback])
    run = wt.record(out, examples, tmp_path / "run", max_length=24, label_smoothing=0.3)

    def smooth(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return LabelSmoother(0.3)({"logits": scores}, labels)

    agree(run, out, smooth)
    with pytest.raises(AssertionError):
        agree(run, out)
    # The callback reads the factor from the Trainer's arguments.
    assert callback.run is not None
    agree(callback.run, out, smooth)
    assert api.Run.open(run.path).manifest.model.loss.label_smoothing == 0.3
    last_layer(run, out, smooth)
    for name in ("influence-last", "influence-we", "influence-we-kfac"):
        with pytest.raises(InputError, match="know plain cross-entropy"):
            wt.influence(run, QUERIES, name)


def test_class_weights_are_in_the_loss_that_is_traced(tmp_path: Path) -> None:
    examples, out = make_examples(32), tmp_path / "out"
    fine_tune(BERT, out, examples)
    weights = (0.5, 2.0, 1.5)
    run = wt.record(
        out, examples, tmp_path / "run", max_length=24, class_weights=weights, label_smoothing=0.2
    )

    def weighted(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(
            scores,
            labels,
            weight=torch.tensor(weights, dtype=scores.dtype),
            label_smoothing=0.2,
            reduction="sum",
        )

    agree(run, out, weighted)
    last_layer(run, out, weighted)


def last_layer(run: api.Run, output: Path, loss: Any) -> None:
    """tracin-last, in closed form, against autograd."""
    found = wt.influence(run, QUERIES[:1], "tracin-last", label=LABELS[:1])[0]
    expected = np.zeros(len(found))
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        model = model.double().eval()
        tokens = transformers.AutoTokenizer.from_pretrained(folder)

        def dense(text: str, label: int) -> torch.Tensor:
            given = tokens(text, truncation=True, max_length=24, return_tensors="pt")  # noqa: B023
            value = loss(model(**given).logits, torch.tensor([label]))  # noqa: B023
            (gradient,) = torch.autograd.grad(value, [model.classifier.weight])  # noqa: B023
            return gradient

        asked = dense(QUERIES[0], run.label_names.index(LABELS[0]))
        for row, (text, label) in enumerate(
            zip(run.train.texts, run.train.labels.tolist(), strict=True)
        ):
            expected[row] += since(run, point) * float((asked * dense(text, label)).sum())
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_losses_by_command_and_what_is_refused(tmp_path: Path) -> None:
    examples, data = make_examples(32), tmp_path / "data.jsonl"
    fine_tune(BERT, tmp_path / "out", examples)
    data.write_text(
        "".join(
            json.dumps({"text": text, "label": examples.label_names[label]}) + "\n"
            for text, label in zip(examples.texts, examples.labels.tolist(), strict=True)
        )
    )
    asked = (
        "record",
        tmp_path / "out",
        "--data",
        data,
        "--out",
        tmp_path / "run",
        "--max-length",
        24,
    )
    for choice, said in (
        (("--label-smoothing", 1), "--label-smoothing is 1.0; it must be in [0, 1)"),
        (("--class-weights", "1,x"), "it must be numbers such as 0.5,2"),
        (("--class-weights", "1,-2,3"), "must be numbers over 0"),
        (("--class-weights", "1,2"), "gives 2 numbers; the model has 3 classes"),
    ):
        assert said in wordtrace(*asked, *choice, status=2).stderr
    wordtrace(*asked, "--class-weights", "1,2,0.5", "--label-smoothing", 0.1)
    found = wt.Run.open(tmp_path / "run").manifest.model.loss
    assert found == TrainingLoss(0.1, (1.0, 2.0, 0.5))


def test_a_table_that_scales_its_rows(tmp_path: Path) -> None:
    """Gemma 3 gives the row times √dim: the gradient is the row's."""
    if not hasattr(transformers, "Gemma3TextForSequenceClassification"):
        pytest.skip("this transformers has no classifier of Gemma 3's")
    shape = {
        **BY_NAME["Llama"].config,
        "head_dim": 8,
        "layer_types": ["full_attention", "full_attention"],
    }
    one = type(BERT)("Gemma3Text", "bytes-start", shape)
    examples = make_examples(32)
    fine_tune(one, tmp_path / "out", examples)
    agree(wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24), tmp_path / "out")


def test_a_classifier_that_encodes_and_decodes_is_refused(tmp_path: Path) -> None:
    from tests.huggingface.seq2seq import MODELS

    tokens = tokenizer("unigram")
    config = transformers.BartConfig(vocab_size=len(tokens), num_labels=3, **MODELS["Bart"][1])
    folder = tmp_path / "out" / "checkpoint-2"
    transformers.BartForSequenceClassification(config).save_pretrained(folder)
    tokens.save_pretrained(folder)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 2, "epoch": 1.0}))
    with pytest.raises(InputError, match="reads a text twice, by an encoder and a decoder"):
        wt.record(
            tmp_path / "out", make_examples(8), tmp_path / "run", max_length=24, learning_rate=0.1
        )
