"""Sketches of sets: a few words of bits, of which two differ in no more places than the sets do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]


def mixed(values: npt.NDArray[np.int64] | Bits) -> Bits:
    """Return numbers of 64 random-looking bits, the same for the same values (splitmix64)."""
    x: Bits = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def sketches(element: Numbers, offsets: Numbers) -> list[Bits]:
    """Return some times 64 bits of each set: whether an odd number of elements falls on each bit.

    Two sets that differ in n elements differ in at most n bits, and, where there are more bits than
    elements, in nearly as many.
    """
    if len(offsets) < 2:
        return []
    many = int(np.clip(2.5 * np.diff(offsets).mean() / 64, 4, 32))
    bits = mixed(element)
    one, word = np.uint64(1) << (bits & np.uint64(63)), (bits >> np.uint64(6)) % np.uint64(many)
    return [
        np.bitwise_xor.reduceat(np.where(word == place, one, np.uint64(0)), offsets[:-1])
        for place in range(many)
    ]


def ones(bits: Bits) -> Numbers:
    """Return how many bits are set, int64."""
    x = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    found: Numbers = ((x * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.int64)
    return found
