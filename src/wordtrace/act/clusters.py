"""Patterns in mistakes: groups of misclassified examples that act alike (appendix A)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wordtrace.act.closeness import Closeness
from wordtrace.act.clusters_result import Behind, Cluster, Clusters, Member
from wordtrace.act.numbering import as_the_run
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.execute.progress import track
from wordtrace.explain.tracer import Tracer
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.token_weights import (
    FloatArray,
    Weights,
    checked,
    named,
    weights_of_run,
)
from wordtrace.retrainers.choice import Retrain, retrainer_for
from wordtrace.retrainers.retrainer import look_of
from wordtrace.run.run import Run
from wordtrace.verification.wrongness import Wrongness, wrongness

#: The most examples of a component, since all their distances are held at once.
LARGEST = 5000
_BLOCK = 512
_PAIRS = 500
#: Members of a cluster whose proponents are asked for, how many of each, and how many are given.
_ASKED, _BEHIND = 8, 5


def clusters(
    run: Run | str | Path,
    examples: Examples | None = None,
    *,
    trainings: int = 20,
    wrong: float = 0.4,
    threshold: float = 0.8,
    least: int = 3,
    top_k: int | None = 10,
    weights: str | Sequence[float] | npt.NDArray[np.floating] = "",
    workers: int | None = None,
    retrain: Retrain | None = None,
) -> Clusters:
    """Group the examples that retrained models often get wrong, by how similarly they act.

    scikit-learn clusters them by average linkage over the influence distance
    max(1 − I/√(I·I), 0), and the tree is cut at `threshold`. Only pairs below the threshold can
    ever join, so each connected component of these pairs is clustered by itself: this gives the
    same result in less memory.

    Parameters
    ----------
    examples
        Labelled examples; None for the training rows, each judged by models that did not see it.
    trainings
        How many retrainings judge the examples.
    wrong
        The share of retrainings that must at least get an example wrong.
    least
        The size of the smallest cluster to report.
    top_k
        Positions kept in a text; None for all.
    weights
        What each token's part of an influence is multiplied by: "" for nothing, "idf" for its
        idf², or a number for each token of the vocabulary, as an array.
    retrain
        What trains instead of the run's own training; as for :func:`wordtrace.verify`.

    Raises
    ------
    InputError
        For a model of another kind than classes; for a share, threshold or size out of range; or
        when no example is wrong that often.

    Examples
    --------
    >>> found = wt.clusters(run, trainings=4, wrong=0.5, workers=1)
    >>> all(len(cluster.members) >= 3 for cluster in found.clusters)
    True
    """
    opened = Run.open(run) if isinstance(run, str | Path) else run
    _require_classes(opened)
    retrainer = retrainer_for(opened, retrain, "clusters")
    if not 0 < wrong <= 1:
        raise InputError(f"{option('wrong')} is {wrong}; give a share over 0, to 1.")
    _check(threshold, least)
    chosen = checked(weights)
    by_token = weights_of_run(chosen, opened)
    asked = opened.train if examples is None else as_the_run(examples, opened)
    judged = wrongness(opened, retrainer, None if examples is None else asked, trainings, workers)
    rows = np.flatnonzero(judged.share >= wrong)
    if not len(rows):
        raise InputError(
            f"no example of {asked.source} is wrong in {wrong:.0%} of {trainings} trainings; "
            "there is no pattern to find."
        )
    found, left_out = _patterns(
        *(opened, asked.take(rows), judged.share[rows], judged.said[rows]),
        *(threshold, least, top_k, by_token),
    )
    return Clusters(
        run=str(opened.path),
        source=asked.source,
        trainings=trainings,
        examples=len(asked),
        wrong=len(rows),
        threshold=threshold,
        clusters=found,
        left_out=tuple(left_out),
        clashes=_clashes(asked, judged) if examples is None else (),
        misread=opened.misread,
        look=look_of(retrainer),
        repeatability=judged.begun.told().get("repeatability"),
        weights=named(chosen),
    )


def mistakes(
    index: IndexFolder,
    tracer: Tracer,
    *,
    threshold: float = 0.8,
    least: int = 2,
    most: int = 1000,
    weights: Weights = "",
) -> Clusters:
    """Group the training rows that the final model gets wrong; nothing is trained.

    Each group comes with the rows behind it: those that speak most for what the model says.

    Parameters
    ----------
    threshold, least, weights
        As for :func:`clusters`.
    most
        How many rows to group at most, those with the highest loss.

    Raises
    ------
    InputError
        As for :func:`clusters`.
    """
    run = tracer.run
    _require_classes(run)
    _check(threshold, least)
    names = pa.array(run.label_names, pa.string())
    label, said = (
        pc.index_in(index.table[name].cast(pa.string()), names).to_numpy().astype(np.int64)
        for name in ("label", "predicted_final")
    )
    wrong = label != said
    wrong[index.removed] = False
    rows = np.flatnonzero(wrong)
    rows = np.sort(rows[np.argsort(-index.column("loss_final")[rows], kind="stable")][:most])
    found: tuple[Cluster, ...] = ()
    left_out: list[int] = []
    if len(rows):
        part = index.take(rows, run)
        found, left_out = _patterns(
            *(run, part, np.ones(len(rows)), said[rows]),
            *(threshold, least, index.manifest.top_k, tracer.asker.weights(weights)),
        )
        found = tuple(replace(one, behind=_behind(tracer, part, one, weights)) for one in found)
    return Clusters(
        run=str(run.path),
        source=str(index.path),
        trainings=0,
        examples=index.count,
        wrong=int(wrong.sum()),
        threshold=threshold,
        clusters=found,
        left_out=tuple(left_out),
        misread=run.misread,
        weights=named(weights),
    )


def _behind(
    tracer: Tracer, part: Examples, cluster: Cluster, weights: Weights
) -> tuple[Behind, ...]:
    """Return the rows that speak most for what the model says of a cluster's first members."""
    own = {member.id for member in cluster.members}
    chosen = cluster.members[:_ASKED]
    asked = part.take([part.row_of(member.id) for member in chosen])
    names = list(part.label_names)
    asked = asked.with_labels(np.array([names.index(member.said) for member in chosen]))
    hits: dict[str, Behind] = {}
    traced = tracer.trace(
        *(tracer.asker.question(asked), tracer.asker.measure_of_rows), top=_ASKED, weights=weights
    )
    for query in traced.queries:
        for hit in query.proponents:
            before = hits[hit.id].score if hit.id in hits else 0.0
            hits[hit.id] = Behind(hit.id, hit.label, hit.text, hit.text2, before + hit.score)
    rest = [one for one in hits.values() if one.id not in own]
    return tuple(sorted(rest, key=lambda one: (-one.score, one.id))[:_BEHIND])


def _patterns(
    run: Run,
    part: Examples,
    share: npt.NDArray[np.float64],
    said: npt.NDArray[np.int64],
    threshold: float,
    least: int,
    top_k: int | None,
    weights: FloatArray | None,
) -> tuple[tuple[Cluster, ...], list[int]]:
    """Cluster examples, of which models say something else: what, and how often."""
    encoded = run.tokenizer.encode(part.texts, part.texts2)
    close = Closeness(run, encoded, part.labels, part.ids, top_k, weights)
    groups, left_out = group(close, threshold, least)
    members = _members(part, share, said)
    found = []
    for some in groups:
        chosen = tuple(members[one] for one in some)
        found.append(Cluster(chosen, _words(run, close, some), _advice(chosen)))
    return tuple(found), left_out


def _check(threshold: float, least: int) -> None:
    if not 0 < threshold < 1:
        raise InputError(f"{option('threshold')} is {threshold}; give a distance between 0 and 1.")
    if least < 2:
        raise InputError(f"{option('least')} is {least}; give 2 or more.")


def _require_classes(run: Run) -> None:
    if run.generates or run.labelling.kind != "class":
        raise InputError(
            f"clusters counts how often models say another class than a row's label, and "
            f"{run.path} has a model that gives no one class ({run.manifest.task}); prove what "
            "rows do to single predictions by `verify`."
        )


def group(
    close: Closeness, threshold: float, least: int = 3, largest: int = LARGEST
) -> tuple[list[list[int]], list[int]]:
    """Return clusters of at least `least` examples, largest first, and the sizes left out."""
    from scipy import sparse
    from sklearn.cluster import AgglomerativeClustering

    everything = np.arange(close.count)
    edges: list[Any] = []
    with track("Pairs", close.count, "examples") as advance:
        for start in range(0, close.count, _BLOCK):
            rows = everything[start : start + _BLOCK]
            near = close.distance(rows, everything) <= threshold
            edges.append(sparse.csr_array(near))
            advance(len(rows))
    _, component = sparse.csgraph.connected_components(sparse.vstack(edges), directed=False)
    found: list[list[int]] = []
    left_out: list[int] = []
    for name in np.unique(component):
        rows = np.flatnonzero(component == name)
        if len(rows) < least:
            continue
        if len(rows) > largest:
            left_out.append(len(rows))
            continue
        labels = AgglomerativeClustering(
            n_clusters=None, metric="precomputed", linkage="average", distance_threshold=threshold
        ).fit_predict(close.distance(rows, rows))
        found += [
            rows[labels == one].tolist()
            for one in np.unique(labels)
            if (labels == one).sum() >= least
        ]
    return sorted(found, key=lambda some: (-len(some), some)), left_out


def _words(run: Run, close: Closeness, rows: Sequence[int]) -> tuple[tuple[str, float], ...]:
    counts: Counter[int] = Counter()
    pairs = list(islice(combinations(rows, 2), _PAIRS))
    for one, other in pairs:
        parts = close.words(one, other)
        strongest = sorted(
            (token for token in parts if token not in run.tokenizer.special and parts[token] > 0),
            key=lambda token: (-parts[token], token),
        )
        counts.update(strongest[:5])
    return tuple(
        (run.tokenizer.token(token), count / len(pairs)) for token, count in counts.most_common(5)
    )


def _advice(members: Sequence[Member]) -> str:
    given, said = ({getattr(one, name) for one in members} for name in ("label", "said"))
    return "relabel" if len(given) == len(said) == 1 else "review"


def _members(
    part: Examples, share: npt.NDArray[np.float64], said: npt.NDArray[np.int64]
) -> list[Member]:
    names = part.label_names
    return [
        Member(
            id=part.ids[place],
            label=names[int(part.labels[place])],
            said=names[int(said[place])],
            wrong=float(share[place]),
            text=part.texts[place],
            text2=part.texts2[place] if part.texts2 else None,
        )
        for place in range(len(part))
    ]


def _clashes(train: Examples, judged: Wrongness) -> tuple[tuple[Member, ...], ...]:
    """Return rows with different labels but the same letters and digits, whatever their case."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for row, text in enumerate(train.texts):
        key = tuple(re.findall(r"\w+", text.casefold()))
        if train.texts2 is not None:
            key += ("\0", *re.findall(r"\w+", train.texts2[row].casefold()))
        alike.setdefault(key, []).append(row)
    groups = [rows for rows in alike.values() if len(set(train.labels[rows].tolist())) > 1]
    return tuple(
        tuple(_members(train.take(rows), judged.share[rows], judged.said[rows])) for rows in groups
    )
