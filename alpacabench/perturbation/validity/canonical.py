"""Ways to put a request that ask the same, brought to one form before the gate compares words."""

from __future__ import annotations

import re

_START = r"(?:\A|(?<=[.?!:] )|(?<=\n))"
_ONE = r"(?:i|you|one|we|someone)"
_TWO = r"(.+?) (?:and|from) (.+?)(?=[.?!]|\Z)"
_RULES = (
    # Politeness before the request proper.
    (_START + r"(?:(?:can|could|would|will) you (?:please |kindly )?|please |i(?:'d| would) like you to )", ""),
    (r"\b(?:tell me|explain|describe) (?=(?:what|which|who|how|why|when|where)\b)", ""),
    # How to do a thing.
    (r"\bwhat (?:is|are) (?:the |some )?(?:best |good )?ways? (?:for me )?to\b", "how"),
    (rf"\b(?:what (?:can|could|should) {_ONE} do to|how (?:do|can|could|should|would) {_ONE})\b", "how"),
    (r"\bin (?:what|which) way (?=do|does|can)", "how "),
    # Why a thing is so.
    (r"\b(?:explain |give |what is )?the reasons? (?:why |that )?(?!for|of|to)", "why "),
    (r"\bwhat makes (?=(?:\w+ ){1,4}\w+\?)", "why "),
    (r"\bwhy (?:do|does|is|are|did)\b", "why"),
    # What tells two things apart, and how they compare.
    (rf"\b(?:explain |describe |what (?:is|are) )?the (?:main )?differences? between {_TWO}", r"difference \1 \2"),
    (r"\bhow do (.+?) and (.+?) differ\b", r"difference \1 \2"),
    (rf"\b(?:how (?:do|does) (?=.+ differ)|what distinguishes ){_TWO}", r"difference \1 \2"),
    (r"(difference .+?) differ\b", r"\1"),
    (r"\bhow do (.+?) and (.+?) compare\b", r"compare \1 and \2"),
    (r"\b(?:give|provide|write|make) (?:me )?a comparison (?:of|between)\b", "compare"),
    # Naming things.
    (r"\bwhat is the number of (\w+) that (.+?) (?:has|have)\b", r"how many \1 does \2 have"),
    (rf"{_START}(?:list|name|give me|suggest|recommend|what (?:is|are|would be)) (?:the |some |any )?", "what "),
    (r"\bwhich\b", "what"),
)  # fmt: skip
_COMPILED = [(re.compile(pattern, re.IGNORECASE), new) for pattern, new in _RULES]


def canonical(text: str) -> str:
    """Return a plain text with each known way to put a request in one form."""
    for pattern, new in _COMPILED:
        text = pattern.sub(new, text)
    return text
