"""Why texts that look the same do not match: in which respect alone they differ."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable

_QUOTES = str.maketrans("‘’‚“”„–—−", "'''\"\"\"---")


def _spaces(text: str) -> str:
    return " ".join(text.split())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _visible(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())


def _all(text: str) -> str:
    return _spaces(_visible(unicodedata.normalize("NFKC", text)).translate(_QUOTES).casefold())


WAYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("in white space only", _spaces),
    ("only in how accented letters are composed (Unicode NFC or NFD)", _composed),
    ("only in characters that cannot be seen", _visible),
    ("in upper and lower case only", str.casefold),
    ("in quotation marks and dashes only", lambda text: text.translate(_QUOTES)),
    ("only in white space, case, and how characters are encoded", _all),
)


class Alike:
    """Known texts, and in which one respect another text differs from one of them."""

    def __init__(self, known: Collection[str]) -> None:
        self._forms = [(way, form, {form(text) for text in known}) for way, form in WAYS]

    def way(self, text: str) -> str | None:
        """Return how a text differs from a known one; None where it is like none of them."""
        return next((way for way, form, forms in self._forms if form(text) in forms), None)


def differences(texts: Iterable[str], known: Collection[str], noun: str) -> str:
    """Return how many of the texts differ from a known one in one respect alone; empty where none does.

    Args:
        texts: texts that are not known.
        known: the known ones.
        noun: what these are called, for example 'of its prompts'.

    """
    alike = Alike(known)
    ways = Counter(way for text in texts if (way := alike.way(text)))
    return "; ".join(f"{count} of them differ from one {noun} {way}" for way, count in ways.items())
