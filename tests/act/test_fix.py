"""Targeted fixes: what is changed, that retraining sees it, and what the result says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.changed_run import change_run
from tests.retrained import retrained
from wordtrace import api
from wordtrace.act import treatments as treating
from wordtrace.act.apply import apply_patch
from wordtrace.act.fix import RANDOM, fix
from wordtrace.act.words_blanked import harmful_word
from wordtrace.asking.asker import Asker
from wordtrace.data.batches import Encoded
from wordtrace.data.without_words import without
from wordtrace.errors import InputError
from wordtrace.explain.prediction import Hit, Word
from wordtrace.explain.tracer import Tracer
from wordtrace.models.tokenizer import TokenAt
from wordtrace.retrainers.material import blank_token, blanked, initial_model, whole
from wordtrace.retrainers.retrain import Retraining
from wordtrace.run.kept_tokens import TOKENS, write_tokens
from wordtrace.training.fit import Training
from wordtrace.training.fit import fit as train_by

PROBES = (("the striker and the coach", None), ("bank shares fall", None))


def by_hand(run: api.Run, labels: np.ndarray, ids: np.ndarray | None = None) -> np.ndarray:
    """The run's recipe with seed 11 on the whole vocabulary."""
    encoded = run.encoded if ids is None else replace(run.encoded, ids=ids)
    everything = np.arange(run.tokenizer.size)
    training = Training(initial_model(run, 11, None, everything))
    recipe = replace(run.recipe, seed=11)
    train_by(training, encoded, labels, recipe, last_step=run.manifest.steps)
    from wordtrace.models import predict

    scores = predict.logits(training.model, run.tokenizer.encode([text for text, _ in PROBES]))
    return predict.probabilities(scores)


def test_relabelled_rows_are_trained_with_their_new_label(run: api.Run) -> None:
    labels = run.train.labels.copy()
    changes = tuple((row, int((labels[row] + 1) % 3)) for row in (2, 5, 30))
    for row, label in changes:
        labels[row] = label
    found = retrained(run, Retraining(str(run.path), run.fingerprint, 11, (), PROBES, changes))
    np.testing.assert_allclose(found["probabilities"], by_hand(run, labels), atol=2e-5)
    plain = retrained(run, Retraining(str(run.path), run.fingerprint, 11, (), PROBES))
    assert np.abs(np.subtract(found["probabilities"], plain["probabilities"])).max() > 1e-3


def test_blanked_tokens_are_padding_that_is_attended_to(run: api.Run) -> None:
    places = ((0, 1), (0, 2), (7, 3))
    ids = run.encoded.ids.copy()
    for row, position in places:
        ids[run.encoded.offsets[row] + position] = blank_token(run)
    found = retrained(run, Retraining(str(run.path), run.fingerprint, 11, (), PROBES, (), places))
    right = by_hand(run, run.train.labels, ids)
    np.testing.assert_allclose(found["probabilities"], right, atol=2e-5)


def test_a_change_has_a_key_of_its_own_and_none_has_the_old_one(run: api.Run) -> None:
    plain = Retraining(str(run.path), run.fingerprint, 11, (), PROBES)
    keys = {
        plain.key,
        replace(plain, relabelled=((2, 1),)).key,
        replace(plain, blanked=((2, 1),)).key,
        replace(plain, removed=(2,)).key,
    }
    assert len(keys) == 4
    assert replace(plain, relabelled=(), blanked=()).key == plain.key


def word(token: str, value: float, *spans: tuple[str, int, int]) -> Word:
    return Word(token, value, "word", tuple(spans))


def hit(text: str, *words: Word) -> Hit:
    return Hit("x", -1.0, "a", text, None, tuple(words))


def test_the_worst_word_is_taken_whole_at_all_its_places() -> None:
    text = "Unhappy, un-happy UNHAPPY end"
    pieces = [
        TokenAt(1, None),
        TokenAt(2, ("text", 0, 2)),
        TokenAt(3, ("text", 2, 7)),
        TokenAt(4, ("text", 7, 8)),
        TokenAt(2, ("text", 9, 11)),
        TokenAt(5, ("text", 11, 12)),
        TokenAt(6, ("text", 12, 17)),
        TokenAt(2, ("text", 18, 20)),
        TokenAt(3, ("text", 20, 25)),
        TokenAt(7, ("text", 26, 29)),
    ]
    found = harmful_word(
        hit(
            text,
            word("end", -0.1, ("text", 26, 29)),
            word("##happy", -0.5, ("text", 2, 7), ("text", 20, 25)),
            word("[CLS]", -3.0),
            word("un", 0.9, ("text", 0, 2), ("text", 9, 11), ("text", 18, 20)),
        ),
        pieces,
    )
    assert found is not None
    assert found.word == "Unhappy"
    assert found.spans == (("text", 0, 7), ("text", 18, 25))
    assert found.positions == (1, 2, 7, 8)
    assert without(text, "text", found.spans) == ", un-happy end"
    assert without(text, "text2", found.spans) == text
    assert harmful_word(hit(text, word("[CLS]", -3.0)), pieces) is None


@pytest.fixture(scope="module")
def asked(run: api.Run) -> api.Examples:
    """Texts with every label: two of three are surely not the prediction."""
    texts = ["the striker and the coach win", "bank shares and the actor", "a drama of the season"]
    return api.Examples.of(
        [text for text in texts for _ in range(3)], [0, 1, 2] * 3, run.label_names
    )


def test_treatments_are_what_the_traces_list(run: api.Run, index: api.Index, asked) -> None:
    part = asked.take([0, 1])
    found = treating.treatments(
        Tracer(index.asker), part, [2, 6], ["remove", "blank", "relabel"], ["tracin-last"]
    )
    assert {name for name, _, _ in found} == {"remove", "blank", "relabel", "remove by tracin-last"}
    trace = index.trace(part, top=6)
    scores = api.influence(run, part, "tracin-last")
    for place, query in enumerate(trace.queries):
        rows = run.rows_of([one.id for one in query.opponents]).tolist()
        assert found["remove", 2, place].removed == tuple(sorted(rows[:2]))
        assert {row for row, _ in found["relabel", 6, place].relabelled} <= set(rows)
        for row, label in found["relabel", 6, place].relabelled:
            assert label != run.train.labels[row]
        blanked = found["blank", 6, place]
        assert {row for row, _ in blanked.blanked} <= set(rows)
        for row, word, spans in blanked.words:
            assert all(
                run.train.texts[row][start:end].lower() == word.lower() for _, start, end in spans
            )
        by_last = np.argsort(scores[place], kind="stable")[:2]
        assert found["remove by tracin-last", 2, place].removed == tuple(sorted(by_last.tolist()))


def test_a_fix_counts_what_retraining_says(index: api.Index, asked, tmp_path) -> None:
    found = fix(
        Tracer(index.asker), asked, k=(3, 40), actions=("remove", "blank", "relabel"), repeats=6
    )
    document = found.document()
    assert len(document["queries"]) == 6
    assert set(document["curves"]) == {
        "remove", "blank", "relabel", "remove by influence-last", RANDOM,
    }  # fmt: skip
    for name, points in document["curves"].items():
        for point in points:
            counts = [one["right"][name][str(point["k"])] for one in document["queries"]]
            assert point["mean"] == pytest.approx(sum(counts) / 36)
            assert point["difference"]["mean"] == pytest.approx(
                point["mean"] - document["base"]["mean"]
            )
    # Removing many opponents of a label does more for it than removing as many random rows.
    last = {name: points[-1]["mean"] for name, points in document["curves"].items()}
    assert last["remove"] > last[RANDOM]
    solved = [one for one in document["queries"] if one["suffices"]]
    assert solved
    for one, patch in zip(document["queries"], found.patches, strict=True):
        assert (one["suffices"] is None) == (patch is None)
        assert not (one["suffices"] and one["without_change"])
        if one["suffices"]:
            method, size = one["suffices"]["method"], one["suffices"]["k"]
            assert one["right"][method][str(size)] == 6
            assert len(patch) <= size
    rows = found.table().to_pylist()
    assert len(rows) == 6 * 5 * 2
    for row in rows:
        (query,) = [one for one in document["queries"] if one["id"] == row["id"]]
        assert row["right"] == query["right"][row["method"]][str(row["k"])]
        this = {"method": row["method"], "k": row["k"]}
        assert row["suffices"] == (query["suffices"] == this)
    assert sum(row["suffices"] for row in rows) == len(solved)
    again = fix(
        Tracer(index.asker), asked, k=(3, 40), actions=("remove", "blank", "relabel"), repeats=6
    )
    assert again.document()["curves"] == document["curves"]


def test_its_patch_fits_the_training_data(run: api.Run, index: api.Index, asked, tmp_path) -> None:
    found = treating.treatments(Tracer(index.asker), asked.take([1]), [3], ["blank", "relabel"], [])
    run.train.write_parquet(tmp_path / "train.parquet")
    for change in found.values():
        patch = change.patch(run.train, "m", 3)
        done = apply_patch(
            patch, tmp_path / "train.parquet", tmp_path / "new.parquet", overwrite=True
        )
        assert done.edited + done.relabelled == len(patch) > 0


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"actions": ["burn"]}, "known: remove, blank, relabel"),
        ({"actions": []}, "no change to try"),
        ({"k": [0]}, "k is 0"),
        ({"k": [10**6]}, "k is 1000000"),
        ({"repeats": 1}, "repeats is 1"),
        ({"band": (0.7, 0.3)}, "two rising probabilities"),
        ({"band": (0.0, 0.0001)}, "no query of .* is misclassified with a probability"),
        ({"limit": 0}, "limit is 0"),
    ],
)
def test_wrong_arguments_are_one_sentence(index: api.Index, asked, choices, said) -> None:
    with pytest.raises(InputError, match=said):
        index.fix(asked, **{"k": (3,), **choices})


def test_queries_need_right_labels_that_the_run_has(index: api.Index, asked) -> None:
    unlabelled = api.Examples.of(asked.texts, [-1] * 9, asked.label_names)
    with pytest.raises(InputError, match="needs its right label"):
        index.fix(unlabelled, k=(3,))
    other = api.Examples.of(["x y"], [0], ["weather"])
    with pytest.raises(InputError, match="'weather'"):
        index.fix(other, k=(3,))


def test_a_blanked_word_is_found_among_the_tokens_that_the_training_kept(
    run: api.Run, tmp_path: Path
) -> None:
    """The training had each row without its first token: all places move by one."""
    parts = [run.encoded[row][1:] for row in range(len(run.train))]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    write_tokens(folder / TOKENS, Encoded(np.concatenate(parts), offsets))
    change_run(folder, lambda document: document["files"].update({TOKENS: ""}))
    own = api.Run.open(folder)
    np.testing.assert_array_equal(whole(own, PROBES).texts.train.ids, np.concatenate(parts))
    tracer = Tracer(Asker(own))
    question = tracer.asker.question("the striker and the coach win", "money")
    opponents = tracer.trace(question, top=8).opponents
    rows = own.rows_of([hit.id for hit in opponents]).tolist()
    found = [one for one in treating._blanks(tracer, opponents, rows) if one is not None]
    assert len(found) > 4
    for row, word, _, places in found:
        tokens = [own.tokenizer.token(int(own.encoded[row][place])) for place in places]
        assert set(tokens) == {word}
    blanks = tuple((row, place) for row, _, _, places in found for place in places)
    ids = blanked(whole(own, PROBES).texts, blanks).ids
    assert int((ids != own.encoded.ids).sum()) == len(blanks)
