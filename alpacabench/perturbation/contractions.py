"""Contractions, number words, and British or American spelling."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from alpacabench.core.spans import WORD, free, is_name
from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.validity.lexicon import CONTRACTED, NUMBERS, UK_US

_LONG = {long.lower(): short for short, long in CONTRACTED.items()}
_LONG_FORM = re.compile(r"\b(?:" + "|".join(sorted(_LONG, key=len, reverse=True)) + r")(?= \w)", re.IGNORECASE)
_US_UK = {us: uk for uk, us in UK_US.items()}


class Contractions(SiteFamily):
    """Swaps do not / don't and colour / color, writes number words as digits; strength is the share of such words."""

    kind: ClassVar[Kind] = "meaning_preserving"

    rules: tuple[Literal["contractions", "numbers", "spelling"], ...] = ("contractions", "numbers", "spelling")

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return one edit per form that has another form, in random order."""
        edits = [edit for rule in self.rules for edit in _RULES[rule](text)]
        rng.shuffle(edits)
        return edits


def _like(model: str, word: str) -> str:
    """Return the word with the model's case."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[0].upper() + word[1:] if model[0].isupper() else word


def _contractions(text: str) -> Iterator[Edit]:
    for match in free(text, _LONG_FORM):
        yield Edit(*match.span(), _like(match.group(), _LONG[match.group().lower()]))
    for word in free(text, WORD):
        long = CONTRACTED.get(word.group().lower().replace("’", "'"))
        if long:
            yield Edit(*word.span(), _like(word.group(), long))


def _numbers(text: str) -> Iterator[Edit]:
    for word in free(text, WORD):
        number = NUMBERS.get(word.group().lower())
        # "one" is mostly a pronoun, and "twenty-one" is a number of two words.
        if (
            number
            and number != "1"
            and "-" not in (text[word.start() - 1 : word.start()], text[word.end() : word.end() + 1])
        ):
            yield Edit(*word.span(), number)


def _spelling(text: str) -> Iterator[Edit]:
    for word in free(text, WORD):
        lower = word.group().lower()
        other = UK_US.get(lower) or _US_UK.get(lower)
        if other and not is_name(text, word):
            yield Edit(*word.span(), _like(word.group(), other))


_RULES = {"contractions": _contractions, "numbers": _numbers, "spelling": _spelling}
