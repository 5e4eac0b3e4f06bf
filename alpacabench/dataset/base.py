"""The contract of the dataset group, and data sets that are files of rows."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from alpacabench.core.canonical import digest_rows
from alpacabench.core.component import Component
from alpacabench.core.errors import DataError, Problem
from alpacabench.core.records import Example
from alpacabench.dataset.for_tools import for_tools
from alpacabench.dataset.taxonomy import Taxonomy, read_taxonomy
from alpacabench.io.alike import differences
from alpacabench.io.dialogues import answers, by_prompt, read_dialogue, turns_of
from alpacabench.io.json_text import loads
from alpacabench.io.rows import Row, missing_file, read_rows, shorten, unique_instructions

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parent


class Dataset(Component):
    """Base of all data sets: rows of `instruction`, `output` (the reference), `dataset` (source), `category`."""

    group: ClassVar[str] = "dataset"
    shared_keys: ClassVar[frozenset[str]] = frozenset(
        {"path", "reference", "taxonomy", "name", "licence", "source_url", "has_difficulty", "content_digest"}
    )

    how_to_refer: ClassVar[str] = "give each row an 'output', or a file of them by dataset.reference=FILE"
    """What to do about prompts without a reference answer."""

    path: str | None = None
    """A local file of rows."""
    reference: str | None = None
    """A file of reference outputs that replaces the rows' own."""
    name: str = "custom"
    licence: str = "unknown"
    source_url: str = ""
    has_difficulty: bool = False
    """Whether alpaca_eval's published difficulties are of these instructions, in this order."""
    content_digest: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """SHA-256 of the canonical (instruction, output) rows, in order; other rows fail the run. Null checks nothing."""
    taxonomy: str | None = None
    """A YAML file of category rules for rows without a category; null is the one that ships."""

    @property
    def known_reference(self) -> str | None:
        """Generator of the reference outputs, where it is known before any file is read."""
        return None

    def problems(self) -> Iterator[Problem]:
        """Yield missing files."""
        for key, path in (("path", self.path), ("reference", self.reference), ("taxonomy", self.taxonomy)):
            if path:
                yield from missing_file(path, f"dataset.{key}")
        if self.taxonomy and Path(self.taxonomy).expanduser().is_file():
            try:
                read_taxonomy(self.taxonomy)
            except DataError as error:
                yield Problem("dataset.taxonomy", str(error).removeprefix("dataset.taxonomy: "))

    @abstractmethod
    def rows(self) -> tuple[list[Row], str]:
        """Return the raw rows and the name of the file that they came from.

        Raises:
            DataError: the file cannot be used.

        """

    def load(self) -> list[Example]:
        """Return all examples, in the file's order; `index` is the row number from 0.

        Raises:
            DataError: names the file and the row.

        """
        rows, path = self.rows()
        if not rows:
            raise DataError(f"dataset.path: {path} holds no rows; at least one prompt is needed")
        rows = [read_dialogue(row, f"dataset.path: {path}, row {n}") for n, row in enumerate(rows, start=1)]
        unique_instructions(rows, path, "dataset.path")
        whole_prompts(rows, f"dataset.path: {path}")
        if self.path:
            _tell_unsent(rows, path)
        self._pinned(rows, path)
        references = self._references(rows, path)
        taxonomy = read_taxonomy(self.taxonomy)
        return [_example(index, row, references, taxonomy, path) for index, row in enumerate(rows)]

    def _pinned(self, rows: list[Row], path: str) -> None:
        if not self.content_digest:
            return
        found = digest_rows([row.get("instruction"), self._own_reference(row, path)] for row in rows)
        if found != self.content_digest:
            raise DataError(
                f"dataset.path: {path} does not hold the pinned rows of {self.name}: digest {found}, "
                f"expected {self.content_digest} ({len(rows)} rows)\n"
                "    use the original file, or pin what it holds now: dataset.content_digest=..., null checks nothing"
            )

    def _own_reference(self, row: Row, path: str) -> str | list[str | None] | None:
        if turns := turns_of(row):
            return list(answers(row, len(turns), f"dataset.path: {path}"))
        text = row.get("output")
        return None if self.empty_is_missing and isinstance(text, str) and not text.strip() else text

    def _references(self, rows: list[Row], path: str) -> dict[str, Row]:
        """Return the row that holds the reference output, by instruction."""
        if not self.reference:
            return {
                row["instruction"]: _with_answers(row, row, f"dataset.path: {path}, row {n}")
                for n, row in _numbered(rows)
            }
        where = f"dataset.reference: {self.reference}"
        outputs = [
            read_dialogue(row, f"{where}, row {n}")
            for n, row in _numbered(read_rows(self.reference, "dataset.reference"))
        ]
        unique_instructions(outputs, self.reference, "dataset.reference")
        by_name = {row["instruction"]: row | {"number": n} for n, row in _numbered(outputs)}
        matched = by_prompt(((row["instruction"], turns_of(row)) for row in rows), by_name, where)
        own = {row["instruction"]: row for row in rows}
        found = {text: _with_answers(row, own[text], f"{where}, row {row['number']}") for text, row in matched.items()}
        if not found:
            wanted = set(own)
            alike = differences((row["instruction"] for row in outputs), wanted, "of the prompts")
            raise DataError(
                f"dataset.reference: {self.reference} answers none of the {len(wanted)} prompts"
                + (f" ({alike})\n" if alike else "\n")
                + "    its rows need the same 'instruction' texts, and an 'output' each"
            )
        empty = sum("" in row["outputs"] for row in found.values())
        if empty:
            log.warning("%d of %d reference answers are empty; they are judged as they are", empty, len(found))
        return found

    @property
    def empty_is_missing(self) -> bool:
        """Whether an empty reference is a gap, against which anything would win, and no generator's answer."""
        return False


PARTS = (
    "input", "inputs", "context", "passage", "document", "article", "history", "system", "system_prompt",
    "conversation", "conversations", "question", "choices", "options", "few_shot", "image", "images",
    "knowledge", "background", "passages", "evidence", "facts", "premise", "hypothesis", "story", "snippet",
    "chat_history", "dialog", "dialogue", "system_message", "user_input", "source_text", "input_text",
    "prompt", "query", "examples", "demonstrations", "shots", "audio", "video", "image_url", "image_path",
    "attachments",
)  # fmt: skip
"""Columns with which other data sets hold a part of the prompt beside its `instruction`."""
NOT_SENT = frozenset({
    "instruction", "output", "outputs", "messages", "turns", "checks", "results", "dataset", "source", "category",
    "licence", "license", "generator", "id", "item_id", "idx", "index", "number", "name", "row", "split", "datasplit",
    "language", "lang", "difficulty", "annotator", "preference", "raw_completion", "price_per_example",
    "time_per_example", "output_1", "output_2", "generator_1", "generator_2", "tools", "documents", "tables",
    "expected", "",
})  # fmt: skip
"""Columns of which nobody expects that the model is shown them as they stand."""


def whole_prompts(rows: Sequence[Row], file: str) -> None:
    """Check that no prompt has a part outside its instruction, which no model would be shown.

    Raises:
        DataError: names the column and the first row.

    """
    for number, row in enumerate(rows, start=1):
        part = next((name for name in row if str(name).lower() in PARTS and row[name] not in (None, "", [], {})), None)
        if part and row[part] != row.get("instruction"):
            raise DataError(
                f"{file}, row {number}: the column '{part}' holds a part of the prompt, but only 'instruction' "
                f"is sent: {shorten(str(row[part]))}\n"
                f"    write it into the instruction (alpaca: instruction, a blank line, {part}), or remove the column"
            )


def _tell_unsent(rows: Sequence[Row], path: str) -> None:
    """Warn of columns of text, alone or in lists and objects, that may be meant for the model."""
    text = (str, list, dict)
    others = sorted({str(name) for row in rows for name, value in row.items() if isinstance(value, text)} - NOT_SENT)
    if others:
        said = "dataset.path: %s: only 'instruction' is sent to the model, not the columns: %s"
        log.warning(said, path, ", ".join(others)[:300])


def _numbered(rows: Iterable[Row]) -> Iterable[tuple[int, Row]]:
    return enumerate(rows, start=1)


def _with_answers(row: Row, prompt: Row, where: str) -> Row:
    """Return a row with its answers to a prompt, one a turn, under `outputs`; of a dialogue that lacks any none."""
    if turns := turns_of(prompt):
        found = answers(row, len(turns), where)
        return (
            row | {"outputs": found, "output": found[-1]}
            if None not in found
            else row | {"outputs": (), "output": None}
        )
    output = row.get("output")
    if output is not None and not isinstance(output, str):
        raise DataError(
            f"{where}: 'output' is a {type(output).__name__}: {shorten(str(output))}\n"
            "    give the reference answer as text"
        )
    return row | {"outputs": (output,)}


def _example(index: int, row: Row, references: dict[str, Row], taxonomy: Taxonomy, path: str) -> Example:
    reference, turns = references.get(row["instruction"], {}), turns_of(row)
    return Example(
        index=index,
        instruction=row["instruction"],
        reference=reference.get("output"),
        source=str(row.get("dataset") or row.get("source") or ""),
        category=str(row.get("category") or taxonomy.label(row["instruction"])),
        reference_generator=str(reference.get("generator") or "reference"),
        licence=str(row.get("licence") or row.get("license") or ""),
        checks=_limits(row, f"dataset.path: {path}, row {index + 1}"),
        messages=row["messages"] if turns else (),
        turns=turns,
        references=reference.get("outputs", ()) if turns else (),
        solutions=tuple(row.get("solutions") or ()) if turns else (),
        row=for_tools(row),
    )


def _limits(row: Row, where: str) -> dict[str, Any]:
    """Return what the row asks of checks on its answer; in a table's cell the object stands as JSON text."""
    given = row.get("checks")
    if given is None or given == "":
        return {}
    try:
        limits = loads(given) if isinstance(given, str) else given
    except ValueError:
        limits = given
    if not isinstance(limits, dict) or not all(isinstance(value, dict) for value in limits.values()):
        raise DataError(
            f"{where}: 'checks' is {shorten(str(given))}\n"
            '    give an object by check, such as {"format": {"max_words": 50}}'
        )
    return limits


class RowFile(Dataset):
    """Any json, jsonl or csv file of prompts; the demo data is one inside the package."""

    packaged: str | None = None
    """A file inside the package, used where `dataset.path` is null."""

    def problems(self) -> Iterator[Problem]:
        """Yield a missing path."""
        if not self.path and not self.packaged:
            yield Problem(
                "dataset.path",
                "missing",
                "give a .json, .jsonl or .csv file whose rows have 'instruction' and 'output'",
            )
        yield from super().problems()

    def rows(self) -> tuple[list[Row], str]:
        """Return the rows of the file."""
        path = self.path or str(PACKAGE / str(self.packaged))
        return read_rows(path, "dataset.path"), path

    @property
    def empty_is_missing(self) -> bool:
        """Whether the references are those of a file of one's own; those of `dataset.reference` are a generator's."""
        return not self.reference


def rows_digest(examples: list[Example]) -> str:
    """Return the digest of the canonical (instruction, output) rows, in order; of a dialogue all outputs in a list."""
    return digest_rows([e.instruction, list(e.references) if e.references else e.reference] for e in examples)


def card(dataset: Dataset, examples: list[Example]) -> dict[str, Any]:
    """Return what a data set card needs: name, licence, source, rows and digest."""
    return {
        "name": dataset.name,
        "licence": dataset.licence,
        "source": dataset.path or dataset.source_url or "package",
        "rows": len(examples),
        "digest": rows_digest(examples),
    }
