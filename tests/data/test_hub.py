"""Data sets of the hub by name: what is asked for, what a user without network reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import wordtrace as wt
from tests.command import wordtrace_process
from tests.conftest import make_examples
from wordtrace.data import hub
from wordtrace.errors import DataError

datasets = pytest.importorskip("datasets")

CLASSES = ["film", "money", "sport"]


def dataset(count: int, seed: int = 3) -> Any:
    examples = make_examples(count, seed)
    features = datasets.Features(
        {
            "uid": datasets.Value("string"),
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=CLASSES),
        }
    )
    rows = {
        "uid": [f"{row:03d}" for row in range(count)],
        "text": examples.texts,
        "label": examples.labels.tolist(),
    }
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A hub with one data set; notes what was asked."""
    asked: list[tuple[Any, ...]] = []
    whole = datasets.DatasetDict(train=dataset(60), test=dataset(20, 8))

    def load(name: str, config: Any, *, split: Any = None, revision: Any = None) -> Any:
        asked.append((name, config, split, revision))
        if split is None:
            return whole
        if split not in whole:
            raise ValueError(f'Unknown split "{split}". Should be one of {list(whole)}.')
        return whole[split]

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    return asked


def test_a_name_is_asked_for_with_split_configuration_and_revision(fake: list[Any]) -> None:
    for name, expected in (
        ("toy_news", ("toy_news", None, "train", None)),
        ("some-body/toy.news", ("some-body/toy.news", None, "train", None)),
        ("some-body/glue:mnli", ("some-body/glue", "mnli", "train", None)),
        ("toy_news@v1.0", ("toy_news", None, "train", "v1.0")),
    ):
        examples = wt.read_examples(name, split="train", id="uid")
        assert fake[-1] == expected
        assert (len(examples), examples.ids[7]) == (60, "007")
        assert examples.label_names == tuple(CLASSES)


def test_training_takes_held_out_rows_from_another_split(fake: list[Any], tmp_path: Path) -> None:
    run = wt.train(
        "toy_news", tmp_path / "run", split="train", eval_split="test", id="uid", epochs=1, dim=8
    )
    assert run.held_out is not None
    assert (len(run.train), len(run.held_out)) == (60, 20)
    assert run.manifest.source == "toy_news"
    # A DatasetDict in hand is the same story.
    whole = datasets.DatasetDict(train=dataset(60), test=dataset(20, 8))
    same = wt.train(
        whole, tmp_path / "same", split="train", eval_split="test", id="uid", epochs=1, dim=8
    )
    assert same.train.fingerprint() == run.train.fingerprint()
    assert same.held_out is not None
    assert same.held_out.texts == run.held_out.texts


def test_splits_that_must_be_named_or_are_not_there(fake: list[Any]) -> None:
    with pytest.raises(DataError, match="toy_news holds the splits train, test; name one by split"):
        wt.read_examples("toy_news")
    with pytest.raises(
        DataError, match=r'toy_news of the .* hub can.t be read: Unknown split "dev"'
    ):
        wt.read_examples("toy_news", split="dev")


@pytest.mark.parametrize(
    "path",
    [
        "nothing.csv",
        "data/nothing.jsonl",
        "/nowhere/news",
        "./news",
        "../news",
        "a b",
        "news.csv.gz",
    ],
)
def test_what_is_plainly_a_path_is_never_asked_for(fake: list[Any], path: str) -> None:
    with pytest.raises(DataError, match="does not exist; give"):
        wt.read_examples(path)
    assert not fake


def test_a_file_of_that_name_wins(
    fake: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets.DatasetDict(train=dataset(9)).save_to_disk(tmp_path / "toy_news")
    monkeypatch.chdir(tmp_path)
    assert len(wt.read_examples("toy_news", split="train")) == 9
    assert not fake


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            datasets.exceptions.DatasetNotFoundError("Dataset 'news' doesn't exist on the Hub"),
            r"news is no file here, and the .* hub gives no such data set .*private and gated",
        ),
        (ConnectionError("Couldn't reach 'news' on the Hub"), "hub can't be reached; give a file"),
        (
            RuntimeError("Dataset scripts are no longer supported, but found news.py"),
            "is a program that makes the data, which is not run; give the data as a file",
        ),
        (
            ValueError("Config name is missing.\nPick one of ['mnli', 'sst2']"),
            r"news has several configurations \(mnli, sst2\); name one: news:CONFIGURATION",
        ),
        (OSError("disk full"), "news of the Hugging Face hub can't be read: disk full"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*names: Any, **choices: Any) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    before = datasets.config.HF_HUB_OFFLINE
    with pytest.raises(DataError, match=said) as caught:
        wt.read_examples("news", split="train")
    assert "\n" not in str(caught.value)
    assert before == datasets.config.HF_HUB_OFFLINE


def test_without_network_the_library_is_not_let_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def load(*names: Any, **choices: Any) -> Any:
        seen.append(datasets.config.HF_HUB_OFFLINE)
        return dataset(8)

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(hub, "_reachable", lambda: False)
    before = datasets.config.HF_HUB_OFFLINE
    assert len(wt.read_examples("cached", split="train")) == 8
    assert (seen, datasets.config.HF_HUB_OFFLINE) == ([True], before)


def test_by_command_without_network(tmp_path: Path) -> None:
    # The library reads the environment when it is imported.
    done = wordtrace_process(
        *("train", "no-such/news", "--split", "train", "--out", tmp_path / "run"),
        status=2,
        HF_HUB_OFFLINE="1",
        HF_HOME=str(tmp_path),
    )
    assert done.stderr.strip().endswith(
        "no-such/news is no file here, and to look for a data set of that name the Hugging Face "
        "hub can't be reached; give a file, or ask again with network."
    )
    assert "Traceback" not in done.stderr
