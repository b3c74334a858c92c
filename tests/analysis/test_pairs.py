"""Pairs of texts: which of the two a word stands in is kept, all the way to the analyses."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.conftest import make_examples
from wordtrace import api
from wordtrace.analysis.overlap import overlap
from wordtrace.analysis.words import words
from wordtrace.errors import InputError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "negation.py"
ONE = ("the coach and the team", "a coach is not happy")
TWO = ("a team", "the coach is not here")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> api.Run:
    single = make_examples(60)
    examples = api.Examples.of(
        single.texts,
        single.labels,
        single.label_names,
        texts2=[f"this is not {text}" for text in reversed(single.texts)],
    )
    return api.train(
        examples, tmp_path_factory.mktemp("pairs") / "run", epochs=2, dim=8, eval_fraction=0
    )


def test_spans_name_the_text_they_stand_in(pairs: api.Run) -> None:
    found = words(pairs, ONE, TWO)
    coach = next(one for one in found.texts[0].words if one.token == "coach")
    assert coach.positions == 2
    assert {where for where, _, _ in coach.spans} == {"text", "text2"}
    fields = {"text": ONE[0], "text2": ONE[1]}
    assert [fields[where][start:end] for where, start, end in coach.spans] == ["coach", "coach"]
    shared = next(one for one in found.similarity.words if one.token == "not")
    assert [where for where, _, _ in shared.spans] == ["text2"]
    assert [where for where, _, _ in shared.other_spans] == ["text2"]
    assert found.texts[1].text2 == TWO[1]


def test_pairs_and_single_texts_are_not_mixed_up(pairs: api.Run, run: api.Run) -> None:
    with pytest.raises(InputError, match=r"TEXT is a single one; give its second text, too"):
        words(pairs, ONE[0])
    with pytest.raises(InputError, match=r"TEXT2 is a single one; .* second text"):
        words(pairs, ONE, TWO[0])
    with pytest.raises(InputError, match="pairs of texts throughout"):
        overlap(pairs, [ONE, "alone"], ["bm25"], top=5)


def test_a_pair_alone_is_one_query(pairs: api.Run) -> None:
    assert overlap(pairs, ONE, ["tracin-last"], top=5).queries == 1
    assert pairs.predict([ONE[0]], [ONE[1]]).shape == (1, 3)


def test_the_example_of_negation_runs_on_a_run_of_pairs(pairs: api.Run, capsys) -> None:
    found = runpy.run_path(str(EXAMPLE))["main"](str(pairs.path))
    assert len(found) == 10
    assert all(cosine is None or -1 <= cosine <= 1 for _, _, cosine in found)
    assert any(cosine is not None for _, _, cosine in found)
    assert "0 with 1: cosine of 'not'" in capsys.readouterr().out
