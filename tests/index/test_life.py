"""The life of an index: examples added and removed, shards merged, all or nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.changed_run import change_run
from tests.conftest import make_examples
from tests.forked import Forked
from tests.trees import tree
from wordtrace import api
from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import InputError

TEXTS = ["the striker and the coach win a match", "profit of the bank and the bank of growth"]


def further(count: int = 31) -> api.Examples:
    """Examples of the same kind, under ids of their own."""
    made = make_examples(count, seed=9)
    ids = [f"new-{row}" for row in range(count)]
    return api.Examples.of(made.texts, made.labels, made.label_names, ids=ids, source="more.csv")


def scores_of(index: api.Index, text: str, measure: str | None = None) -> dict[str, float]:
    trace = index.trace(text, measure=measure, top=1000)
    return {hit.id: hit.score for hit in [*trace.proponents, *trace.opponents]}


@pytest.fixture
def built(run: api.Run, tmp_path: Path) -> api.Index:
    return api.build_index(run, tmp_path / "index", shard_size=17, dtype="float32", workers=1)


@pytest.fixture(scope="session")
def together(run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> api.Index:
    """The oracle: the index of a run whose training data hold the further examples, too."""
    folder = tmp_path_factory.mktemp("together")
    shutil.copytree(run.path, folder / "run", ignore=shutil.ignore_patterns("index*"))
    both = [run.train, further()]
    joined = api.Examples.of(
        [text for one in both for text in one.texts],
        np.concatenate([one.labels for one in both]),
        run.label_names,
        ids=[id for one in both for id in one.ids],
    )
    joined.write_parquet(folder / "run/train.parquet")

    def change(document: dict[str, Any]) -> None:
        document["train"]["rows"] = len(joined)
        document["files"]["train.parquet"] = fingerprint.of_file(folder / "run/train.parquet")

    change_run(folder / "run", change)
    return api.build_index(folder / "run", shard_size=1000, dtype="float32", workers=1)


def test_added_examples_score_as_if_they_had_been_there(
    built: api.Index, together: api.Index
) -> None:
    built.add(further(), workers=2)
    assert built.folder.count == together.folder.count
    for text in TEXTS:
        found, expected = scores_of(built, text), scores_of(together, text)
        assert found.keys() == expected.keys()
        assert any(id.startswith("new-") for id in found)
        for id, score in expected.items():
            assert found[id] == pytest.approx(score, rel=1e-4, abs=1e-9)
    assert built.folder.check() == []
    documents = built.folder.document_frequency
    np.testing.assert_array_equal(documents, together.folder.document_frequency)
    hit = built.trace(TEXTS[0], top=1000).proponents[0]
    assert sum(word.contribution for word in hit.contributions) == pytest.approx(
        hit.score, rel=1e-4
    )


def test_merging_changes_no_score_and_gives_the_files_of_one_build(
    built: api.Index, together: api.Index
) -> None:
    built.add(further(), workers=1)
    before = {text: scores_of(built, text) for text in TEXTS}
    built.merge(1000)
    assert len(built.folder.manifest.shards) == 3
    for text in TEXTS:
        after = scores_of(built, text)
        assert after.keys() == before[text].keys()
        for id, score in after.items():
            assert score == pytest.approx(before[text][id], rel=1e-4, abs=1e-9)
    for place in range(3):
        mine, other = (next(one.folder.blocks(place)) for one in (built, together))
        np.testing.assert_array_equal(mine.token_offsets, other.token_offsets)
        np.testing.assert_allclose(mine.norm, other.norm, rtol=1e-4, atol=1e-8)
    assert built.folder.table["id"].to_pylist() == together.folder.table["id"].to_pylist()
    assert built.folder.check() == []


def test_a_merge_splits_and_joins_to_the_bytes_of_a_build(run: api.Run, tmp_path: Path) -> None:
    # Gradients don't depend on the shard here: one thread, and every text's batch the same.
    index = api.build_index(run, tmp_path / "a", shard_size=1000, workers=1)
    first = tree(tmp_path / "a")
    index.merge(7)
    assert len(index.folder.manifest.shards) == 3 * 14
    index.merge(1000)
    for name, data in tree(tmp_path / "a").items():
        if name.endswith("safetensors"):
            assert data == first[name]
    revision = index.folder.manifest.revision
    assert index.merge(1000).folder.manifest.revision == revision == 2


def test_removed_examples_are_gone_at_once_and_dropped_by_a_merge(built: api.Index) -> None:
    # Weights by idf would change with the examples that there are.
    plain = "tracin-we-topk"
    before = {text: scores_of(built, text, plain) for text in TEXTS}
    postings = sum(shard.postings for shard in built.folder.manifest.shards)
    gone = [next(iter(before[TEXTS[0]])), next(reversed(before[TEXTS[1]])), "row-1"]
    gone = [id for id in gone if id in built.folder.rows]
    frequency = built.folder.document_frequency.copy()
    total = built.folder.count
    built.remove(gone)
    for merged in (False, True):
        assert built.folder.count == total - len(set(gone))
        for text in TEXTS:
            left = {id: score for id, score in before[text].items() if id not in gone}
            assert scores_of(built, text, plain) == pytest.approx(left, rel=1e-4, abs=1e-9)
            streamed = built.trace(text, measure="tracin-last", top=1000)
            listed = [*streamed.proponents, *streamed.opponents]
            assert not {hit.id for hit in listed} & set(gone)
            assert streamed.examples == built.folder.count
        rows = built.mislabels(top=1000).rows
        assert len(rows) == built.folder.count
        assert not {row.id for row in rows} & set(gone)
        assert (built.folder.document_frequency <= frequency).all()
        assert built.folder.document_frequency.sum() < frequency.sum()
        assert built.folder.check() == []
        assert (sum(s.postings for s in built.folder.manifest.shards) < postings) is merged
        built.merge()
    assert api.Index.open(built.folder.path).folder.manifest.removed is None


def test_removing_what_was_added_leaves_the_first_index(built: api.Index, tmp_path: Path) -> None:
    before = tree(built.folder.path)
    more = further(9)
    built.add(more, workers=1).remove(more.ids).merge()
    after = tree(built.folder.path)
    assert after.keys() == before.keys()
    for name in before:
        if name.endswith(".safetensors"):
            assert after[name] == before[name]


def test_an_id_may_come_again_after_its_removal(built: api.Index) -> None:
    id = built.run.train.ids[0]
    built.remove([id]).merge()
    again = api.Examples.of(["the match"], [0], built.run.label_names, ids=[id])
    built.add(again, workers=1)
    assert id in scores_of(built, "the match")


def test_faults_are_told_and_change_nothing(built: api.Index) -> None:
    before = tree(built.folder.path)
    names = built.run.label_names
    known = built.run.train.ids[3]
    for wrong, message in (
        (api.Examples.of(["a"], [0], names, ids=[known]), "is in the index already"),
        (api.Examples.of(["a"], [-1], names, ids=["x"]), "the example 'x' has no label"),
        (api.Examples.of(["a"], [0], ("A", "B"), ids=["x"]), "has the labels A, B; the run has"),
        (api.Examples.of(["a"], [0], names, ids=["x"], texts2=["b"]), "was trained on single"),
    ):
        with pytest.raises(InputError, match=message):
            built.add(wrong)
    with pytest.raises(InputError, match="has no example with the id 'nobody'"):
        built.remove(["nobody"])
    with pytest.raises(InputError, match="would leave no example"):
        built.remove(built.run.train.ids)
    with pytest.raises(InputError, match="shard_size is 0"):
        built.merge(0)
    with (
        atomic.exclusive(built.folder.path),
        pytest.raises(InputError, match="another process is writing"),
    ):
        built.remove([known])
    stale = api.Index.open(built.folder.path)
    assert tree(built.folder.path) == before
    built.remove([known])
    with pytest.raises(InputError, match="no example with the id"):
        stale.remove([known])


def test_an_index_of_version_1_is_read_but_not_changed(built: api.Index) -> None:
    before = scores_of(built, TEXTS[0])
    path = built.folder.path
    manifest = json.loads((path / "manifest.json").read_text())
    for key in ("parts", "tokens", "removed", "revision", "samples", "checksum"):
        del manifest[key]
    del manifest["files"]["texts.safetensors"]
    (path / "texts.safetensors").unlink()
    atomic.write_json(path / "manifest.json", {**manifest, "version": 1})
    old = api.Index.open(path)
    assert scores_of(old, TEXTS[0]) == before
    with pytest.raises(InputError, match="was built by an older wordtrace"):
        old.remove([built.run.train.ids[0]])


KILLED = """
import sys
from wordtrace import api
from tests.index.test_life import further
index = api.Index.open(sys.argv[1])
if sys.argv[2] == "add":
    index.add(further(), workers=1)
elif sys.argv[2] == "remove":
    index.remove(index.run.train.ids[:3])
else:
    index.merge(5)
"""


@pytest.mark.slow
@pytest.mark.parametrize("change", ["add", "remove", "merge"])
def test_a_change_killed_at_any_moment_is_done_or_not_done(
    run: api.Run, tmp_path: Path, change: str
) -> None:
    start = api.build_index(run, tmp_path / "start", shard_size=9, workers=1)

    def apply(path: Path) -> Forked:
        return Forked(KILLED, path, change)

    shutil.copytree(start.folder.path, tmp_path / "whole")
    Forked("").wait()  # the first waits until the library is loaded
    began = time.monotonic()
    assert apply(tmp_path / "whole").wait() == 0
    seconds = time.monotonic() - began
    states = (tree(start.folder.path), tree(tmp_path / "whole"))
    generator = np.random.default_rng(4)
    for attempt in range(int(os.environ.get("WORDTRACE_KILLS", "4"))):
        path = tmp_path / f"killed-{attempt}"
        shutil.copytree(start.folder.path, path)
        process = apply(path)
        time.sleep(seconds * generator.uniform(0.5, 1.0))
        process.kill()
        opened = api.Index.open(path)
        assert opened.folder.check() == []
        done = opened.folder.manifest.revision > 0
        named = {*opened.folder.manifest.files, "manifest.json"}
        named |= {shard.file for shard in opened.folder.manifest.shards}
        found = {name: data for name, data in tree(path).items() if name in named}
        assert found == states[done]
        if not done:
            assert apply(path).wait() == 0
            assert tree(path) == states[1]
        shutil.rmtree(path)


def test_what_a_kill_left_of_a_file_goes_with_the_next_change(built: api.Index) -> None:
    stray, other = (built.folder.path / name for name in (".tokens.parquet.7.tmp", ".gitignore"))
    for path in (stray, other):
        path.write_text("half")
    built.remove([built.run.train.ids[0]])
    assert (stray.exists(), other.exists()) == (False, True)


def test_a_merge_killed_before_its_folder_took_its_place_is_done_again(
    run: api.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = api.build_index(run, tmp_path / "index", shard_size=9, workers=1)
    shutil.copytree(index.folder.path, tmp_path / "whole")
    whole = tree(api.Index.open(tmp_path / "whole", run.path).merge(30).folder.path)

    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("wordtrace.disk.atomic.commit_folder", killed)
        with pytest.raises(KeyboardInterrupt):
            index.merge(30)
    assert (tmp_path / "index.part" / "manifest.json").exists()
    assert tree(index.merge(30).folder.path) == whole
