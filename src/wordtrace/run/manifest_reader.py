"""Reading ``run.json``: each entry's name and type is checked against the dataclass it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from wordtrace.errors import CorruptError, InputError
from wordtrace.models.cnn import CNNConfig
from wordtrace.results.decode import decode_value
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.pretrained_model import PretrainedModel

Kind = TypeVar("Kind")

#: What must have all its entries. Others may lack those that have a default, since these may be
#: younger than the run.
_WHOLE = (Checkpoint, CNNConfig)


@dataclass(frozen=True)
class ManifestReader:
    """Reads the parts of one file, which its errors name."""

    path: Path

    def read(self, kind: type[Kind], document: Any, part: str | None = None) -> Kind:
        """Return the dataclass that an object of the file describes, with all that it holds.

        Parameters
        ----------
        part
            The object's name in the file; None: the file itself.

        Raises
        ------
        CorruptError
            When an entry is missing, not known or of another type, or its value is out of range.
        """
        where = "" if part is None else f" in {part!r}"
        if not isinstance(document, Mapping):
            raise CorruptError(f"{self.path} holds no object{where}; make the run again.")
        known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
        needed = {
            one.name
            for one in fields(kind)  # type: ignore[arg-type]
            if kind in _WHOLE or one.default is one.default_factory is MISSING
        }
        if missing := sorted(needed - set(document)):
            raise CorruptError(f"{self.path} lacks {_listed(missing)}{where}; make the run again.")
        if unknown := sorted(set(document) - known):
            raise CorruptError(
                f"{self.path} holds {_listed(unknown)}{where}, which this wordtrace does not know; "
                "was it made by a newer version?"
            )
        hints = get_type_hints(kind)
        try:
            return kind(**{key: self._value(hints[key], one, key) for key, one in document.items()})
        except (InputError, ValueError) as error:
            raise CorruptError(
                f"{self.path} can't be read ({error}); make the run again."
            ) from None

    def _value(self, hint: Any, value: Any, part: str) -> Any:
        if hint == CNNConfig | PretrainedModel:
            return self._model(value)
        inner: list[Any] = [one for one in get_args(hint) or (hint,) if is_dataclass(one)]
        if not inner:
            return decode_value(hint, value, part)
        if value is None and NoneType in get_args(hint):
            return None
        if get_origin(hint) is not tuple:
            return self.read(inner[0], value, part)
        if not isinstance(value, list | tuple):
            raise CorruptError(f"{self.path} holds no list in {part!r}; make the run again.")
        return tuple(self.read(inner[0], one, part) for one in value)

    def _model(self, document: Any) -> CNNConfig | PretrainedModel:
        if not isinstance(document, Mapping):
            raise CorruptError(f"{self.path} holds no object in 'model'; make the run again.")
        rest = {key: one for key, one in document.items() if key != "kind"}
        kind = document.get("kind")
        if kind == "cnn":
            return self.read(CNNConfig, rest, "model")
        if kind != "transformers":
            raise CorruptError(
                f"{self.path} tells of a model of the kind {kind!r}, which this wordtrace does not "
                "know; was it made by a newer version?"
            )
        if rest.get("loss", ...) is None:  # as an earlier wordtrace wrote the plain one
            del rest["loss"]
        return self.read(PretrainedModel, rest, "model")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
