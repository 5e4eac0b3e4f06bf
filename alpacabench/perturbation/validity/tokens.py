"""The words of a prompt as the validity gate compares them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple

from alpacabench.perturbation.validity.distance import transposition_distance
from alpacabench.perturbation.validity.lexicon import (
    CONTRACTED,
    FUNCTION_WORDS,
    HOMOGLYPHS,
    NUMBERS,
    UK_US,
    common_words,
    synonyms,
)

_PLAIN = str.maketrans(
    {lookalike: letter for letter, lookalike in HOMOGLYPHS.items()}
    | dict.fromkeys("\u200b\u200c\u200d\ufeff\u00ad")
    | dict(zip("‘’“”–—−", "''\"\"---", strict=True))
)
_TOKEN = re.compile(
    r"(?P<number>(?<![\w.])-?\d+(?:[.,]\d+)*(?![^\W_]))"
    r"|(?P<word>[^\W_]+(?:'[^\W_]+)*)|(?P<symbol>[+*/=<>%^&|$€£#@\\{}\[\]~])"
)
_ENDS = re.compile(r"[\"',)\]>]*\s*?([.!?;:]|\n|\Z)")
_TENS = re.compile(r"\b(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[- ]?(one|two|three|four|five|six|seven|"
                   r"eight|nine)\b", re.IGNORECASE)  # fmt: skip
_NEGATING_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "mis", "anti", "de")


class Token(NamedTuple):
    """One word, number or symbol."""

    written: str
    """As written, in lower case."""
    form: str
    """Number words as digits, contractions written out, American spelling."""
    stem: str
    kind: Literal["word", "number", "symbol"]
    name: bool
    """Whether it is written with a capital that no sentence start explains."""
    starts: bool
    """Whether it starts a sentence, clause or line."""
    ends: str
    """The mark that ends a sentence, clause or line after it; empty where none does."""

    @property
    def content(self) -> bool:
        """Whether the word carries content of its own."""
        return self.kind != "word" or self.form not in FUNCTION_WORDS


def plain(text: str) -> str:
    """Return the text without look-alikes, accents, zero-width characters and typographic marks."""
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text.translate(_PLAIN)))
    return "".join(char for char in text if not unicodedata.combining(char))


def tokens(text: str) -> list[Token]:
    """Return the tokens of a plain text."""
    text = _TENS.sub(lambda m: str(int(NUMBERS[m[1].lower()]) + int(NUMBERS[m[2].lower()])), text)
    shouted = text.isupper()
    found: list[Token] = []
    starts = True
    for match in _TOKEN.finditer(text):
        end = _ENDS.match(text, match.end())
        ends = (end[1] or "\n") if end else ""
        written = match.group().lower()
        name = match.group()[0].isupper() and not starts and not shouted and not re.match(r"i\b", written)
        for form, kind in _forms(written, match.lastgroup or ""):
            found.append(Token(written, form, stem(form) if kind == "word" else form, kind, name, starts, ends))
        starts = bool(ends)
    return found


def _forms(written: str, group: str) -> list[tuple[str, Literal["word", "number", "symbol"]]]:
    if group == "symbol":
        return [(written, "symbol")]
    if group == "number":
        return [(written.replace(",", ""), "number")]
    if written in NUMBERS and written != "one":
        return [(NUMBERS[written], "number")]
    long = CONTRACTED.get(written, written).lower()
    if long.endswith("n't"):
        long = long[:-3] + " not"
    long = "can not" if long == "cannot" else long.removesuffix("'s")
    return [(UK_US.get(word, word), "word") for word in long.split() or [written]]


def stem(word: str) -> str:
    """Return the word without a common ending: enough to match `dog` and `dogs`, `write` and `writing`."""
    for ending, least in (("ing", 6), ("ies", 5), ("ied", 5), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith(("ss", "us", "is")):
            word = word.removesuffix(ending) + ("y" if ending in ("ies", "ied") else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def same_word(a: Token, b: Token, known: frozenset[str]) -> bool:
    """Return whether b can stand for a: the same word, a synonym, or a mistyped form that is no word of its own."""
    if a.kind == b.kind and a.stem == b.stem:
        return True
    if "symbol" in (a.kind, b.kind) or any(char.isdigit() for char in a.written + b.written):
        return False
    if not a.name and (a.stem, b.stem) in _synonyms():
        return True
    return b.kind == "word" and _mistyped(a, b, known)


@lru_cache(maxsize=1)
def _synonyms() -> frozenset[tuple[str, str]]:
    return frozenset((stem(a), stem(b)) for a, b in synonyms())


@lru_cache(maxsize=1)
def _common_stems() -> frozenset[str]:
    return frozenset(map(stem, common_words()))


def is_common(word: str) -> bool:
    """Return whether a lower-case word, or another form of it, is an everyday word."""
    return word in common_words() or stem(word) in _common_stems()


def _mistyped(a: Token, b: Token, known: frozenset[str]) -> bool:
    x, y = a.written, b.written
    if abs(len(x) - len(y)) > 3:
        return False
    if not a.content and len(x) > 3 and x[0] == y[0] and sorted(x) == sorted(y):
        return True
    another = y in known or y in common_words() or (is_common(y) and not _doubled(x, y))
    if another or _negates(x, y) or _negates(y, x):
        return False
    if len(x) <= 3:
        return sorted(x) == sorted(y) or _doubled(x, y) or (not a.content and transposition_distance(x, y) <= 1)
    allowed = 1 if a.name or len(x) < 6 else len(x) // 3
    return transposition_distance(x, y) <= (allowed if x[0] == y[0] else min(allowed, 1)) - (a.name and len(x) == 4)


def _doubled(x: str, y: str) -> bool:
    return len(y) == len(x) + 1 and any(y == x[: i + 1] + x[i:] for i in range(len(x)))


def _negates(x: str, y: str) -> bool:
    """Return whether y is x with a prefix or ending that turns its meaning."""
    return any(y == prefix + x for prefix in _NEGATING_PREFIXES) or (y.endswith("less") and x.endswith("ful"))
