"""A verification by a training that is not ours, for each kind of label, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import wordtrace as wt
from tests.huggingface import seq2seq
from tests.verification.a_few_steps import AFewSteps, trained
from tests.verification.kinds import run_of
from wordtrace.execute.serial import Serial
from wordtrace.verification.removal import alike_rows, pool_of, random_rows

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

TEXT = "the striker of the market and the coach"
PAIR = ("the coach of the ", "club wins a cup")
TALK = {
    "messages": [
        {"role": "user", "content": PAIR[0]},
        {"role": "assistant", "content": PAIR[1]},
    ]
}
ASKED: dict[str, tuple[Any, str | None]] = {
    "set": (TEXT, "{sport, film}"),
    "number": (TEXT, "lower"),
    "completion": ([PAIR], None),
    "chat": (TALK, None),
    "seq2seq": ([PAIR], None),
}


@pytest.fixture(scope="module", params=ASKED)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def made(kind: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, wt.Run]:
    return (kind, *run_of(kind, tmp_path_factory.mktemp(kind)))


def index_of(run: wt.Run) -> wt.Index:
    """The run's index, made once."""
    if not (run.path / "index").exists():
        wt.build_index(run, top_k=None, workers=1)
    return wt.Index.open(run.path / "index", run.path)


def answer_of(module: Any, ids: list[int], first: int) -> float:
    """The geometric mean of the probabilities of the tokens from a place on."""
    scores = module(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(1)
    logs = [float(scores[place - 1, ids[place]]) for place in range(first, len(ids))]
    return float(np.exp(np.mean(logs)))


@torch.no_grad()
def outside(kind: str, tokens: Any, module: Any) -> tuple[float, bool | None]:
    """What transformers itself says of the query, and whether it says the label."""
    if kind in ("set", "number"):
        given = tokens(TEXT, truncation=True, max_length=24, return_tensors="pt")
        scores = module(**given).logits[0].double()
        if kind == "number":
            return float(scores[0]), None
        # The classes are sport, film and money; asked is the set of the first two.
        sport, film, money = (float(one) for one in scores.sigmoid())
        return sport * film * (1 - money), sport > 0.5 and film > 0.5 and money <= 0.5
    if kind == "completion":
        whole = tokens("".join(PAIR), return_offsets_mapping=True)
        before = sum(end <= len(PAIR[0]) for _, end in whole["offset_mapping"])
        return answer_of(module, [*whole["input_ids"], tokens.eos_token_id], before), None
    if kind == "chat":
        whole = tokens.apply_chat_template(TALK["messages"], tokenize=False)
        prompt = tokens.apply_chat_template(
            TALK["messages"][:1], tokenize=False, add_generation_prompt=True
        )
        ids, before = (
            tokens(one, add_special_tokens=False)["input_ids"] for one in (whole, prompt)
        )
        return answer_of(module, ids, len(before)), None
    labels = tokens(text_target=PAIR[1], truncation=True, max_length=seq2seq.SHORT)
    prompt = tokens(PAIR[0], truncation=True, max_length=seq2seq.LENGTH, return_tensors="pt")
    found = module(input_ids=prompt["input_ids"], labels=torch.tensor([labels["input_ids"]]))
    return float((-found.loss.double()).exp()), None


def test_each_number_is_what_transformers_says(made: tuple[str, Any, wt.Run]) -> None:
    kind, tokens, run = made
    query, label = ASKED[kind]
    trace = index_of(run).trace(query, label, top=8)
    found = wt.verify(
        trace, run=run, retrain=AFewSteps(), remove="proponents", k=4, repeats=3, executor=Serial()
    ).document()
    (one,) = found["queries"]
    removed = tuple(sorted(run.rows_of(one["removed"]).tolist()))
    assert one["removed"] == [hit.id for hit in trace.proponents[:4]]
    pool = pool_of(run)
    sets: dict[str, Any] = {
        "base": lambda seed: (),
        "without": lambda seed: removed,
        "random": lambda seed: random_rows(pool, len(removed), seed, removed),
        pool.control: lambda seed: alike_rows(pool, removed, seed),
    }
    outcomes = {"base": one["base"], "without": one["without"]}
    outcomes |= {control["name"]: control for control in one["controls"]}
    assert list(outcomes) == list(sets)
    values: dict[str, np.ndarray] = {}
    for name, rows in sets.items():
        said = [outside(kind, tokens, trained(run, seed, rows(seed))) for seed in found["seeds"]]
        values[name] = np.array([value for value, _ in said])
        np.testing.assert_allclose(outcomes[name]["values"], values[name], rtol=1e-4)
        hits = None if kind != "set" else sum(bool(hit) for _, hit in said)
        assert outcomes[name]["right"] == hits
    assert len({round(value, 9) for value in values["base"]}) == 3
    for control in one["controls"]:
        difference = values["without"] - values[control["name"]]
        low, high = stats.t.interval(0.95, 2, difference.mean(), stats.sem(difference))
        if kind != "number":
            low, high = max(low, -2), min(high, 2)
        assert control["difference"]["low"] == pytest.approx(low, rel=0.01, abs=1e-7)
        assert control["difference"]["high"] == pytest.approx(high, rel=0.01, abs=1e-7)
    assert one["label"] == trace.queries[0].label
    assert one["predicted"] == trace.queries[0].predicted
    assert one["text"] == trace.queries[0].text
    assert found["measured"] == {"set": "probability", "number": "number"}.get(kind, "answer")
