"""The paper's three tasks at each size: what is trained on, and what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

import wordtrace as wt
from wordtrace.demo.news import read_news

NAMES = ("toxicity", "agnews", "nli")
#: Where the files of the size ``cpu`` and ``gpu`` lie: beside the checkout.
SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@dataclass(frozen=True)
class Given:
    """A file of the user's own that takes the place of each data set.

    Attributes
    ----------
    file
        As :func:`wordtrace.read_examples` reads it.
    text, text2, label
        Its columns.
    """

    file: str
    text: str = "text"
    text2: str | None = None
    label: str = "label"


def load(
    name: str, size: str, rows: int, queries: int, given: Given | None = None
) -> tuple[wt.Examples, wt.Examples]:
    """Return training rows and labelled queries, about as many of each label; none is in both.

    Parameters
    ----------
    name
        One of :data:`NAMES`.
    size
        "smoke" makes small stand-ins of the packaged news articles; "cpu" and "gpu" read
        :data:`SHARED`; "paper" takes the paper's own data by its name on the hub.
    rows, queries
        How many.
    given
        A file instead.

    Raises
    ------
    wordtrace.WordtraceError
        When the data is not there, in one sentence.
    """
    if given is not None:
        whole = wt.read_examples(given.file, text=given.text, text2=given.text2, label=given.label)
        train, rest = _parts(whole)
    elif size == "smoke":
        train, rest = _parts(_small(name))
    elif size == "paper":
        train, rest = _of_hub(name)
    else:
        train, rest = _shared(name)
    return train.take(drawn(train, rows)), rest.take(drawn(rest, queries))


def drawn(examples: wt.Examples, count: int) -> npt.NDArray[np.int64]:
    """Return `count` rows, as many of each label as can be, in their order."""
    generator = np.random.default_rng(1)
    labels = len(examples.label_names)
    found = []
    for label in range(labels):
        share = count // labels + (label < count % labels)
        found.append(generator.permutation(np.flatnonzero(examples.labels == label))[:share])
    return np.sort(np.concatenate(found))


def _parts(whole: wt.Examples) -> tuple[wt.Examples, wt.Examples]:
    """Return what may be trained on and what may be asked; copies of a text are on one side."""
    return whole.split(0.3, seed=0)


def _shared(name: str) -> tuple[wt.Examples, wt.Examples]:
    if not SHARED.is_dir():
        raise wt.WordtraceError(
            f"{SHARED} is not there; give a file of your own (--data), or --size smoke."
        )
    if name == "toxicity":
        # Labels of three kinds; the paper's task has two: is it toxic?
        tweets = wt.read_examples(SHARED / "toxic_tweets.csv.gz")
        toxic = np.array([one != "neither" for one in tweets.label_names])[tweets.labels]
        return _parts(_two(tweets, toxic, "tweets"))
    if name == "agnews":
        train = wt.read_examples(SHARED / "ag_news_train.csv.gz")
        return train, wt.read_examples(SHARED / "ag_news_test.csv.gz")
    train, test = (
        wt.read_examples(SHARED / f"nli_{part}.csv.gz", text="premise", text2="hypothesis")
        for part in ("train", "test")
    )
    return train, test


def _of_hub(name: str) -> tuple[wt.Examples, wt.Examples]:
    """Return the paper's data; its toxicity set is Kaggle's, which needs an account: `--data`."""
    if name == "toxicity":
        read = wt.read_examples(
            "google/civil_comments", label="toxicity", kind="number", split="train[:400000]"
        )
        return _parts(_two(read, read.labels[:, 0] >= 0.5, "Civil Comments"))
    if name == "agnews":
        hub, test = "fancyzhx/ag_news", "test"
        return wt.read_examples(hub, split="train"), wt.read_examples(hub, split=test)
    train, test_rows = (
        wt.read_examples("nyu-mll/multi_nli", text="premise", text2="hypothesis", split=split)
        for split in ("train", "validation_matched")
    )
    return train, test_rows


def _two(read: wt.Examples, toxic: npt.NDArray[np.bool_], source: str) -> wt.Examples:
    names = ("not toxic", "toxic")
    return wt.Examples.of(read.texts, toxic.astype(int), names, ids=read.ids, source=source)


def _small(name: str) -> wt.Examples:
    """Return a stand-in that needs no file: articles' beginnings, or sentences by a pattern."""
    if name == "nli":
        return _pairs()
    news = read_news()
    topics = ("business", "sports") if name == "toxicity" else news.label_names[:4]
    places = [news.label_names.index(topic) for topic in topics]
    kept = np.concatenate([np.flatnonzero(news.labels == place)[:40] for place in places])
    texts = [" ".join(news.texts[row].split()[:24]) for row in kept]
    labels = [places.index(int(news.labels[row])) for row in kept]
    ids = [news.ids[row] for row in kept]
    return wt.Examples.of(texts, labels, topics, ids=ids, source="BBC News")


def _pairs() -> wt.Examples:
    people, places = ("A man", "A woman", "The boy", "My friend"), ("in the park", "at home")
    doing = ("reading a book", "playing the piano", "cooking dinner", "riding a horse", "singing")
    texts, second, labels = [], [], []
    for who, what, where in product(people, doing, places):
        other = doing[(doing.index(what) + 1) % len(doing)]
        for label, said in enumerate(
            (what, f"{what} for the first time", f"not {what}, but {other}")
        ):
            texts.append(f"{who} is {what} {where}.")
            second.append(f"{who} is {said}.")
            labels.append(label)
    names = ("entailment", "neutral", "contradiction")
    return wt.Examples.of(texts, labels, names, texts2=second, source="sentences by a pattern")
