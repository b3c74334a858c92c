"""Decisions that are made, undone and done again, compared with a model that replays them all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.act.reviewing import DATA, IDS, LABELS, replayed, reviewed, standing
from tests.forked import Forked
from tests.patience import wait_until
from wordtrace import api
from wordtrace.act.apply import apply_patch
from wordtrace.act.beside import check_beside
from wordtrace.act.patch import read_patch
from wordtrace.act.review import Review
from wordtrace.data.readers import read_examples
from wordtrace.errors import CorruptError, InputError

some_ids = st.lists(st.sampled_from(IDS), min_size=1, max_size=4, unique=True)
texts = st.one_of(
    st.sampled_from(
        [*DATA.texts[:6], "</script>", '"\u2028\u202e\x00\n'],
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
)
deeds = st.one_of(
    st.fixed_dictionaries(
        {"action": st.sampled_from(["keep", "remove", "clear"]), "ids": some_ids}
    ),
    st.fixed_dictionaries(
        {"action": st.just("relabel"), "ids": some_ids, "label": st.sampled_from(LABELS)}
    ),
    st.fixed_dictionaries(
        {
            "action": st.just("edit"),
            "ids": st.lists(st.sampled_from(IDS), min_size=1, max_size=1),
            "text": texts,
        }
    ),
    st.just({"action": "undo"}),
    st.just({"action": "redo"}),
)


@settings(max_examples=60)
@given(done=st.lists(deeds, max_size=14))
def test_decisions_are_as_a_replay_of_all_steps_says_and_as_another_reader_sees_them(
    done: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("review") / "decisions.jsonl"
    review, other = reviewed(file), reviewed(file)
    steps: list[Mapping[str, Any]] = []
    undone: list[Mapping[str, Any]] = []
    for deed in done:
        match deed["action"]:
            case "undo" if steps:
                assert review.undo() == list(steps[-1]["ids"])
                undone.append(steps.pop())
            case "redo" if undone:
                assert review.redo() == list(undone[-1]["ids"])
                steps.append(undone.pop())
            case "undo" | "redo":
                with pytest.raises(InputError, match="there is nothing to"):
                    getattr(review, deed["action"])()
            case _:
                more = {name: deed[name] for name in ("label", "text") if name in deed}
                known = replayed(steps)
                touched = [id for id in deed["ids"] if deed["action"] != "clear" or id in known]
                assert review.decide(deed["ids"], deed["action"], **more) == len(touched)
                if touched:
                    steps.append({**deed, "ids": touched})
                    undone.clear()
        expected = replayed(steps)
        assert standing(review) == expected
        assert review.steps == (len(steps), len(undone))
    assert standing(other) == standing(reviewed(file)) == replayed(steps)
    marks = dict(zip(DATA.ids, review.marks().tolist(), strict=True))
    names = ("", "keep", "relabel", "remove", "edit")
    assert {id: names[mark] for id, mark in marks.items() if mark} == {
        id: one["action"] for id, one in replayed(steps).items()
    }
    assert (review.marks() == reviewed(file).marks()).all()


def test_a_step_on_many_rows_is_one_line_and_one_undo(tmp_path: Path) -> None:
    review = reviewed(tmp_path / "decisions.jsonl")
    review.decide(DATA.ids, "remove")
    assert len((tmp_path / "decisions.jsonl").read_text().splitlines()) == 2
    assert review.counts() == {"keep": 0, "relabel": 0, "remove": 30, "edit": 0}
    assert review.undo() == DATA.ids
    assert len(review) == 0


def test_a_torn_line_never_counts_and_the_next_decision_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    reviewed(file).decide(IDS[:2], "keep")
    whole = file.read_bytes()
    for torn in (b'{"at":"2026', b'{"do":"undo"}'):
        file.write_bytes(whole + torn)
        review = reviewed(file)
        assert len(review) == 2
        assert review.torn == len(torn)
        review.decide(IDS[2], "remove")
        assert [json.loads(line)["do"] for line in file.read_bytes().splitlines()[1:]] == [
            "keep",
            "remove",
        ]
        assert len(reviewed(file)) == 3
    file.write_bytes(b'{"format":"word')  # torn at the very first line
    assert reviewed(file).decide(IDS[0], "keep") == 1
    assert len(reviewed(file)) == 1


def test_a_broken_line_is_named_and_a_newer_version_refused(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    reviewed(file).decide(IDS[:2], "keep")
    whole = file.read_text()
    file.write_text(whole + "{oops}\n")
    with pytest.raises(CorruptError, match=r"line 3: broken JSON .* take the line out"):
        reviewed(file)
    file.write_text(whole.replace('"version":1', '"version":2'))
    with pytest.raises(CorruptError, match="install a newer wordtrace"):
        reviewed(file)


def test_a_review_that_was_taken_away_is_empty_for_who_has_it_open(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    review = reviewed(file)
    review.decide(IDS, "keep")
    file.unlink()
    assert len(review.decisions()) == 0
    assert not review.marks().any()
    review.decide(IDS[0], "remove")
    assert len(reviewed(file)) == 1


def test_threads_that_decide_at_once_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    shared, own = reviewed(file), reviewed(file)

    def decide(review: Review, ids: list[str]) -> None:
        for id in ids:
            review.decide(id, "remove")

    parts = [(shared, DATA.ids[:8]), (shared, DATA.ids[8:16]), (own, DATA.ids[16:])]
    threads = [Thread(target=decide, args=part) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for review in (shared, own, reviewed(file)):
        assert review.counts()["remove"] == 30
        assert review.steps == (30, 0)


WRITER = """
import sys
from pathlib import Path
from tests.act.reviewing import DATA, reviewed
review = reviewed(Path(sys.argv[1]))
for id in DATA.ids[int(sys.argv[2])::2] * 3:
    review.decide(id, "keep")
    review.decide(id, "relabel", label=sys.argv[3])
"""


def test_processes_that_decide_at_once_write_whole_lines_even_when_one_is_killed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "decisions.jsonl"
    first, second = Forked(WRITER, file, 0, "film"), Forked(WRITER, file, 1, "sport")
    watching = reviewed(file)
    wait_until(lambda: len(watching.decisions()) >= 5, first)
    second.kill()
    assert first.wait() == 0
    labels = {one.id: one.label or one.before for one in watching.decisions()}
    assert {labels[id] for id in DATA.ids[::2]} == {"film"}
    assert watching.decide(IDS[0], "keep") == 1
    assert standing(reviewed(file)) == standing(watching)


def test_a_patch_applied_to_the_file_gives_what_was_decided(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    lines = [
        {"id": id, "text": text, "label": LABELS[label]}
        for id, text, label in zip(DATA.ids, DATA.texts, DATA.labels, strict=True)
    ]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    review = reviewed(tmp_path / "decisions.jsonl")
    hostile = "<img src=x onerror=alert(1)>\u202e\u2028 \U0001f600 =1+1"
    review.decide(IDS[0], "keep")
    review.decide(IDS[1], "relabel", label="film")
    review.decide(IDS[1], "edit", text=hostile, why="both")
    review.decide(IDS[2:4], "remove")
    review.decide(IDS[4], "edit", text="another text")
    review.patch().write(tmp_path / "patch.jsonl")
    patch = read_patch(tmp_path / "patch.jsonl")
    assert [(one.id, one.action) for one in patch] == [
        (IDS[1], "relabel"),
        (IDS[1], "edit"),
        (IDS[2], "remove"),
        (IDS[3], "remove"),
        (IDS[4], "edit"),
    ]
    assert patch.changes[0].reason == "both"
    apply_patch(patch, data, tmp_path / "new.jsonl")
    new = read_examples(tmp_path / "new.jsonl", id="id")
    assert not {IDS[2], IDS[3]} & set(new.ids)
    assert len(new) == 28
    row = new.row_of(IDS[1])
    assert (new.texts[row], new.label_names[new.labels[row]]) == (hostile, "film")
    assert new.texts[new.row_of(IDS[4])] == "another text"
    unchanged = [id for id in DATA.ids if id not in IDS[1:5]]
    assert [new.texts[new.row_of(id)] for id in unchanged] == [
        DATA.texts[DATA.row_of(id)] for id in unchanged
    ]


def test_decisions_that_no_longer_fit_are_kept_said_and_left_out(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    reviewed(file).decide(IDS[:4], "remove")
    labels = np.array(DATA.labels)
    labels[2] = (labels[2] + 1) % 3
    texts = list(DATA.texts)
    texts[1] = "another text"
    changed = api.Examples.of(texts[1:], labels[1:], LABELS, ids=DATA.ids[1:], source="later data")
    later = reviewed(file, changed)
    assert len(later) == 4
    label = LABELS[labels[2]]
    assert later.misfits() == {
        IDS[0]: "is no longer in the data",
        IDS[1]: "has another text than when it was decided",
        IDS[2]: f"has the label {label!r} now",
    }
    assert [one.id for one in later.patch()] == [IDS[3]]
    assert later.counts()["remove"] == 1
    assert later.decision(IDS[1]) is None
    later.decide(IDS[1], "keep")  # checked again, as it is now
    later.decide(IDS[0], "clear")  # also what has gone can be taken back
    assert later.misfits().keys() == {IDS[2]}


def test_what_cannot_be_decided_is_refused_in_a_sentence_and_not_written(tmp_path: Path) -> None:
    review = reviewed(tmp_path / "decisions.jsonl")
    for asked, told in (
        (
            (IDS[0], "drop"),
            "action is 'drop'; it must be one of keep, relabel, remove, edit, clear",
        ),
        (([], "keep"), "there is no row to decide about"),
        ((["nobody"], "keep"), "the training data have no row with the id 'nobody'"),
        ((IDS[0], "relabel"), "give the label that the row should have"),
    ):
        with pytest.raises(InputError, match=told):
            review.decide(*asked)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="there is no label 'other'"):
        review.decide(IDS[0], "relabel", label="other")
    for text in (None, " "):
        with pytest.raises(InputError, match="give the text that the row should have"):
            review.decide(IDS[0], "edit", text=text)
    with pytest.raises(InputError, match="half a character"):
        review.decide(IDS[0], "edit", text="a\ud800")
    with pytest.raises(InputError, match="has no second text"):
        review.decide(IDS[0], "edit", text="a", field="text2")
    with pytest.raises(InputError, match="give one row"):
        review.decide(IDS[:2], "edit", text="a")
    assert not review.path.exists()


def test_a_disk_that_refuses_leaves_what_was_decided_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = reviewed(tmp_path / "decisions.jsonl")
    review.decide(IDS[0], "keep")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        review.decide(IDS[1], "keep")
    monkeypatch.undo()
    assert [one.id for one in review.decisions()] == [IDS[0]]
    assert review.decide(IDS[2], "keep") == 1
    assert len(reviewed(review.path)) == 2


def test_an_index_reviews_its_rows_with_the_evidence_against_them(
    index: api.Index, run: api.Run, tmp_path: Path
) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    shutil.copytree(index.folder.path, tmp_path / "index")
    opened = api.Index.open(tmp_path / "index", tmp_path / "run")
    suspects = opened.mislabels(top=3)
    first, second = suspects.rows[:2]
    opened.review().decide([first.id, second.id], "remove", suspects=suspects)
    review = api.Index.open(tmp_path / "index", tmp_path / "run").review()
    wanted = suspects.patch("remove").changes[:2]
    assert review.patch().changes == wanted
    from_run = Review.open(tmp_path / "run")
    assert from_run.patch().changes == wanted
    opened.remove([first.id])
    assert opened.review().misfits() == {first.id: "is no longer in the data"}


def test_a_check_finds_a_torn_line_and_a_changed_one(run: api.Run, tmp_path: Path) -> None:
    copied = tmp_path / "run"
    shutil.copytree(run.path, copied, ignore=shutil.ignore_patterns("index*", "review"))
    opened = api.Run.open(copied)
    assert check_beside(opened) == []
    review = Review.open(opened)
    review.decide(opened.train.ids[:2], "keep")
    assert check_beside(opened) == []
    whole = review.path.read_text()
    review.path.write_text(whole[:-1])
    assert check_beside(opened) == [
        f"{review.path} ends in a line without its end, which does not count"
    ]
    review.path.write_text(whole.replace("keep", "remove"))
    (said,) = check_beside(opened)
    assert said.startswith(f"{review.path}, line 2: it was changed after it was written")
