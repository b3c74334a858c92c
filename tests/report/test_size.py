"""A page of many predictions is small enough to send."""

from __future__ import annotations

import copy
from typing import Any

from tests.report.samples import trace
from wordtrace.report.page import render_fragment, render_html


def long_trace(queries: int) -> dict[str, Any]:
    """Each with twenty rows for and against, of 2,300 characters and twelve coloured words each."""
    document = trace()
    (query, *_) = document["queries"]
    text = "shares of the company rise while the market falls; " * 45
    for side in ("proponents", "opponents"):
        hit = query[side][0]
        words = [
            {
                **hit["words"][0],
                "contribution": hit["score"] / (place + 2),
                "spans": [["text", 150 * place, 150 * place + 6]],
            }
            for place in range(12)
        ]
        query[side] = [
            {**hit, "id": f"{side}/{place}", "text": text, "words": words} for place in range(20)
        ]
    document["queries"] = [copy.deepcopy(query) for _ in range(queries)]
    return document


def test_twenty_predictions_make_a_page_under_two_megabytes() -> None:
    document = long_trace(20)
    page = render_html([document])
    assert len(page.encode()) < 2_000_000
    assert page.count("The 8 strongest of each side; the JSON document has all.") == 20
    assert page.count("proponents/7<") == 20
    assert "proponents/8<" not in page
    assert len(render_fragment(document).encode()) < 2_000_000


def test_of_few_predictions_all_rows_are_shown() -> None:
    page = render_html([long_trace(2)])
    assert page.count("proponents/19<") == 2
    assert "of each side; the JSON" not in page
