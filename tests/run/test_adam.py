"""--weighting adam: products of dense gradients weighted by the optimizer's own step sizes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.oracles.dense import embedding_weight_gradient, top_k_gradient
from tests.oracles.weights import since
from wordtrace import api
from wordtrace.errors import CorruptError, InputError, NumericalError
from wordtrace.run import adam
from wordtrace.run.checkpoint import load_tensors, save_tensors
from wordtrace.training.fit import Training, fit

QUERIES = ["the striker of the market", "a drama with a coach , and growth"]


def trained(out: Path, **choices: Any) -> api.Run:
    # The first checkpoint stands for two steps, the others for one each.
    given = {"optimizer": "adamw", "learning_rate": 3e-3, "schedule": "linear", "epochs": 2}
    given["checkpoints"] = (2, 3, 4)
    return api.train(
        make_examples(40), out, dim=6, filters=4, eval_fraction=0, **{**given, **choices}
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> api.Run:
    return trained(tmp_path_factory.mktemp("adam") / "run")


def second_moments(run: api.Run) -> dict[int, torch.Tensor]:
    """√v̂ + ε at each checkpoint, from a second training by torch's AdamW, dense, float64."""
    from wordtrace.models.cnn import CNN

    model = CNN(run.config)
    model.module.load_state_dict(run.weights(0))
    training, found = Training(model), {}

    def note(step: int, rate: float, loss: float) -> bool:
        state = training.state
        v = state["embedding.weight/exp_avg_sq"].double()
        found[step] = (v / (1 - 0.999 ** float(state["embedding.weight/step"]))).sqrt() + 1e-8
        found[step] = torch.where(v > 0, found[step], torch.inf)
        return False

    recipe = run.recipe
    fit(training, run.encoded, run.train.labels, recipe, after_step=note)
    return found


@pytest.mark.parametrize("top_k", [None, 3])
def test_scores_are_dense_products_over_adams_step_sizes(
    run: api.Run, tmp_path: Path, top_k: int | None
) -> None:
    steps = second_moments(run)
    index = api.build_index(
        run, tmp_path / "index", weighting="adam", top_k=top_k, dtype="float32", workers=1
    )
    asked = run.tokenizer.encode(QUERIES)
    expected = np.zeros((2, len(run.train)))
    selfish = np.zeros(len(run.train))
    for point in run.checkpoints:
        model, step = run.model(point), steps[point.step]

        def gradient(ids: Any, label: int, model: Any = model) -> Any:
            if top_k is None:
                return embedding_weight_gradient(model, ids.tolist(), label)
            return top_k_gradient(model, ids.tolist(), label, top_k)

        held = [
            gradient(run.encoded[row], label) for row, label in enumerate(run.train.labels.tolist())
        ]
        for place in range(2):
            query = gradient(asked[place], place) / step
            expected[place] += since(run, point) * np.array(
                [float((query * one).sum()) for one in held]
            )
        selfish += since(run, point) * np.array(
            [float((one.square() / step).sum()) for one in held]
        )
    labels = [run.label_names[0], run.label_names[1]]
    measure = "tracin-we" if top_k is None else "tracin-we-topk"
    trace = index.trace(QUERIES, label=labels, measure=measure, top=100)
    found = np.zeros_like(expected)
    for place, query in enumerate(trace.queries):
        for hit in [*query.proponents, *query.opponents]:
            found[place, run.train.row_of(hit.id)] = hit.score
            assert hit.contributions is not None
            assert sum(word.contribution for word in hit.contributions) == pytest.approx(
                hit.score, rel=1e-4
            )
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)
    name = "self_influence" if top_k is None else "self_influence_topk"
    held = index.folder.column(name)
    np.testing.assert_allclose(held, selfish, rtol=1e-4)
    assert (held >= 0).all()
    plain = api.influence(run, QUERIES, "tracin-we", label=labels)
    assert np.abs(plain / np.abs(plain).max() - expected / scale).max() > 0.01


def test_another_k_streams_with_the_same_weights(run: api.Run, tmp_path: Path) -> None:
    built: dict[int, Any] = {
        k: api.build_index(
            run, tmp_path / f"k{k}", weighting="adam", top_k=k, dtype="float32", workers=1
        )
        for k in (2, 4)
    }
    label = run.label_names[1]
    one = built[2].trace(QUERIES[0], label=label, top_k=4)
    other = built[4].trace(QUERIES[0], label=label)
    assert (one.source, other.source) == ("run", "index")
    for a, b in zip(one.proponents, other.proponents, strict=True):
        assert (a.id, a.score) == (b.id, pytest.approx(b.score, rel=1e-4))


def test_examples_added_later_are_weighted_too(run: api.Run, tmp_path: Path) -> None:
    index = api.build_index(run, tmp_path / "i", weighting="adam", dtype="float32", workers=1)
    first = run.train.take(np.arange(3))
    copies = api.Examples.of(
        first.texts, first.labels, first.label_names, ids=["x0", "x1", "x2"], source="copies"
    )
    index.add(copies, workers=1)
    hits = api.Index.open(tmp_path / "i").trace(first.texts[0], top=100).queries[0]
    scores = {hit.id: hit.score for hit in [*hits.proponents, *hits.opponents]}
    assert scores["x0"] == pytest.approx(scores[first.ids[0]], rel=1e-5)


def test_by_command(run: api.Run, tmp_path: Path) -> None:
    said = wordtrace(
        "index", run.path, "--out", tmp_path / "i", "--weighting", "adam", "--workers", 1
    )
    assert ", by Adam's step sizes; float16" in said.stdout
    assert json.loads(wordtrace("info", tmp_path / "i", "--json").stdout)["weighting"] == "adam"
    said = wordtrace("trace", tmp_path / "i", QUERIES[0], "--json")
    hit = json.loads(said.stdout)["queries"][0]["proponents"][0]
    found = api.Index.open(tmp_path / "i").trace(QUERIES[0]).proponents[0]
    assert (hit["id"], hit["score"]) == (found.id, pytest.approx(found.score, rel=1e-4))
    said = wordtrace("index", run.path, "--out", tmp_path / "i", status=2)
    assert "weighting" in said.stderr


def test_projection_and_estimate_take_the_weights(run: api.Run, tmp_path: Path) -> None:
    index = api.build_index(run, tmp_path / "p", weighting="adam", project=4, workers=1)
    fidelity = index.folder.manifest.fidelity
    assert fidelity is not None
    assert fidelity["spearman"] > 0.5
    assert index.trace(QUERIES[0]).proponents
    assert api.estimate_index(run, weighting="adam", workers=1)["bytes"] > 0
    assert api.calibrate(run, weighting="adam")["rows"]


def test_rows_that_adam_has_not_met_weigh_nothing(run: api.Run) -> None:
    point = run.checkpoints[0]
    seen = load_tensors(run.path / point.folder / adam.FILE)["rows"]
    scale = run.weighted("adam").row_scale(point)
    assert scale is not None
    assert scale.shape == (run.config.vocabulary, run.dim)
    unmet = np.setdiff1d(np.arange(len(scale)), seen.numpy())
    assert 0 < len(unmet) < len(scale)
    assert not scale[unmet].any()
    assert run.row_scale(point) is None


@pytest.mark.parametrize(
    "choices", [{"optimizer": "sgd", "learning_rate": 0.05}, {"freeze_embeddings": True}]
)
def test_where_there_are_none_it_is_said(tmp_path: Path, choices: dict[str, Any]) -> None:
    run = trained(tmp_path / "run", **choices)
    with pytest.raises(InputError, match=r"keeps no step sizes of Adam .* weighting=.rate-sum"):
        api.build_index(run, weighting="adam", workers=1)
    with pytest.raises(InputError, match="must be rate-sum, rate or adam"):
        api.build_index(run, weighting="adamw", workers=1)
    assert not (tmp_path / "run" / "index").exists()


def test_another_tables_file_is_refused(run: api.Run, tmp_path: Path) -> None:
    file = tmp_path / adam.FILE
    held = load_tensors(run.path / run.checkpoints[0].folder / adam.FILE)
    refused: list[Callable[[dict[str, torch.Tensor]], object]] = [
        lambda tensors: tensors.pop("epsilon"),
        lambda tensors: tensors.update(rows=tensors["rows"] + 10_000),
        lambda tensors: tensors.update(second_moment=tensors["second_moment"][:, :2]),
    ]
    for change in refused:
        tensors = dict(held)
        change(tensors)
        save_tensors(file, tensors)
        with pytest.raises(CorruptError, match="is not of this run's word embedding"):
            adam.root_steps(file, run.config.vocabulary, run.dim)
    state = {"exp_avg_sq": torch.full((3, 2), torch.nan), "step": torch.tensor(4.0)}
    with pytest.raises(NumericalError, match="second moments hold NaN"):
        adam.keep(tmp_path, state, 0.99, 1e-7)


def test_a_trainers_optimizer_and_the_callback_tell_the_same(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from tests.huggingface.architectures import ARCHITECTURES, fine_tune

    examples = make_examples(32)
    callback = wt.TraceCallback(tmp_path / "live", examples, steps=(2, 4, 6), max_length=24)
    options = {"adam_beta2": 0.97, "adam_epsilon": 1e-7, "optim": "adamw_torch"}
    trainer = fine_tune(
        ARCHITECTURES[0], tmp_path / "out", examples, callbacks=[callback], **options
    )
    run = api.record(tmp_path / "out", examples, tmp_path / "run", max_length=24)
    live = callback.run
    assert live is not None
    names = [name for name, _ in trainer.model.named_parameters()]
    decayed = [
        name for name in names if name in set(trainer.get_decay_parameter_names(trainer.model))
    ]
    place = decayed.index("bert.embeddings.word_embeddings.weight")
    met = 0
    for point in run.checkpoints:
        saved = torch.load(
            tmp_path / "out" / f"checkpoint-{point.step}" / "optimizer.pt", weights_only=True
        )
        state = saved["state"][place]
        v = state["exp_avg_sq"].double() / (1 - 0.97 ** float(state["step"]))
        expected = torch.where(v > 0, (v.sqrt() + 1e-7) ** -0.5, 0.0)
        for one in (run, live):
            scale = one.weighted("adam").row_scale(point)
            assert scale is not None
            torch.testing.assert_close(scale.double(), expected, rtol=1e-4, atol=0)
        met += 1
    assert met == 3
    assert wt.build_index(run, weighting="adam", workers=1).trace("the striker").proponents


def test_of_two_tables_of_one_shape_the_embedding_is_found(tmp_path: Path) -> None:
    """An untied language model's output layer has the embedding's shape."""
    transformers = pytest.importorskip("transformers")
    from wordtrace.models.completions import HuggingFaceGenerator

    config = transformers.LlamaConfig(
        vocab_size=12,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=False,
    )
    module = transformers.LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(module.parameters(), betas=(0.8, 0.9), eps=1e-5)
    ids = torch.tensor([[1, 5, 7, 2]])
    module(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    place = adam.Place.of(HuggingFaceGenerator(module))
    assert (place.number, place.count) == (0, 2)
    assert adam.keep_from(tmp_path, tmp_path, place)
    assert load_tensors(tmp_path / adam.FILE)["rows"].tolist() == [1, 5, 7]
    # Frozen, it has no state: the other table's must not be taken for it.
    optimizer = torch.optim.AdamW([module.lm_head.weight])
    optimizer.step()
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    assert not adam.keep_from(tmp_path, tmp_path, place)
    # In groups of their own the two lie in another order than in the model.
    groups = [{"params": [module.lm_head.weight]}, {"params": [module.model.embed_tokens.weight]}]
    optimizer = torch.optim.AdamW(groups)
    optimizer.step()
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    assert not adam.keep_from(tmp_path, tmp_path, place)
    (tmp_path / "optimizer.pt").write_bytes(b"no such thing")
    assert not adam.keep_from(tmp_path, tmp_path, place)
