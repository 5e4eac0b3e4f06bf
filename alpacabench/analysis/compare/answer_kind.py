"""What kind of answer a model gave, and which language a prompt is in: slices that need no judge."""

from __future__ import annotations

from alpacabench.analysis.compare.reasons import language, refuses

COMPLETE, UNKNOWN = "complete", "not told"


def answer_kind(text: str | None, finish_reason: str | None, instruction: str) -> str:
    """Return the first that holds: no answer, empty, refusal, cut off, another language than the prompt's.

    Else it is complete. Cut off is only what was recorded as such when it was written.
    """
    if text is None:
        return "no answer"
    if not text.strip():
        return "empty"
    if refuses(text):
        return "refusal"
    if finish_reason == "length":
        return "cut off"
    asked = language(instruction)
    given = asked and language(text)
    return f"another language ({given})" if given and asked != given else COMPLETE


def prompt_language(instruction: str) -> str:
    """Return the prompt's script or language, of those that a few words tell."""
    return language(instruction) or UNKNOWN
