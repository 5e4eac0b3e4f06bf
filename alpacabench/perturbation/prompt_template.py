"""The frame around the task: markers, tags, and formats drawn from a grammar."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

from alpacabench.perturbation.base import Edit, Edited, Kind, Perturbation, edited


class _Frame(NamedTuple):
    before: str
    after: str


_FRAMES = {
    "alpaca": _Frame("### Instruction:\n", "\n\n### Response:\n"),
    "qa": _Frame("Q: ", "\nA:"),
    "xml": _Frame("<instruction>\n", "\n</instruction>"),
    "markdown": _Frame("## Task\n\n", "\n\n## Answer\n"),
    "chat": _Frame("User: ", "\nAssistant:"),
}
_LABELS = (("Instruction", "Response"), ("Task", "Answer"), ("Request", "Reply"), ("Input", "Output"))
_SEPARATORS = (": ", ":\n", " : ", " - ", "::", "\n")
_SPACINGS = ("\n", "\n\n", " || ", "\n---\n")
_ENUMERATORS = ("", "(a) ", "I. ", "* ")


class PromptTemplate(Perturbation):
    """A frame around the unchanged text; strength is the share of the items that get it.

    `spread` draws one format for the seed, the same for every item: label, separator, case, spacing, enumerator
    (the grammar of FormatSpread, arXiv 2310.11324).
    """

    kind: ClassVar[Kind] = "meaning_preserving"

    template: Literal["alpaca", "qa", "xml", "markdown", "chat", "spread"] = "alpaca"

    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Frame the strength's share of the items."""
        if self.rng(seed, item_id).random() >= strength:
            return Edited(text, 0)
        frame = self._spread(seed) if self.template == "spread" else _FRAMES[self.template]
        return edited(text, [Edit(0, 0, frame.before), Edit(len(text), len(text), frame.after)])

    def _spread(self, seed: int) -> _Frame:
        rng = self.rng(seed, "format")
        case = rng.choice((str, str.upper, str.lower))
        first, second = rng.choice(_LABELS)
        separator, spacing, mark = rng.choice(_SEPARATORS), rng.choice(_SPACINGS), rng.choice(_ENUMERATORS)
        return _Frame(mark + case(first) + separator, spacing + mark + case(second) + separator.rstrip(" "))
