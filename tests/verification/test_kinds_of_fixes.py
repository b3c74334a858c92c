"""What fix, evaluate and clusters do for models that give no one class of several."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.command import wordtrace
from tests.verification.a_few_steps import AFewSteps, trained
from tests.verification.kinds import index_of
from wordtrace.errors import InputError
from wordtrace.execute.serial import Serial

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

TEXTS = ["the striker of the market", "a drama with a coach , and growth", "shares of the actor"]
SPEAKERS = ("user", "assistant")
TOY = AFewSteps(rate=0.5)


@pytest.fixture(scope="module")
def sets(made_of: Callable[[str], tuple[Any, wt.Run]]) -> tuple[Any, wt.Run]:
    return made_of("set")


def said(tokens: Any, run: wt.Run, text: str, seed: int, removed: Any = ()) -> np.ndarray:
    """What transformers says of a text, shape (classes,)."""
    given = tokens(text, truncation=True, max_length=24, return_tensors="pt")
    module = trained(run, seed, removed, TOY)
    return module(**given).logits[0].detach().double().sigmoid().numpy()


def test_a_set_is_fixed_where_all_of_it_is_right(sets: tuple[Any, wt.Run]) -> None:
    tokens, run = sets
    predicted = (run.predict(TEXTS) > 0.5).astype(np.float32)
    right = predicted.copy()
    right[:2, 1] = 1 - right[:2, 1]
    queries = wt.Examples.of(TEXTS, right, run.label_names, kind="set")
    index = index_of(run)
    given: dict[str, Any] = {"k": [2, 5], "repeats": 3, "retrain": TOY, "executor": Serial()}
    with pytest.raises(InputError, match=r"relabel proposes one class for a row, .* of remove and"):
        index.fix(queries, actions=["relabel"], **given)
    fixed = index.fix(queries, **given)
    found = fixed.document()
    assert [query["id"] for query in found["queries"]] == ["0", "1"]
    for place, query in enumerate(found["queries"]):
        trace = index.trace(TEXTS[place], run.labelling.spell(right[place]), top=5)
        assert query["label"] == trace.queries[0].label
        assert query["predicted"] == run.labelling.spell(predicted[place])
        assert query["probability"] == pytest.approx(trace.queries[0].probability)
        rows = run.rows_of([hit.id for hit in trace.opponents])
        for k in (2, 5):
            hits = [
                ((said(tokens, run, TEXTS[place], seed, rows[:k]) > 0.5) == right[place]).all()
                for seed in found["seeds"]
            ]
            assert query["right"]["remove"][str(k)] == sum(hits)
    # A patch names sets as the file spells them.
    removed = fixed.patches[0] or wt.Patch(())
    assert all(one.before.startswith("{") for one in removed.changes)


def test_numbers_and_answers_have_no_fix(made_of: Callable[[str], tuple[Any, wt.Run]]) -> None:
    for kind, what in (("number", "a number"), ("completion", "an answer")):
        _, run = made_of(kind)
        queries = run.held_out
        assert queries is not None
        with pytest.raises(InputError, match=f"{what} is not simply right or wrong; .* `verify`"):
            index_of(run).fix(queries, retrain=TOY)
        with pytest.raises(InputError, match=r"a model that gives no one class \(.*`verify`"):
            wt.clusters(run, retrain=TOY)
        with pytest.raises(InputError, match="name what trains by retrain"):
            wt.verify(index_of(run).trace(*_asked(kind), top=5), run=run)


def _asked(kind: str) -> tuple[Any, ...]:
    return (TEXTS[0], "higher") if kind == "number" else ([("the coach ", "wins")],)


def test_commands_read_queries_of_every_kind(
    made_of: Callable[[str], tuple[Any, wt.Run]], tmp_path: Path
) -> None:
    """Without a training of one's own they are read, and then it is said what is missing."""
    rows: dict[str, list[dict[str, Any]]] = {
        "set": [{"text": TEXTS[0], "label": ["sport"]}],
        "number": [{"text": TEXTS[0], "label": 3.5}],
        "completion": [{"prompt": "the coach ", "completion": "wins"}],
        "chat": [{"messages": [{"role": role, "content": "a goal"} for role in SPEAKERS]}],
        "seq2seq": [{"prompt": "the coach ", "completion": "wins"}],
    }
    for kind, given in rows.items():
        _, run = made_of(kind)
        file = tmp_path / f"{kind}.jsonl"
        file.write_text("".join(json.dumps(one) + "\n" for one in given * 2))
        found = wordtrace("evaluate", str(run.path), "--queries", str(file), "--k", "2", status=2)
        assert "name what trains by --retrain" in found.stderr, kind
        if kind == "set":
            index = str(index_of(run).folder.path)
            found = wordtrace("fix", index, "--queries", str(file), "--k", "2", status=2)
            assert "name what trains by --retrain" in found.stderr
