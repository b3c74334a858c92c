"""A data set's labels beside a model's classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError, option


def class_names(config: Mapping[str, Any], count: int) -> list[str]:
    """Return a configuration's names of its classes, in order; LABEL_0, … where it has none."""
    given = {str(key): str(value) for key, value in (config.get("id2label") or {}).items()}
    return [given.get(str(place), f"LABEL_{place}") for place in range(count)]


def match(
    examples: Examples,
    classes: Sequence[str],
    given: Sequence[str] | None,
    predicted: Callable[[Examples], Labels],
    ordered: bool = False,
) -> Examples:
    """Return the examples with labels in the order of the model's outputs.

    Labels are found by name, or by number ("0", "1", …), else the order must be given.

    Parameters
    ----------
    classes
        The model's own names.
    given
        The data's labels in the model's order; None to find it.
    predicted
        Tells what the model says of some examples; asked only for a suggestion.
    ordered
        Whether the data's labels come in an order of their own, which is the model's where its
        classes have no names. That of a ``ClassLabel`` is the model's in any case.

    Raises
    ------
    InputError
        When there are more labels than classes, or the order is not known; then it is suggested by
        what the model predicts.
    """
    there = examples.label_names
    if examples.kind == "number":
        return examples
    if given is not None:
        if sorted(given) != sorted(set(given)) or len(given) != len(classes):
            raise InputError(
                f"{option('label_names')} gives {len(given)} names ({', '.join(given)}); the model "
                f"has {len(classes)} classes, each needs one of its own."
            )
        return _renamed(examples, tuple(given), {name: at for at, name in enumerate(given)})
    numbers = {str(place): place for place in range(len(classes))}
    generic = list(classes) == [f"LABEL_{place}" for place in range(len(classes))]
    if set(there) <= set(classes):
        return _renamed(examples, tuple(classes), {name: at for at, name in enumerate(classes)})
    if set(there) <= set(numbers):
        names = tuple(numbers) if generic else tuple(classes)
        return _renamed(examples, names, numbers)
    # A ClassLabel's numbers are those that the Trainer saw, whatever the model calls them.
    own = examples.origin is not None and examples.origin.ordered
    one = ordered and (generic or len(classes) == 1)
    if (one or own) and len(there) == len(classes):
        return examples
    if len(there) > len(classes):
        raise InputError(
            f"{examples.source} has {len(there)} labels ({_few(there)}), the model has "
            f"{len(classes)} classes ({_few(classes)}); it was trained on other data."
        )
    suggested = option("label_names", tuple(_suggest(examples, len(classes), predicted)))
    raise InputError(
        f"the model calls its classes {_few(classes)}, {examples.source} has the labels "
        f"{_few(there)}: name them in the model's order by {option('label_names')}; judging by "
        f"what it predicts: {suggested}"
    )


def _renamed(examples: Examples, names: tuple[str, ...], place: Mapping[str, int]) -> Examples:
    for name in examples.label_names:
        if name not in place:
            raise InputError(
                f"{examples.source} has the label {name!r}, which is none of {_few(names)}."
            )
    order = np.array([place[name] for name in examples.label_names], np.int64)
    if examples.kind == "set":
        labels = np.where(np.isnan(examples.labels[:, :1]), np.nan, np.zeros(len(names)))
        labels[:, order] = examples.labels
    else:
        labels = np.where(examples.labels >= 0, order[examples.labels], -1)
    return Examples.of(
        examples.table["text"],
        labels,
        names,
        ids=examples.ids,
        texts2=examples.table["text2"] if examples.has_pairs else None,
        source=examples.source,
        kind=examples.kind,
        origin=examples.origin,
    )


def _suggest(examples: Examples, count: int, predicted: Callable[[Examples], Labels]) -> list[str]:
    """Match labels to classes so that the most predictions are right."""
    from scipy.optimize import linear_sum_assignment

    rows = np.flatnonzero(examples.labelling.given(examples.labels))
    sample = examples.take(np.sort(np.random.default_rng(0).permutation(rows)[:300]))
    table = np.zeros((count, count))
    if examples.kind == "set":  # the model's classes that come and go with the data's
        said, true = predicted(sample), sample.labels
        table[:, : true.shape[1]] = (said - said.mean(0)).T @ (true - true.mean(0))
    else:
        np.add.at(table, (predicted(sample), sample.labels), 1)
    _, labels = linear_sum_assignment(-table)
    there = examples.label_names
    return [there[at] if at < len(there) else f"unused-{at}" for at in labels.tolist()]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
