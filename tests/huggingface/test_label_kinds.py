"""Several labels a text, and numbers: a Trainer's output traced by transformers' own loss."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune, model_of, tokenizer
from tests.oracles.weights import since
from wordtrace.errors import InputError

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

BY_NAME = {one.name: one for one in ARCHITECTURES}
CLASSES = ("sport", "film", "money")
TEXTS = ["the striker of the market", "a drama with a coach , and growth"]


class Data:
    """What fine_tune wants: texts, and labels as float lists or floats."""

    texts2 = None

    def __init__(self, kind: str, count: int = 32) -> None:
        self.texts = make_examples(count).texts
        generator = np.random.default_rng(4)
        if kind == "set":
            self.labels = (generator.random((count, 3)) < 0.4).astype(np.float32)
            self.label_names: tuple[str, ...] = CLASSES
        else:
            self.labels = generator.normal(2.5, 1.3, count).astype(np.float32)
            self.label_names = ("score",)


def rows_of(data: Data, kind: str) -> list[dict[str, Any]]:
    def label(row: int) -> Any:
        if kind == "number":
            return float(data.labels[row])
        return [CLASSES[place] for place in np.flatnonzero(data.labels[row])]

    return [
        {"id": f"r{row}", "text": text, "label": label(row)} for row, text in enumerate(data.texts)
    ]


@pytest.fixture(
    scope="module",
    params=[("Bert", "set"), ("Roberta", "number"), ("GPT2", "set"), ("Llama", "number")],
    ids=lambda one: "-".join(one),
)
def adopted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str, Path, wt.Run]:
    name, kind = request.param
    folder, data = tmp_path_factory.mktemp(f"{name}-{kind}"), Data(kind)
    fine_tune(BY_NAME[name], folder / "out", data)
    run = wt.record(folder / "out", rows_of(data, kind), folder / "run", max_length=24)
    return name, kind, folder / "out", run


def outside(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).double().eval()
    return model, AutoTokenizer.from_pretrained(folder)


def inputs(name: str, tokens: Any, text: str) -> dict[str, torch.Tensor]:
    given = tokens(text, truncation=True, max_length=24, return_tensors="pt")
    if not BY_NAME[name].types:
        given.pop("token_type_ids", None)
    return dict(given)


def dense(model: Any, loss: torch.Tensor) -> torch.Tensor:
    (gradient,) = torch.autograd.grad(loss, [model.get_input_embeddings().weight])
    return gradient


ASKED = {
    "set": {
        "{sport, money}": lambda f: F.binary_cross_entropy_with_logits(
            f, torch.tensor([1.0, 0.0, 1.0]).double()
        ),
        "film": lambda f: -F.logsigmoid(f[1]),
        "not money": lambda f: -F.logsigmoid(-f[2]),
    },
    "number": {
        "1.75": lambda f: (f[0] - 1.75) ** 2,
        "higher": lambda f: -f[0],
        "lower": lambda f: f[0],
    },
}


def test_scores_are_the_dense_gradients_products_of_transformers_own_loss(
    adopted: tuple[str, str, Path, wt.Run],
) -> None:
    name, kind, output, run = adopted
    asked = ASKED[kind]
    expected = {label: np.zeros((len(TEXTS), len(run.train))) for label in asked}
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
        train = []
        for text, label in zip(run.train.texts, run.train.labels, strict=True):
            meant = torch.tensor(label).double().unsqueeze(0)
            train.append(dense(model, model(**inputs(name, tokens, text), labels=meant).loss))
        for label, objective in asked.items():
            for place, text in enumerate(TEXTS):
                gradient = dense(model, objective(model(**inputs(name, tokens, text)).logits[0]))
                products = [float((gradient * one).sum()) for one in train]
                expected[label][place] += weight * np.array(products)
    for label, scores in expected.items():
        found = wt.influence(run, TEXTS, "tracin-we", label=label)
        scale = np.abs(scores).max()
        assert scale > 0
        np.testing.assert_allclose(found / scale, scores / scale, atol=3e-5)


def test_last_layer_scores_are_the_head_s_gradients_products(
    adopted: tuple[str, str, Path, wt.Run],
) -> None:
    name, kind, output, run = adopted
    label = next(iter(ASKED[kind]))
    expected = np.zeros((len(TEXTS), len(run.train)))
    for point in run.checkpoints:
        model, tokens = outside(output / f"checkpoint-{point.step}")
        (path,) = run.model(point).named_layers["last"]
        weight = model.get_submodule(path).weight

        def gradient(loss: torch.Tensor, weight: Any = weight) -> torch.Tensor:
            return torch.autograd.grad(loss, [weight])[0]

        train = [
            gradient(
                model(
                    **inputs(name, tokens, text),
                    labels=torch.tensor(row).double().unsqueeze(0),
                ).loss
            )
            for text, row in zip(run.train.texts, run.train.labels, strict=True)
        ]
        for place, text in enumerate(TEXTS):
            asked = gradient(ASKED[kind][label](model(**inputs(name, tokens, text)).logits[0]))
            products = [float((asked * one).sum()) for one in train]
            expected[place] += since(run, point) * np.array(products)
    found = wt.influence(run, TEXTS, "tracin-last", label=label)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=3e-5)


def test_predictions_are_the_models_own(adopted: tuple[str, str, Path, wt.Run]) -> None:
    name, kind, output, run = adopted
    model, tokens = outside(output / f"checkpoint-{run.final.step}")
    trace = wt.build_index(run, workers=1).trace(TEXTS, top=3)
    for text, found, query in zip(TEXTS, run.predict(TEXTS), trace.queries, strict=True):
        scores = model(**inputs(name, tokens, text)).logits[0].detach()
        if kind == "number":
            assert found == pytest.approx(scores.numpy(), abs=1e-5)
            assert float(query.predicted) == pytest.approx(float(scores[0]), abs=1e-5)
            assert (query.label, query.probability) == ("higher", None)
            continue
        p = scores.sigmoid()
        assert found == pytest.approx(p.numpy(), abs=1e-5)
        there = ", ".join(name for name, one in zip(CLASSES, p, strict=True) if one > 0.5)
        assert query.predicted == query.label == "{" + there + "}"
        likely = float(torch.where(p > 0.5, p, 1 - p).prod())
        assert query.probability == pytest.approx(likely, abs=1e-5)


def test_an_index_gives_words_that_sum_and_the_examples_labels(
    adopted: tuple[str, str, Path, wt.Run], tmp_path: Path
) -> None:
    _, kind, _, run = adopted
    index = wt.build_index(run, tmp_path / "index", top_k=None, dtype="float32", workers=1)
    label = list(ASKED[kind])[1]
    (query,) = index.trace(TEXTS[0], label=label, measure="tracin-we", top=5).queries
    matrix = wt.influence(run, TEXTS[0], "tracin-we", label=label)
    for hit in [*query.proponents, *query.opponents]:
        row = run.train.row_of(hit.id)
        assert hit.contributions is not None
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-3, abs=1e-6)
        assert hit.score == pytest.approx(float(matrix[0, row]), rel=1e-3, abs=1e-6)
        assert hit.label == run.train.labelling.spell(run.train.labels[row])


def test_examples_are_added_with_labels_never_seen(
    adopted: tuple[str, str, Path, wt.Run], tmp_path: Path
) -> None:
    _, kind, _, run = adopted
    index = wt.build_index(run, tmp_path / "index", workers=1)
    label: Any = ["sport", "film", "money"] if kind == "set" else 17.5
    index.add([{"id": "new", "text": TEXTS[0], "label": label}], workers=1)
    trace = index.trace(TEXTS[0], top=len(run.train) + 1)
    (found,) = [hit for hit in [*trace.proponents, *trace.opponents] if hit.id == "new"]
    assert found.label == ("{sport, film, money}" if kind == "set" else "17.5")


def test_what_is_for_one_class_a_text_says_so(adopted: tuple[str, str, Path, wt.Run]) -> None:
    _, kind, _, run = adopted
    task = "multi-label" if kind == "set" else "regression"
    for name in ("influence-last", "influence-we", "influence-we-kfac", "representer"):
        with pytest.raises(InputError, match=rf"{name} is for models that give .* \({task}\)"):
            wt.influence(run, TEXTS, name)
    with pytest.raises(InputError, match=rf"clusters counts .* no one class \({task}\)"):
        wt.clusters(run)
    trace = wt.build_index(run, workers=1).trace(TEXTS[0])
    with pytest.raises(InputError, match="was trained elsewhere"):
        wt.verify(trace)


def test_every_other_analysis_runs(adopted: tuple[str, str, Path, wt.Run], tmp_path: Path) -> None:
    _, kind, _, run = adopted
    for name in ("bm25", "similarity", "loss-saliency", "tracin-tfidf", "embedding-similarity"):
        assert np.isfinite(wt.influence(run, TEXTS, name)).all(), name
    words = wt.words(run, TEXTS[0], TEXTS[0] + " again", label=list(ASKED[kind])[1])
    assert words.similarity is not None
    assert max(word.importance for word in words.texts[0].words) > 0
    assert wt.overlap(run, TEXTS, ["tracin-we", "tracin-last"], top=5).document()["measures"]
    index = wt.build_index(run, workers=1)
    if kind == "number":
        with pytest.raises(InputError, match="this run predicts numbers"):
            index.mislabels()
    else:
        assert index.mislabels(top=3).rows[0].label.startswith("{")
    page = tmp_path / "page.html"
    index.trace(TEXTS[0]).save(page)
    assert ("What makes" in page.read_text()) == (kind == "number")


def test_a_number_s_importance_is_the_gradient_of_the_number(
    adopted: tuple[str, str, Path, wt.Run],
) -> None:
    name, kind, output, run = adopted
    model, tokens = outside(output / f"checkpoint-{run.final.step}")
    label, towards = ("not film", lambda f: -f[1]) if kind == "set" else ("lower", lambda f: -f[0])
    given = inputs(name, tokens, TEXTS[0])
    gradient = dense(model, towards(model(**given).logits[0]))
    found = wt.words(run, TEXTS[0], label=label).texts[0]
    expected = sorted(
        (float(gradient[token].norm()) for token in set(given["input_ids"][0].tolist())),
        reverse=True,
    )
    assert [word.importance for word in found.words] == pytest.approx(expected, rel=1e-3)


@pytest.fixture(scope="module")
def jigsaw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Trainer's output with unnamed classes, and the data as a file of 0 and 1."""
    folder, data = tmp_path_factory.mktemp("jigsaw"), Data("set")
    tokens = tokenizer("wordpiece")
    model = model_of(BY_NAME["Bert"], tokens, tuple(f"LABEL_{place}" for place in range(3)))
    fine_tune(BY_NAME["Bert"], folder / "out", data, model=model)
    with open(folder / "train.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", *CLASSES])
        for row, text in enumerate(data.texts):
            rows.writerow([f"r{row}", text, *map(int, data.labels[row])])
    return folder


def test_from_a_table_of_0_and_1_to_proponents_on_the_command_line(jigsaw: Path) -> None:
    told = wordtrace(
        "record", jigsaw / "out", "--data", jigsaw / "train.csv", "--out", jigsaw / "run",
        "--label", "sport,film,money", "--max-length", 24,
    )  # fmt: skip
    assert "3 labels (sport, film, money), several a text" in told.stdout
    wordtrace("index", jigsaw / "run", "--workers", 1)
    index = jigsaw / "run" / "index"
    asked = wordtrace("trace", index, TEXTS[0], "--label", "not film", "--json")
    (query,) = json.loads(asked.stdout)["queries"]
    assert query["label"] == "not film"
    assert query["proponents"][0]["label"].startswith("{")
    filed = wordtrace(
        "trace", index, "--queries", jigsaw / "train.csv", "--label-column", "sport,film,money",
        "--limit", 4, "--json",
    )  # fmt: skip
    found = json.loads(filed.stdout)["queries"]
    assert {one["label_source"] for one in found} == {"file"}
    wrong = wordtrace("trace", index, TEXTS[0], "--label", "kind", status=2)
    assert "there is no label 'kind'; give one of sport, film, money" in wrong.stderr


def test_unnamed_classes_in_a_list_are_not_guessed_but_suggested(jigsaw: Path) -> None:
    rows = rows_of(Data("set"), "set")
    with pytest.raises(InputError, match="name them in the model's order by label_names; judg"):
        wt.record(jigsaw / "out", rows, jigsaw / "other", max_length=24)
    run = wt.record(jigsaw / "out", rows, jigsaw / "other", max_length=24, label_names=CLASSES)
    np.testing.assert_array_equal(run.train.labels, Data("set").labels)


def test_labels_of_the_wrong_kind_are_told(jigsaw: Path) -> None:
    rows = [{"text": text, "label": row % 3} for row, text in enumerate(Data("set").texts)]
    with pytest.raises(wt.WordtraceError, match="row 0: column 'label' holds int 0; a list of"):
        wt.record(jigsaw / "out", rows, jigsaw / "wrong")
