"""The evidence against rows, computed once for those that were shown lately."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np
import numpy.typing as npt

from wordtrace.act.evidence import Evidence, evidence
from wordtrace.explain.tracer import Tracer
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.token_weights import Weights

Rows = npt.NDArray[np.int64]

# For how many rows it is kept, with the texts of three opponents each.
_MOST = 2_000


class KeptEvidence:
    """The evidence by row; several threads may ask, and none computes what another one does.

    Parameters
    ----------
    words
        Whether contributions are by whole word instead of by token.
    weights
        What each token's part of an influence is multiplied by.
    """

    def __init__(
        self, index: IndexFolder, tracer: Tracer, *, words: bool, weights: Weights = ""
    ) -> None:
        self.index, self.tracer, self.words, self.weights = index, tracer, words, weights
        self._kept: OrderedDict[int, Evidence] = OrderedDict()
        # Who looks up what is known does not wait for what is being computed.
        self._looking, self._computing = Lock(), Lock()

    @property
    def rows(self) -> Rows:
        """The rows whose evidence is known, int64."""
        with self._looking:
            return np.array(list(self._kept), np.int64)

    def of(self, rows: Rows) -> list[Evidence]:
        """Return the evidence against some rows."""
        wanted = rows.tolist()
        found = self._known(wanted)
        if len(found) < len(set(wanted)):
            with self._computing:
                found = self._known(wanted)  # another thread may have computed it meanwhile
                missing = [row for row in dict.fromkeys(wanted) if row not in found]
                chosen = self.index.take(np.array(missing, np.int64), self.tracer.run)
                computed = evidence(self.tracer, chosen, words=self.words, weights=self.weights)
                new = dict(zip(missing, computed, strict=True))
                found |= new
                self._keep(new)
        return [found[row] for row in wanted]

    def _known(self, rows: list[int]) -> dict[int, Evidence]:
        with self._looking:
            found = {row: self._kept[row] for row in rows if row in self._kept}
            for row in found:
                self._kept.move_to_end(row)
        return found

    def _keep(self, new: dict[int, Evidence]) -> None:
        with self._looking:
            self._kept.update(new)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
