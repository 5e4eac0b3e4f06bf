"""Answers that exist already: an outputs file in alpaca_eval's format. No torch, no network."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from alpacabench.core.canonical import digest_rows
from alpacabench.core.errors import DataError, Problem, allowed
from alpacabench.core.exchange import Step
from alpacabench.core.records import Example, Generation, Prompt
from alpacabench.decoding import Decoding
from alpacabench.io.alike import differences
from alpacabench.io.dialogues import answers, by_prompt, names, read_dialogue, turns_of
from alpacabench.io.rows import Row, read_rows, shorten, unique_instructions
from alpacabench.model.base import Model
from alpacabench.model.request import Request
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
    generator: str | None = None
    """Whose answers of several in the file; null: there is one generator, or none is named."""

    @property
    def label(self) -> str:
        """The given name, else the file's generator, else the file's stem."""
        return self.name or self._written_by() or Path(self.path).name.split(".")[0]

    def _written_by(self) -> str:
        """Return the generator that the file names; empty where it names none."""
        return next((str(row["generator"]) for row in self._rows().values() if row.get("generator")), "")

    def problems(self) -> Iterator[Problem]:
        """Read the file: missing, broken, duplicate or textless rows are named."""
        try:
            self._rows()
        except DataError as error:
            where, _, what = str(error).partition(": ")
            yield Problem(where, what)

    def check_examples(self, examples: Sequence[Example]) -> Iterator[Problem]:
        """Refuse instructions that are not in the data set: they are answers to something else."""
        rows = self._rows()
        where = f"model.path: {self.path}"
        try:
            matched = by_prompt(((e.instruction, e.turns) for e in examples), rows, where)
            for e in examples:
                if e.turns and e.instruction in matched:
                    row = matched[e.instruction]
                    answers(row, len(e.turns), f"{where}, row {row['row']}")
        except DataError as error:
            key, _, what = str(error).partition(": ")
            yield Problem(key, what)
            return
        known = {row["instruction"] for row in matched.values()} | {example.instruction for example in examples}
        foreign = [row for instruction, row in rows.items() if instruction not in known]
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
        given = ([i, row.get("outputs") if turns_of(row) else row["output"]] for i, row in self._rows().items())
        return {"backend": "recorded", "outputs": digest_rows(given)}

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
        given = [_outputs(rows, prompt) for prompt in prompts]
        missing = [
            (p.example.instruction, p.example.index) for p, found in zip(prompts, given, strict=True) if None in found
        ]
        if missing and not self.allow_missing:
            raise DataError(
                f"model.path: {self.path} has no answer to {len(missing)} of {len(prompts)} prompts: "
                f"{_named(missing, 'data set row')}\n"
                "    give a complete file, or set model.allow_missing=true to count them in n_failed"
            )
        changed = sum(not prompt.unchanged for prompt in prompts)
        if changed:
            log.warning("%d prompts are perturbed, but their answers are recorded: matched by the instruction", changed)
        # Recorded verdicts are looked up by it: a name for display does not change who wrote the answers.
        writer = self._written_by() or self.label
        return [_recorded(prompt, found, writer) for prompt, found in zip(prompts, given, strict=True)]

    def known(
        self, prompts: Sequence[Prompt], decoding: Decoding, store: AnswerStore
    ) -> tuple[list[Generation], list[Request]]:
        """Return every recorded answer: nothing is to be asked."""
        return self.generate(prompts, decoding, Sharding(), store), []

    def _rows(self) -> dict[str, Row]:
        path = Path(self.path).expanduser()
        return _read(self.path, path.stat().st_mtime_ns if path.exists() else 0, self.generator)


@lru_cache(maxsize=4)
def _read(path: str, modified: int, generator: str | None) -> dict[str, Row]:
    """Return the rows of one generator by instruction, each with its number."""
    rows = enumerate(read_rows(path, "model.path"), start=1)
    dialogues = [(number, read_dialogue(row, f"model.path: {path}, row {number}")) for number, row in rows]
    numbered = _of_one(dialogues, path, generator)
    unique_instructions([row for _, row in numbered], path, "model.path")
    checked = {}
    for number, row in numbered:
        if "output" not in row and row.get("outputs") is None:
            keys = ", ".join(map(str, row))
            raise DataError(f"model.path: {path}, row {number}: no 'output'; this row's keys: {keys}")
        output = row.get("output")
        if output is not None and not isinstance(output, str):
            raise DataError(f"model.path: {path}, row {number}: 'output' is {output!r}; a text or null is needed")
        checked[row["instruction"]] = row | {"output": output, "row": number}
    return checked


def _of_one(rows: list[tuple[int, Row]], path: str, wanted: str | None) -> list[tuple[int, Row]]:
    """Return the rows of the generator that is named; all of them where they have just one.

    Raises:
        DataError: the file has several generators and none is named, or the named one is not in it.

    """
    known = sorted({str(row["generator"]) for _, row in rows if row.get("generator")})
    if wanted is not None and wanted not in known:
        raise DataError(f"model.generator: given '{wanted}', which {path} does not have\n    {allowed(wanted, known)}")
    if wanted is None and len(known) > 1:
        raise DataError(
            f"model.path: {path} holds the answers of {len(known)} generators: {', '.join(known[:NAMED])}"
            f"{', ...' if len(known) > NAMED else ''}\n    choose one of them: model.generator={known[0]}"
        )
    return rows if wanted is None else [(n, row) for n, row in rows if row.get("generator") == wanted]


def _outputs(rows: dict[str, Row], prompt: Prompt) -> tuple[str | None, ...]:
    """Return the recorded answer, of a dialogue one a turn; None where it is missing."""
    example = prompt.example
    row = next((rows[name] for name in names(example.instruction, example.turns) if name in rows), None)
    if not example.turns:
        return (row["output"] if row else None,)
    return answers(row or {}, len(example.turns), f"model.path: row {row['row'] if row else 0}")


def _recorded(prompt: Prompt, given: tuple[str | None, ...], writer: str) -> Generation:
    if None in given:
        return Generation(prompt, None, "error", failure="no answer", generator=writer)
    texts = [text or "" for text in given]
    turns = enumerate(zip(prompt.example.turns, texts, strict=False), start=1)
    steps = tuple(Step((("user", asked),), text, turn) for turn, (asked, text) in turns)
    return Generation(prompt, texts[-1], generator=writer, steps=steps)


def _named(instructions: Iterable[tuple[str, int]], noun: str = "row") -> str:
    found = list(instructions)
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(f"{noun} {number} {shorten(text)}" for text, number in found[:NAMED]) + more
