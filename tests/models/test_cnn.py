"""The paper's CNN: its size, its layers, and that padding never changes it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.dense import PlainCNN
from wordtrace.errors import InputError
from wordtrace.models.cnn import CNN, CNNConfig
from wordtrace.models.protocol import Batch


def model(seed: int = 3, **shape) -> CNN:
    built = CNN(CNNConfig(**{"vocabulary": 50, "classes": 4, "dim": 9, **shape}))
    built.initialise(seed)
    for parameter in built.parameters():
        if parameter.ndim == 1:  # biases start at 0, where a wrong one would not show
            torch.nn.init.uniform_(parameter, -0.5, 0.5)
    return built.eval()


def test_it_has_the_papers_parameters() -> None:
    built = CNN(CNNConfig(vocabulary=50, classes=4))
    sizes = {name: value.numel() for name, value in built.named_parameters()}
    biases = sum(size for name, size in sizes.items() if name.endswith("bias"))
    # Section 3.2: 21,222 parameters and 102 biases over 3 checkpoints, embeddings aside.
    assert 3 * biases == 102
    assert 3 * (sum(sizes.values()) - sizes["embedding.weight"]) == 21_222


@settings(max_examples=30)
@given(
    texts=st.lists(st.lists(st.integers(0, 49), min_size=1, max_size=12), min_size=1, max_size=5),
    extra=st.integers(0, 7),
    seed=st.integers(0, 5),
)
def test_it_equals_pytorchs_own_convolutions_whatever_the_padding(
    texts: list[list[int]], extra: int, seed: int
) -> None:
    built = model(seed)
    length = max(map(len, texts)) + extra
    ids = torch.randint(0, 50, (len(texts), length))  # rubbish, not zeros, at padding
    mask = torch.zeros(len(texts), length, dtype=torch.bool)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = True
    found = built.logits(Batch(ids, mask, torch.zeros(len(texts), dtype=torch.long)))
    plain = PlainCNN(built)
    expected = torch.cat([plain(torch.tensor([text])) for text in texts])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_seed_alone_decides_the_initial_weights() -> None:
    torch.manual_seed(1)
    first = model(8).linear.weight
    torch.manual_seed(2)
    again, other = model(8).linear.weight, model(9).linear.weight
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_given_embeddings_take_the_place_of_drawn_ones() -> None:
    built = CNN(CNNConfig(vocabulary=5, classes=2, dim=3))
    table = torch.arange(15.0).view(5, 3)
    built.initialise(0, table)
    assert torch.equal(built.embedding.weight, table)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"filters": 0}, "filters is 0; it must be 1 or more"),
        ({"classes": 1}, "classes is 1; it must be 2 or more"),
        ({"widths": (4,)}, "each must be odd"),
    ],
)
def test_an_impossible_shape_is_refused(wrong, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CNNConfig(**{"vocabulary": 5, "classes": 2, **wrong})


def test_reduced_embeddings_are_the_truncated_svd(tmp_path) -> None:
    from safetensors.torch import save_file
    from sklearn.decomposition import PCA

    from wordtrace.models.embeddings import reduced

    table = torch.randn(60, 16, generator=torch.Generator().manual_seed(4)) + 3
    save_file({"bert.embeddings.word_embeddings.weight": table}, tmp_path / "model.safetensors")
    found = reduced(tmp_path, 5, deviation=0.3).numpy()
    expected = PCA(5).fit_transform(table.double().numpy())
    assert found.std() == pytest.approx(0.3, rel=1e-2)
    for column in range(5):
        cosine = np.corrcoef(found[:, column], expected[:, column])[0, 1]
        assert abs(cosine) == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="have 16 dimensions, fewer than dim=17"):
        reduced(tmp_path, 17)


def test_the_sum_of_shifts_has_right_derivatives_forward_and_backward() -> None:
    from wordtrace.models.cnn import _ShiftSum

    parts = torch.randn(2, 6, 5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(_ShiftSum.apply, parts, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(_ShiftSum.apply, parts)
    vmapped = torch.vmap(_ShiftSum.apply)(torch.stack([parts, 2 * parts]))
    torch.testing.assert_close(vmapped[1], 2 * _ShiftSum.apply(parts))
