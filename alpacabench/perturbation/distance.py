"""Levenshtein distance, fast enough for every prompt of every variant."""

from __future__ import annotations

from collections import defaultdict


def levenshtein(a: str, b: str) -> int:
    """Return the least number of inserted, deleted or replaced characters that turns `a` into `b`.

    Source: Hyyrö (2003), "A bit-vector algorithm for computing Levenshtein and Damerau edit distances", with Python's
    integers as the bit vectors: len(b) steps, whatever the length of `a`.
    """
    if not a or not b:
        return len(a) + len(b)
    where: defaultdict[str, int] = defaultdict(int)
    for i, char in enumerate(a):
        where[char] |= 1 << i
    mask, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    plus, minus, distance = mask, 0, len(a)
    for char in b:
        equal = where.get(char, 0)
        diagonal = ((((equal & plus) + plus) ^ plus) | equal | minus) & mask
        rise = minus | (~(diagonal | plus) & mask)
        fall = diagonal & plus
        distance += bool(rise & last) - bool(fall & last)
        rise = (rise << 1) | 1
        plus = ((fall << 1) | ~(diagonal | rise)) & mask
        minus = rise & diagonal
    return distance
