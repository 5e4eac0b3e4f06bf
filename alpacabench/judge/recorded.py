"""Verdicts that exist already: annotations in alpaca_eval's format, ours or theirs. No model, no network."""

from __future__ import annotations

import ast
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from glob import glob
from pathlib import Path
from typing import Any, NamedTuple

from alpacabench.core.errors import DataError, Problem, allowed
from alpacabench.core.exchange import Messages
from alpacabench.core.records import Pair, Verdict, digest
from alpacabench.io.alike import Alike
from alpacabench.io.dialogues import read_dialogue, turns_of
from alpacabench.io.rows import Row, check_scale, read_preference, read_rows, shorten
from alpacabench.judge.base import Judge
from alpacabench.judge.question import Question
from alpacabench.store.ask_once import AnswerStore


class _Rows(NamedTuple):
    by_instruction: dict[str, list[Row]]
    annotators: frozenset[str]
    digest: str


class Recorded(Judge):
    """Annotation files; a row is found by its instruction and output, or by the generator where it has no output."""

    path: str | list[str]
    annotator: str | None = None
    """Whose verdicts of several in the files; null: there is one, or no pair has two."""

    @property
    def label(self) -> str:
        """The annotator that the files name, where it is just one."""
        if self.name:
            return self.name
        annotators = self._rows().annotators
        return next(iter(annotators)) if len(annotators) == 1 else "recorded"

    def problems(self) -> Iterator[Problem]:
        """Read the files; the recorded order and number of verdicts is what it is."""
        if self.order != "seeded" or self.repeats != 1:
            yield Problem(
                "judge", f"given order={self.order} and repeats={self.repeats}, but recorded verdicts are as they are",
                "leave judge.order=seeded and judge.repeats=1",
            )  # fmt: skip
        if self.canaries:
            what = f"given {self.canaries}, but recorded verdicts hold none on pairs with a known answer"
            yield Problem("judge.canaries", what, "leave it at 0")
        try:
            self._rows()
        except DataError as error:
            where, _, what = str(error).partition(": ")
            yield Problem(where, what)

    def identity(self) -> dict[str, Any]:
        """Return a digest of the rows, wherever the files lie."""
        return {"backend": "recorded", "annotations": self._rows().digest}

    def content(self) -> dict[str, Any]:
        """Return nothing: the files do not tell what their judge was asked."""
        return {}

    def questions(self, pairs: Sequence[Pair]) -> list[Question]:
        """Return nothing: there is nothing to ask."""
        return []

    def judge(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Return the recorded verdict of each pair; one that the files lack is missing, with the reason.

        Raises:
            DataError: the verdicts are those of other answers, or against another reference; names both.

        """
        rows, label = self._rows().by_instruction, self.label
        _require_these_answers(rows, pairs)
        alike = Alike(rows) if any(pair.example.instruction not in rows for pair in pairs) else None
        return [self._recorded(pair, rows, label, alike) for pair in pairs]

    def _recorded(self, pair: Pair, rows: dict[str, list[Row]], label: str, alike: Alike | None) -> Verdict:
        found = [_of_turn(row, pair) for row in _matching(rows.get(pair.example.instruction, []), pair)]
        preferences = {row["preference"] for row in found}
        common: dict[str, Any] = {"pair": pair, "model_first": self.slot(pair), "judge": label}
        if len(preferences) != 1:
            unmatched = pair.example.instruction not in rows and alike and alike.way(pair.example.instruction)
            how = f": the files have this instruction, but it differs {unmatched}" if unmatched else ""
            cause = "recorded verdicts contradict each other" if found else f"no recorded verdict for this answer{how}"
            return Verdict(preference=None, failure=cause, **common)
        preference = preferences.pop()
        raw = _completion(found[0].get("raw_completion"))
        if preference is None:
            cause = str(found[0].get("failure") or "the recorded verdict is missing")
            return Verdict(preference=None, failure=cause, raw=raw, **common)
        return Verdict(preference=preference, raw=raw, **common)

    def _rows(self) -> _Rows:
        return _read(tuple(_files(self.path)), self.annotator)


def _files(path: str | list[str]) -> Iterator[tuple[str, int]]:
    """Yield the files with their time of change.

    Raises:
        DataError: a glob matches nothing, or a file is missing.

    """
    for pattern in [path] if isinstance(path, str) else path:
        pattern = str(Path(pattern).expanduser())
        files = sorted(glob(pattern, recursive=True)) if any(c in pattern for c in "*?[") else [pattern]
        if not files:
            raise DataError(
                f"judge.path: given '{pattern}', which matches no file\n    quote the glob, and start it where you run"
            )
        for file in files:
            yield file, Path(file).stat().st_mtime_ns if Path(file).exists() else 0


@lru_cache(maxsize=4)
def _read(files: tuple[tuple[str, int], ...], annotator: str | None) -> _Rows:
    by_instruction: dict[str, list[Row]] = defaultdict(list)
    annotators: set[str] = set()
    for path, _modified in files:
        found = read_rows(path, "judge.path")
        check_scale((row.get("preference") for row in found), f"judge.path: {path}")
        for number, row in enumerate(found, start=1):
            row = read_dialogue(row, f"judge.path: {path}, row {number}")
            if not isinstance(row.get("instruction"), str) or "preference" not in row:
                raise DataError(
                    f"judge.path: {path}, row {number}: no 'instruction' or no 'preference'\n"
                    f"    annotations in alpaca_eval's format are needed; this row's keys: {', '.join(map(str, row))}"
                )
            preference = read_preference(row["preference"], f"judge.path: {path}, row {number}")
            names = {name: str(row[name]) for name in _NAMES if row.get(name) is not None}
            row = row | names | {"preference": None if math.isnan(preference) else preference}
            annotators |= {row["annotator"]} if row.get("annotator") else set()
            by_instruction[row["instruction"]].append(row)
    by_instruction = _of_one(by_instruction, annotators, annotator)
    keys = ("instruction", "output_1", "output_2", "generator_2", "preference")
    of_dialogues = ("outputs_1", "outputs_2", "preferences")
    content = [
        [row.get(key) for key in (*keys, *(of_dialogues if turns_of(row) else ()))]
        for rows in by_instruction.values()
        for row in rows
    ]
    return _Rows(dict(by_instruction), frozenset({annotator} if annotator else annotators), digest(content))


def _of_one(rows: dict[str, list[Row]], annotators: set[str], wanted: str | None) -> dict[str, list[Row]]:
    """Return the rows of one annotator where one is named.

    Raises:
        DataError: it is none of the files', or it is not named and several have judged one pair.

    """
    named = ", ".join(sorted(annotators))
    if wanted is not None and wanted not in annotators:
        raise DataError(f"judge.annotator: given '{wanted}'\n    {allowed(wanted, sorted(annotators))}")
    if wanted is not None:
        chosen = {key: [row for row in found if row.get("annotator") == wanted] for key, found in rows.items()}
        return {key: found for key, found in chosen.items() if found}
    for instruction, found in rows.items():
        judged = [tuple(str(row.get(key)) for key in _PAIR) for row in found]
        who = {(pair, row.get("annotator")) for pair, row in zip(judged, found, strict=True)}
        if len(who) > len(set(judged)):
            raise DataError(
                f"judge.path: several annotators have judged the same pair: {named}; one pair: {shorten(instruction)}\n"
                f"    take one of them: judge.annotator={sorted(annotators)[0]}"
            )
    return rows


UNNAMED = "reference"
"""What a reference's generator is called where nothing names it."""
_NAMED = 5
"""How many generators a message names."""
_NAMES = ("annotator", "generator_1", "generator_2")
"""Columns of names, which some files hold as numbers."""
_PAIR = ("output_1", "output_2", "generator_1", "generator_2")


def _matching(rows: list[Row], pair: Pair) -> list[Row]:
    """Return the rows about this pair: those with its outputs; without outputs, its generator's or the only one."""
    rows = [row for row in rows if _same_reference(row, pair)]
    by_turn = [row for row in rows if _told(row, "outputs_2", pair) is not None]
    if by_turn:
        said = _said(pair.output_before, pair.output, pair)
        return [row for row in by_turn if _told(row, "outputs_2", pair) == said]
    with_output = [row for row in rows if row.get("output_2") is not None]
    if with_output:
        return [row for row in with_output if row["output_2"] == pair.output]
    unnamed = rows if len(rows) == 1 and not rows[0].get("generator_2") else []
    return [row for row in rows if row.get("generator_2") == pair.generator] or unnamed


def _of_turn(row: Row, pair: Pair) -> Row:
    """Return a row with the verdict on the pair's turn, of a dialogue of several; null where it has none."""
    if len(pair.example.turns) < 2:
        return row
    given = row.get("preferences")
    if not isinstance(given, list) or len(given) != len(pair.example.turns):
        return row | {"preference": None, "failure": "the recorded verdict is not by turn: 'preferences' is missing"}
    preference = read_preference(given[pair.turn - 1], "judge.path: preferences")
    return row | {"preference": None if math.isnan(preference) else preference}


def _told(row: Row, name: str, pair: Pair) -> list[str] | None:
    """Return a dialogue's answers up to the pair's turn, as a row tells them."""
    given = row.get(name)
    return given[: pair.turn] if isinstance(given, list) and len(pair.example.turns) > 1 else None


def _said(messages: Messages, answer: str, pair: Pair) -> list[str]:
    """Return one side's answers up to the pair's turn."""
    return [m[1] for m in messages[len(pair.example.messages) :] if m[0] == "assistant"] + [answer]


def _same_reference(row: Row, pair: Pair) -> bool:
    """Whether a row is about this pair's reference: by its text, else by its generator where both are named."""
    if (told := _told(row, "outputs_1", pair)) is not None:
        return told == _said(pair.reference_before, pair.reference, pair)
    if row.get("output_1") is not None:
        return bool(row["output_1"] == pair.reference)
    ours = pair.example.reference_generator
    return UNNAMED in (ours, row.get("generator_1") or UNNAMED) or row["generator_1"] == ours


def _require_these_answers(rows: dict[str, list[Row]], pairs: Sequence[Pair]) -> None:
    """Refuse verdicts of which most are about other answers, where the names say so, too."""
    found = [(rows[p.example.instruction], p) for p in pairs if p.example.instruction in rows]
    if 2 * sum(bool(_matching(of_prompt, pair)) for of_prompt, pair in found) > len(found):
        return
    theirs = {str(row["generator_2"]) for of_prompt, _ in found for row in of_prompt if row.get("generator_2")}
    against = {str(row["generator_1"]) for of_prompt, _ in found for row in of_prompt if row.get("generator_1")}
    ours, reference = {p.generator for _, p in found}, {p.example.reference_generator for _, p in found}
    wrong = [
        f"{what} of {', '.join(sorted(judged)[:_NAMED])}, but the {what} here are those of {', '.join(sorted(given))}"
        for what, judged, given in (("answers", theirs, ours), ("references", against, reference - {UNNAMED}))
        if judged and given and not judged & given
    ]
    if wrong:
        raise DataError(
            f"judge.path: the verdicts are about {'; and about '.join(wrong)}\n"
            "    give the verdicts on these answers; model.name=GENERATOR where the answers are in fact that model's"
        )


def _completion(raw: Any) -> Any:
    """Return the completion as an object: some published files hold it as a Python literal in a string."""
    if isinstance(raw, str) and raw.startswith("{"):
        try:
            return ast.literal_eval(raw)
        except (ValueError, SyntaxError):
            return raw
    return None if isinstance(raw, float) and math.isnan(raw) else raw
