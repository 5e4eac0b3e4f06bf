"""The validity gate: whether a variant still asks for the same task.

It compares words, not meanings: code, links, quotes, numbers and names must stay; a word may be mistyped, recased,
respelt or replaced by a synonym from a small table; known ways to put a request are one; sentences that demand nothing
may stand around the task. What it cannot confirm, it rejects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from alpacabench.core.spans import head_end
from alpacabench.perturbation.validity.alignment import align
from alpacabench.perturbation.validity.canonical import canonical
from alpacabench.perturbation.validity.facts import missing_verbatim
from alpacabench.perturbation.validity.lexicon import (
    DEMANDS,
    FILLERS,
    FRAMES,
    IMPERATIVES,
    LABELS,
    NEGATIONS,
    opposites,
)
from alpacabench.perturbation.validity.tokens import Token, plain, same_word, tokens

_DEMONSTRATIONS = re.compile(r"\A(?:(?:Instruction|Q|Input|Example):.*?\n(?:Answer|A|Output):[^\n]*\n\n)+", re.DOTALL)
_WH = frozenset(("what", "which", "who", "whose", "when", "where", "why", "how"))
_LEADS = frozenset(("can", "could", "would", "will", "you", "i", "me", "us", "we", "to", "a", "if", "am", "is", "it"))
_PREPOSITIONS = frozenset(("to", "from", "of", "in", "into", "for", "with", "by", "than", "on", "about", "between"))


class GateResult(NamedTuple):
    """The gate's verdict on one variant."""

    same_task: bool
    reasons: tuple[str, ...]
    """Every difference that counts; empty for the same task."""


def check(original: str, variant: str) -> GateResult:
    """Return whether the variant asks for the same task, with a reason for every difference that counts."""
    if original == variant:
        return GateResult(True, ())
    original, variant = plain(original), plain(variant)
    if not _DEMONSTRATIONS.match(original):
        variant = _DEMONSTRATIONS.sub("", variant)
    verbatim = list(missing_verbatim(original, variant))
    original, variant = _without_input(original, variant)
    worded = list(_differences(tokens(original), tokens(variant)))
    if worded and not list(_differences(tokens(canonical(original)), tokens(canonical(variant)))):
        worded = []
    reasons = [*verbatim, *worded, *_another_question(original, variant)]
    return GateResult(not reasons, tuple(dict.fromkeys(reasons)))


def _another_question(original: str, variant: str) -> Iterator[str]:
    """Yield a reason where a question for a reason, way, place or time became one for yes or no."""
    before, after = tokens(original), tokens(variant)
    asked = next((token for token in before if token.form in _WH), None)
    if asked is None or asked.form in ("what", "which") or not variant.rstrip().endswith("?"):
        return
    if not any(token.form in _WH or same_word(asked, token, frozenset()) for token in after):
        yield f"{asked.written!r} is no longer asked"


def _without_input(original: str, variant: str) -> tuple[str, str]:
    """Leave out the task's input where the variant holds it word for word, wherever it stands."""
    given = original[head_end(original) :].strip()
    if given and given in variant:
        return original[: head_end(original)], variant.replace(given, "\n\n", 1)
    return original, variant


def _differences(a: list[Token], b: list[Token]) -> Iterator[str]:
    """Yield what was lost, gained, exchanged or moved between two texts."""
    pairs = align(a, b)
    regions = list(_regions(pairs, len(a), len(b)))
    lost = [i for i in _others(pairs, 0, len(a)) if a[i].content]
    gained = [j for j in _others(pairs, 1, len(b)) if b[j].content]
    moved = _moved(a, b, lost, gained)
    yield from _exchanged(a, b, regions, moved)
    for i, j in moved.items():
        if _preposition(a, i) != _preposition(b, j):
            yield f"the role of {a[i].written!r} changed"
    yield from _names_out_of_order(a, b)
    for i in lost:
        if i not in moved and not _frame(a, i):
            yield f"{_noun(a[i])} {a[i].written!r} is missing"
    yield from _added(a, b, [(j1, j2) for _, _, j1, j2 in regions if j1 < j2], set(moved.values()))


def _regions(pairs: list[tuple[int, int]], n: int, m: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield what lies between neighbouring pairs: a[i1:i2] and b[j1:j2], not both empty."""
    i1 = j1 = 0
    for i2, j2 in [*pairs, (n, m)]:
        if i1 < i2 or j1 < j2:
            yield i1, i2, j1, j2
        i1, j1 = i2 + 1, j2 + 1


def _others(pairs: list[tuple[int, int]], side: int, n: int) -> list[int]:
    matched = {pair[side] for pair in pairs}
    return [i for i in range(n) if i not in matched]


def _moved(a: list[Token], b: list[Token], lost: list[int], gained: list[int]) -> dict[int, int]:
    """Return lost -> gained for the words that stand elsewhere in the variant."""
    places: dict[str, list[int]] = {}
    for j in gained:
        places.setdefault(b[j].stem, []).append(j)
    return {i: places[a[i].stem].pop(0) for i in lost if places.get(a[i].stem)}


def _exchanged(
    a: list[Token], b: list[Token], regions: list[tuple[int, int, int, int]], moved: dict[int, int]
) -> Iterator[str]:
    """Yield small words that became their opposites, and words that changed places."""
    back = set(moved.values())
    for i1, i2, j1, j2 in regions:
        for x in a[i1:i2]:
            for y in b[j1:j2]:
                asks_else = x.form in _WH and y.form in _WH and {x.form, y.form} != {"what", "which"}
                if (x.form, y.form) in opposites() or (asks_else and x.form != y.form):
                    yield f"{x.written!r} became {y.written!r}"
        if any(i in moved for i in range(i1, i2)) and any(j in back for j in range(j1, j2)):
            yield "words changed places: " + ", ".join(repr(a[i].written) for i in range(i1, i2) if i in moved)


def _preposition(words: list[Token], at: int) -> str:
    """Return the preposition that governs a word: the nearest one before it in its sentence, or nothing."""
    for i in range(at - 1, max(-1, at - 4), -1):
        if words[i].ends:
            break
        if words[i].form in _PREPOSITIONS:
            return words[i].form
    return ""


def _names_out_of_order(a: list[Token], b: list[Token]) -> Iterator[str]:
    """Yield a reason where names and numbers all stayed, and not in their order."""
    there = [token.stem for token in b]
    wanted = [token.stem for token in a if (token.name or token.kind == "number") and token.stem in there]
    rest = iter(there)
    if not all(stem in rest for stem in wanted):
        yield "names or numbers changed places: " + ", ".join(wanted)


def _added(a: list[Token], b: list[Token], runs: list[tuple[int, int]], moved: set[int]) -> Iterator[str]:
    """Yield what the variant asks for beyond the original; each run is a stretch of new words."""
    stems = " ".join(token.stem for token in a)
    for start, stop in runs:
        run = b[start:stop]
        content = [b[j] for j in range(start, stop) if b[j].content and j not in moved]
        opens, closes = start == 0 or b[start].starts, stop == len(b) or bool(b[stop - 1].ends)
        if not content:
            continue
        edge = opens or closes
        if edge and all(token.kind == "symbol" or token.form in FILLERS | LABELS for token in content):
            continue
        if opens and closes:
            if " ".join(token.stem for token in run) not in stems:
                yield from _demands(run)
        else:
            yield "added: " + ", ".join(repr(token.written) for token in content)


def _frame(words: list[Token], at: int) -> bool:
    """Return whether a word belongs to a request's frame: "please tell me", "can you give me"."""
    for i in range(at, -1, -1):
        if words[i].form not in FRAMES | _LEADS:
            return False
        if words[i].starts:
            return words[at].form in FRAMES
    return True


def _demands(run: list[Token]) -> Iterator[str]:
    """Yield a reason where added sentences ask for something."""
    for token in run:
        if token.kind == "number" or token.form in DEMANDS or token.form in NEGATIONS:
            yield f"an added sentence demands something: {token.written!r}"
        elif token.starts and token.form in IMPERATIVES:
            yield f"an added sentence is a task of its own: {token.written!r}"
    if any(token.ends == "?" for token in run) and any(t.content and t.form not in FILLERS for t in run):
        yield "an added sentence asks a question"


def _noun(token: Token) -> str:
    if token.kind != "word":
        return token.kind
    if token.form in NEGATIONS:
        return "the negation"
    return "the name" if token.name else "the word"
