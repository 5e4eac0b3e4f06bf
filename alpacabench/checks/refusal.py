"""Whether an answer begins like a refusal, in twenty languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from alpacabench.checks.base import Check
from alpacabench.checks.refusal_words import PATTERNS
from alpacabench.core.records import Example, Finding

WITHIN = 200
"""Characters: a refusal comes first. One that follows an answer is a remark."""
REFUSAL = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS.values()), re.IGNORECASE | re.MULTILINE)
QUOTED = re.compile(
    r"(?<!\w)(?:\"[^\"\n]{0,300}\"|“[^”\n]{0,300}”|«[^»\n]{0,300}»|„[^“”\n]{0,300}[“”]|(?<=[:,] )'[^\n]{0,300}?'(?!\w))"
)
LETTER = re.compile(
    r"\s*(?:\W{0,3}(?:subject|betreff|objet|asunto|oggetto|assunto|re) ?:|dear (?!user|customer|friend)\w)",
    re.IGNORECASE,
)
"""A letter that the model was asked for: what its writer declines is not the model's."""


def refusal(text: str) -> re.Match[str] | None:
    """Return where an answer refuses, at its beginning and in its own words; None where it does not."""
    if LETTER.match(text):
        return None
    # At the same length, so that places stay; an answer that is one quotation speaks for itself.
    own = QUOTED.sub(lambda found: " " * len(found.group()), text[: WITHIN * 2])
    head = (own if own.strip() else text)[:WITHIN]
    return REFUSAL.search(head.replace("’", "'").replace("*", " "))


class Refusal(Check):
    """Finds answers that refuse: where prompts are harmless, each one is a loss."""

    version: ClassVar[int] = 2

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield the words that refuse."""
        if found := refusal(answer):
            yield Finding("refusal", "the answer refuses", found.start(), found.end())
