"""Indexes in fewer bytes: what is stored, what it costs in fidelity, and what a build will take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.index.test_life import TEXTS, further, scores_of
from wordtrace import api
from wordtrace.errors import InputError, MismatchError, NumericalError
from wordtrace.index import fidelity, projection
from wordtrace.index.build import weights
from wordtrace.index.describe import describe_index
from wordtrace.index.estimate import makespan
from wordtrace.index.postings import make_block


def exact(run: api.Run, text: str) -> np.ndarray:
    return api.influence(run, text)[0]


def test_a_build_in_bfloat16_says_so_and_what_it_costs(run: api.Run, tmp_path: Path) -> None:
    built = {
        kind: api.build_index(
            run, tmp_path / kind, top_k=None, dtype="float32", precision=kind, workers=1
        ).folder
        for kind in ("float32", "bfloat16")
    }
    for mine, right in zip(built["bfloat16"].blocks(0), built["float32"].blocks(0), strict=True):
        one, other = (float(block.norm.square().sum()) for block in (mine, right))
        # Eight bits of mantissa, where float32 has 24.
        assert 1e-6 < abs(one / other - 1) < 0.02
    claimed = built["bfloat16"].manifest.fidelity
    assert claimed is not None
    assert built["float32"].manifest.fidelity is None
    assert 0.9 < claimed["overlap"] <= 1
    assert 0.99 < claimed["spearman"] < 1
    assert describe_index(built["bfloat16"])["precision"] == "bfloat16"
    more = api.Examples.of(["a striker"], [0], run.label_names, ids=["more"], source="more")
    api.Index.open(tmp_path / "bfloat16").add(more, workers=1)
    with pytest.raises(MismatchError, match="precision"):
        api.build_index(run, tmp_path / "bfloat16", top_k=None, dtype="float32", workers=1)
    with pytest.raises(InputError, match="precision is 'float16'; it must be float32 or bfl"):
        api.build_index(run, tmp_path / "x", precision="float16", workers=1)
    assert api.estimate_index(run, precision="bfloat16", workers=1)["fidelity"]


def test_int8_is_off_by_half_a_step_in_each_component(
    run: api.Run, tmp_path: Path, index: api.Index
) -> None:
    small = api.build_index(run, tmp_path / "x", top_k=4, dtype="int8", shard_size=29, workers=1)
    for mine, right in zip(small.folder.blocks(1), index.folder.blocks(1), strict=True):
        assert mine.direction.dtype == torch.int8
        assert int(mine.direction.abs().amax(1).min()) == 127
        for token in range(run.tokenizer.size):
            one, other = mine.postings(token), right.postings(token)
            order = torch.argsort(one.example.long()), torch.argsort(other.example.long())
            step = one.norm[order[0]].unsqueeze(1)
            found = one.direction[order[0]] * step
            gradient = (other.direction * other.norm.unsqueeze(1))[order[1]]
            assert ((found - gradient).abs() <= step * 0.5001).all()
            assert (one.norm[:-1] >= one.norm[1:]).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"dtype": "int8"},
        {"project": 9, "dtype": "float32"},
        {"precision": "bfloat16", "dtype": "float32", "top_k": None},
    ],
)
def test_a_smaller_index_scores_nearly_the_same(
    run: api.Run, tmp_path: Path, settings: dict[str, object]
) -> None:
    small = api.build_index(run, tmp_path / "x", workers=1, **settings)
    for text in TEXTS:
        right = exact(run, text)
        found = scores_of(small, text)
        values = np.array([found.get(id, 0.0) for id in run.train.ids])
        assert np.corrcoef(values, right)[0, 1] > 0.98
        assert not np.array_equal(values.astype(np.float32), right)
        hit = small.trace(text).proponents[0]
        assert sum(word.contribution for word in hit.contributions) == pytest.approx(
            hit.score, rel=1e-3
        )
    claimed = small.folder.manifest.fidelity
    assert claimed is not None
    assert 0.9 < claimed["overlap"] <= 1


def test_all_dimensions_but_one_in_a_basis_that_holds_them_are_exact(run: api.Run) -> None:
    drawn = fidelity.sample(run, None)
    examples = drawn.blocks()[0]
    (basis, *_) = projection.fit("pca", run.config.dim - 1, examples)
    torch.testing.assert_close(basis.T @ basis, torch.eye(run.config.dim - 1), atol=1e-5, rtol=0)
    # The direction that is left out is the one with the least squared gradient.
    gradient = examples[0].direction.double() * examples[0].norm.unsqueeze(1)
    left = gradient.square().sum() - (gradient @ basis.double()).square().sum()
    smallest = torch.linalg.svdvals(gradient)[-1].square()
    assert float(left) == pytest.approx(float(smallest), rel=1e-3, abs=1e-9)


def test_random_projections_keep_dot_products_on_average(run: api.Run) -> None:
    examples = fidelity.sample(run, None).blocks()[0][:1]
    gradient = examples[0].direction * examples[0].norm.unsqueeze(1)
    ratios = []
    for seed in range(30):
        (basis,) = projection.fit("random", 4, examples, seed)
        ratios.append(float((gradient @ basis).square().sum() / gradient.square().sum()))
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.std(ratios) / 30**0.5 + 0.02)
    assert np.std(ratios) > 0


def test_the_samples_scores_are_those_of_the_measure(run: api.Run) -> None:
    drawn = fidelity.sample(run, 3)
    found = fidelity.scores(weights(run), *drawn.blocks())
    assert run.held_out is not None
    asked = run.held_out.take(np.arange(found.shape[0]))
    right = api.influence(run, asked, "tracin-we-topk", top_k=3)
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-7)


def test_a_gradient_that_is_not_finite_is_named_in_the_sample(run: api.Run) -> None:
    """It would reach the projection's fit, and all that an index stores through it."""
    opened = api.Run.open(run.path)
    table = next(opened.model(opened.checkpoints[0]).embedding.parameters())
    word = int(opened.tokenizer.encode(["striker"]).ids[1])
    with torch.no_grad():
        table[word] = float("nan")
    step = opened.checkpoints[0].step
    with pytest.raises(NumericalError, match=f"example .* is NaN or infinite at step {step}") as no:
        fidelity.sample(opened, 3)
    holding = [
        opened.train.ids[row] for row in range(len(opened.train)) if word in opened.encoded[row]
    ]
    assert any(repr(name) in str(no.value) for name in holding)


def test_equal_scores_are_fully_faithful_and_reversed_ones_not_at_all() -> None:
    scores = np.random.default_rng(0).standard_normal((3, 200))
    same = fidelity.compare(scores, scores * 2)
    assert (same.spearman, same.overlap) == (1.0, 1.0)
    reverse = fidelity.compare(scores, -scores)
    assert (reverse.spearman, reverse.overlap) == (-1.0, 0.0)


def test_calibration_takes_the_smallest_k_that_is_good_enough(run: api.Run) -> None:
    found = api.calibrate(run, dtype="float32", overlap=0.9)
    assert found["rows"][-1]["top_k"] is None
    assert found["rows"][-1]["overlap"] == found["rows"][-1]["spearman"] == 1
    good = [row["top_k"] for row in found["rows"] if row["overlap"] >= 0.9]
    assert found["chosen"] == good[0]
    sizes = [row["bytes_per_example"] for row in found["rows"]]
    assert sizes == sorted(sizes)
    with pytest.raises(InputError, match="overlap is 0; give a share over 0"):
        api.calibrate(run, overlap=0)


def test_a_projected_index_can_be_added_to_and_merged(run: api.Run, tmp_path: Path) -> None:
    small = api.build_index(run, tmp_path / "x", project=5, dtype="int8", workers=1)
    small.add(further(), workers=1)
    before = scores_of(small, TEXTS[0])
    assert any(id.startswith("new-") for id in before)
    small.merge(7)
    assert scores_of(small, TEXTS[0]) == pytest.approx(before, rel=1e-4, abs=1e-9)
    assert small.folder.check() == []


def test_the_estimate_of_disk_is_right_and_nothing_is_left(run: api.Run, tmp_path: Path) -> None:
    before = sorted(run.path.rglob("*"))
    expected = api.estimate_index(run, workers=1, shard_size=40)
    assert sorted(run.path.rglob("*")) == before
    index = api.build_index(run, tmp_path / "x", workers=1, shard_size=40)
    shards = sum(shard.bytes for shard in index.folder.manifest.shards)
    # The tables' fixed parts are all there is of so small an index, beside the shards.
    assert shards * 0.9 < expected["bytes"] < shards * 1.25 + 30_000
    assert expected["shards"] == len(index.folder.manifest.shards)
    assert expected["seconds"] > 0
    assert expected["memory_bytes_a_worker"] > 10_000_000


def test_tasks_go_to_the_first_free_worker() -> None:
    assert makespan([3, 1, 1, 1], 2) == 3
    assert makespan([1, 1, 1], 1) == 3


def test_a_gradient_outside_the_kept_dimensions_is_stored_as_nothing() -> None:
    from wordtrace.gradients.tokens import TokenGradients

    kept = TokenGradients(torch.tensor([0]), torch.tensor([2]), torch.tensor([[0.0, 3.0]]))
    basis = torch.tensor([[1.0], [0.0]])
    for dtype in ("float16", "int8"):
        block = make_block([(torch.tensor([0]), kept)], 0, 1, 4, dtype, basis)
        assert block.direction.tolist() == [[0]]
        assert block.norm.tolist() == [0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"project": 12}, "project is 12; the gradients have 12 dimensions: give 1 to 11"),
        ({"project": 3, "projection": "ica"}, "projection is 'ica'; it must be pca or random"),
    ],
)
def test_wrong_projections_are_refused(run: api.Run, tmp_path: Path, wrong, message: str) -> None:
    with pytest.raises(InputError, match=message):
        api.build_index(run, tmp_path / "x", **wrong)
