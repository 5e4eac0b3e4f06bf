"""The ways out to a reader: streams and log lines, without secrets and without control characters.

`guard()` stands before standard output and standard error of a command, so that nothing goes past it: prints, log
lines, warnings, Python's own tracebacks. Tables go through `security.console`.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TextIO

from alpacabench.core.printable import printable
from alpacabench.security.redact import redact

OWNER_ALONE = 0o077
"""What others may do with files that this process makes: nothing."""

_STEPS = re.compile(r"\n*(?:\x1b\[A)+")
_OVER = re.compile(r"(\r?)(.*?)(\r?)", re.DOTALL)
"""How tqdm goes from line to line, and writes a line over the line before."""


def shown(text: str) -> str:
    """Return the text as it may be shown: without secrets, and control characters as visible ones."""
    return printable(redact(text))


class Formatter(logging.Formatter):
    """Log lines as they may be shown, tracebacks included: named in conf/hydra/job_logging."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return shown(super().format(record))


class _Guarded:
    """A text stream that cleans what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream
        """Where rich writes: it makes escape sequences of its own, and `Console` cleans its texts."""

    def write(self, text: str) -> int:
        """Write the text as it may be shown; returns its length."""
        if not (_STEPS.fullmatch(text) and self.rich_proxied_file.isatty()):
            back = "\r" if self.rich_proxied_file.isatty() else "\n"
            before, line, after = _OVER.fullmatch(redact(text)).groups()  # type: ignore[union-attr]
            text = back * bool(before) + printable(line) + back * bool(after)
        return self.rich_proxied_file.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines as they may be shown."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def guard() -> None:
    """Clean all that this process shows, and let nobody but its owner read the files that it makes.

    Called where a process of ours starts; a second call changes nothing.
    """
    os.umask(os.umask(OWNER_ALONE) | OWNER_ALONE)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _Guarded):
            if isinstance(stream, io.TextIOWrapper):
                # A terminal without Unicode shows what it cannot as an escape, and the command goes on.
                stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, _Guarded(stream))
    sys.excepthook = _show_exception


def _show_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    # In one piece: Python itself writes it in parts, and a secret may stand across two of them.
    sys.stderr.write("".join(traceback.format_exception(kind, error, trace)))
