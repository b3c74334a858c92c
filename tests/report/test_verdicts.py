"""What a verification is said to have shown, in its sentences and verdicts."""

from __future__ import annotations

from typing import Any

from tests.report import samples
from tests.report.tools import Page, terminal
from wordtrace.report.deeds import rows
from wordtrace.report.page import render_html
from wordtrace.report.sentences import (
    held_out_sentence,
    planted_sentence,
    verification_sentences,
)
from wordtrace.report.verdicts import verdict


def test_the_conclusion_word_by_word() -> None:
    assert verification_sentences(samples.verification()) == [
        "Removing the 50 strongest opponents raised P(Business) by +0.31 [+0.21, +0.41], from 0.29 "
        "to 0.60 on average over 8 seeds; the model said Business in 1 of 8 retrainings before and "
        "in 6 after. Removing 50 random rows: +0.02 [−0.03, +0.08]; the difference +0.29 [+0.16, "
        "+0.40] excludes zero. Removing 50 random rows of the same labels: +0.05 [−0.03, +0.08]; "
        "the difference +0.26 [+0.16, +0.40] excludes zero. So the fix is shown, beside every "
        "control."
    ]
    assert held_out_sentence(samples.verification()["held_out"]) == (
        "Accuracy on 445 held-out rows: 0.900 before, 0.902 after, a change of +0.002 [−0.001, "
        "+0.005]; removing random rows instead, −0.001 [−0.002, +0.001]."
    )
    assert planted_sentence(samples.mislabels()["planted"]) == (
        "53 of 1,780 labels were flipped on purpose. Among the first 53 rows of each ranking there "
        "are, of these: self-influence: 37; loss: 27; random (expected): 1.6."
    )


def judge(document: dict[str, Any]) -> tuple[bool, str]:
    found = verdict(document["queries"][0], document)
    return found.shown, found.sentence


def test_an_effect_is_shown_only_when_every_control_says_so() -> None:
    assert judge(samples.verification())[0]
    shown, said = judge(samples.verification(shown=False))
    assert not shown
    assert "the fix is not shown to work" in said
    one = samples.verification()
    one["queries"][0]["controls"][1]["excludes_zero"] = False
    assert judge(one) == (
        False,
        "So against random rows of the same labels the fix is not shown to work; more seeds "
        "narrow the interval.",
    )


def test_rows_that_do_no_more_than_a_draw_may_are_not_shown() -> None:
    """The draws that did as much are told, with what so few can tell; older results have none."""
    document = samples.verification()
    few = {"count": 8, "as_large": 0, "p": 1 / 9, "spread": 0.0, "beyond": True}
    some = {"count": 8, "as_large": 2, "p": 3 / 9, "spread": 0.216, "beyond": False}
    random, alike = document["queries"][0]["controls"]
    random["draws"], alike["draws"] = few, few
    assert judge(document)[0]
    alike["draws"] = some
    assert judge(document) == (
        False,
        "But random rows of the same labels differ from draw to draw so much (standard deviation "
        "0.22) that another draw may do the same: the fix is not shown to be of just these rows.",
    )
    said = (
        "[+0.16, +0.40] excludes zero; none of 8 such draws, each trained once, did as much "
        "(p = 0.11, the least that 8 draws can give). Removing",
        "[+0.16, +0.40] excludes zero; 2 of 8 such draws, each trained once, did as much "
        "(p = 0.33). But random rows",
    )
    for page in (Page(render_html([document])).line, terminal(document, color=False)):
        assert "Effect within what random rows do" in page
        assert "Effect shown" not in page
    assert all(one in verification_sentences(document)[0] for one in said)


def test_an_effect_that_single_trainings_show_by_chance_is_one_on_average() -> None:
    document = samples.verification()
    for place, as_large in enumerate((3, 2)):
        document["queries"][0]["controls"][place]["draws"] = {
            "count": 8, "as_large": as_large, "p": (1 + as_large) / 9, "spread": 0.0, "beyond": True
        }  # fmt: skip
    assert judge(document) == (
        True,
        "So the fix is shown, beside every control. It is one of the mean over seeds: of single "
        "trainings without random rows, many did as much by chance.",
    )
    assert "✓ Effect shown on average" in terminal(document, color=False)


def test_no_control_the_wrong_way_and_few_seeds_are_said() -> None:
    bare = samples.verification()
    bare["queries"][0]["controls"] = []
    assert judge(bare)[0] is False
    assert "Without a control" in judge(bare)[1]
    wrong = samples.verification()
    wrong["remove"] = "proponents"
    assert judge(wrong)[0] is False
    assert "the other way round" in judge(wrong)[1]
    few = samples.verification()
    few["repeats"] = 3
    assert "With only 3 seeds the interval itself is rough" in judge(few)[1]
    fewer = samples.verification()
    fewer["queries"][0]["removed"] = ["one"]
    said = verification_sentences(fewer)[0]
    assert "Removing the 1 strongest opponent (there are only 1)" in said
    assert rows(1, "random rows of the same labels") == "1 random row of the same label"


def looked(looks: list[int], answer: str | None) -> dict[str, Any]:
    """A verification with looks."""
    document = samples.verification(shown=answer == "effect")
    document["design"] = {
        "kind": "sequential", "seeds": 12, "smallest": 0.1, "nominal_p": 0.0108
    }  # fmt: skip
    document["saved"] = 16
    document["queries"][0] |= {"seeds": samples.SEEDS, "looks": looks, "answer": answer}
    return document


def test_a_sequential_study_says_when_it_stopped_and_why() -> None:
    said = verification_sentences(looked([3, 4], "effect"))[0]
    assert said.endswith(
        "So the fix is shown, beside every control. It was looked at after 3 and 4 of at most 12 "
        "seeds, and stopped there: the intervals exclude zero."
    )
    said = verification_sentences(looked([3, 4, 5, 6], "smaller"))[0]
    assert said.endswith(
        "So the fix is shown to be smaller than 0.1: the intervals of all differences lie between "
        "−0.1 and 0.1. It was looked at after 3 to 6 of at most 12 seeds, and stopped there: they "
        "are small enough."
    )
    said = verification_sentences(looked([3, 12], None))[0]
    assert said.endswith("It was looked at after 3 and 12 of at most 12 seeds, and took them all.")
    page = Page(render_html([looked([3, 8], "effect")])).line
    design = (
        "The design is sequential: the interval of each look misses in 1.1 % of studies, so that "
        "all looks together miss in 5 %; without looks it would have been 16 more."
    )
    assert f". {design}" in page
    assert "looks together" not in Page(render_html([samples.verification()])).line
    assert "Effect smaller than 0.1" in terminal(looked([3], "smaller"), color=False)


def test_how_far_a_training_repeats_is_said() -> None:
    document = samples.verification()
    found = {"kind": "exactly", "same": 0.0, "other": 0.13, "asked": 201, "likeness": None}
    said = {}
    for kind in ("exactly", "partly", "not"):
        document["repeatability"] = {**found, "kind": kind, "same": 0.012}
        said[kind] = verification_sentences(document)[-1]
        assert said[kind] in Page(render_html([document])).line
    assert said["exactly"] == (
        "The training repeats exactly: two models of one seed say the same of 201 texts."
    )
    assert said["partly"] == (
        "The training repeats partly: two models of one seed differ by 0.012 on 201 texts (root "
        "mean square), those of two seeds by 0.13. The models of a seed are compared as pairs."
    )
    assert "does not repeat: two models" in said["not"]
    assert "compared as groups and not as pairs" in said["not"]
