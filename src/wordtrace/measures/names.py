"""The measures by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from wordtrace.errors import InputError
from wordtrace.measures.bm25 import BM25
from wordtrace.measures.influence_functions import InfluenceLast, InfluenceLayer
from wordtrace.measures.influence_kfac import InfluenceKFAC
from wordtrace.measures.influence_we import InfluenceWE
from wordtrace.measures.options import Options
from wordtrace.measures.parts import EmbeddingSimilarity, GradientSimilarity, LossSaliency
from wordtrace.measures.protocol import Measure
from wordtrace.measures.random import Random
from wordtrace.measures.representer import Representer
from wordtrace.measures.synonyms import TracInWESyn
from wordtrace.measures.tfidf import TracInTFIDF
from wordtrace.measures.token_filters import Common, NoCommon
from wordtrace.measures.tracin_last import TracInLast
from wordtrace.measures.tracin_layers import TracInLayers
from wordtrace.measures.tracin_we import TracInWE

#: One line here registers a measure. "+bias" after a name counts the layers' biases too.
MEASURES: dict[str, Callable[[Options], Measure]] = {
    "tracin-we": lambda o: TracInWE(weights=o.weights),
    "tracin-we-topk": lambda o: TracInWE(o.top_k, weights=o.weights),
    "tracin-we-idf": lambda o: TracInWE(o.top_k, None, None, o.weights or "idf"),
    "tracin-we-syn": lambda o: TracInWESyn(o.top_k, o.synonym_cosine),
    "tracin-we-noc": lambda o: TracInWE(None, NoCommon(o.frequent), weights=o.weights),
    "tracin-common": lambda o: TracInWE(None, Common(), weights=o.weights),
    "tracin-first": lambda o: TracInWE(weights=o.weights),
    "tracin-second": lambda o: TracInLayers(("second",), memory=o.memory),
    "tracin-second+bias": lambda o: TracInLayers(("second",), bias=True, memory=o.memory),
    "tracin-third": lambda o: TracInLayers(("third",), memory=o.memory),
    "tracin-third+bias": lambda o: TracInLayers(("third",), bias=True, memory=o.memory),
    "tracin-last": lambda o: TracInLast(),
    "tracin-last+bias": lambda o: TracInLast(bias=True),
    "tracin-all": lambda o: TracInLayers(("all",), memory=o.memory),
    "tracin-all+bias": lambda o: TracInLayers(("all",), bias=True, memory=o.memory),
    "influence-we": lambda o: InfluenceWE(o.damping, o.times(10.0), o.memory, o.weights),
    "influence-we-kfac": lambda o: InfluenceKFAC(o.top_k, o.damping, o.times(10.0), o.weights),
    "influence-last": lambda o: InfluenceLast(False, o.damping, o.memory, o.times(0.1)),
    "influence-last+bias": lambda o: InfluenceLast(True, o.damping, o.memory, o.times(0.1)),
    "representer": lambda o: Representer(o.l2),
    "representer+bias": lambda o: Representer(o.l2, bias=True),
    "tracin-tfidf": lambda o: TracInTFIDF(),
    "loss-saliency": lambda o: LossSaliency(),
    "similarity": lambda o: GradientSimilarity(),
    "bm25": lambda o: BM25(),
    "embedding-similarity": lambda o: EmbeddingSimilarity(),
    "random": lambda o: Random(o.seed),
}

#: What answers where nobody names a measure (docs/how-to/which-measure.md says why).
DEFAULT = "tracin-we-idf"

#: Of a training text these take as many positions as an index holds, be it all.
AS_HELD = frozenset({"tracin-we-idf", "influence-we-kfac"})

#: Measures of layers that the user names: the layers are what follows the colon.
FAMILIES: dict[str, Callable[[tuple[str, ...], bool, Options], Measure]] = {
    "tracin": lambda layers, bias, o: TracInLayers(layers, bias, o.memory),
    "influence": lambda layers, bias, o: InfluenceLayer(
        _single(layers), bias, o.damping, o.memory, o.times(0.1)
    ),
}


def measure(name: str, options: Options | None = None) -> Measure:
    """Return a measure by its name: one of `MEASURES`, ``tracin:LAYER,…`` or ``influence:LAYER``.

    Raises
    ------
    InputError
        For an unknown name; the message suggests the nearest name and lists all.
    """
    chosen = options or Options()
    family, colon, rest = name.partition(":")
    if colon and family in FAMILIES:
        listed = rest.removesuffix("+bias")
        layers = tuple(layer.strip() for layer in listed.split(",") if layer.strip())
        if not layers:
            raise InputError(f"the measure {name!r} names no layer; give {family}:LAYER.")
        return FAMILIES[family](layers, rest.endswith("+bias"), chosen)
    if name not in MEASURES:
        near = difflib.get_close_matches(name, MEASURES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(
            f"there is no measure {name!r}; {hint}"
            f"Known: {', '.join(MEASURES)}, tracin:LAYER, influence:LAYER."
        )
    return MEASURES[name](chosen)


def _single(layers: tuple[str, ...]) -> str:
    if len(layers) > 1:
        raise InputError(
            f"influence:{','.join(layers)} names {len(layers)} layers, and takes one; name one."
        )
    return layers[0]


class _Noting:
    """Options that note which of them are looked at."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.seen.add("damping_times" if name == "times" else name)
        return getattr(Options(), name)


def heeded(name: str) -> frozenset[str]:
    """Return the fields of :class:`.Options` that a measure is made with (InputError).

    `without` is none of them: it is what is taken from a measure's gradients afterwards.
    """
    noting: Any = _Noting()
    measure(name, noting)
    return frozenset(noting.seen)
