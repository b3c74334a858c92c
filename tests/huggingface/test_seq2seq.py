"""Sequence-to-sequence models: the prompt encoded, the completion decoded, both traced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.command import wordtrace
from tests.huggingface.architectures import tokenizer
from tests.huggingface.seq2seq import (
    LENGTH,
    MODELS,
    QUERY,
    SHORT,
    adopt,
    data,
    dense_gradient,
    fine_tune,
    loss_of,
    model_of,
    outside,
    rows_of,
    transformers,
    weight_of,
)
from tests.oracles.weights import since
from wordtrace.errors import InputError
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.models.protocol import to_batch


@pytest.fixture(scope="module", params=list(MODELS))
def adopted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Path, wt.Run]:
    folder = tmp_path_factory.mktemp(request.param)
    tokens = fine_tune(request.param, folder)
    return tokens, folder / "out", adopt(folder)


def test_losses_are_those_of_transformers(adopted: tuple[Any, Path, wt.Run]) -> None:
    tokens, output, run = adopted
    model, _ = outside(output / f"checkpoint-{run.final.step}")
    found = run.predict(run.train.texts, run.train.texts2)[:, 0]
    assert len(set(run.encoded.lengths.tolist())) > 4
    assert run.encoded.truncated > 0
    for one, probability in zip(data(), found, strict=True):
        expected = float(torch.exp(-loss_of(model, tokens, one).detach()))
        assert float(probability) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_a_span_of_the_answer_counts_alone(adopted: tuple[Any, Path, wt.Run]) -> None:
    """Labels of -100 at the other tokens of the completion, as transformers leaves them out."""
    tokens, output, run = adopted
    span = "wins a"
    asked = {"prompt": QUERY[0], "answer": QUERY[1]}
    (row,) = rows_of(tokens, [asked])
    spans = tokens(QUERY[1], return_offsets_mapping=True)["offset_mapping"]
    end = QUERY[1].index(span) + len(span)
    counted = [place for place, (first, last) in enumerate(spans) if first < min(last, end)]
    assert 0 < len(counted) < len(row["labels"]) - 1
    labels = [one if place in counted else -100 for place, one in enumerate(row["labels"])]
    expected = np.zeros(len(run.train))
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        model, table = outside(folder)
        # The decoder reads the whole completion, whatever of it counts.
        read = model.prepare_decoder_input_ids_from_labels(labels=torch.tensor([row["labels"]]))
        loss = model(
            input_ids=torch.tensor([row["input_ids"]]),
            decoder_input_ids=read,
            labels=torch.tensor([labels]),
        ).loss
        (query,) = torch.autograd.grad(loss, [table])
        query *= weight_of(tokens, asked, len(counted))
        for at, one in enumerate(data()):
            gradient = dense_gradient(folder, tokens, one)
            expected[at] += since(run, point) * float((query * gradient).sum())
    found = wt.influence(run, [QUERY], "tracin-we", span=span)[0]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-5)
    assert np.abs(found - wt.influence(run, [QUERY], "tracin-we")[0]).max() > 0.05 * scale


@pytest.mark.slow
def test_whole_words_keep_the_sums(adopted: tuple[Any, Path, wt.Run], tmp_path: Path) -> None:
    _, _, run = adopted
    index = wt.build_index(run, tmp_path / "index", top_k=None, dtype="float32", workers=1)
    trace = index.trace([QUERY], words=True, top=5)
    for hit in [*trace.proponents, *trace.opponents]:
        assert hit.contributions is not None
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-3, abs=1e-6)


@pytest.mark.slow
def test_scores_are_the_dense_embedding_gradients_products(
    adopted: tuple[Any, Path, wt.Run],
) -> None:
    """Both lookups of the one table are summed; learning rates differ by checkpoint."""
    tokens, output, run = adopted
    found = wt.influence(run, [QUERY], "tracin-we")[0]
    asked = {"prompt": QUERY[0], "answer": QUERY[1]}
    expected = np.zeros(len(found))
    assert len({point.learning_rate for point in run.checkpoints}) == 3
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        query = dense_gradient(folder, tokens, asked)
        for row, one in enumerate(data()):
            gradient = dense_gradient(folder, tokens, one)
            expected[row] += since(run, point) * float((query * gradient).sum())
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-5)


def test_top_k_counts_positions_of_prompt_and_answer_together(
    adopted: tuple[Any, Path, wt.Run],
) -> None:
    """The k strongest positions are taken among all, by gradients from autograd at each lookup."""
    tokens, output, run = adopted
    point = run.checkpoints[1]
    model, _ = outside(output / f"checkpoint-{point.step}")
    seen: list[torch.Tensor] = []
    scale = getattr(model.get_encoder().get_input_embeddings(), "embed_scale", 1.0)

    def note(module: Any, inputs: Any, output: torch.Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    for lookup in {model.get_encoder().get_input_embeddings()} | {
        model.get_decoder().get_input_embeddings()
    }:
        lookup.register_forward_hook(note)
    example = {"prompt": QUERY[0], "answer": QUERY[1]}
    (loss_of(model, tokens, example) * weight_of(tokens, example)).backward()
    encoded = run.tokenizer.encode([QUERY[0]], [QUERY[1]])
    assert encoded.second is not None
    split = int(encoded.second[0])
    expected = torch.cat([one.grad[0] * scale for one in seen if one.grad is not None])
    # The row of padding_idx, which some decoders begin with, is never trained.
    padding = model.get_encoder().get_input_embeddings().padding_idx
    expected[[at for at, token in enumerate(encoded[0][:-1]) if token == padding]] = 0
    # The completion's last token is foretold alone: it is in the example, without a gradient.
    assert split + seen[1].shape[1] + 1 == len(encoded[0])
    batch = to_batch(encoded, np.zeros(1, np.int64), np.array([0]))
    found = embedding_gradients(run.model(point), batch).gradient[0]
    largest = float(expected.abs().max())
    torch.testing.assert_close(found[:-1].double(), expected, atol=2e-5 * largest, rtol=1e-4)
    assert not found[-1].any()
    order = expected.norm(dim=1).argsort(descending=True).tolist()
    # As few as hold one of each side.
    k = 1 + max(next(i for i, at in enumerate(order) if (at < split) == one) for one in (0, 1))
    kept = order[:k]
    assert k < len(order)
    own = torch.zeros(run.tokenizer.size, expected.shape[1], dtype=torch.float64)
    for at in kept:
        own[encoded[0][at]] += expected[at]
    from wordtrace.measures.accumulate import query_tokens
    from wordtrace.measures.protocol import make_queries

    queries = make_queries(run, [QUERY[0]], np.zeros(1, np.int64), [QUERY[1]])
    asked = query_tokens(run, point, queries, k)
    assert len(asked.tokens) == len({encoded[0][at] for at in kept})
    for token, _, gradient in asked.groups():
        torch.testing.assert_close(gradient[0].double(), own[token], atol=1e-6, rtol=1e-4)


def test_ids_are_those_of_the_training(adopted: tuple[Any, Path, wt.Run]) -> None:
    """The prompt's ids, then what transformers gives the decoder, then the last label."""
    tokens, output, run = adopted
    model, _ = outside(output / f"checkpoint-{run.final.step}")
    for row, one in enumerate(rows_of(tokens, data())):
        labels = torch.tensor([one["labels"]])
        read = model.prepare_decoder_input_ids_from_labels(labels)[0].tolist()
        assert run.encoded[row].tolist() == [*one["input_ids"], *read, one["labels"][-1]]


def test_words_stand_in_prompt_and_answer(adopted: tuple[Any, Path, wt.Run]) -> None:
    _, _, run = adopted
    index = wt.build_index(run, workers=1, top_k=None, dtype="float32")
    trace = index.trace([QUERY], measure="tracin-we", top=8)
    matrix = wt.influence(run, [QUERY], "tracin-we")[0]
    seen, special = set(), 0
    for hit in [*trace.queries[0].proponents, *trace.queries[0].opponents]:
        assert hit.contributions is not None
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-3, abs=1e-6)
        assert hit.score == pytest.approx(
            float(matrix[run.train.row_of(hit.id)]), rel=1e-3, abs=1e-6
        )
        for word in hit.contributions:
            special += word.kind == "special"
            for field, start, end in word.spans:
                seen.add(field)
                text = hit.text if field == "text" else hit.text2
                assert text is not None
                assert text[start:end] == word.token.strip("▁") or word.token in ("▁", "<unk>")
    assert seen == {"text", "text2"}
    assert special


def test_padding_and_batch_change_nothing(adopted: tuple[Any, Path, wt.Run]) -> None:
    _, _, run = adopted
    model, encoded = run.model(run.checkpoints[0]), run.encoded
    rows = np.arange(len(encoded))
    labels = np.zeros(len(encoded), np.int64)
    together = embedding_gradients(model, to_batch(encoded, labels, rows))
    for row in rows:
        alone = embedding_gradients(model, to_batch(encoded, labels, rows[row : row + 1]))
        length = int(encoded.lengths[row])
        torch.testing.assert_close(
            alone.gradient[0], together.gradient[row, :length], atol=1e-6, rtol=1e-4
        )
        assert not together.gradient[row, length:].any()


def test_a_lora_adapter(tmp_path: Path) -> None:
    tokens = fine_tune("T5", tmp_path, adapter=True)
    run = adopt(tmp_path)
    peft = pytest.importorskip("peft")
    base = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "base")
    last = tmp_path / "out" / f"checkpoint-{run.final.step}"
    model = peft.PeftModel.from_pretrained(base, last).eval()
    found = run.predict(run.train.texts[:4], (run.train.texts2 or [])[:4])[:, 0]
    for one, probability in zip(data()[:4], found, strict=True):
        expected = float(torch.exp(-loss_of(model, tokens, one).detach()))
        assert float(probability) == pytest.approx(expected, rel=1e-4)
    assert (wt.influence(run, [QUERY], "tracin-we") != 0).any()
    assert "embeddings were frozen" in " ".join(run.manifest.notes)


def test_by_command_and_what_is_refused(tmp_path: Path) -> None:
    fine_tune("T5", tmp_path)
    file, run = tmp_path / "data.jsonl", tmp_path / "run"
    file.write_text("".join(json.dumps(one) + "\n" for one in data()))
    adopting = ("record", tmp_path / "out", "--data", file, "--text", "prompt", "--out", run)
    said = wordtrace(*adopting, status=2)
    assert "takes a prompt and a completion; give the completion's column by --text2" in said.stderr
    wordtrace(
        *(*adopting, "--text2", "answer"),
        *("--max-length", LENGTH, "--max-completion-length", SHORT),
    )
    wordtrace("index", run, "--workers", 1)
    said = wordtrace("trace", run / "index", QUERY[0], "--text2", QUERY[1], "--json")
    assert json.loads(said.stdout)["queries"][0]["proponents"]
    said = wordtrace("trace", run / "index", QUERY[0], status=2)
    assert "trained on pairs" in said.stderr
    opened = wt.Run.open(run)
    for measure in (
        "tracin-last",
        "influence-last",
        "influence-we",
        "influence-we-kfac",
        "similarity",
    ):
        with pytest.raises(InputError):
            wt.influence(opened, [QUERY], measure)
    assert wt.influence(opened, [QUERY], "bm25").shape == (1, 24)


def test_tables_of_their_own_are_refused() -> None:
    from wordtrace.models.seq2seq import HuggingFaceSeq2Seq

    model = model_of("Bart", tokenizer("unigram"))
    lookup = model.get_decoder().get_input_embeddings()
    lookup.weight = torch.nn.Parameter(lookup.weight.detach().clone())
    with pytest.raises(InputError, match="by tables of their own; models that share one"):
        HuggingFaceSeq2Seq(model)
