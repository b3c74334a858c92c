"""The tokens of many examples, and which of them a loss asks for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wordtrace.data.batches import Encoded

EXAMPLES = st.lists(
    st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=7),
    min_size=1,
    max_size=6,
)


def encoded_of(examples: list[list[tuple[int, bool]]]) -> Encoded:
    flat = [one for example in examples for one in example]
    return Encoded(
        np.array([id_ for id_, _ in flat], np.int32),
        np.cumsum([0, *map(len, examples)]),
        counted=np.array([counts for _, counts in flat]),
    )


@given(EXAMPLES, st.data())
def test_counted_tokens_go_where_their_examples_go(
    examples: list[list[tuple[int, bool]]], data: st.DataObject
) -> None:
    encoded = encoded_of(examples)
    rows = np.array(data.draw(st.permutations(range(len(examples)))))
    start = data.draw(st.integers(0, len(examples) - 1))
    for part, there in (
        (encoded, list(range(len(examples)))),
        (encoded.take(rows), rows.tolist()),
        (encoded.between(start, len(examples)), list(range(start, len(examples)))),
    ):
        every = np.arange(len(there))
        _, mask = part.padded(every)
        types = part.types(every, mask)
        assert types is not None
        for row, example in enumerate(there):
            expected = [int(counts) for _, counts in examples[example]]
            assert types[row].tolist() == expected + [0] * (types.shape[1] - len(expected))


def test_a_span_asks_for_some_of_the_counted_tokens_alone() -> None:
    counts = [False, True, False, True, True]
    encoded = encoded_of([[(7, one) for one in counts]])
    asked = Encoded(encoded.ids, encoded.offsets, counted=encoded.counted, asked=np.array([[2, 4]]))
    types = asked.types(np.array([0]), np.ones((1, 5), bool))
    assert types is not None
    assert types.tolist() == [[0, 2, 0, 1, 2]]
