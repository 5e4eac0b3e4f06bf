"""What a sandbox is asked for: limits in, a command line out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use."""

    seconds: float = 10.0
    """Wall time; the processor time of each of its processes is limited to the same, rounded up."""
    memory_mb: int = 1024
    """Address space of each of its processes, in MiB."""
    processes: int = 16
    """Processes and threads at once, its own included."""
    output_bytes: int = 65_536
    """Of standard output and error together; more ends the program."""
    files_mb: int = 16
    """What it may write in its own folder, in MiB; the folder is gone when it ends."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, and the program for its standard input or an open file."""

    arguments: list[str]
    descriptors: tuple[int, ...] = ()
    """Open files that the command inherits; closed once it has started."""
    standard_input: bytes = b""


class Sandbox(Protocol):
    """One way to run a program apart from the machine."""

    name: str

    def command(self, program: str, limits: Limits, name: str) -> Command:
        """Return the command that runs a Python program under the limits; `name` is unique among those that run."""

    def end(self, name: str) -> None:
        """End what killing the command would leave behind."""
