"""Whole sequential studies, simulated: how often they err, and that the docs say so."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from benchmarks import sequential

from wordtrace.statistics.comparison import Comparison
from wordtrace.statistics.sequential import nominal_p
from wordtrace.verification.design import Design


def test_studies_without_an_effect_err_in_no_more_than_five_per_cent() -> None:
    """Normal, skewed, and probabilities near 0 or 1; ordinary intervals would err thrice as often.

    A single control's interval is allowed the simulation's own error.
    """
    studies = 2_000
    found = sequential.errors(studies)
    assert [one["values"] for one in found] == [
        "normal", "normal, no pairs", "skewed", "near 0 or 1"
    ]  # fmt: skip
    for one in found:
        assert one["study"] < 0.05 - 3 * one["study_error"]
        assert one["interval"] < 0.05 + 3 * math.sqrt(0.05 * 0.95 / studies)
        assert one["uncorrected"] > 0.12


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("kind", list(sequential.DRAWS))
def test_the_simulation_follows_the_rule_of_the_library(kind: str, paired: bool) -> None:
    studies, most, effect = 25, 6, 1.5
    draw = sequential.DRAWS[kind]
    looked = sequential.simulated(draw, studies, 5, most=most, effect=effect, paired=paired)
    values = draw(np.random.default_rng(5), (4, most, studies))
    values[0] += effect
    design = Design(most, sequential=True, smallest=sequential.SMALLEST)
    compare = Comparison(paired, design.p)
    for study in range(studies):
        for look, count in enumerate(range(3, most + 1)):
            after, *controls, base = values[:, :count, study]
            query: dict[str, list[object]] = {"controls": []}
            for other in controls:
                one = compare.difference(after, other, math.inf)
                draws = compare.draws(after, other, base, one, math.inf)
                query["controls"].append(
                    {
                        "difference": one.document(),
                        "excludes_zero": one.excludes_zero,
                        "draws": draws.document(),
                    }
                )
            expected = "effect" if looked.shown[look, study] else None
            if expected is None and looked.smaller[look, study]:
                expected = "smaller"
            assert design.answer(query) == expected
    assert looked.shown.any()


def test_the_docs_show_what_was_simulated() -> None:
    """The page is written by `python -m benchmarks sequential`."""
    text = sequential.DOCS.read_text("utf-8")
    assert f"each misses in {100 * nominal_p(12):.1f} % of studies" in " ".join(text.split())
    shares = re.findall(r"^\| ([\w ,]+) \| ([\d.]+) ± [\d.]+ % \|", text, re.MULTILINE)
    assert [name for name, _ in shares] == [one["values"] for one in sequential.errors(100)]
    assert all(float(share) <= 5 for _, share in shares)
    effects = re.findall(r"^\| ([\d.]+|none, smallest 1\.5) \|", text, re.MULTILINE)
    assert [float(one) for one in effects[:-1]] == list(sequential.EFFECTS)
    table = "| a | table |"
    again = sequential.written(text, table)
    assert sequential.written(again, table) == again
    assert again.count(table) == 1
