"""Pages say what the documents say, in the story's order; wrong documents are refused."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.report import samples
from tests.report.tools import Page, terminal
from wordtrace.errors import InputError
from wordtrace.report.numbers import digits_for, percent, seconds, signed
from wordtrace.report.page import render_fragment, render_html
from wordtrace.report.sentences import (
    question,
)


def test_the_page_says_what_the_documents_say() -> None:
    line = Page(render_html(samples.everything())).line
    for expected in (
        "Why Tech and not Business?",
        "The model predicts Tech (71 %). Explained is Business (29 %), its label in the file.",
        "Proponents speak for Business",
        "Business news-0117 ▲ +0.897",
        "Tech news-0002 ▼ −0.834",
        "shares +0.412",
        "[CLS] special +0.0510",
        "score, their sum +0.8970",
        "53 of 1,780 labels were flipped on purpose",
        "1.6 of 53",
        "0.29 → 0.60",
        "1 → 6 of 8",
        "✓ Effect shown",
        "Accuracy on 445 held-out rows: 0.900 before, 0.902 after",
        "the strongest 1 by bm25",
        "12 ms",
        "1 checkpoint kept",
    ):
        assert expected in line


def headings(*documents: dict[str, Any]) -> list[str]:
    return re.findall(r"<h[12]>(.*?)</h[12]>", render_html(documents))


def test_sections_come_in_the_order_given() -> None:
    names = {
        "Where influences cancel": samples.cancellation(),
        "The model": samples.run(),
        "What each word weighs": samples.words(),
        "Why Tech and not Business?": samples.trace(),
        "Training rows most likely mislabelled": samples.mislabels(),
    }
    first = ["wordtrace report", "How to read this"]
    assert headings(*names.values()) == [*first, *names]
    assert headings(*reversed(names.values())) == [*first, *reversed(names)]


def test_the_question_that_a_page_begins_with_is_its_title_and_said_once() -> None:
    found = headings(samples.trace(), samples.verification())
    why, what = "Why Tech and not Business?", "What removing the opponents did"
    assert found == [why, "How to read this", what]


def test_a_verification_follows_the_trace_that_it_verifies() -> None:
    first, second, other = samples.trace(), samples.trace(), samples.verification()
    second["queries"][0]["text"] = "Another text"
    second["queries"][0]["words"] = []
    unmatched = samples.verification()
    unmatched["queries"][0]["text"] = "Traced nowhere"
    html = render_html([unmatched, other, second, first])
    nowhere, another, trace, proof = (
        html.index(f"<h2>{text}")
        for text in (
            "What removing the opponents did Traced nowhere",
            "Why Tech and not Business? Another text",
            "Why Tech and not Business? Phone maker",
            "What removing the opponents did Phone maker",
        )
    )
    assert nowhere < another < trace < proof
    assert html.count("Not verified") == 1
    assert another < html.index("Not verified") < trace


def test_no_heading_is_there_twice() -> None:
    twice = [*samples.everything(), *samples.everything(), samples.trace()]
    found = headings(*twice)
    assert len(found) == len(set(found)) > 12
    for document in samples.everything():
        assert len(headings(document)) == len(set(headings(document)))


def test_run_and_model_are_named_at_the_top() -> None:
    line = Page(render_html([samples.trace(), samples.run()], "Title")).line
    assert line.index("Title Which") < line.index("Run runs/news, model CNN") < line.index("1,780")
    assert "Run runs/news training examples" in Page(render_html([samples.trace()])).line
    known = render_html([samples.trace()], runs=[samples.run()])
    assert "Run runs/news, model CNN" in known
    assert "The model" not in re.findall(r"<h2>(.*?)</h2>", known)
    elsewhere = {**samples.trace(), "run": "/data/of/somebody/runs/news"}
    both = Page(render_html([elsewhere, samples.run()])).line
    assert both.count("Run runs/news, model CNN") == 1
    assert "Run /data" not in both


def test_what_is_not_verified_is_said_on_every_medium() -> None:
    said = "Not verified: a score is a hint."
    assert said in render_html([samples.trace()])
    assert said in render_fragment(samples.trace())
    assert said in terminal(samples.trace())
    assert said not in render_html([samples.trace(), samples.verification()])


def test_the_words_table_sums_to_the_score_as_shown() -> None:
    html = render_html([samples.trace()])
    table = html[html.index("<tbody>") : html.index("</tfoot>")]
    numbers = [float(n.replace("−", "-")) for n in re.findall(r'"number">([+−][\d.]+)<', table)]
    assert len(numbers) == 7
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=5e-4)


def test_one_scale_colours_the_query_and_its_examples() -> None:
    html = render_html([samples.trace()])
    strengths = dict(re.findall(r'--s:([\d.]+)" title="[+−]([\d.]+)"', html))
    by_value = {float(value): float(strength) for strength, value in strengths.items()}
    largest = max(by_value)
    assert by_value[largest] == 1.0
    for value, strength in by_value.items():
        assert strength == pytest.approx((value / largest) ** 0.5, abs=0.01)


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.305, 2, "+0.30"),
        (-0.061, 2, "−0.06"),
        (-0.001, 2, "0.00"),
        (0.0, 3, "0.000"),
        (-12.3456, 1, "−12.3"),
        (0.0000305, 6, "+0.000030"),
        (1e-7, 9, "+1.00e−7"),
        (-2.5e-9, 9, "−0.03e−7"),
        (1e-12, 9, "0.00"),
    ],
)
def test_signed_numbers(value: float, digits: int, shown: str) -> None:
    assert signed(value, digits) == shown


def test_numbers_as_people_read_them() -> None:
    shares = (0, 0.004, 0.294, 0.996, 1)
    assert [percent(x) for x in shares] == ["0 %", "under 1 %", "29 %", "over 99 %", "100 %"]
    assert [digits_for(x) for x in (0.0, 3.2e-6, 0.0662, 0.102, 5, 180)] == [2, 8, 4, 3, 2, 2]
    times = (0.0042, 0.0123, 3.21, 120)
    assert [seconds(x) for x in times] == ["4.2 ms", "12 ms", "3.2 s", "2.0 min"]


def test_small_scores_keep_their_digits() -> None:
    document = samples.trace()
    query = document["queries"][0]
    for hit in query["proponents"] + query["opponents"]:
        hit["score"] *= 1e-6
        for word in hit["words"]:
            word["contribution"] *= 1e-6
    assert "▲ +8.97e−7" in Page(render_html([document])).line
    assert "+8.97e−7" in terminal(document)


def test_the_question_names_both_labels_only_where_they_differ() -> None:
    assert question({"label": "A", "predicted": "A"}) == "Why A?"
    assert question({"label": "A", "predicted": "B"}) == "Why B and not A?"


BROKEN = [
    ({"format": "x", "version": 1}, "is not a result of wordtrace"),
    ({}, "is not a result of wordtrace"),
    ({"format": ["wordtrace-trace"], "version": 1}, "is not a result of wordtrace"),
    ([1], "is not a JSON object"),
    ({**samples.trace(), "version": 2}, "of version 2, newer than this wordtrace"),
    ({**samples.trace(), "version": "1"}, "of version 1, newer than this wordtrace"),
    ({"format": "wordtrace-trace", "version": 1}, "lacks something"),
    ({**samples.trace(), "queries": 3}, "lacks something"),
    ({**samples.mislabels(), "rows": [{}]}, "lacks something"),
    ({**samples.verification(), "seeds": [1]}, "lacks something"),
]


@pytest.mark.parametrize(("document", "message"), BROKEN)
@pytest.mark.parametrize("render", [lambda d: render_html([d]), render_fragment, terminal])
def test_a_document_that_cannot_be_shown_is_refused_in_a_sentence(
    document: Any, message: str, render: Any
) -> None:
    with pytest.raises(InputError, match=message):
        render(document)


def test_pairs_warnings_and_empty_sides_are_shown() -> None:
    document = samples.trace()
    query = document["queries"][0]
    query |= {"text2": "a second text", "warning": "Hardly a word.", "opponents": []}
    for hit in query["proponents"]:
        hit["text2"] = "its own second text"
        hit["words"][0]["spans"] = [["text2", 0, 3]]
    html = render_html([document])
    line = Page(html).line
    assert "a second text" in line
    assert "Read with care. Hardly a word." in line
    assert "None." in line
    assert re.search(r"<mark[^>]*>its</mark> own second text", html)
    shown = terminal(document)
    assert "[+its] own second text" in shown.replace("\x1b[0m", "").replace("\x1b[1;34m", "")
    assert "Warning: Hardly a word." in shown


def test_what_is_optional_may_be_missing() -> None:
    trace, run, ranked = samples.trace(), samples.run(), samples.mislabels()
    for name in ("top_k", "source", "checkpoints"):
        del trace[name]
    query = trace["queries"][0]
    del query["baselines"], query["warning"], query["special_share"]
    for hit in query["proponents"]:
        del hit["words"], hit["special_share"], hit["stop_share"]
    for name in ("accuracy", "checkpoints", "model", "notes"):
        run.pop(name)
    del ranked["by"], ranked["examples"]
    ranked["planted"] = None
    proof = samples.verification()
    proof["held_out"] = None
    for document in (trace, ranked, proof, run):
        before = copy.deepcopy(document)
        assert "<section" in render_html([document])
        assert "<section" in render_fragment(document)
        assert terminal(document)
        assert document == before


def test_a_long_list_folds_all_but_the_first_five() -> None:
    document = samples.trace()
    query = document["queries"][0]
    query["proponents"] = [{**query["proponents"][1], "id": f"row-{n}"} for n in range(12)]
    html = render_html([document])
    assert html.count("<article") == 15
    assert html.index("row-4") < html.index("<summary>7 more</summary>") < html.index("row-5")


@pytest.mark.parametrize("module", ["report", "report.page", "results.result"])
def test_importing_what_renders_loads_neither_rich_nor_jinja(module: str) -> None:
    code = f"import sys, wordtrace.{module}; print({{'rich', 'jinja2'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
