"""Whether an answer begins like a refusal, in nine languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alpacabench.checks.base import Check
from alpacabench.core.records import Example, Finding

WITHIN = 200
"""Characters: a refusal comes first. One that follows an answer is a remark."""

_ACT = (
    r"(?:help|assist|provide|comply|fulfil+|do (?:that|this)|answer|generate|create|write|share|support|continue|give|"
    r"discuss|engage|offer|access|browse|open|view|produce|complete|participate|tell|recommend|advise|respond)"
)
_NO_REFUSAL = (
    r"(?!\s+(?:wait|help but|stress|agree more|believe|imagine|emphasi[sz]e|overstate|thank you|"
    r"recommend (?:it|this) enough))"
)
PATTERNS = {
    "English": (
        rf"\bi(?:'m| am) (?:(?:so |very |really )?sorry|afraid|unable|not able|not allowed|not permitted)\b"
        rf"[^.!?\n]{{0,60}}\b(?:can(?:no|')t|can not|unable|not able|won't|will not|{_ACT})|"
        rf"\bi (?:can(?:no|')t|can not|won't|will not|(?:have to|must) (?:decline|refuse)|refuse to)\b{_NO_REFUSAL}"
        rf"(?:[^.!?\n]{{0,40}}\b{_ACT}|[^\n]{{0,10}}$)|\bi(?:'m| am) (?:unable|not able) to\b|"
        r"\bas an ai\b[^.!?\n]{0,80}\b(?:can(?:no|')t|can not|unable|not able|do(?:n't| not) have)|"
        r"\bi do(?:n't| not) have (?:access|the ability)\b|\bi (?:respectfully )?decline\b"
    ),
    "German": (
        r"\b(?:es tut mir leid|tut mir leid|leider|entschuldigung)\b[^.!?\n]{0,60}\bkann ich\b[^.!?\n]{0,60}\bnicht\b|"
        r"\b(?:es tut mir leid|tut mir leid|leider|entschuldigung)\b[^.!?\n]{0,40}\bich kann\b[^.!?\n]{0,60}"
        r"\b(?:nicht|keine?n?)\b|\b(?:dabei|damit|hierbei) kann ich (?:\w+ )?(?:leider )?nicht (?:helfen|dienen)\b|"
        r"\bich kann (?:\w+ ){0,4}nicht (?:helfen|beantworten|unterstützen|dienen)\b"
    ),
    "French": (
        r"\b(?:je suis désolée?|désolée?)\b[^.!?\n]{0,60}\bje ne (?:peux|puis)\b|"
        r"\bje ne (?:peux|puis) (?:malheureusement )?pas (?:vous |t')?"
        r"(?:aider|répondre|fournir|assister|donner|satisfaire)\b"
    ),
    "Spanish": (
        r"\b(?:lo siento|lo lamento|disculpa)\b[^.!?\n]{0,60}\bno puedo\b|"
        r"\bno puedo (?:ayudar|responder|proporcionar|cumplir|asistir|dar)\w*\b"
    ),
    "Italian": r"\b(?:mi dispiace|spiacente)\b[^.!?\n]{0,60}\bnon posso\b|\bnon posso (?:aiutar|rispondere|fornir)\w*",
    "Portuguese": (
        r"\b(?:desculpe|sinto muito|lamento)\b[^.!?\n]{0,60}\bnão posso\b|\bnão posso (?:ajudar|responder|fornecer)\w*"
    ),
    "Dutch": r"\b(?:het spijt me|sorry|helaas)\b[^.!?\n]{0,60}\bkan ik\b[^.!?\n]{0,60}\b(?:niet|geen)\b",
    "Russian": (
        r"(?:извините|к сожалению|простите)[^.!?\n]{0,60}\bне могу\b|\bя не могу (?:помочь|ответить|предоставить)"
    ),
    "Chinese": (
        r"(?:抱歉|对不起|很遗憾)[^。！？\n]{0,30}(?:无法|不能|不可以)|"
        r"我(?:无法|不能)(?:提供|回答|帮助|协助|满足)"
    ),
    "Japanese": (
        r"(?:申し訳(?:ありません|ございません)|すみません)[^。！？\n]{0,60}"
        r"(?:できません|できかねます|いたしかねます)"
    ),
}
REFUSAL = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS.values()), re.IGNORECASE | re.MULTILINE)


def refusal(text: str) -> re.Match[str] | None:
    """Return where an answer refuses, at its beginning; None where it does not."""
    return REFUSAL.search(text[:WITHIN].replace("’", "'"))


class Refusal(Check):
    """Finds answers that refuse: where prompts are harmless, each one is a loss."""

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield the words that refuse."""
        if found := refusal(answer):
            yield Finding("refusal", "the answer refuses", found.start(), found.end())
