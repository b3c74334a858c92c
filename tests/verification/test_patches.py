"""A patch is trained as it says, beside as many other rows that are changed in the same way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import wordtrace
from tests.pools import of_classes
from tests.retrained import retrained
from wordtrace import api
from wordtrace.act.patch import Patch, PatchChange
from wordtrace.errors import InputError, MismatchError
from wordtrace.retrainers.retrain import Retraining
from wordtrace.verification import tasks
from wordtrace.verification.changed_rows import (
    Changed,
    alike_changes,
    random_changes,
    refuse_empty,
)
from wordtrace.verification.removal import alike_rows, pool_of, random_rows

TEXTS = ["the striker and the coach win a match", "profit of the bank and the bank of growth"]


def change(run: api.Run, row: int, action: str, after: str | None = None) -> PatchChange:
    train = run.train
    before = train.texts[row] if action == "edit" else train.label_names[int(train.labels[row])]
    field = "text" if action == "edit" else "label"
    return PatchChange(train.ids[row], action, before, after, field=field)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def patch(run: api.Run) -> Patch:
    names, labels = run.label_names, run.train.labels.tolist()
    changes = [change(run, row, "relabel", names[(labels[row] + 1) % 3]) for row in (4, 9, 30)]
    return Patch((*changes, change(run, 12, "remove"), change(run, 2, "remove")))


@pytest.fixture(scope="module")
def proof(run: api.Run, index: api.Index, patch: Patch) -> api.Verification:
    trace = index.trace(TEXTS, ["sport", "money"], top=2)
    return api.verify(trace, patch=patch, repeats=2, workers=1, index=index)


def test_the_models_are_trained_with_the_patch(
    run: api.Run, proof: api.Verification, patch: Patch
) -> None:
    document = proof.document()
    assert document["patch"]["removed"] == [run.train.ids[2], run.train.ids[12]]
    assert document["patch"]["relabelled"] == {
        one.id: one.after for one in patch if one.action == "relabel"
    }
    assert (document["remove"], document["k"], document["retrainings"]) == ("patch", 5, 8)
    relabelled = tuple((row, (int(run.train.labels[row]) + 1) % 3) for row in (4, 9, 30))
    probes = tuple((text, None) for text in TEXTS)
    task = Retraining(str(run.path), run.fingerprint, 6, (2, 12), probes, relabelled)
    said = retrained(run, task)["probabilities"]
    for place, name in enumerate(("sport", "money")):
        value = document["queries"][place]["without"]["values"][0]
        assert value == pytest.approx(said[place][run.label_names.index(name)])


def test_a_patch_tells_of_held_out_rows_for_many_queries(
    run: api.Run, proof: api.Verification
) -> None:
    """It is one change, whatever is asked of the models."""
    held_out = proof.document()["held_out"]
    assert run.manifest.held_out is not None
    assert held_out["rows"] == run.manifest.held_out.rows
    assert [len(one["values"]) for one in held_out["controls"]] == [2, 2]


def test_a_patch_is_told_as_one(proof: api.Verification, tmp_path: Path) -> None:
    said = repr(proof)
    assert said.startswith("The patch (3 rows relabelled, 2 removed) ")
    assert "As many changes of random rows of the same labels: " in said
    proof.save(tmp_path / "proof.html")
    page = (tmp_path / "proof.html").read_text()
    assert "the same of random rows of the same labels" in page
    assert "The 3 rows relabelled" in page
    proof.save(tmp_path / "proof.json")
    assert repr(api.load(tmp_path / "proof.json")) == said
    assert set(proof.table()["left_out"].to_pylist()) == {"patch", "random", "same labels"}


def test_the_command_says_the_same(
    run: api.Run, index: api.Index, proof: api.Verification, patch: Patch, tmp_path: Path
) -> None:
    index.trace(TEXTS, ["sport", "money"], top=2).save(tmp_path / "trace.json")
    patch.write(tmp_path / "patch.jsonl")
    given = (tmp_path / "trace.json", "--patch", tmp_path / "patch.jsonl", "--run", run.path)
    done = wordtrace("verify", *given, "--repeats", 2, "--workers", 1, "--json")
    assert json.loads(done.stdout)["queries"] == proof.document()["queries"]
    done = wordtrace("verify", *given, "--remove", "opponents", status=2)
    assert "--patch says which rows are changed, and so does --remove" in done.stderr


def test_a_patch_of_removals_shares_its_models_with_a_removal(
    run: api.Run, index: api.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = index.trace(TEXTS[0], "sport", top=5)
    removal = api.verify(trace, k=5, repeats=2, workers=1, index=index)
    rows = run.rows_of([hit.id for hit in trace.opponents])
    patch = Patch(tuple(change(run, row, "remove") for row in rows.tolist()))
    monkeypatch.setattr(tasks, "retrain", pytest.fail)  # nothing is trained again
    proof = api.verify(trace, patch=patch, repeats=2, workers=1, index=index)
    for name in ("base", "without", "controls"):
        assert proof.document()["queries"][0][name] == removal.document()["queries"][0][name]


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 8), st.integers(0, 12))
def test_controls_change_as_many_rows_in_the_same_way(
    seed: int, removals: int, relabels: int
) -> None:
    labels = np.arange(90) % 3
    pool = of_classes(labels)
    drawn = np.random.default_rng(seed).choice(90, removals + relabels, replace=False).tolist()
    new = [(row, int(labels[row] + 1 + row % 2) % 3) for row in drawn[removals:]]
    wanted = Changed(tuple(sorted(drawn[:removals])), tuple(sorted(new)))
    random, alike = random_changes(pool, wanted, seed), alike_changes(pool, wanted, seed)
    assert (random, alike) == (
        random_changes(pool, wanted, seed),
        alike_changes(pool, wanted, seed),
    )
    for control in (random, alike):
        rows = [*control.removed, *(row for row, _ in control.relabelled)]
        assert len(set(rows)) == len(rows) == len(wanted)
        assert all(labels[row] != label for row, label in control.relabelled)
        assert sorted(label for _, label in control.relabelled) == sorted(
            label for _, label in wanted.relabelled
        )
    moves = [
        sorted((labels[row], label) for row, label in one.relabelled) for one in (wanted, alike)
    ]
    assert moves[0] == moves[1]
    if not relabels:  # the draws of removals: stored results are found again
        if removals:
            assert random == Changed(random_rows(pool, removals, seed, wanted.removed))
            assert alike == Changed(alike_rows(pool, wanted.removed, seed))
    else:
        assert wanted not in (random, alike)


def test_a_control_of_all_rows_of_a_label_is_drawn_from_others() -> None:
    labels = np.array([0] * 20 + [1, 1, 2, 2])
    pool = of_classes(labels)
    wanted = Changed(relabelled=((20, 0), (22, 0)))
    for seed in range(20):
        control = alike_changes(pool, wanted, seed)
        assert control != wanted
        kept = labels.copy()
        for row, label in control.relabelled:
            kept[row] = label
        assert set(kept) == {0, 1, 2}
    with pytest.raises(InputError, match="a label of the run has no example any more"):
        refuse_empty(pool, Changed((20,), ((21, 0),)))
    with pytest.raises(InputError, match="as many others can't be changed alike"):
        random_changes(pool, Changed(relabelled=tuple((row, 0) for row in (20, 21, 22, 23))), 0)


def test_what_no_training_can_repeat_is_refused(
    run: api.Run, index: api.Index, patch: Patch
) -> None:
    trace = index.trace(TEXTS[0], "sport", top=2)
    edit = change(run, 3, "edit", "another text")
    with pytest.raises(InputError, match="the patch edits texts \\(1, that of row 'row-"):
        api.verify(trace, patch=Patch((edit,)), index=index)
    assert Patch((*patch.changes, edit)).only("remove", "relabel") == patch
    with pytest.raises(InputError, match="the patch changes no row"):
        api.verify(trace, patch=Patch(()), index=index)
    with pytest.raises(InputError, match="patch says which rows are changed, and so does k"):
        api.verify(trace, patch=patch, k=3, index=index)
    stale = Patch((change(run, 3, "remove"), PatchChange("row-999", "remove", "sport", None)))
    with pytest.raises(MismatchError, match="row 'row-999' is not there; take such lines out"):
        api.verify(trace, patch=stale, index=index)
    names = run.label_names
    every = np.flatnonzero(pool_of(run).labels == 0).tolist()
    gone = Patch(tuple(change(run, row, "relabel", names[1]) for row in every))
    with pytest.raises(InputError, match="a label of the run has no example any more"):
        api.verify(trace, patch=gone, index=index)
