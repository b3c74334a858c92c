"""What a build or a change leaves when it is refused, fails or is killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.trees import tree
from wordtrace import api
from wordtrace.disk import atomic
from wordtrace.errors import InputError, MismatchError, NumericalError
from wordtrace.index import build as building
from wordtrace.index import change

MORE = [
    {"id": f"more-{row}", "text": f"the bank and the {word}", "label": "money"}
    for row, word in enumerate(["match", "euro", "goal"])
]


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


def killed(*arguments: Any, **more: Any) -> None:
    raise Killed


def not_finite(*arguments: Any, **more: Any) -> None:
    raise NumericalError("the gradient of example 'row-3' is NaN.")


@pytest.fixture
def built(run: api.Run, tmp_path: Path) -> api.Index:
    return api.build_index(run, tmp_path / "index", shard_size=24, workers=1)


def test_an_error_of_the_numbers_leaves_nothing_in_the_way_of_other_settings(
    run: api.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(building, "build_shard", not_finite)
        with pytest.raises(NumericalError):
            api.build_index(run, tmp_path / "index", precision="bfloat16", workers=1)
    assert os.listdir(tmp_path) == []
    assert api.build_index(run, tmp_path / "index", workers=1).ids


def test_nor_does_that_of_an_addition(
    built: api.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(built.folder.path)
    with monkeypatch.context() as patched:
        patched.setattr(building, "build_shard", not_finite)
        with pytest.raises(NumericalError):
            built.add(MORE, workers=1)
    assert os.listdir(tmp_path) == ["index"]
    assert tree(built.folder.path) == before
    assert "more-0" in built.add(MORE[:1], workers=1).ids


@pytest.mark.parametrize("end", ["start_work", "run_shards", "_commit"])
def test_a_killed_change_that_is_not_repeated_is_in_nobodys_way(
    built: api.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Whatever is done next ends as if the addition had never been begun."""
    then: dict[str, Any] = {
        "remove": lambda index: index.remove([built.run.train.ids[0]]),
        "merge": lambda index: index.merge(30),
        "other": lambda index: index.add(MORE[:1], workers=1),
        "build": lambda index: api.build_index(
            index.run, index.folder.path, top_k=3, workers=1, overwrite=True
        ),
    }
    for name, do in then.items():
        clean, place = tmp_path / f"clean-{name}", tmp_path / name
        for one in (clean, place):
            shutil.copytree(built.folder.path, one)
        do(api.Index.open(clean, built.run.path))
        with monkeypatch.context() as patched:
            patched.setattr(change, end, killed)
            with pytest.raises(Killed):
                api.Index.open(place, built.run.path).add(MORE, workers=1)
        if name == "other" and end == "run_shards":
            with pytest.raises(MismatchError, match=r"or delete .*other\.part to start anew"):
                do(api.Index.open(place, built.run.path))
            shutil.rmtree(tmp_path / "other.part")
        if name == "other" and end == "_commit":
            shutil.rmtree(tmp_path / "other.part")
        do(api.Index.open(place, built.run.path))
        assert tree(place) == tree(clean), name
        assert not atomic.part_of(place).exists()


def test_a_change_killed_while_it_clears_its_work_leaves_nothing_when_it_is_repeated(
    built: api.Index, tmp_path: Path
) -> None:
    built.add(MORE, workers=1)
    work = tmp_path / "index.part" / building.WORK
    work.mkdir(parents=True)
    (work / "encoded.safetensors").touch()  # the plan went first
    with pytest.raises(InputError, match="is in the index already"):
        built.add(MORE, workers=1)
    assert os.listdir(tmp_path) == ["index"]


@pytest.mark.parametrize("kind", ["add", "remove"])
def test_a_change_killed_after_its_manifest_leaves_nothing_when_it_is_repeated(
    built: api.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def do(path: Path) -> None:
        index = api.Index.open(path, built.run.path)
        if kind == "add":
            index.add(MORE, workers=1)
        else:
            index.remove([built.run.train.ids[3]])

    whole = Path(shutil.copytree(built.folder.path, tmp_path / "whole"))
    do(whole)
    write = atomic.write_json

    def last(path: Path, document: Any) -> None:
        write(path, document)
        if path == built.folder.path / "manifest.json":
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(atomic, "write_json", last)
        with pytest.raises(Killed):
            do(built.folder.path)
    with pytest.raises(InputError, match=r"is in the index already|has no example with the id"):
        do(built.folder.path)
    assert tree(built.folder.path) == tree(whole)
    assert sorted(os.listdir(tmp_path)) == ["index", "whole"]


def test_a_merge_killed_at_its_end_is_not_taken_for_a_build(
    built: api.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(built.folder.path)
    built.add(MORE, workers=1)
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "commit_folder", killed)
        with pytest.raises(Killed):
            built.merge()
    place = built.folder.path
    again = api.build_index(built.run, place, shard_size=24, workers=1, overwrite=True)
    assert "more-0" not in again.ids
    assert tree(place) == before


def test_a_build_killed_at_its_end_is_named_to_one_with_other_settings(
    run: api.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "index"
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "commit_folder", killed)
        with pytest.raises(Killed):
            api.build_index(run, place, top_k=3, workers=1)
    with pytest.raises(MismatchError, match=r"interrupted build in .* with top k = 3, now it is 4"):
        api.build_index(run, place, top_k=4, workers=1)
    assert api.build_index(run, place, top_k=3, workers=1).ids
    assert os.listdir(tmp_path) == ["index"]


@pytest.mark.parametrize("change", ["add", "merge"])
def test_a_build_that_is_not_finished_is_not_dropped_by_a_change(
    built: api.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """It may have taken hours."""
    place = built.folder.path
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "commit_folder", killed)
        with pytest.raises(Killed):
            api.build_index(built.run, place, shard_size=12, workers=1, overwrite=True)
    do = {"add": lambda: built.add(MORE, workers=1), "merge": lambda: built.merge(shard_size=30)}
    with pytest.raises(InputError, match=r"index.part holds an unfinished build of this index: go"):
        do[change]()
    assert api.build_index(built.run, place, shard_size=12, workers=1, overwrite=True).ids
    assert os.listdir(tmp_path) == ["index"]
