"""The language that the answer is asked for in."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from alpacabench.perturbation.base import Edit, Kind, SiteFamily
from alpacabench.perturbation.sentence import append

_NAMES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian",
    "sw": "Swahili", "tr": "Turkish", "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip


class AnswerLanguage(SiteFamily):
    """Asks for an answer "in German"; strength is the share of the items that are asked so."""

    kind: ClassVar[Kind] = "task_changing"
    dose: ClassVar[Literal["sites", "items"]] = "items"

    language: Literal[
        "ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sw", "tr", "uk", "zh"
    ] = "de"

    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return the sentence that names the language."""
        return append(text, [f"Answer in {_NAMES[self.language]}."])
