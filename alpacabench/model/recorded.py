"""Answers that exist already: an outputs file in alpaca_eval's format. No torch, no network."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from alpacabench.core.errors import DataError, Problem
from alpacabench.core.records import Example, Generation, Prompt, digest
from alpacabench.decoding import Decoding
from alpacabench.io.alike import differences
from alpacabench.io.rows import Row, read_rows, shorten, unique_instructions
from alpacabench.model.base import Model, Request
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import AnswerStore, Reply

log = logging.getLogger(__name__)

NAMED = 3
"""How many offending instructions a message names."""


class Recorded(Model):
    """An outputs file: rows with `instruction` and `output`; `generator` is optional."""

    sharding_modes: ClassVar[frozenset[str]] = frozenset(
        {"none", "data_parallel", "zero3", "tensor_parallel", "device_map"}
    )
    path: str
    allow_missing: bool | None = False

    @property
    def label(self) -> str:
        """The given name, else the file's generator where it has just one, else the file's stem."""
        generators = {str(row["generator"]) for row in self._rows().values() if row.get("generator")}
        return self.name or (generators.pop() if len(generators) == 1 else Path(self.path).name.split(".")[0])

    def problems(self) -> Iterator[Problem]:
        """Read the file: missing, broken, duplicate or textless rows are named."""
        try:
            self._rows()
        except DataError as error:
            where, _, what = str(error).partition(": ")
            yield Problem(where, what)

    def check_examples(self, examples: Sequence[Example]) -> Iterator[Problem]:
        """Refuse instructions that are not in the data set: they are answers to something else."""
        known = {example.instruction for example in examples}
        foreign = [row for instruction, row in self._rows().items() if instruction not in known]
        if foreign:
            alike = differences((row["instruction"] for row in foreign), known, "of its prompts")
            yield Problem(
                "model.path", f"{self.path} holds {len(foreign)} instructions that are not in the data set: "
                + _named((row["instruction"], row["row"]) for row in foreign)
                + (f" ({alike})" if alike else ""),
                "give the outputs of this data set's prompts, or choose the data set that they answer",
            )  # fmt: skip

    def identity(self) -> dict[str, Any]:
        """Return a digest of the instructions and outputs, wherever the file lies."""
        return {"backend": "recorded", "outputs": digest([[i, row["output"]] for i, row in self._rows().items()])}

    def ask(self, requests: list[Request], decoding: Decoding, sharding: Sharding) -> Iterable[Reply]:
        """Raise: recorded answers are looked up by `generate`, never asked for."""
        raise NotImplementedError("model=recorded overrides generate")

    def generate(
        self, prompts: Sequence[Prompt], decoding: Decoding, sharding: Sharding, store: AnswerStore
    ) -> list[Generation]:
        """Return the recorded answer of each prompt.

        Raises:
            DataError: an answer is missing and `model.allow_missing` is not true.

        """
        rows = self._rows()
        missing = [(p.example.instruction, p.example.index) for p in prompts if _output(rows, p) is None]
        if missing and not self.allow_missing:
            raise DataError(
                f"model.path: {self.path} has no answer to {len(missing)} of {len(prompts)} prompts: "
                f"{_named(missing, 'data set row')}\n"
                "    give a complete file, or set model.allow_missing=true to count them in n_failed"
            )
        changed = sum(not prompt.unchanged for prompt in prompts)
        if changed:
            log.warning("%d prompts are perturbed, but their answers are recorded: matched by the instruction", changed)
        label = self.label
        generations = []
        for prompt in prompts:
            text = _output(rows, prompt)
            state: dict[str, Any] = {} if text is not None else {"finish_reason": "error", "failure": "no answer"}
            generations.append(Generation(prompt=prompt, text=text, generator=label, **state))
        return generations

    def known(
        self, prompts: Sequence[Prompt], decoding: Decoding, store: AnswerStore
    ) -> tuple[list[Generation], list[Request]]:
        """Return every recorded answer: nothing is to be asked."""
        return self.generate(prompts, decoding, Sharding(), store), []

    def _rows(self) -> dict[str, Row]:
        path = Path(self.path).expanduser()
        return _read(self.path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _read(path: str, modified: int) -> dict[str, Row]:
    """Return the rows by instruction, each with its number."""
    rows = read_rows(path, "model.path")
    unique_instructions(rows, path, "model.path")
    checked = {}
    for number, row in enumerate(rows, start=1):
        if "output" not in row:
            keys = ", ".join(map(str, row))
            raise DataError(f"model.path: {path}, row {number}: no 'output'; this row's keys: {keys}")
        output = row["output"]
        if output is not None and not isinstance(output, str):
            raise DataError(f"model.path: {path}, row {number}: 'output' is {output!r}; a text or null is needed")
        checked[row["instruction"]] = row | {"output": output, "row": number}
    return checked


def _output(rows: dict[str, Row], prompt: Prompt) -> str | None:
    row = rows.get(prompt.example.instruction)
    return row["output"] if row else None


def _named(instructions: Iterable[tuple[str, int]], noun: str = "row") -> str:
    found = list(instructions)
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(f"{noun} {number} {shorten(text)}" for text, number in found[:NAMED]) + more
