"""A verification in words, for numbers and for answers of language models."""

from __future__ import annotations

from typing import Any

import pytest

import wordtrace as wt
from tests.report import samples
from tests.report.tools import terminal
from wordtrace.report.figures import dumbbells, intervals
from wordtrace.report.page import render_html
from wordtrace.report.sentences import held_out_sentence, verification_sentences
from wordtrace.report.verdicts import verdict
from wordtrace.verification.result import Verification


def document(measured: str, label: str, scale: float, remove: str = "opponents") -> dict[str, Any]:
    """The sample, its numbers multiplied: what it would be like for another kind of label."""
    found = samples.verification() | {"measured": measured, "remove": remove}
    (query,) = found["queries"]
    query["label"], query["probability"] = label, None
    query["controls"][1]["name"] = {"number": "similar numbers", "answer": "similar lengths"}[
        measured
    ]
    for one in (query["base"], query["without"], *query["controls"]):
        one["right"] = None
        one["mean"] *= scale
        one["values"] = [value * scale for value in one["values"]]
        for name in ("change", "difference"):
            if name in one:
                for key in ("mean", "low", "high"):
                    one[name][key] *= scale
                one[name]["values"] = [value * scale for value in one[name]["values"]]
    return found


def test_a_number_word_by_word() -> None:
    (said,) = verification_sentences(document("number", "higher", 10))
    assert said == (
        "Removing the 50 strongest opponents raised the predicted number by +3.10 [+2.10, +4.10], "
        "from 2.90 to 6.00 on average over 8 seeds; asked was what makes it higher. Removing 50 "
        "random rows: +0.19 [−0.30, +0.80]; the difference +2.91 [+1.60, +4.00] excludes zero. "
        "Removing 50 random rows of similar numbers: +0.51 [−0.30, +0.80]; the difference +2.59 "
        "[+1.60, +4.00] excludes zero. So the fix is shown, beside every control."
    )
    (near,) = verification_sentences(document("number", "-3.5", 1))
    assert "; asked was what brings it near to −3.5. " in near


def test_an_answer_word_by_word() -> None:
    one = document("answer", "completion", 0.01)
    (said,) = verification_sentences(one)
    assert said.startswith(
        "Removing the 50 strongest opponents raised the probability of the answer (mean over its "
        "tokens) by +0.00310 [+0.00210, +0.00410], from 0.00290 to 0.00600 on average over 8 "
        "seeds. Removing 50 random rows: "
    )
    assert "Removing 50 random rows of similar lengths: " in said
    one["queries"][0]["text2"], one["queries"][0]["span"] = "a cup is won", ["text2", 2, 5]
    (said,) = verification_sentences(one)
    assert "the probability of the whole answer (mean over its tokens)" in said
    assert "over 8 seeds; traced was its part “cup”. Removing" in said


@pytest.mark.parametrize(
    ("label", "remove", "shown", "sentence"),
    [
        ("higher", "opponents", True, "So the fix is shown, beside every control."),
        ("lower", "opponents", False, "it went the other way round: the fix is not shown."),
        ("higher", "proponents", False, "it went the other way round: the effect is not shown."),
        ("lower", "proponents", True, "So the effect is shown, beside every control."),
        # The number rose from 2.9 to 6.0.
        ("7.5", "opponents", True, "So the fix is shown, beside every control."),
        ("7.5", "proponents", False, "it went the other way round: the effect is not shown."),
        ("1", "proponents", True, "So the effect is shown, beside every control."),
        ("3", "opponents", False, "The number went past 3 and is no nearer to it: the fix is not"),
    ],
)
def test_what_was_asked_of_a_number_says_which_way_is_wanted(
    label: str, remove: str, shown: bool, sentence: str
) -> None:
    one = document("number", label, 10, remove)
    found = verdict(one["queries"][0], one)
    assert found.shown == shown
    assert sentence in found.sentence


def test_pages_and_terminals_name_what_was_measured() -> None:
    one = document("number", "higher", 1000)
    for shown in (render_html([one]), terminal(one)):
        assert "hange of the predicted number when rows are left out" in shown
        assert "+310.00" in shown
        assert "P(" not in shown
        assert "retrainings saying" not in shown
    assert "The predicted number in each retraining, before and after" in render_html([one])
    answer = document("answer", "completion", 0.01)
    for shown in (render_html([answer]), terminal(answer)):
        assert "hange of the probability of the answer when rows are left out" in shown
        assert "+0.00310" in shown
    answer["queries"][0]["text2"] = "By a <b>merger</b>"
    said = terminal(answer)
    assert "For the answer “By a <b>merger</b>” to “Phone maker" in said
    plain = samples.verification()
    assert render_html([plain | {"measured": "probability"}]) == render_html([plain])


def test_pictures_have_a_scale_of_their_own() -> None:
    pairs = [("1", 0.002, 0.004), ("2", 0.003, 0.0025)]
    drawn = dumbbells(pairs, 4)
    assert [name for _, name in drawn.axis.ticks] == [
        "0.0020",
        "0.0025",
        "0.0030",
        "0.0035",
        "0.0040",
    ]
    assert 0 < drawn.lines[0].before < 10
    assert drawn.lines[0].after > 90
    assert [name for _, name in dumbbells(pairs).axis.ticks] == ["0", "0.25", "0.5", "0.75", "1"]
    one = document("number", "higher", 1000)
    change = one["queries"][0]["without"]["change"]
    wide = intervals([("removed", change, "main")], 2)
    assert [name for _, name in wide.axis.ticks] == [
        "0.00",
        *(f"+{place}00.00" for place in range(1, 6)),
    ]


def test_a_loss_on_held_out_rows_is_named() -> None:
    held_out = samples.verification()["held_out"] | {"measured": "loss"}
    assert held_out_sentence(held_out).startswith("Loss on 445 held-out rows: 0.900 before, 0.902")


def test_it_is_loaded_again_and_is_a_table(tmp_path: Any) -> None:
    one = document("number", "higher", 10)
    Verification.from_document(one).save(tmp_path / "proof.json")
    found = wt.load(tmp_path / "proof.json")
    assert found.document() == one
    frame = found.to_frame()
    assert frame["value"].tolist()[:8] == one["queries"][0]["without"]["values"]
