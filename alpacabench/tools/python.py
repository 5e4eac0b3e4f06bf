"""Python, run in the sandbox of the checks; without one the tool is refused."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from alpacabench.core.errors import Problem
from alpacabench.sandbox.command import Limits
from alpacabench.sandbox.program import open_sandbox, run, sandbox_problem
from alpacabench.tools.base import Row, Tool, ToolError

WORDS = {
    "error": "it ended with an error", "time": "it did not end in time", "memory": "it needs more memory than allowed",
    "output": "it prints without end", "processes": "it starts more processes than allowed", "crash": "it crashed",
}  # fmt: skip
LAST_CHARACTERS = 2_000
"""Of what a program that failed has printed."""


class Python(Tool):
    """Runs a program under bubblewrap or Docker: no network, no file of the host, limits on all it uses."""

    name: ClassVar[str] = "python"
    description: ClassVar[str] = (
        "Run a Python program and return what it prints. Only the standard library is there; nothing is kept between "
        "programs."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"code": {"type": "string", "description": "the program; print what you want to know"}},
        "required": ["code"],
        "additionalProperties": False,
    }

    seconds: float = Field(10.0, gt=0, le=600)
    """Wall and processor time of one program."""
    memory_mb: int = Field(1024, ge=64)
    processes: int = Field(16, ge=1, le=1024)
    docker_image: str | None = None
    """Used where bubblewrap is absent; it must be present already."""

    def problems(self) -> Iterator[Problem]:
        """Yield that no sandbox works here."""
        yield from super().problems()
        if problem := sandbox_problem("tools.python", self.docker_image):
            yield problem

    def call(self, arguments: dict[str, Any], row: Row) -> str:
        """Return what the program prints.

        Raises:
            ToolError: it failed, or met a limit; with the last that it printed.

        """
        sandbox = open_sandbox(self.docker_image)
        limits = Limits(self.seconds, self.memory_mb, self.processes)
        ran = run(sandbox, arguments["code"], limits, secrets.token_hex(8))
        if ran.ended != "ok":
            raise ToolError(f"{WORDS[ran.ended]}\n{ran.output[-LAST_CHARACTERS:]}".rstrip())
        return ran.output
