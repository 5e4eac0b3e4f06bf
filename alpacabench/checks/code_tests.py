"""Whether an answer's code passes its row's tests, run in a sandbox: pass rate, and pass@k from several samples.

{"instruction": ..., "checks": {"code_tests": {"prompt": "def add(a, b):", "tests": "assert add(1, 2) == 3",
"entry_point": "add"}}}
"""

from __future__ import annotations

import re
import secrets
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from alpacabench.checks.base import Check
from alpacabench.checks.code import blocks
from alpacabench.core.errors import Problem
from alpacabench.core.records import Example, Finding
from alpacabench.sandbox.command import Limits, Sandbox
from alpacabench.sandbox.program import Ran, open_sandbox, run, sandbox_problem

WORDS = {
    "error": "the tests fail", "time": "does not end in time", "memory": "needs more memory than allowed",
    "output": "prints without end", "processes": "starts more processes than allowed", "crash": "crashes",
    "ok": "ends before the tests do",
}  # fmt: skip


class Tests(BaseModel):
    """What one row asks of its answer's code."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    tests: str
    """Python that raises where the code is wrong; it runs after the code, in the same module."""
    prompt: str = ""
    """Code that stands before an answer which only continues it; where the answer defines the entry point itself, only
    what comes before the entry point's own definition is kept (imports, helpers)."""
    entry_point: str | None = None
    """The function that the tests call."""


class CodeTests(Check):
    """Runs each answer's code against its row's tests; without a sandbox the check is refused."""

    seconds: float = Field(10.0, gt=0, le=600)
    """Wall and processor time of one program."""
    memory_mb: int = Field(1024, ge=64)
    processes: int = Field(16, ge=1, le=1024)
    docker_image: str | None = None
    """Used where bubblewrap is absent; it must be present already."""
    k: int | None = Field(None, ge=1)
    """Of pass@k; null is decoding.n."""

    def problems(self) -> Iterator[Problem]:
        """Yield that no sandbox works here."""
        if problem := sandbox_problem("checks.code_tests", self.docker_image):
            yield problem

    def applies(self, example: Example) -> bool:
        """Return whether the row has tests."""
        return bool(example.checks.get("code_tests"))

    def limits(self, example: Example, name: str = "code_tests") -> Mapping[str, Any]:
        """Return the row's tests.

        Raises:
            pydantic.ValidationError: a key is missing or unknown.

        """
        given = example.checks.get(name) or {}
        Tests.model_validate(given)
        return given

    def identity(self) -> Mapping[str, Any]:
        """Return the limits of a program; which k is estimated changes no finding."""
        return self.model_dump(mode="json", exclude={"k"})

    def units(self) -> Mapping[str, str]:
        """Return the names of the check's figures."""
        return {"pass_rate": "%", "pass_at_k": "share"}

    def figures(self, passed: Sequence[tuple[int, int]]) -> Mapping[str, float]:
        """Return the share of samples that pass in per cent, the mean over prompts, and pass@k in [0, 1].

        A prompt with fewer than k samples is in the first alone.
        """
        if not passed:
            return {}
        found = {"pass_rate": sum(c / n for c, n in passed) / len(passed) * 100}
        k = self.k or max(n for _, n in passed)
        enough = [pass_at_k([c], n, k) for c, n in passed if n >= k]
        return found | ({"pass_at_k": sum(enough) / len(enough)} if enough else {})

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield one finding where the tests do not pass."""
        asked = Tests.model_validate(example.checks["code_tests"])
        # The mark is printed after the last test: a program that ends itself before that has not passed.
        mark = secrets.token_hex(16)
        ran = self._run(f"{program(answer, asked)}\n\nprint({mark!r})\n")
        if ran.ended != "ok" or mark not in ran.output:
            last = ran.output.replace(mark, "").strip().rpartition("\n")[2][:200]
            yield Finding(ran.ended if ran.ended != "ok" else "ended_early", f"{WORDS[ran.ended]}: {last}".rstrip(": "))

    def _run(self, text: str) -> Ran:
        limits = Limits(self.seconds, self.memory_mb, self.processes)
        return run(self._sandbox(), text, limits, secrets.token_hex(8))

    def _sandbox(self) -> Sandbox:
        return open_sandbox(self.docker_image)


def program(answer: str, asked: Tests) -> str:
    """Return the program: the answer's code, completed by the prompt's where it only continues it, and the tests."""
    found = [block.text for block in blocks(answer, "python")]
    defines = (
        re.compile(rf"^(?:async )?def {re.escape(asked.entry_point)}\b", re.MULTILINE) if asked.entry_point else None
    )
    if defines:
        # A block in a list is indented as a whole.
        level = [textwrap.dedent(text) for text in found]
        found = [flat if defines.search(flat) else text for flat, text in zip(level, found, strict=True)]
        whole = [text for text in found if defines.search(text)]
        if whole:
            # Later blocks show how to use it; the first that defines it is the answer.
            at = found.index(whole[0])
            head = asked.prompt[: match.start()] if (match := defines.search(asked.prompt)) else asked.prompt
            return "\n".join([head, *found[:at], whole[0], asked.tests])
    body = found[0] if found else answer
    return f"{asked.prompt}{body}\n{asked.tests}"


def pass_at_k(passed: Sequence[int], n: int, k: int) -> float:
    """Return the unbiased estimate of pass@k, in [0, 1]: the mean over prompts of 1 - C(n - c, k) / C(n, k).

    Chen et al., Evaluating Large Language Models Trained on Code (arXiv 2107.03374), equation 1.

    Args:
        passed: for each prompt, how many of its samples pass (c).
        n: samples of each prompt.
        k: how many of them may be tried; at most n.

    """
    from math import comb

    return sum(1 - comb(n - c, k) / comb(n, k) for c in passed) / len(passed)
