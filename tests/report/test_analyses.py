"""Analyses in a terminal and on a page: the same figures, and conclusions that follow from them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.report import samples
from tests.report.tools import Page, terminal
from wordtrace.report.blocks import Bar, Grid, Passage
from wordtrace.report.cancellations import cancellation_sentences
from wordtrace.report.page import render_fragment, render_html
from wordtrace.report.sections import sections_of

ALL = [
    samples.cancellation(),
    samples.overlap(),
    samples.words(),
    samples.measures(),
    samples.rows(),
]


@pytest.mark.parametrize("document", ALL, ids=lambda d: d["format"])
def test_page_terminal_and_notebook_show_every_cell(document: dict[str, Any]) -> None:
    page = Page(render_html([document])).line
    shown = re.sub(r"\s+", " ", terminal(document, 200, color=False))
    for block in sections_of([document])[0].blocks:
        if isinstance(block, Grid):
            for cell in (cell for row in block.rows for cell in row):
                text = cell.texts[0] if isinstance(cell, Passage) else cell
                text = cell.text if isinstance(cell, Bar) else text
                assert text in page
                assert text[:20].strip() in shown
    assert render_fragment(document).count("<table") == sum(
        isinstance(block, Grid) for block in sections_of([document])[0].blocks
    )


def test_a_single_analysis_names_its_page() -> None:
    html = render_html([samples.cancellation()])
    assert "<title>Where influences cancel</title>" in html
    assert html.count("Where influences cancel") == 2


def test_the_conclusions_of_cancellation_are_ratios_of_its_figures() -> None:
    document = samples.cancellation()
    assert cancellation_sentences(document["parameters"]) == [
        "The weights of the last layer (linear) cancel 1.7 times as much as those of the first "
        "(embedding) do.",
        "Never changed, so all of the pull on them cancelled: linear (bias).",
    ]
    document["parameters"][2] |= {"movement": 0.25, "cancellation": 80955.6}
    times = 80955.6 / (20003.7 * 34185.9) ** 0.5
    assert cancellation_sentences(document["parameters"])[0] == (
        f"Biases cancel {times:.1f} times as much as weights do (geometric means)."
    )


def test_bars_of_cancellation_grow_with_the_logarithm() -> None:
    (grid,) = [
        one for one in sections_of([samples.cancellation()])[0].blocks if isinstance(one, Grid)
    ]
    first, last, never, none = (row[2] for row in grid.rows)
    assert isinstance(first, Bar)
    assert isinstance(last, Bar)
    assert last.share == 1
    assert 0.3 < first.share < 0.7
    assert (never, none) == ("never changed", "no gradient")


def test_words_are_coloured_by_importance_and_negative_similarity_is_orange() -> None:
    html = render_html([samples.words()])
    assert '<mark class="plus" style="--s:1.00"' in html
    assert '<i class="minus" style="width:100.0%"></i>' in html
    assert "so they speak against each other" in html
    assert "weighed for Business (31 %), given" in html


def test_one_query_has_no_pairs_to_compare() -> None:
    document = samples.overlap() | {"queries": 1}
    assert "Shared between queries" not in terminal(document, 120, color=False)


def test_recurrent_examples_are_those_of_more_than_one_list() -> None:
    shown = terminal(samples.overlap(), 160, color=False)
    assert "news-0002" in shown
    assert "news-0009" not in shown


def test_rows_say_how_many_match_and_which_are_wrong() -> None:
    shown = terminal(samples.rows(), 160, color=False)
    assert "3 of 1,781 rows match. Listed: 1 to 2." in shown
    assert "✗ Tech" in shown
    assert "✗ Business" not in shown
    assert "12.35" in shown
