"""wordtrace behind Captum's interface, beside Captum's own TracInCP on the embedding layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from captum.influence import DataInfluence, TracInCP
from torch.utils.data import DataLoader, TensorDataset

import wordtrace as wt
from tests.oracles.weights import since
from wordtrace.adapters.captum import RunInfluence
from wordtrace.errors import InputError
from wordtrace.models.cnn import CNN

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture(scope="module")
def theirs(run: wt.Run) -> TracInCP:
    ids, mask = run.encoded.padded(np.arange(len(run.train)))
    data = TensorDataset(
        torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(run.train.labels)
    )

    def load(module: CNN, checkpoint: Any) -> float:
        run.load_into(module, checkpoint)
        return since(run, checkpoint)

    return TracInCP(
        CNN(run.config),
        DataLoader(data, batch_size=len(data)),
        run.checkpoints,
        load,
        layers=["embedding"],
        loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
    )


@pytest.fixture(scope="module")
def batch(run: wt.Run) -> Batch:
    assert run.held_out is not None
    encoded = run.tokenizer.encode(run.held_out.texts[:7])
    ids, mask = encoded.padded(np.arange(7))
    labels = torch.from_numpy(run.held_out.labels[:7])
    return torch.from_numpy(ids), torch.from_numpy(mask), labels


def test_a_captum_user_gets_what_captum_gives(run: wt.Run, theirs: TracInCP, batch: Batch) -> None:
    ours = RunInfluence(run, "tracin-we")
    assert isinstance(ours, DataInfluence)
    expected = theirs.influence(batch)
    found = ours.influence(batch)
    scale = float(expected.abs().max())
    assert found.dtype == expected.dtype
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5 * scale)
    torch.testing.assert_close(
        ours.influence(batch, aggregate=True),
        theirs.influence(batch, aggregate=True),
        rtol=1e-3,
        atol=1e-5 * scale,
    )


@pytest.mark.parametrize("proponents", [True, False])
@pytest.mark.parametrize("k", [3, 10_000])
def test_the_strongest_are_theirs(
    run: wt.Run, theirs: TracInCP, batch: Batch, k: int, proponents: bool
) -> None:
    expected = theirs.influence(batch, k=k, proponents=proponents)
    found = RunInfluence(run, "tracin-we").influence(batch, k=k, proponents=proponents)
    assert type(found) is type(expected)
    assert found.indices.shape == expected.indices.shape == (7, min(k, len(run.train)))
    torch.testing.assert_close(
        found.influence_scores, expected.influence_scores, rtol=1e-3, atol=1e-5
    )
    # Row by row, copies of a text apart, which have equal scores.
    matrix = theirs.influence(batch)
    torch.testing.assert_close(
        matrix.gather(1, found.indices), expected.influence_scores, rtol=1e-3, atol=1e-5
    )
    assert found.indices.dtype == torch.int64


def test_texts_and_their_tokens_are_the_same_question(run: wt.Run, batch: Batch) -> None:
    assert run.held_out is not None
    texts = run.held_out.texts[:7]
    names = [run.label_names[label] for label in batch[2].tolist()]
    ours = RunInfluence(run, top_k=3)
    expected = wt.influence(run, texts, label=names, top_k=3)
    for inputs in ((texts, names), (texts, batch[2]), batch):
        np.testing.assert_allclose(ours.influence(inputs).numpy(), expected, rtol=1e-5, atol=1e-7)
    parts = DataLoader(TensorDataset(*batch), batch_size=3)
    np.testing.assert_allclose(ours.influence(parts).numpy(), expected, rtol=1e-5, atol=1e-7)


def test_an_index_answers_as_its_run(run: wt.Run, index: wt.Index, batch: Batch) -> None:
    found = RunInfluence(index, top_k=4).influence(batch)
    expected = RunInfluence(run, top_k=4).influence(batch)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("measure", ["tracin-we", "tracin-we-topk", "tracin-last"])
def test_self_influence_is_the_diagonal(run: wt.Run, measure: str) -> None:
    ours = RunInfluence(run, measure)
    train = run.train
    whole = ours.influence((train.texts, torch.from_numpy(train.labels)))
    found = ours.self_influence()
    assert found.shape == (len(train),)
    assert float(found.max()) > 2 * float(found.median())
    torch.testing.assert_close(found, whole.diagonal(), rtol=1e-4, atol=1e-6)
    if measure == "tracin-last":
        with pytest.raises(InputError, match="self-influence of training rows alone"):
            ours.self_influence((["goal"], ["sport"]))
    else:
        some = ours.self_influence((train.texts[4:9], torch.from_numpy(train.labels[4:9])))
        torch.testing.assert_close(some, found[4:9], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((["goal"], ["tennis"]), "there is no label 'tennis'"),
        ((["goal"], [7]), "there is no label 7; the run has 3"),
        ((["goal", "cup"], [1]), "there are 2 inputs but 1 labels"),
        ((["goal"],), "a batch is a tuple whose last item is the labels"),
        ((torch.ones(1, 3).long(), [1]), "token ids need their attention mask"),
        ((torch.ones(3).long(), torch.ones(3), [1]), "inputs are texts"),
        ((torch.ones(1, 3).long(), torch.zeros(1, 3), [1]), "input 0 is empty"),
        ((torch.full((1, 3), 10**6), torch.ones(1, 3), [1]), "the token ids reach 1000000"),
    ],
)
def test_what_does_not_fit_is_one_sentence(run: wt.Run, inputs: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        RunInfluence(run).influence(inputs)


def test_wrong_choices_are_refused(run: wt.Run, batch: Batch) -> None:
    with pytest.raises(InputError, match="k is 0; it must be at least 1"):
        RunInfluence(run).influence(batch, k=0)
    with pytest.raises(InputError, match="bm25 reads texts; give texts in place of token ids"):
        RunInfluence(run, "bm25").influence(batch)
    with pytest.raises(InputError, match="there is no option 'topk'; give top_k"):
        RunInfluence(run, topk=3)
