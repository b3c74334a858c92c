"""wordtrace as quanda meets it: its metrics call an explainer by these methods."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

import wordtrace as wt
from wordtrace.adapters.quanda import RunExplainer
from wordtrace.errors import InputError


def test_quandas_calls_are_answered(run: wt.Run) -> None:
    """Made as its metrics make it, asked with a Hugging Face tokenizer's mapping."""
    assert run.held_out is not None
    texts, labels = run.held_out.texts[:5], run.held_out.labels[:5]
    made = RunExplainer(
        model=torch.nn.Linear(1, 1),
        train_dataset=run.train,
        checkpoints=None,
        checkpoints_load_func=None,
        run=run.path,
        measure="tracin-we-topk",
        top_k=3,
    )
    ids, mask = run.tokenizer.encode(texts).padded(np.arange(5))
    test_data = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    found = made.explain(test_data, torch.from_numpy(labels))
    names = [run.label_names[label] for label in labels]
    expected = wt.influence(run, texts, "tracin-we-topk", label=names, top_k=3)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-7)
    own = made.self_influence(batch_size=8)
    train = made.explain(run.train.texts, run.train.labels)
    torch.testing.assert_close(own, train.diagonal(), rtol=1e-4, atol=1e-6)


def test_another_training_set_is_refused(run: wt.Run) -> None:
    with pytest.raises(InputError, match=r"has 3 rows but .* was trained on 96"):
        RunExplainer(train_dataset=[1, 2, 3], run=run)
    with pytest.raises(InputError, match="wordtrace explains text_classification"):
        RunExplainer(task="image_classification", run=run)


def test_it_has_the_methods_of_quandas_own() -> None:
    base = pytest.importorskip("quanda.explainers.base", reason="quanda is not installed").Explainer
    for name in ("__init__", "explain", "self_influence"):
        theirs = [
            one
            for one in inspect.signature(getattr(base, name)).parameters.values()
            if one.kind is one.POSITIONAL_OR_KEYWORD
        ]
        ours = inspect.signature(getattr(RunExplainer, name)).parameters
        assert [one.name for one in theirs] == list(ours)[: len(theirs)]


def test_its_metrics_accept_it(run: wt.Run) -> None:
    metrics = pytest.importorskip("quanda.metrics.downstream_eval", reason="quanda is not there")
    planted = [3, 20, 41]
    data = torch.utils.data.TensorDataset(torch.zeros(len(run.train), 1))
    metric = metrics.MislabelingDetectionMetric(
        model=torch.nn.Linear(1, 1),
        train_dataset=data,
        mislabeling_indices=planted,
        explainer_cls=RunExplainer,
        expl_kwargs={"run": run, "measure": "tracin-we"},
    )
    order = np.argsort(-RunExplainer(run=run, measure="tracin-we").self_influence().numpy())
    # The curve's mean, by hand: what part of the planted rows is among the first n.
    expected = np.isin(order, planted).cumsum() / len(planted)
    assert metric.compute()["score"] == pytest.approx(expected.mean(), abs=0.02)
