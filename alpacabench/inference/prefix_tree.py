"""What prompts have in common from their beginning: a tree of token spans, each of which needs to be read only once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

LEAST = 32
"""Tokens that must be shared for a span of its own: reading one costs a pass over the weights."""


@dataclass(slots=True)
class Span:
    """Tokens that follow those of another span."""

    ids: Sequence[int]
    before: tuple[Span, ...]
    """The spans from the prompt's beginning to this one."""
    prompt: int | None
    """Which prompt ends with this span; None where several go on from here."""

    @property
    def depth(self) -> int:
        """How many tokens come before."""
        return sum(len(span.ids) for span in self.before)


def spans(prompts: Sequence[list[int]]) -> list[Span]:
    """Return the tree's spans, each after those that it follows; the last token of a prompt is never shared.

    Args:
        prompts: token ids, of at least one token each.

    """
    found: list[Span] = []
    order = sorted(range(len(prompts)), key=lambda i: prompts[i])
    # (prompts with a common beginning, in order; how much of them is in spans; these spans)
    waiting: list[tuple[list[int], int, tuple[Span, ...]]] = [(order, 0, ())] if order else []
    while waiting:
        members, start, before = waiting.pop()
        if len(members) == 1:
            found.append(Span(prompts[members[0]][start:], before, members[0]))
            continue
        # In order, the first and the last have in common what all have.
        end = min(common(prompts[members[0]], prompts[members[-1]]), min(len(prompts[i]) for i in members) - 1)
        if end - start >= LEAST:
            shared = Span(prompts[members[0]][start:end], before, None)
            found.append(shared)
            start, before = end, (*before, shared)
        ended = [i for i in members if len(prompts[i]) == end + 1]
        waiting += [([i], start, before) for i in ended]
        rest = (i for i in members if len(prompts[i]) > end + 1)
        waiting += [(list(some), start, before) for _, some in groupby(rest, key=lambda i: prompts[i][end])]
    return found


def parts(prompts: Sequence[list[int]], tokens: int) -> Iterator[list[int]]:
    """Yield which prompts are read together: neighbours in order, with at most so many tokens that are not shared."""
    part: list[int] = []
    used = 0
    for i in sorted(range(len(prompts)), key=lambda i: prompts[i]):
        more = len(prompts[i]) - (common(prompts[part[-1]], prompts[i]) if part else 0)
        if part and used + more > tokens:
            yield part
            part, used, more = [], 0, len(prompts[i])
        part.append(i)
        used += more
    if part:
        yield part


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """Return with how many equal tokens both begin."""
    for i, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return i
    return min(len(left), len(right))
