"""MT-Bench's way of comparing two conversations, in a prompt of our own."""

from __future__ import annotations

from alpacabench.core.records import Pair
from alpacabench.judge.written import WrittenJudge

GUIDE = (
    "\n\nA trusted solution, for you to check the answers against; neither has to say it in the same way:\n\n{solution}"
)
"""Behind the instruction, where the data set knows right answers: to reasoning, math and coding."""


class MtBenchJudge(WrittenJudge):
    """A written judge that is guided by the data set's solutions, as in Zheng et al. (arXiv 2306.05685)."""

    def texts(self, pair: Pair) -> tuple[str, str, str]:
        """Return the texts, with the solutions up to the turn; not where they are what the answer is compared with."""
        instruction, reference, output = super().texts(pair)
        example = pair.example
        if not example.solutions or example.solutions == example.references:
            return instruction, reference, output
        known = example.solutions[: pair.turn]
        solution = known[0] if pair.turn == 1 else "\n\n".join(f"Turn {n}: {text}" for n, text in enumerate(known, 1))
        return instruction + GUIDE.replace("{solution}", solution), reference, output
