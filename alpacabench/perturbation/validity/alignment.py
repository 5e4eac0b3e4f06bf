"""Which word of a variant stands for which word of the original."""

from __future__ import annotations

from collections.abc import Sequence

from alpacabench.perturbation.validity.tokens import Token, same_word

_CONTENT, _FUNCTION, _NEXT_TO = 4, 1, 1


def align(a: Sequence[Token], b: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the matched pairs (index in a, index in b), both ascending.

    Of all monotone matchings the one with the most content words, then function words; neighbours that stay neighbours
    count extra. O(len(a) len(b)) after the common beginning and end.
    """
    head = _common(a, b, len(a))
    tail = _common(a[::-1], b[::-1], min(len(a), len(b)) - head)
    # A word of the original is no typo of another word of the original.
    known = frozenset(token.written for token in a)
    inner = _align(a[head : len(a) - tail], b[head : len(b) - tail], known)
    ends = zip(range(len(a) - tail, len(a)), range(len(b) - tail, len(b)), strict=True)
    return [*((i, i) for i in range(head)), *((head + i, head + j) for i, j in inner), *ends]


def _common(a: Sequence[Token], b: Sequence[Token], most: int) -> int:
    """Return the length of the common beginning; two words may be the same by chance and do not count."""
    length = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x.form != y.form), min(len(a), len(b)))
    return min(length, most) if length > 2 else 0


def _align(a: Sequence[Token], b: Sequence[Token], known: frozenset[str]) -> list[tuple[int, int]]:
    none = -1
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    match = [[none] * (len(b) + 1) for _ in range(len(a) + 1)]
    same: dict[tuple[str, str], bool] = {}
    for i, x in enumerate(a, start=1):
        weight = _CONTENT if x.content else _FUNCTION
        for j, y in enumerate(b, start=1):
            pair = (x.written + x.form, y.written + y.form)
            if pair not in same:
                same[pair] = same_word(x, y, known)
            if same[pair]:
                before = match[i - 1][j - 1]
                match[i][j] = weight + max(best[i - 1][j - 1], before + _NEXT_TO if before > none else 0)
            best[i][j] = max(best[i - 1][j], best[i][j - 1], match[i][j])
    return _trace(best, match)


def _trace(best: list[list[int]], match: list[list[int]]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    i, j = len(best) - 1, len(best[0]) - 1
    forced = False
    while i and j:
        if forced or match[i][j] == best[i][j]:
            pairs.append((i - 1, j - 1))
            before = match[i - 1][j - 1]
            forced = before >= 0 and before + _NEXT_TO > best[i - 1][j - 1]
            i, j = i - 1, j - 1
        elif best[i - 1][j] == best[i][j]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]
