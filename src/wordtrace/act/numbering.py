"""Labels of a data file, numbered as a run numbers them."""

from __future__ import annotations

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.run.run import Run


def as_the_run(examples: Examples, run: Run) -> Examples:
    """Return labelled examples with their labels as the run has them; what is none stays none.

    Raises
    ------
    InputError
        For a label that the run does not have, or labels of another kind.
    """
    names = run.label_names
    if "set" in (examples.kind, run.labelling.kind):
        return _with_labels(examples, run, examples.labels_as(run.labelling))
    unknown = {
        examples.label_names[one] for one in set(examples.labels.tolist()) if one >= 0
    } - set(names)
    if unknown:
        raise InputError(f"{examples.source} has the label {min(unknown)!r}, the run no.")
    order = [names.index(one) if one in names else -1 for one in examples.label_names]
    labels = np.where(examples.labels >= 0, np.array(order, np.int64)[examples.labels], -1)
    return _with_labels(examples, run, labels)


def _with_labels(examples: Examples, run: Run, labels: Labels) -> Examples:
    return Examples.of(
        examples.texts,
        labels,
        run.label_names,
        ids=examples.ids,
        texts2=examples.texts2,
        source=examples.source,
        kind=run.labelling.kind,
    )
