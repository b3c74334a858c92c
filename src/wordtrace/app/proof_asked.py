"""What is to be proven: a page's wish as a study of the library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, Field

from wordtrace import api
from wordtrace.act.fix import misclassified
from wordtrace.act.patch import Patch, patch_of
from wordtrace.api.index import Index
from wordtrace.app.opened import Opened
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.explain.trace import Trace
from wordtrace.results.result import Result
from wordtrace.retrainers.choice import Retrain
from wordtrace.retrainers.command import Command
from wordtrace.retrainers.replay import Replay
from wordtrace.run.replay_record import REPLAY
from wordtrace.run.run import Run

#: At most so many held-out rows that the model gets wrong are asked about.
MISTAKES = 50


class Question(BaseModel):
    """A text, or an example of the index, and the label that is asked about."""

    text: str | None = Field(None, description="The text.")
    text2: str | None = Field(None, description="Of a pair the second text, or an answer.")
    row: int | None = Field(None, ge=0, description="A row of the index in place of a text.")
    label: str | None = Field(
        None, description="The label whose probability is measured; of a text that is wrongly "
        "predicted the right one. By default a row's own label, or the prediction."
    )  # fmt: skip


class ProofAsked(BaseModel):
    """What is to be proven, and how thoroughly."""

    what: Literal["remove", "patch", "fix"] = Field(
        "remove",
        description="remove: does removing a question's opponents or proponents change the "
        "prediction? patch: does a patch set the texts right? fix: how many opponents "
        "must be changed until a text is right?",
    )
    questions: list[Question] = Field([], max_length=100, description="What the models are asked.")
    mistakes: bool = Field(
        False,
        description=f"Ask about the held-out rows that the model gets wrong, too; the first "
        f"{MISTAKES}.",
    )
    remove: Literal["opponents", "proponents"] = Field("opponents", description="For remove.")
    k: int = Field(10, ge=1, le=100_000, description="For remove: how many rows.")
    sizes: list[int] = Field([5, 10, 20], max_length=10, description="For fix: the k to try.")
    actions: list[Literal["remove", "blank", "relabel"]] = Field(
        ["remove"], description="For fix: what is done to the opponents."
    )
    patch: str | None = Field(
        None,
        description="For patch: its changes, one JSON document a line, as /api/review/patch gives "
        "them; by default those of the review.",
    )
    measure: str | None = Field(None, description="The measure that ranks the rows.")
    without: list[Literal["special", "stop"]] = Field(
        [], description="Kinds of tokens that have no part in the ranking."
    )
    span: tuple[int, int] | None = Field(
        None,
        description="Of one answer of a language model: the part by which the rows are ranked, "
        "[start, end] in characters. The whole answer is measured.",
    )
    repeats: int | None = Field(
        None, ge=2, le=200, description="Seeds, 5; of a sequential study at most, 12."
    )
    sequential: bool = Field(
        False, description="Look after each seed, from the third on; stop when the answer is clear."
    )
    smallest: float | None = Field(
        None, gt=0, description="The smallest change of the probability that matters to you."
    )
    trains: Literal["own", "replay", "command"] | None = Field(
        None, description="What trains again; `ways` of /api/proofs lists what there is."
    )
    workers: int | None = Field(
        None, ge=1, description="How many models at a time; by default as many as there are cores."
    )


def ways(run: Run, command: str | None) -> list[dict[str, str]]:
    """Return what may train models of a run again: the best first."""
    found = []
    if command is not None:
        found.append({"name": "command", "about": f"your command: {command}"})
    if run.manifest.recipe is not None:
        found.append({"name": "own", "about": "the run's own training, as wordtrace train did it"})
    if (run.path / REPLAY).is_file():
        found.append({"name": "replay", "about": "a replay of the training that was recorded"})
    return found


def retrainer(run: Run, asked: str | None, command: str | None) -> Retrain | None:
    """Return what trains: what was asked for, of what there is (InputError).

    A command is never taken from who asks, but from who started the server alone.
    """
    known = [one["name"] for one in ways(run, command)]
    if not known:
        raise InputError(
            f"{run.path} was trained elsewhere, so nothing here can train it again; start the app "
            "with your training command: "
            f"{option('retrain', 'python train.py {data} {out} {seed}')}."
        )
    chosen = asked or known[0]
    if chosen not in known:
        raise InputError(f"{run.path} can't be trained by {chosen!r}; here there is: {known}.")
    if chosen == "own":
        return None
    if chosen == "replay":
        return Replay()
    assert command is not None
    return Command(command)


@dataclass(frozen=True)
class Wish:
    """What is to be proven, ready: the questions are traced, and the patch is read.

    Attributes
    ----------
    title
        What it is, in a few words.
    patch
        Of "patch", the changes.
    without
        How many changes of texts were left out of the patch.
    """

    asked: ProofAsked
    trace: Trace
    title: str
    patch: Patch | None = None
    without: int = 0

    @classmethod
    def of(cls, opened: Opened, asked: ProofAsked) -> Self:
        """Trace the questions of what is asked (InputError)."""
        patch, without = None, 0
        if asked.what == "patch":
            if asked.patch is None:
                whole = opened.review.patch()
            else:
                whole = patch_of(asked.patch.split("\n"), "the patch")
            patch = whole.only("remove", "relabel")
            without = len(whole) - len(patch)
            if not len(patch):
                raise InputError(
                    "the patch removes and relabels no row yet; decide about some in the review."
                )
        top = asked.k if asked.what == "remove" else 1
        options: dict[str, Any] = {"measure": asked.measure, "top": top}
        if asked.without:
            options["without"] = ",".join(sorted(set(asked.without)))
        texts, labels = _questions(opened, asked)
        if asked.span is not None:
            if len(texts) > 1:
                raise InputError("a span is of one answer; ask about one.")
            options["span"] = [asked.span]
        trace = opened.index.trace(texts, labels, **options)
        return cls(asked, trace, _title(asked, trace, patch), patch, without)

    def study(self, index: Index, retrain: Retrain | None) -> Callable[[], Result]:
        """Return the study as a function without arguments."""
        asked, run = self.asked, index.run
        common: dict[str, Any] = {"retrain": retrain, "workers": asked.workers}
        if asked.what == "fix":
            queries = _as_examples(run, self.trace)
            sizes, actions, repeats = asked.sizes, asked.actions, asked.repeats or 5
            return lambda: index.fix(
                queries, k=sizes, actions=actions, measures=(), repeats=repeats, **common
            )
        if self.patch is None:
            common |= {"remove": asked.remove, "k": asked.k}
        else:
            common |= {"patch": self.patch}
        design = {name: getattr(asked, name) for name in ("repeats", "sequential", "smallest")}
        return lambda: api.verify(self.trace, index=index, **design, **common)


def _questions(
    opened: Opened, asked: ProofAsked
) -> tuple[list[str | tuple[str, str]], list[str | None]]:
    """Return what is asked about, texts or pairs, with the label of each; None: as predicted."""
    run, folder = opened.run, opened.index.folder
    texts: list[str | tuple[str, str]] = []
    labels: list[str | None] = []
    for one in asked.questions:
        if (one.text is None) == (one.row is None):
            raise InputError("give a text or a row of the index for each question.")
        label = one.label
        if one.row is not None:
            if one.row >= folder.manifest.examples or one.row in folder.removed:
                raise InputError(
                    f"the index has no row {one.row}; it has {folder.count:,} examples."
                )
            example = folder.take(np.array([one.row], np.int64), run)
            texts += _pairs(example)
            if label is None and not run.generates:
                label = run.labelling.spell(example.labels[0])
        else:
            assert one.text is not None
            texts.append(one.text if one.text2 is None else (one.text, one.text2))
        labels.append(label)
    if asked.mistakes:
        if run.held_out is None:
            raise InputError(f"{run.path} has no held-out rows; give the texts yourself.")
        wrong = misclassified(opened.index.asker, run.held_out, None, MISTAKES)
        texts += _pairs(wrong)
        labels += run.labelling.spell_all(wrong.labels)
    if not texts:
        raise InputError("there is no question: give a text, or ask about the wrong held-out rows.")
    return texts, labels


def _pairs(examples: Examples) -> list[str | tuple[str, str]]:
    if examples.texts2 is None:
        return list(examples.texts)
    return list(zip(examples.texts, examples.texts2, strict=True))


def _as_examples(run: Run, trace: Trace) -> Examples:
    """Return a trace's queries with the labels that it explains."""
    seconds = [query.text2 for query in trace]
    return Examples.of(
        [query.text for query in trace],
        run.labelling.parse_all([query.label for query in trace]),
        run.label_names,
        texts2=None if all(one is None for one in seconds) else [one or "" for one in seconds],
        source="the questions",
        kind=run.labelling.kind,
    )


def _title(asked: ProofAsked, trace: Trace, patch: Patch | None) -> str:
    first, count = trace.queries[0], len(trace.queries)
    text = " ".join(first.text.split())
    about = f"“{text[:60]}{'…' if len(text) > 60 else ''}”" if count == 1 else f"{count:,} texts"
    if patch is not None:
        return f"The patch of {len(patch):,} row{'s'[: len(patch) > 1]}, for {about}"
    if asked.what == "fix":
        return f"What repairs {about}?"
    return f"Without the {asked.k:,} strongest {asked.remove} of {about}"
