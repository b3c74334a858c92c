"""What is attacked is dealt out to workers, and all of it is attacked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from torture.attempts import Attempt, at_once, shared


@given(items=st.lists(st.integers()), count=st.integers(1, 9))
def test_no_item_is_lost_and_no_part_is_empty(items: list[int], count: int) -> None:
    parts = shared(items, count)
    assert sorted(one for part in parts for one in part) == sorted(items)
    assert len(parts) <= count
    assert all(parts)
    assert max(map(len, parts), default=0) - min(map(len, parts), default=0) <= 1


def test_what_is_attacked_at_once_is_told_in_its_order_one_or_several_of_an_item() -> None:
    def attack(number: int) -> Attempt | list[Attempt]:
        one = Attempt("numbers", str(number), "right")
        return [one] * number if number > 1 else one

    told = [int(one.what) for one in at_once(attack, [1, 3, 0, 2], workers=3)]
    assert told == [1, 3, 3, 3, 0, 2, 2]
