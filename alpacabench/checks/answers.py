"""Check every answer of a run, each distinct one once: what was found before is read from the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from alpacabench.checks.base import Check, Question
from alpacabench.core.errors import Problem
from alpacabench.core.records import NO_ANSWER, Checked, Example, Finding, Outcome
from alpacabench.store.ask_once import AnswerStore, Reply, ask_once


def limit_problems(checks: Mapping[str, Check], examples: Sequence[Example], file: str) -> Iterator[Problem]:
    """Yield what rows of the data set's file ask of a check that it does not know, by row number."""
    for example in examples:
        for name, check in checks.items():
            try:
                check.limits(example, name)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(["checks", name, *map(str, first["loc"])])
                at = f"dataset.path: {file}, row {example.index + 1}: {where}"
                given = f"given {str(first['input'])[:100]!r}: " if first["loc"] else ""
                yield Problem(at, given + first["msg"], "see docs/checks.md")


def check_answers(checks: Mapping[str, Check], outcomes: Sequence[Outcome], store: AnswerStore) -> list[Outcome]:
    """Return the outcomes with what each check found in each answer to which it applies.

    A check that fails on an answer says so there; it ends neither the others nor the run, and is made again next time.
    """
    if not checks:
        return list(outcomes)
    asked = {
        (outcome.example.index, name, generation.sample): Question(
            check.key(outcome.example, name, generation.text), check, outcome.example, generation.text
        )
        for outcome in outcomes
        for name, check in checks.items()
        if check.applies(outcome.example)
        for generation in outcome.generations
        if generation.text is not None
    }
    answers = ask_once(store, "check", {question.key: question for question in asked.values()}, _check_all)
    found: dict[int, list[Checked]] = {
        outcome.example.index: [
            Checked(name, generation.sample, failure=NO_ANSWER)
            for name, check in checks.items()
            if check.applies(outcome.example)
            for generation in outcome.generations
            if generation.text is None
        ]
        for outcome in outcomes
    }
    for (index, name, sample), question in asked.items():
        payload, failed = answers.payloads.get(question.key), answers.failures.get(question.key)
        found[index].append(
            Checked(
                check=name,
                sample=sample,
                findings=tuple(Finding(**finding) for finding in payload["findings"]) if payload else (),
                failure=None if payload else (failed.failure if failed else "no reply"),
                masked=question.check.masked,
                cached=payload is not None and question.key not in answers.asked,
                key=question.key,
                cost_usd=(payload or _detail(failed)).get("cost_usd", 0.0),
            )
        )
    return [replace(outcome, checked=tuple(found[outcome.example.index])) for outcome in outcomes]


def _detail(failed: Reply | None) -> dict[str, Any]:
    """Return what is known of a failure: what was paid for a reply that could not be read was paid."""
    return failed.detail if failed and isinstance(failed.detail, dict) else {}


def _check_all(questions: list[Question]) -> Iterator[Reply]:
    theirs: dict[int, list[Question]] = defaultdict(list)
    for question in questions:
        theirs[id(question.check)].append(question)
    for asked in theirs.values():
        replies = asked[0].check.ask(asked)
        yield from _check_each(asked) if replies is None else replies


def _check_each(questions: list[Question]) -> Iterator[Reply]:
    for question in questions:
        try:
            findings = [
                _plain(finding, question) for finding in question.check.check(question.example, question.answer)
            ]
        # A stranger's check may raise anything; so may a library on an answer that nobody foresaw.
        except Exception as error:
            yield Reply(question.key, failure=f"{type(question.check).__name__}: {type(error).__name__}: {error}")
        else:
            yield Reply(question.key, {"findings": findings})


def _plain(finding: object, question: Question) -> dict[str, Any]:
    """Return a finding as the store keeps it.

    Raises:
        TypeError, ValueError: it is none, or its span lies outside the answer.

    """
    if not isinstance(finding, Finding):
        raise TypeError(f"check yields {finding!r:.100}, not a Finding")
    if finding.start is not None and not 0 <= finding.start <= (finding.end or 0) <= len(question.answer):
        raise ValueError(
            f"the span {finding.start} to {finding.end} is not in the answer ({len(question.answer)} long)"
        )
    return {"rule": finding.rule, "message": finding.message, "start": finding.start, "end": finding.end}
