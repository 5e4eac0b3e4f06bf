"""Which language an answer is in: py3langid's model, told among the languages that people are asked for."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from alpacabench.core.language import NAMES, in_language

_TOLD = (
    "af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn "
    "ko la lb lo lt lv mk ml mn mr ms mt my nb ne nl nn no pa pl pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz "
    "vi zh"
)
LANGUAGES = frozenset(_TOLD.split())
"""The model knows 140; on a short text the rare ones win by chance."""
ALIKE = ({"no", "nb", "nn", "da"}, {"hr", "bs", "sr"}, {"id", "ms"}, {"cs", "sk"}, {"gl", "pt"}, {"fa", "ps"})
"""Languages that a page of text does not tell apart for certain."""
ODDS = 3.0
"""Natural log of the odds against the wanted language from which an answer is in another one (20 to 1)."""
SURE = 9.0
"""And where its own small words speak for it."""
CODE_AND_LINKS = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)


def known(language: str) -> bool:
    """Return whether a language can be told."""
    return language in _identifier(None).labels


def other_language(answer: str, wanted: str) -> str | None:
    """Return the language of an answer that is not in the wanted one (ISO 639-1, two letters); None where it may be."""
    text = CODE_AND_LINKS.sub(" ", answer)
    # A few letters are in no language, or in many.
    if sum(char.isalpha() for char in text) < (4 if not text.isascii() else 8):
        return None
    ranked: dict[str, float] = dict(_identifier(None if wanted in LANGUAGES else wanted).rank(text[:4000]))
    alike = next((group for group in ALIKE if wanted in group), {wanted})
    best = max(ranked, key=lambda language: ranked[language])
    against = ranked[best] - max(ranked[language] for language in alike if language in ranked)
    doubt = wanted in NAMES and in_language(text, wanted)
    return best if against > (SURE if doubt else ODDS) else None


@lru_cache(maxsize=8)
def _identifier(rare: str | None) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    told = [label for label in identifier.labels if label in LANGUAGES or label == rare]
    identifier.set_languages(told)
    return identifier
