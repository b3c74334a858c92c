"""The index on disk: the same bytes however it was built, and refused when it is not whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.forked import Forked
from tests.oracles.weights import since
from tests.patience import wait_for_files
from tests.trees import contents, tree
from wordtrace import api
from wordtrace.errors import CorruptError, InputError, MismatchError
from wordtrace.index.postings import make_block
from wordtrace.measures.source import Streamed


@pytest.fixture
def built(run: api.Run, tmp_path: Path) -> Path:
    api.build_index(run, tmp_path / "index", shard_size=17, workers=1)
    return tmp_path / "index"


def test_serial_and_process_builds_are_byte_identical(run: api.Run, built: Path) -> None:
    # Beside the first, so that the recorded relative path of the run is the same.
    other = built.parent / "other"
    api.build_index(run, other, shard_size=17, workers=2)
    files = tree(built)
    assert len(files) == 3 * 6 + 4
    assert contents(other) == contents(built)


def test_the_number_of_shards_does_not_change_a_score(run: api.Run, tmp_path: Path) -> None:
    text = "the striker and the coach win a match"
    scores = []
    for size in (5, 1000):
        index = api.build_index(
            run, tmp_path / str(size), shard_size=size, dtype="float32", workers=1
        )
        assert len(index.folder.manifest.shards) == (3 if size == 1000 else 60)
        trace = index.trace(text, top=1000)
        scores.append({hit.id: hit.score for hit in [*trace.proponents, *trace.opponents]})
    assert scores[0].keys() == scores[1].keys()
    for id, score in scores[0].items():
        assert score == pytest.approx(scores[1][id], rel=1e-4, abs=1e-9)


def test_float16_stays_within_its_rounding(run: api.Run, built: Path) -> None:
    text = "profit of the bank and the bank of growth"
    exact = api.influence(run, text)[0]
    trace = api.Index.open(built).trace(text, top=1000)
    for hit in [*trace.proponents, *trace.opponents]:
        assert hit.score == pytest.approx(exact[run.train.row_of(hit.id)], rel=2e-2, abs=1e-5)


KILLED = """
import sys
from wordtrace import api
from wordtrace.index import build
api.build_index(api.Run.open(sys.argv[1]), sys.argv[2], shard_size=3, workers=1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("shards_before", [1, 40, 95])
def test_a_killed_build_resumes_and_ends_byte_identical(
    run: api.Run, tmp_path: Path, shards_before: int
) -> None:
    undisturbed = tmp_path / "a"
    api.build_index(run, undisturbed, shard_size=3, workers=1)
    killed = tmp_path / "b"
    process = Forked(KILLED, run.path, killed)
    part = tmp_path / "b.part"
    wait_for_files(part, "checkpoint-*/*.safetensors", shards_before, process)
    process.kill()
    assert not killed.exists()
    before = {path: path.stat().st_mtime_ns for path in part.glob("checkpoint-*/*.safetensors")}
    assert shards_before <= len(before) <= 96
    with pytest.raises(InputError, match=r"is not finished: its build was interrupted"):
        api.Index.open(killed)
    api.build_index(run, killed, shard_size=3, workers=1)
    assert not part.exists()
    kept = sum(
        (killed / path.relative_to(part)).stat().st_mtime_ns == stamp
        for path, stamp in before.items()
    )
    assert kept >= shards_before - 1
    assert contents(killed) == contents(undisturbed)


def test_of_two_builds_into_one_folder_the_second_is_refused_and_the_first_goes_on(
    run: api.Run, tmp_path: Path
) -> None:
    process = Forked(KILLED, run.path, tmp_path / "x")
    wait_for_files(tmp_path / "x.part", "checkpoint-*/*.safetensors", 1, process)
    # It waits, where the machine is busy, until it was seen to be at work.
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(InputError, match="another process is writing"):
            api.build_index(run, tmp_path / "x", shard_size=3, workers=1)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert process.wait() == 0
    api.build_index(run, tmp_path / "y", shard_size=3, workers=1)
    assert contents(tmp_path / "x") == contents(tmp_path / "y")


def test_a_second_build_into_the_same_folder_is_refused(run: api.Run, tmp_path: Path) -> None:
    from wordtrace.disk import atomic

    with atomic.exclusive(tmp_path / "x"), pytest.raises(InputError, match="another process is"):
        api.build_index(run, tmp_path / "x")
    api.build_index(run, tmp_path / "x", workers=1)


def test_a_finished_index_is_left_alone_and_another_setting_refused(
    run: api.Run, built: Path
) -> None:
    stamp = (built / "manifest.json").stat().st_mtime_ns
    api.build_index(run, built, shard_size=17)
    assert (built / "manifest.json").stat().st_mtime_ns == stamp
    with pytest.raises(MismatchError, match=r"made with top k = 10, now it is 3; choose another"):
        api.build_index(run, built, top_k=3, shard_size=17)
    api.build_index(run, built, top_k=3, shard_size=17, overwrite=True, workers=1)
    assert api.Index.open(built).folder.manifest.top_k == 3
    assert not list(built.parent.glob("*.part")) + list(built.parent.glob("*.old"))


def test_a_folder_with_other_files_is_never_replaced(run: api.Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("precious")
    with pytest.raises(InputError, match=r"holds other files and no manifest.json: it is no index"):
        api.build_index(run, tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine/thesis.txt").read_text() == "precious"


def test_damage_is_refused_in_one_sentence(built: Path) -> None:
    shard = next(built.glob("checkpoint-1/*.safetensors"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    with pytest.raises(CorruptError, match=r"has [\d,]+ bytes, not [\d,]+; build the index again"):
        api.Index.open(built)
    shard.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    assert any("has changed" in problem for problem in api.Index.open(built).folder.check())
    shard.write_bytes(whole)
    assert api.Index.open(built).folder.check() == []
    shard.unlink()
    with pytest.raises(CorruptError, match="is missing"):
        api.Index.open(built)


def test_a_newer_format_is_refused(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    (built / "manifest.json").write_text(json.dumps({**manifest, "version": 99}))
    with pytest.raises(CorruptError, match="has format version 99, this wordtrace reads up to 3"):
        api.Index.open(built)


def test_an_index_of_another_run_is_refused(
    run: api.Run, built: Path, examples: api.Examples, tmp_path: Path
) -> None:
    other = api.train(examples, tmp_path / "other", eval_fraction=0, epochs=1, dim=12)
    with pytest.raises(MismatchError, match="was built from the run"):
        api.Index.open(built, run=other.path)


def test_an_index_moves_with_its_run(run: api.Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "here/run")
    api.build_index(tmp_path / "here/run", workers=1)
    shutil.move(tmp_path / "here", tmp_path / "there")
    index = api.Index.open(tmp_path / "there/run/index")
    assert index.trace("the match").proponents


def test_no_pickle_and_no_absolute_path_is_written(built: Path) -> None:
    files = tree(built)
    assert {Path(name).suffix for name in files} == {".safetensors", ".json", ".parquet"}
    assert b"/tmp" not in files["manifest.json"]


def test_postings_are_ordered_by_token_then_falling_norm(run: api.Run, index: api.Index) -> None:
    for block in index.folder.blocks(2):
        for token in range(run.tokenizer.size):
            postings = block.postings(token)
            assert (postings.norm[:-1] >= postings.norm[1:]).all()
            assert len(set(postings.example.tolist())) == len(postings)
            lengths = postings.direction.norm(dim=1)
            torch.testing.assert_close(lengths, torch.ones_like(lengths))
    assert int(block.token_offsets[-1]) == len(block)


def test_an_empty_block_has_no_postings() -> None:
    block = make_block([], 0, 0, 7)
    assert len(block.postings(6)) == 0


def test_losses_and_predictions_in_the_table_are_the_models(run: api.Run, index: api.Index) -> None:
    from wordtrace.models import predict

    for place, point in enumerate(run.checkpoints):
        scores = predict.logits(run.model(point), run.encoded)
        expected = predict.cross_entropy(scores, run.train.labels)
        np.testing.assert_allclose(index.folder.column(f"loss_{place}"), expected, rtol=1e-4)
        names = [run.label_names[label] for label in scores.argmax(1)]
        assert index.folder.table[f"predicted_{place}"].to_pylist() == names
    assert index.folder.table["id"].to_pylist() == run.train.ids


def test_document_frequency_counts_texts_not_occurrences(run: api.Run, index: api.Index) -> None:
    token = run.tokenizer.inner.token_to_id("the")
    held = [token in run.encoded[row] for row in range(len(run.train))]
    assert 0 < sum(held) < sum((run.encoded[row] == token).sum() for row in range(len(held)))
    assert index.folder.document_frequency[token] == sum(held)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"top_k": 0}, "top_k is 0; give 1 or more"),
        ({"dtype": "int3"}, "dtype is 'int3'; it must be one of float16, float32, int8"),
        ({"weighting": "one"}, "must be rate-sum, rate or adam"),
        ({"shard_size": 0}, "shard_size is 0"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_wrong_arguments_are_refused(run: api.Run, tmp_path: Path, wrong, message: str) -> None:
    with pytest.raises(InputError, match=message):
        api.build_index(run, tmp_path / "x", **wrong)


def test_the_rate_sum_weighting_adds_up_to_all_rates(run: api.Run, tmp_path: Path) -> None:
    index = api.build_index(run, tmp_path / "x", weighting="rate-sum", workers=1)
    total = run.recipe.steps(len(run.train))
    rates = [run.recipe.rate(step, total) for step in range(1, run.checkpoints[-1].step + 1)]
    etas = [source.eta for source in index.folder.manifest.checkpoints]
    assert sum(etas) == pytest.approx(sum(rates))
    assert etas[0] == pytest.approx(sum(rates[: run.checkpoints[0].step]))


def test_streaming_reads_no_index(run: api.Run) -> None:
    plain = [point.learning_rate for point in run.checkpoints]
    assert Streamed(run.weighted("rate"), 3).etas == plain
    assert Streamed(run, 3).etas == pytest.approx([since(run, point) for point in run.checkpoints])


def test_a_build_killed_before_its_last_rename_is_only_renamed(
    run: api.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wordtrace.index import build

    with monkeypatch.context() as patch:
        patch.setattr(build.atomic, "commit_folder", lambda folder: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            api.build_index(run, tmp_path / "a", workers=1)
    monkeypatch.setattr(build, "run_shards", lambda *given: pytest.fail("built again"))
    index = api.build_index(run, tmp_path / "a", workers=1)
    assert index.folder.check() == []
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_gradients_that_cancel_leave_no_posting() -> None:
    from wordtrace.gradients.embedding import EmbeddingGradients
    from wordtrace.gradients.tokens import position_norms, token_gradients
    from wordtrace.models.protocol import batch_of

    gradient = torch.tensor([[[1.0, 2.0], [-1.0, -2.0], [0.5, 0.0]]])
    batch = batch_of([[7, 7, 9]], [[True] * 3], [0])
    found = EmbeddingGradients(gradient, torch.zeros(1), torch.zeros(1, 2))
    kept = token_gradients(batch, found, position_norms(found))
    assert kept.token.tolist() == [9]
    assert kept.gradient.tolist() == [[0.5, 0.0]]
