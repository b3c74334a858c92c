"""A recorded training, opened from its folder."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labelling
from wordtrace.disk import atomic
from wordtrace.errors import InputError
from wordtrace.execute.once import once
from wordtrace.models import predict
from wordtrace.models.cnn import CNNConfig
from wordtrace.models.protocol import TextModel, TextTokenizer
from wordtrace.models.tokenizer import TokenAt
from wordtrace.run import checkpoint as checkpoints
from wordtrace.run import load
from wordtrace.run.check import check_files, check_samples, check_sizes
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.device import find_device
from wordtrace.run.joined import OfAnother, check_alike, of_others
from wordtrace.run.kept_tokens import TOKENS, KeptTokens, read_tokens
from wordtrace.run.loaded_models import LoadedModels
from wordtrace.run.manifest import HELD_OUT, TRAIN, RunManifest, for_replay, identity
from wordtrace.run.place import MANIFEST, check_run
from wordtrace.run.pretrained_model import PretrainedModel
from wordtrace.run.recipe import Recipe
from wordtrace.run.replay_record import REPLAY, ReplayRecord
from wordtrace.run.weighting import DEFAULT, Weighting


class Run:
    """A recorded training: its data, tokenizer, recipe, checkpoints and final model.

    :meth:`open` opens one. Everything but the manifest is read when it is first needed.

    Attributes
    ----------
    path
        Its folder.
    manifest
        The contents of ``run.json``.
    fingerprint
        A hash that identifies the run: of its data, tokenizer, weights, rates and recipe.
    device
        The device on which models are loaded.
    others
        Other trainings of the same rows, if it was joined with any (:meth:`with_runs`).

    Examples
    --------
    >>> run.label_names, len(run.train)
    (('Business', 'Film', 'Sport'), 54)
    """

    def __init__(self, path: Path, document: Mapping[str, Any], device: str = "cpu") -> None:
        self.path = path
        self.manifest = RunManifest.of(document, path / MANIFEST)
        self.fingerprint = identity(document)
        self.device = device
        self.others: tuple[Run, ...] = ()
        self._loaded = LoadedModels(path, self.manifest, device)

    @classmethod
    def open(cls, path: str | Path, device: str = "cpu") -> Run:
        """Open a run's folder.

        Raises
        ------
        InputError
            When there is no finished run at `path`.
        CorruptError
            When ``run.json`` can't be read, is of a newer version or not complete, or a file of
            the run is missing or of another size than recorded.

        Examples
        --------
        >>> wt.Run.open("runs/news")
        Run('runs/news', 54 examples, 3 checkpoints)
        """
        folder = Path(path)
        check_run(folder)
        run = cls(folder, atomic.read_json(folder / MANIFEST), find_device(device))
        needed = [name for name in run.manifest.files if not for_replay(name)]
        check_sizes(folder, needed, run.manifest.sizes)
        return run

    def __repr__(self) -> str:
        joined = f" and {len(self.others)} more" if self.others else ""
        return (
            f"Run({str(self.path)!r}{joined}, {self.manifest.train.rows:,} examples, "
            f"{len(self.checkpoints)} checkpoints)"
        )

    def with_runs(self, others: Sequence[Run | str | Path]) -> Run:
        """Return this run joined with other trainings of the same rows: scores are means over all.

        Its checkpoints are those of all trainings, each weighing its η divided by their number. All
        else is this run's own, such as what it predicts; the others only differ by their seeds.

        Raises
        ------
        MismatchError
            When another run has other rows, tokens, another model or recipe, or the same seed.

        Examples
        --------
        >>> recipe = {"epochs": 4, "batch_size": 8, "learning_rate": 0.09}
        >>> wt.train("news.csv", "runs/news-2", dim=8, vocabulary=200, seed=1, **recipe)
        Run('runs/news-2', 54 examples, 3 checkpoints)
        >>> run.with_runs(["runs/news-2"])
        Run('runs/news' and 1 more, 54 examples, 6 checkpoints)
        """
        opened = [one if isinstance(one, Run) else Run.open(one, self.device) for one in others]
        opened = [training for one in opened for training in (one, *one.others)]
        check_alike(self, [*self.others, *opened])
        found = copy.copy(self)
        found.weighting = self.weighting
        found.others = (*self.others, *(one.weighted(self.weighting.name) for one in opened))
        return found

    @property
    def trainings(self) -> int:
        """Over how many trainings its scores are means: 1, unless it was joined with others."""
        return 1 + len(self.others)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        return self.manifest.label_names

    @property
    def has_pairs(self) -> bool:
        """Whether its examples have two texts."""
        return self.manifest.has_pairs

    @property
    def labelling(self) -> Labelling:
        """The kind of its labels: one class for each text, sets of classes, or numbers."""
        return Labelling(self.manifest.label_kind, self.label_names)

    @property
    def generates(self) -> bool:
        """Whether it is a language model, whose examples have completions and no labels."""
        return self.manifest.task == "generation"

    @property
    def chats(self) -> bool:
        """Whether its examples are conversations."""
        model = self.manifest.model
        return isinstance(model, PretrainedModel) and model.preparation == "chat"

    @property
    def misread(self) -> str | None:
        """What all results say: of a training that was adopted by force, what does not fit."""
        return None if self.manifest.proof is None else self.manifest.proof.doubt

    def require_classes(self, what: str) -> None:
        """Refuse `what` unless the model gives each text one of several classes (InputError)."""
        if self.labelling.kind != "class" or len(self.label_names) < 2:
            raise InputError(
                f"{what} is for models that give each text one class of several; {self.path} has "
                f"a model of another kind ({self.manifest.task})."
            )

    @property
    def recipe(self) -> Recipe:
        """How it was trained.

        Raises
        ------
        InputError
            When somebody else trained it: then it can't be repeated.
        """
        if self.manifest.recipe is None:
            raise InputError(
                f"{self.path} was trained elsewhere (`wordtrace record`), so it can't be retrained "
                "here; what retrains works on runs of `wordtrace train`."
            )
        return self.manifest.recipe

    @property
    def seed(self) -> int:
        """The seed that it was trained with; 0 where that is not known."""
        if self.manifest.recipe is not None:
            return self.manifest.recipe.seed
        if REPLAY in self.manifest.files:
            return ReplayRecord.read(self._unchanged(REPLAY)).seed
        return 0

    @property
    def dim(self) -> int:
        """The dimension of a word embedding."""
        return self.manifest.model.dim

    @property
    def is_cnn(self) -> bool:
        """Whether its model is the paper's CNN."""
        return isinstance(self.manifest.model, CNNConfig)

    @property
    def config(self) -> CNNConfig:
        """The CNN's shape."""
        assert isinstance(self.manifest.model, CNNConfig)
        return self.manifest.model

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoints over which influence is summed, by rising step; training by training."""
        return [*self.manifest.checkpoints, *of_others(self.path, self.others)]

    @property
    def final(self) -> Checkpoint:
        """The checkpoint that gives the predictions: the last, or the best under early stopping."""
        return self.manifest.final

    def _unchanged(self, place: str) -> Path:
        """Return the place of a file or folder of the run, after a glance at it (CorruptError)."""
        return check_samples(self.path, self.manifest.samples, place)

    @once
    def train(self) -> Examples:
        """The training examples."""
        return Examples.read_parquet(self._unchanged(TRAIN))

    @once
    def held_out(self) -> Examples | None:
        """The examples never trained on, or None."""
        if HELD_OUT not in self.manifest.files:
            return None
        return Examples.read_parquet(self._unchanged(HELD_OUT))

    @once
    def tokenizer(self) -> TextTokenizer:
        """The tokenizer it was trained with."""
        return load.load_tokenizer(self.path, self.manifest)

    @once
    def encoded(self) -> Encoded:
        """The training examples' token ids, as their training had them."""
        if TOKENS in self.manifest.files:
            return read_tokens(self._unchanged(TOKENS))
        return self.tokenizer.encode(self.train.texts, self.train.texts2, "Tokenizing")

    def encode(self, examples: Examples) -> Encoded:
        """Return the token ids of some training examples, or of others."""
        if self._kept is None:
            return self.tokenizer.encode(examples.texts, examples.texts2)
        return self._kept.encode(examples)

    def positions(self, examples: Examples) -> list[list[TokenAt]]:
        """Say where in their texts the tokens stand that :meth:`encode` gives."""
        if self._kept is None:
            return self.tokenizer.positions(examples.texts, examples.texts2)
        return self._kept.positions(examples)

    @once
    def _kept(self) -> KeptTokens | None:
        """The training examples' own token ids, where their texts alone would not give them."""
        if TOKENS not in self.manifest.files:
            return None
        return KeptTokens(self.train, self.encoded, self.tokenizer)

    @property
    def gpus(self) -> int:
        """How many GPUs its models compute on."""
        return int(self.device.startswith("cuda"))

    def model(self, checkpoint: Checkpoint) -> TextModel:
        """Return the model at a checkpoint, in evaluation mode; loaded once, then kept.

        Raises
        ------
        CorruptError
            When the weights don't fit the model, or hold NaN or infinity.
        """
        return self._owner(checkpoint)._loaded.at(checkpoint)

    def _owner(self, checkpoint: Checkpoint) -> Run:
        """Return the training that a checkpoint is of."""
        if isinstance(checkpoint, OfAnother):
            return self.others[checkpoint.training]
        return self

    @once
    def weighting(self) -> Weighting:
        """Its own checkpoints' weights: by rate-sum, unless :meth:`weighted` chose otherwise."""
        return Weighting(DEFAULT, self.path, self.checkpoints)

    @property
    def etas(self) -> list[float]:
        """The weight η_c of each checkpoint in a sum over them: a mean over the trainings."""
        own = [one.weighting.etas for one in (self, *self.others)]
        return [eta / len(own) for etas in own for eta in etas]

    def weighted(self, weighting: str) -> Run:
        """Return this run with another weighting; models are shared, not loaded anew.

        Raises
        ------
        InputError
            For an unknown weighting; for "adam", where Adam's step sizes were not kept.
        """
        found = copy.copy(self)
        found.weighting = Weighting(weighting, self.path, self.weighting.checkpoints)
        found.others = tuple(one.weighted(weighting) for one in self.others)
        return found

    def row_scale(self, checkpoint: Checkpoint) -> torch.Tensor | None:
        """Return :meth:`.Weighting.row_scale` for this run's embedding; read once, then kept."""
        if self.weighting.name != "adam":
            return None
        owner = self._owner(checkpoint)
        return owner._loaded.row_scale(checkpoint, owner.weighting)

    def model_alone(self, checkpoint: Checkpoint) -> TextModel:
        """Return the model at a checkpoint like :meth:`model`, and drop all others from memory."""
        owner = self._owner(checkpoint)
        for one in (self, *self.others):
            if one is not owner:
                one._loaded.clear()
        return owner._loaded.alone(checkpoint)

    def start(self, seed: int) -> TextModel:
        """Return a pretrained model as it was before training, its head drawn by `seed`."""
        model = load.load_untrained(self.path, self.manifest, seed)
        model.module.to(self.device)
        return model

    def predict(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the final model's probabilities, shape (texts, classes), as `label_names` orders.

        For a model that predicts numbers, these are the numbers, shape (texts, 1).

        Raises
        ------
        InputError
            When pairs are given to a run of single texts, or the reverse.

        Examples
        --------
        >>> run.predict(["shares fall", "the coach wins"]).shape
        (2, 3)
        """
        if (texts2 is not None) != self.has_pairs:
            expected = "pairs of texts" if self.has_pairs else "single texts"
            raise InputError(f"this run was trained on {expected}; give texts in the same way.")
        encoded = self.tokenizer.encode(texts, texts2)
        final = self.model(self.final)
        scores = torch.from_numpy(predict.logits(final, encoded)).double()
        found: npt.NDArray[np.float64] = final.outputs.values(scores).numpy()
        return found

    def weights(self, step: int) -> dict[str, torch.Tensor]:
        """Read the weights at a recorded step; 0 is before training."""
        folder = self._unchanged(f"checkpoints/step-{step:06d}")
        return checkpoints.load_tensors(folder / checkpoints.WEIGHTS)

    def load_into(self, model: torch.nn.Module, checkpoint: Checkpoint) -> None:
        """Copy a CNN's checkpoint into `model`.

        Raises
        ------
        CorruptError
            When they don't fit the model, or hold NaN or infinity.
        """
        load.into(model, self.weights(checkpoint.step), self.path / checkpoint.folder)

    def rows_of(self, ids: list[str]) -> npt.NDArray[np.int64]:
        """Return the training rows of some ids; an unknown id is an error (InputError)."""
        return np.array([self.train.row_of(id_) for id_ in ids], dtype=np.int64)

    def check(self, *, replay: bool = True) -> list[str]:
        """Check every file's checksum, and return what is wrong; empty if nothing is.

        Parameters
        ----------
        replay
            Look at the files that only a replay needs, too.
        """
        return [
            problem
            for one in (self, *self.others)
            for problem in check_files(
                one.path,
                {
                    name: digest
                    for name, digest in one.manifest.files.items()
                    if replay or not for_replay(name)
                },
            )
        ]
