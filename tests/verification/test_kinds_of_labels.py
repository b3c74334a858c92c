"""A verification by a training that is not ours, for each kind of label, number by number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import wordtrace as wt
from tests.huggingface import seq2seq, test_completions
from tests.verification.a_few_steps import AFewSteps, trained
from tests.verification.kinds import index_of
from wordtrace.errors import InputError
from wordtrace.execute.serial import Serial
from wordtrace.report.page import render_html
from wordtrace.retrainers.retrain import Retraining, retrain
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
def made(kind: str, made_of: Callable[[str], tuple[Any, wt.Run]]) -> tuple[str, Any, wt.Run]:
    return (kind, *made_of(kind))


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
        trace, run=run, retrain=AFewSteps(), remove="proponents", k=4, repeats=2, executor=Serial()
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
    assert len({round(value, 9) for value in values["base"]}) == 2
    for control in one["controls"]:
        difference = values["without"] - values[control["name"]]
        low, high = stats.t.interval(0.95, 1, difference.mean(), stats.sem(difference))
        if kind != "number":
            low, high = max(low, -2), min(high, 2)
        assert control["difference"]["low"] == pytest.approx(low, rel=0.01, abs=1e-7)
        assert control["difference"]["high"] == pytest.approx(high, rel=0.01, abs=1e-7)
    assert one["label"] == trace.queries[0].label
    assert one["predicted"] == trace.queries[0].predicted
    assert one["text"] == trace.queries[0].text
    assert found["measured"] == {"set": "probability", "number": "number"}.get(kind, "answer")


def asked_of(kind: str, run: wt.Run) -> wt.Examples:
    """The query as examples with a label."""
    if kind in ("set", "number"):
        wanted = "{sport, film}" if kind == "set" else "2.5"
        labels = run.labelling.parse(wanted)[None]
        return wt.Examples.of([TEXT] * 2, labels.repeat(2, 0), run.label_names, kind=kind)  # type: ignore[arg-type]
    return wt.Examples.of([PAIR[0]] * 2, [0, 0], run.label_names, texts2=[PAIR[1]] * 2)


@pytest.mark.parametrize("kind", ["set", "number", "completion"])
def test_measures_are_evaluated_by_what_transformers_says(
    kind: str, made_of: Callable[[str], tuple[Any, wt.Run]]
) -> None:
    tokens, run = made_of(kind)
    queries = asked_of(kind, run)
    study = wt.evaluate(
        *(run, queries),
        measures=["bm25"],
        lds=3,
        k=[4],
        repeats=2,
        retrain=AFewSteps(),
        executor=Serial(),
    )
    document = study.document()
    assert document["measured"] == {"set": "probability", "number": "number"}.get(kind, "answer")
    asked: Any = queries if kind != "number" else [TEXT] * 2
    scores = wt.influence(run, asked, "bm25", label="higher" if kind == "number" else None)
    effects = study.effects
    assert effects is not None
    for sign, order in (("proponents", -scores[0]), ("opponents", scores[0])):
        rows = np.argsort(order, kind="stable")[:4]
        rows = rows[order[rows] < 0]
        for place, seed in enumerate(document["seeds"][:2]):
            with_all, _ = outside(kind, tokens, trained(run, seed))
            without, _ = outside(kind, tokens, trained(run, seed, rows))
            found = effects["bm25", sign].named[0, 0, place]  # type: ignore[index]
            assert found == pytest.approx(without - with_all, rel=1e-3, abs=1e-9)
    label = {"set": "{sport, film}", "number": "higher"}.get(kind, "completion")
    assert [one["label"] for one in document["queries"]] == [label] * 2
    json.dumps(document, allow_nan=False)
    said = {"set": "P(label)", "number": "the number"}.get(kind, "P(answer)")
    assert f"Change of {said} after leaving out" in render_html([document])


def test_held_out_rows_are_judged_as_transformers_does(made: tuple[str, Any, wt.Run]) -> None:
    kind, tokens, run = made
    held_out = run.held_out
    assert held_out is not None
    task = Retraining(str(run.path), run.fingerprint, 4, (), ((*probe_of(kind),),))
    found = retrain(task, AFewSteps())
    module = trained(run, 4)
    if kind in ("set", "number"):
        said = []
        for text in held_out.texts:
            given = tokens(text, truncation=True, max_length=24, return_tensors="pt")
            said.append(module(**given).logits[0].detach().double().numpy())
        if kind == "set":
            hits = ((np.array(said) > 0) == (held_out.labels == 1)).all(1)
            assert (found["accuracy"], found["loss"]) == (hits.mean(), None)
        else:
            loss = ((np.array(said) - held_out.labels) ** 2).mean()
            assert found["loss"] == pytest.approx(loss, rel=1e-5)
    elif kind == "completion":
        losses = []
        for prompt, answer in zip(held_out.texts, held_out.texts2 or [], strict=True):
            (one,) = test_completions.rows_of(
                tokens, [{"prompt": prompt, "answer": answer}], end=True
            )
            given = {name: torch.tensor([one[name]]) for name in ("input_ids", "labels")}
            losses.append(float(module(**given).loss.detach()))
        assert found["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    else:
        assert found["accuracy"] is None
        assert 0 < found["loss"] < 20


def probe_of(kind: str) -> tuple[str, str | None]:
    if kind in ("set", "number"):
        return TEXT, None
    return (json.dumps(TALK), None) if kind == "chat" else PAIR


@pytest.mark.parametrize("kind", ["completion", "chat"])
def test_a_part_of_an_answer_is_verified_by_the_whole_of_it(
    kind: str, made_of: Callable[[str], tuple[Any, wt.Run]]
) -> None:
    tokens, run = made_of(kind)
    index = index_of(run)
    trace = index.trace(ASKED[kind][0], span="wins a", top=2)
    given: dict[str, Any] = {"retrain": AFewSteps(), "repeats": 2, "executor": Serial()}
    found = wt.verify(trace, run=run, index=index, remove="proponents", k=6, **given)
    (one,) = found.document()["queries"]
    # Made again for six rows, it asks for the same part.
    longer = index.trace(ASKED[kind][0], span="wins a", top=6)
    assert one["removed"] == [hit.id for hit in longer.proponents]
    whole = index.trace(ASKED[kind][0], top=6)
    assert one["removed"] != [hit.id for hit in whole.proponents]
    for place, seed in enumerate(found.document()["seeds"]):
        value, _ = outside(kind, tokens, trained(run, seed))
        assert one["base"]["values"][place] == pytest.approx(value, rel=1e-4)
    assert "the probability of the whole answer (mean over its tokens)" in repr(found)
    assert "traced was its part “wins a”" in repr(found)


def test_a_conversation_is_kept_in_the_trace_and_asked_again(
    made_of: Callable[[str], tuple[Any, wt.Run]], tmp_path: Path
) -> None:
    _, run = made_of("chat")
    trace = index_of(run).trace(TALK, top=6)
    trace.save(tmp_path / "trace.json")
    read = wt.read_trace(tmp_path / "trace.json")
    assert json.loads(read.queries[0].conversation or "") == TALK
    given: dict[str, Any] = {"retrain": AFewSteps(), "repeats": 2, "executor": Serial(), "k": 3}
    given["remove"] = "proponents"
    first, again = (wt.verify(one, run=run, **given).document() for one in (trace, read))
    assert first["queries"] == again["queries"]
    document = json.loads((tmp_path / "trace.json").read_text())
    del document["queries"][0]["conversation"]
    old = wt.Trace.from_document(document)
    with pytest.raises(InputError, match="before traces held their conversations; trace it again"):
        wt.verify(old, run=run, **given)
