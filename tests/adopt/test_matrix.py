"""The matrix of `make adopt`, a few situations of it; and that it tells what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("transformers")
pytest.importorskip("trl")
pytest.importorskip("peft")

from benchmarks.adopt.run import Outcome, run
from benchmarks.adopt.situations import Situation, situations
from benchmarks.adopt.table import table

EVERY = situations()
CHOSEN = (
    ("Bert, classes", "record"),
    ("Bert, classes", "written by 4.40"),
    ("Bert, classes", "FSDP"),
    ("Bert, classes", "wrong label column"),
    ("Llama, prompt + completion, SFTTrainer, loss: completion", "record"),
    ("Llama, prompt + completion, SFTTrainer, loss: completion", "callback"),
)


def named(training: str, reading: str) -> Situation:
    (found,) = [one for one in EVERY if (one.training.name, one.reading) == (training, reading)]
    return found


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """Those chosen; and misreadings that are adopted by force, as if they were right."""
    forced = {"force": True}
    column = named("Bert, classes", "wrong label column")
    rate = named("Bert, classes", "record")
    wrong = [
        replace(column, choices=column.choices | forced, reading="forced"),
        replace(rate, choices=rate.choices | forced | {"max_length": 6}, reading="forced"),
        replace(rate, choices=rate.choices | {"learning_rate": 0.1}, reading="forced"),
    ]
    chosen = [named(*one) for one in CHOSEN]
    return list(run([*chosen[:4], *wrong, *chosen[4:]]))


def test_situations_of_the_matrix_are_as_they_should(outcomes: list[Outcome]) -> None:
    found = [one for one in outcomes if one.situation.reading != "forced"]
    for one in found:
        expected = one.situation.expected
        assert one.verdict == expected, f"{one.situation.name}: {one.said}"


def test_misreadings_that_are_adopted_are_called_wrong(outcomes: list[Outcome]) -> None:
    labels, tokens, rates = [one for one in outcomes if one.situation.reading == "forced"]
    assert {labels.verdict, tokens.verdict, rates.verdict} == {"wrong"}
    assert "12 labels differ; the gradient of row " in labels.said
    assert "row 0 has the tokens " in tokens.said
    assert "the rate of step 18 is 0.1, used 0.00434" in rates.said
    assert table(outcomes).splitlines()[-1].startswith("| all |  | 9 | 4 | 2 | 3 | 0 |")


def test_the_matrix_is_a_product_of_what_is_trained_and_how_it_is_read() -> None:
    assert len(EVERY) > 100
    assert len({one.name for one in EVERY}) == len(EVERY)
