"""``run.json``: what a run consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Kind
from wordtrace.data.origin import Origin
from wordtrace.disk import fingerprint
from wordtrace.disk.format import check_format
from wordtrace.errors import CorruptError
from wordtrace.models.cnn import CNNConfig
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.manifest_reader import ManifestReader
from wordtrace.run.pretrained_model import PretrainedModel
from wordtrace.run.proof import Proof
from wordtrace.run.recipe import Recipe
from wordtrace.run.replay_record import REPLAY, START

TRAIN = "train.parquet"
HELD_OUT = "held_out.parquet"
#: The folder of the model that LoRA adapters were trained on.
BASE = "base"
FORMAT, VERSION = "wordtrace-run", 1
#: The entries that identify a run, together with its training data and its files.
_IDENTITY = ("model", "max_length", "label_names", "recipe", "checkpoints", "final")


@dataclass(frozen=True)
class TrainingRows:
    """The training data.

    Attributes
    ----------
    rows
        The number of examples.
    fingerprint
        The fingerprint of the data.
    truncated
        How many texts were cut at the maximum length.
    contradictions
        How many texts occur with different labels.
    """

    rows: int
    fingerprint: str
    truncated: int
    contradictions: int

    @classmethod
    def of(cls, examples: Examples, encoded: Encoded) -> TrainingRows:
        """Describe examples and their token ids."""
        return cls(
            len(examples), examples.fingerprint(), encoded.truncated, len(examples.contradictions())
        )


@dataclass(frozen=True)
class HeldOut:
    """How the final model does on examples that it was not trained on.

    Attributes
    ----------
    rows
        How many examples.
    accuracy
        The share of right labels; None for numbers and completions.
    loss
        The mean loss.
    """

    rows: int
    accuracy: float | None
    loss: float


@dataclass(frozen=True)
class RunManifest:
    """The contents of ``run.json``.

    Attributes
    ----------
    made_with
        Versions of the libraries.
    plan
        The settings asked for; two runs are the same when their plans are the same.
    model
        The shape of the CNN, or what is known about a model of transformers.
    pretrained_embeddings
        Whether the word embeddings started from a pretrained model.
    max_length
        The largest number of tokens in an example.
    label_names
        In the order of the model's outputs.
    has_pairs
        Whether examples have two texts.
    source
        The data file's name.
    recipe
        How it was trained; None where it was trained elsewhere.
    steps
        The step of the final weights.
    checkpoints
        The checkpoints over which influence is summed, by rising step.
    final
        The checkpoint that predicts.
    history
        All moments at which the loss was measured.
    train, held_out
        The training and held-out data; `held_out` is None where there is none.
    files
        The checksum of every other file of the run, by its path within the run.
    sizes, samples
        The size of each of these files, and the checksum of a sample of it
        (:mod:`.disk.sample`); empty for runs of an earlier wordtrace.
    notes
        For a training done elsewhere: what had to be assumed; None where wordtrace trained.
    proof
        For a training done elsewhere: whether its logged loss is the one that is recomputed.
    read_from
        The file and the columns that the training data were read from, where it was a file.
    seconds
        For a training done elsewhere: how long it took, as far as is known.
    """

    made_with: Mapping[str, str]
    plan: Mapping[str, Any]
    model: CNNConfig | PretrainedModel
    pretrained_embeddings: bool
    max_length: int
    label_names: tuple[str, ...]
    has_pairs: bool
    source: str
    recipe: Recipe | None
    steps: int
    checkpoints: tuple[Checkpoint, ...]
    final: Checkpoint
    history: tuple[Checkpoint, ...]
    train: TrainingRows
    held_out: HeldOut | None
    files: Mapping[str, str]
    notes: tuple[str, ...] | None = None
    proof: Proof | None = None
    read_from: Origin | None = None
    seconds: float | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """What the model does: "classification", "multi-label", "regression" or "generation"."""
        return self.model.task if isinstance(self.model, PretrainedModel) else "classification"

    @property
    def label_kind(self) -> Kind:
        """What its labels are: one class a text, sets of classes, or numbers."""
        return self.model.label_kind if isinstance(self.model, PretrainedModel) else "class"

    def document(self) -> dict[str, Any]:
        """Return it as JSON, including its own checksum."""
        found = {
            "format": FORMAT,
            "version": VERSION,
            "made_with": dict(self.made_with),
            "plan": dict(self.plan),
            "model": self.model.document(),
            "pretrained_embeddings": self.pretrained_embeddings,
            "max_length": self.max_length,
            "label_names": list(self.label_names),
            "has_pairs": self.has_pairs,
            "source": self.source,
            "recipe": None if self.recipe is None else self.recipe.document(),
            "steps": self.steps,
            "checkpoints": [one.document() for one in self.checkpoints],
            "final": self.final.document(),
            "history": [one.document() for one in self.history],
            **({} if self.notes is None else {"notes": list(self.notes)}),
            **({} if self.proof is None else {"proof": asdict(self.proof)}),
            **({} if self.read_from is None else {"read_from": self.read_from.document()}),
            **({} if self.seconds is None else {"seconds": self.seconds}),
            "train": asdict(self.train),
            "held_out": None if self.held_out is None else asdict(self.held_out),
            "files": dict(self.files),
            **({"sizes": dict(self.sizes)} if self.sizes else {}),
            **({"samples": dict(self.samples)} if self.samples else {}),
        }
        return {**found, "checksum": fingerprint.of_document(found)}

    @classmethod
    def of(cls, document: Mapping[str, Any], path: Path) -> RunManifest:
        """Read from JSON; `path` names the file in errors.

        Raises
        ------
        CorruptError
            When it is no run's or of a newer version, or an entry is missing, not known or of
            another type; names the entry. When it was changed after it was written.
        """
        check_format(document, FORMAT, VERSION, path)
        written = {key: one for key, one in document.items() if key != "checksum"}
        # Runs of an earlier wordtrace have none.
        if document.get("checksum", of := fingerprint.of_document(written)) != of:
            raise CorruptError(
                f"{path} was changed after it was written: its checksum is another. Put the old "
                "file back, or make the run again."
            )
        rest = {key: one for key, one in written.items() if key not in ("format", "version")}
        return ManifestReader(path).read(cls, rest)


def for_replay(name: str) -> bool:
    """Tell a file that only a replay needs, by its path in the run."""
    return name == REPLAY or name.startswith(f"{START}/")


def identity(document: Mapping[str, Any]) -> str:
    """Return the fingerprint of a run: of its data, tokenizer, weights, rates and recipe.

    It is taken from ``run.json`` as it is written, so that a run with fewer entries than today's
    stays the run that its index was built from. What a replay needs is no part of it.
    """
    files = {name: one for name, one in document["files"].items() if not for_replay(name)}
    return fingerprint.of_document(
        {key: document[key] for key in _IDENTITY}
        | {"train": document["train"]["fingerprint"], "files": files}
    )
