"""TracIn over layers equals dot products of full gradients from plain autograd (invariant 1)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.influence import TracInCP, TracInCPFast
from torch.utils.data import DataLoader, TensorDataset

from tests.oracles import dense
from tests.oracles.weights import since
from tests.tiny_models import bert, gpt2, tiny_run
from wordtrace import api
from wordtrace.errors import InputError, NumericalError
from wordtrace.gradients.layers import known_layers
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Queries, make_queries
from wordtrace.models.cnn import CNN

TEXTS = [
    "the striker and the coach win a match . the market of shares",
    "profit of the bank and the bank of growth",
    "actor of the season , a drama",
    "zebra",
]


@pytest.fixture(scope="module", params=["cnn", "bert", "gpt2"])
def any_run(request: pytest.FixtureRequest):
    if request.param == "cnn":
        return request.getfixturevalue("run")
    return tiny_run({"bert": bert, "gpt2": gpt2}[request.param])


def queries_of(run) -> Queries:
    return make_queries(run, TEXTS, np.array([0, 1, 2, 0]))


def expected(run, queries: Queries, names: list[str]) -> np.ndarray:
    scores = np.zeros((len(queries), len(run.train)))
    for point in run.checkpoints:
        model = run.model(point)

        def gradient(ids, label, model=model) -> torch.Tensor:
            found = dense.parameter_gradients(model, ids.tolist(), int(label), names)
            return torch.cat([one.flatten() for one in found])

        asked = [gradient(queries.encoded[q], queries.labels[q]) for q in range(len(queries))]
        for row in range(len(run.train)):
            held = gradient(run.encoded[row], run.train.labels[row])
            for q, one in enumerate(asked):
                scores[q, row] += since(run, point) * float(one @ held)
    return scores


def parameters(run, layers: list[str], *, bias: bool) -> list[str]:
    names = dict(run.model(run.final).module.named_parameters())
    wanted = [f"{layer}.weight" for layer in layers]
    wanted += [f"{layer}.bias" for layer in layers] if bias else []
    return [name for name in wanted if name in names]


def layers_of(run, name: str) -> list[str]:
    model = run.model(run.final)
    if name == "first":
        return [path for path, one in model.module.named_modules() if one is model.embedding]
    return list(known_layers(model)) if name == "all" else list(model.named_layers[name])


@pytest.mark.proves("tracin-first", "tracin-second", "tracin-third", "tracin-last")
@pytest.mark.parametrize(
    "name", ["tracin-first", "tracin-second", "tracin-third+bias", "tracin-last", "tracin-all"]
)
def test_scores_equal_full_gradients(any_run, name: str) -> None:
    queries = queries_of(any_run)
    layers = layers_of(any_run, name.removeprefix("tracin-").removesuffix("+bias"))
    right = expected(any_run, queries, parameters(any_run, layers, bias=name.endswith("+bias")))
    assert np.abs(right).max() > 1e-4
    found = measure(name).score(any_run, queries)
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


@pytest.mark.proves("tracin:LAYER,…")
@pytest.mark.parametrize("make", [bert, gpt2])
def test_every_kind_of_layer_with_and_without_bias(make) -> None:
    run = tiny_run(make, 12)
    queries = queries_of(run)
    kinds = {type(module): name for name, module in known_layers(run.model(run.final)).items()}
    assert len(kinds) >= 3
    for name in kinds.values():
        for bias in (False, True):
            right = expected(run, queries, parameters(run, [name], bias=bias))
            found = measure(f"tracin:{name}" + "+bias" * bias).score(run, queries)
            np.testing.assert_allclose(
                found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max(), err_msg=name
            )


def test_a_named_layer_is_the_layer(run: api.Run) -> None:
    queries = queries_of(run)
    for one, other in [
        ("tracin:embedding", "tracin-we"),
        ("tracin:convolutions.0", "tracin-second"),
        ("tracin:convolutions.1+bias", "tracin-third+bias"),
        ("tracin:linear+bias", "tracin-last+bias"),
    ]:
        right = measure(other).score(run, queries)
        found = measure(one).score(run, queries)
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())
    parts = sum(
        measure(f"tracin:{name}").score(run, queries)
        for name in ("embedding", "convolutions.0,convolutions.1", "convolutions.2", "linear")
    )
    whole = measure("tracin-all").score(run, queries)
    np.testing.assert_allclose(parts, whole, rtol=1e-3, atol=1e-5 * np.abs(whole).max())


@pytest.mark.proves("tracin-all")
def test_captum_agrees_on_all_layers(run: api.Run) -> None:
    queries = queries_of(run)
    model = CNN(run.config)

    def load(module: CNN, checkpoint) -> float:
        run.load_into(module, checkpoint)
        return since(run, checkpoint)

    def tensors(encoded, labels) -> tuple[torch.Tensor, ...]:
        ids, mask = encoded.padded(np.arange(len(labels)))
        return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(labels)

    data = DataLoader(
        TensorDataset(*tensors(run.encoded, run.train.labels)), batch_size=len(run.train)
    )
    slow = TracInCP(
        model,
        data,
        run.checkpoints,
        load,
        loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
    )
    fast = TracInCPFast(
        model,
        model.linear,
        data,
        run.checkpoints,
        load,
        loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"),
    )
    for captum, name in ((slow, "tracin-all+bias"), (fast, "tracin-last")):
        right = captum.influence(tensors(queries.encoded, queries.labels)).numpy()
        found = measure(name).score(run, queries)
        np.testing.assert_allclose(
            found, right, rtol=2e-3, atol=2e-5 * np.abs(right).max(), err_msg=name
        )


@pytest.mark.parametrize("name", ["tracin-all+bias", "tracin-last", "influence-last"])
def test_scores_are_symmetric_and_never_negative_on_oneself(any_run, name: str) -> None:
    queries = Queries(any_run.train.texts, None, any_run.train.labels, any_run.encoded)
    scores = measure(name).score(any_run, queries)
    np.testing.assert_allclose(scores, scores.T, rtol=1e-3, atol=1e-5 * np.abs(scores).max())
    assert (np.diag(scores) >= 0).all()
    assert (scores < 0).any()


@pytest.mark.parametrize("name", ["tracin-all", "influence:convolutions.0", "tracin-we-syn"])
def test_batches_and_memory_do_not_change_a_score(
    run: api.Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = queries_of(run)
    right = measure(name).score(run, queries)
    monkeypatch.setattr("wordtrace.models.predict.TOKENS_A_BATCH", 64)
    found = measure(name, Options(memory=3 << 20)).score(run, queries)
    np.testing.assert_allclose(found, right, rtol=2e-3, atol=1e-4 * np.abs(right).max())


def test_little_memory_answers_few_queries_at_a_time(run: api.Run) -> None:
    from wordtrace.measures.tracin_layers import modules_of, query_groups

    modules = modules_of(run.model(run.final), ("all",))
    lengths = np.full(50, 14)
    assert len(query_groups(modules, lengths, 1 << 30)) == 1
    groups = query_groups(modules, lengths, 1 << 20)
    assert len(groups) > 1
    assert np.concatenate(groups).tolist() == list(range(50))


def test_an_unknown_layer_lists_the_known_ones(run: api.Run) -> None:
    for name in ("tracin:convolution", "influence:convolution"):
        with pytest.raises(InputError, match=r"no layer 'convolution'.*embedding.*linear"):
            measure(name).score(run, queries_of(run))
    with pytest.raises(InputError, match="names no layer"):
        measure("tracin:")
    with pytest.raises(InputError, match="names 2 layers, and takes one"):
        measure("influence:a,b")
    with pytest.raises(InputError, match="is an embedding, too large"):
        measure("influence:embedding").score(run, queries_of(run))


def test_a_loss_that_is_nan_names_the_example() -> None:
    run = tiny_run(bert, 9)
    weight = dict(run.models[1].module.named_parameters())["classifier.weight"]
    weight[:] = float("nan")
    with pytest.raises(NumericalError, match=r"example 'row-\d' is NaN or infinite at step 20"):
        measure("tracin-second").score(run, queries_of(run))


def test_the_biases_of_layers_without_any_count_nothing() -> None:
    run = tiny_run(gpt2, 8)
    queries = queries_of(run)
    np.testing.assert_array_equal(
        measure("tracin:score").score(run, queries),
        measure("tracin:score+bias").score(run, queries),
    )
