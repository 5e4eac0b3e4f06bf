"""Several perturbations, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from alpacabench.core.errors import Problem
from alpacabench.perturbation.base import Edited, Kind, Perturbation


class Chain(Perturbation):
    """Applies its steps in order; its strength multiplies theirs, and its seed is used for all of them."""

    steps: tuple[Perturbation, ...] = Field(min_length=1)

    @property
    def kind(self) -> Kind:  # type: ignore[override]
        """Return the kind of its most invasive step."""
        kinds = {step.kind for step in self.steps}
        return next(kind for kind in ("task_changing", "noise", "meaning_preserving") if kind in kinds)

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of every step."""
        for i, step in enumerate(self.steps):
            if step.author:
                remedy = "let it write in a run of its own, and give its variants to the chain as a file: path=FILE"
                yield Problem(f"perturbation.steps[{i}]", f"a step of a chain cannot be {step.author}", remedy)
            for problem in step.problems():
                yield Problem(
                    problem.where.replace("perturbation", f"perturbation.steps[{i}]"), problem.what, problem.remedy
                )

    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Return the last step's text and the number of edits of all steps."""
        total = 0
        for step in self.steps:
            text, n_edits = step.edit(text, strength * step.strength, seed, item_id)
            total += n_edits
        return Edited(text, total)

    def system(self, strength: float, seed: int, item_id: str) -> str | None:
        """Return the last system prompt that a step sets."""
        prompts = [step.system(strength * step.strength, seed, item_id) for step in self.steps]
        return next((prompt for prompt in reversed(prompts) if prompt is not None), None)
