"""What a user may set about measures."""

from __future__ import annotations

from dataclasses import dataclass

from wordtrace.errors import InputError, option
from wordtrace.gradients.tokens import check_top_k


@dataclass(frozen=True)
class Options:
    """Settings; each measure takes those that it knows.

    Attributes
    ----------
    top_k
        ``tracin-we-topk`` and ``tracin-we-syn``: positions kept in a text.
    frequent
        ``tracin-we-noc``: a token in more than this share of the training texts is left out.
    synonym_cosine
        ``tracin-we-syn``: tokens whose embeddings' cosine is over this may match.
    damping
        Influence functions: added to the Hessian's diagonal; None takes 0.1 times its mean.
    l2
        ``representer``: the weight λ of ‖Θ‖² in the fit of the last layer.
    seed
        ``random``.
    memory
        Bytes of working memory that a measure may take beside the scores themselves.
    """

    top_k: int = 10
    frequent: float = 0.2
    synonym_cosine: float = 0.7
    damping: float | None = None
    l2: float = 0.003
    seed: int = 0
    memory: int = 1 << 30

    def __post_init__(self) -> None:
        check_top_k(self.top_k)
        if not 0 <= self.frequent <= 1:
            raise InputError(f"{option('frequent')} is {self.frequent}; give a share from 0 to 1.")
        if not self.synonym_cosine >= -1:
            raise InputError(f"synonym-cosine is {self.synonym_cosine}; give a number from -1 on.")
        if self.damping is not None and not 0 <= self.damping < float("inf"):
            raise InputError(f"{option('damping')} is {self.damping}; give 0 or more.")
        if not 0 < self.l2 < float("inf"):
            raise InputError(f"{option('l2')} is {self.l2}; give a number over 0.")
        if self.memory < 1 << 20:
            raise InputError(
                f"{option('memory')} is {self.memory} bytes; give at least one megabyte."
            )
