"""A persona in the system prompt."""

from __future__ import annotations

from typing import ClassVar, Literal

from alpacabench.perturbation.base import Edited, Kind, Perturbation

_PERSONAS = {
    "assistant": "You are a helpful assistant.",
    "expert": "You are a leading expert in the field that the question is about.",
    "teacher": "You are a patient teacher who explains things to beginners.",
    "engineer": "You are a software engineer with twenty years of experience.",
    "writer": "You are a novelist with a keen eye for detail.",
    "child": "You are ten years old and curious about everything.",
    "pirate": "You are a pirate who has sailed every sea.",
}


class Persona(Perturbation):
    """Sets the system prompt and leaves the text alone; strength is the share of the items that get it."""

    kind: ClassVar[Kind] = "meaning_preserving"

    persona: Literal["assistant", "expert", "teacher", "engineer", "writer", "child", "pirate"] = "expert"

    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Return the text as it is."""
        return Edited(text, 0)

    def system(self, strength: float, seed: int, item_id: str) -> str | None:
        """Return the persona's sentence for the strength's share of the items."""
        return _PERSONAS[self.persona] if self.rng(seed, item_id).random() < strength else None
