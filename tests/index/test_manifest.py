"""manifest.json: what is wrong in it is said in a sentence, whatever it is."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from torture.files_damage import places, put

from tests.index.test_life import TEXTS, further
from tests.wrong_types import OTHERS
from wordtrace import api
from wordtrace.disk import fingerprint
from wordtrace.errors import CorruptError, NumericalError
from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import Manifest


@pytest.fixture(scope="module")
def built(run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> api.Index:
    return api.build_index(run, tmp_path_factory.mktemp("m") / "index", shard_size=40, workers=1)


def test_a_value_of_another_type_is_named_even_under_a_right_checksum(built: api.Index) -> None:
    document = built.folder.manifest.document()
    del document["checksum"]
    for place in places(document):
        for other in OTHERS:
            forged = put(document, place, other)
            forged["checksum"] = fingerprint.of_document(forged)
            with suppress(CorruptError):
                Manifest.of(forged)
    wrong = put(document, ("shards", 0, "count"), None)
    wrong["checksum"] = fingerprint.of_document(wrong)
    with pytest.raises(CorruptError, match=r"can't be read \(shards\[0\].count is None\); build"):
        Manifest.of(wrong)


def test_another_version_does_not_hide_a_change(built: api.Index) -> None:
    # A version 1 had no checksum, but this one has.
    with pytest.raises(CorruptError, match=r"manifest.json is not as it was written"):
        Manifest.of({**built.folder.manifest.document(), "version": 1})


def test_an_earlier_wordtrace_wrote_no_samples(built: api.Index) -> None:
    document = built.folder.manifest.document()
    del document["samples"], document["checksum"]
    document["checksum"] = fingerprint.of_document(document)
    read = Manifest.of(json.loads(json.dumps(document)))
    assert read.samples == {}
    assert read.document() == document


def test_a_shard_of_another_index_is_refused_when_it_is_mapped(
    built: api.Index, run: api.Run, tmp_path: Path
) -> None:
    index = api.build_index(run, tmp_path / "index", shard_size=40, workers=1)
    shard = index.folder.manifest.shards[0]
    path = index.folder.path / shard.file
    data = path.read_bytes()
    path.write_bytes(data[:-8] + bytes(8))
    assert IndexFolder.open(index.folder.path).manifest == index.folder.manifest
    with pytest.raises(CorruptError, match=rf"{shard.file} has changed since .* build the index"):
        api.Index.open(index.folder.path).trace(TEXTS[0])


def test_scores_that_are_no_numbers_are_refused_where_no_sample_tells_the_damage(
    run: api.Run, tmp_path: Path
) -> None:
    index = api.build_index(run, tmp_path / "index", project=4, shard_size=40, workers=1)
    document = index.folder.manifest.document()
    del document["samples"], document["checksum"]
    document["checksum"] = fingerprint.of_document(document)
    (tmp_path / "index" / "manifest.json").write_text(json.dumps(document))
    path = tmp_path / "index" / "projection.safetensors"
    bases = {name: one.clone() for name, one in load_file(path).items()}
    next(iter(bases.values()))[0, 0] = float("nan")
    save_file(bases, path)
    with pytest.raises(NumericalError, match=r"the score of row 0 is NaN: a file of the index"):
        api.Index.open(tmp_path / "index").trace(TEXTS[0])


@pytest.mark.parametrize("change", ["add", "remove", "merge"])
def test_no_damage_gets_a_new_checksum(
    run: api.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    index = api.build_index(run, tmp_path / "index", shard_size=40, workers=1)
    index.remove([run.train.ids[4]])
    manifest = index.folder.manifest
    name = manifest.shards[1].file if change == "merge" else manifest.tokens
    path = index.folder.path / name
    data = bytearray(path.read_bytes())
    data[int(np.random.default_rng(3).integers(len(data)))] ^= 4
    path.write_bytes(data)
    # As of a large file, where the damage is between the pages of its sample.
    monkeypatch.setattr("wordtrace.index.folder.check_sample", lambda path, *_: path)
    opened = api.Index.open(index.folder.path)
    change_it = {
        "add": lambda: opened.add(further(), workers=1),
        "remove": lambda: opened.remove([run.train.ids[5]]),
        "merge": opened.merge,
    }
    with pytest.raises(CorruptError, match=rf"{path.name} has changed since the index was built"):
        change_it[change]()


def test_no_index_is_built_of_a_damaged_run(
    examples: api.Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = api.train(examples, tmp_path / "run", epochs=1, dim=4, vocabulary=60)
    path = run.path / run.final.folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    monkeypatch.setattr("wordtrace.run.check.check_sample", lambda path, *_: path)
    with pytest.raises(CorruptError, match=r"model.safetensors has changed since the run was made"):
        api.build_index(api.Run.open(run.path), workers=1)
