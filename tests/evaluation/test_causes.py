"""Known causes of a query, and how well measures find them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from wordtrace.errors import InputError
from wordtrace.evaluation.causes import marked, recalled
from wordtrace.report.page import render_html


def test_causes_are_recalled_as_scikit_learn_says() -> None:
    train, asked = make_examples(50), make_examples(12, seed=8).take(np.arange(4))
    generator = np.random.default_rng(0)
    causes = {
        asked.ids[query]: [train.ids[row] for row in generator.choice(50, 5, replace=False)]
        for query in range(3)
    }
    found = marked(train, asked, causes)
    assert found.sum(1).tolist() == [5, 5, 5, 0]
    scores = (generator.standard_normal((4, 50)) + found).astype(np.float32)
    said = recalled(found, {"mine": scores, "perfect": found.astype(np.float32)})
    assert (said["queries"], said["causes"]) == (3, 5.0)
    mine = said["measures"]["mine"]
    expected = [roc_auc_score(found[query], scores[query]) for query in range(3)]
    assert mine["auroc"]["mean"] == pytest.approx(np.mean(expected))
    first = [found[query][np.argsort(-scores[query])[:10]].sum() / 5 for query in range(3)]
    assert mine["recall"]["10"]["mean"] == pytest.approx(np.mean(first))
    assert list(mine["recall"]) == ["10"]
    assert said["measures"]["perfect"]["auroc"]["mean"] == 1


def test_causes_that_make_no_sense_are_told() -> None:
    train, asked = make_examples(50), make_examples(12, seed=8).take(np.arange(4))
    with pytest.raises(InputError, match=r"causes names the row 'no' for the query .* no such row"):
        marked(train, asked, {asked.ids[0]: ["no"]})
    with pytest.raises(InputError, match="names no cause of any of the queries"):
        marked(train, asked, {"nobody": [train.ids[0]]})
    with pytest.raises(InputError, match="names all training rows for the query"):
        marked(train, asked, {asked.ids[1]: train.ids})


def test_causes_stand_beside_the_scores_of_halves(run: wt.Run, tmp_path: Path) -> None:
    assert run.held_out is not None
    file = tmp_path / "causes.json"
    file.write_text(json.dumps(dict.fromkeys(run.held_out.ids, run.train.ids[:3])))
    common = [run.path, "--measures", "bm25,random", "--causes", file, "--workers", "1"]
    said = wordtrace("evaluate", *common, "--lds", "3", "--repeats", "1", "--json")
    document = json.loads(said.stdout)
    assert document["causes"]["queries"] == 24
    page = render_html([document])
    for head in ("causes: AUROC [95 %]", "causes in first 10 [95 %]"):
        assert head in page
        assert head in render_html([{**document, "lds": None}])
    file.write_text("[1]")
    refused = wordtrace("evaluate", *common, "--lds", "3", status=2)
    assert "must hold for each query's id a list of rows' ids" in refused.stderr
