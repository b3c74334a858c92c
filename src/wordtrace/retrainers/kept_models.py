"""The room of each foreign retraining in its run's folder: its log, its data, its model.

``RUN/retrained/KEY/`` is named by what is trained (:attr:`.Change.key`), so another question about
the same training finds its model there. ``model/`` is there only when it is whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordtrace.disk import atomic
from wordtrace.disk.json_text import parse_json
from wordtrace.disk.sample import of_sample
from wordtrace.models import adapters, configs
from wordtrace.models.weight_files import weight_files
from wordtrace.run.run import Run

FOLDER = "retrained"
MODEL = "model"
#: Written last into a model's folder: its files, their sizes, and checksums of their samples.
LIST = "kept.json"


@dataclass(frozen=True)
class Room:
    """The folder of one retraining."""

    path: Path

    @classmethod
    def of(cls, run: Run, key: str) -> Room:
        """Return the room of a training of a run; it may not be there yet."""
        return cls(run.path / FOLDER / key)

    @property
    def log(self) -> Path:
        """The file of what the training wrote to standard output and standard error."""
        return self.path / "log.txt"

    @property
    def model(self) -> Path:
        """The place of the model that is kept."""
        return self.path / MODEL

    def kept(self) -> Path | None:
        """Return the folder of the model, if a whole one is here."""
        try:
            listed = self._list()
            files, samples = listed["files"], listed.get("samples", {})
            whole = all((self.model / name).stat().st_size == size for name, size in files.items())
            whole &= all(of_sample(self.model / name) == one for name, one in samples.items())
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return None
        return self.model if whole else None

    @property
    def seconds(self) -> float | None:
        """How long the training of the model took that is kept; None where that is not known."""
        found = self._list().get("seconds")
        return None if found is None else float(found)

    def _list(self) -> dict[str, Any]:
        """Read the list of the model's files (OSError, ValueError where there is none)."""
        if not atomic.holds(self.model, LIST):
            raise FileNotFoundError(self.model / LIST)
        found: dict[str, Any] = parse_json((self.model / LIST).read_bytes())
        return found

    @contextmanager
    def training(self) -> Iterator[Path]:
        """Hold the room for one training; give the empty folder in which its model is to be.

        Raises
        ------
        InputError
            When another process is at the same training.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with atomic.exclusive(self.model) as out:
            atomic.empty(out)
            yield out

    def keep(self, trained: Path, seconds: float | None = None) -> Path:
        """Keep of a training's folder what its model needs, and return the model's place.

        Parameters
        ----------
        trained
            The folder of the weights: the one that :meth:`training` gave, or one inside.
        seconds
            How long the training took.
        """
        part = atomic.part_of(self.model)
        needed, chosen = _needed(trained), part / ".chosen"
        inside = trained.resolve().is_relative_to(part.resolve())
        chosen.mkdir()
        for path in needed:
            # What a link names may change, and a folder elsewhere is not ours.
            if path.is_symlink() or not inside:
                shutil.copyfile(path, chosen / path.name)
            else:
                os.replace(path, chosen / path.name)
        for path in [one for one in part.iterdir() if one != chosen]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        sizes = {path.name: path.stat().st_size for path in sorted(chosen.iterdir())}
        for name in sizes:
            os.replace(chosen / name, part / name)
        chosen.rmdir()
        samples = {name: of_sample(part / name) for name in sizes}
        kept = {"files": sizes, "samples": samples, "seconds": seconds}
        atomic.write_json(part / LIST, kept)
        atomic.commit_folder(self.model)
        return self.model

    def clear(self) -> None:
        """Remove the models, whole or not; the log stays."""
        for folder in (self.model, atomic.part_of(self.model)):
            shutil.rmtree(folder, ignore_errors=True)


def _needed(folder: Path) -> list[Path]:
    """Return the files of a model: its weights, and what says of which form it is."""
    config = folder / configs.CONFIG
    found = [path for path in weight_files(folder) if path.name != adapters.CONFIG]
    return [
        *found,
        *(path for path in (config, folder / adapters.CONFIG) if path.is_file()),
    ]


@dataclass(frozen=True)
class KeptModels:
    """How many retrained models a run keeps, and their size in bytes."""

    models: int
    bytes: int


def kept_models(run: Run) -> KeptModels:
    """Count the retrained models in a run's folder."""
    sizes = [
        sum(path.stat().st_size for path in folder.parent.iterdir() if path.is_file())
        for folder in sorted((run.path / FOLDER).glob(f"*/{MODEL}/{LIST}"))
    ]
    return KeptModels(len(sizes), sum(sizes))
