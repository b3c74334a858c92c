"""wordtrace evaluate, as its user meets it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.evaluation.conftest import SMALL
from tests.forked import Forked
from tests.patience import wait_until
from tests.report.tools import terminal
from tests.retrained import retrained
from wordtrace.errors import InputError, NumericalError, WordtraceError
from wordtrace.evaluation.halves import draw
from wordtrace.report.page import render_html
from wordtrace.retrainers.retrain import Retraining, retrain
from wordtrace.retrainers.retrainer import Retrainer
from wordtrace.verification import tasks
from wordtrace.verification.removal import pool_of
from wordtrace.verification.retrainings import seeds_of


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Retraining]:
    seen: list[Retraining] = []

    def train(task: Retraining, retrainer: Retrainer) -> dict[str, Any]:
        seen.append(task)
        return retrain(task, retrainer)

    monkeypatch.setattr(tasks, "retrain", train)
    return seen


def test_what_is_told_is_what_the_retrainings_said(run: wt.Run, done: wt.Evaluation) -> None:
    document = done.document()
    assert document["format"] == "wordtrace-evaluation"
    assert list(document["measures"]) == SMALL["measures"]
    assert set(document["controls"]) == {"random", "own class"}
    assert json.loads(done.to_json()) == document
    table = done.table()
    assert table.num_rows == 2 * 2 * 2 * 4 * 2  # measures, signs, k, queries, seeds
    rows = table.to_pylist()
    for name, by_sign in document["measures"].items():
        for sign, line in by_sign.items():
            mine = [row for row in rows if (row["measure"], row["sign"]) == (name, sign)]
            assert line["auc"]["mean"] == pytest.approx(np.mean([row["effect"] for row in mine]))
            over = np.mean([row["effect"] - row["random"] for row in mine])
            assert line["over_random"]["mean"] == pytest.approx(over)
            for point in line["curve"]:
                at_k = [row["effect"] for row in mine if row["k"] == point["k"]]
                assert point["mean"] == pytest.approx(np.mean(at_k))
                assert point["low"] <= point["mean"] <= point["high"]


def test_an_effect_is_the_difference_of_two_plain_retrainings(
    run: wt.Run, done: wt.Evaluation
) -> None:
    """One removal, retrained by hand; β is not 1, so the models of all seeds are needed too."""
    document = done.document()
    asked = done.queries
    probes = tuple((text, None) for text in asked.texts)
    scores = wt.influence(run, list(asked.texts), "tracin-we-topk", label=_named(run, asked))
    rows = tuple(sorted(np.argsort(-scores[0], kind="stable")[:2].tolist()))

    def said(seed: int, removed: tuple[int, ...]) -> float:
        task = Retraining(str(run.path), run.fingerprint, seed, removed, probes)
        return float(np.asarray(retrained(run, task)["probabilities"])[0, asked.labels[0]])

    base = {seed: said(seed, ()) for seed in document["seeds"]}
    mean = float(np.mean(list(base.values())))
    assert document["queries"][0]["probability"] == pytest.approx(mean)
    beta = document["efficiency"][0]["beta"]
    seed = document["seeds"][1]
    expected = said(seed, rows) - mean - beta * (base[seed] - mean)
    (found,) = [
        row["effect"]
        for row in done.table().to_pylist()
        if (row["measure"], row["sign"]) == ("tracin-we-topk", "proponents")
        and (row["k"], row["query"], row["seed"]) == (2, asked.ids[0], seed)
    ]
    assert found == pytest.approx(expected, abs=1e-6)


def _named(run: wt.Run, asked: wt.Examples) -> list[str]:
    return [run.label_names[label] for label in asked.labels]


def test_studies_share_what_they_have_in_common(
    own: wt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counted(monkeypatch)
    first = wt.evaluate(own, 3, **SMALL).document()
    assert len(seen) == first["retrainings"] == len({task.training for task in seen})
    seen.clear()
    again = wt.evaluate(own, 3, **SMALL).document()
    assert seen == []
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    more = wt.evaluate(own, 3, **{**SMALL, "k": [2, 5, 7]}).document()
    assert 0 < len(seen) == more["retrainings"] - first["retrainings"]
    assert all(len(task.removed) == 5 for task in seen)


def size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def further(process: Forked, ledger: Path, size: int) -> bool:
    """Return whether something was recorded, or the process has ended."""
    return size_of(ledger) > size or process.poll() is not None


def test_a_study_killed_again_and_again_ends_with_the_same_figures(
    own: wt.Run, tmp_path: Path
) -> None:
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(own.path, undisturbed)
    expected = wt.evaluate(undisturbed, 3, **SMALL).document()
    generator = np.random.default_rng(6)
    code = (
        "import sys, wordtrace as wt; wt.evaluate(sys.argv[1], 3, lds=0, "
        "measures=['tracin-we-topk', 'tracin-last'], k=[2, 7], repeats=2, workers=int(sys.argv[2]))"
    )
    kills = 0
    for attempt in range(int(os.environ.get("WORDTRACE_KILLS", "3"))):
        # With workers, which are new processes that load the library, and without.
        process = Forked(code, own.path, 1 if attempt % 3 else 2, group=True)
        ledger = own.path / "retrainings.sqlite"
        wait_until(partial(further, process, ledger, size_of(ledger)))
        time.sleep(generator.uniform(0, 0.4))
        kills += process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert kills > 0
    found = wt.evaluate(own, 3, **SMALL).document()
    for name in ("measures", "controls", "comparisons", "efficiency", "queries", "leave_out"):
        assert found[name] == expected[name]


def test_a_seed_that_can_not_be_trained_is_left_out_and_reported(
    own: wt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = seeds_of(own, 3)[1]

    def sick(task: Retraining, retrainer: Retrainer) -> dict[str, Any]:
        if task.seed == bad and task.removed:
            raise NumericalError("the loss is nan at step 3.")
        return retrain(task, retrainer)

    monkeypatch.setattr(tasks, "retrain", sick)
    found = wt.evaluate(own, 3, **{**SMALL, "repeats": 3}).document()
    assert [one["seed"] for one in found["dropped"]] == [bad]
    assert "nan at step 3" in found["dropped"][0]["reason"]
    assert set(found["repeats"].values()) == {2}
    assert bad not in found["seeds"]
    assert f"Seed {bad} is left out" in terminal(found)
    with pytest.raises(WordtraceError, match=r"fewer than two seeds are left: 1 .* nan at step 3"):
        wt.evaluate(own, 3, **SMALL)


def test_the_adaptive_study_gives_seeds_where_intervals_are_widest(own: wt.Run) -> None:
    wide = wt.evaluate(own, 3, width=1.9, max_repeats=6, **SMALL).document()
    assert set(wide["repeats"].values()) == {2}
    widths = {
        f"{name} {sign}": line["auc"]["seeds_high"] - line["auc"]["seeds_low"]
        for name, by_sign in wide["measures"].items()
        for sign, line in by_sign.items()
    }
    ranked = sorted(widths.values())
    between = (ranked[-1] + ranked[-2]) / 2
    found = wt.evaluate(own, 3, width=between, max_repeats=6, **SMALL).document()
    assert found["repeats"][max(widths, key=widths.__getitem__)] > 2
    narrow = wt.evaluate(own, 3, width=1e-6, max_repeats=6, **SMALL).document()
    assert set(narrow["repeats"].values()) == {6}


def test_only_the_texts_of_least_overlap_are_named(own: wt.Run) -> None:
    found = wt.evaluate(own, 2, candidates=9, **{**SMALL, "k": [4, 20]}).document()
    for by_sign in found["removed"].values():
        for counts in by_sign.values():
            assert max(counts[1]) <= 9
    assert "9 training texts of least TF-IDF overlap" in render_html([found])


def test_a_score_of_halves_is_told_of_plain_retrainings(run: wt.Run, done: wt.Evaluation) -> None:
    """Two halves, retrained by hand; and the measures' scores summed by hand."""
    assert done.truth is not None
    document = done.document()["lds"]
    assert list(done.lds) == list(document["measures"]) == SMALL["measures"]
    assert (document["halves"], document["stratified"], document["by"]) == (5, True, "class")
    asked, halves = done.queries, done.truth.halves
    probes = tuple((text, None) for text in asked.texts)
    for place in (0, 4):
        removed = tuple(np.flatnonzero(~halves.kept[place]).tolist())
        for at, seed in enumerate(document["seeds"]):
            task = Retraining(str(run.path), run.fingerprint, seed, removed, probes)
            said = np.asarray(retrained(run, task)["probabilities"])
            p = said[np.arange(len(asked)), asked.labels]
            found = {name: one[:, place, at] for name, one in done.truth.outcomes.items()}
            np.testing.assert_allclose(found["probability"], p, atol=1e-6)
            np.testing.assert_allclose(found["log-odds"], np.log(p / (1 - p)), atol=1e-3)
    scores = wt.influence(run, list(asked.texts), label=_named(run, asked), measure="tracin-last")
    summed = [scores[0, one].sum() for one in halves.kept]
    expected = spearmanr(summed, done.truth.outcomes["log-odds"][0].mean(1)).statistic
    assert done.lds["tracin-last"]["by_query"][0] == pytest.approx(expected)


def test_other_measures_on_the_same_halves_train_nothing(
    own: wt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves: dict[str, Any] = {"lds": 4, "repeats": 2, "workers": 1}
    seen = counted(monkeypatch)
    first = wt.evaluate(own, measures=["bm25"], **halves)
    assert len(seen) == 8
    assert len(first.document()["queries"]) == 24  # all that are held out
    seen.clear()
    more = wt.evaluate(own, measures=["bm25", "tracin-last", "random"], **halves)
    assert seen == []
    assert more.lds["bm25"] == first.lds["bm25"]
    fewer = wt.evaluate(own, 5, measures=["bm25"], **halves)
    assert seen == []
    assert len(fewer.document()["queries"]) == 5
    wt.evaluate(own, measures=["bm25"], **{**halves, "lds": 5})
    assert len(seen) == 2


def test_deletion_curves_are_of_few_of_the_queries(own: wt.Run) -> None:
    study = {**SMALL, "measures": ["bm25"], "k": [2], "lds": 3, "signs": ["proponents"]}
    found = wt.evaluate(own, k_queries=2, **study)
    document = found.document()
    assert len(document["queries"]) == 24
    assert len(document["deleted"]) == 2
    ids = [document["queries"][place]["id"] for place in document["deleted"]]
    assert set(found.table().column("query").to_pylist()) == set(ids)
    assert len(document["measures"]["bm25"]["proponents"]["by_query"]) == 2
    asked = own.held_out.take(np.array(document["deleted"]))
    alone = wt.evaluate(own, asked, **{**study, "lds": 0}).document()
    assert alone["measures"] == document["measures"]


def test_a_half_that_can_not_be_trained_is_left_out_and_told(
    own: wt.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = seeds_of(own, 2)
    bad = [draw(pool_of(own), 5, 0).removed()[1]]

    def sick(task: Retraining, retrainer: Retrainer) -> dict[str, Any]:
        if task.seed == first and task.removed in bad:
            raise NumericalError("the loss is nan at step 3.")
        return retrain(task, retrainer)

    monkeypatch.setattr(tasks, "retrain", sick)
    halves: dict[str, Any] = {"measures": ["bm25"], "lds": 5, "repeats": 2, "workers": 1}
    found = wt.evaluate(own, 4, **halves)
    assert (found.document()["lds"]["halves"], found.document()["lds"]["lost"]) == (4, 1)
    assert "One half could not be trained" in terminal(found.document())
    assert found.truth is not None
    np.testing.assert_array_equal(
        found.truth.halves.kept, draw(pool_of(own), 5, 0).kept[[0, 2, 3, 4]]
    )
    bad += draw(pool_of(own), 12, 0).removed()[5:]  # most halves of the seed: it is left out
    found = wt.evaluate(own, 4, **{**halves, "lds": 12})
    assert (found.document()["lds"]["halves"], found.document()["lds"]["seeds"]) == (12, [second])
    assert found.reliability is None


def test_planted_labels_are_found_by_each_measures_self_influence(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """AUROC by scikit-learn, from the diagonal of the scores of all training rows."""
    from sklearn.metrics import roc_auc_score

    right = make_examples(150, seed=9)
    labels = right.labels.copy()
    flipped = np.random.default_rng(4).choice(150, 15, replace=False)
    labels[flipped] = (labels[flipped] + 1) % 3
    noisy = wt.Examples.of(right.texts, labels, right.label_names, ids=right.ids, source="noisy")
    shape: dict[str, Any] = {"dim": 12, "vocabulary": 200, "epochs": 5, "batch_size": 8}
    folder = tmp_path_factory.mktemp("noisy") / "run"
    trained = wt.train(noisy, folder, eval_fraction=0.2, learning_rate=0.09, **shape)
    wrong = [id for id in (right.ids[row] for row in flipped) if id in trained.train.ids]
    names = ["tracin-we", "tracin-last"]
    small = {**SMALL, "measures": names, "k": [2]}
    found = wt.evaluate(trained, 3, wrong=wrong, **small).document()
    judged = found["mislabelled"]
    assert judged["wrong"] == len(wrong)
    train = trained.train
    marked = np.isin(train.ids, wrong)
    for name in names:
        whole = wt.influence(trained, train, measure=name)
        expected = roc_auc_score(marked, whole.diagonal())
        assert 0.5 < expected < 1
        assert judged["rankings"][name]["auroc"]["mean"] == pytest.approx(expected, abs=1e-6)
    assert "Mislabelled rows by self-influence" in render_html([found])
    file = tmp_path_factory.mktemp("truth") / "right.jsonl"
    lines = [
        json.dumps({"id": id, "text": text, "label": right.label_names[label]})
        for id, text, label in zip(right.ids, right.texts, right.labels, strict=True)
    ]
    file.write_text("\n".join(lines) + "\n")
    said = wordtrace(
        *("evaluate", trained.path, "--queries", "3", "--measures", ",".join(names)),
        *("--lds", "0", "--k", "2", "--repeats", "2", "--workers", "1"),
        *("--truth", file, "--json"),
    )
    assert json.loads(said.stdout)["mislabelled"] == judged
    with pytest.raises(InputError, match="has no row 'nobody'"):
        wt.evaluate(trained, 3, wrong=["nobody"], **small)
    with pytest.raises(InputError, match="0 of 120 rows are known to be wrong"):
        wt.evaluate(trained, 3, wrong=[], **small)


def test_scores_of_another_tool_enter_the_same_study(run: wt.Run) -> None:
    assert run.held_out is not None
    asked = run.held_out.take(np.arange(4))
    mine = wt.influence(run, list(asked.texts), label=_named(run, asked), measure="tracin-we-topk")
    found = wt.evaluate(run, asked, scores={"theirs": mine}, **SMALL).document()
    assert found["measures"]["theirs"] == found["measures"]["tracin-we-topk"]
    assert found["removed"]["theirs"] == found["removed"]["tracin-we-topk"]
    alone = wt.evaluate(run, asked, scores={"theirs": mine}, **{**SMALL, "measures": []})
    assert list(alone.document()["measures"]) == ["theirs"]
