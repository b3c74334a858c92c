"""What a user may set about measures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

import numpy as np

from wordtrace.errors import InputError, option
from wordtrace.gradients.top_k import check_top_k
from wordtrace.measures.token_weights import checked
from wordtrace.run.recipe import check_seed


def _setting(default: Any, shown: str, *, size: bool = False, word: bool = False) -> Any:
    """Return a field with what the command line says of it.

    A size is typed as 500MB there; of a field with several types, `word` takes text alone.
    """
    return field(default=default, metadata={"help": shown, "size": size, "word": word})


@dataclass(frozen=True)
class Options:
    """Settings; each measure takes those that it knows.

    A field here is a keyword of all Python functions that take measures, and an option of all
    commands that do.

    Attributes
    ----------
    top_k
        ``tracin-we-topk`` and ``tracin-we-syn``: positions kept in a text; ``tracin-we-idf``: in a
        training text. None for all.
    frequent
        ``tracin-we-noc``: a token in more than this share of the training texts is left out.
    synonym_cosine
        ``tracin-we-syn``: tokens whose embeddings' cosine is over this may match.
    damping
        Influence functions: added to the Hessian's diagonal; None takes a multiple of the mean of
        its eigenvalues.
    damping_times
        This multiple; None takes 10 for ``influence-we`` and ``influence-we-kfac``, 0.1 for others.
    l2
        ``representer``: the weight λ of ‖Θ‖² in the fit of the last layer.
    seed
        ``random``.
    memory
        Bytes of working memory that a measure may take beside the scores themselves.
    without
        Measures by word: the kinds of tokens that have no part in a score, with commas between:
        "special" (start and end tokens), "stop" (tokens in over 20 % of the training texts).
        It is what is left of the same gradients, so an index answers it exactly.
    weights
        Measures by word but ``tracin-we-syn``: what each token's part of a score is multiplied by.
        "" for nothing, which ``tracin-we-idf`` takes as "idf"; "idf" for idf(w)², where
        idf(w) = ln((1 + N) / (1 + df(w))) + 1 for N training texts, df(w) of which hold the token;
        or a number of 0 or more for each token of the vocabulary, as an array. An index answers it
        exactly, too. Kept as a tuple where it is numbers.

    Examples
    --------
    >>> wt.Options(damping=0.01).damping
    0.01
    """

    top_k: int | None = _setting(10, "Positions kept in a text; the index's, else 10.")
    frequent: float = _setting(
        0.2, "tracin-we-noc: leave out tokens in over this share of the training texts (0.2)."
    )
    synonym_cosine: float = _setting(
        0.7, "tracin-we-syn: tokens match whose embeddings' cosine is over this (0.7)."
    )
    damping: float | None = _setting(
        None, "Influence functions: added to the Hessian's diagonal (a multiple of its mean)."
    )
    damping_times: float | None = _setting(
        None,
        "Influence functions: damping as a multiple of the Hessian's mean eigenvalue "
        "(influence-we… 10, others 0.1).",
    )
    l2: float = _setting(0.003, "representer: weight of the penalty in the fit (0.003).")
    seed: int = _setting(0, "random: the seed (0).")
    memory: int = _setting(
        1 << 30, "Working memory beside the scores, as 500MB or 2GB (1GB).", size=True
    )
    without: str = _setting(
        "", "Measures by word: leave out these tokens: special, stop, or special,stop."
    )
    weights: str | tuple[float, ...] = _setting(
        "",
        "Measures by word: idf multiplies each token's part by its idf², so rare words count.",
        word=True,
    )

    def __post_init__(self) -> None:
        check_top_k(self.top_k)
        check_seed(self.seed)
        if not 0 <= self.frequent <= 1:
            raise InputError(f"{option('frequent')} is {self.frequent}; give a share from 0 to 1.")
        if not -1 <= self.synonym_cosine <= 1:
            raise InputError(
                f"{option('synonym_cosine')} is {self.synonym_cosine}; a cosine is from -1 to 1."
            )
        if self.damping is not None and not 0 <= self.damping < float("inf"):
            raise InputError(f"{option('damping')} is {self.damping}; give 0 or more.")
        if self.damping_times is not None and not 0 <= self.damping_times < float("inf"):
            raise InputError(f"{option('damping_times')} is {self.damping_times}; give 0 or more.")
        if self.damping is not None and self.damping_times is not None:
            raise InputError(
                f"{option('damping')} and {option('damping_times')} set the same number; give one."
            )
        if not 0 < self.l2 < float("inf"):
            raise InputError(f"{option('l2')} is {self.l2}; give a number over 0.")
        for kind in self.kinds_left_out:
            if kind not in ("special", "stop"):
                raise InputError(
                    f"{option('without')} is {self.without!r}; give special, stop, or special,stop."
                )
        object.__setattr__(self, "weights", checked(self.weights))
        if self.memory < 1 << 20:
            raise InputError(
                f"{option('memory')} is {self.memory} bytes; give at least one megabyte."
            )

    def times(self, usual: float) -> float:
        """Return the multiple in `damping_times`, else a measure's usual one."""
        return usual if self.damping_times is None else self.damping_times

    @property
    def kinds_left_out(self) -> tuple[str, ...]:
        """The kinds of tokens in `without`."""
        return tuple(kind.strip() for kind in self.without.split(",")) if self.without else ()


def as_written(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as a JSON document holds them: an array as a list of its numbers."""
    return {
        name: value if isinstance(value, str | int | float | None) else np.asarray(value).tolist()
        for name, value in options.items()
    }


def refuse_unknown(options: Iterable[str], function: Callable[..., Any]) -> None:
    """Refuse keywords of a public function that are not fields of :class:`Options`.

    Raises
    ------
    InputError
        Names the function, and the setting that was perhaps meant.
    """
    known = [field.name for field in fields(Options)]
    wrong = next((one for one in options if one not in known), None)
    if wrong is None:
        return
    own = [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.kind is not one.VAR_KEYWORD and one.name != "self"
    ]
    near = get_close_matches(wrong, [*own, *known], 1)
    meant = f"did you mean {near[0]}?" if near else f"of measures it has {', '.join(known)}."
    raise InputError(f"{function.__name__} has no setting {wrong}; {meant}")
