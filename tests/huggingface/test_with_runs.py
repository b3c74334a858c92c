"""Trainings of a Trainer with several seeds, joined: the mean of what each says alone."""

from __future__ import annotations

import numpy as np
import pytest

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune
from wordtrace.errors import MismatchError

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

TEXTS = ["the striker of the market", "a drama with a coach , and growth"]


@pytest.mark.parametrize("weighting", ["rate", "adam"])
def test_an_index_of_two_seeds_is_the_mean_of_both(trained: list[wt.Run], weighting: str) -> None:
    place = trained[0].path.parent / weighting
    index = wt.build_index(
        *(trained[0], place),
        with_runs=trained[1:],
        top_k=6,
        dtype="float32",
        weighting=weighting,
        workers=1,
    )
    each = [wt.influence(run.weighted(weighting), TEXTS, label="sport", top_k=6) for run in trained]
    right = np.mean(each, axis=0)
    assert np.abs(each[0] - each[1]).max() > 0.01 * np.abs(right).max()
    found = wt.influence(wt.Index.open(place), TEXTS, label="sport")
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())
    hit = index.trace(TEXTS[0], "sport", top=1).proponents[0]
    assert sum(word.contribution for word in hit.contributions) == pytest.approx(
        hit.score, rel=1e-3
    )


def test_the_same_seed_again_is_told(trained: list[wt.Run]) -> None:
    with pytest.raises(MismatchError, match="is the same training as"):
        trained[0].with_runs([trained[0].path])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[wt.Run]:
    """Two recorded trainings of the same rows."""
    folder, found = tmp_path_factory.mktemp("seeds"), []
    data = make_examples(32)
    rows = [
        {"id": id, "text": text, "label": data.label_names[label]}
        for id, text, label in zip(data.ids, data.texts, data.labels, strict=True)
    ]
    for seed in (7, 8):
        out = folder / f"out-{seed}"
        fine_tune(ARCHITECTURES[0], out, data, seed=seed)
        found.append(
            wt.record(out, rows, folder / f"run-{seed}", max_length=24, checkpoints=(2, 4))
        )
    return found
