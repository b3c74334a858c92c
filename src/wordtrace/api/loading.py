"""Reading back any saved result."""

from __future__ import annotations

from pathlib import Path

from wordtrace.act.clusters_result import Clusters
from wordtrace.act.duplicates_result import Duplicates
from wordtrace.act.fix_result import Fix
from wordtrace.act.mislabels_result import Mislabels
from wordtrace.act.outliers_result import Outliers
from wordtrace.act.rows_result import Rows
from wordtrace.analysis.cancellation_result import Cancellation
from wordtrace.analysis.overlap_result import Overlap
from wordtrace.analysis.words_result import Words
from wordtrace.evaluation.result import Evaluation
from wordtrace.explain.trace import Trace
from wordtrace.results.reading import read_result
from wordtrace.results.result import Result
from wordtrace.verification.result import Verification

#: Every kind of result that can be saved as JSON.
KINDS: tuple[type[Result], ...] = (
    Trace,
    Verification,
    Mislabels,
    Fix,
    Clusters,
    Duplicates,
    Outliers,
    Evaluation,
    Cancellation,
    Overlap,
    Words,
    Rows,
)


def load(path: str | Path) -> Result:
    """Open a result that was saved as JSON, by ``save`` or by a command's ``--out``.

    The document's "format" says what it is: the file of a trace gives a :class:`Trace`, for
    example. A fix comes without its patches, and an evaluation without its single effects, since
    their documents do not hold these.

    Raises
    ------
    InputError
        When the file is missing, holds no result, one of a newer version, or one that is not
        whole.
    CorruptError
        When the file is not JSON.

    Examples
    --------
    >>> trace.save("why.json")
    >>> wt.load("why.json").queries == trace.queries
    True
    """
    return read_result(path, KINDS)
