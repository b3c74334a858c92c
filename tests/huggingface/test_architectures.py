"""A plain Trainer's output, adopted as it is: scores equal autograd for each architecture."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, Architecture, fine_tune
from wordtrace import api

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

QUERIES = ["the striker of the market", "a drama with a coach , and growth"]
LABELS = ["sport", "film"]


@pytest.fixture(scope="module", params=ARCHITECTURES, ids=lambda one: one.name)
def adopted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Architecture, Path, api.Run]:
    one = request.param
    folder = tmp_path_factory.mktemp(one.name)
    examples = make_examples(32)
    fine_tune(one, folder / "out", examples)
    run = api.record(folder / "out", examples, folder / "run", max_length=24)
    return one, folder / "out", run


def outside(folder: Path) -> tuple[Any, Any]:
    """The model and tokenizer as transformers alone reads them."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).double().eval()
    return model, AutoTokenizer.from_pretrained(folder)


def dense_gradient(model: Any, tokens: Any, types: bool, text: str, label: int) -> torch.Tensor:
    """∂ℓ/∂Θ of one text by itself, unpadded, shape (vocabulary, dim)."""
    given = tokens(text, truncation=True, max_length=24, return_tensors="pt")
    if not types:
        given.pop("token_type_ids", None)
    loss = model(**given, labels=torch.tensor([label])).loss
    (gradient,) = torch.autograd.grad(loss, [model.get_input_embeddings().weight])
    return gradient


def test_scores_are_the_dense_embedding_gradients_products(
    adopted: tuple[Architecture, Path, api.Run],
) -> None:
    one, output, run = adopted
    found = api.influence(run, QUERIES, "tracin-we", label=LABELS)
    expected = np.zeros_like(found, np.float64)
    assert len({point.learning_rate for point in run.checkpoints}) == 3
    before = 0
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        log = json.loads((folder / "trainer_state.json").read_text())["log_history"]
        # Each step was logged, with the rate that it used.
        rates = {entry["step"]: entry["learning_rate"] for entry in log if "learning_rate" in entry}
        weight = sum(rate for step, rate in rates.items() if before < step <= point.step)
        before = point.step
        model, tokens = outside(folder)
        train = [
            dense_gradient(model, tokens, one.types, text, label)
            for text, label in zip(run.train.texts, run.train.labels.tolist(), strict=True)
        ]
        for place, (text, label) in enumerate(zip(QUERIES, LABELS, strict=True)):
            asked = dense_gradient(model, tokens, one.types, text, run.label_names.index(label))
            expected[place] += weight * np.array([float((asked * g).sum()) for g in train])
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-5)


def test_predictions_are_the_models_own(adopted: tuple[Architecture, Path, api.Run]) -> None:
    one, output, run = adopted
    model, tokens = outside(output / f"checkpoint-{run.final.step}")
    for text, found in zip(QUERIES, run.predict(QUERIES), strict=True):
        given = tokens(text, truncation=True, max_length=24, return_tensors="pt")
        if not one.types:
            given.pop("token_type_ids", None)
        expected = model(**given).logits.softmax(1)[0].detach().numpy()
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_ids_are_those_of_the_training(adopted: tuple[Architecture, Path, api.Run]) -> None:
    _, output, run = adopted
    _, tokens = outside(output / f"checkpoint-{run.final.step}")
    encoded = run.tokenizer.encode(run.train.texts)
    for row, text in enumerate(run.train.texts):
        assert encoded[row].tolist() == tokens(text, truncation=True, max_length=24)["input_ids"]


def test_an_index_gives_words_that_sum_to_the_score(
    adopted: tuple[Architecture, Path, api.Run], tmp_path: Path
) -> None:
    _, _, run = adopted
    index = api.build_index(run, tmp_path / "index", top_k=None, dtype="float32", workers=1)
    trace = index.trace(QUERIES, label=LABELS, measure="tracin-we", top=4)
    matrix = api.influence(run, QUERIES, "tracin-we", label=LABELS)
    for place, query in enumerate(trace.queries):
        assert len(query.proponents) + len(query.opponents) > 4
        for hit in [*query.proponents, *query.opponents]:
            assert hit.contributions is not None
            total = sum(word.contribution for word in hit.contributions)
            assert total == pytest.approx(hit.score, rel=1e-3, abs=1e-6)
            row = run.train.row_of(hit.id)
            assert hit.score == pytest.approx(float(matrix[place, row]), rel=1e-3, abs=1e-6)
            for word in hit.contributions:
                for field, start, end in word.spans:
                    assert field == "text"
                    piece = hit.text[start:end]
                    assert piece == piece.strip() or piece.isspace()
                    assert piece.lower() in (word.token.lower().strip("▁#"), piece.lower())
                    if re.fullmatch("[▁#]*[a-z]+", word.token):
                        assert piece == word.token.strip("▁#")


def test_whole_words_keep_the_sums(
    adopted: tuple[Architecture, Path, api.Run], tmp_path: Path
) -> None:
    _, _, run = adopted
    index = api.build_index(run, tmp_path / "index", top_k=8, workers=1)
    by_token = index.trace(QUERIES, label=LABELS, top=4)
    by_word = index.trace(QUERIES, label=LABELS, top=4, words=True)
    whole = 0
    for one, other in zip(by_token, by_word, strict=True):
        hits = zip(
            [*one.proponents, *one.opponents], [*other.proponents, *other.opponents], strict=True
        )
        for tokens, words in hits:
            assert (tokens.id, tokens.score) == (words.id, words.score)
            total = sum(value for _, value in tokens.words)
            assert sum(value for _, value in words.words) == pytest.approx(total, abs=1e-12)
            read = max(
                end for word in words.contributions for _, _, end in [("", 0, 0), *word.spans]
            )
            for word in words.contributions:
                # The toy texts have spaces between words and around signs.
                for _, start, end in word.spans:
                    if words.text[start:end].isspace():  # the text was cut before its word
                        assert end == read
                        continue
                    assert start == 0 or words.text[start - 1] == " "
                    assert words.text[end : end + 1] in ("", " ") or end == read
                    assert word.token == words.text[start:end] or "unk" in word.token.lower()
                    whole += 1
    assert whole > 5


def test_the_docs_name_what_is_tested() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "your-fine-tuned-model.md"
    table = page.read_text().partition("| architecture |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| (\w+)ForSequenceClassification", table, re.MULTILINE)
    assert named == [one.name for one in ARCHITECTURES]
