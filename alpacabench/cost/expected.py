"""What one request is expected to take: for `plan=true`, before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expected:
    """What one request is expected to take."""

    who: str
    """Label of the model or judge."""
    prompt: tuple[float, float]
    """Tokens, least and most."""
    completion: tuple[float, float]
    dollars: tuple[float, float] | None
    """None where the price is unknown."""
    seconds: tuple[float, float] | None = None
    """None where it was never asked before."""

    @property
    def exact(self) -> bool:
        """Whether the prompt is known."""
        return self.prompt[0] == self.prompt[1]
