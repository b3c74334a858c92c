"""Rows whose texts are nearly the same, and what is proposed about them."""

from __future__ import annotations

from pathlib import Path

import pytest

import wordtrace as wt
from tests.conftest import make_examples
from wordtrace import api
from wordtrace.errors import InputError

LONG = "the coach of the league said on Monday that the striker will play the cup match again"
NEAR = "the coach of the league said on Friday that the striker will play the cup match again"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> api.Index:
    """An index with near-duplicates of equal and of different labels."""
    toy = make_examples(40)
    texts, labels = list(toy.texts), list(toy.labels)
    texts += [LONG, NEAR, LONG.upper() + "!", "profit of the <b>bank</b> and debt of the market"]
    labels += [2, 0, 2, 1]
    texts += ["profit of the <b>bank</b> and debt of the market", "zebra", "okapi"]
    labels += [1, 1, 2]
    ids = [f"row-{row}" for row in range(len(texts))]
    data = wt.Examples.of(texts, labels, toy.label_names, ids=ids)
    folder = tmp_path_factory.mktemp("planted")
    run = wt.train(
        data, folder / "run", eval_fraction=0, epochs=1, batch_size=8, dim=4, vocabulary=150
    )
    return wt.build_index(run, workers=1)


def test_groups_whose_labels_differ_come_first_with_the_words_that_differ(
    planted: api.Index,
) -> None:
    found = planted.duplicates(threshold=0.8)
    first = found.groups[0]
    assert [row.id for row in first.rows] == ["row-40", "row-41", "row-42"]
    assert first.labels == (("sport", 2), ("film", 1))
    assert (first.advice, first.proposed, first.same) == ("relabel", "sport", False)
    kept, near, copy = first.rows
    assert (kept.like, near.like, copy.like) == (None, "row-40", "row-40")
    assert near.similarity == pytest.approx(16 / 18)
    assert copy.similarity == 1
    assert [near.text[start:end] for _, start, end in near.differing] == ["Friday"]
    assert [kept.text[start:end] for _, start, end in kept.differing] == ["Monday"]
    assert copy.differing == ()
    # Two rows of the toy data are copies, too.
    same = {tuple(row.id for row in group.rows): group for group in found.groups[1:]}
    assert same["row-43", "row-44"].same
    assert same["row-43", "row-44"].advice == "remove"
    assert {"row-1", "row-7"} <= {id for ids in same for id in ids}
    assert found.complete
    assert found.differ == sum(len(group.labels) > 1 for group in found.groups)
    assert found.rows == sum(group.count for group in found.groups)


def test_the_patch_removes_spare_rows_of_one_label_or_gives_the_proposed_label(
    planted: api.Index,
) -> None:
    found = planted.duplicates(top=None)
    removed = {change.id: change for change in found.patch()}
    assert "row-44" in removed
    assert not {"row-40", "row-41", "row-42", "row-43"} & set(removed)
    assert removed["row-44"].reason == "it shares 100% of the words with row-43, which stays"
    relabelled = [one for one in found.patch("relabel") if one.id == "row-41"]
    assert [(one.before, one.after) for one in relabelled] == [("film", "sport")]
    with pytest.raises(InputError, match="action is 'edit'; it must be remove or relabel"):
        found.patch("edit")  # type: ignore[arg-type]


def test_removed_rows_are_in_no_group_and_the_result_is_read_back(
    planted: api.Index, tmp_path: Path
) -> None:
    import shutil

    place = shutil.copytree(planted.folder.path, tmp_path / "index")
    index = api.Index.open(place, planted.run.path)
    index.remove(["row-40", "row-43"])
    found = index.duplicates(top=None)
    ids = {row.id for group in found.groups for row in group.rows}
    assert {"row-41", "row-42"} <= ids
    assert not {"row-40", "row-43", "row-44"} & ids
    found.save(tmp_path / "found.json")
    assert wt.load(tmp_path / "found.json") == found
    assert found.table().num_rows == found.rows
    found.save(tmp_path / "found.html")
    assert "<b>bank" not in (tmp_path / "found.html").read_text()


def test_what_can_not_be_asked_for_is_refused(planted: api.Index) -> None:
    with pytest.raises(InputError, match=r"threshold is 0.2; give a similarity over 0.3, up to 1"):
        planted.duplicates(threshold=0.2)
    with pytest.raises(InputError, match="top is 0; it must be at least 1"):
        planted.duplicates(top=0)


def test_a_row_too_unlike_the_kept_one_is_kept_itself(tmp_path: Path) -> None:
    words = [f"w{one}" for one in range(30)]
    chain = [" ".join(words[start : start + 18]) for start in range(9)]
    data = wt.Examples.of([*chain, "one film", "two film"], [0] * 10 + [1], ("a", "b"))
    run = wt.train(
        data, tmp_path / "run", eval_fraction=0, epochs=1, batch_size=4, dim=4, vocabulary=90
    )
    (group,) = wt.build_index(run, workers=1).duplicates(threshold=0.8).groups
    assert group.count == 9
    like = {row.id: row.like for row in group.rows}
    # Each shares 17 of 19 words with the next, and 16 of 20 with the one after it.
    assert like == {"0": None, "1": "0", "2": "0", "3": None, "4": "3", "5": "3", "6": None,
                    "7": "6", "8": "6"}  # fmt: skip
