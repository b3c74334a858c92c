"""The result of looking for patterns in mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa

from wordtrace.act.patch import Patch
from wordtrace.act.row_change import row_change
from wordtrace.results import frames
from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-clusters", 1

_TABLE = pa.schema(
    {
        "cluster": pa.int64(),
        **dict.fromkeys(("advice", "id", "label", "said"), pa.string()),
        "wrong": pa.float64(),
        **dict.fromkeys(("text", "text2"), pa.large_string()),
    }
)


@dataclass(frozen=True)
class Member:
    """An example of a cluster; `said` is the wrong label that retrained models give most often."""

    id: str
    label: str
    said: str
    wrong: float
    text: str
    text2: str | None = None


@dataclass(frozen=True)
class Behind:
    """A training row that speaks for what models say of a cluster.

    Attributes
    ----------
    score
        Its influence, summed over the members that were asked about.
    """

    id: str
    label: str
    text: str
    text2: str | None
    score: float


@dataclass(frozen=True)
class Cluster:
    """Misclassified examples that act alike.

    Attributes
    ----------
    words
        (token, share of the pairs of members that have it among their five strongest tokens).
    advice
        "relabel" if all members have the same label and models give all of them the same other
        label; else "review".
    behind
        The training rows that speak most for what the model says, where they were asked for.
    """

    members: tuple[Member, ...]
    words: tuple[tuple[str, float], ...]
    advice: str
    behind: tuple[Behind, ...] = ()


@dataclass(frozen=True)
class Clusters(Result):
    """Patterns found in mistakes.

    Attributes
    ----------
    source
        Where the examples come from.
    trainings
        How many retrainings judged them; 0 where the recorded model alone did.
    examples, wrong
        How many examples there are, and how many of them are wrong often enough.
    left_out
        The sizes of groups that were too large to be clustered.
    clashes
        Groups of training rows with the same words but different labels.
    misread
        Of a run whose training was adopted though its logged loss does not fit: what does not.
    look
        Where mistakes were counted by a cheaper look than retraining: which.
    repeatability
        How far a training that is not the library's own repeats.
    weights
        What each token's part of an influence is multiplied by: "idf" for its idf², "given" for
        numbers that were given, None for nothing.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a list of clusters"

    run: str
    source: str
    trainings: int
    examples: int
    wrong: int
    threshold: float
    clusters: tuple[Cluster, ...]
    left_out: tuple[int, ...] = ()
    clashes: tuple[tuple[Member, ...], ...] = ()
    misread: str | None = None
    look: str | None = None
    repeatability: Mapping[str, Any] | None = None
    weights: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        for name in ("misread", "look", "repeatability", "weights"):
            if document[name] is None:
                del document[name]
        groups = [one["members"] for one in document["clusters"]] + list(document["clashes"])
        groups += [one["behind"] for one in document["clusters"]]
        for member in (member for group in groups for member in group):
            if member["text2"] is None:
                del member["text2"]
        for one in document["clusters"]:
            if not one["behind"]:
                del one["behind"]
        return document

    def table(self) -> Any:
        """Return a pyarrow table with one row for each member.

        Columns: cluster (its number from 1), advice, and the fields of :class:`Member`.
        """
        rows = [
            {"cluster": place, "advice": cluster.advice, **asdict(member)}
            for place, cluster in enumerate(self.clusters, 1)
            for member in cluster.members
        ]
        return frames.table_of(rows, _TABLE)

    def patch(self) -> Patch:
        """Return the relabelling of every cluster with the advice "relabel", for review."""
        return Patch(
            tuple(
                row_change(
                    member,
                    "relabel",
                    member.said,
                    reason=f"one of {len(cluster.members)} rows that models say are {member.said}; "
                    f"words: {', '.join(token for token, _ in cluster.words)}",
                    evidence={"wrong": member.wrong},
                )
                for cluster in self.clusters
                if cluster.advice == "relabel"
                for member in cluster.members
            )
        )
