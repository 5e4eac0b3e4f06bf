"""Levenshtein distance, fast enough for every prompt of every variant."""

from __future__ import annotations

from collections import defaultdict


def levenshtein(a: str, b: str) -> int:
    """Return the least number of inserted, deleted or replaced characters that turns `a` into `b`.

    Source: Hyyrö (2003), "A bit-vector algorithm for computing Levenshtein and Damerau edit distances", with Python's
    integers as the bit vectors: len(b) steps, whatever the length of `a`.
    """
    if a == b:
        return 0
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


def transposition_distance(a: str, b: str) -> int:
    """Return the optimal string alignment distance of two words: Levenshtein's, a swap of neighbours being one."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
