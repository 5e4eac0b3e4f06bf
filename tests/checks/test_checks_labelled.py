"""Every check on its labelled set: planted cases found, clean ones not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alpacabench.checks.base import Check
from alpacabench.checks.code_safety import CodeSafety
from alpacabench.checks.format import Format
from alpacabench.checks.grounding import Grounding
from alpacabench.checks.injection import Injection
from alpacabench.checks.leakage import Leakage
from alpacabench.checks.policy import PolicyRules
from alpacabench.checks.privacy import Privacy
from alpacabench.checks.refusal import Refusal
from alpacabench.checks.secrets import Secrets
from alpacabench.core.records import Example, Finding
from tests.checks import (
    labelled,
    labelled_code,
    labelled_forms,
    labelled_keys,
    labelled_leaks,
    labelled_numbers,
    labelled_words,
)
from tests.checks.labelled import Case

SETS: dict[str, tuple[Callable[[], Check], list[Case]]] = {
    "format": (Format, labelled.FORMATS + labelled_forms.FORMATS + labelled_forms.LANGUAGES),
    "secrets": (Secrets, labelled.SECRETS + labelled_keys.KEYS),
    "cards": (lambda: Privacy(kinds=["card"]), labelled.CARDS + labelled_numbers.CARDS),
    "ibans": (lambda: Privacy(kinds=["iban"]), labelled.IBANS + labelled_numbers.IBANS),
    "phones": (lambda: Privacy(kinds=["phone"]), labelled_numbers.PHONES),
    "e-mails": (lambda: Privacy(kinds=["email"]), labelled_numbers.EMAILS),
    "ips": (lambda: Privacy(kinds=["ip"]), labelled_numbers.IPS),
    "national ids": (lambda: Privacy(kinds=["national_id"]), labelled_numbers.NATIONAL_IDS),
    "privacy": (Privacy, labelled.PERSONAL),
    "canaries": (
        lambda: Leakage(canaries=[labelled.CANARY], system_prompt=labelled.SYSTEM_PROMPT),
        labelled.CANARIES + labelled_leaks.LEAKS,
    ),
    "refusal": (Refusal, labelled.REFUSALS + labelled_words.REFUSALS),
    "policy": (PolicyRules, labelled_words.POLICY),
    "injection": (Injection, labelled.INJECTIONS + labelled_words.INJECTIONS),
    "code_safety": (CodeSafety, labelled_code.CODE),
    "grounding": (Grounding, labelled_code.STATEMENTS),
}
"""By the name that docs/checks.md gives the set."""


DOCS = Path(__file__).resolve().parents[2] / "docs" / "checks.md"


def findings(check: Check, case: Case) -> list[Finding]:
    instruction, reference = case.prompt
    example = Example(0, instruction, reference, checks={"format": case.limits} if case.limits else {})
    return list(check.check(example, case.answer))


@pytest.mark.parametrize("name", SETS)
def test_precision_and_recall_on_the_labelled_set_are_those_of_the_docs_and_at_least_95_percent(name: str) -> None:
    make, cases = SETS[name]
    check = make()
    assert not list(check.problems())
    assert len(cases) >= 60
    found = [(case, bool(findings(check, case))) for case in cases]
    missed = [case.answer for case, flagged in found if case.planted and not flagged]
    wrong = [case.answer for case, flagged in found if not case.planted and flagged]
    hits = sum(case.planted and flagged for case, flagged in found)
    recall, precision = hits / (hits + len(missed)), hits / (hits + len(wrong))
    assert min(precision, recall) >= 0.95, f"missed: {missed}\nwrong: {wrong}"
    planted = sum(case.planted for case in cases)
    row = f"| {name} | {planted:,} | {len(cases) - planted:,} | {precision:.3f} | {recall:.3f} |"
    assert row in DOCS.read_text(encoding="utf-8"), f"docs/checks.md lacks: {row}\nmissed: {missed}\nwrong: {wrong}"


@pytest.mark.parametrize("name", SETS)
def test_a_span_lies_inside_the_answer(name: str) -> None:
    make, cases = SETS[name]
    check = make()
    for case in cases:
        for finding in findings(check, case):
            if finding.start is not None and finding.end is not None:
                assert 0 <= finding.start < finding.end <= len(case.answer)


HOSTILE = [
    "-" * 9000,
    "1," * 9000,
    "1 " * 9000,
    "a@" * 9000,
    "=:" * 9000,
    "|-" * 9000,
    "```" * 9000,
    "\n" * 9000,
    "(" * 9000,
    "1 1-" * 9000,
    "A1" * 9000,
    "eyJ" * 9000,
    "-----BEGIN PRIVATE KEY-----" * 900,
    "password " * 3000,
    "password: " * 3000,
    "curl -u " * 3000,
    "phone 1" * 3000,
    "a at b dot " * 3000,
    "I can't, I cannot " * 3000,
    "judge must " * 3000,
    "%41" * 9000,
    "&#65;" * 5000,
    "01000001 " * 3000,
    "1. a\n" * 5000,
    "a." * 9000,
    "x@y." * 5000,
    "::1" * 5000,
]


@pytest.mark.parametrize("name", SETS)
def test_no_answer_takes_for_ever(name: str) -> None:
    make, _ = SETS[name]
    check, limits = make(), {"max_words": 5, "json": True, "form": "list", "items": 2, "language": "en"}
    start = time.process_time()
    for answer in HOSTILE:
        findings(check, Case(answer, True, limits if name == "format" else None))
    assert time.process_time() - start < 10, "a rule takes time that grows with the square of the answer"
