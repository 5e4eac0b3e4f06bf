"""How answers are decoded: one set of keys that every backend receives or refuses by name."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from alpacabench.core.component import Component


class Decoding(Component):
    """Decoding values. Temperature 0 is greedy (or beam search where `num_beams` > 1); above 0 samples.

    Without a temperature none is sent, and the server's own holds: for models behind an API that fix it.
    """

    group: ClassVar[str] = "decoding"
    shared_keys: ClassVar[frozenset[str]] = frozenset()

    temperature: float | None = Field(0.0, ge=0.0, le=5.0)
    top_p: float = Field(1.0, gt=0.0, le=1.0)
    top_k: int = Field(0, ge=0)
    """0 means no limit."""
    max_new_tokens: int = Field(512, ge=1)
    seed: int = 0
    n: int = Field(1, ge=1)
    """Answers per prompt; an example's score is their mean."""
    num_beams: int = Field(1, ge=1)
    repetition_penalty: float = Field(1.0, gt=0.0)
    stop: tuple[str, ...] = ()
    """Strings that end an answer; they are cut off."""

    @model_validator(mode="after")
    def _sensible(self) -> Decoding:
        if self.num_beams > 1 and self.samples:
            raise ValueError("beam search is deterministic: set decoding.temperature=0 or decoding.num_beams=1")
        if self.n > 1 and not self.samples:
            raise ValueError(
                "n > 1 at temperature 0 would give the same answer n times: set decoding.temperature above 0"
            )
        return self

    @property
    def samples(self) -> bool:
        """Whether the seed matters."""
        return self.temperature is None or self.temperature > 0

    def key(self) -> dict[str, Any]:
        """Return the values that determine the text: greedy decoding does not depend on seed, top_p or top_k."""
        values = self.model_dump(exclude={"n"})
        if not self.samples:
            values |= {"seed": 0, "top_p": 1.0, "top_k": 0}
        return values | {"stop": list(self.stop)}
